//! What outlives a run: the node list, the guards, who is in which swarm.

use core::fmt;

use session_types::{SwarmPubkey, Timestamp};

/// What an earlier run saved; each text is what [`NetworkCache`] was given.
#[derive(Debug, Clone, Default)]
pub struct CachedNetwork {
    /// The node pool.
    pub pool: Option<String>,
    /// Guards and second hops.
    pub paths: Option<String>,
    /// Swarms by owner.
    pub swarms: Vec<(SwarmPubkey, String)>,
}

/// Where a [`crate::Network`] saves what it learns. Calls must not block.
pub trait NetworkCache: Send + Sync + fmt::Debug {
    /// The node pool changed.
    fn save_pool(&self, json: String, now: Timestamp);
    /// Guards or second hops changed.
    fn save_paths(&self, json: String);
    /// An owner's swarm was learned.
    fn save_swarm(&self, owner: &SwarmPubkey, json: String, now: Timestamp);
}

/// Saves nothing: every start asks the seeds and picks new guards.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl NetworkCache for NoCache {
    fn save_pool(&self, _json: String, _now: Timestamp) {}
    fn save_paths(&self, _json: String) {}
    fn save_swarm(&self, _owner: &SwarmPubkey, _json: String, _now: Timestamp) {}
}
