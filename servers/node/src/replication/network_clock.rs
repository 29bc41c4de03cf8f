//! The time of the swarm.
//!
//! A node whose clock is wrong takes what its peers refuse and deletes what has not expired. Every
//! answer of a comparison ([`super::reconcile`]) carries the other node's time. When most of the
//! swarm agrees that this node's clock is off, the node goes by their time instead of its own and
//! says so in its log and metrics. What nodes tell each other is always the time of their machine,
//! so that they judge clocks and not each other's corrections.
//!
//! The correction is a difference to the machine's clock. When that is set right, by hand or by
//! its own time service, it jumps: the differences are then forgotten at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use session_types::{Ed25519PublicKey, Timestamp};

use crate::clock::Clock;

/// Clocks that differ less agree. The protocol takes stores from ten seconds ahead.
const TOLERANCE_MS: i64 = 10_000;
/// A clock that goes so much faster or slower than time itself has been set.
const JUMP_MS: i64 = 3_000;
/// An answer that took longer says too little about the time.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// The machine's clock, put right by the other members' if it is wrong.
#[derive(Debug)]
pub(crate) struct NetworkClock {
    machine: Arc<dyn Clock>,
    follows: bool,
    correction_ms: AtomicI64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How far ahead of this machine the members are.
    differences: HashMap<Ed25519PublicKey, i64>,
    /// The machine's clock at some moment, to see it jump.
    seen: (Instant, Timestamp),
}

impl NetworkClock {
    /// `follows`: whether it lets itself be put right.
    pub(crate) fn new(machine: Arc<dyn Clock>, follows: bool) -> Self {
        let seen = (Instant::now(), machine.now());
        Self {
            machine,
            follows,
            correction_ms: AtomicI64::new(0),
            state: Mutex::new(State {
                differences: HashMap::new(),
                seen,
            }),
        }
    }

    /// The time by the machine's clock.
    pub(crate) fn own(&self) -> Timestamp {
        self.machine.now()
    }

    /// How far the machine's clock is off, as far as the node acts on it.
    pub(crate) fn correction_ms(&self) -> i64 {
        self.correction_ms.load(Ordering::Relaxed)
    }

    /// Learns from an answer: a question put at `asked`, by the machine's clock, was answered
    /// after `took` by a member at `theirs`. There are `others` members besides this node.
    pub(crate) fn compare(
        &self,
        member: Ed25519PublicKey,
        asked: Timestamp,
        took: Duration,
        theirs: Timestamp,
        others: usize,
    ) {
        if !self.follows {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_for_jump(&mut state);
        let answered = self.machine.now();
        let elapsed = millis(took);
        // The clock was set while the question was under way.
        if took > MAX_DELAY || (difference(answered, asked) - elapsed).abs() > JUMP_MS {
            return;
        }
        let ahead = difference(theirs, asked) - elapsed / 2;
        state.differences.insert(member, ahead);
        let correction = majority(state.differences.values().copied(), others + 1).unwrap_or(0);
        let before = self.correction_ms.swap(correction, Ordering::Relaxed);
        if (before == 0) != (correction == 0) {
            if correction == 0 {
                tracing::info!("the clock agrees with the other members' again");
            } else {
                let seconds = correction / 1000;
                tracing::warn!(
                    seconds,
                    "the clock is wrong; the node goes by the other members'"
                );
            }
        }
    }

    /// Forgets what was known when the machine's clock has been set.
    fn look_for_jump(&self, state: &mut State) {
        let (instant, time) = state.seen;
        let now = (Instant::now(), self.machine.now());
        state.seen = now;
        let elapsed = millis(now.0.saturating_duration_since(instant));
        if (difference(now.1, time) - elapsed).abs() > JUMP_MS {
            state.differences.clear();
            self.correction_ms.store(0, Ordering::Relaxed);
        }
    }
}

impl Clock for NetworkClock {
    fn now(&self) -> Timestamp {
        if self.correction_ms() != 0 {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.look_for_jump(&mut state);
        }
        let machine = self.machine.now();
        let correction = self.correction_ms();
        let by = Duration::from_millis(correction.unsigned_abs());
        match correction {
            0 => machine,
            1.. => machine.plus(by),
            _ => machine.minus(by),
        }
    }
}

/// What most of `swarm` nodes, this one among them, agree on; `None` when that is this node's own
/// time or there is no such thing.
fn majority(differences: impl Iterator<Item = i64>, swarm: usize) -> Option<i64> {
    let mut differences: Vec<i64> = differences.collect();
    differences.sort_unstable();
    let median = *differences.get(differences.len() / 2)?;
    let near = |ahead: &&i64| (**ahead - median).abs() <= TOLERANCE_MS;
    let agreeing = differences.iter().filter(near).count();
    (agreeing * 2 > swarm && median.abs() > TOLERANCE_MS).then_some(median)
}

fn difference(a: Timestamp, b: Timestamp) -> i64 {
    a.as_ms_i64().saturating_sub(b.as_ms_i64())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[derive(Debug)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_ms(self.0.load(Ordering::SeqCst))
        }
    }

    const NOW: u64 = 1_700_000_000_000;
    const HOUR: u64 = 3_600_000;

    fn clock(ms: u64) -> (Arc<Hand>, NetworkClock) {
        let hand = Arc::new(Hand(AtomicU64::new(ms)));
        (Arc::clone(&hand), NetworkClock::new(hand, true))
    }

    fn told(clock: &NetworkClock, member: u8, ms: u64, others: usize) {
        let asked = clock.own();
        let theirs = Timestamp::from_ms(ms);
        let member = Ed25519PublicKey::new([member; 32]);
        clock.compare(member, asked, Duration::from_millis(2), theirs, others);
    }

    #[test]
    fn most_of_the_swarm_put_a_wrong_clock_right() {
        for wrong in [NOW - HOUR, NOW + HOUR] {
            let (hand, clock) = clock(wrong);
            for member in 1..4 {
                told(&clock, member, NOW, 6);
                assert_eq!(clock.now(), clock.own(), "three of seven");
            }
            told(&clock, 4, NOW, 6);
            assert!(clock.now().distance(Timestamp::from_ms(NOW)) < Duration::from_secs(1));
            // The members' clocks and the own one go on.
            told(&clock, 5, NOW + 400, 6);
            assert!(clock.correction_ms() != 0);
            // Set right, it is believed at once.
            hand.0.store(NOW + 500, Ordering::SeqCst);
            assert_eq!(clock.now(), Timestamp::from_ms(NOW + 500));
            told(&clock, 1, NOW + 500, 6);
            assert_eq!(clock.correction_ms(), 0);
        }
    }

    #[test]
    fn a_few_wrong_members_and_small_differences_change_nothing() {
        let (_, clock) = clock(NOW);
        for member in 1..4 {
            told(&clock, member, NOW + 10 * HOUR, 6);
        }
        for member in 4..7 {
            told(&clock, member, NOW + 9_000, 6);
        }
        assert_eq!(clock.now(), Timestamp::from_ms(NOW));
        // Two nodes: nobody knows which of them is right.
        let (_, clock) = self::clock(NOW);
        told(&clock, 1, NOW + HOUR, 1);
        assert_eq!(clock.now(), Timestamp::from_ms(NOW));
    }

    #[test]
    fn a_clock_set_while_asking_teaches_nothing() {
        let (hand, clock) = clock(NOW);
        let asked = clock.own();
        hand.0.store(NOW + HOUR, Ordering::SeqCst);
        for member in 1..3 {
            let member = Ed25519PublicKey::new([member; 32]);
            let (took, theirs) = (Duration::from_millis(1), Timestamp::from_ms(NOW + HOUR));
            clock.compare(member, asked, took, theirs, 2);
        }
        assert_eq!(clock.correction_ms(), 0);
        assert_eq!(clock.now(), Timestamp::from_ms(NOW + HOUR));
    }
}
