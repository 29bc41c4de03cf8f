//! The terminal itself: taken over, drawn on, given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write as _, stdout};
use std::sync::Once;

use crossterm::cursor::{SetCursorStyle, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use data_encoding::BASE64;
use ratatui::{Frame, Terminal};

use super::lean::Lean;

/// The most bytes handed to the clipboard: terminals refuse more.
const CLIPBOARD: usize = 74_000;
/// The title is put away, and brought back.
const SAVE_TITLE: &str = "\u{1b}[22;2t";
const RESTORE_TITLE: &str = "\u{1b}[23;2t";

/// The terminal while it is ours.
pub(super) struct Screen {
    terminal: Terminal<Lean<BufWriter<Stdout>>>,
    unread: Option<u32>,
    is_ours: bool,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Self> {
        give_back_on_panic();
        enter()?;
        let backend = Lean::new(BufWriter::with_capacity(1 << 16, stdout()));
        let terminal = match Terminal::new(backend) {
            Ok(terminal) => terminal,
            Err(error) => {
                leave()?;
                return Err(error);
            }
        };
        Ok(Self {
            terminal,
            unread: None,
            is_ours: true,
        })
    }

    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    pub(super) fn frame(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// The number of unread messages stands in the title, and nothing else.
    pub(super) fn title(&mut self, unread: u32) -> io::Result<()> {
        if self.unread == Some(unread) {
            return Ok(());
        }
        self.unread = Some(unread);
        let title = match unread {
            0 => "Session".to_owned(),
            n => format!("Session ({n})"),
        };
        queue!(
            self.terminal.backend_mut(),
            Print(format!("\u{1b}]2;{title}\u{7}"))
        )
    }

    pub(super) fn bell(&mut self) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print('\u{7}'))
    }

    /// Hands a text to the clipboard of the terminal.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut end = text.len().min(CLIPBOARD);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        let encoded = BASE64.encode(text.as_bytes());
        execute!(
            self.terminal.backend_mut(),
            Print(format!("\u{1b}]52;c;{encoded}\u{7}"))
        )
    }

    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal to another program for a while.
    pub(super) fn leave(&mut self) -> io::Result<()> {
        self.is_ours = false;
        leave()
    }

    /// Takes it back.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        enter()?;
        self.is_ours = true;
        self.unread = None;
        self.terminal.clear()
    }

    /// Gives the terminal back.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.is_ours = false;
        leave()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = leave();
        }
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(
        stdout(),
        Print(SAVE_TITLE),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        SetCursorStyle::SteadyBar,
    )
}

fn leave() -> io::Result<()> {
    let left = execute!(
        stdout(),
        SetCursorStyle::DefaultUserShape,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show,
        Print(RESTORE_TITLE),
    );
    disable_raw_mode()?;
    left?;
    stdout().flush()
}

/// A fault of the program leaves a terminal that can be used, and says where it was. What the
/// program knew is not shown.
#[allow(
    clippy::print_stderr,
    reason = "the terminal is given back, and nothing else can tell"
)]
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|fault| {
            let _ = leave();
            let place = fault
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            eprintln!(
                "session chat ended by a fault of its own at {place}. What you wrote is kept; \
                 `session -v chat` writes a log beside the accounts: chat.log."
            );
            tracing::error!(%place, "the terminal face ended by a fault");
        }));
    });
}
