//! What the program noted of its work, kept in memory for whoever is asked for help.
//!
//! Logs hold no ids, addresses or contents. Should one slip in, it is taken out here once more:
//! what looks like an id, a key, an address or a path is not kept.

use core::fmt::{self, Write as _};
use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Lines kept; the oldest go.
const MOST_LINES: usize = 1000;
/// Characters of a line.
const LONGEST_LINE: usize = 400;
/// Whose lines are kept: those of this program, not of libraries below.
const CRATES: [&str; 7] = [
    "session",
    "session_api",
    "session_core",
    "session_net",
    "session_onion",
    "session_store",
    "session_web",
];
/// Hexadecimal digits in a row that may be an id or a key.
const HEX_ID: usize = 12;
/// Letters and digits in a row that may be one in Base64.
const BASE64_ID: usize = 20;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Keeps what this program logs, for `logs.get`. To be added to the process's subscriber.
pub fn log_keeper<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let crates = CRATES.map(|name| (name, LevelFilter::DEBUG));
    Keeper.with_filter(Targets::new().with_targets(crates))
}

/// The lines kept, oldest first.
pub(crate) fn lines() -> Vec<String> {
    kept().iter().cloned().collect()
}

fn kept() -> MutexGuard<'static, VecDeque<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Keeper;

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let Words { message, fields } = words;
        let data = event.metadata();
        let line = format!(
            "{:.3} {} {}: {}",
            jiff::Timestamp::now(),
            data.level(),
            data.target(),
            without_names(&format!("{message}{fields}")),
        );
        let line = line.chars().take(LONGEST_LINE).collect();
        let mut lines = kept();
        if lines.len() >= MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

/// The text without what may name somebody or something.
pub(crate) fn without_names(text: &str) -> String {
    let between = |sign: char| {
        sign.is_whitespace() || sign.is_control() || "\"'`()[]{}<>,;=|“”".contains(sign)
    };
    let mut clean = String::with_capacity(text.len());
    for piece in text.split_inclusive(between) {
        let word = piece.trim_end_matches(between);
        let rest = piece.strip_prefix(word).unwrap_or_default();
        clean.push_str(hidden(word).unwrap_or(word));
        // A line stays a line.
        clean.extend(
            rest.chars()
                .map(|sign| if sign.is_control() { ' ' } else { sign }),
        );
    }
    clean
}

/// What stands in the log instead of a word, if it may name something.
fn hidden(word: &str) -> Option<&'static str> {
    let word = word.trim_end_matches(['.', ':', '!', '?', '…']);
    if word.contains("://") || is_address(word) || is_host(word) {
        Some("[address]")
    } else if is_path(word) {
        Some("[path]")
    } else if is_id(word) {
        Some("[id]")
    } else {
        None
    }
}

fn is_address(word: &str) -> bool {
    let is_ip = |text: &str| text.parse::<IpAddr>().is_ok();
    is_ip(word) || word.rsplit_once(':').is_some_and(|(host, _)| is_ip(host))
}

/// Labels with dots between them, the last of letters: `example.org`, and with a port.
fn is_host(word: &str) -> bool {
    let host = match word.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => word,
    };
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label
                .chars()
                .all(|sign| sign.is_alphanumeric() || sign == '-' || sign == '_')
    };
    let last = labels.last().copied().unwrap_or_default();
    labels.len() > 1
        && labels.iter().all(is_label)
        && last.chars().count() > 1
        && last.chars().all(char::is_alphabetic)
}

fn is_path(word: &str) -> bool {
    let drive = word.get(1..3).is_some_and(|rest| rest == ":\\");
    word.starts_with(['/', '~', '\\']) && word.len() > 1 || drive
}

fn is_id(word: &str) -> bool {
    let runs = |part: fn(char) -> bool, longest: usize| {
        word.split(move |sign| !part(sign))
            .any(|run| run.len() >= longest && run.contains(|sign: char| sign.is_ascii_digit()))
    };
    runs(|sign| sign.is_ascii_hexdigit(), HEX_ID)
        || runs(
            |sign| sign.is_ascii_alphanumeric() || "+/-_".contains(sign),
            BASE64_ID,
        )
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn names_of_people_and_machines_are_taken_out() {
        let id = "05d871fc80ca007eed9b2f4df72853e2a2d5465a92fcb1889fb5c84aa2833b3b40";
        for (text, clean) in [
            (
                "messages could not be removed",
                "messages could not be removed",
            ),
            ("status=404 took_ms=12 ok", "status=404 took_ms=12 ok"),
            ("version 0.1.0, schema 4.", "version 0.1.0, schema 4."),
            (
                "session_core::account::actor",
                "session_core::account::actor",
            ),
            (
                "error=tried 6 times: no path",
                "error=tried 6 times: no path",
            ),
            (&format!("of {id}: gone"), "of [id] gone"),
            (&format!("key=\"{id}\""), "key=\"[id]\""),
            ("d871fc80ca00…b3b40", "[id]"),
            (
                "hash=PPvTuOgAeDo9pgFrQ/SshUdhDAcVW98B2Qc3S8f4xgU=",
                "hash=[id]=",
            ),
            ("at 10.1.2.3:22021, again", "at [address], again"),
            ("at 10.1.2.3.", "at [address]"),
            ("at [2001:db8::1]:443 now", "at [[address]]:443 now"),
            ("over http://127.0.0.1:1280/x", "over [address]"),
            ("seed1.example.org:4443 is slow", "[address] is slow"),
            ("cannot write /home/anna/photo.jpg", "cannot write [path]"),
            (
                "cannot write ~/x and C:\\x",
                "cannot write [path] and [path]",
            ),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(without_names(text), clean);
        }
    }

    #[test]
    fn lines_are_kept_and_the_oldest_go() {
        let subscriber = tracing_subscriber::registry().with(log_keeper());
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(address = "10.1.2.3:80", count = 7, "somebody called");
            let is_kept = |text: &str| lines().iter().any(|line| line.ends_with(text));
            assert!(is_kept(
                " DEBUG session_api::logs::tests: somebody called address=\"[address]\" count=7"
            ));
            // Libraries below are left alone, and so is what is said for developers only.
            tracing::error!(target: "quinn", "a library");
            tracing::trace!("detail");
            assert!(!is_kept("a library") && !is_kept("detail"));
            for number in 0..MOST_LINES {
                tracing::info!(number, "{}", "long ".repeat(200));
            }
            assert_eq!(lines().len(), MOST_LINES);
            assert!(!is_kept("count=7"));
            assert!(
                lines()
                    .iter()
                    .all(|line| line.chars().count() <= LONGEST_LINE)
            );
        });
    }
}
