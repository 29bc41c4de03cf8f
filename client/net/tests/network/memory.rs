//! A cache that keeps everything in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use session_net::{CachedNetwork, NetworkCache};
use session_types::{SwarmPubkey, Timestamp};

/// What was saved last.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pool: Mutex<Option<String>>,
    paths: Mutex<Option<String>>,
    swarms: Mutex<BTreeMap<SwarmPubkey, String>>,
}

impl Memory {
    /// As if this had been saved.
    pub(crate) fn remember(&self, cached: &CachedNetwork) {
        *self.pool.lock().unwrap() = cached.pool.clone();
        *self.paths.lock().unwrap() = cached.paths.clone();
    }

    /// What the next start is given.
    pub(crate) fn cached(&self) -> CachedNetwork {
        CachedNetwork {
            pool: self.pool.lock().unwrap().clone(),
            paths: self.paths.lock().unwrap().clone(),
            swarms: self.swarms.lock().unwrap().clone().into_iter().collect(),
        }
    }
}

impl NetworkCache for Memory {
    fn save_pool(&self, json: String, _now: Timestamp) {
        *self.pool.lock().unwrap() = Some(json);
    }

    fn save_paths(&self, json: String) {
        *self.paths.lock().unwrap() = Some(json);
    }

    fn save_swarm(&self, owner: &SwarmPubkey, json: String, _now: Timestamp) {
        self.swarms.lock().unwrap().insert(*owner, json);
    }
}
