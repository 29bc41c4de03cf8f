//! Which nodes have not been reachable for long, by what their testers say
//! (docs/protocol/node.md section 12).
//!
//! Pure: reports and the time come in, a judgement goes out.

use core::time::Duration;
use std::collections::BTreeMap;

use session_types::{LegacyPublicKey, Timestamp};

/// What one node found out about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerReport {
    /// The node that was tested, by its primary key.
    pub node: LegacyPublicKey,
    /// Whether every part of the test succeeded.
    pub passed: bool,
    /// When the test ended.
    pub at: Timestamp,
}

/// When a node counts as unreachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivenessRules {
    /// It has failed every test for longer than this.
    pub failing_for: Duration,
    /// And failed one this lately: where nobody tests any more, nobody is accused.
    pub last_failure_within: Duration,
}

impl Default for LivenessRules {
    /// Those of the main network: longer than 65 minutes, the last failure within five.
    fn default() -> Self {
        Self {
            failing_for: Duration::from_secs(65 * 60),
            last_failure_within: Duration::from_secs(5 * 60),
        }
    }
}

/// Nodes whose last test failed. One that passed takes no place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Liveness {
    rules: LivenessRules,
    failing: BTreeMap<LegacyPublicKey, Failing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
}

impl Liveness {
    /// Nobody has been tested yet.
    #[must_use]
    pub const fn new(rules: LivenessRules) -> Self {
        Self {
            rules,
            failing: BTreeMap::new(),
        }
    }

    /// Takes a report. One success makes a node reachable again. Reports that come late, behind
    /// a newer one, change nothing about how long a node has been failing.
    pub fn report(&mut self, report: PeerReport) {
        if report.passed {
            let newer_failure = self
                .failing
                .get(&report.node)
                .is_some_and(|failing| failing.since > report.at);
            if !newer_failure {
                self.failing.remove(&report.node);
            }
            return;
        }
        let failing = self.failing.entry(report.node).or_insert(Failing {
            since: report.at,
            last: report.at,
        });
        failing.since = failing.since.min(report.at);
        failing.last = failing.last.max(report.at);
    }

    /// Whether a node counts as unreachable now.
    #[must_use]
    pub fn is_unreachable(&self, node: &LegacyPublicKey, now: Timestamp) -> bool {
        self.failing
            .get(node)
            .is_some_and(|failing| failing.too_long(&self.rules, now))
    }

    /// Whether the last test of a node failed.
    #[must_use]
    pub fn is_failing(&self, node: &LegacyPublicKey) -> bool {
        self.failing.contains_key(node)
    }

    /// All nodes that count as unreachable now, ascending.
    pub fn unreachable(&self, now: Timestamp) -> impl Iterator<Item = LegacyPublicKey> {
        self.failing
            .iter()
            .filter(move |(_, failing)| failing.too_long(&self.rules, now))
            .map(|(node, _)| *node)
    }

    /// Forgets nodes that `keep` does not want: those no list names any more.
    pub fn retain(&mut self, keep: impl Fn(&LegacyPublicKey) -> bool) {
        self.failing.retain(|node, _| keep(node));
    }
}

impl Failing {
    fn too_long(&self, rules: &LivenessRules, now: Timestamp) -> bool {
        // A clock set back makes nobody unreachable.
        self.since.plus(rules.failing_for) < now && now <= self.last.plus(rules.last_failure_within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn node(n: u8) -> LegacyPublicKey {
        LegacyPublicKey::new([n; 32])
    }

    fn report(n: u8, passed: bool, minute: u32) -> PeerReport {
        PeerReport {
            node: node(n),
            passed,
            at: START.plus(MINUTE * minute),
        }
    }

    fn unreachable(liveness: &Liveness, minute: u32) -> Vec<LegacyPublicKey> {
        liveness.unreachable(START.plus(MINUTE * minute)).collect()
    }

    #[test]
    fn failing_longer_than_65_minutes_and_lately() {
        let mut liveness = Liveness::default();
        for minute in (0..=64).step_by(2) {
            liveness.report(report(1, false, minute));
        }
        liveness.report(report(2, false, 30));
        assert!(unreachable(&liveness, 65).is_empty(), "not longer yet");
        assert_eq!(unreachable(&liveness, 66), [node(1)]);
        assert!(liveness.is_unreachable(&node(1), START.plus(MINUTE * 69)));
        assert!(!liveness.is_unreachable(&node(2), START.plus(MINUTE * 69)));
        assert!(unreachable(&liveness, 70).is_empty(), "nobody tests it");
        liveness.report(report(1, false, 71));
        assert_eq!(unreachable(&liveness, 71), [node(1)]);
    }

    #[test]
    fn one_success_clears_and_the_count_begins_anew() {
        let mut liveness = Liveness::default();
        liveness.report(report(1, false, 0));
        liveness.report(report(1, false, 66));
        assert_eq!(unreachable(&liveness, 67), [node(1)]);
        liveness.report(report(1, true, 67));
        assert!(unreachable(&liveness, 67).is_empty());
        liveness.report(report(1, false, 68));
        assert!(unreachable(&liveness, 69).is_empty());
        liveness.report(report(1, false, 134));
        assert_eq!(unreachable(&liveness, 134), [node(1)]);
    }

    #[test]
    fn late_reports_and_clocks_set_back_accuse_and_clear_nobody() {
        let mut liveness = Liveness::default();
        liveness.report(report(1, false, 10));
        liveness.report(report(1, true, 5));
        liveness.report(report(1, false, 80));
        assert_eq!(
            unreachable(&liveness, 80),
            [node(1)],
            "the success was older"
        );
        assert!(unreachable(&liveness, 0).is_empty());
        liveness.retain(|_| false);
        assert_eq!(liveness, Liveness::default());
    }
}
