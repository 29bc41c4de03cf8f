//! The network as the rest of the client sees it: ask an owner's swarm, get its answer.

mod asking;
mod choosing;
mod names;
mod servers;
mod status;
mod swarms;
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use session_onion::paths::{PathManager, PersistedPaths};
use session_onion::pool::NodePool;
use session_storage_rpc::response::SubResponse;
use session_types::{AccountId, Ed25519PublicKey, SwarmPubkey, Timestamp};
use tokio::sync::watch;

use crate::cache::{CachedNetwork, NetworkCache};
use crate::carrier::Carrier;
use crate::clock::{Clock, ClockSkew, NetworkClock};
use crate::options::NetworkOptions;
use crate::traffic::Traffic;
use crate::{NetError, NetworkProfile, Route};
pub use names::NameError;
use status::Facts;
pub use status::{ConnectStep, NetworkStatus, OfflineReason, SilentSwarm};
use swarms::CachedSwarm;

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
    pub(crate) carrier: Carrier,
    pub(crate) clock: NetworkClock,
    cache: Arc<dyn NetworkCache>,
    pub(crate) pool: Mutex<NodePool>,
    /// The path manager has a list of nodes.
    pub(crate) ready: AtomicBool,
    pub(crate) paths: Mutex<PathManager>,
    swarms: Mutex<BTreeMap<SwarmPubkey, CachedSwarm>>,
    pub(crate) own: Mutex<Option<SwarmPubkey>>,
    /// Nodes that did not answer, and when that was.
    absent: Mutex<BTreeMap<Ed25519PublicKey, Instant>>,
    /// One refresh of the node list at a time.
    pub(crate) refresh: tokio::sync::Mutex<()>,
    /// Questions to the seeds because no path worked.
    pub(crate) seed_tries: Mutex<SeedTries>,
    /// When nodes were last asked for the time.
    time_asked: tokio::sync::Mutex<Option<Instant>>,
    /// What the status is made of besides the path manager's.
    facts: Mutex<Facts>,
    status: watch::Sender<NetworkStatus>,
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
        let status = watch::Sender::new(NetworkStatus::Connecting {
            step: ConnectStep::default(),
            guards_tried: 0,
        });
        let network = Self {
            profile,
            carrier: Carrier::new(&options)?,
            options,
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
            facts: Mutex::default(),
            status,
        };
        network.publish();
        Ok(network)
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

    /// How much has been sent and received since the start.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.carrier.traffic()
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
        self.list_learned();
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
