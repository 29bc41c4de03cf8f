//! The network as the rest of the client sees it: ask an owner's swarm, get its answer.

mod asking;
mod choosing;
mod swarms;
mod time;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use session_crypto::onion_cipher::OnionCipher;
use session_onion::paths::{PathConfig, PathManager, PathStatus, PersistedPaths};
use session_onion::pool::NodePool;
use session_storage_rpc::response::SubResponse;
use session_types::{AccountId, Ed25519PublicKey, SwarmPubkey, Timestamp};

use crate::cache::{CachedNetwork, NetworkCache};
use crate::clock::{Clock, ClockSkew, NetworkClock};
use crate::http::NodeHttp;
use crate::{NetError, NetworkProfile, Route};
use swarms::CachedSwarm;

/// Settings of a [`Network`].
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Cipher of the onion layers; aes-gcm looks like Session Desktop.
    pub cipher: OnionCipher,
    /// How long one try may take.
    pub request_timeout: Duration,
    /// How long a seed may take.
    pub seed_timeout: Duration,
    /// Tries of one request over different paths.
    pub attempts: u32,
    /// Rules of path building.
    pub paths: PathConfig,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            cipher: OnionCipher::AesGcm,
            request_timeout: Duration::from_secs(10),
            seed_timeout: Duration::from_secs(5),
            attempts: 6,
            paths: PathConfig::default(),
        }
    }
}

/// What a swarm member answered to a `batch` or `sequence`.
#[derive(Debug, Clone)]
pub struct SwarmReply {
    /// One answer per request, in order; fewer when a `sequence` stopped.
    pub results: Vec<SubResponse>,
    /// The road it took.
    pub route: Route,
}

/// The network. All methods may be called at once from many tasks.
#[derive(Debug)]
pub struct Network {
    pub(crate) profile: NetworkProfile,
    pub(crate) options: NetworkOptions,
    pub(crate) http: NodeHttp,
    pub(crate) clock: NetworkClock,
    cache: Arc<dyn NetworkCache>,
    pub(crate) pool: Mutex<NodePool>,
    /// The path manager has a list of nodes.
    pub(crate) ready: AtomicBool,
    paths: Mutex<PathManager>,
    swarms: Mutex<BTreeMap<SwarmPubkey, CachedSwarm>>,
    own: Mutex<Option<SwarmPubkey>>,
    /// Nodes that did not answer, and when that was.
    absent: Mutex<BTreeMap<Ed25519PublicKey, Instant>>,
    /// One refresh of the node list at a time.
    pub(crate) refresh: tokio::sync::Mutex<()>,
    /// Questions to the seeds because no path worked.
    pub(crate) seed_tries: Mutex<SeedTries>,
    /// When nodes were last asked for the time.
    time_asked: tokio::sync::Mutex<Option<Instant>>,
}

/// Questions to the seeds because no path worked, since one last did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SeedTries {
    /// How many.
    pub(crate) count: u32,
    /// When the last one was.
    pub(crate) last: Option<Instant>,
}

impl Network {
    /// Prepares the network side with what an earlier run saved. Connects to nothing yet.
    ///
    /// # Errors
    /// [`NetError::Http`] when TLS cannot be set up.
    pub fn new(
        profile: NetworkProfile,
        clock: Box<dyn Clock>,
        options: NetworkOptions,
        cached: CachedNetwork,
        cache: Arc<dyn NetworkCache>,
    ) -> Result<Self, NetError> {
        let clock = NetworkClock::new(clock);
        let now = clock.now();
        // A cache that cannot be read is no worse than none.
        let pool: NodePool = cached
            .pool
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        let persisted: PersistedPaths = cached
            .paths
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        let mut paths = PathManager::new(options.paths.clone(), persisted);
        let nodes: Vec<_> = pool.nodes().cloned().collect();
        if !nodes.is_empty() {
            paths.set_pool(&nodes, now, &mut rand::rng());
        }
        let swarms = cached
            .swarms
            .into_iter()
            .filter_map(|(owner, json)| Some((owner, serde_json::from_str(&json).ok()?)))
            .collect();
        Ok(Self {
            profile,
            options,
            http: NodeHttp::new()?,
            clock,
            cache,
            pool: Mutex::new(pool),
            ready: AtomicBool::new(!nodes.is_empty()),
            paths: Mutex::new(paths),
            swarms: Mutex::new(swarms),
            own: Mutex::new(None),
            absent: Mutex::new(BTreeMap::new()),
            refresh: tokio::sync::Mutex::new(()),
            seed_tries: Mutex::new(SeedTries::default()),
            time_asked: tokio::sync::Mutex::new(None),
        })
    }

    /// Says whose swarm guards and exits must keep out of.
    pub fn set_own_account(&self, account: AccountId) {
        *lock(&self.own) = Some(SwarmPubkey::from(account));
        self.avoid_own_swarm();
    }

    /// Tells the path manager who keeps the own mailbox: as the swarm said, before that as the
    /// node list lets one guess. A first guard from among them would have to be left again.
    fn avoid_own_swarm(&self) {
        let Some(owner) = *lock(&self.own) else {
            return;
        };
        let told = lock(&self.swarms).get(&owner).map(CachedSwarm::keys);
        let members = told.unwrap_or_else(|| self.likely_members(&owner));
        if !members.is_empty() {
            lock(&self.paths).set_own_swarm(&members);
        }
    }

    /// Network time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How wrong this machine's clock is, when it matters.
    #[must_use]
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.clock.noticeable_skew()
    }

    /// Whether paths work, for a person.
    #[must_use]
    pub fn status(&self) -> PathStatus {
        lock(&self.paths).status(self.clock.now())
    }

    /// The network this is.
    #[must_use]
    pub fn profile(&self) -> &NetworkProfile {
        &self.profile
    }

    /// Saves guards and second hops when they changed.
    fn save_paths(&self) {
        let json = {
            let mut paths = lock(&self.paths);
            paths
                .take_dirty()
                .then(|| serde_json::to_string(&paths.persisted()))
        };
        if let Some(Ok(json)) = json {
            self.cache.save_paths(json);
        }
    }

    /// Tells the path manager about a changed pool and saves it.
    pub(crate) fn pool_changed(&self) {
        let now = self.clock.now();
        let (nodes, json) = {
            let pool = lock(&self.pool);
            (
                pool.nodes().cloned().collect::<Vec<_>>(),
                serde_json::to_string(&*pool),
            )
        };
        self.avoid_own_swarm();
        lock(&self.paths).set_pool(&nodes, now, &mut rand::rng());
        self.ready.store(true, Ordering::Release);
        if let Ok(json) = json {
            self.cache.save_pool(json, now);
        }
        self.save_paths();
    }

    fn pool_keys(&self) -> BTreeSet<Ed25519PublicKey> {
        lock(&self.pool).nodes().map(|node| node.ed25519).collect()
    }
}

/// A poisoned lock only means that another task panicked; the data is whole between calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
