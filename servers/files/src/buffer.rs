//! Memory for parts of files, kept for others: memory the system has given once need not be asked
//! for again, nor filled with zeros.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bytes of a part at most. Files are written in multiples of it, so that small ones touch the disk
/// once and large ones not for every packet.
pub(crate) const SIZE: usize = 256 * 1024;

/// Half of it: files are read in multiples of this, as whoever reads slowly holds some parts.
pub(crate) const HALF: usize = SIZE / 2;

/// Parts up to this size have memory of their own, [`LEAST`] or twice, four times as much of it.
const SMALL: usize = 16 * 1024;

const LEAST: usize = 1024;

/// A part of a file.
#[derive(Default)]
pub(crate) struct Buffer {
    memory: Box<[u8]>,
    length: usize,
}

impl Buffer {
    /// A part of so many bytes, [`SIZE`] at most. What is in it is left from another; it is to be
    /// written over.
    pub(crate) fn take(length: usize) -> Self {
        let memory: Box<[u8]> = if length <= SMALL {
            vec![0; length.next_power_of_two().max(LEAST)].into()
        } else if length <= HALF {
            HALVES.take()
        } else {
            WHOLES.take()
        };
        Self {
            memory,
            length: length.min(SIZE),
        }
    }

    /// Moves as much of `bytes` to its end as it has room for.
    pub(crate) fn fill(&mut self, bytes: &mut Bytes) {
        let had = self.length;
        let length = had.saturating_add(bytes.len()).min(SIZE);
        if self.memory.len() < length {
            let mut larger = Self::take(length);
            larger.write_at(0, self.as_ref());
            *self = larger;
        }
        self.length = length;
        let more = bytes.split_to(length.saturating_sub(had));
        self.write_at(had, &more);
    }

    fn write_at(&mut self, position: usize, bytes: &[u8]) {
        let place = self.as_mut().get_mut(position..).unwrap_or_default();
        if let Some((place, _)) = place.split_at_mut_checked(bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Whether it has no room.
    pub(crate) const fn is_full(&self) -> bool {
        self.length == SIZE
    }

    /// Cuts off all but so many bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(spare) = [&WHOLES, &HALVES]
            .into_iter()
            .find(|spare| spare.part == self.memory.len())
        {
            spare.put(core::mem::take(&mut self.memory));
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").finish_non_exhaustive()
    }
}

static WHOLES: Spare = Spare::new(SIZE, 16);
static HALVES: Spare = Spare::new(HALF, 32);

/// Memory for parts of one size that lies idle.
struct Spare {
    part: usize,
    most: usize,
    idle: Mutex<Vec<Box<[u8]>>>,
}

impl Spare {
    /// For parts of so many bytes; `most` may lie idle.
    const fn new(part: usize, most: usize) -> Self {
        Self {
            part,
            most,
            idle: Mutex::new(Vec::new()),
        }
    }

    fn take(&self) -> Box<[u8]> {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| vec![0; self.part].into())
    }

    fn put(&self, memory: Box<[u8]>) {
        let mut idle = self.idle();
        if idle.len() < self.most {
            idle.push(memory);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_filled_in_order_and_no_further_than_their_size() {
        let content: Bytes = (0..=250).cycle().take(SIZE + 7).collect();
        for step in [1, 700, SMALL, SMALL + 1, 100_000, HALF + 1, SIZE + 7] {
            let mut buffer = Buffer::default();
            let mut left = content.clone();
            while !buffer.is_full() {
                let mut piece = left.split_to(step.min(left.len()));
                buffer.fill(&mut piece);
                assert!(piece.is_empty() || buffer.is_full());
                assert_eq!(buffer.as_ref(), content.slice(..buffer.as_ref().len()));
            }
            let mut more = content.clone();
            buffer.fill(&mut more);
            assert_eq!((buffer.as_ref(), more), (&content[..SIZE], content.clone()));
        }
    }
}
