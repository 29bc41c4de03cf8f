//! What is printed: lines for people, or one JSON object per line for machines.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde::Serialize;
use session_types::Timestamp;

use crate::failure;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    colour: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour }
    }

    /// Without colours, for a file.
    pub(crate) const fn plain() -> Self {
        Self {
            json: false,
            colour: false,
        }
    }

    /// A line for people.
    pub(crate) fn line(self, text: &str) {
        if !self.json {
            write_out(text);
        }
    }

    /// An object for machines.
    pub(crate) fn object(self, value: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(value)
        {
            write_out(&text);
        }
    }

    /// A remark beside the result, on standard error.
    #[allow(clippy::print_stderr, reason = "remarks belong on standard error")]
    pub(crate) fn note(self, text: &str) {
        if self.json {
            eprintln!("{}", serde_json::json!({ "note": text }));
        } else {
            eprintln!("{text}");
        }
    }

    /// Why the command failed, and what to do.
    #[allow(clippy::print_stderr, reason = "failures belong on standard error")]
    pub(crate) fn failure(self, error: &anyhow::Error) {
        let failure = failure::explain(error);
        if self.json {
            eprintln!(
                "{}",
                serde_json::json!({ "error": failure.text, "code": failure.code })
            );
        } else {
            eprintln!("error: {}", failure.text);
        }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow.on_default())
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default())
    }

    fn styled(self, text: &str, style: Style) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Bytes as they are, for people and machines.
    pub(crate) fn raw(self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    /// A spinner as of [`Self::progress`], but nothing at all when there is no terminal.
    pub(crate) fn spinner(self, text: &str) -> Progress {
        if std::io::stderr().is_terminal() {
            self.progress(text)
        } else {
            Progress(None)
        }
    }

    /// A spinner with a text, on standard error, for steps that take time. Invisible when
    /// standard error is no terminal: then the text is printed once.
    pub(crate) fn progress(self, text: &str) -> Progress {
        if self.json {
            return Progress(None);
        }
        if !std::io::stderr().is_terminal() {
            self.note(text);
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(Some(bar))
    }
}

/// A running step; disappears when dropped.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn say(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.to_owned());
        }
    }

    /// Prints something without the spinner in between.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// The time of day on this machine's wall, with the date when it is not today.
pub(crate) fn wall_time(at: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let local = |t: Timestamp| {
        Instant::from_millisecond(t.as_ms_i64()).map(|instant| instant.to_zoned(zone.clone()))
    };
    match (local(at), local(now)) {
        (Ok(at), Ok(now)) if at.date() == now.date() => at.strftime("%H:%M:%S").to_string(),
        (Ok(at), _) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        _ => at.to_string(),
    }
}

/// Standard output may be a closed pipe (`session history | head`): then there is nobody to tell.
fn write_out(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// What came over the network cannot move the cursor or recolour the terminal: control
/// characters other than line breaks are shown as U+FFFD.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_are_defused() {
        assert_eq!(
            printable("a\u{1b}[31mb\nc\u{7}"),
            "a\u{fffd}[31mb\nc\u{fffd}"
        );
    }
}
