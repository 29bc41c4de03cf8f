//! Fills conversations of an account that no program has open with many messages, for measuring
//! front ends: texts of all lengths from both sides, some of them answers, some with reactions.
//!
//! `cargo run --release -p session-store --example fill -- <DATA DIR> <ACCOUNT> <COUNT> <PERSON>...`
//!
//! `COUNT` messages are made with each person; the last one is some minutes old, and all are read.
//! The database's key must be kept in a file.

#![allow(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a tool for measuring: numbers are small, and indices are remainders"
)]

use std::error::Error;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use session_store::keyring::Unavailable;
use session_store::{
    Arrival, Effect, NewMessage, Profile, QuoteRef, ReceivedMessage, Store, StoreError,
};
use session_types::{AccountId, Timestamp};

/// Messages of each person in a transaction.
const BATCH: u64 = 500;
/// About the time between two messages, in milliseconds.
const APART: u64 = 4 * 60_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, own, count, people @ ..] = arguments.as_slice() else {
        return Err("expected: <DATA DIR> <ACCOUNT> <COUNT> <PERSON>...".into());
    };
    let own: AccountId = own.parse()?;
    let count: u64 = count.parse()?;
    let people = people
        .iter()
        .map(|person| person.parse())
        .collect::<Result<Vec<AccountId>, _>>()?;
    let profile = Profile::with_keyring(Path::new(folder), Box::new(Unavailable));
    let mut store = profile.open(own, None)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let mut writers: Vec<Writer> = people
        .iter()
        .enumerate()
        .map(|(index, person)| Writer::new(own, *person, index as u64, now - (count + 1) * APART))
        .collect();
    let started = Instant::now();
    for first in (0..count).step_by(BATCH as usize) {
        store.atomically(|store| {
            for number in first..count.min(first + BATCH) {
                // Side by side, as they would have come.
                for writer in &mut writers {
                    writer.write(store, number)?;
                }
            }
            Ok::<_, StoreError>(())
        })?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{count} messages with each of {} people in {seconds:.1} s",
        people.len()
    );
    Ok(())
}

/// What two people wrote to one another.
struct Writer {
    own: AccountId,
    person: AccountId,
    random: u64,
    beginning: u64,
    mine: bool,
    last: Option<QuoteRef>,
}

impl Writer {
    fn new(own: AccountId, person: AccountId, index: u64, beginning: u64) -> Self {
        Self {
            own,
            person,
            random: index + 1,
            // No two messages of the account have the same time.
            beginning: beginning + index,
            mine: false,
            last: None,
        }
    }

    fn write(&mut self, store: &mut Store, number: u64) -> Result<(), StoreError> {
        // Somebody goes on more often than the other one answers.
        if self.one_in(3) {
            self.mine = !self.mine;
        }
        let apart = self.next() % (APART - 1000) / 16 * 16;
        let sent_at = Timestamp::from_ms(self.beginning + number * APART + apart);
        let author = if self.mine { self.own } else { self.person };
        let mut message = NewMessage::text(self.text());
        message.details.quote = self.last.filter(|_| self.one_in(20));
        let received = ReceivedMessage {
            sender: author,
            conversation: self.person,
            sent_at,
            outgoing: self.mine,
            message,
            arrival: Arrival::default(),
            unread: false,
            mentions_me: false,
            disappears_at: None,
            content: Vec::new(),
        };
        store.take_in(&received)?;
        if self.one_in(15) {
            let emoji = EMOJI[self.next() as usize % EMOJI.len()];
            let effect = Effect::Reaction {
                emoji: emoji.into(),
                present: true,
            };
            let other = if self.mine { self.person } else { self.own };
            store.apply_effect(&author, sent_at, &other, &effect, sent_at)?;
        }
        self.last = Some(QuoteRef { author, sent_at });
        Ok(())
    }

    /// Most are one line, few are long, some have paragraphs, links or only emoji.
    fn text(&mut self) -> String {
        if self.one_in(40) {
            return EMOJI[self.next() as usize % EMOJI.len()].repeat(1 + self.next() as usize % 4);
        }
        let words = match self.next() % 100 {
            0 => 200 + self.next() % 150,
            1..12 => 30 + self.next() % 60,
            _ => 1 + self.next() % 18,
        };
        let mut text = String::new();
        for at in 0..words {
            if at > 0 {
                text.push_str(if self.one_in(60) { ".\n" } else { " " });
            }
            text.push_str(WORDS[self.next() as usize % WORDS.len()]);
        }
        if self.one_in(50) {
            text.push_str(" https://example.org/page/");
            text.push_str(&(self.next() % 10_000).to_string());
        }
        text
    }

    fn one_in(&mut self, parts: u64) -> bool {
        self.next().is_multiple_of(parts)
    }

    /// Numbers that look random, the same in each run.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.random;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

const EMOJI: [&str; 8] = ["👍", "😀", "🎉", "❤️", "😮", "🙏", "🍵", "👨‍👩‍👧‍👦"];

const WORDS: [&str; 56] = [
    "the",
    "train",
    "leaves",
    "at",
    "nine",
    "and",
    "we",
    "should",
    "be",
    "there",
    "early",
    "I",
    "have",
    "tea",
    "with",
    "me",
    "if",
    "you",
    "want",
    "some",
    "tomorrow",
    "evening",
    "is",
    "fine",
    "for",
    "us",
    "all",
    "but",
    "not",
    "on",
    "Sunday",
    "because",
    "of",
    "rain",
    "bring",
    "your",
    "books",
    "please",
    "somewhere",
    "between",
    "here",
    "or",
    "neighbourhood",
    "grüße",
    "café",
    "naïve",
    "yes",
    "no",
    "maybe",
    "later",
    "what",
    "about",
    "lunch",
    "it",
    "was",
    "good",
];
