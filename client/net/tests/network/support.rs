//! Networks, clients of them, and mailboxes.

use core::time::Duration;
use std::sync::Arc;

use session_crypto::AccountKeys;
use session_devnet::{Devnet, DevnetOptions};
use session_net::{
    CachedNetwork, Clock, NetError, Network, NetworkOptions, NetworkStatus, SwarmReply,
    SystemClock, Wire,
};
use session_node::NodeConfig;
use session_storage_rpc::{AccountSigner, Request, Retrieve};
use session_types::{AccountId, Ed25519PublicKey, Namespace, SwarmPubkey, Timestamp};

use crate::memory::Memory;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the deadline of the test")
}

/// A network with keys from `seed`.
pub(crate) async fn devnet(seed: u64) -> Devnet {
    customised(seed, |_, _| ()).await
}

pub(crate) async fn customised(
    seed: u64,
    customise: impl Fn(usize, &mut NodeConfig) + Send + Sync + 'static,
) -> Devnet {
    let options = DevnetOptions {
        seed: Some(seed),
        customise: Some(Arc::new(customise)),
        ..DevnetOptions::default()
    };
    within(Devnet::start(options, |_| ())).await.unwrap()
}

/// A client of a network.
pub(crate) struct Client {
    pub(crate) keys: AccountKeys,
    pub(crate) network: Network,
    pub(crate) memory: Arc<Memory>,
}

impl Client {
    /// Somebody new.
    pub(crate) fn new(seed_url: &str) -> Self {
        Self::with(
            seed_url,
            AccountKeys::from_seed16(rand::random()),
            CachedNetwork::default(),
            Box::new(SystemClock),
        )
    }

    pub(crate) fn with(
        seed_url: &str,
        keys: AccountKeys,
        cached: CachedNetwork,
        clock: Box<dyn Clock>,
    ) -> Self {
        Self::tuned(seed_url, keys, cached, clock, |_| ())
    }

    /// With other settings.
    pub(crate) fn tuned(
        seed_url: &str,
        keys: AccountKeys,
        cached: CachedNetwork,
        clock: Box<dyn Clock>,
        tune: impl FnOnce(&mut NetworkOptions),
    ) -> Self {
        let memory = Arc::new(Memory::default());
        let mut options = NetworkOptions {
            seed_timeout: Duration::from_secs(1),
            ..NetworkOptions::default()
        };
        tune(&mut options);
        let network = Network::new(
            seed_url.parse().unwrap(),
            clock,
            options,
            cached,
            Arc::clone(&memory) as _,
        )
        .unwrap();
        network.set_own_account(keys.account_id());
        Self {
            keys,
            network,
            memory,
        }
    }

    /// The same person after a restart, remembering `cached`.
    pub(crate) fn again(&self, seed_url: &str, cached: CachedNetwork) -> Self {
        let keys = AccountKeys::from_seed16(*self.keys.seed16().unwrap());
        Self::with(seed_url, keys, cached, Box::new(SystemClock))
    }

    /// Somebody new, with other settings.
    pub(crate) fn new_tuned(seed_url: &str, tune: impl FnOnce(&mut NetworkOptions)) -> Self {
        let keys = AccountKeys::from_seed16(rand::random());
        let cached = CachedNetwork::default();
        Self::tuned(seed_url, keys, cached, Box::new(SystemClock), tune)
    }

    /// The same person after a restart, with other settings.
    pub(crate) fn again_tuned(
        &self,
        seed_url: &str,
        cached: CachedNetwork,
        tune: impl FnOnce(&mut NetworkOptions),
    ) -> Self {
        let keys = AccountKeys::from_seed16(*self.keys.seed16().unwrap());
        Self::tuned(seed_url, keys, cached, Box::new(SystemClock), tune)
    }

    /// What carried the last request.
    pub(crate) fn wire(&self) -> Option<Wire> {
        match &*self.network.watch_status().borrow() {
            NetworkStatus::Connected { wire, .. } => *wire,
            other => panic!("not connected: {other:?}"),
        }
    }

    /// Requests so far over HTTPS.
    pub(crate) fn over_https(&self) -> u64 {
        let traffic = self.network.traffic();
        traffic.requests - traffic.quic_requests
    }

    pub(crate) fn owner(&self) -> SwarmPubkey {
        SwarmPubkey::from(self.keys.account_id())
    }

    /// Reads the own mailbox, which needs the right time.
    pub(crate) fn reading(
        &self,
    ) -> impl Fn(Timestamp, &Ed25519PublicKey) -> Result<Request, NetError> + Send + Sync + '_ {
        move |now, _| {
            let signer = AccountSigner::new(self.keys.account_id(), self.keys.ed25519());
            let retrieve = Retrieve::signed(&signer, Namespace::DEFAULT, now);
            Ok(Request::batch(vec![Request::Retrieve(retrieve)])?)
        }
    }

    /// Reads the own mailbox at some member.
    pub(crate) async fn read(&self) -> Result<SwarmReply, NetError> {
        let asked =
            self.network
                .ask_swarm(self.owner(), session_net::Purpose::OwnSwarm, self.reading());
        within(asked).await
    }
}

/// Keys of an account in the swarm of the node with this index.
pub(crate) fn keys_beside(devnet: &Devnet, index: usize) -> AccountKeys {
    loop {
        let keys = AccountKeys::from_seed16(rand::random());
        let owner = SwarmPubkey::from(keys.account_id());
        if devnet.swarm_of(&owner).contains(&index) {
            return keys;
        }
    }
}

/// Any account.
pub(crate) fn anybody() -> SwarmPubkey {
    SwarmPubkey::from(AccountId::from_x25519(rand::random::<[u8; 32]>().into()))
}
