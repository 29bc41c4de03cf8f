//! Which of several nodes to ask.

use core::time::Duration;
use std::time::Instant;

use rand::seq::IndexedRandom as _;
use session_types::{Ed25519PublicKey, NodeContact};

use super::{Network, lock};

/// How long a node that did not answer is asked only when there is no other.
const AVOID: Duration = Duration::from_secs(60);

impl Network {
    /// Whether the node has not failed to answer within the last minute. Such a node is better
    /// asked last.
    #[must_use]
    pub fn answers(&self, node: &Ed25519PublicKey) -> bool {
        let absent = lock(&self.absent);
        absent.get(node).is_none_or(|at| at.elapsed() >= AVOID)
    }

    /// Remembers whether a node answered.
    pub(super) fn note_answer(&self, node: &Ed25519PublicKey, answered: bool) {
        let mut absent = lock(&self.absent);
        if answered {
            absent.remove(node);
        } else {
            absent.retain(|_, at| at.elapsed() < AVOID);
            absent.insert(*node, Instant::now());
        }
    }

    /// One of these nodes: one that answers if there is such, and the guard only when there is
    /// no other, since a request to the guard would have to go through another one.
    pub(super) fn choose(&self, nodes: &[&NodeContact]) -> Option<NodeContact> {
        let guard = self.guard();
        let others = |node: &&NodeContact| Some(node.ed25519) != guard;
        let answering = |node: &&NodeContact| self.answers(&node.ed25519);
        let mut rng = rand::rng();
        let mut one = |from: Vec<&NodeContact>| from.choose(&mut rng).copied().cloned();
        let all = || nodes.iter().copied();
        one(all().filter(others).filter(answering).collect())
            .or_else(|| one(all().filter(others).collect()))
            .or_else(|| one(all().collect()))
    }

    /// The guard of first choice.
    pub(super) fn guard(&self) -> Option<Ed25519PublicKey> {
        lock(&self.paths).confirmed_guards().next()
    }
}
