//! A private network of real nodes, and somebody to ask them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use session_crypto::Ed25519Secret;
use session_node::clock::Clock;
use session_node::{Node, NodeConfig, NodeIdentity, NodeTiming, REPORTED_VERSION, RunningNode};
use session_registry::{ChainTip, NodeList, RegisteredNode, Registry, StaticRegistry};
use session_storage_rpc::{
    AccountSigner, BatchResponse, GroupAdminSigner, Request, RequestSigner, Retrieve,
    RetrieveResponse, Store, StoreResponse,
};
use session_types::{
    AccountId, MessageHash, Namespace, NodeContact, SwarmId, SwarmPubkey, Timestamp,
};
use tempfile::TempDir;

/// How long anything may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 3600);

/// The one swarm of small networks.
pub const SWARM: u64 = 0;

/// A clock that moves when told to.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Self(AtomicU64::new(u64::try_from(now).unwrap()))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// One place in the network; the node in it comes and goes.
struct Place {
    seed: [u8; 32],
    contact: NodeContact,
    running: Option<RunningNode>,
}

/// What a node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not json: {self:?}"))
    }

    #[track_caller]
    pub fn expect_text(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text.as_str()), (status, text));
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// Changes the configuration of a node before it starts.
pub type Configure = Arc<dyn Fn(&mut NodeConfig) + Send + Sync>;

/// A network of nodes.
pub struct Network {
    pub registry: Arc<StaticRegistry>,
    pub clock: Arc<TestClock>,
    pub http: reqwest::Client,
    places: Vec<Place>,
    height: u64,
    dir: TempDir,
    configure: Configure,
}

impl Network {
    /// `sizes` nodes for each swarm id, in that order.
    pub async fn start(swarms: &[(u64, usize)]) -> Self {
        Self::start_with(swarms, |_| {}).await
    }

    pub async fn start_with(
        swarms: &[(u64, usize)],
        configure: impl Fn(&mut NodeConfig) + Send + Sync + 'static,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .unwrap();
        let mut network = Self {
            registry: Arc::new(StaticRegistry::new(NodeList::empty(ChainTip::at_height(0)))),
            clock: Arc::new(TestClock::new()),
            http,
            places: Vec::new(),
            height: 0,
            dir: tempfile::tempdir().unwrap(),
            configure: Arc::new(configure),
        };
        let mut listeners = Vec::new();
        for (swarm, size) in swarms {
            for _ in 0..*size {
                listeners.push(network.add_place(*swarm));
            }
        }
        network.publish();
        for (index, listener) in listeners.into_iter().enumerate() {
            network.start_on(index, listener).await;
        }
        network
    }

    /// Adds a place without telling anybody; the node is not running.
    pub fn add_place(&mut self, swarm: u64) -> TcpListener {
        let index = u8::try_from(self.places.len()).unwrap();
        let seed = [0xa0 + index; 32];
        let identity = NodeIdentity::from_seed(seed);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let contact = NodeContact {
            ed25519: *identity.ed25519(),
            x25519: *identity.x25519(),
            legacy: identity.legacy(),
            ip: "127.0.0.1".parse().unwrap(),
            https_port: port,
            omq_port: port,
            swarm: SwarmId::new(swarm),
        };
        self.places.push(Place { seed, contact, running: None });
        listener
    }

    /// Moves a node to another swarm in the next published list.
    pub fn assign(&mut self, index: usize, swarm: SwarmId) {
        self.places[index].contact.swarm = swarm;
    }

    /// Shows everybody the list as it is now.
    pub fn publish(&mut self) {
        self.height += 1;
        let nodes = self
            .places
            .iter()
            .map(|place| RegisteredNode::active(place.contact.clone(), REPORTED_VERSION))
            .collect();
        let list = NodeList::new(ChainTip::at_height(self.height), nodes).unwrap();
        self.registry.replace(list);
    }

    pub async fn start_on(&mut self, index: usize, listener: TcpListener) {
        let place = &self.places[index];
        let data_dir = self.dir.path().join(format!("node-{index}"));
        let identity = NodeIdentity::from_seed(place.seed);
        let mut config = NodeConfig::new(identity, data_dir, listener).unwrap();
        config.clock = self.clock.clone();
        config.allow_private_relay_targets = true;
        config.timing = NodeTiming {
            forward_timeout: Duration::from_secs(2),
            relay_timeout: Duration::from_secs(5),
            server_relay_timeout: Duration::from_secs(2),
            retry_first: Duration::from_millis(50),
            retry_max: Duration::from_secs(2),
            hello_interval: Duration::from_millis(100),
            sweep_interval: Duration::from_millis(50),
            ..NodeTiming::default()
        };
        (self.configure)(&mut config);
        let node = Node::start(config, self.registry.clone()).await.unwrap();
        self.places[index].running = Some(node);
    }

    pub async fn stop(&mut self, index: usize) {
        self.places[index].running.take().expect("a running node").stop().await;
    }

    pub async fn kill(&mut self, index: usize) {
        self.places[index].running.take().expect("a running node").abort().await;
    }

    pub async fn restart(&mut self, index: usize) {
        let port = self.places[index].contact.https_port;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = until("the port is free", || async { bind_again(address) }).await;
        self.start_on(index, listener).await;
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn contact(&self, index: usize) -> &NodeContact {
        &self.places[index].contact
    }

    pub fn seed(&self, index: usize) -> [u8; 32] {
        self.places[index].seed
    }

    pub fn node(&self, index: usize) -> &RunningNode {
        self.places[index].running.as_ref().expect("a running node")
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An account whose messages this swarm keeps.
    pub fn person(&self, swarm: u64) -> Person {
        let nodes = self.registry.snapshot();
        (0u64..)
            .map(Person::number)
            .find(|person| nodes.swarm_of(&person.account.into()) == Some(SwarmId::new(swarm)))
            .unwrap()
    }

    // Asking ---------------------------------------------------------------------------------

    pub fn url(&self, index: usize, path: &str) -> String {
        format!("{}{path}", self.contact(index).https_base())
    }

    pub async fn post(&self, index: usize, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let response = self.http.post(self.url(index, path)).body(body).send().await.unwrap();
        Answer { status: response.status().as_u16(), text: response.text().await.unwrap() }
    }

    /// A request in its JSON form.
    pub async fn ask(&self, index: usize, request: Request) -> Answer {
        self.post(index, "/storage_rpc/v1", request.to_json_text()).await
    }

    /// A request with parameters of the caller's making.
    pub async fn call(&self, index: usize, method: &str, params: Value) -> Answer {
        let body = json!({ "method": method, "params": params }).to_string();
        self.post(index, "/storage_rpc/v1", body).await
    }

    pub async fn store(&self, index: usize, request: Store) -> StoreResponse {
        let answer = self.ask(index, Request::Store(request)).await;
        StoreResponse::from_json(&answer.ok()).unwrap()
    }

    /// Stores a message in somebody's public inbox.
    pub async fn send(&self, index: usize, to: &Person, data: &[u8]) -> MessageHash {
        let request = Store::unsigned(to.owner(), self.now(), TWO_WEEKS, data.to_vec()).unwrap();
        self.store(index, request).await.hash.unwrap()
    }

    /// Stores a message of the owner's in one of the owner's namespaces.
    pub async fn save(
        &self,
        index: usize,
        signer: &impl RequestSigner,
        namespace: i16,
        data: &[u8],
    ) -> MessageHash {
        let namespace = Namespace::new(namespace);
        let request =
            Store::signed(signer, namespace, self.now(), DAY, data.to_vec()).unwrap();
        self.store(index, request).await.hash.unwrap()
    }

    pub async fn retrieve(&self, index: usize, request: Retrieve) -> RetrieveResponse {
        let answer = self.ask(index, Request::Retrieve(request)).await;
        RetrieveResponse::from_json(&answer.ok()).unwrap()
    }

    /// The hashes one node has for the signer, in its order.
    pub async fn hashes(
        &self,
        index: usize,
        signer: &impl RequestSigner,
        namespace: i16,
    ) -> Vec<MessageHash> {
        let mut hashes = Vec::new();
        loop {
            let request = Retrieve::signed(signer, Namespace::new(namespace), self.now())
                .after(hashes.last().cloned())
                .max_size(-1);
            let page = self.retrieve(index, request).await;
            hashes.extend(page.messages.into_iter().map(|message| message.hash));
            if !page.more {
                return hashes;
            }
        }
    }

    /// Waits until a node has exactly these messages for the signer, in any order.
    pub async fn until_held(
        &self,
        index: usize,
        signer: &impl RequestSigner,
        namespace: i16,
        expected: &[MessageHash],
    ) {
        let mut expected = expected.to_vec();
        expected.sort();
        until("the node has the messages", || async {
            let mut held = self.hashes(index, signer, namespace).await;
            held.sort();
            (held == expected).then_some(())
        })
        .await;
    }

    /// Waits until nothing waits for any peer any more.
    pub async fn until_delivered(&self, index: usize) {
        until("nothing waits", || async {
            (self.node(index).metrics().await.deliveries_waiting == 0).then_some(())
        })
        .await;
    }

    pub async fn batch(&self, index: usize, requests: Vec<Request>) -> BatchResponse {
        let answer = self.ask(index, Request::batch(requests).unwrap()).await;
        BatchResponse::from_json(&answer.ok()).unwrap()
    }

    /// Stops every node in order.
    pub async fn shut_down(mut self) {
        for place in &mut self.places {
            if let Some(node) = place.running.take() {
                node.stop().await;
            }
        }
    }
}

/// Binds a port that was in use a moment ago.
fn bind_again(address: SocketAddr) -> Option<TcpListener> {
    TcpListener::bind(address).ok()
}

/// Somebody with an account.
pub struct Person {
    pub key: Ed25519Secret,
    pub account: AccountId,
}

impl Person {
    pub fn number(number: u64) -> Self {
        let mut seed = [0x51; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let key = Ed25519Secret::from_seed(seed);
        let account = AccountId::from_x25519(*key.to_x25519().public());
        Self { key, account }
    }

    pub fn owner(&self) -> SwarmPubkey {
        self.account.into()
    }

    pub fn signer(&self) -> AccountSigner<'_> {
        AccountSigner::new(self.account, &self.key)
    }

    /// The same key as that of a group: its id begins 03. The group's messages may be kept by
    /// another swarm than the account's.
    pub fn group(&self) -> GroupAdminSigner<'_> {
        GroupAdminSigner::new(&self.key)
    }
}

/// Tries again until there is a result.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut attempt: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt().await {
            return result;
        }
        assert!(start.elapsed() < DEADLINE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Parameters of a request, to be spoiled.
pub fn params(request: &Request) -> BTreeMap<String, Value> {
    serde_json::from_value(request.to_json()["params"].clone()).unwrap()
}
