//! What the account's database remembers of the network, so that a start needs no seed and the
//! guard stays the same.

use session_net::{CachedNetwork, NetworkCache};
use session_store::{Store, StoreError};
use session_types::{SwarmPubkey, Timestamp};

use crate::model_thread::ModelThread;

/// Writes what the network side learns into the database, without making it wait.
#[derive(Debug)]
pub(crate) struct StoreCache {
    store: ModelThread,
}

impl StoreCache {
    pub(crate) fn new(store: ModelThread) -> Self {
        Self { store }
    }

    /// What was saved last time.
    pub(crate) fn load(store: &Store) -> Result<CachedNetwork, StoreError> {
        let own = SwarmPubkey::from(store.account_id());
        let mut swarms = Vec::new();
        if let Some(cached) = store.swarm(&own)? {
            swarms.push((own, cached.json));
        }
        for conversation in store.conversations()? {
            let owner = SwarmPubkey::from(conversation.id());
            if let Some(cached) = store.swarm(&owner)? {
                swarms.push((owner, cached.json));
            }
        }
        Ok(CachedNetwork {
            pool: store.node_pool()?.map(|cached| cached.json),
            paths: store.path_state()?,
            swarms,
        })
    }
}

impl NetworkCache for StoreCache {
    fn save_pool(&self, json: String, now: Timestamp) {
        self.store
            .post(move |store| store.save_node_pool(&json, now));
    }

    fn save_paths(&self, json: String) {
        self.store.post(move |store| store.save_path_state(&json));
    }

    fn save_swarm(&self, owner: &SwarmPubkey, json: String, now: Timestamp) {
        let owner = *owner;
        self.store
            .post(move |store| store.save_swarm(&owner, &json, now));
    }
}
