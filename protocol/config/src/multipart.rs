//! Configs too large for one stored message (docs/protocol/config.md sections 6.4 and 7.1).
//!
//! A part is the byte `m` and a list:
//!
//! | # | Length | Content |
//! |---|---|---|
//! | 0 | 32 | BLAKE2b-32 of the whole padded message |
//! | 1 | 1 | index, from 0 |
//! | 2 | 1 | number of parts, 2 to 255 |
//! | 3 | up to 76 710 | the piece |
//!
//! Zeros may follow the list. Each part is encrypted by itself.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use session_crypto::hash::blake2b;
use session_types::{Timestamp, limits::MAX_MESSAGE_SIZE};

use crate::error::{ConfigError, Malformed};
use crate::seal::OVERHEAD;
use crate::wire::{Reader, put_bytes, put_decimal, put_int};

/// What the list around a piece takes at most.
const LIST_OVERHEAD: usize = 50;

/// The longest piece.
const MAX_CHUNK: usize = MAX_MESSAGE_SIZE - LIST_OVERHEAD - OVERHEAD;

/// More is not pushed.
const MAX_PUSHED: usize = 5_000_000;

/// How long an incomplete message waits for its next part.
const KEEP_INCOMPLETE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a complete one is remembered, so that late copies of its parts are not collected again.
const KEEP_DONE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Pieces kept altogether: more than three of the largest configs that can be pushed.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// What came of a part.
#[derive(Debug)]
pub(crate) enum Part {
    /// Nothing: not a part, or one that contradicts the others.
    Rejected,
    /// Known already.
    Known,
    /// Kept; others are still missing.
    Kept,
    /// It was the last one.
    Complete {
        /// The storage hashes of all parts.
        hashes: BTreeSet<String>,
        /// The whole padded message.
        message: Vec<u8>,
    },
}

/// The parts collected so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Collection(BTreeMap<[u8; 32], Pieces>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pieces {
    /// How many there are; 0 when the message is complete.
    count: u8,
    expires: Timestamp,
    pieces: BTreeMap<u8, Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    hash: String,
    chunk: Vec<u8>,
}

/// Whether a padded message must be cut.
pub(crate) fn is_needed(padded: usize) -> bool {
    padded.saturating_add(OVERHEAD) > MAX_MESSAGE_SIZE
}

/// Refuses what is too large to push at all.
pub(crate) fn check_size(padded: usize) -> Result<(), ConfigError> {
    if padded > MAX_PUSHED {
        return Err(ConfigError::TooLarge { size: padded });
    }
    Ok(())
}

/// Cuts a padded message into parts, and gives its hash.
pub(crate) fn cut(padded: &[u8]) -> ([u8; 32], Vec<Vec<u8>>) {
    let id = blake2b::<32>(&[padded]);
    let chunks = padded.chunks(MAX_CHUNK);
    let count = u8::try_from(chunks.len()).unwrap_or(u8::MAX);
    let parts = chunks
        .zip(0u8..=u8::MAX)
        .map(|(chunk, index)| {
            let size = chunk.len().saturating_add(LIST_OVERHEAD);
            let mut part = Vec::with_capacity(size.saturating_add(OVERHEAD));
            part.extend_from_slice(b"ml");
            put_bytes(&mut part, &id);
            put_bytes(&mut part, &[index]);
            put_bytes(&mut part, &[count]);
            put_bytes(&mut part, chunk);
            part.push(b'e');
            // Upstream's buffers are of fixed size, and their bytes are what others push.
            if part.len() < size {
                part.resize(size, 0);
            }
            part
        })
        .collect();
    (id, parts)
}

impl Collection {
    /// Takes in what follows the `m` of a part.
    pub(crate) fn receive(&mut self, hash: &str, part: &[u8], now: Timestamp) -> Part {
        self.try_receive(hash, part, now).unwrap_or(Part::Rejected)
    }

    fn try_receive(&mut self, hash: &str, part: &[u8], now: Timestamp) -> Result<Part, Malformed> {
        if part.len().saturating_add(1 + OVERHEAD) > MAX_MESSAGE_SIZE {
            return Err(Malformed::TooLarge);
        }
        let mut reader = Reader::new(part);
        reader.expect(b'l')?;
        let id = *reader.array::<32>()?;
        let [index] = *reader.array::<1>()?;
        let [count] = *reader.array::<1>()?;
        let chunk = reader.bytes()?;
        reader.expect(b'e')?;
        if count <= 1 || index >= count || chunk.is_empty() {
            return Err(Malformed::Structure);
        }
        let kept: usize = self.pieces().map(|piece| piece.chunk.len()).sum();
        let pieces = self.0.entry(id).or_insert_with(|| Pieces {
            count,
            expires: now.plus(KEEP_INCOMPLETE),
            pieces: BTreeMap::new(),
        });
        if pieces.count == 0 {
            return Ok(Part::Known);
        }
        if pieces.count != count {
            return Err(Malformed::Structure);
        }
        if pieces.pieces.contains_key(&index) {
            return Ok(Part::Known);
        }
        if kept.saturating_add(chunk.len()) > MAX_KEPT {
            return Err(Malformed::TooLarge);
        }
        pieces.expires = now.plus(KEEP_INCOMPLETE);
        pieces.pieces.insert(
            index,
            Piece {
                hash: hash.to_owned(),
                chunk: chunk.to_vec(),
            },
        );
        if pieces.pieces.len() < usize::from(count) {
            return Ok(Part::Kept);
        }
        let mut message = Vec::new();
        let mut hashes = BTreeSet::new();
        for (_, piece) in core::mem::take(&mut pieces.pieces) {
            message.extend_from_slice(&piece.chunk);
            hashes.insert(piece.hash);
        }
        if blake2b::<32>(&[&message]) != id {
            self.0.remove(&id);
            return Err(Malformed::Structure);
        }
        self.done(id, now);
        Ok(Part::Complete { hashes, message })
    }

    /// Remembers a message as complete.
    pub(crate) fn done(&mut self, id: [u8; 32], now: Timestamp) {
        self.0.insert(
            id,
            Pieces {
                count: 0,
                expires: now.plus(KEEP_DONE),
                pieces: BTreeMap::new(),
            },
        );
    }

    /// Forgets what is too old; whether there was anything.
    pub(crate) fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.0.len();
        self.0.retain(|_, pieces| pieces.expires > now);
        self.0.len() != before
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.values().flat_map(|set| set.pieces.values())
    }

    /// Storage hashes of parts whose message is incomplete.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = &String> {
        self.pieces().map(|piece| &piece.hash)
    }

    /// The form in a dump: a dict of hash to `{#: number of parts or 0, T: expiry in ms, p: list of
    /// {#: index, M: storage hash, d: piece}}`.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        for (id, set) in &self.0 {
            put_bytes(out, id);
            out.extend_from_slice(b"d1:#");
            put_int(out, i64::from(set.count));
            out.extend_from_slice(b"1:Ti");
            put_decimal(out, set.expires.as_ms());
            out.push(b'e');
            if set.count != 0 {
                out.extend_from_slice(b"1:pl");
                for (index, piece) in &set.pieces {
                    out.extend_from_slice(b"d1:#");
                    put_int(out, i64::from(*index));
                    out.extend_from_slice(b"1:M");
                    put_bytes(out, piece.hash.as_bytes());
                    out.extend_from_slice(b"1:d");
                    put_bytes(out, &piece.chunk);
                    out.push(b'e');
                }
                out.push(b'e');
            }
            out.push(b'e');
        }
        out.push(b'e');
    }

    /// Reads the form in a dump.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut sets = BTreeMap::new();
        reader.expect(b'd')?;
        let mut previous = None;
        while let Some(id) = reader.key(previous)? {
            previous = Some(id);
            let id = id.try_into().map_err(|_| Malformed::Type)?;
            sets.insert(id, Pieces::read(reader)?);
        }
        Ok(Self(sets))
    }
}

impl Pieces {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut count = None;
        let mut expires = None;
        let mut pieces = BTreeMap::new();
        reader.expect(b'd')?;
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            match key {
                b"#" => count = u8::try_from(reader.int()?).ok(),
                b"T" => expires = u64::try_from(reader.int()?).ok(),
                b"p" => {
                    reader.expect(b'l')?;
                    while !reader.accept(b'e')? {
                        let (index, piece) = Piece::read(reader)?;
                        pieces.insert(index, piece);
                    }
                }
                _ => reader.skip(0)?,
            }
        }
        let count = count.ok_or(Malformed::Structure)?;
        if pieces.keys().any(|index| *index >= count) {
            return Err(Malformed::Structure);
        }
        Ok(Self {
            count,
            expires: Timestamp::from_ms(expires.ok_or(Malformed::Structure)?),
            pieces,
        })
    }
}

impl Piece {
    fn read(reader: &mut Reader<'_>) -> Result<(u8, Self), Malformed> {
        let mut index = None;
        let mut hash = None;
        let mut chunk = None;
        reader.expect(b'd')?;
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            match key {
                b"#" => index = u8::try_from(reader.int()?).ok(),
                b"M" => hash = Some(text(reader)?),
                b"d" => chunk = Some(reader.bytes()?.to_vec()),
                _ => reader.skip(0)?,
            }
        }
        match (index, hash, chunk) {
            (Some(index), Some(hash), Some(chunk)) => Ok((index, Self { hash, chunk })),
            _ => Err(Malformed::Structure),
        }
    }
}

/// A string of UTF-8 text.
pub(crate) fn text(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    core::str::from_utf8(reader.bytes()?)
        .map(str::to_owned)
        .map_err(|_| Malformed::Type)
}
