//! Details beside the conversation.

use ratatui::layout::Rect;
use session_api::params::NetworkState;

use super::{Canvas, page};
use crate::look::Role;
use crate::state::State;
use crate::state::page::PageLine;
use crate::text::{Piece, wrap};

pub(super) fn draw(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(chat) = state.chat() else { return };
    let inner = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let is_note = state.desk().is_some_and(|desk| desk.own == chat.id);
    let name = if is_note {
        "Note to Self".to_owned()
    } else {
        state.name(chat.id)
    };
    let mut lines: Vec<PageLine> = vec![vec![(Role::Strong, name)], Vec::new()];
    lines.extend(state.person_lines(chat.id));
    lines.push(Vec::new());
    lines.push(vec![(Role::Accent, "Path".to_owned())]);
    lines.extend(path(state));
    let mut row = 0;
    for line in &lines {
        let pieces: Vec<Piece> = page::pieces(state, line);
        for shown in wrap(&pieces, usize::from(inner.width)) {
            canvas.line(inner, row, &shown);
            row += 1;
        }
    }
}

/// The way of what is sent, in short.
fn path(state: &State) -> Vec<PageLine> {
    let Some(desk) = state.desk() else {
        return Vec::new();
    };
    match &desk.network {
        Some(NetworkState::Connected { guard, middle, .. }) => {
            let middle = middle
                .as_ref()
                .map_or("another node", |node| node.ip.as_str());
            vec![
                vec![(Role::Text, format!("You > Guard {}", guard.ip))],
                vec![(Role::Text, format!("    > Middle {middle}"))],
                vec![(Role::Text, "    > Exit > Swarm".to_owned())],
            ]
        }
        _ => vec![vec![(Role::Text, state.network_words(desk))]],
    }
}
