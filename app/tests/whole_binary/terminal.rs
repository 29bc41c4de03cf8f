//! `session chat` in a pseudo-terminal, as a person sees it.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::run::PATIENCE;

pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\u{1b}";
pub(crate) const TAB: &str = "\t";
pub(crate) const UP: &str = "\u{1b}[A";

/// Ctrl and a letter.
pub(crate) fn ctrl(letter: char) -> String {
    char::from(u8::try_from(letter).unwrap() & 0x1f).to_string()
}

/// What the terminal was sent.
struct Shown {
    parser: vt100::Parser,
    raw: Vec<u8>,
    is_over: bool,
}

/// A terminal with the program in it; killed when dropped.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: Arc<(Mutex<Shown>, Condvar)>,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    /// Starts `session` with these arguments, its data in `home`.
    pub(crate) fn start(home: &Path, arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_with(home, arguments, columns, rows, &[("LANG", "C.UTF-8")])
    }

    pub(crate) fn start_with(
        home: &Path,
        arguments: &[&str],
        columns: u16,
        rows: u16,
        environment: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_session"));
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home);
        command.env("SESSION_DATA_DIR", home.join("data"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shown = Shown {
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            raw: Vec::new(),
            is_over: false,
        };
        let shown = Arc::new((Mutex::new(shown), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let of_reader = Arc::clone(&shown);
        std::thread::spawn(move || {
            let (shown, changed) = &*of_reader;
            let mut buffer = [0; 4096];
            loop {
                let read = output.read(&mut buffer).unwrap_or(0);
                let mut shown = shown.lock().unwrap();
                shown.is_over = read == 0;
                shown.raw.extend(&buffer[..read]);
                shown.parser.process(&buffer[..read]);
                changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            child,
            master: pair.master,
            keys,
            shown,
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        // Before the program knows: it may draw at once.
        let mut shown = self.shown.0.lock().unwrap();
        shown
            .parser
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        drop(shown);
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// The rows of the screen.
    pub(crate) fn rows(&self) -> Vec<String> {
        let shown = self.shown.0.lock().unwrap();
        let (_, columns) = shown.parser.screen().size();
        shown.parser.screen().rows(0, columns.get()).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// Everything that was sent to the terminal.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.shown.0.lock().unwrap().raw.clone()
    }

    pub(crate) fn is_alternate(&self) -> bool {
        let shown = self.shown.0.lock().unwrap();
        shown.parser.screen().alternate_screen()
    }

    /// Waits until the screen is as wanted.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let (shown, changed) = &*self.shown;
        let mut shown = shown.lock().unwrap();
        loop {
            let (_, columns) = shown.parser.screen().size();
            let rows: Vec<String> = shown.parser.screen().rows(0, columns.get()).collect();
            let text = rows.join("\n");
            if is_so(&text) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !shown.is_over, "no {what}:\n{text}");
            shown = changed.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Waits until a text is seen.
    pub(crate) fn see(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits for the end; the exit code.
    pub(crate) fn end(mut self) -> (u32, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), self.text());
            }
            assert!(
                Instant::now() < deadline,
                "it did not end:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, without a chance to do anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
