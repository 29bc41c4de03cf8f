//! The list of conversations.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use session_core::view::{ConversationItem, Delivery, LastMessage, RequestState, ShownKind};

use super::Canvas;
use crate::look::Role;
use crate::state::desk::{Desk, Row};
use crate::state::{Pane, State};
use crate::text::{cut, fill, one_line, width};
use crate::time;

pub(super) fn draw(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(desk) = state.desk() else { return };
    let rows = desk.rows();
    if rows.is_empty() {
        return empty(state, canvas, area);
    }
    let height = |row: &Row| if *row == Row::Requests { 1 } else { 2 };
    let at = desk.row_index();
    let room = usize::from(area.height);
    // The row the keys are at is seen, with as much as possible before it.
    let mut first = at;
    let mut used: usize = rows.get(at).map_or(0, height);
    while let Some(above) = first.checked_sub(1) {
        let lines = rows.get(above).map_or(0, height);
        if used + lines > room {
            break;
        }
        used += lines;
        first = above;
    }
    let mut y = 0;
    for (index, row) in rows.iter().enumerate().skip(first) {
        if y >= area.height {
            break;
        }
        let is_at = index == at && state.pane == Pane::List;
        let lines = match row {
            Row::Chat(id) => match desk.conversation(*id) {
                Some(item) => chat(state, desk, item, usize::from(area.width), is_at),
                None => Vec::new(),
            },
            _ => vec![requests(state, desk, usize::from(area.width))],
        };
        for line in &lines {
            let place = Rect {
                y: area.y + y,
                height: 1,
                ..area
            };
            if y < area.height {
                canvas.line(place, 0, line);
                let selected = state.look.style(Role::Selected);
                let is_open = desk
                    .chat
                    .as_ref()
                    .is_some_and(|chat| *row == Row::Chat(chat.id));
                if is_at || (is_open && selected.bg.is_some()) {
                    canvas.cells.set_style(place, selected);
                }
            }
            y += 1;
        }
        if is_at {
            let row = y.saturating_sub(u16::try_from(lines.len()).unwrap_or(1));
            canvas.cursor_at(area, 1, usize::from(row));
        }
    }
}

fn empty(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    use crate::keys::Command as C;
    let faint = state.look.style(Role::Faint);
    let lines = [
        "No conversations yet.".to_owned(),
        String::new(),
        format!("{} write to somebody", state.keys.hint(C::New)),
        format!("{} your Account ID", state.keys.hint(C::Settings)),
        format!("{} help", state.keys.hint(C::HelpHere)),
    ];
    for (row, text) in (1..).zip(lines) {
        let text = cut(
            &text,
            usize::from(area.width).saturating_sub(2),
            state.look.signs.more,
        );
        canvas.text(area, row, &format!(" {text}"), faint);
    }
}

fn requests(state: &State, desk: &Desk, columns: usize) -> Line<'static> {
    let count = desk.requests.items.len();
    let text = if count == 1 {
        "1 message request".to_owned()
    } else {
        format!("{count} message requests")
    };
    let room = columns.saturating_sub(5);
    Line::from(vec![
        Span::raw("   "),
        Span::styled(
            fill(&text, room, state.look.signs.more),
            state.look.style(Role::Accent),
        ),
        Span::styled("> ", state.look.style(Role::Faint)),
    ])
}

/// Two lines: who and when, and what was said last.
fn chat(
    state: &State,
    desk: &Desk,
    item: &ConversationItem,
    columns: usize,
    is_at: bool,
) -> Vec<Line<'static>> {
    let signs = state.look.signs;
    let faint = state.look.style(Role::Faint);
    let is_open = desk.chat.as_ref().is_some_and(|chat| chat.id == item.id);
    let is_unread = item.unread > 0 || item.marked_unread;
    let mark = if is_at || is_open { ">" } else { " " };
    let badge = badge(item);
    let badge_style = if item.muted {
        faint
    } else {
        state.look.style(Role::Accent)
    };
    let mut flags = String::new();
    if item.muted {
        flags.push_str(signs.muted);
    }
    if item.pinned {
        flags.push_str(signs.pin);
    }
    let when = if item.last.is_some() {
        time::short(item.time, state.now, &state.zone)
    } else {
        String::new()
    };
    // With little room the time gives way to the badge.
    let is_wide = columns >= 30;
    let mut right: Vec<Span<'static>> = Vec::new();
    if !flags.is_empty() {
        right.push(Span::styled(format!(" {flags}"), faint));
    }
    if (is_wide || badge.is_empty()) && !when.is_empty() {
        right.push(Span::styled(format!(" {when}"), faint));
    }
    if !badge.is_empty() {
        right.push(Span::styled(format!(" {badge}"), badge_style));
    }
    right.push(Span::raw(" "));
    let right_width: usize = right.iter().map(|span| width(&span.content)).sum();
    let room = columns.saturating_sub(3 + right_width);
    let name_style = if is_unread {
        state.look.style(Role::Strong)
    } else {
        Style::new()
    };
    let mut first = vec![
        Span::styled(format!(" {mark} "), state.look.style(Role::Accent)),
        Span::styled(fill(&state.name_of(item), room, signs.more), name_style),
    ];
    first.extend(right);
    let (prefix, words, style) = preview(state, item);
    let room = columns.saturating_sub(6);
    let prefix = cut(&prefix, room, "");
    let words = cut(&words, room.saturating_sub(width(&prefix)), signs.more);
    let second = vec![
        Span::raw("     "),
        Span::styled(prefix, faint.add_modifier(Modifier::BOLD)),
        Span::styled(words, style),
    ];
    vec![Line::from(first), Line::from(second)]
}

fn badge(item: &ConversationItem) -> String {
    let count = match item.unread {
        0 => String::new(),
        1..=999 => item.unread.to_string(),
        _ => "999+".to_owned(),
    };
    match (item.mentions, item.marked_unread) {
        (0, true) if count.is_empty() => "(o)".to_owned(),
        (0, _) if count.is_empty() => count,
        (0, _) => format!("({count})"),
        _ => format!("@{count}"),
    }
}

/// What stands under a name.
fn preview(state: &State, item: &ConversationItem) -> (String, String, Style) {
    let faint = state.look.style(Role::Faint);
    if item.blocked {
        return (String::new(), "Blocked".to_owned(), faint);
    }
    if item.typing {
        let text = format!("writing{}", state.look.signs.more);
        return (String::new(), text, state.look.style(Role::Accent));
    }
    if let Some(draft) = &item.draft {
        return ("Draft: ".to_owned(), one_line(draft.as_str()), faint);
    }
    match item.draft_files {
        0 => {}
        1 => return ("Draft: ".to_owned(), "[file]".to_owned(), faint),
        count => return ("Draft: ".to_owned(), format!("[{count} files]"), faint),
    }
    let Some(last) = &item.last else {
        let text = match item.request {
            RequestState::Outgoing => "Waits to be accepted",
            _ => "",
        };
        return (String::new(), text.to_owned(), faint);
    };
    let signs = state.look.signs;
    let prefix = match (&last.state, last.mine) {
        (Delivery::Failed { .. }, _) => format!("{} ", signs.failed),
        (Delivery::Waiting { .. }, _) => format!("{} ", signs.waiting),
        (Delivery::Sending, _) => format!("{} ", signs.sending),
        (Delivery::Sent, true) => format!("{} ", signs.sent),
        (Delivery::Read { .. }, true) => format!("{} ", signs.read),
        _ => String::new(),
    };
    let style = if item.unread > 0 { Style::new() } else { faint };
    (prefix, words(last), style)
}

/// The newest message in a line.
pub(crate) fn words(last: &LastMessage) -> String {
    let text = one_line(last.text.as_str());
    match last.kind {
        ShownKind::Text if text.is_empty() && last.attachments == 1 => "[file]".to_owned(),
        ShownKind::Text if text.is_empty() => format!("[{} files]", last.attachments),
        ShownKind::Text => text,
        ShownKind::Invitation => format!("Invitation: {text}"),
        ShownKind::TimerChanged => "Timer changed".to_owned(),
        ShownKind::RequestAccepted => "Request accepted".to_owned(),
        ShownKind::Screenshot => "Took a screenshot".to_owned(),
        ShownKind::MediaSaved => "Saved a file".to_owned(),
        ShownKind::Deleted => "Message deleted".to_owned(),
    }
}
