//! Nodes test each other (docs/protocol/node.md section 12.1): every node asks others at random
//! whether they are there, asks again sooner when they were not, and reports what it found to
//! the registry.
//!
//! [`schedule`] decides who is tested when, [`probe`] how; this file lets the time pass. The
//! other direction is [`silence`]: a node nobody asks any more cannot be reached.

mod probe;
mod schedule;
mod silence;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use session_quic::Endpoint;
use session_registry::{NodeList, PeerReport, RegisteredNode};
use session_types::Ed25519PublicKey;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::NodeError;
use crate::core::Core;

pub(crate) use probe::{PING_PATH, SNODE_PUBKEY};
pub(crate) use silence::{PingedBy, Pings};

use probe::{HttpsProbe, Probe, QuicProbe};
use schedule::Schedule;
use silence::{Silence, SilenceChange};

/// When other nodes are tested, and when the absence of their tests is worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTiming {
    /// Whether others are tested at all. Tests of others are answered all the same.
    pub enabled: bool,
    /// How often it is looked who is due.
    pub tick: Duration,
    /// Mean time between tests of nodes taken at random.
    pub interval: Duration,
    /// Standard deviation of that time.
    pub spread: Duration,
    /// A node that failed is tested again after this long for each failure in a row, plus a time
    /// drawn as that between tests.
    pub retest_step: Duration,
    /// It is never left alone for longer.
    pub retest_max: Duration,
    /// Nodes tested again in one tick.
    pub retests_per_tick: usize,
    /// How long each part of a test may take.
    pub timeout: Duration,
    /// How long nobody may have asked this node before it warns its operator.
    pub silence_warning: Duration,
}

impl Default for TestTiming {
    /// Those of docs/protocol/node.md section 12.1.
    fn default() -> Self {
        Self {
            enabled: true,
            tick: Duration::from_millis(200),
            interval: Duration::from_secs(10),
            spread: Duration::from_secs(3),
            retest_step: Duration::from_secs(10),
            retest_max: Duration::from_secs(120),
            retests_per_tick: 4,
            timeout: Duration::from_secs(5),
            silence_warning: Duration::from_secs(120),
        }
    }
}

impl TestTiming {
    /// Nobody is tested, nobody is missed.
    #[must_use]
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }
}

/// Tests others until shutdown.
#[derive(Debug)]
pub(crate) struct Tester {
    core: Arc<Core>,
    timing: TestTiming,
    /// A test is all of these that apply to the node.
    probes: Vec<Arc<dyn Probe>>,
}

impl Tester {
    /// Nodes are tested over QUIC too when this one has an endpoint for it.
    pub(crate) fn new(
        core: Arc<Core>,
        timing: TestTiming,
        endpoint: Option<&Endpoint>,
    ) -> Result<Self, NodeError> {
        let mut probes: Vec<Arc<dyn Probe>> = vec![Arc::new(HttpsProbe::new()?)];
        if let Some(endpoint) = endpoint {
            probes.push(Arc::new(QuicProbe::new(endpoint.clone(), timing.timeout)));
        }
        Ok(Self {
            core,
            timing,
            probes,
        })
    }

    pub(crate) async fn run(self, shutdown: CancellationToken) {
        if !self.timing.enabled {
            return;
        }
        let started = Instant::now();
        let mut schedule = Schedule::new(self.timing.clone(), &mut rand::rng());
        let mut silence = Silence::new(self.timing.silence_warning);
        let mut running = JoinSet::new();
        let mut ticks = interval(self.timing.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = running.join_next(), if !running.is_empty() => {
                    // Tests do not panic; one that did would not be repeated.
                    let Ok((node, passed)) = ended else { continue };
                    let now = started.elapsed();
                    self.report(&node, passed);
                    schedule.finished(&node, passed, now, &mut rand::rng());
                }
                _ = ticks.tick() => {
                    let nodes = self.core.registry.snapshot();
                    if self.core.own_swarm(&nodes).is_none() {
                        continue;
                    }
                    self.listen(&mut silence, &nodes);
                    for node in self.due(&mut schedule, &nodes, started.elapsed()) {
                        running.spawn(test(self.probes.clone(), node, self.timing.timeout));
                    }
                }
            }
        }
        // Tests under way end with the set.
    }

    fn due(&self, schedule: &mut Schedule, nodes: &NodeList, now: Duration) -> Vec<RegisteredNode> {
        let own = self.core.identity.ed25519();
        let is_candidate = |node: &RegisteredNode| {
            node.funded && node.has_complete_contact() && node.contact.ed25519 != *own
        };
        let all = || {
            let candidates = nodes.nodes().iter().filter(|node| is_candidate(node));
            candidates.map(|node| node.contact.ed25519).collect()
        };
        let still = |key: &Ed25519PublicKey| nodes.get(key).is_some_and(is_candidate);
        schedule
            .due(now, all, still, &mut rand::rng())
            .iter()
            .filter_map(|key| nodes.get(key).cloned())
            .collect()
    }

    fn report(&self, node: &Ed25519PublicKey, passed: bool) {
        let counters = &self.core.counters;
        if passed {
            counters.node_tests_passed.one();
        } else {
            counters.node_tests_failed.one();
        }
        let nodes = self.core.registry.snapshot();
        if let Some(node) = nodes.get(node) {
            self.core.registry.report_peer(PeerReport {
                node: node.contact.legacy,
                passed,
                at: self.core.clock.now(),
            });
        }
    }

    /// Tells the operator when nobody asks this node any more.
    fn listen(&self, silence: &mut Silence, nodes: &NodeList) {
        let others = nodes
            .nodes()
            .iter()
            .filter(|node| node.serves_swarm())
            .count();
        if others < 2 {
            return;
        }
        for change in silence.look(&self.core.pings) {
            match change {
                SilenceChange::Silent(by, lasting) => tracing::warn!(
                    transport = by.name(),
                    seconds = lasting.as_secs(),
                    "no other node has tested this one for long: it may not be reachable"
                ),
                SilenceChange::Heard(by) => {
                    tracing::info!(transport = by.name(), "other nodes test this one again");
                }
            }
        }
    }
}

/// Runs every probe that applies to the node, side by side.
async fn test(
    probes: Vec<Arc<dyn Probe>>,
    node: RegisteredNode,
    limit: Duration,
) -> (Ed25519PublicKey, bool) {
    let key = node.contact.ed25519;
    let results = probes
        .iter()
        .filter(|probe| probe.applies_to(&node))
        .map(|probe| async {
            let failure = match timeout(limit, probe.test(&node.contact)).await {
                Ok(Ok(())) => return true,
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::debug!(probe = probe.name(), failure, "a node failed its test");
            false
        });
    let passed = join_all(results).await.into_iter().all(|passed| passed);
    (key, passed)
}
