//! Where the current list comes from.

use core::fmt::Debug;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use session_types::{LegacyPublicKey, SwarmId, Timestamp};
use tokio::sync::watch;

use crate::liveness::{Liveness, LivenessRules, PeerReport};
use crate::{NodeList, RegisteredNode};

/// A source of the node list.
pub trait Registry: Send + Sync + Debug {
    /// The list as it is now. Cheap; hold the result for one request, not for ever.
    fn snapshot(&self) -> Arc<NodeList>;

    /// A counter that moves whenever [`Registry::snapshot`] would give another list.
    fn changed(&self) -> watch::Receiver<u64>;

    /// Takes what a node found out about another (docs/protocol/node.md section 12.1). A source
    /// that judges nobody ignores it.
    fn report_peer(&self, report: PeerReport) {
        let _ = report;
    }
}

/// What a [`StaticRegistry`] does about nodes that have been unreachable for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consequence {
    /// It takes them out of service, as a chain decommissions nodes: they are shown inactive and
    /// without a swarm until a test succeeds again. Only for networks whose nodes all ask this
    /// one registry; lists that differ from node to node would split the swarms.
    Decommission {
        /// No swarm falls below this many members by it.
        keep: usize,
    },
    /// It names them when asked and changes nothing.
    #[default]
    Name,
}

/// A list that changes only when its owner replaces it, or, if the owner so wishes, by
/// [`Consequence::Decommission`].
#[derive(Debug)]
pub struct StaticRegistry {
    shown: RwLock<Arc<NodeList>>,
    version: watch::Sender<u64>,
    judge: Mutex<Judge>,
}

/// The list as it was given, and what is known about its nodes.
#[derive(Debug)]
struct Judge {
    given: Arc<NodeList>,
    consequence: Consequence,
    liveness: Liveness,
    decommissioned: BTreeSet<LegacyPublicKey>,
    /// How often decommissioning has changed the list.
    changes: u64,
}

impl StaticRegistry {
    /// Shows `list` until it is replaced.
    #[must_use]
    pub fn new(list: NodeList) -> Self {
        Self::with_liveness(list, LivenessRules::default(), Consequence::default())
    }

    /// The same with other rules about unreachable nodes.
    #[must_use]
    pub fn with_liveness(list: NodeList, rules: LivenessRules, consequence: Consequence) -> Self {
        let given = Arc::new(list);
        Self {
            shown: RwLock::new(Arc::clone(&given)),
            version: watch::Sender::new(0),
            judge: Mutex::new(Judge {
                given,
                consequence,
                liveness: Liveness::new(rules),
                decommissioned: BTreeSet::new(),
                changes: 0,
            }),
        }
    }

    /// Shows `list` from now on and tells those who watch. A list of other nodes should come
    /// with another block hash, see [`crate::ChainTip`]. Nodes taken out of service stay out.
    pub fn replace(&self, list: NodeList) {
        let mut judge = self.judge();
        judge.given = Arc::new(list);
        let given = Arc::clone(&judge.given);
        let is_listed = |node: &LegacyPublicKey| given.get_by_legacy(node).is_some();
        judge.liveness.retain(is_listed);
        judge.decommissioned.retain(is_listed);
        self.show(judge.list());
    }

    /// Nodes that have failed every test for long, by their primary keys, ascending.
    #[must_use]
    pub fn unreachable(&self, now: Timestamp) -> Vec<LegacyPublicKey> {
        self.judge().liveness.unreachable(now).collect()
    }

    fn show(&self, list: Arc<NodeList>) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = list;
        self.version
            .send_modify(|version| *version = version.wrapping_add(1));
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry for StaticRegistry {
    fn snapshot(&self) -> Arc<NodeList> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn report_peer(&self, report: PeerReport) {
        let mut judge = self.judge();
        if judge.given.get_by_legacy(&report.node).is_none() {
            return;
        }
        judge.liveness.report(report);
        if judge.decide(report.at) {
            self.show(judge.list());
        }
    }
}

impl Judge {
    /// Takes unreachable nodes out of service and reachable ones back in; returns whether that
    /// changed anything.
    fn decide(&mut self, now: Timestamp) -> bool {
        let Consequence::Decommission { keep } = self.consequence else {
            return false;
        };
        // A node out of service comes back when a test succeeds, not when nobody tests it.
        let mut out = self.decommissioned.clone();
        out.retain(|node| self.liveness.is_failing(node));
        let serving = |out: &BTreeSet<LegacyPublicKey>, swarm: SwarmId| {
            self.given
                .members(swarm)
                .filter(|member| !out.contains(&member.contact.legacy))
                .count()
        };
        for node in self.liveness.unreachable(now) {
            let Some(listed) = self.given.get_by_legacy(&node) else {
                continue;
            };
            let swarm = listed.contact.swarm;
            if !listed.serves_swarm() || serving(&out, swarm) > keep {
                out.insert(node);
            }
        }
        let changed = out != self.decommissioned;
        if changed {
            self.decommissioned = out;
            self.changes = self.changes.wrapping_add(1);
        }
        changed
    }

    /// The given list without the nodes out of service.
    fn list(&self) -> Arc<NodeList> {
        if self.changes == 0 {
            return Arc::clone(&self.given);
        }
        let nodes = self.given.nodes().iter().map(|node| {
            let mut node: RegisteredNode = node.clone();
            if self.decommissioned.contains(&node.contact.legacy) {
                node.active = false;
                node.contact.swarm = SwarmId::UNASSIGNED;
            }
            node
        });
        let mut tip = self.given.tip().clone();
        // Another list needs another hash. The swarm seed at its beginning stays.
        for (slot, byte) in tip
            .block_hash
            .iter_mut()
            .rev()
            .zip(self.changes.to_le_bytes())
        {
            *slot ^= byte;
        }
        // The keys are those of a list that was accepted.
        NodeList::new(tip, nodes.collect()).map_or_else(|_| Arc::clone(&self.given), Arc::new)
    }
}

#[cfg(test)]
mod tests;
