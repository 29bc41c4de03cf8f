//! The saved form of a config (docs/protocol/config.md section 9).
//!
//! | Key | Value |
//! |---|---|
//! | `!` | state: 0 clean, 1 dirty, 2 waiting |
//! | `$` | the message |
//! | `(` | list of current storage hashes; older dumps have a single string |
//! | `)` | list of storage hashes to delete |
//! | `*` | parts of messages that are not complete yet |
//! | `+` | what a kind of config keeps on this device only |

use std::collections::BTreeSet;

use session_types::Timestamp;
use zeroize::Zeroizing;

use super::{Core, Current, State};
use crate::error::{ConfigError, Malformed};
use crate::message::{Draft, LAG, Message};
use crate::multipart::{Collection, text};
use crate::wire::{Reader, put_bytes, put_int};

impl Core {
    /// The config as bytes to be saved. The message is signed like a pushed one, so that its hash
    /// is the same after loading.
    pub(crate) fn dump(&mut self, extra: &[u8], now: Timestamp) -> Zeroizing<Vec<u8>> {
        self.parts.expire(now);
        if self.is_read_only() {
            self.old_hashes.clear();
        }
        let message = self.signed_message().encoded();
        let mut out = Zeroizing::new(Vec::with_capacity(message.len().saturating_add(256)));
        out.extend_from_slice(b"d1:!");
        put_int(&mut out, self.state.number());
        out.extend_from_slice(b"1:$");
        put_bytes(&mut out, &message);
        out.extend_from_slice(b"1:(");
        put_hashes(&mut out, &self.current_hashes);
        out.extend_from_slice(b"1:)");
        put_hashes(&mut out, &self.old_hashes);
        out.extend_from_slice(b"1:*");
        self.parts.encode_into(&mut out);
        out.extend_from_slice(b"1:+");
        out.extend_from_slice(extra);
        out.push(b'e');
        self.needs_dump = false;
        out
    }

    /// Brings an empty config to the state of a dump, and gives what its kind saved beside it.
    pub(crate) fn load(&mut self, dump: &[u8]) -> Result<Vec<u8>, ConfigError> {
        let (mut state, mut message, mut extra) = (None, None, b"de".to_vec());
        let mut reader = Reader::new(dump);
        reader.expect(b'd')?;
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            match key {
                b"!" => state = State::from_number(reader.int()?),
                b"$" => {
                    let saved = reader.bytes()?;
                    message = Some(Message::parse_saved(saved, self.verifier.as_ref(), LAG)?);
                }
                b"(" => self.current_hashes = read_hashes(&mut reader)?,
                b")" => self.old_hashes = read_hashes(&mut reader)?,
                b"*" => self.parts = Collection::read(&mut reader)?,
                b"+" => {
                    let start = reader.position();
                    reader.skip(1)?;
                    extra = reader.between(start, reader.position()).to_vec();
                }
                _ => reader.skip(1)?,
            }
        }
        let message = message.ok_or(Malformed::Structure)?;
        self.state = state.ok_or(Malformed::Structure)?;
        self.current = match self.state {
            // Perhaps this version was pushed and the answer lost: the next number is safe.
            State::Dirty => Current::Draft(Draft::after(&message, LAG)?),
            State::Clean | State::Waiting => Current::Finished(message),
        };
        Ok(extra)
    }
}

impl State {
    fn number(self) -> i64 {
        match self {
            Self::Clean => 0,
            Self::Dirty => 1,
            Self::Waiting => 2,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Clean),
            1 => Some(Self::Dirty),
            2 => Some(Self::Waiting),
            _ => None,
        }
    }
}

fn put_hashes(out: &mut Vec<u8>, hashes: &BTreeSet<String>) {
    out.push(b'l');
    for hash in hashes {
        put_bytes(out, hash.as_bytes());
    }
    out.push(b'e');
}

fn read_hashes(reader: &mut Reader<'_>) -> Result<BTreeSet<String>, Malformed> {
    let mut hashes = BTreeSet::new();
    if reader.accept(b'l')? {
        while !reader.accept(b'e')? {
            hashes.insert(text(reader)?);
        }
    } else {
        let single = text(reader)?;
        if !single.is_empty() {
            hashes.insert(single);
        }
    }
    Ok(hashes)
}
