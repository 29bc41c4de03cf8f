//! How many requests one address may make, and how many all may make together.

use core::time::Duration;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Settings of a [`RateLimiter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests an address may make at once after a pause.
    pub capacity: u32,
    /// Requests an address may make per second in the long run.
    pub refill_per_second: u32,
    /// Addresses remembered. When they are full, addresses not among them are refused.
    pub max_addresses: usize,
    /// How often addresses that used nothing lately are forgotten.
    pub purge_interval: Duration,
}

impl Default for RateLimits {
    /// What storage servers use, docs/protocol/node.md section 13.
    fn default() -> Self {
        Self {
            capacity: 600,
            refill_per_second: 300,
            max_addresses: 10_000,
            purge_interval: Duration::from_secs(10),
        }
    }
}

/// A token bucket for each address: an IPv4 address, or the first 64 bits of an IPv6 address, which
/// are what one customer of a network has.
#[derive(Debug)]
pub struct RateLimiter {
    limits: RateLimits,
    state: Mutex<State>,
}

impl RateLimiter {
    /// A limiter that has seen nobody yet.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                buckets: HashMap::new(),
                purged: None,
            }),
        }
    }

    /// Takes one token of `address` and tells whether there was one.
    #[must_use]
    pub fn allow(&self, address: impl Into<IpAddr>, now: Instant) -> bool {
        self.allow_many(address, 1, now)
    }

    /// Takes so many tokens of `address` at once, or none, and tells whether there were so many.
    #[must_use]
    pub fn allow_many(&self, address: impl Into<IpAddr>, tokens: u32, now: Instant) -> bool {
        let address = customer(address.into());
        let full = u64::from(self.limits.capacity) * TOKEN;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.purge(&self.limits, now);
        let room = state.buckets.len() < self.limits.max_addresses;
        let bucket = match state.buckets.get_mut(&address) {
            Some(bucket) => bucket,
            None if room => state.buckets.entry(address).or_insert(Bucket {
                level: full,
                at: now,
            }),
            None => return false,
        };
        bucket.take(&self.limits, tokens, now)
    }

    /// Addresses remembered at the moment.
    #[must_use]
    pub fn tracked(&self) -> usize {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .buckets
            .len()
    }
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self::new(RateLimits::default())
    }
}

/// One token bucket for everybody together.
#[derive(Debug)]
pub struct SharedLimiter {
    limits: RateLimits,
    bucket: Mutex<Option<Bucket>>,
}

impl SharedLimiter {
    /// A limiter of `capacity` tokens that gains `refill_per_second`.
    #[must_use]
    pub fn new(capacity: u32, refill_per_second: u32) -> Self {
        Self {
            limits: RateLimits {
                capacity,
                refill_per_second,
                ..RateLimits::default()
            },
            bucket: Mutex::new(None),
        }
    }

    /// Takes so many tokens at once, or none, and tells whether there were so many.
    #[must_use]
    pub fn allow_many(&self, tokens: u32, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket
            .get_or_insert_with(|| Bucket {
                level: u64::from(self.limits.capacity) * TOKEN,
                at: now,
            })
            .take(&self.limits, tokens, now)
    }
}

/// What stands for one customer of a network: an IPv4 address, or the first 64 bits of an IPv6
/// address.
#[must_use]
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(prefix).into()
        }
    }
}

#[derive(Debug)]
struct State {
    buckets: HashMap<IpAddr, Bucket>,
    purged: Option<Instant>,
}

impl State {
    /// Forgets addresses whose bucket is full again: they are as good as unknown.
    fn purge(&mut self, limits: &RateLimits, now: Instant) {
        let due = match self.purged {
            None => now,
            Some(last) => last + limits.purge_interval,
        };
        if self.purged.is_some() && now < due {
            return;
        }
        self.purged = Some(now);
        let full = u64::from(limits.capacity) * TOKEN;
        self.buckets.retain(|_, bucket| {
            bucket.refill(limits, now);
            bucket.level < full
        });
    }
}

#[derive(Debug)]
struct Bucket {
    /// Tokens in units of a millionth, so that short times refill exactly.
    level: u64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, limits: &RateLimits, tokens: u32, now: Instant) -> bool {
        self.refill(limits, now);
        match self.level.checked_sub(u64::from(tokens) * TOKEN) {
            Some(left) => {
                self.level = left;
                true
            }
            None => false,
        }
    }

    fn refill(&mut self, limits: &RateLimits, now: Instant) {
        let micros = now.saturating_duration_since(self.at).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        // One token per second is one unit per microsecond.
        let gained = micros.saturating_mul(u64::from(limits.refill_per_second));
        let full = u64::from(limits.capacity) * TOKEN;
        self.level = self.level.saturating_add(gained).min(full);
        self.at = self.at.max(now);
    }
}

/// Units of one token.
const TOKEN: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ONE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    fn passes(limiter: &RateLimiter, address: Ipv4Addr, now: Instant, tries: usize) -> usize {
        (0..tries).filter(|_| limiter.allow(address, now)).count()
    }

    /// docs/protocol/node.md section 14, case 42.
    #[test]
    fn burst_then_refill_per_address() {
        let limiter = RateLimiter::default();
        let start = Instant::now();
        assert_eq!(passes(&limiter, ONE, start, 700), 600);
        assert_eq!(passes(&limiter, OTHER, start, 1), 1);
        let later = start + Duration::from_secs(1);
        assert_eq!(passes(&limiter, ONE, later, 400), 300);
        let much_later = start + Duration::from_secs(100);
        assert_eq!(passes(&limiter, ONE, much_later, 700), 600);
    }

    #[test]
    fn fractions_of_a_second_count() {
        let limiter = RateLimiter::default();
        let start = Instant::now();
        assert_eq!(passes(&limiter, ONE, start, 700), 600);
        let mut allowed = 0;
        for step in 1..=1000u64 {
            let now = start + Duration::from_millis(step);
            allowed += passes(&limiter, ONE, now, 1);
        }
        assert_eq!(allowed, 300);
    }

    #[test]
    fn a_clock_reading_from_the_past_gives_nothing() {
        let limiter = RateLimiter::default();
        let start = Instant::now() + Duration::from_secs(60);
        assert_eq!(passes(&limiter, ONE, start, 600), 600);
        assert!(!limiter.allow(ONE, start - Duration::from_secs(30)));
        assert!(!limiter.allow(ONE, start));
    }

    #[test]
    fn the_address_beyond_the_last_is_refused_until_others_were_idle() {
        let limiter = RateLimiter::default();
        let start = Instant::now();
        for n in 0..10_000u32 {
            assert!(limiter.allow(Ipv4Addr::from(n), start));
        }
        assert!(!limiter.allow(Ipv4Addr::from(10_000), start));
        assert!(
            limiter.allow(Ipv4Addr::from(5), start),
            "known ones still pass"
        );
        assert_eq!(limiter.tracked(), 10_000);
        let just_before = start + Duration::from_millis(9_999);
        assert!(!limiter.allow(Ipv4Addr::from(10_000), just_before));
        let purged = start + Duration::from_secs(10);
        assert!(limiter.allow(Ipv4Addr::from(10_000), purged));
        assert_eq!(limiter.tracked(), 1);
    }

    #[test]
    fn purging_keeps_those_who_are_short_of_tokens() {
        let limiter = RateLimiter::new(RateLimits {
            refill_per_second: 1,
            ..RateLimits::default()
        });
        let start = Instant::now();
        assert_eq!(passes(&limiter, ONE, start, 600), 600);
        assert!(limiter.allow(OTHER, start));
        let later = start + Duration::from_secs(10);
        assert_eq!(passes(&limiter, ONE, later, 20), 10);
        assert_eq!(limiter.tracked(), 1, "the other had its token back");
    }

    #[test]
    fn an_ipv6_customer_has_one_bucket_and_ipv4_in_ipv6_is_ipv4() {
        let limiter = RateLimiter::new(RateLimits {
            capacity: 10,
            ..RateLimits::default()
        });
        let now = Instant::now();
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(limiter.allow_many(at("2001:db8::1"), 6, now));
        assert!(!limiter.allow_many(at("2001:db8::ffff:2"), 6, now));
        assert!(limiter.allow_many(at("2001:db8::ffff:2"), 4, now));
        assert!(limiter.allow_many(at("2001:db8:0:1::1"), 10, now));
        assert!(limiter.allow_many(at("::ffff:192.0.2.1"), 10, now));
        assert!(!limiter.allow(ONE, now));
        assert_eq!(limiter.tracked(), 3);
    }

    #[test]
    fn all_together() {
        let limiter = SharedLimiter::new(10, 5);
        let start = Instant::now();
        assert!(!limiter.allow_many(11, start));
        assert!(limiter.allow_many(10, start));
        assert!(!limiter.allow_many(1, start));
        assert!(limiter.allow_many(5, start + Duration::from_secs(1)));
        assert!(!limiter.allow_many(1, start + Duration::from_secs(1)));
    }
}
