//! What is shown, on a frame. Nothing here decides anything.

mod details;
mod list;
mod messages;
mod page;
mod start;

pub(crate) use list::words as list_words;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use session_api::params::NetworkState;

use crate::keys::Command;
use crate::layout::Areas;
use crate::look::Role;
use crate::state::start::Start;
use crate::state::{Pane, State};
use crate::text::{cut, fill, width};
use crate::timeline::Picture;

/// A frame that is drawn: its cells, where the cursor is, where pictures go.
pub(crate) struct Canvas<'a> {
    pub(crate) cells: &'a mut Buffer,
    pub(crate) cursor: Option<Position>,
    pub(crate) pictures: Vec<(Picture, Rect)>,
    /// Right-to-left words are turned here.
    pub(crate) bidi: bool,
}

impl Canvas<'_> {
    /// A line; what does not fit is cut.
    pub(crate) fn line(&mut self, area: Rect, row: u16, line: &Line<'_>) {
        let turned = self.bidi.then(|| crate::bidi::visual(line)).flatten();
        self.line_as_it_is(area, row, turned.as_ref().unwrap_or(line));
    }

    /// A line with a cursor in it: nothing is turned.
    pub(crate) fn line_as_it_is(&mut self, area: Rect, row: u16, line: &Line<'_>) {
        if row < area.height {
            let _ = self
                .cells
                .set_line(area.x, area.y.saturating_add(row), line, area.width);
        }
    }

    pub(crate) fn text(&mut self, area: Rect, row: u16, text: &str, style: Style) {
        self.line(area, row, &Line::styled(text.to_owned(), style));
    }

    fn across(&mut self, y: u16, columns: u16, sign: &str, style: Style) {
        for x in 0..columns {
            self.sign(x, y, sign, style);
        }
    }

    fn sign(&mut self, x: u16, y: u16, sign: &str, style: Style) {
        if let Some(cell) = self.cells.cell_mut(Position { x, y }) {
            cell.set_symbol(sign).set_style(style);
        }
    }

    pub(crate) fn cursor_at(&mut self, area: Rect, column: usize, row: usize) {
        let x = u16::try_from(column).unwrap_or(u16::MAX);
        let y = u16::try_from(row).unwrap_or(u16::MAX);
        let position = Position {
            x: area.x.saturating_add(x).min(area.right().saturating_sub(1)),
            y: area
                .y
                .saturating_add(y)
                .min(area.bottom().saturating_sub(1)),
        };
        self.cursor = Some(position);
    }
}

/// Draws a state on cells; returns where the cursor is.
pub fn draw_on(state: &State, cells: &mut Buffer) -> Option<(u16, u16)> {
    let mut canvas = Canvas {
        cells,
        cursor: None,
        pictures: Vec::new(),
        bidi: state.look.bidi,
    };
    draw(state, &mut canvas);
    canvas.cursor.map(|position| (position.x, position.y))
}

/// Draws everything.
pub(crate) fn draw(state: &State, canvas: &mut Canvas<'_>) {
    let area = canvas.cells.area;
    if state.is_too_small() {
        canvas.text(area, 0, "Too small", state.look.style(Role::Warn));
        return;
    }
    let areas = state.areas();
    if let Some(page) = &state.page {
        frame(state, canvas, &areas, false);
        page::draw(state, page, canvas, &areas);
    } else if !matches!(state.start, Start::Ready) {
        frame(state, canvas, &areas, false);
        start::draw(state, canvas, &areas);
    } else {
        frame(state, canvas, &areas, true);
        header(state, canvas, &areas);
        if let Some(area) = areas.list {
            list::draw(state, canvas, area);
        }
        if areas.main.is_some() {
            messages::draw(state, canvas, &areas);
        }
        if let Some(area) = areas.details {
            details::draw(state, canvas, area);
        }
    }
    status(state, canvas, &areas);
    if state.look.signs.ascii {
        only_ascii(canvas);
    }
}

/// The few signs in words of ours that are not ASCII. Words of people stay as they are.
fn only_ascii(canvas: &mut Canvas<'_>) {
    for cell in &mut canvas.cells.content {
        let plain = match cell.symbol() {
            "…" => ".",
            "·" => "-",
            "“" | "”" => "\"",
            "�" => "?",
            _ => continue,
        };
        cell.set_symbol(plain);
    }
}

/// The lines between the parts.
fn frame(state: &State, canvas: &mut Canvas<'_>, areas: &Areas, has_panes: bool) {
    if !areas.has_rules {
        return;
    }
    let signs = state.look.signs;
    let style = state.look.style(Role::Line);
    let columns = state.size.columns;
    let bottom = areas.status.y.saturating_sub(1);
    canvas.across(1, columns, signs.horizontal, style);
    canvas.across(bottom, columns, signs.horizontal, style);
    if !has_panes {
        return;
    }
    let mut edges = Vec::new();
    if let (Some(list), Some(_)) = (areas.list, areas.main) {
        edges.push(list.right());
    }
    edges.extend(areas.details.map(|details| details.x.saturating_sub(1)));
    for x in edges {
        canvas.sign(x, 0, signs.vertical, style);
        canvas.sign(x, 1, signs.cross, style);
        for y in areas.body.y..areas.body.bottom() {
            canvas.sign(x, y, signs.vertical, style);
        }
        canvas.sign(x, bottom, signs.joint_up, style);
    }
    if let Some(main) = areas.main
        && areas.composer.height > 0
    {
        let y = areas.composer.y.saturating_sub(1);
        for x in main.x..main.right() {
            canvas.sign(x, y, signs.horizontal, style);
        }
    }
}

fn header(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    let strong = state.look.style(Role::Strong);
    let more = state.look.signs.more;
    if let Some(list) = areas.list {
        let area = Rect {
            y: 0,
            height: 1,
            ..list
        };
        canvas.line(area, 0, &accounts_line(state, usize::from(area.width)));
    }
    if let Some(main) = areas.main {
        let area = Rect {
            y: 0,
            height: 1,
            ..main
        };
        match state.chat() {
            Some(chat) => {
                let line = title_line(state, chat.id, usize::from(area.width));
                canvas.line(area, 0, &line);
            }
            None => canvas.text(area, 0, "", strong),
        }
    }
    if let Some(details) = areas.details {
        let hint = format!("{} closes ", state.keys.hint(Command::Info));
        let room = usize::from(details.width).saturating_sub(width(&hint) + 1);
        let line = Line::from(vec![
            Span::styled(format!(" {}", fill("Details", room, more)), strong),
            Span::styled(hint, state.look.style(Role::Faint)),
        ]);
        let area = Rect {
            y: 0,
            height: 1,
            ..details
        };
        canvas.line(area, 0, &line);
    }
}

/// The program and the accounts.
fn accounts_line(state: &State, columns: usize) -> Line<'static> {
    let strong = state.look.style(Role::Strong);
    let faint = state.look.style(Role::Faint);
    let more = state.look.signs.more;
    let mut spans = vec![Span::styled(" Session  ", strong)];
    let Some(desk) = state.desk() else {
        return Line::from(spans);
    };
    let count = state.accounts.len();
    let room = columns.saturating_sub(10);
    if count <= 1 {
        spans.push(Span::styled(cut(&desk.called(), room, more), faint));
        return Line::from(spans);
    }
    let names: Vec<(bool, String)> = state
        .accounts
        .iter()
        .enumerate()
        .map(|(n, account)| {
            let open = state.desks.get(&account.id);
            let name = open.map_or_else(|| account.id.short(), crate::state::desk::Desk::called);
            let unread = open.map_or(0, crate::state::desk::Desk::unread);
            let is_current = Some(account.id) == state.current;
            let news = if unread > 0 && !is_current {
                format!(" +{unread}")
            } else {
                String::new()
            };
            (
                is_current,
                format!("[{} {}{news}]", n + 1, cut(&name, 12, more)),
            )
        })
        .collect();
    let all: usize = names.iter().map(|(_, text)| width(text) + 1).sum();
    if all <= room {
        for (is_current, text) in names {
            let style = if is_current { strong } else { faint };
            spans.push(Span::styled(text, style));
            spans.push(Span::raw(" "));
        }
    } else {
        let at = state
            .accounts
            .iter()
            .position(|a| Some(a.id) == state.current);
        let tail = format!(" {}/{count}", at.map_or(1, |at| at + 1));
        let name = cut(&desk.called(), room.saturating_sub(width(&tail)), more);
        spans.push(Span::styled(name, strong));
        spans.push(Span::styled(tail, faint));
    }
    Line::from(spans)
}

/// Who the conversation is with, and its rule.
fn title_line(state: &State, id: session_types::AccountId, columns: usize) -> Line<'static> {
    let more = state.look.signs.more;
    let item = state.desk().and_then(|desk| desk.conversation(id));
    let is_note = state.desk().is_some_and(|desk| desk.own == id);
    let name = if is_note {
        "Note to Self".to_owned()
    } else {
        state.name(id)
    };
    let rule = item.and_then(|item| {
        if columns >= 80 {
            crate::time::timer(item.timer)
        } else {
            crate::time::timer_short(item.timer)
        }
    });
    let typing = item.is_some_and(|item| item.typing);
    let right = match (typing, rule) {
        (true, _) => format!("writing{more} "),
        (false, Some(rule)) => format!("{rule} "),
        (false, None) => String::new(),
    };
    let room = columns.saturating_sub(width(&right) + 2);
    let name = cut(&name, room, more);
    let is_named = item.is_none_or(|item| item.person.named);
    let has_no_name = name.starts_with("05") && name.ends_with(id.short().get(8..).unwrap_or("-"));
    let id_text = if is_note || !is_named || has_no_name || width(&name) + 16 > room {
        String::new()
    } else {
        let short = id.short();
        format!(
            "  {}",
            if state.look.signs.ascii {
                short.replace('…', "...")
            } else {
                short
            }
        )
    };
    let used = 1 + width(&name) + width(&id_text);
    let pad = columns.saturating_sub(used + width(&right));
    Line::from(vec![
        Span::styled(format!(" {name}"), state.look.style(Role::Strong)),
        Span::styled(id_text, state.look.style(Role::Faint)),
        Span::raw(" ".repeat(pad)),
        Span::styled(right, state.look.style(Role::Faint)),
    ])
}

/// The last line: a question, a line to be written, a remark, or how things stand.
fn status(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    let area = areas.status;
    let columns = usize::from(area.width);
    if let Some(question) = &state.question {
        let line = question.line();
        let rows = crate::text::wrap(
            &[crate::text::Piece::new(
                line,
                state.look.style(Role::Accent),
            )],
            columns.saturating_sub(2),
        );
        return bottom_lines(canvas, area, rows);
    }
    if let Some(prompt) = &state.prompt {
        return prompt_line(state, prompt, canvas, area);
    }
    if let Some(remark) = &state.remark {
        let role = if remark.is_failure {
            Role::Danger
        } else {
            Role::Text
        };
        let text = if remark.is_failure {
            format!("! {}", remark.text)
        } else {
            remark.text.clone()
        };
        let rows = crate::text::wrap(
            &[crate::text::Piece::new(text, state.look.style(role))],
            columns.saturating_sub(2),
        );
        return bottom_lines(canvas, area, rows);
    }
    let faint = state.look.style(Role::Faint);
    let mut left: Vec<Span<'static>> = vec![Span::raw(" ")];
    if matches!(state.start, Start::Ready)
        && let Some(desk) = state.desk()
    {
        let (sign, role) = match &desk.network {
            Some(NetworkState::Connected { .. }) => (state.look.signs.network, Role::Ok),
            Some(NetworkState::Offline { .. }) => (state.look.signs.no_network, Role::Danger),
            _ => (state.look.signs.no_network, Role::Warn),
        };
        left.push(Span::styled(format!("{sign} "), state.look.style(role)));
        left.push(Span::styled(
            state.network_words(desk),
            state.look.style(Role::Text),
        ));
        match desk.waiting() {
            0 => {}
            n => left.push(Span::styled(
                format!("  {n} waiting"),
                state.look.style(Role::Warn),
            )),
        }
    }
    let hints = hints(state);
    let used: usize = left.iter().map(|span| width(&span.content)).sum();
    let room = columns.saturating_sub(used + 2);
    let hints = if width(&hints) <= room {
        hints
    } else {
        let short = short_hints(state);
        if width(&short) <= room {
            short
        } else {
            String::new()
        }
    };
    let pad = columns.saturating_sub(used + width(&hints) + 1);
    left.push(Span::raw(" ".repeat(pad)));
    left.push(Span::styled(hints, faint));
    let line = Line::from(left);
    canvas.line(area, 0, &line);
}

/// Lines that take as much of the end of the terminal as they need.
fn bottom_lines(canvas: &mut Canvas<'_>, area: Rect, lines: Vec<Line<'static>>) {
    let count = u16::try_from(lines.len()).unwrap_or(1).min(3);
    let top = area.y.saturating_sub(count - 1);
    let place = Rect {
        x: area.x,
        y: top,
        width: area.width,
        height: count,
    };
    clear(canvas, place);
    for (row, mut line) in (0..count).zip(lines) {
        line.spans.insert(0, Span::raw(" "));
        canvas.line(place, row, &line);
    }
    let column = 0;
    canvas.cursor_at(place, column, 0);
}

fn clear(canvas: &mut Canvas<'_>, area: Rect) {
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            if let Some(cell) = canvas.cells.cell_mut(Position { x, y }) {
                cell.reset();
            }
        }
    }
}

fn prompt_line(
    state: &State,
    prompt: &crate::state::ask::Prompt,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let columns = usize::from(area.width);
    let mut label = format!(" {} ", prompt.label);
    if width(&label) > columns * 2 / 3 {
        // The label stands above.
        let above = Rect {
            y: area.y.saturating_sub(1),
            ..area
        };
        clear(canvas, above);
        canvas.text(
            above,
            0,
            &cut(&label, columns, state.look.signs.more),
            state.look.style(Role::Accent),
        );
        label = " > ".to_owned();
    }
    clear(canvas, area);
    let room = columns.saturating_sub(width(&label) + 1).max(1);
    let (text, column) = window(prompt.editor.before(), prompt.editor.after(), room);
    let line = Line::from(vec![
        Span::styled(label.clone(), state.look.style(Role::Accent)),
        Span::raw(text),
    ]);
    canvas.line(area, 0, &line);
    if !prompt.completions.is_empty() {
        let above = Rect {
            y: area.y.saturating_sub(1),
            ..area
        };
        clear(canvas, above);
        let names = crate::text::one_line(&prompt.completions.join("  "));
        let names = cut(&format!(" {names}"), columns, state.look.signs.more);
        canvas.text(above, 0, &names, state.look.style(Role::Faint));
    }
    canvas.cursor_at(area, width(&label) + column, 0);
}

/// As much of a line as fits around the cursor, and the cursor's column in it.
pub(crate) fn window(before: &str, after: &str, columns: usize) -> (String, usize) {
    use unicode_segmentation::UnicodeSegmentation as _;
    let mut used = 0;
    let mut start = before.len();
    for (at, grapheme) in before.grapheme_indices(true).rev() {
        let cells = crate::text::cell(grapheme);
        if used + cells >= columns {
            break;
        }
        used += cells;
        start = at;
    }
    let head = before.get(start..).unwrap_or_default();
    let tail = cut(after, columns.saturating_sub(used), "");
    (
        crate::text::harmless(&format!("{head}{tail}")).replace('\n', " "),
        used,
    )
}

fn hints(state: &State) -> String {
    use Command as C;
    let hint = |command, words: &str| format!("{} {words}", state.keys.hint(command));
    let parts: Vec<String> = if state.page.is_some() || !matches!(state.start, Start::Ready) {
        return match &state.page {
            Some(page) => page.hints.clone(),
            None => hint(C::Quit, "quit"),
        };
    } else {
        match state.pane {
            Pane::List => vec![
                hint(C::NextPane, "pane"),
                hint(C::Find, "find"),
                hint(C::New, "new"),
                hint(C::HelpHere, "help"),
                hint(C::Quit, "quit"),
            ],
            Pane::Messages => vec![
                hint(C::Reply, "reply"),
                hint(C::React, "react"),
                hint(C::Delete, "delete"),
                hint(C::Info, "info"),
                hint(C::HelpHere, "help"),
                hint(C::NextPane, "pane"),
            ],
            Pane::Composer => vec![
                hint(C::NextPane, "pane"),
                hint(C::Attach, "file"),
                hint(C::GoTo, "go to"),
                hint(C::Help, "help"),
                hint(C::Quit, "quit"),
            ],
        }
    };
    parts.join("  ")
}

fn short_hints(state: &State) -> String {
    let help = match state.pane {
        Pane::Composer => Command::Help,
        _ => Command::HelpHere,
    };
    format!(
        "{} help  {} quit",
        state.keys.hint(help),
        state.keys.hint(Command::Quit)
    )
}
