//! Which nodes have not answered lately.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use session_types::Ed25519PublicKey;

/// Failures in a row from which on a node counts as down.
const DOWN_AFTER: u32 = 2;

/// Failures of nodes. A node without failures takes no place.
#[derive(Debug)]
pub(super) struct Health {
    first: Duration,
    max: Duration,
    failures: Mutex<HashMap<Ed25519PublicKey, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    in_a_row: u32,
    last: Instant,
    retry_at: Instant,
}

impl Health {
    /// A node that is down is left alone for `first`, then twice as long each time, up to `max`.
    pub(super) fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            failures: Mutex::default(),
        }
    }

    /// Notes that a node is there. Returns whether it had failed before.
    pub(super) fn succeeded(&self, node: &Ed25519PublicKey) -> bool {
        self.lock().remove(node).is_some()
    }

    /// Notes that an exchange begun at `started` failed. Exchanges that ran side by side count
    /// as one failure.
    pub(super) fn failed(&self, node: &Ed25519PublicKey, started: Instant) {
        let mut failures = self.lock();
        let now = Instant::now();
        let entry = failures.entry(*node).or_insert(Failures {
            in_a_row: 0,
            last: started,
            retry_at: now,
        });
        if started < entry.last {
            return;
        }
        entry.last = now;
        entry.in_a_row = entry.in_a_row.saturating_add(1);
        let doublings = entry.in_a_row.saturating_sub(DOWN_AFTER).min(16);
        entry.retry_at = now + self.first.saturating_mul(1 << doublings).min(self.max);
    }

    pub(super) fn is_down(&self, node: &Ed25519PublicKey) -> bool {
        self.lock()
            .get(node)
            .is_some_and(|entry| entry.in_a_row >= DOWN_AFTER && Instant::now() < entry.retry_at)
    }

    pub(super) fn retain(&self, keep: impl Fn(&Ed25519PublicKey) -> bool) {
        self.lock().retain(|node, _| keep(node));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Ed25519PublicKey, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_failures_in_a_row_make_a_node_down_and_one_success_up() {
        let health = Health::new(Duration::from_secs(100), Duration::from_secs(1000));
        let node = Ed25519PublicKey::new([1; 32]);
        let started = Instant::now();
        health.failed(&node, started);
        health.failed(&node, started);
        assert!(!health.is_down(&node), "side by side");
        health.failed(&node, Instant::now());
        assert!(health.is_down(&node));
        assert!(!health.is_down(&Ed25519PublicKey::new([2; 32])));
        assert!(health.succeeded(&node));
        assert!(!health.succeeded(&node));
        assert!(!health.is_down(&node));
        let impatient = Health::new(Duration::ZERO, Duration::ZERO);
        impatient.failed(&node, Instant::now());
        impatient.failed(&node, Instant::now());
        assert!(!impatient.is_down(&node), "the pause is over");
    }
}
