//! The nodes a client knows: how the list is accepted, when it is due for a refresh, how nodes
//! are drawn from it (docs/protocol/paths.md section 2).
//!
//! A list comes from a seed ([`NodePool::accept_seed`]) or from several nodes that are asked
//! independently ([`NodePool::accept_agreement`]). Who asks, and over which transport, is not
//! this module's business: it says what is due ([`NodePool::refresh_due`]) and judges answers.

mod draw;

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use core::time::Duration;

use serde::{Deserialize, Serialize};
use session_types::{Ed25519PublicKey, ErrorKind, NodeContact, Timestamp, X25519PublicKey};

pub(crate) use draw::slash16;
pub use draw::{Draw, SubnetRule};

/// Age at which a list is refreshed.
pub const REFRESH_AFTER: Duration = Duration::from_secs(2 * 3600);
/// Age at which a list that only a seed vouches for is put to the nodes for confirmation.
pub const CONFIRM_AFTER: Duration = Duration::from_secs(5 * 60);
/// Time between two tries to refresh.
pub const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Below this many nodes a full-sized network's list is refreshed at once.
pub const MINIMUM: usize = 12;
/// Independent answers to ask for.
pub const ANSWERS: usize = 3;
/// Answers a node must appear in.
pub const AGREEING: usize = 2;
/// Nodes of a path and its destination: the least any network must have.
pub const SMALLEST: usize = 4;
/// Longest list accepted.
pub const MAX_NODES: usize = 20_000;

/// Where the present list came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolSource {
    /// There is none yet.
    #[default]
    Empty,
    /// One seed said so. A single liar could have written it.
    Seed,
    /// Several nodes agreed on it.
    Agreement,
}

/// Whom to ask next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshFrom {
    /// [`ANSWERS`] random nodes of the pool, through onion paths.
    Nodes,
    /// The seeds.
    Seeds,
}

/// Why an offered list was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Fewer answers than must agree.
    #[error("{found} answers, {need} must agree")]
    TooFewAnswers {
        /// Answers given.
        found: usize,
        /// Answers that must agree.
        need: usize,
    },
    /// Too few usable nodes in the list or in the agreement.
    #[error("{found} usable nodes, {need} needed")]
    TooFewNodes {
        /// Nodes that passed.
        found: usize,
        /// Nodes needed.
        need: usize,
    },
    /// The agreement differs from the known list more than a network changes between two
    /// refreshes: less than half or more than twice as long.
    #[error("{found} nodes agreed on, {known} known: too great a change")]
    TooGreatAChange {
        /// Nodes agreed on.
        found: usize,
        /// Nodes known.
        known: usize,
    },
    /// More nodes than any network has.
    #[error("{found} nodes in the list, more than {limit}")]
    TooLong {
        /// Nodes in the list.
        found: usize,
        /// Most accepted.
        limit: usize,
    },
}

impl PoolError {
    /// What a caller should do about it. After any of these the seeds are asked.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::BadPeer
    }
}

/// What a new list changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolChange {
    /// Nodes not known before.
    pub added: usize,
    /// Nodes gone.
    pub removed: usize,
    /// Nodes with another address or key.
    pub changed: usize,
}

impl PoolChange {
    /// Whether the list is the same as before.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }
}

/// The list of usable nodes, one entry per identity. Serialises whole, for the next start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "StoredPool", into = "StoredPool")]
pub struct NodePool {
    nodes: BTreeMap<Ed25519PublicKey, NodeContact>,
    source: PoolSource,
    refreshed_at: Timestamp,
    /// Not stored: a new start may try at once.
    attempted_at: Option<Timestamp>,
    /// Length of the list when it was accepted: removals must not shrink the yardstick.
    accepted_len: usize,
}

#[derive(Serialize, Deserialize)]
struct StoredPool {
    source: PoolSource,
    refreshed_at: Timestamp,
    nodes: Vec<NodeContact>,
}

impl From<StoredPool> for NodePool {
    fn from(stored: StoredPool) -> Self {
        let nodes = usable(stored.nodes);
        let accepted_len = nodes.len();
        let source = if nodes.is_empty() {
            PoolSource::Empty
        } else {
            stored.source
        };
        let refreshed_at = stored.refreshed_at;
        Self {
            nodes,
            source,
            refreshed_at,
            attempted_at: None,
            accepted_len,
        }
    }
}

impl From<NodePool> for StoredPool {
    fn from(pool: NodePool) -> Self {
        Self {
            source: pool.source,
            refreshed_at: pool.refreshed_at,
            nodes: pool.nodes.into_values().collect(),
        }
    }
}

impl NodePool {
    /// An empty pool: the seeds must be asked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a seed's list, whatever was known before: seeds are configured, not drawn.
    ///
    /// Entries without a usable address are left out, of a repeated identity the first counts.
    ///
    /// # Errors
    /// [`PoolError::TooFewNodes`] below [`SMALLEST`], [`PoolError::TooLong`].
    pub fn accept_seed(
        &mut self,
        list: Vec<NodeContact>,
        now: Timestamp,
    ) -> Result<PoolChange, PoolError> {
        bounded(&list)?;
        let nodes = usable(list);
        if nodes.len() < SMALLEST {
            return Err(PoolError::TooFewNodes {
                found: nodes.len(),
                need: SMALLEST,
            });
        }
        Ok(self.replace(nodes, PoolSource::Seed, now))
    }

    /// Takes what at least [`AGREEING`] of the independent answers agree on.
    ///
    /// A node is agreed on when both keys, address and HTTPS port are the same in that many
    /// answers. The result must hold the network's minimum ([`Self::minimum`]) and not differ
    /// from the known list more than a network changes in a few hours.
    ///
    /// # Errors
    /// Any [`PoolError`]; the pool stays as it is and the seeds should be asked.
    pub fn accept_agreement(
        &mut self,
        answers: Vec<Vec<NodeContact>>,
        now: Timestamp,
    ) -> Result<PoolChange, PoolError> {
        if answers.len() < AGREEING {
            return Err(PoolError::TooFewAnswers {
                found: answers.len(),
                need: AGREEING,
            });
        }
        let mut votes: BTreeMap<Identity, (usize, NodeContact)> = BTreeMap::new();
        for answer in answers {
            bounded(&answer)?;
            for (_, node) in usable(answer) {
                votes.entry(Identity::of(&node)).or_insert((0, node)).0 += 1;
            }
        }
        let agreed = votes.into_values().filter(|(count, _)| *count >= AGREEING);
        let nodes = usable(agreed.map(|(_, node)| node).collect());
        let (found, known) = (nodes.len(), self.accepted_len);
        if found < self.minimum() {
            return Err(PoolError::TooFewNodes {
                found,
                need: self.minimum(),
            });
        }
        if known > 0 && (found < known.div_ceil(2) || found > known.max(MINIMUM) * 2) {
            return Err(PoolError::TooGreatAChange { found, known });
        }
        Ok(self.replace(nodes, PoolSource::Agreement, now))
    }

    /// Forgets a node until the next list.
    pub fn remove(&mut self, key: &Ed25519PublicKey) -> Option<NodeContact> {
        self.nodes.remove(key)
    }

    /// Remembers that a refresh is being tried, so that failing ones keep their distance.
    pub const fn refresh_attempted(&mut self, now: Timestamp) {
        self.attempted_at = Some(now);
    }

    /// Whether the list should be refreshed: there is none, it is [`REFRESH_AFTER`] old or, as long
    /// as only a seed vouches for it, [`CONFIRM_AFTER`], or it has fallen below [`Self::minimum`].
    /// Not within [`RETRY_AFTER`] of the last try.
    #[must_use]
    pub fn refresh_due(&self, now: Timestamp) -> bool {
        if self
            .attempted_at
            .is_some_and(|at| now.since(at) < RETRY_AFTER && now >= at)
        {
            return false;
        }
        let age = match self.source {
            PoolSource::Seed => CONFIRM_AFTER,
            PoolSource::Empty | PoolSource::Agreement => REFRESH_AFTER,
        };
        self.nodes.len() < self.minimum()
            || now.since(self.refreshed_at) >= age
            || self.refreshed_at > now.plus(age)
    }

    /// Whom to ask: nodes while there are enough of them for an agreement and a path to each.
    #[must_use]
    pub fn refresh_from(&self) -> RefreshFrom {
        if self.nodes.len() >= self.minimum().max(SMALLEST) {
            RefreshFrom::Nodes
        } else {
            RefreshFrom::Seeds
        }
    }

    /// How many nodes the pool should hold: [`MINIMUM`], on a network smaller than twice that
    /// half of its nodes, never less than [`SMALLEST`].
    #[must_use]
    pub fn minimum(&self) -> usize {
        if self.source == PoolSource::Empty {
            return SMALLEST;
        }
        self.accepted_len.div_ceil(2).clamp(SMALLEST, MINIMUM)
    }

    /// Where the list came from.
    #[must_use]
    pub const fn source(&self) -> PoolSource {
        self.source
    }

    /// When the list was accepted.
    #[must_use]
    pub const fn refreshed_at(&self) -> Timestamp {
        self.refreshed_at
    }

    /// The nodes, by ascending identity.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeContact> {
        self.nodes.values()
    }

    /// One node.
    #[must_use]
    pub fn get(&self, key: &Ed25519PublicKey) -> Option<&NodeContact> {
        self.nodes.get(key)
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn replace(
        &mut self,
        nodes: BTreeMap<Ed25519PublicKey, NodeContact>,
        source: PoolSource,
        now: Timestamp,
    ) -> PoolChange {
        let mut change = PoolChange::default();
        for (key, node) in &nodes {
            match self.nodes.get(key) {
                None => change.added += 1,
                Some(known) if known != node => change.changed += 1,
                Some(_) => {}
            }
        }
        change.removed = self
            .nodes
            .keys()
            .filter(|key| !nodes.contains_key(*key))
            .count();
        self.accepted_len = nodes.len();
        self.nodes = nodes;
        self.source = source;
        self.refreshed_at = now;
        self.attempted_at = None;
        change
    }
}

/// What answers must agree on.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Identity(Ed25519PublicKey, X25519PublicKey, Ipv4Addr, u16);

impl Identity {
    const fn of(node: &NodeContact) -> Self {
        Self(node.ed25519, node.x25519, node.ip, node.https_port)
    }
}

const fn bounded(list: &[NodeContact]) -> Result<(), PoolError> {
    if list.len() > MAX_NODES {
        return Err(PoolError::TooLong {
            found: list.len(),
            limit: MAX_NODES,
        });
    }
    Ok(())
}

/// Leaves out what cannot be contacted; of a repeated identity the first entry counts.
fn usable(list: Vec<NodeContact>) -> BTreeMap<Ed25519PublicKey, NodeContact> {
    let mut nodes = BTreeMap::new();
    for node in list {
        if !node.ip.is_unspecified() && !node.ip.is_broadcast() && node.https_port != 0 {
            nodes.entry(node.ed25519).or_insert(node);
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use session_types::{LegacyPublicKey, SwarmId};

    use super::*;

    fn node(i: u8) -> NodeContact {
        NodeContact {
            ed25519: Ed25519PublicKey::new([i; 32]),
            x25519: X25519PublicKey::new([i; 32]),
            legacy: LegacyPublicKey::new([i; 32]),
            ip: Ipv4Addr::new(10, i, 0, 1),
            https_port: 22021,
            omq_port: 22020,
            swarm: SwarmId::new(u64::from(i % 2)),
        }
    }

    fn list(range: core::ops::Range<u8>) -> Vec<NodeContact> {
        range.map(node).collect()
    }

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    #[test]
    fn unusable_entries_are_dropped() {
        let mut nodes = list(0..6);
        nodes[0].ip = Ipv4Addr::UNSPECIFIED;
        nodes[1].ip = Ipv4Addr::BROADCAST;
        let mut repeated = node(3);
        repeated.ip = Ipv4Addr::new(1, 2, 3, 4);
        nodes.push(repeated);
        let mut pool = NodePool::new();
        assert_eq!(pool.refresh_from(), RefreshFrom::Seeds);
        let change = pool.accept_seed(nodes.clone(), NOW).unwrap();
        assert_eq!(
            change,
            PoolChange {
                added: 4,
                ..PoolChange::default()
            }
        );
        assert_eq!(pool.get(&node(3).ed25519), Some(&node(3)));
        nodes[2].https_port = 0;
        assert_eq!(
            pool.accept_seed(nodes, NOW),
            Err(PoolError::TooFewNodes {
                found: 3,
                need: SMALLEST
            })
        );
        assert_eq!(pool.len(), 4);
    }

    #[test]
    fn two_of_three_agree() {
        let mut pool = NodePool::new();
        pool.accept_seed(list(0..30), NOW).unwrap();
        // Node 30 in two answers, node 31 in one, node 0 in one; node 1 with a foreign key in one.
        let first = list(0..31);
        let mut second = list(1..32);
        second[0].x25519 = X25519PublicKey::new([99; 32]);
        let third = list(1..30);
        let change = pool
            .accept_agreement(vec![first, second, third], NOW)
            .unwrap();
        assert_eq!(
            change,
            PoolChange {
                added: 1,
                removed: 1,
                changed: 0
            }
        );
        assert_eq!(pool.get(&node(1).ed25519), Some(&node(1)));
        assert_eq!(pool.source(), PoolSource::Agreement);
    }

    #[test]
    fn liars_cannot_swap_the_network() {
        let mut pool = NodePool::new();
        pool.accept_seed(list(0..40), NOW).unwrap();
        let before = pool.clone();
        assert_eq!(
            pool.accept_agreement(vec![list(0..40)], NOW),
            Err(PoolError::TooFewAnswers { found: 1, need: 2 })
        );
        assert_eq!(
            pool.accept_agreement(vec![list(0..40), list(100..140), list(200..240)], NOW),
            Err(PoolError::TooFewNodes { found: 0, need: 12 })
        );
        assert_eq!(
            pool.accept_agreement(vec![list(0..15), list(0..15), list(0..40)], NOW),
            Err(PoolError::TooGreatAChange {
                found: 15,
                known: 40
            })
        );
        assert_eq!(
            pool.accept_agreement(vec![list(0..81), list(0..81), list(0..40)], NOW),
            Err(PoolError::TooGreatAChange {
                found: 81,
                known: 40
            })
        );
        assert_eq!(pool, before);
    }

    #[test]
    fn refresh_times() {
        let mut pool = NodePool::new();
        assert!(pool.refresh_due(NOW));
        pool.refresh_attempted(NOW);
        assert!(!pool.refresh_due(NOW.plus(Duration::from_secs(29))));
        assert!(pool.refresh_due(NOW.plus(Duration::from_secs(30))));
        pool.accept_seed(list(0..30), NOW).unwrap();
        assert_eq!(pool.minimum(), 12);
        assert!(!pool.refresh_due(NOW));
        let just_before = |age: Duration| NOW.plus(age).minus(Duration::from_millis(1));
        assert!(!pool.refresh_due(just_before(CONFIRM_AFTER)));
        assert!(pool.refresh_due(NOW.plus(CONFIRM_AFTER)));
        let answers = vec![list(0..30), list(0..30), list(0..30)];
        pool.accept_agreement(answers, NOW).unwrap();
        assert!(!pool.refresh_due(just_before(REFRESH_AFTER)));
        assert!(pool.refresh_due(NOW.plus(REFRESH_AFTER)));
        for i in 0..18 {
            assert!(pool.remove(&node(i).ed25519).is_some());
        }
        assert!(!pool.refresh_due(NOW));
        assert_eq!(pool.refresh_from(), RefreshFrom::Nodes);
        pool.remove(&node(20).ed25519);
        assert!(pool.refresh_due(NOW));
        assert_eq!(pool.refresh_from(), RefreshFrom::Seeds);
        // A list from the far future (the clock was wrong) does not block refreshing.
        assert!(pool.refresh_due(Timestamp::from_ms(1_600_000_000_000)));
    }

    #[test]
    fn thresholds_scale_with_a_tiny_network() {
        let mut pool = NodePool::new();
        pool.accept_seed(list(0..7), NOW).unwrap();
        assert_eq!(pool.minimum(), 4);
        pool.accept_agreement(vec![list(0..6), list(1..7), list(0..7)], NOW)
            .unwrap();
        assert_eq!(pool.len(), 7);
        pool.accept_seed(list(0..12), NOW).unwrap();
        assert_eq!(pool.minimum(), 6);
    }

    #[test]
    fn survives_a_restart() {
        let mut pool = NodePool::new();
        pool.accept_seed(list(0..12), NOW).unwrap();
        let text = serde_json::to_string(&pool).unwrap();
        let back: NodePool = serde_json::from_str(&text).unwrap();
        assert_eq!(back, pool);
        assert!(!back.refresh_due(NOW));
    }
}
