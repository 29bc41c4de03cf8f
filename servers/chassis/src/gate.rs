//! Who may be connected.
//!
//! Places are few, and holding one costs a peer nothing. So when all are taken, a newcomer gets
//! the place of a connection that does nothing: of the address with the most connections, the
//! one that has done nothing for longest. Whoever holds many idle connections loses those first;
//! requests being answered are never cut off.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

/// Counts open connections and gives out places.
#[derive(Debug)]
pub struct Gate {
    max_total: usize,
    max_per_ip: usize,
    /// A connection that has done something within this time keeps its place.
    grace: Duration,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    places: BTreeMap<u64, Place>,
    per_ip: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Place {
    ip: IpAddr,
    /// Requests being answered.
    busy: bool,
    /// Since when it has been so.
    since: Instant,
    evicted: CancellationToken,
}

impl Gate {
    /// A gate with so many places, in all and for one address. A connection that has done
    /// something within `grace` keeps its place.
    #[must_use]
    pub fn new(max_total: usize, max_per_ip: usize, grace: Duration) -> Self {
        Self {
            max_total,
            max_per_ip,
            grace,
            open: Mutex::default(),
        }
    }

    /// Counts a connection in, if there is room for it or room can be made.
    pub fn enter(gate: &Arc<Self>, ip: IpAddr, now: Instant) -> Option<Pass> {
        Self::enter_up_to(gate, ip, gate.max_per_ip, now)
    }

    /// The same for an address that speaks for many, and may have any number of connections.
    pub fn enter_for_many(gate: &Arc<Self>, ip: IpAddr, now: Instant) -> Option<Pass> {
        Self::enter_up_to(gate, ip, usize::MAX, now)
    }

    fn enter_up_to(gate: &Arc<Self>, ip: IpAddr, max: usize, now: Instant) -> Option<Pass> {
        let mut open = gate.lock();
        let of_ip = open.per_ip.get(&ip).copied().unwrap_or_default();
        if of_ip >= max {
            return None;
        }
        if open.places.len() >= gate.max_total {
            let victim = open.victim(gate.grace, now)?;
            open.leave(victim)?.evicted.cancel();
        }
        let number = open.next;
        open.next = open.next.wrapping_add(1);
        let evicted = CancellationToken::new();
        let place = Place {
            ip,
            busy: false,
            since: now,
            evicted: evicted.clone(),
        };
        open.places.insert(number, place);
        *open.per_ip.entry(ip).or_default() += 1;
        Some(Pass {
            gate: Arc::clone(gate),
            number,
            evicted,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Whose place a newcomer may take.
    fn victim(&self, grace: Duration, now: Instant) -> Option<u64> {
        self.places
            .iter()
            .filter(|(_, place)| !place.busy && now.saturating_duration_since(place.since) >= grace)
            .max_by_key(|(number, place)| {
                let of_ip = self.per_ip.get(&place.ip).copied().unwrap_or_default();
                (of_ip, Reverse(place.since), Reverse(**number))
            })
            .map(|(number, _)| *number)
    }

    fn leave(&mut self, number: u64) -> Option<Place> {
        let place = self.places.remove(&number)?;
        if let Some(count) = self.per_ip.get_mut(&place.ip) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.per_ip.remove(&place.ip);
            }
        }
        Some(place)
    }
}

/// Place of one open connection; dropping it gives the place back.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    number: u64,
    evicted: CancellationToken,
}

impl Pass {
    /// Says whether the connection has a request to answer.
    pub fn set_busy(&self, busy: bool) {
        if let Some(place) = self.gate.lock().places.get_mut(&self.number) {
            place.busy = busy;
            place.since = Instant::now();
        }
    }

    /// Ready when somebody else has got the place.
    pub async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.lock().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const GRACE: Duration = Duration::from_secs(1);

    fn ip(n: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    #[test]
    fn a_newcomer_gets_the_idlest_place_of_whoever_has_most() {
        let gate = Arc::new(Gate::new(4, 3, GRACE));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let _quiet = Gate::enter(&gate, ip(1), at(0)).unwrap();
        let greedy: Vec<_> = (1..=3)
            .map(|n| Gate::enter(&gate, ip(2), at(n)).unwrap())
            .collect();
        assert!(
            Gate::enter(&gate, ip(2), at(5000)).is_none(),
            "address full"
        );
        assert!(Gate::enter(&gate, ip(3), at(900)).is_none(), "too early");
        greedy[0].set_busy(true);
        let late = at(5000);
        let newcomer = Gate::enter(&gate, ip(3), late).unwrap();
        let evicted: Vec<_> = greedy.iter().map(|p| p.evicted.is_cancelled()).collect();
        assert_eq!(evicted, [false, true, false], "the busy one stays");
        assert!(!newcomer.evicted.is_cancelled());
        // What was evicted counts no more, also when it goes at last.
        drop(greedy);
        assert_eq!(gate.lock().places.len(), 2);
        assert_eq!(gate.lock().per_ip, HashMap::from([(ip(1), 1), (ip(3), 1)]));
    }

    #[test]
    fn nobody_is_let_in_for_a_busy_connection() {
        let gate = Arc::new(Gate::new(1, 1, Duration::ZERO));
        let now = Instant::now();
        let only = Gate::enter(&gate, ip(1), now).unwrap();
        only.set_busy(true);
        let later = now + Duration::from_secs(60);
        assert!(Gate::enter(&gate, ip(2), later).is_none());
        only.set_busy(false);
        assert!(Gate::enter(&gate, ip(2), later).is_some());
        assert!(only.evicted.is_cancelled());
    }
}
