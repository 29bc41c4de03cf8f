//! What one address may take of something there is for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Addresses known before those that hold nothing are forgotten.
const CLEAN_AT: usize = 1024;

/// A pool for each address that uses it.
#[derive(Debug)]
pub(crate) struct PerAddress {
    permits: usize,
    pools: Mutex<Pools>,
}

#[derive(Debug)]
struct Pools {
    by_address: HashMap<IpAddr, Arc<Semaphore>>,
    clean_at: usize,
}

impl PerAddress {
    /// So many permits for each.
    pub(crate) fn new(permits: usize) -> Self {
        Self {
            permits: permits.min(Semaphore::MAX_PERMITS),
            pools: Mutex::new(Pools {
                by_address: HashMap::new(),
                clean_at: CLEAN_AT,
            }),
        }
    }

    /// How many permits each address has.
    pub(crate) const fn permits(&self) -> usize {
        self.permits
    }

    /// The pool of an address. Hold on to it, or to permits of it, while the address has
    /// something: a pool nobody holds may be forgotten.
    pub(crate) fn of(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let Pools {
            by_address,
            clean_at,
        } = &mut *pools;
        if by_address.len() >= *clean_at {
            by_address.retain(|_, pool| Arc::strong_count(pool) > 1);
            *clean_at = (2 * by_address.len()).max(CLEAN_AT);
        }
        let make = || Arc::new(Semaphore::new(self.permits));
        Arc::clone(
            by_address
                .entry(address.to_canonical())
                .or_insert_with(make),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn addresses_do_not_take_from_each_other_and_idle_ones_are_forgotten() {
        let pools = PerAddress::new(3);
        let held = pools.of(address(0)).try_acquire_many_owned(3).unwrap();
        assert!(pools.of(address(0)).try_acquire_owned().is_err());
        assert!(pools.of(address(1)).try_acquire_owned().is_ok());
        for number in 2..10_000 {
            pools.of(address(number));
        }
        assert!(pools.pools.lock().unwrap().by_address.len() <= CLEAN_AT + 1);
        assert!(pools.of(address(0)).try_acquire_owned().is_err());
        drop(held);
        assert!(pools.of(address(0)).try_acquire_owned().is_ok());
    }
}
