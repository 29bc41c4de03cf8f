//! Which nodes hold whose mailbox.

use core::time::Duration;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use session_onion::paths::Purpose;
use session_onion::pool::{Draw, SubnetRule};
use session_storage_rpc::request::GetSwarm;
use session_storage_rpc::{Request, SwarmResponse};
use session_types::{
    Ed25519PublicKey, NodeContact, SwarmId, SwarmPubkey, Timestamp, nearest_swarm,
};

use super::{Network, lock};
use crate::NetError;

/// Age at which a swarm is looked up anew.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Known members below which they are looked up anew (docs/protocol/paths.md section 5.2).
const ENOUGH: usize = 3;
/// Random nodes asked before a lookup is given up.
const LOOKUPS: usize = 3;

/// A swarm as it was last learned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CachedSwarm {
    nodes: Vec<NodeContact>,
    learned_at: Timestamp,
}

impl CachedSwarm {
    pub(super) fn keys(&self) -> Vec<Ed25519PublicKey> {
        self.nodes.iter().map(|node| node.ed25519).collect()
    }
}

impl Network {
    /// The nodes that hold `owner`'s mailbox, from memory or from the network.
    ///
    /// # Errors
    /// [`NetError`] when nothing is remembered and the network cannot be asked.
    pub async fn swarm(&self, owner: &SwarmPubkey) -> Result<Vec<NodeContact>, NetError> {
        if let Some(nodes) = self.remembered(owner) {
            return Ok(nodes);
        }
        self.ensure_pool().await?;
        if let Some(nodes) = self.remembered(owner) {
            return Ok(nodes);
        }
        self.look_up(owner).await
    }

    /// Members that are in the node list. Too few or too old: ask again.
    fn remembered(&self, owner: &SwarmPubkey) -> Option<Vec<NodeContact>> {
        let now = self.clock.now();
        let known = self.pool_keys();
        let swarms = lock(&self.swarms);
        let swarm = swarms.get(owner)?;
        let usable: Vec<_> = swarm
            .nodes
            .iter()
            .filter(|n| known.contains(&n.ed25519))
            .cloned()
            .collect();
        let enough = usable.len() >= ENOUGH || usable.len() == swarm.nodes.len();
        let fresh = now.distance(swarm.learned_at) < MAX_AGE;
        (enough && fresh && !usable.is_empty()).then_some(usable)
    }

    async fn look_up(&self, owner: &SwarmPubkey) -> Result<Vec<NodeContact>, NetError> {
        let asked: Vec<NodeContact> = {
            let how = Draw {
                exclude: &self.guard().into_iter().collect(),
                subnets: SubnetRule::Any,
            };
            let pool = lock(&self.pool);
            pool.draw(LOOKUPS, how, &mut rand::rng())
                .into_iter()
                .cloned()
                .collect()
        };
        let mut last = NetError::NoSwarm;
        for node in asked {
            let request = Request::batch(vec![Request::GetSwarm(GetSwarm::new(*owner))])
                .map_err(NetError::from)?;
            match self.ask_node(&node, &[], Purpose::Lookup, &request).await {
                Ok(reply) => {
                    let body = reply.results.first().map(|r| (r.code, &r.body));
                    if let Some((200, body)) = body
                        && let Ok(answer) = SwarmResponse::from_json(body)
                        && self.learn_swarm(owner, answer)
                        && let Some(nodes) = self.remembered(owner)
                    {
                        return Ok(nodes);
                    }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Takes a swarm from an answer. False when it names no usable node.
    pub(super) fn learn_swarm(&self, owner: &SwarmPubkey, answer: SwarmResponse) -> bool {
        let known = self.pool_keys();
        let nodes: Vec<_> = answer
            .nodes
            .into_iter()
            .filter(|node| known.contains(&node.ed25519))
            .collect();
        if nodes.is_empty() {
            return false;
        }
        let swarm = CachedSwarm {
            nodes,
            learned_at: self.clock.now(),
        };
        if let Ok(json) = serde_json::to_string(&swarm) {
            self.cache.save_swarm(owner, json, swarm.learned_at);
        }
        lock(&self.swarms).insert(*owner, swarm);
        if *lock(&self.own) == Some(*owner) {
            self.avoid_own_swarm();
        }
        true
    }

    /// A member said it is not one and named no others. With too few left they are looked up
    /// anew.
    pub(super) fn forget_member(&self, owner: &SwarmPubkey, node: &Ed25519PublicKey) {
        let mut swarms = lock(&self.swarms);
        if let Some(swarm) = swarms.get_mut(owner) {
            swarm.nodes.retain(|member| member.ed25519 != *node);
            if swarm.nodes.len() < ENOUGH {
                swarms.remove(owner);
            }
        }
    }

    /// Who keeps `owner`'s mailbox by the swarms named in the node list. Not to be relied on:
    /// lists agree on keys and addresses, not on swarms.
    pub(super) fn likely_members(&self, owner: &SwarmPubkey) -> Vec<Ed25519PublicKey> {
        let pool = lock(&self.pool);
        let swarms: BTreeSet<SwarmId> = pool
            .nodes()
            .map(|node| node.swarm)
            .filter(|swarm| swarm.is_assigned())
            .collect();
        let swarms: Vec<SwarmId> = swarms.into_iter().collect();
        let Some(swarm) = nearest_swarm(&swarms, owner.position()) else {
            return Vec::new();
        };
        pool.nodes()
            .filter(|node| node.swarm == swarm)
            .map(|node| node.ed25519)
            .collect()
    }
}
