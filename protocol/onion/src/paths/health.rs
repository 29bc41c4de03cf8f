//! What is held against nodes that are not guards.

use core::time::Duration;
use std::collections::BTreeMap;

use session_types::{Ed25519PublicKey, Timestamp};

#[derive(Debug, Clone, Copy, Default)]
struct Record {
    strikes: u32,
    out_until: Timestamp,
    dropped: bool,
}

/// Strikes and absences, per node. Holds only nodes of the pool, so it cannot grow beyond it.
#[derive(Debug, Default)]
pub(super) struct NodeHealth(BTreeMap<Ed25519PublicKey, Record>);

impl NodeHealth {
    /// Whether nothing speaks against using the node now.
    pub(super) fn usable(&self, key: &Ed25519PublicKey, now: Timestamp) -> bool {
        self.0.get(key).is_none_or(|record| record.out_until <= now)
    }

    /// Whether the node was struck out or reported unknown, rather than just unreachable.
    pub(super) fn dropped(&self, key: &Ed25519PublicKey, now: Timestamp) -> bool {
        self.0
            .get(key)
            .is_some_and(|record| record.dropped && record.out_until > now)
    }

    /// Counts a failure the node took part in; from `limit` on each drops it.
    pub(super) fn strike(
        &mut self,
        key: Ed25519PublicKey,
        now: Timestamp,
        limit: u32,
        drop_for: Duration,
    ) {
        let record = self.0.entry(key).or_default();
        record.strikes = record.strikes.saturating_add(1);
        if record.strikes >= limit {
            record.out_until = record.out_until.max(now.plus(drop_for));
            record.dropped = true;
        }
    }

    /// Counts that the node did not answer, and leaves it out: each time twice as long, until
    /// that is as long as for a dropped node.
    pub(super) fn unreachable(
        &mut self,
        key: Ed25519PublicKey,
        now: Timestamp,
        limit: u32,
        (avoid_for, drop_for): (Duration, Duration),
    ) {
        self.strike(key, now, limit, drop_for);
        let record = self.0.entry(key).or_default();
        let doubled = avoid_for.saturating_mul(1 << record.strikes.saturating_sub(1).min(10));
        record.out_until = record.out_until.max(now.plus(doubled.min(drop_for)));
    }

    /// Leaves the node out: the network does not know it any more.
    pub(super) fn drop_node(&mut self, key: Ed25519PublicKey, until: Timestamp) {
        let record = self.0.entry(key).or_default();
        record.out_until = record.out_until.max(until);
        record.dropped = true;
    }

    /// The node took part in a success.
    pub(super) fn clear(&mut self, key: &Ed25519PublicKey) {
        self.0.remove(key);
    }

    /// A fresh node list arrived: everyone gets another chance.
    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_drop_and_time_forgives() {
        let key = Ed25519PublicKey::new([1; 32]);
        let now = Timestamp::from_ms(1_000_000);
        let hour = Duration::from_secs(3600);
        let mut health = NodeHealth::default();
        health.strike(key, now, 3, hour);
        health.strike(key, now, 3, hour);
        assert!(health.usable(&key, now));
        health.strike(key, now, 3, hour);
        assert!(!health.usable(&key, now) && health.dropped(&key, now));
        assert!(health.usable(&key, now.plus(hour)) && !health.dropped(&key, now.plus(hour)));

        health.strike(key, now.plus(hour), 3, hour);
        assert!(
            health.dropped(&key, now.plus(hour)),
            "the strikes were not forgotten"
        );

        health.clear(&key);
        assert!(health.usable(&key, now));
    }

    #[test]
    fn an_unreachable_node_is_left_out_twice_as_long_each_time() {
        let key = Ed25519PublicKey::new([1; 32]);
        let mut now = Timestamp::from_ms(1_000_000);
        let [minute, hour] = [60, 3600].map(Duration::from_secs);
        let mut health = NodeHealth::default();
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            health.unreachable(key, now, 100, (minute, hour));
            let end = now.plus(minute * minutes);
            assert!(!health.usable(&key, end.minus(Duration::from_millis(1))));
            assert!(health.usable(&key, end) && !health.dropped(&key, now));
            now = end;
        }
        health.unreachable(key, now, 9, (minute, hour));
        assert!(health.dropped(&key, now));
        health.clear_all();
        assert!(health.usable(&key, now));
    }
}
