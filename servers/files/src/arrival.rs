//! What has arrived of an upload and is not written down yet, whatever keeps it.

use core::fmt;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, Write as _};

use bytes::{Bytes, BytesMut};

use crate::id::ContentHasher;
use crate::storage::{Naming, StorageError};
use crate::{FileId, IdMode};

/// Bytes kept in memory before they are hashed and written, so that small files touch the disk
/// once and large ones not for every packet. Files are written in multiples of it, which the
/// system keeps in large pieces.
pub(crate) const BUFFER: usize = 128 * 1024;

/// What comes in smaller pieces is put together: each piece is a step for hashing and writing.
const SMALL: usize = 8 * 1024;

/// So much of it.
const JOINED: usize = 32 * 1024;

/// The content of an upload: how long it is, its hash, and the end of it that waits in memory.
///
/// ```text
/// tail, waiting  ── add, close ──►  due  ── hash_all ──►  hashed  ── take_hashed ──►
/// ```
pub(crate) struct Arrival {
    /// None where names say nothing about content.
    hasher: Option<ContentHasher>,
    size: u64,
    /// Small pieces, put together.
    tail: BytesMut,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// To be hashed.
    due: Vec<Bytes>,
    /// To be written down.
    hashed: Vec<Bytes>,
}

impl Arrival {
    pub(crate) fn new(ids: IdMode) -> Self {
        Self {
            hasher: match ids {
                IdMode::Content => Some(ContentHasher::new()),
                IdMode::Numbers => None,
            },
            size: 0,
            tail: BytesMut::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            due: Vec::new(),
            hashed: Vec::new(),
        }
    }

    /// Bytes so far, also those written down.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes in what came; tells whether it is time to hash and write down.
    #[must_use]
    pub(crate) fn add(&mut self, bytes: Bytes) -> bool {
        self.size = self
            .size
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        if bytes.len() < SMALL {
            self.tail.extend_from_slice(&bytes);
            if self.tail.len() >= JOINED {
                self.join();
            }
        } else {
            self.join();
            self.waiting.push_back(bytes);
        }
        if self.waiting_bytes < BUFFER {
            return false;
        }
        self.join();
        self.make_due(self.waiting_bytes / BUFFER * BUFFER);
        true
    }

    /// All has arrived.
    pub(crate) fn close(&mut self) {
        self.join();
        self.make_due(self.waiting_bytes);
    }

    fn join(&mut self) {
        if !self.tail.is_empty() {
            self.waiting.push_back(self.tail.split().freeze());
        }
    }

    fn make_due(&mut self, bytes: usize) {
        let mut left = bytes;
        while left > 0
            && let Some(mut piece) = self.waiting.pop_front()
        {
            if piece.len() > left {
                self.waiting.push_front(piece.split_off(left));
            }
            left = left.saturating_sub(piece.len());
            self.due.push(piece);
        }
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
    }

    /// How many bytes are to be hashed now.
    pub(crate) fn to_hash(&self) -> usize {
        match self.hasher {
            Some(_) => self.due.iter().map(Bytes::len).sum(),
            None => 0,
        }
    }

    /// The file's name now that all has arrived and is hashed.
    pub(crate) fn id(&self, naming: Naming) -> Result<FileId, StorageError> {
        match (naming, &self.hasher) {
            (Naming::Given(id), _) => Ok(id),
            (Naming::Content, Some(hasher)) if self.due.is_empty() => Ok(hasher.id()),
            (Naming::Content, _) => Err(StorageError::NotHashed),
        }
    }

    /// What is to be written down now.
    pub(crate) fn take_hashed(&mut self) -> Vec<Bytes> {
        core::mem::take(&mut self.hashed)
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Hashes what is due of several uploads, as many side by side as the processor can.
pub(crate) fn hash_all(arrivals: &mut [&mut Arrival]) {
    let mut turns: Vec<Turn<'_>> = arrivals
        .iter_mut()
        .filter_map(|arrival| Turn::new(arrival))
        .collect();
    let lanes = ContentHasher::side_by_side();
    while !turns.is_empty() {
        let running = turns.iter_mut().take(lanes);
        let step = running.map(|turn| turn.now.len()).min().unwrap_or_default();
        let running = turns.iter_mut().take(lanes);
        ContentHasher::update_all(running.map(|turn| turn.step(step)));
        turns.retain_mut(|turn| turn.goes_on());
    }
    for arrival in arrivals {
        let Arrival { due, hashed, .. } = arrival;
        hashed.append(due);
    }
}

/// One of several that are hashed side by side.
struct Turn<'a> {
    hasher: &'a mut ContentHasher,
    now: &'a [u8],
    later: core::slice::Iter<'a, Bytes>,
}

impl<'a> Turn<'a> {
    fn new(arrival: &'a mut Arrival) -> Option<Self> {
        let mut turn = Self {
            hasher: arrival.hasher.as_mut()?,
            now: &[],
            later: arrival.due.iter(),
        };
        turn.goes_on().then_some(turn)
    }

    /// The next so many bytes.
    fn step(&mut self, bytes: usize) -> (&mut ContentHasher, &'a [u8]) {
        let (step, rest) = self.now.split_at_checked(bytes).unwrap_or((self.now, &[]));
        self.now = rest;
        (self.hasher, step)
    }

    /// Goes to the next piece where this one is at its end.
    fn goes_on(&mut self) -> bool {
        while self.now.is_empty() {
            match self.later.next() {
                Some(piece) => self.now = piece,
                None => return false,
            }
        }
        true
    }
}

/// Writes all of it, in as few calls as possible.
pub(crate) fn write_all(file: &mut File, parts: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut left = slices.as_mut_slice();
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    /// Random content cut into random pieces, some small, some empty.
    fn pieces(rng: &mut impl rand::Rng, size: usize) -> (Vec<u8>, Vec<Bytes>) {
        let mut content = vec![0; size];
        rng.fill(content.as_mut_slice());
        let mut left = Bytes::copy_from_slice(&content);
        let mut pieces = Vec::new();
        while !left.is_empty() {
            let longest = [1, 300, 20_000, 300_000][rng.random_range(0..4)];
            let length = rng.random_range(0..=longest).min(left.len());
            pieces.push(left.split_to(length));
        }
        (content, pieces)
    }

    #[test]
    fn any_pieces_side_by_side_give_the_same_names_and_bytes() {
        let mut rng = rand::rng();
        for _ in 0..20 {
            let mut all: Vec<_> = (0..rng.random_range(1..12))
                .map(|_| {
                    let size = rng.random_range(0..900_000);
                    let (content, pieces) = pieces(&mut rng, size);
                    let pieces = VecDeque::from(pieces);
                    (content, pieces, Arrival::new(IdMode::Content), Vec::new())
                })
                .collect();
            while all.iter().any(|(_, pieces, ..)| !pieces.is_empty()) {
                let mut due: Vec<_> = all
                    .iter_mut()
                    .filter_map(|(_, pieces, arrival, written)| {
                        while let Some(piece) = pieces.pop_front() {
                            if arrival.add(piece) {
                                return Some((arrival, written));
                            }
                        }
                        None
                    })
                    .collect();
                let mut arrivals: Vec<_> =
                    due.iter_mut().map(|(arrival, _)| &mut **arrival).collect();
                hash_all(&mut arrivals);
                for (arrival, written) in due {
                    for bytes in arrival.take_hashed() {
                        written.extend_from_slice(&bytes);
                    }
                    assert!(written.len().is_multiple_of(BUFFER));
                }
            }
            for (content, _, arrival, written) in &mut all {
                arrival.close();
                assert!(arrival.to_hash() < BUFFER);
                hash_all(&mut [&mut *arrival]);
                for bytes in arrival.take_hashed() {
                    written.extend_from_slice(&bytes);
                }
                assert_eq!(written, content);
                assert_eq!(arrival.size(), content.len() as u64);
                let mut hasher = ContentHasher::new();
                hasher.update(content);
                assert_eq!(arrival.id(Naming::Content).unwrap(), hasher.id());
            }
        }
    }

    #[test]
    fn what_is_not_hashed_has_no_name() {
        let mut numbered = Arrival::new(IdMode::Numbers);
        let _ = numbered.add(Bytes::from_static(b"7"));
        numbered.close();
        assert_eq!(numbered.to_hash(), 0);
        hash_all(&mut [&mut numbered]);
        assert!(matches!(
            numbered.id(Naming::Content),
            Err(StorageError::NotHashed)
        ));
        assert_eq!(numbered.take_hashed(), [Bytes::from_static(b"7")]);
        let mut named = Arrival::new(IdMode::Content);
        let _ = named.add(Bytes::from_static(b"7"));
        named.close();
        assert!(named.id(Naming::Content).is_err());
    }

    #[test]
    fn pieces_are_written_in_order() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let parts: Vec<_> = (0..3000u32)
            .map(|n| Bytes::from(vec![0x30 + (n % 10) as u8; (n % 5) as usize]))
            .collect();
        write_all(file.as_file_mut(), &parts).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), parts.concat());
        write_all(file.as_file_mut(), &[]).unwrap();
    }
}
