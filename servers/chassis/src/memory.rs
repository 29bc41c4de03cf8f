//! Memory that many requests share.
//!
//! A request takes its part as its bytes arrive, never on the strength of an announcement, and
//! gives it back when it is done. When all is taken nobody waits: requests that hold a part and
//! wait for more would wait for each other.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limit::customer;

/// What one permit stands for.
const UNIT: usize = 1024;

/// Addresses that are remembered without looking whether anybody uses them.
const FIRST_PURGE: usize = 64;

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
            all: Held::of(Arc::clone(&self.0)),
            own: None,
        }
    }

    /// Bytes nobody has taken.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.available_permits().saturating_mul(UNIT)
    }
}

/// The same, of which no address may take more than a part, so that one that sends a lot slowly
/// does not stop all others.
#[derive(Debug)]
pub struct MemoryByAddress {
    all: Memory,
    each: usize,
    addresses: Mutex<Addresses>,
}

#[derive(Debug)]
struct Addresses {
    /// Lives as long as somebody has a share.
    memories: HashMap<IpAddr, Weak<Semaphore>>,
    /// How many there may be before those nobody uses are forgotten.
    purge_at: usize,
}

impl MemoryByAddress {
    /// So many bytes in all, and so many of them for one address.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Self {
        Self {
            all: Memory::new(all),
            each,
            addresses: Mutex::new(Addresses {
                memories: HashMap::new(),
                purge_at: FIRST_PURGE,
            }),
        }
    }

    /// A share for a request of an address, or one that came in by another way.
    #[must_use]
    pub fn share(&self, address: Option<IpAddr>) -> Share {
        let mut share = self.all.share();
        share.own = address.map(|address| Held::of(self.of(customer(address))));
        share
    }

    fn of(&self, customer: IpAddr) -> Arc<Semaphore> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Addresses { memories, purge_at } = &mut *addresses;
        if let Some(known) = memories.get(&customer).and_then(Weak::upgrade) {
            return known;
        }
        if memories.len() >= *purge_at {
            memories.retain(|_, memory| memory.strong_count() > 0);
            *purge_at = memories.len().saturating_mul(2).max(FIRST_PURGE);
        }
        let Memory(new) = Memory::new(self.each);
        memories.insert(customer, Arc::downgrade(&new));
        new
    }
}

/// What one request has taken; dropping it gives it back.
pub struct Share {
    all: Held,
    /// Of what the address may take.
    own: Option<Held>,
}

impl Share {
    /// Makes it at least so many bytes; `false`, and nothing is changed, when they are not there.
    #[must_use = "without the memory the work must not go on"]
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let units = bytes.div_ceil(UNIT);
        let before = self.all.units();
        if self.own.as_mut().is_some_and(|own| !own.grow_to(units)) {
            return false;
        }
        let grown = self.all.grow_to(units);
        if !grown && let Some(own) = &mut self.own {
            own.shrink_to(before);
        }
        grown
    }

    /// Gives back what exceeds so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let units = bytes.div_ceil(UNIT);
        self.all.shrink_to(units);
        if let Some(own) = &mut self.own {
            own.shrink_to(units);
        }
    }

    /// A body that gives the share back when it has been sent or given up.
    pub fn guard(self, bytes: impl Into<Bytes>) -> Body {
        Body::new(Guarded {
            left: Some(bytes.into()),
            _share: self,
        })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("bytes", &self.all.units().saturating_mul(UNIT))
            .finish()
    }
}

/// What was taken of one memory.
struct Held {
    memory: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    const fn of(memory: Arc<Semaphore>) -> Self {
        Self {
            memory,
            permit: None,
        }
    }

    fn grow_to(&mut self, units: usize) -> bool {
        let wanted = units.saturating_sub(self.units());
        if wanted == 0 {
            return true;
        }
        let Ok(wanted) = u32::try_from(wanted) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.memory).try_acquire_many_owned(wanted) else {
            return false;
        };
        match &mut self.permit {
            Some(held) => held.merge(more),
            None => self.permit = Some(more),
        }
        true
    }

    fn shrink_to(&mut self, units: usize) {
        let surplus = self.units().saturating_sub(units);
        if let Some(held) = &mut self.permit {
            drop(held.split(surplus));
        }
    }

    fn units(&self) -> usize {
        self.permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits)
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

    #[test]
    fn one_address_has_a_part_of_it() {
        let memory = MemoryByAddress::new(10 * UNIT, 4 * UNIT);
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let mut first = memory.share(at("192.0.2.1"));
        let mut second = memory.share(at("::ffff:192.0.2.1"));
        assert!(first.grow_to(3 * UNIT) && second.grow_to(UNIT));
        assert!(!second.grow_to(2 * UNIT), "four are taken");
        let mut third = memory.share(at("192.0.2.2"));
        let mut fourth = memory.share(at("192.0.2.3"));
        assert!(third.grow_to(4 * UNIT) && fourth.grow_to(UNIT));
        assert!(!fourth.grow_to(3 * UNIT), "ten in all");
        assert!(fourth.grow_to(2 * UNIT), "a refusal takes nothing");
        assert!(!memory.share(None).grow_to(1));
        drop(first);
        assert!(memory.share(None).grow_to(3 * UNIT), "no address, no part");
        assert!(second.grow_to(4 * UNIT));
        second.shrink_to(UNIT);
        let mut again = memory.share(at("192.0.2.1"));
        assert!(again.grow_to(3 * UNIT) && !again.grow_to(4 * UNIT));
    }

    #[test]
    fn addresses_nobody_uses_are_forgotten() {
        let memory = MemoryByAddress::new(1 << 20, UNIT);
        let mut held = Vec::new();
        for n in 0..10_000u32 {
            let mut share = memory.share(Some(std::net::Ipv4Addr::from(n).into()));
            assert!(share.grow_to(1));
            if n < 10 {
                held.push(share);
            }
        }
        let remembered = || memory.addresses.lock().unwrap().memories.len();
        assert!(remembered() <= FIRST_PURGE, "{}", remembered());
        let mut again = memory.share(Some(std::net::Ipv4Addr::from(3).into()));
        assert!(!again.grow_to(1), "those in use are not");
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
