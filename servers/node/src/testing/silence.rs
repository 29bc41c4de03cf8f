//! Whether other nodes still test this one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A way in which others test this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PingedBy {
    Https,
    Quic,
}

impl PingedBy {
    const ALL: [Self; 2] = [Self::Https, Self::Quic];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Quic => "quic",
        }
    }
}

/// When this node was last tested, in each way.
#[derive(Debug)]
pub(crate) struct Pings {
    started: Instant,
    /// Milliseconds after the start; 0 when never, which counts from the start.
    https: AtomicU64,
    quic: AtomicU64,
}

impl Default for Pings {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            https: AtomicU64::new(0),
            quic: AtomicU64::new(0),
        }
    }
}

impl Pings {
    /// Notes a test of this node.
    pub(crate) fn note(&self, by: PingedBy) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last(by).fetch_max(now, Ordering::Relaxed);
    }

    /// How long ago the last one was.
    fn since(&self, by: PingedBy) -> Duration {
        let last = Duration::from_millis(self.last(by).load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    const fn last(&self, by: PingedBy) -> &AtomicU64 {
        match by {
            PingedBy::Https => &self.https,
            PingedBy::Quic => &self.quic,
        }
    }
}

/// What is new about the silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SilenceChange {
    /// Tests have begun again.
    Heard(PingedBy),
    /// There have been no tests for so long.
    Silent(PingedBy, Duration),
}

/// Notices silence once when it begins and once when it ends.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Duration,
    silent: [bool; PingedBy::ALL.len()],
}

impl Silence {
    pub(super) const fn new(limit: Duration) -> Self {
        Self {
            limit,
            silent: [false; PingedBy::ALL.len()],
        }
    }

    pub(super) fn look(&mut self, pings: &Pings) -> Vec<SilenceChange> {
        self.judge(PingedBy::ALL.map(|by| pings.since(by)))
    }

    fn judge(&mut self, since: [Duration; PingedBy::ALL.len()]) -> Vec<SilenceChange> {
        let mut changes = Vec::new();
        for ((by, silent), since) in PingedBy::ALL.iter().zip(&mut self.silent).zip(since) {
            let was = std::mem::replace(silent, since > self.limit);
            match (was, *silent) {
                (false, true) => changes.push(SilenceChange::Silent(*by, since)),
                (true, false) => changes.push(SilenceChange::Heard(*by)),
                _ => {}
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_noticed_once_and_so_is_its_end() {
        let minute = Duration::from_secs(60);
        let mut silence = Silence::new(2 * minute);
        assert!(silence.judge([2 * minute, minute]).is_empty());
        let long = 2 * minute + Duration::from_millis(1);
        assert_eq!(
            silence.judge([long, minute]),
            [SilenceChange::Silent(PingedBy::Https, long)]
        );
        assert!(silence.judge([3 * minute, minute]).is_empty());
        assert_eq!(
            silence.judge([minute, minute]),
            [SilenceChange::Heard(PingedBy::Https)]
        );
        assert!(silence.judge([minute, minute]).is_empty());
    }

    #[test]
    fn a_ping_ends_the_silence() {
        let mut silence = Silence::new(Duration::ZERO);
        let pings = Pings {
            started: Instant::now() - Duration::from_secs(5),
            ..Pings::default()
        };
        assert!(matches!(
            silence.look(&pings)[..],
            [SilenceChange::Silent(PingedBy::Https, since), SilenceChange::Silent(PingedBy::Quic, _)]
                if since >= Duration::from_secs(5)
        ));
        pings.note(PingedBy::Https);
        assert!(pings.since(PingedBy::Https) < Duration::from_secs(5));
    }
}
