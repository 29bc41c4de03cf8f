//! The memory answers may take.
//!
//! A few bytes of request can make megabytes of answer, and whoever asks may be in no hurry to
//! read it. So every large answer has a share of a limited amount, from before it is read until
//! it has been written out: of what there is for all, and of what there is for the address that
//! asks.

use std::sync::Arc;

use bytes::Bytes;
use session_quic::Budget;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shares are counted in units of this many bytes.
const UNIT: usize = 1024;

/// A body is handed out in pieces of this size, so that the share is held until little is left.
const PIECE: usize = 64 * 1024;

/// A limited amount of memory.
#[derive(Debug, Clone)]
pub(crate) struct AnswerPool {
    units: Arc<Semaphore>,
    capacity: u32,
}

impl AnswerPool {
    /// So many bytes, rounded to whole units; at least one.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = Self::units_of(bytes);
        Self::of_units(Arc::new(Semaphore::new(units)), units)
    }

    /// The units such a pool has.
    pub(crate) fn units_of(bytes: usize) -> usize {
        (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize))
    }

    /// A pool that has so many units when nobody holds any.
    pub(crate) fn of_units(units: Arc<Semaphore>, capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        Self { units, capacity }
    }

    /// What arrives over QUIC takes its memory from the pool with this.
    pub(crate) fn budget(&self) -> Budget {
        Budget::new(Arc::clone(&self.units), UNIT)
    }
}

/// An answer's share of the pools it is taken from.
#[derive(Debug, Default)]
pub(crate) struct AnswerMemory {
    shares: Vec<(AnswerPool, Option<OwnedSemaphorePermit>)>,
}

impl AnswerMemory {
    /// No share yet of any of these.
    pub(crate) fn of(pools: impl IntoIterator<Item = AnswerPool>) -> Self {
        Self {
            shares: pools.into_iter().map(|pool| (pool, None)).collect(),
        }
    }

    /// Waits for a share, in the order of asking.
    pub(crate) async fn reserve(&mut self, bytes: u64) {
        let units = u32::try_from(bytes.div_ceil(UNIT as u64)).unwrap_or(u32::MAX);
        for (pool, share) in &mut self.shares {
            let units = units.min(pool.capacity);
            if units > 0 {
                // Only a closed semaphore refuses, and nobody closes this one.
                *share = Arc::clone(&pool.units).acquire_many_owned(units).await.ok();
            }
        }
    }

    /// Makes the share fit what the answer really takes: gives back what is too much, and takes
    /// more if there is more at once. Returns whether it fits.
    pub(crate) fn fit(&mut self, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(UNIT);
        self.shares.iter_mut().all(|(pool, share)| {
            let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            match wanted.checked_sub(held) {
                None => {
                    if let Some(share) = share {
                        drop(share.split(held.saturating_sub(wanted)));
                    }
                    true
                }
                Some(0) => true,
                Some(missing) => {
                    let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                    let Ok(more) = Arc::clone(&pool.units).try_acquire_many_owned(missing) else {
                        return false;
                    };
                    match share {
                        Some(share) => share.merge(more),
                        None => *share = Some(more),
                    }
                    true
                }
            }
        })
    }

    fn is_empty(&self) -> bool {
        self.shares.iter().all(|(_, share)| share.is_none())
    }

    /// The body as it is to be written: it holds the share until its last piece is taken. Small
    /// ones are not worth it.
    pub(crate) fn guard(self, bytes: Bytes) -> axum::body::Body {
        if bytes.len() <= PIECE || self.is_empty() {
            return bytes.into();
        }
        let pieces = futures_util::stream::unfold((bytes, self), |(mut rest, share)| async {
            if rest.is_empty() {
                return None;
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            Some((Ok::<_, std::convert::Infallible>(piece), (rest, share)))
        });
        axum::body::Body::from_stream(pieces)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[test]
    fn shares_grow_and_shrink_and_come_back() {
        let (pool, own) = (AnswerPool::new(10 * UNIT), AnswerPool::new(8 * UNIT));
        let free = || {
            (
                pool.units.available_permits(),
                own.units.available_permits(),
            )
        };
        let mut one = AnswerMemory::of([pool.clone(), own.clone()]);
        assert!(one.fit(7 * UNIT + 1));
        assert_eq!(free(), (2, 0));
        let mut other = AnswerMemory::of([pool.clone()]);
        assert!(!other.fit(3 * UNIT));
        assert!(other.fit(2 * UNIT) && other.fit(0));
        assert!(!one.fit(9 * UNIT), "more than its own pool has");
        assert!(one.fit(2 * UNIT));
        assert_eq!(free(), (8, 6));
        drop(one);
        assert_eq!(free(), (10, 8));
    }

    #[tokio::test]
    async fn nobody_waits_for_more_than_there_is() {
        let pool = AnswerPool::new(10 * UNIT);
        let mut memory = AnswerMemory::of([pool.clone()]);
        memory.reserve(1 << 40).await;
        assert_eq!(pool.units.available_permits(), 0);
        assert!(memory.fit(UNIT));
        assert_eq!(pool.units.available_permits(), 9);
    }

    #[tokio::test]
    async fn the_share_is_held_until_the_last_piece() {
        let pool = AnswerPool::new(1000 * UNIT);
        let body = Bytes::from((0..=255u8).cycle().take(3 * PIECE + 1).collect::<Vec<_>>());
        let mut share = AnswerMemory::of([pool.clone()]);
        assert!(share.fit(body.len()));
        let free = pool.units.available_permits();
        let mut stream = share.guard(body.clone()).into_data_stream();
        let mut got = Vec::new();
        while let Some(piece) = stream.next().await {
            got.extend_from_slice(&piece.unwrap());
            if got.len() < body.len() {
                assert_eq!(pool.units.available_permits(), free);
            }
        }
        assert_eq!(got, body);
        drop(stream);
        assert_eq!(pool.units.available_permits(), 1000);
    }
}
