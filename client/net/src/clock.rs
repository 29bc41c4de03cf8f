//! Network time: this machine's clock corrected by what nodes say (docs/protocol/paths.md
//! section 6).

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use session_types::{Ed25519PublicKey, Timestamp};

/// Where the time comes from. The one implementation that matters is [`SystemClock`]; tests put a
/// wrong clock in its place.
pub trait Clock: Send + Sync + fmt::Debug {
    /// This machine's idea of now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Answers of nodes older than 2021 are taken for broken clocks.
const EARLIEST_PLAUSIBLE: Timestamp = Timestamp::from_ms(1_609_459_200_000);
const SAMPLES: usize = 10;
/// Nodes that must have told the time before one of them cannot mislead us.
const ENOUGH: usize = 3;

/// The network's time, from the median of what the last ten nodes said.
#[derive(Debug)]
pub struct NetworkClock {
    local: Box<dyn Clock>,
    /// network − local in ms as each node last said, newest last.
    offsets: Mutex<VecDeque<(Ed25519PublicKey, i64)>>,
}

impl NetworkClock {
    /// Starts with no correction.
    #[must_use]
    pub fn new(local: Box<dyn Clock>) -> Self {
        Self {
            local,
            offsets: Mutex::new(VecDeque::with_capacity(SAMPLES)),
        }
    }

    /// This machine's time, uncorrected.
    #[must_use]
    pub fn local(&self) -> Timestamp {
        self.local.now()
    }

    /// The network's time as well as it is known.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let local = self.local.now().as_ms_i64();
        let corrected = local.saturating_add(self.offset_ms());
        Timestamp::from_ms(u64::try_from(corrected).unwrap_or(0))
    }

    /// network − local in ms; 0 while nothing is known.
    #[must_use]
    pub fn offset_ms(&self) -> i64 {
        let offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<i64> = offsets.iter().map(|(_, offset)| *offset).collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// How wrong this machine's clock is, when that is enough to matter to a person.
    #[must_use]
    pub fn noticeable_skew(&self) -> Option<ClockSkew> {
        let offset = self.offset_ms();
        let by = Duration::from_millis(offset.unsigned_abs());
        (by >= Duration::from_secs(120)).then_some(ClockSkew {
            by,
            slow: offset > 0,
        })
    }

    /// Learns from a node's answer: `sent` and `received` are local times, `t` the node's time
    /// in it.
    pub fn observe(
        &self,
        node: Ed25519PublicKey,
        sent: Timestamp,
        received: Timestamp,
        t: Timestamp,
    ) {
        if t < EARLIEST_PLAUSIBLE {
            return;
        }
        // A time between question and answer says that our clock may be right. An estimate from
        // the middle would follow how long answers take, by seconds where they are slow.
        let offset = if (sent..=received).contains(&t) {
            0
        } else {
            let middle = sent.as_ms_i64().midpoint(received.as_ms_i64());
            t.as_ms_i64().saturating_sub(middle)
        };
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.retain(|(other, _)| *other != node);
        if offsets.len() == SAMPLES {
            offsets.pop_front();
        }
        offsets.push_back((node, offset));
    }

    /// Whether enough nodes have told the time to rely on it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.len() >= ENOUGH
    }

    /// Forgets all but the newest `count` nodes' answers, because a node refused our time and others
    /// were asked since then.
    pub fn keep_newest(&self, count: usize) {
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        let old = offsets.len().saturating_sub(count);
        offsets.drain(..old);
    }
}

/// How far this machine's clock is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew {
    /// The distance.
    pub by: Duration,
    /// True when this machine is behind the network.
    pub slow: bool,
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.by.as_secs().div_ceil(60);
        let direction = if self.slow { "behind" } else { "ahead of" };
        write!(
            f,
            "this computer's clock is about {minutes} min {direction} the network; messages work \
             because network time is used, but please set the clock"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u64);
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(self.0)
        }
    }

    const LOCAL: u64 = 1_700_000_000_000;

    fn hear(clock: &NetworkClock, node: u8, t: u64) {
        let (sent, received) = (LOCAL - 10, LOCAL + 10);
        let node = Ed25519PublicKey::new([node; 32]);
        let [sent, received, t] = [sent, received, t].map(Timestamp::from_ms);
        clock.observe(node, sent, received, t);
    }

    #[test]
    fn median_resists_one_liar() {
        let clock = NetworkClock::new(Box::new(Fixed(LOCAL)));
        assert_eq!(clock.now().as_ms(), LOCAL);
        assert!(!clock.is_known());
        hear(&clock, 1, LOCAL + 3_600_000);
        hear(&clock, 2, LOCAL + 3_600_000);
        assert!(!clock.is_known());
        // However often it says so.
        for _ in 0..5 {
            hear(&clock, 3, LOCAL * 2);
        }
        assert!(clock.is_known());
        assert_eq!(clock.offset_ms(), 3_600_000);
        let skew = clock.noticeable_skew().unwrap();
        assert!(skew.slow);
        assert!(skew.to_string().contains("60 min behind"));
        hear(&clock, 4, 5);
        assert_eq!(clock.now().as_ms(), LOCAL + 3_600_000);
    }

    #[test]
    fn slow_answers_do_not_move_a_clock_that_is_right() {
        let clock = NetworkClock::new(Box::new(Fixed(LOCAL)));
        let times = |sent: u64, received: u64| [sent, received].map(Timestamp::from_ms);
        // Told at once or at the end of four seconds.
        for (node, t) in (1..).zip([LOCAL, LOCAL + 4_000, LOCAL + 10, LOCAL + 3_990]) {
            let [sent, received] = times(LOCAL, LOCAL + 4_000);
            let node = Ed25519PublicKey::new([node; 32]);
            clock.observe(node, sent, received, Timestamp::from_ms(t));
            assert_eq!(clock.offset_ms(), 0);
        }
        // What cannot be explained by the way is an error of the clock.
        for node in 1..=4 {
            let [sent, received] = times(LOCAL, LOCAL + 4_000);
            let node = Ed25519PublicKey::new([node; 32]);
            clock.observe(node, sent, received, Timestamp::from_ms(LOCAL + 62_000));
        }
        assert_eq!(clock.offset_ms(), 60_000);
    }

    #[test]
    fn newer_answers_replace_older_ones_when_they_are_to() {
        let clock = NetworkClock::new(Box::new(Fixed(LOCAL)));
        for (node, offset) in (1..).zip([1_000, 1_000, 1_000, 1_000, 50_000, 50_000]) {
            hear(&clock, node, LOCAL + offset);
        }
        assert_eq!(clock.offset_ms(), 1_000);
        clock.keep_newest(2);
        assert_eq!(clock.offset_ms(), 50_000);
        clock.keep_newest(5);
        assert_eq!(clock.offset_ms(), 50_000);
        for node in 1..=20 {
            hear(&clock, node, LOCAL + 2_000);
        }
        assert_eq!(clock.offset_ms(), 2_000);
    }
}
