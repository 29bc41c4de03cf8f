//! The open conversation and what is being written in it.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Canvas;
use crate::keys::Command;
use crate::layout::Areas;
use crate::look::Role;
use crate::state::chat::Chat;
use crate::state::compose::{Composer, LIMIT};
use crate::state::emoji::Offered;
use crate::state::{Pane, State};
use crate::text::{cut, fill, one_line, width};
use crate::timeline::View;

/// How much is written is shown from so many characters on, and where there is room always.
const NEAR_LIMIT: usize = LIMIT - 200;

pub(super) fn draw(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    let Some(chat) = state.chat() else {
        return nothing_open(state, canvas, areas.messages);
    };
    if !chat.loaded {
        canvas.text(
            areas.messages,
            1,
            "  Loading",
            state.look.style(Role::Faint),
        );
        return;
    }
    timeline(state, chat, canvas, areas);
    below(state, chat, canvas, areas);
}

fn nothing_open(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let faint = state.look.style(Role::Faint);
    let middle = area.height / 2;
    let text = format!(
        "Enter opens a conversation.  {} writes to somebody new.",
        state.keys.hint(Command::New)
    );
    let text = cut(&text, usize::from(area.width), state.look.signs.more);
    let left = usize::from(area.width).saturating_sub(width(&text)) / 2;
    canvas.text(area, middle, &format!("{}{text}", " ".repeat(left)), faint);
}

fn timeline(state: &State, chat: &Chat, canvas: &mut Canvas<'_>, areas: &Areas) {
    let area = areas.messages;
    let rows = usize::from(area.height);
    let view = View::new(state, chat, areas);
    let height = |item: &_| view.height(item);
    if chat.feed.items.is_empty() {
        let faint = state.look.style(Role::Faint);
        let own = state.desk().is_some_and(|desk| desk.own == chat.id);
        let text = if own {
            "What you write here only your own devices see."
        } else {
            "No messages yet."
        };
        canvas.text(area, 1, &format!("  {text}"), faint);
        return;
    }
    let top = chat.top(rows, &height);
    let mut y = 0;
    let mut skip = top.line;
    // Few messages stand at the bottom, where the next one comes.
    let all: usize = chat
        .feed
        .items
        .iter()
        .skip(top.index)
        .take(rows + 1)
        .map(height)
        .sum();
    if all.saturating_sub(skip) < rows && chat.at_end {
        y = rows - all.saturating_sub(skip);
        if chat.at_start && y > 1 {
            let note = "Older messages, if any, are on your other devices.";
            let note = cut(
                note,
                usize::from(area.width).saturating_sub(2),
                state.look.signs.more,
            );
            canvas.text(area, 0, &format!(" {note}"), state.look.style(Role::Faint));
        }
    }
    for item in chat.feed.items.iter().skip(top.index) {
        if y >= rows {
            break;
        }
        let block = view.block(item);
        let is_selected = state.pane == Pane::Messages && chat.selected.as_ref() == Some(&item.id);
        let is_marked = chat.marked.contains(&item.id);
        let first = y;
        for (n, line) in block.lines.iter().enumerate().skip(skip) {
            if y >= rows {
                break;
            }
            let row = u16::try_from(y).unwrap_or(u16::MAX);
            canvas.line(area, row, line);
            let place = Rect {
                y: area.y + row,
                height: 1,
                ..area
            };
            if is_selected || is_marked {
                canvas
                    .cells
                    .set_style(place, state.look.style(Role::Selected));
            }
            if n == 0 && (is_selected || is_marked) {
                let mark = if is_marked { "*" } else { ">" };
                canvas.text(area, row, mark, state.look.style(Role::Accent));
            }
            y += 1;
        }
        for picture in &block.pictures {
            let Some(line) = picture.line.checked_sub(skip) else {
                continue;
            };
            let row = first + line;
            if row + usize::from(picture.rows) <= rows {
                let place = Rect {
                    x: area.x + u16::try_from(picture.column).unwrap_or(0),
                    y: area.y + u16::try_from(row).unwrap_or(0),
                    width: picture.columns,
                    height: picture.rows,
                };
                canvas.pictures.push((picture.clone(), place));
            }
        }
        if is_selected {
            canvas.cursor_at(area, 0, first);
        }
        skip = 0;
    }
    if chat.new_below > 0 {
        let text = format!(" {} {} new ", state.look.signs.down, chat.new_below);
        let cells = u16::try_from(width(&text)).unwrap_or(0).min(area.width);
        let place = Rect {
            x: area.right().saturating_sub(cells),
            y: area.bottom().saturating_sub(1),
            width: cells,
            height: 1,
        };
        canvas.text(place, 0, &text, state.look.style(Role::Accent));
    }
}

/// What is under the messages.
fn below(state: &State, chat: &Chat, canvas: &mut Canvas<'_>, areas: &Areas) {
    let area = areas.composer;
    let columns = usize::from(area.width);
    let more = state.look.signs.more;
    if let Some(bar) = state.bar() {
        let text = cut(&bar, columns.saturating_sub(2), more);
        canvas.text(area, 0, &format!(" {text}"), state.look.style(Role::Accent));
        return;
    }
    let empty = Composer::default();
    let composer = state.desk().and_then(|desk| desk.composers.get(&chat.id));
    let composer = composer.unwrap_or(&empty);
    let faint = state.look.style(Role::Faint);
    let mut row = 0;
    if let Some(reply) = &composer.reply {
        let text = format!("Reply to {}: {}", reply.name, reply.excerpt);
        let text = fill(&text, columns.saturating_sub(6), more);
        let line = Line::from(vec![
            Span::styled(format!(" {text}"), state.look.style(Role::Accent)),
            Span::styled(" Esc", faint),
        ]);
        canvas.line(area, row, &line);
        row += 1;
    }
    if !composer.files.is_empty() {
        let names = composer.files.iter().map(|file| one_line(&file.name));
        let names: Vec<String> = names.collect();
        let text = format!("Files: {}", names.join(", "));
        let text = fill(&text, columns.saturating_sub(6), more);
        let line = Line::from(vec![
            Span::styled(format!(" {text}"), state.look.style(Role::Accent)),
            Span::styled(" Esc", faint),
        ]);
        canvas.line(area, row, &line);
        row += 1;
    }
    let offered = state.offered();
    if !offered.is_empty() {
        canvas.line(area, row, &offer_line(state, &offered, columns));
        row += 1;
    }
    let left = area.height.saturating_sub(row);
    let place = Rect {
        y: area.y + row,
        height: left,
        ..area
    };
    written(state, chat, composer, canvas, place);
}

/// Emojis that are offered, as many as fit.
fn offer_line(state: &State, offered: &[Offered], columns: usize) -> Line<'static> {
    let faint = state.look.style(Role::Faint);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for one in offered {
        let sign = if state.look.text_emoji { "" } else { one.emoji };
        let text = format!("{sign} :{}:", one.name);
        let text = text.trim_start().to_owned();
        let cells = width(&text) + 2;
        if used + cells + 4 > columns {
            break;
        }
        used += cells;
        let style = if one.is_chosen {
            state.look.style(Role::Selected)
        } else {
            faint
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::raw("  "));
    }
    spans.push(Span::styled("Tab", faint));
    Line::from(spans)
}

fn written(state: &State, chat: &Chat, composer: &Composer, canvas: &mut Canvas<'_>, area: Rect) {
    let faint = state.look.style(Role::Faint);
    let is_here = state.pane == Pane::Composer;
    let columns = state.composer_columns();
    let rows = composer.editor.rows(columns);
    let (row, column) = composer.editor.place(columns);
    let room = usize::from(area.height).max(1);
    let first = (row + 1).saturating_sub(room);
    let prompt = if is_here {
        state.look.style(Role::Accent)
    } else {
        faint
    };
    for (n, shown) in rows.iter().enumerate().skip(first).take(room) {
        let sign = if n == 0 { " > " } else { "   " };
        let mut spans = vec![Span::styled(sign, prompt)];
        if composer.editor.is_empty() {
            let own = state.desk().is_some_and(|desk| desk.own == chat.id);
            let name = if own {
                "yourself".to_owned()
            } else {
                state.name(chat.id)
            };
            let text = cut(
                &format!("Message to {name}"),
                columns,
                state.look.signs.more,
            );
            spans.push(Span::styled(text, faint));
        } else {
            spans.push(Span::raw(
                crate::text::harmless(shown.text).replace('\n', ""),
            ));
        }
        let line = u16::try_from(n - first).unwrap_or(0);
        canvas.line_as_it_is(area, line, &Line::from(spans));
    }
    let count = composer.editor.count();
    let is_wide = area.width >= 50;
    if count > 0 && (is_wide || count >= NEAR_LIMIT) {
        let text = if count > LIMIT {
            format!("{} over ", count - LIMIT)
        } else {
            format!("{count}/{LIMIT} ")
        };
        let role = if count > LIMIT {
            Role::Danger
        } else {
            Role::Faint
        };
        let cells = u16::try_from(width(&text)).unwrap_or(0).min(area.width);
        let place = Rect {
            x: area.right().saturating_sub(cells),
            y: area.bottom().saturating_sub(1),
            width: cells,
            height: 1,
        };
        canvas.text(place, 0, &text, state.look.style(role));
    }
    if is_here && state.question.is_none() {
        canvas.cursor_at(area, 3 + column, row.saturating_sub(first));
    }
}
