//! Memory that many requests share.
//!
//! A request takes its part as its bytes arrive, never on the strength of an announcement, and
//! gives it back when it is done. When all is taken nobody waits: requests that hold a part and
//! wait for more would wait for each other.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one permit stands for.
const UNIT: usize = 1024;

/// An amount of memory that may be shared out.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Semaphore>);

impl Memory {
    /// So many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units)))
    }

    /// A share of it, empty as yet.
    #[must_use]
    pub fn share(&self) -> Share {
        Share {
            memory: self.clone(),
            held: None,
        }
    }

    /// Bytes nobody has taken.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.available_permits().saturating_mul(UNIT)
    }
}

/// What one request has taken; dropping it gives it back.
pub struct Share {
    memory: Memory,
    held: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Makes it at least so many bytes; `false`, and nothing is changed, when they are not there.
    #[must_use]
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(UNIT).saturating_sub(self.units());
        if wanted == 0 {
            return true;
        }
        let Ok(wanted) = u32::try_from(wanted) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.memory.0).try_acquire_many_owned(wanted) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Gives back what exceeds so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.units().saturating_sub(bytes.div_ceil(UNIT));
        if let Some(held) = &mut self.held {
            drop(held.split(surplus));
        }
    }

    /// A body that gives the share back when it has been sent or given up.
    pub fn guard(self, bytes: impl Into<Bytes>) -> Body {
        Body::new(Guarded {
            left: Some(bytes.into()),
            _share: self,
        })
    }

    fn units(&self) -> usize {
        self.held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("bytes", &self.units().saturating_mul(UNIT))
            .finish()
    }
}

struct Guarded {
    left: Option<Bytes>,
    _share: Share,
}

impl hyper::body::Body for Guarded {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.left.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.left.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_shrink_and_come_back() {
        let memory = Memory::new(10 * UNIT);
        let mut first = memory.share();
        assert!(first.grow_to(1) && first.grow_to(UNIT));
        assert_eq!(memory.available(), 9 * UNIT);
        assert!(first.grow_to(8 * UNIT));
        let mut second = memory.share();
        assert!(!second.grow_to(3 * UNIT), "only two are left");
        assert_eq!(memory.available(), 2 * UNIT, "a refusal takes nothing");
        first.shrink_to(UNIT + 1);
        assert_eq!(memory.available(), 8 * UNIT);
        assert!(second.grow_to(8 * UNIT));
        drop(first);
        assert!(!second.grow_to(usize::MAX));
        drop(second);
        assert_eq!(memory.available(), 10 * UNIT);
    }

    #[tokio::test]
    async fn a_guarded_body_holds_its_share_until_it_is_sent() {
        let memory = Memory::new(10 * UNIT);
        let mut share = memory.share();
        assert!(share.grow_to(4 * UNIT));
        let body = share.guard(vec![7; 4 * UNIT]);
        assert_eq!(memory.available(), 6 * UNIT);
        let sent = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!((sent.len(), memory.available()), (4 * UNIT, 10 * UNIT));
    }
}
