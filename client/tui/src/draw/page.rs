//! Pages over the panes.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Canvas, window};
use crate::layout::Areas;
use crate::look::Role;
use crate::state::State;
use crate::state::page::{Content, Page, PageLine, PageRow};
use crate::text::{Piece, cut, fill, harmless, width, wrap};

pub(super) fn pieces(state: &State, line: &PageLine) -> Vec<Piece> {
    line.iter()
        .map(|(role, text)| Piece::new(harmless(text), state.look.style(*role)))
        .collect()
}

pub(super) fn draw(state: &State, page: &Page, canvas: &mut Canvas<'_>, areas: &Areas) {
    let title = format!(
        " {}",
        cut(
            &page.title,
            usize::from(areas.header.width).saturating_sub(2),
            state.look.signs.more
        )
    );
    canvas.text(areas.header, 0, &title, state.look.style(Role::Strong));
    let body = Rect {
        x: areas.body.x + 1,
        width: areas.body.width.saturating_sub(2),
        ..areas.body
    };
    match &page.content {
        Content::Lines { lines, top, .. } => {
            let columns = usize::from(body.width);
            let shown = lines.iter().flat_map(|line| {
                // Codes for cameras are not broken.
                if line.iter().any(|(role, _)| *role == Role::Code) {
                    let spans = line
                        .iter()
                        .map(|(role, text)| Span::styled(text.clone(), state.look.style(*role)));
                    vec![Line::from(spans.collect::<Vec<_>>())]
                } else {
                    wrap(&pieces(state, line), columns)
                }
            });
            for (row, line) in (0..body.height).zip(shown.skip(*top)) {
                canvas.line(body, row, &line);
            }
            canvas.cursor_at(body, 0, 0);
        }
        Content::Rows {
            query,
            rows,
            at,
            empty,
        } => {
            let mut area = body;
            if let Some(query) = query {
                let room = usize::from(body.width).saturating_sub(3).max(1);
                let (text, column) = window(query.before(), query.after(), room);
                let line = Line::from(vec![
                    Span::styled("> ", state.look.style(Role::Accent)),
                    Span::raw(text),
                ]);
                canvas.line(body, 0, &line);
                area.y += 1;
                area.height = area.height.saturating_sub(1);
                choose(state, rows, *at, empty, canvas, area);
                canvas.cursor_at(body, 2 + column, 0);
            } else {
                choose(state, rows, *at, empty, canvas, area);
            }
        }
    }
}

fn choose(
    state: &State,
    rows: &[PageRow],
    at: usize,
    empty: &str,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let faint = state.look.style(Role::Faint);
    if rows.is_empty() {
        for (row, line) in (1..).zip(wrap(&[Piece::new(empty, faint)], usize::from(area.width))) {
            canvas.line(area, row, &line);
        }
        return;
    }
    let columns = usize::from(area.width);
    let widest = rows.iter().map(|row| width(&row.text)).max().unwrap_or(0);
    let text_columns = widest.min(columns * 2 / 3).max(1);
    let room = usize::from(area.height).max(1);
    let first = (at + 1).saturating_sub(room);
    for (n, row) in rows.iter().enumerate().skip(first).take(room) {
        let y = u16::try_from(n - first).unwrap_or(0);
        let mark = if n == at { "> " } else { "  " };
        let detail_room = columns.saturating_sub(text_columns + 4);
        let line = Line::from(vec![
            Span::styled(mark, state.look.style(Role::Accent)),
            Span::raw(fill(&row.text, text_columns, state.look.signs.more)),
            Span::raw("  "),
            Span::styled(cut(&row.detail, detail_room, state.look.signs.more), faint),
        ]);
        canvas.line(area, y, &line);
        if n == at {
            let place = Rect {
                y: area.y + y,
                height: 1,
                ..area
            };
            canvas
                .cells
                .set_style(place, state.look.style(Role::Selected));
            canvas.cursor_at(area, 0, usize::from(y));
        }
    }
}
