//! Places for transfers: few in all, fewer for one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_chassis::limit::customer;

/// Places for transfers of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    max: usize,
    max_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

impl Places {
    pub(crate) fn new(max: usize, max_each: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_each,
            taken: Mutex::default(),
        })
    }

    /// Takes a place for an address, if there is one for it.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let customer = customer(address);
        let mut taken = self.taken();
        let own = taken.each.get(&customer).copied().unwrap_or_default();
        if taken.all >= self.max || own >= self.max_each {
            return None;
        }
        taken.all += 1;
        taken.each.insert(customer, own + 1);
        Some(Place {
            places: Arc::clone(self),
            customer,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    customer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.each.get_mut(&self.customer) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.each.remove(&self.customer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_and_come_back() {
        let places = Places::new(3, 2);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = places.take(at("192.0.2.1")).unwrap();
        let second = places.take(at("::ffff:192.0.2.1")).unwrap();
        assert!(places.take(at("192.0.2.1")).is_none(), "two each");
        let third = places.take(at("2001:db8::1")).unwrap();
        assert!(places.take(at("192.0.2.3")).is_none(), "three in all");
        drop(first);
        let fourth = places.take(at("2001:db8::2")).unwrap();
        assert!(places.take(at("2001:db8::3")).is_none(), "one customer");
        drop((second, third, fourth));
        assert_eq!(places.taken().all, 0);
        assert!(places.taken().each.is_empty());
    }
}
