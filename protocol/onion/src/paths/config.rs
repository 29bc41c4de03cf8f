//! Numbers of the path rules, and how they shrink with the network.

use core::ops::Range;
use core::time::Duration;

const SECOND: u64 = 1;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Everything that can be chosen about paths. The default is the rule of
/// docs/protocol/traffic-analysis.md section 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathConfig {
    /// Guard candidates kept.
    pub sample_size: usize,
    /// How long a candidate stays one, drawn uniformly.
    pub sample_lifetime: Range<Duration>,
    /// Backups behind the primary guard.
    pub backups: usize,
    /// Allow more new guards than [`Limits::new_guards`]: reaches the network through churn that
    /// may be an attack.
    pub ignore_guard_limit: bool,
    /// Second hops pinned to each guard.
    pub second_hops: usize,
    /// How long a second hop stays pinned, drawn uniformly.
    pub second_hop_lifetime: Range<Duration>,
    /// Age at which a path for sending is replaced.
    pub send_path_age: Duration,
    /// Age at which a path for polling is replaced.
    pub poll_path_age: Duration,
    /// Failures in which a node other than the guard took part before it is left out.
    pub node_strikes: u32,
    /// Paths kept at once; the oldest goes first.
    pub max_paths: usize,
    /// A network with fewer nodes than this is small.
    pub small_below: usize,
    /// Limits of a full-sized network.
    pub full: Limits,
    /// Limits of a small network. There is no crowd to hide in, so they favour being reachable.
    pub small: Limits,
}

/// The part of the rules that depends on the size of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A guard is given up for now after this many failures…
    pub leave_attempts: u32,
    /// …that span at least this long.
    pub leave_after: Duration,
    /// Pause after each failure of a guard that is not given up yet; the last repeats.
    pub recheck: [Duration; 3],
    /// Pause before a guard that was given up is tried again; the last repeats.
    pub retry: [Duration; 3],
    /// Failures of a guard in which it was not itself named as the cause (time-outs, unreadable
    /// answers) that count like one of its own.
    pub unclear_failures: u32,
    /// A guard or second hop missing from the node list this long is forgotten.
    pub missing_grace: Duration,
    /// Guards that may be newly confirmed within [`Self::new_guard_window`], beyond the first
    /// ones. `None` for no limit.
    pub new_guards: Option<usize>,
    /// See [`Self::new_guards`].
    pub new_guard_window: Duration,
    /// Second hops of one guard that may be replaced before their time within
    /// [`Self::early_window`]; a guard that asks for more is failing.
    pub early_replacements: usize,
    /// See [`Self::early_replacements`].
    pub early_window: Duration,
    /// Unclear failures before a path is replaced.
    pub path_strikes: u32,
    /// How long a node that was struck out, or was reported as unknown, is left out.
    pub drop_for: Duration,
    /// How long a node reported as unreachable is left out; twice as long each further time.
    pub avoid_for: Duration,
    /// Whether the diversity rules other than the /16 rule may be relaxed when no path keeps
    /// them all.
    pub relax: bool,
}

impl Default for PathConfig {
    fn default() -> Self {
        let days =
            |from: u64, to: u64| Duration::from_secs(from * DAY)..Duration::from_secs(to * DAY);
        Self {
            sample_size: 20,
            sample_lifetime: days(90, 150),
            backups: 2,
            ignore_guard_limit: false,
            second_hops: 4,
            second_hop_lifetime: days(1, 22),
            send_path_age: Duration::from_secs(10 * MINUTE),
            poll_path_age: Duration::from_secs(HOUR),
            node_strikes: 3,
            max_paths: 256,
            small_below: 50,
            full: Limits {
                leave_attempts: 3,
                leave_after: Duration::from_secs(10 * MINUTE),
                recheck: [MINUTE, 4 * MINUTE, 5 * MINUTE].map(Duration::from_secs),
                retry: [10 * MINUTE, HOUR, 4 * HOUR].map(Duration::from_secs),
                unclear_failures: 3,
                missing_grace: Duration::from_secs(7 * DAY),
                new_guards: Some(2),
                new_guard_window: Duration::from_secs(30 * DAY),
                early_replacements: 4,
                early_window: Duration::from_secs(DAY),
                path_strikes: 3,
                drop_for: Duration::from_secs(2 * HOUR),
                avoid_for: Duration::from_secs(10 * MINUTE),
                relax: false,
            },
            small: Limits {
                leave_attempts: 2,
                leave_after: Duration::ZERO,
                recheck: [SECOND, 2 * SECOND, 5 * SECOND].map(Duration::from_secs),
                retry: [5 * SECOND, 20 * SECOND, MINUTE].map(Duration::from_secs),
                unclear_failures: 2,
                missing_grace: Duration::from_secs(10 * MINUTE),
                new_guards: None,
                new_guard_window: Duration::from_secs(DAY),
                early_replacements: 16,
                early_window: Duration::from_secs(MINUTE),
                path_strikes: 1,
                drop_for: Duration::from_secs(2 * MINUTE),
                avoid_for: Duration::from_secs(30 * SECOND),
                relax: true,
            },
        }
    }
}

impl PathConfig {
    /// The limits for a network of this many nodes.
    #[must_use]
    pub const fn limits(&self, nodes: usize) -> &Limits {
        if nodes < self.small_below {
            &self.small
        } else {
            &self.full
        }
    }

    /// Guards in regular use: the primary and its backups.
    #[must_use]
    pub const fn regular_guards(&self) -> usize {
        1 + self.backups
    }
}
