//! The few nodes each guard's paths continue to (docs/protocol/traffic-analysis.md section 3,
//! M-02).
//!
//! A swarm member that wants to know a client's guard waits until one of its own nodes is second
//! hop. With few second hops that change rarely, that takes months instead of hours.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::IndexedRandom;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use session_types::{Ed25519PublicKey, NodeContact, Timestamp};

use super::config::{Limits, PathConfig};
use super::diversity::Diversity;
use super::guards::random_duration;
use super::health::NodeHealth;
use crate::pool::slash16;

/// One pinned second hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct SecondHop {
    key: Ed25519PublicKey,
    expires_at: Timestamp,
}

/// The second hops of one guard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct SecondHops {
    hops: Vec<SecondHop>,
    /// Replacements before their time: a guard that claims that its second hops are gone, until
    /// one of its friends is chosen, runs into a limit.
    #[serde(default)]
    early: Vec<Timestamp>,
}

/// What looking after the second hops came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Upkeep {
    /// Something to be stored changed.
    pub(super) changed: bool,
    /// More replacements would be needed than are allowed.
    pub(super) exhausted: bool,
}

/// What the choice depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) pool: &'a BTreeMap<Ed25519PublicKey, NodeContact>,
    pub(super) health: &'a NodeHealth,
    pub(super) diversity: &'a Diversity,
    pub(super) config: &'a PathConfig,
    pub(super) limits: &'a Limits,
    pub(super) now: Timestamp,
}

impl SecondHops {
    /// The pinned hops, usable or not.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Ed25519PublicKey> {
        self.hops.iter().map(|hop| &hop.key)
    }

    /// Replaces expired hops and, within the limit, those that are gone; fills up.
    pub(super) fn keep_up(
        &mut self,
        guard: &NodeContact,
        around: Surroundings<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Upkeep {
        let before = self.clone();
        let now = around.now;
        // A clock that once was wrong must not pin a hop for ever.
        let latest = now.plus(around.config.second_hop_lifetime.end);
        self.hops
            .retain(|hop| hop.expires_at > now && hop.expires_at <= latest);
        self.early
            .retain(|at| now.since(*at) < around.limits.early_window);
        let mut exhausted = false;
        let early = &mut self.early;
        self.hops.retain(|hop| {
            let gone = !around.pool.contains_key(&hop.key) || around.health.dropped(&hop.key, now);
            if !gone {
                return true;
            }
            if early.len() < around.limits.early_replacements {
                early.push(now);
                return false;
            }
            exhausted = true;
            true
        });
        while self.hops.len() < around.config.second_hops {
            let Some(key) = self.draw(guard, around, rng) else {
                break;
            };
            let lifetime = random_duration(&around.config.second_hop_lifetime, rng);
            self.hops.push(SecondHop {
                key,
                expires_at: now.plus(lifetime),
            });
        }
        Upkeep {
            changed: *self != before,
            exhausted,
        }
    }

    /// A node that may be pinned: another operator than the guard's, another /16 than the
    /// guard's and the other hops' while there are such.
    fn draw(
        &self,
        guard: &NodeContact,
        around: Surroundings<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Option<Ed25519PublicKey> {
        let pinned: BTreeSet<Ed25519PublicKey> = self.keys().copied().collect();
        let networks: BTreeSet<[u8; 2]> = pinned
            .iter()
            .filter_map(|key| around.pool.get(key))
            .chain([guard])
            .map(|node| slash16(node.ip))
            .collect();
        let free: Vec<&NodeContact> = around
            .pool
            .values()
            .filter(|node| node.ed25519 != guard.ed25519 && !pinned.contains(&node.ed25519))
            .filter(|node| around.health.usable(&node.ed25519, around.now))
            .collect();
        let foreign = |node: &&NodeContact| {
            !around
                .diversity
                .same_operator(&node.ed25519, &guard.ed25519)
        };
        let apart = |node: &&NodeContact| !networks.contains(&slash16(node.ip));
        let pick =
            |nodes: Vec<&NodeContact>, rng: &mut _| nodes.choose(rng).map(|node| node.ed25519);
        pick(
            free.iter().copied().filter(foreign).filter(apart).collect(),
            rng,
        )
        .or_else(|| pick(free.iter().copied().filter(foreign).collect(), rng))
        .or_else(|| {
            if around.limits.relax {
                pick(free, rng)
            } else {
                None
            }
        })
    }
}
