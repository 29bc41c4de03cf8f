//! How often the own swarm is asked for messages.

use core::time::Duration;

use rand::{Rng, RngExt as _};
use tokio::time::Instant;

/// How long a conversation keeps polls at the pace of a conversation, so that a watcher of the
/// network does not see when exactly it ended (docs/protocol/traffic-analysis.md M-05).
const CALMS_DOWN: core::ops::Range<u64> = 600..1200;

/// The pace of polls: quicker while somebody talks.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    lively: Duration,
    lively_until: Option<Instant>,
}

impl Pace {
    /// Nobody talks yet.
    pub(super) const fn new(every: Duration, lively: Duration) -> Self {
        Self {
            every,
            lively,
            lively_until: None,
        }
    }

    /// Something was written or has come in. True when nobody talked before.
    pub(super) fn stir(&mut self, now: Instant, rng: &mut impl Rng) -> bool {
        let was_calm = self.is_calm(now);
        // Drawn once: who goes on talking must not make the end foreseeable.
        if was_calm || self.lively_until.is_some_and(|end| end < now + shortest()) {
            let lasts = Duration::from_secs(rng.random_range(CALMS_DOWN));
            self.lively_until = Some(now + lasts);
        }
        was_calm
    }

    /// Until the next poll; ±20 %, so that polls do not tick like a clock.
    pub(super) fn pause(&self, now: Instant, rng: &mut impl Rng) -> Duration {
        let every = if self.is_calm(now) {
            self.every
        } else {
            self.every.min(self.lively)
        };
        jittered(every, rng)
    }

    fn is_calm(&self, now: Instant) -> bool {
        self.lively_until.is_none_or(|end| end <= now)
    }
}

const fn shortest() -> Duration {
    Duration::from_secs(CALMS_DOWN.start)
}

/// ±20 % (docs/protocol/traffic-analysis.md M-05).
pub(super) fn jittered(every: Duration, rng: &mut impl Rng) -> Duration {
    every.mul_f64(rng.random_range(0.8..1.2))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    const EVERY: Duration = Duration::from_secs(5);
    const LIVELY: Duration = Duration::from_millis(1500);

    fn is_about(found: Duration, wanted: Duration) -> bool {
        (wanted.mul_f64(0.8)..wanted.mul_f64(1.2)).contains(&found)
    }

    #[test]
    fn talking_quickens_polls_for_ten_to_twenty_minutes() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(EVERY, LIVELY);
        assert!(is_about(pace.pause(start, &mut rng), EVERY));
        assert!(pace.stir(start, &mut rng));
        assert!(!pace.stir(after(1), &mut rng));
        assert!(is_about(pace.pause(after(599), &mut rng), LIVELY));
        // Goes on from the last word, not from the first.
        assert!(!pace.stir(after(599), &mut rng));
        assert!(is_about(pace.pause(after(599 + 599), &mut rng), LIVELY));
        assert!(is_about(pace.pause(after(599 + 1201), &mut rng), EVERY));
        assert!(pace.stir(after(3000), &mut rng));
    }

    #[test]
    fn talking_never_slows_polls_down() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let start = Instant::now();
        let quick = Duration::from_millis(250);
        let mut pace = Pace::new(quick, LIVELY);
        pace.stir(start, &mut rng);
        assert!(is_about(pace.pause(start, &mut rng), quick));
    }
}
