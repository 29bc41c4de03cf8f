//! The memory answers may take.
//!
//! A few bytes of request can make megabytes of answer, and whoever asks may be in no hurry to
//! read it. So every large answer has a share of a limited amount, from before it is read until
//! it has been written out.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::core::Core;

/// Shares are counted in units of this many bytes.
const UNIT: usize = 1024;

/// A body is handed out in pieces of this size, so that the share is held until little is left.
const PIECE: usize = 64 * 1024;

/// An answer's share of the memory for answers.
#[derive(Debug)]
pub(crate) struct AnswerMemory {
    pool: Arc<Semaphore>,
    share: Option<OwnedSemaphorePermit>,
}

impl AnswerMemory {
    /// No share yet.
    pub(crate) fn none(pool: &Arc<Semaphore>) -> Self {
        Self {
            pool: Arc::clone(pool),
            share: None,
        }
    }

    /// Waits for a share, in the order of asking.
    pub(super) async fn reserve(core: &Core, bytes: u64) -> Self {
        let mut memory = Self::none(&core.answer_memory);
        let units = u32::try_from(bytes.div_ceil(UNIT as u64)).unwrap_or(u32::MAX);
        let units = units.min(core.answer_memory_kib);
        if units > 0 {
            // Only a closed semaphore refuses, and nobody closes this one.
            let share = Arc::clone(&memory.pool).acquire_many_owned(units).await;
            memory.share = share.ok();
        }
        memory
    }

    /// Makes the share fit what the answer really takes: gives back what is too much, and takes
    /// more if there is more at once. Returns whether it fits.
    pub(crate) fn fit(&mut self, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(UNIT);
        let held = self
            .share
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        match wanted.checked_sub(held) {
            None => {
                if let Some(share) = &mut self.share {
                    drop(share.split(held.saturating_sub(wanted)));
                }
                true
            }
            Some(0) => true,
            Some(missing) => {
                let missing = u32::try_from(missing).unwrap_or(u32::MAX);
                let Ok(more) = Arc::clone(&self.pool).try_acquire_many_owned(missing) else {
                    return false;
                };
                match &mut self.share {
                    Some(share) => share.merge(more),
                    None => self.share = Some(more),
                }
                true
            }
        }
    }

    /// The body as it is to be written: it holds the share until its last piece is taken. Small
    /// ones are not worth it.
    pub(crate) fn guard(self, bytes: Bytes) -> axum::body::Body {
        if bytes.len() <= PIECE || self.share.is_none() {
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
        let pool = Arc::new(Semaphore::new(10));
        let mut one = AnswerMemory::none(&pool);
        assert!(one.fit(7 * UNIT + 1));
        assert_eq!(pool.available_permits(), 2);
        let mut other = AnswerMemory::none(&pool);
        assert!(!other.fit(3 * UNIT));
        assert!(other.fit(2 * UNIT) && other.fit(0));
        assert!(one.fit(2 * UNIT));
        assert_eq!(pool.available_permits(), 8);
        drop(one);
        assert_eq!(pool.available_permits(), 10);
    }

    #[tokio::test]
    async fn the_share_is_held_until_the_last_piece() {
        let pool = Arc::new(Semaphore::new(1000));
        let body = Bytes::from((0..=255u8).cycle().take(3 * PIECE + 1).collect::<Vec<_>>());
        let mut share = AnswerMemory::none(&pool);
        assert!(share.fit(body.len()));
        let held = 1000 - pool.available_permits();
        let mut stream = share.guard(body.clone()).into_data_stream();
        let mut got = Vec::new();
        while let Some(piece) = stream.next().await {
            got.extend_from_slice(&piece.unwrap());
            if got.len() < body.len() {
                assert_eq!(1000 - pool.available_permits(), held);
            }
        }
        assert_eq!(got, body);
        drop(stream);
        assert_eq!(pool.available_permits(), 1000);
    }
}
