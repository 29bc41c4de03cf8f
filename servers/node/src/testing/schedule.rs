//! Which node is tested when. Pure: the time since the start and randomness are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{Rng, RngExt as _};
use session_types::Ed25519PublicKey;

use super::TestTiming;

/// Who is next.
#[derive(Debug)]
pub(super) struct Schedule {
    timing: TestTiming,
    /// Nodes of this round not tested yet, in random order.
    queue: Vec<Ed25519PublicKey>,
    /// When the next of them is tested.
    next_new: Duration,
    failing: BTreeMap<Ed25519PublicKey, Failing>,
    running: BTreeSet<Ed25519PublicKey>,
}

/// A node whose last test failed.
#[derive(Debug, Clone, Copy)]
struct Failing {
    in_a_row: u32,
    retest_at: Duration,
}

impl Schedule {
    /// The first test is due one interval after the start.
    pub(super) fn new(timing: TestTiming, rng: &mut impl Rng) -> Self {
        let next_new = about(timing.interval, timing.spread, rng);
        Self {
            timing,
            queue: Vec::new(),
            next_new,
            failing: BTreeMap::new(),
            running: BTreeSet::new(),
        }
    }

    /// Which nodes to test at `now`, at most a handful. `all` gives every node there is to test,
    /// `still` tells whether one known from earlier is among them. Each node returned is
    /// considered under test until [`Schedule::finished`].
    pub(super) fn due(
        &mut self,
        now: Duration,
        all: impl FnOnce() -> Vec<Ed25519PublicKey>,
        still: impl Fn(&Ed25519PublicKey) -> bool,
        rng: &mut impl Rng,
    ) -> Vec<Ed25519PublicKey> {
        self.failing.retain(|node, _| still(node));
        let mut retests: Vec<_> = self
            .failing
            .iter()
            .filter(|(node, failing)| failing.retest_at <= now && !self.running.contains(*node))
            .map(|(node, failing)| (failing.retest_at, *node))
            .collect();
        // Those that have waited longest.
        retests.sort_unstable();
        let mut due: Vec<_> = retests
            .into_iter()
            .take(self.timing.retests_per_tick)
            .map(|(_, node)| node)
            .collect();
        if self.next_new <= now {
            self.next_new = now + about(self.timing.interval, self.timing.spread, rng);
            due.extend(self.next_of_round(all, still, rng));
        }
        self.running.extend(&due);
        due
    }

    /// Takes the outcome of a test.
    pub(super) fn finished(
        &mut self,
        node: &Ed25519PublicKey,
        passed: bool,
        now: Duration,
        rng: &mut impl Rng,
    ) {
        self.running.remove(node);
        if passed {
            self.failing.remove(node);
            return;
        }
        let TestTiming {
            interval,
            spread,
            retest_step,
            retest_max,
            ..
        } = self.timing;
        let failing = self.failing.entry(*node).or_insert(Failing {
            in_a_row: 0,
            retest_at: now,
        });
        failing.in_a_row = failing.in_a_row.saturating_add(1);
        let pause = retest_step.saturating_mul(failing.in_a_row) + about(interval, spread, rng);
        failing.retest_at = now + pause.min(retest_max);
    }

    /// The next node of the round; a round begins when the one before has ended. Nodes that
    /// failed have a schedule of their own and are passed over.
    fn next_of_round(
        &mut self,
        all: impl FnOnce() -> Vec<Ed25519PublicKey>,
        still: impl Fn(&Ed25519PublicKey) -> bool,
        rng: &mut impl Rng,
    ) -> Option<Ed25519PublicKey> {
        if self.queue.is_empty() {
            self.queue = all();
            self.queue.shuffle(rng);
        }
        while let Some(node) = self.queue.pop() {
            let waits = self.failing.contains_key(&node) || self.running.contains(&node);
            if !waits && still(&node) {
                return Some(node);
            }
        }
        None
    }
}

/// A duration drawn from a normal distribution; never negative.
fn about(mean: Duration, deviation: Duration, rng: &mut impl Rng) -> Duration {
    // Box and Muller's method: two uniform numbers, the first of them not 0.
    let (a, b): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    let normal = (-2.0 * a.ln()).sqrt() * (core::f64::consts::TAU * b).cos();
    let seconds = normal.mul_add(deviation.as_secs_f64(), mean.as_secs_f64());
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn node(n: u8) -> Ed25519PublicKey {
        Ed25519PublicKey::new([n; 32])
    }

    fn nodes(count: u8) -> Vec<Ed25519PublicKey> {
        (0..count).map(node).collect()
    }

    /// Lets time pass in ticks; what `passes` says becomes the outcome at once. Gives who was
    /// tested when.
    fn play(
        schedule: &mut Schedule,
        rng: &mut StdRng,
        ticks: core::ops::Range<u32>,
        count: u8,
        passes: impl Fn(&Ed25519PublicKey, Duration) -> bool,
    ) -> Vec<(Duration, Ed25519PublicKey)> {
        let mut tested = Vec::new();
        for tick in ticks {
            let now = TestTiming::default().tick * tick;
            let listed = nodes(count);
            for node in schedule.due(now, || nodes(count), |node| listed.contains(node), rng) {
                tested.push((now, node));
                let passed = passes(&node, now);
                schedule.finished(&node, passed, now, rng);
            }
        }
        tested
    }

    fn new(seed: u64) -> (Schedule, StdRng) {
        let mut rng = StdRng::seed_from_u64(seed);
        (Schedule::new(TestTiming::default(), &mut rng), rng)
    }

    #[test]
    fn every_ten_seconds_one_node_and_all_before_any_again() {
        let (mut schedule, mut rng) = new(1);
        let tested = play(&mut schedule, &mut rng, 0..50_000, 20, |_, _| true);
        // 10,000 seconds: a thousand tests, give or take.
        assert!((950..=1050).contains(&tested.len()), "{}", tested.len());
        let mut orders = BTreeSet::new();
        for round in tested.chunks_exact(20) {
            let order: Vec<_> = round.iter().map(|(_, node)| *node).collect();
            assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 20);
            orders.insert(order);
        }
        assert!(orders.len() > 40, "the order of rounds is random");
        let gaps: Vec<f64> = tested
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0).as_secs_f64())
            .collect();
        let count = f64::from(u32::try_from(gaps.len()).unwrap());
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        assert!((9.7..10.4).contains(&mean), "{mean}");
        assert!((2.6..3.4).contains(&variance.sqrt()), "{variance}");
    }

    #[test]
    fn failing_nodes_are_tested_again_at_growing_intervals_up_to_two_minutes() {
        let (mut schedule, mut rng) = new(2);
        let broken = node(3);
        let tested = play(&mut schedule, &mut rng, 0..20_000, 5, |node, _| {
            *node != broken
        });
        let times: Vec<_> = tested
            .iter()
            .filter(|(_, node)| *node == broken)
            .map(|(time, _)| *time)
            .collect();
        let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (failures, pause) in (1u32..).zip(&pauses) {
            // Ten seconds for each failure and ten more, within five deviations and a tick.
            let expected = (10 * SECOND * (failures + 1)).min(120 * SECOND);
            let tolerance = 16 * SECOND;
            assert!(
                pause.abs_diff(expected) <= tolerance,
                "{failures}: {pause:?}"
            );
            assert!(*pause <= 121 * SECOND);
        }
        assert!(pauses.len() > 30, "{}", pauses.len());
        assert!(pauses[15..].iter().all(|pause| *pause >= 119 * SECOND));
    }

    #[test]
    fn one_success_ends_the_retests() {
        let (mut schedule, mut rng) = new(3);
        let heals_at = 200 * SECOND;
        let tested = play(&mut schedule, &mut rng, 0..10_000, 3, |node, now| {
            *node != self::node(1) || now >= heals_at
        });
        let after = tested.iter().filter(|(time, _)| *time > 400 * SECOND);
        let of_it = after
            .clone()
            .filter(|(_, tested)| *tested == node(1))
            .count();
        let share = of_it * 3;
        assert!(share.abs_diff(after.count()) < 15, "{of_it}");
    }

    #[test]
    fn a_dead_network_is_asked_little_at_a_time() {
        let (mut schedule, mut rng) = new(4);
        for tick in 0..100_000u32 {
            let now = TestTiming::default().tick * tick;
            let due = schedule.due(now, || nodes(200), |_| true, &mut rng);
            assert!(due.len() <= 5, "four retests and one new: {}", due.len());
            for node in due {
                schedule.finished(&node, false, now, &mut rng);
            }
        }
        assert_eq!(schedule.failing.len(), 200);
    }

    #[test]
    fn nodes_under_test_are_left_alone_and_unlisted_ones_forgotten() {
        let (mut schedule, mut rng) = new(5);
        let far = Duration::from_secs(1000);
        assert_eq!(schedule.due(far, || nodes(1), |_| true, &mut rng), nodes(1));
        assert!(
            schedule
                .due(2 * far, || nodes(1), |_| true, &mut rng)
                .is_empty()
        );
        schedule.finished(&node(0), false, 2 * far, &mut rng);
        assert_eq!(
            schedule.due(3 * far, || nodes(1), |_| true, &mut rng),
            nodes(1)
        );
        schedule.finished(&node(0), false, 3 * far, &mut rng);
        assert!(
            schedule
                .due(4 * far, Vec::new, |_| false, &mut rng)
                .is_empty()
        );
        assert!(schedule.failing.is_empty() && schedule.running.is_empty());
    }
}
