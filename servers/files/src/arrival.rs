//! What has arrived of an upload and is not written down yet, whatever keeps it.

use core::fmt;

use bytes::Bytes;

use crate::buffer::Buffer;
use crate::id::ContentHasher;
use crate::storage::{Naming, StorageError};
use crate::{FileId, IdMode};

/// So little is hashed where it is: waiting in line costs more.
const LITTLE: usize = 32 * 1024;

/// What is hashed as it comes is hashed in so many bytes, which the processor still has at hand and
/// which are enough for all of its lanes.
const BLOCK: usize = 32 * 1024;

/// The content of an upload: how long it is, its hash, and the end of it that is still in memory.
///
/// ```text
/// filling  ── add, close ──►  due  ── hash_all ──►  hashed  ── take_hashed ──►
/// ```
///
/// What comes is copied while the processor has it at hand, so that whoever received it can use the
/// memory again at once; parts are hashed and written as a whole.
pub(crate) struct Arrival {
    /// None where names say nothing about content.
    hasher: Option<ContentHasher>,
    size: u64,
    filling: Buffer,
    /// How much of it is hashed.
    filling_hashed: usize,
    /// To be hashed, unless that was done as it came.
    due: Vec<Buffer>,
    /// To be written down.
    hashed: Vec<Buffer>,
}

impl Arrival {
    pub(crate) fn new(ids: IdMode) -> Self {
        Self {
            hasher: match ids {
                IdMode::Content => Some(ContentHasher::blake2b()),
                IdMode::Blake3 => Some(ContentHasher::blake3()),
                IdMode::Numbers => None,
            },
            size: 0,
            filling: Buffer::default(),
            filling_hashed: 0,
            due: Vec::new(),
            hashed: Vec::new(),
        }
    }

    /// Bytes so far, also those written down.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes in what came, or as much as belongs to the part that is full now: it is time to hash
    /// it and to write it down then.
    #[must_use]
    pub(crate) fn add(&mut self, bytes: &mut Bytes) -> bool {
        let before = bytes.len();
        self.filling.fill(bytes);
        let taken = before.saturating_sub(bytes.len());
        let blocks = self.filling.as_ref().len() / BLOCK;
        self.hash_as_it_comes(blocks.saturating_mul(BLOCK));
        self.size = self
            .size
            .saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        let is_full = self.filling.is_full();
        if is_full {
            self.close();
        }
        is_full
    }

    /// All has arrived.
    pub(crate) fn close(&mut self) {
        self.hash_as_it_comes(self.filling.as_ref().len());
        self.filling_hashed = 0;
        let part = core::mem::take(&mut self.filling);
        if !part.as_ref().is_empty() {
            self.due.push(part);
        }
    }

    /// Hashes the part that is filling up to there, where the hash is quick.
    fn hash_as_it_comes(&mut self, end: usize) {
        if let Some(hasher) = self.hasher.as_mut().filter(|one| one.is_quick()) {
            let came = self.filling.as_ref().get(self.filling_hashed..end);
            hasher.update(came.unwrap_or_default());
            self.filling_hashed = end;
        }
    }

    /// Whether what is due is hashed faster than given to a worker.
    pub(crate) fn is_soon_hashed(&self) -> bool {
        let due: usize = self.due.iter().map(|part| part.as_ref().len()).sum();
        let hasher = self.hasher.as_ref();
        due <= LITTLE || hasher.is_none_or(ContentHasher::is_quick)
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
    pub(crate) fn take_hashed(&mut self) -> Vec<Buffer> {
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
    later: core::slice::Iter<'a, Buffer>,
}

impl<'a> Turn<'a> {
    fn new(arrival: &'a mut Arrival) -> Option<Self> {
        let mut turn = Self {
            hasher: arrival.hasher.as_mut().filter(|one| !one.is_quick())?,
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
                Some(part) => self.now = part.as_ref(),
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::buffer;

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
        let modes = [IdMode::Content, IdMode::Blake3];
        for _ in 0..20 {
            let mut all: Vec<_> = (0..rng.random_range(1..12))
                .map(|_| {
                    let size = rng.random_range(0..900_000);
                    let (content, pieces) = pieces(&mut rng, size);
                    let pieces = std::collections::VecDeque::from(pieces);
                    // Both at once, which no server does.
                    let ids = modes[rng.random_range(0..modes.len())];
                    (ids, content, pieces, Arrival::new(ids), Vec::new())
                })
                .collect();
            while all.iter().any(|(_, _, pieces, ..)| !pieces.is_empty()) {
                let mut due: Vec<_> = all
                    .iter_mut()
                    .filter_map(|(_, _, pieces, arrival, written)| {
                        while let Some(mut piece) = pieces.pop_front() {
                            let is_due = arrival.add(&mut piece);
                            if !piece.is_empty() {
                                pieces.push_front(piece);
                            }
                            if is_due {
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
                    for part in arrival.take_hashed() {
                        written.extend_from_slice(part.as_ref());
                    }
                    assert!(written.len().is_multiple_of(buffer::SIZE));
                }
            }
            for (ids, content, _, arrival, written) in &mut all {
                arrival.close();
                hash_all(&mut [&mut *arrival]);
                for part in arrival.take_hashed() {
                    written.extend_from_slice(part.as_ref());
                }
                assert_eq!(written, content);
                assert_eq!(arrival.size(), content.len() as u64);
                let mut hasher = match ids {
                    IdMode::Blake3 => ContentHasher::blake3(),
                    _ => ContentHasher::blake2b(),
                };
                hasher.update(content);
                assert_eq!(arrival.id(Naming::Content).unwrap(), hasher.id());
            }
        }
    }

    #[test]
    fn what_is_not_hashed_has_no_name() {
        let mut numbered = Arrival::new(IdMode::Numbers);
        let _ = numbered.add(&mut Bytes::from_static(b"7"));
        numbered.close();
        assert!(numbered.is_soon_hashed());
        hash_all(&mut [&mut numbered]);
        assert!(matches!(
            numbered.id(Naming::Content),
            Err(StorageError::NotHashed)
        ));
        let written = numbered.take_hashed();
        let written: Vec<_> = written.iter().map(Buffer::as_ref).collect();
        assert_eq!(written, [b"7"]);
        let long = Bytes::from_static(&[7; LITTLE + 1]);
        for (ids, is_soon) in [(IdMode::Content, false), (IdMode::Blake3, true)] {
            let mut arrival = Arrival::new(ids);
            let _ = arrival.add(&mut long.clone());
            arrival.close();
            assert_eq!(arrival.is_soon_hashed(), is_soon);
        }
        let mut named = Arrival::new(IdMode::Content);
        let _ = named.add(&mut Bytes::from_static(b"7"));
        named.close();
        assert!(named.id(Naming::Content).is_err());
    }
}
