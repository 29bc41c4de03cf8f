//! Making, restoring and unlocking accounts.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Canvas, window};
use crate::editor::Editor;
use crate::layout::Areas;
use crate::look::Role;
use crate::state::State;
use crate::state::page::PageLine;
use crate::state::start::{Form, KEEPING, Start, Step, Unlock};
use crate::text::{Piece, one_line, wrap};

/// A column of lines that is being drawn.
struct Column<'a, 'b> {
    state: &'a State,
    canvas: &'a mut Canvas<'b>,
    area: Rect,
    row: u16,
}

impl Column<'_, '_> {
    fn say(&mut self, role: Role, text: &str) {
        let piece = Piece::new(text, self.state.look.style(role));
        for line in wrap(&[piece], usize::from(self.area.width)) {
            self.canvas.line(self.area, self.row, &line);
            self.row += 1;
        }
    }

    fn gap(&mut self) {
        self.row += 1;
    }

    fn page_line(&mut self, line: &PageLine) {
        let pieces = super::page::pieces(self.state, line);
        for line in wrap(&pieces, usize::from(self.area.width)) {
            self.canvas.line(self.area, self.row, &line);
            self.row += 1;
        }
    }

    /// A line to be written into.
    fn field(&mut self, editor: &Editor) {
        let room = usize::from(self.area.width).saturating_sub(3).max(1);
        let (text, column) = if editor.is_secret() {
            let hide = |text: &str| self.state.look.signs.hidden.repeat(text.chars().count());
            window(&hide(editor.before()), &hide(editor.after()), room)
        } else {
            window(editor.before(), editor.after(), room)
        };
        let line = Line::from(vec![
            Span::styled("> ", self.state.look.style(Role::Accent)),
            Span::raw(text),
        ]);
        self.canvas.line(self.area, self.row, &line);
        self.canvas
            .cursor_at(self.area, 2 + column, usize::from(self.row));
        self.row += 1;
    }

    /// The 13 words: they are shown, as they have to be checked.
    fn words(&mut self, editor: &Editor) {
        let columns = usize::from(self.area.width).saturating_sub(2).max(4);
        let (row, column) = editor.place(columns);
        let top = self.row;
        for (n, shown) in editor.rows(columns).iter().enumerate() {
            let sign = if n == 0 { "> " } else { "  " };
            let line = Line::from(vec![
                Span::styled(sign, self.state.look.style(Role::Accent)),
                Span::raw(shown.text.to_owned()),
            ]);
            self.canvas.line(self.area, self.row, &line);
            self.row += 1;
        }
        self.canvas
            .cursor_at(self.area, 2 + column, usize::from(top) + row);
    }

    fn choice(&mut self, n: usize, is_chosen: bool, text: &str, detail: &str) {
        let mark = if is_chosen { "> " } else { "  " };
        let role = if is_chosen { Role::Strong } else { Role::Text };
        let line = Line::from(vec![
            Span::styled(mark, self.state.look.style(Role::Accent)),
            Span::styled(format!("{n}  {text}"), self.state.look.style(role)),
        ]);
        self.canvas.line(self.area, self.row, &line);
        if is_chosen {
            self.canvas.cursor_at(self.area, 0, usize::from(self.row));
        }
        self.row += 1;
        if !detail.is_empty() {
            let room = usize::from(self.area.width).saturating_sub(5);
            let piece = Piece::new(detail, self.state.look.style(Role::Faint));
            for mut line in wrap(&[piece], room) {
                line.spans.insert(0, Span::raw("     "));
                self.canvas.line(self.area, self.row, &line);
                self.row += 1;
            }
        }
    }

    fn error(&mut self, error: Option<&String>) {
        if let Some(error) = error {
            self.gap();
            self.say(Role::Danger, &format!("! {}", one_line(error)));
        }
    }
}

pub(super) fn draw(state: &State, canvas: &mut Canvas<'_>, areas: &Areas) {
    canvas.text(areas.header, 0, " Session", state.look.style(Role::Strong));
    let body = areas.body;
    let columns = body.width.saturating_sub(4).min(72);
    let area = Rect {
        x: body.x + (body.width - columns.min(body.width)) / 2,
        y: body.y + u16::from(areas.has_rules),
        width: columns,
        height: body.height.saturating_sub(u16::from(areas.has_rules)),
    };
    let mut column = Column {
        state,
        canvas,
        area,
        row: 0,
    };
    match &state.start {
        Start::Starting => column.say(Role::Faint, "Opening"),
        Start::Ready => {}
        Start::Welcome(choice) => welcome(&mut column, *choice),
        Start::Locked(form) => locked(&mut column, form),
        Start::Form(form) => self::form(&mut column, form),
    }
}

fn welcome(column: &mut Column<'_, '_>, choice: usize) {
    column.say(Role::Strong, "Write to people without a phone number.");
    column.gap();
    column.choice(1, choice == 0, "Create account", "");
    column.choice(
        2,
        choice == 1,
        "I have an account",
        "Its Recovery Password brings it back.",
    );
    column.gap();
    column.say(Role::Faint, "Arrows and Enter, or the number.");
}

fn locked(column: &mut Column<'_, '_>, form: &Unlock) {
    let state = column.state;
    let known = state.accounts.iter().find(|known| known.id == form.account);
    let by_passphrase =
        known.is_none_or(|known| known.key_store == session_api::params::KeyStore::Passphrase);
    column.say(Role::Strong, "This account is locked.");
    column.say(Role::Faint, &form.account.short());
    column.gap();
    if form.is_working {
        column.say(Role::Faint, "Opening");
        return;
    }
    if by_passphrase {
        column.say(Role::Text, "Passphrase:");
        column.field(&form.passphrase);
    } else {
        column.say(Role::Text, "Enter tries again.");
    }
    column.error(form.error.as_ref());
    if state.accounts.len() > 1 {
        column.gap();
        let key = state.keys.hint(crate::keys::Command::NextAccount);
        column.say(Role::Faint, &format!("{key} another account"));
    }
}

fn form(column: &mut Column<'_, '_>, form: &Form) {
    match form.step {
        Step::Words => {
            column.say(Role::Strong, "Your Recovery Password");
            column.say(
                Role::Faint,
                "13 words with spaces between them. Enter goes on, Esc back.",
            );
            column.gap();
            column.words(&form.words);
        }
        Step::Name => {
            column.say(Role::Strong, "Your name");
            column.say(
                Role::Faint,
                "Only people you write to see it. You can change it, or leave it empty.",
            );
            column.gap();
            column.field(&form.name);
        }
        Step::Protect => {
            column.say(Role::Strong, "Protect this device");
            column.say(Role::Faint, "What opens the account on this computer?");
            column.gap();
            for (n, (_, text, detail)) in KEEPING.iter().enumerate() {
                column.choice(n + 1, n == form.choice, text, detail);
            }
        }
        Step::Passphrase => {
            column.say(Role::Strong, "Choose a passphrase");
            column.say(
                Role::Faint,
                "Several words that do not belong together are a good one.",
            );
            column.gap();
            column.field(&form.passphrase);
        }
        Step::Again => {
            column.say(Role::Strong, "Once more");
            column.gap();
            column.field(&form.again);
        }
        Step::Working => column.say(Role::Faint, "Making keys"),
        Step::Made(id) => {
            column.say(Role::Strong, "Your account is ready.");
            column.gap();
            column.say(
                Role::Text,
                "Your Account ID, for people who want to write to you:",
            );
            column.gap();
            for line in crate::state::page::id_lines(id) {
                column.page_line(&line);
            }
            column.gap();
            column.say(Role::Text, "y  copy it");
            column.say(
                Role::Text,
                "w  write down the Recovery Password: without it a lost device is a lost account",
            );
            column.say(Role::Text, "Enter  begin");
        }
    }
    column.error(form.error.as_ref());
}
