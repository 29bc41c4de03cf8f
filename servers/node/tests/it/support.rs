//! A private network of real nodes, and somebody to ask them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
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
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(crate) const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 3600);

/// The one swarm of small networks.
pub(crate) const SWARM: u64 = 0;

/// A clock that moves when told to.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        Self(AtomicU64::new(u64::try_from(now).unwrap()))
    }

    pub(crate) fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
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
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not json: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect_text(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text.as_str()), (status, text));
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// Changes the configuration of a node before it starts.
pub(crate) type Configure = Arc<dyn Fn(&mut NodeConfig) + Send + Sync>;

/// A network of nodes.
pub(crate) struct Network {
    pub(crate) registry: Arc<StaticRegistry>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) http: reqwest::Client,
    places: Vec<Place>,
    height: u64,
    dir: TempDir,
    configure: Configure,
}

impl Network {
    /// `sizes` nodes for each swarm id, in that order.
    pub(crate) async fn start(swarms: &[(u64, usize)]) -> Self {
        Self::start_with(swarms, |_| {}).await
    }

    pub(crate) async fn start_with(
        swarms: &[(u64, usize)],
        configure: impl Fn(&mut NodeConfig) + Send + Sync + 'static,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
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
        network.until_settled().await;
        network
    }

    /// Waits until all running nodes know each other and have exchanged what they had.
    pub(crate) async fn until_settled(&self) {
        for node in self
            .places
            .iter()
            .filter_map(|place| place.running.as_ref())
        {
            until("the members know each other", || async {
                let metrics = node.metrics().await;
                (metrics.members_unconfirmed == 0 && metrics.dumps_waiting == 0).then_some(())
            })
            .await;
        }
    }

    /// Adds a place without telling anybody; the node is not running.
    pub(crate) fn add_place(&mut self, swarm: u64) -> TcpListener {
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
        self.places.push(Place {
            seed,
            contact,
            running: None,
        });
        listener
    }

    /// Moves a node to another swarm in the next published list.
    pub(crate) fn assign(&mut self, index: usize, swarm: SwarmId) {
        self.places[index].contact.swarm = swarm;
    }

    /// Has the next published list say that a node has its QUIC elsewhere.
    pub(crate) fn move_quic(&mut self, index: usize, port: u16) {
        self.places[index].contact.omq_port = port;
    }

    /// Shows everybody the list as it is now.
    pub(crate) fn publish(&mut self) {
        self.height += 1;
        let nodes = self
            .places
            .iter()
            .map(|place| RegisteredNode::active(place.contact.clone(), REPORTED_VERSION))
            .collect();
        let list = NodeList::new(ChainTip::at_height(self.height), nodes).unwrap();
        self.registry.replace(list);
    }

    pub(crate) async fn start_on(&mut self, index: usize, listener: TcpListener) {
        let place = &self.places[index];
        let data_dir = self.data_dir(index);
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

    pub(crate) async fn stop(&mut self, index: usize) {
        self.places[index]
            .running
            .take()
            .expect("a running node")
            .stop()
            .await;
    }

    pub(crate) async fn kill(&mut self, index: usize) {
        self.places[index]
            .running
            .take()
            .expect("a running node")
            .abort()
            .await;
    }

    pub(crate) async fn restart(&mut self, index: usize) {
        let port = self.places[index].contact.https_port;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = until("the port is free", || async { bind_again(address) }).await;
        self.start_on(index, listener).await;
    }

    /// Deletes everything a node that does not run has stored.
    pub(crate) fn forget_data(&self, index: usize) {
        assert!(self.places[index].running.is_none());
        std::fs::remove_dir_all(self.data_dir(index)).unwrap();
    }

    pub(crate) fn data_dir(&self, index: usize) -> PathBuf {
        self.dir.path().join(format!("node-{index}"))
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn contact(&self, index: usize) -> &NodeContact {
        &self.places[index].contact
    }

    pub(crate) fn seed(&self, index: usize) -> [u8; 32] {
        self.places[index].seed
    }

    pub(crate) fn node(&self, index: usize) -> &RunningNode {
        self.places[index].running.as_ref().expect("a running node")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An account whose messages this swarm keeps.
    pub(crate) fn person(&self, swarm: u64) -> Person {
        self.person_with(swarm, Person::owner)
    }

    /// Somebody of whose mailboxes this swarm keeps that one.
    pub(crate) fn person_with(
        &self,
        swarm: u64,
        mailbox: impl Fn(&Person) -> SwarmPubkey,
    ) -> Person {
        let nodes = self.registry.snapshot();
        (0u64..)
            .map(Person::number)
            .find(|person| nodes.swarm_of(&mailbox(person)) == Some(SwarmId::new(swarm)))
            .unwrap()
    }

    // Asking ---------------------------------------------------------------------------------

    pub(crate) fn url(&self, index: usize, path: &str) -> String {
        format!("{}{path}", self.contact(index).https_base())
    }

    pub(crate) async fn post(
        &self,
        index: usize,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let response = self
            .http
            .post(self.url(index, path))
            .body(body)
            .send()
            .await
            .unwrap();
        Answer {
            status: response.status().as_u16(),
            text: response.text().await.unwrap(),
        }
    }

    /// A request in its JSON form.
    pub(crate) async fn ask(&self, index: usize, request: Request) -> Answer {
        self.post(index, "/storage_rpc/v1", request.to_json_text())
            .await
    }

    /// A request with parameters of the caller's making.
    pub(crate) async fn call(&self, index: usize, method: &str, params: Value) -> Answer {
        let body = json!({ "method": method, "params": params }).to_string();
        self.post(index, "/storage_rpc/v1", body).await
    }

    pub(crate) async fn store(&self, index: usize, request: Store) -> StoreResponse {
        let answer = self.ask(index, Request::Store(request)).await;
        StoreResponse::from_json(&answer.ok()).unwrap()
    }

    /// Stores a message in somebody's public inbox.
    pub(crate) async fn send(&self, index: usize, to: &Person, data: &[u8]) -> MessageHash {
        let request = Store::unsigned(to.owner(), self.now(), TWO_WEEKS, data.to_vec()).unwrap();
        self.store(index, request).await.hash.unwrap()
    }

    /// Stores a message of the owner's in one of the owner's namespaces.
    pub(crate) async fn save(
        &self,
        index: usize,
        signer: &impl RequestSigner,
        namespace: i16,
        data: &[u8],
    ) -> MessageHash {
        let namespace = Namespace::new(namespace);
        let request = Store::signed(signer, namespace, self.now(), DAY, data.to_vec()).unwrap();
        self.store(index, request).await.hash.unwrap()
    }

    pub(crate) async fn retrieve(&self, index: usize, request: Retrieve) -> RetrieveResponse {
        let answer = self.ask(index, Request::Retrieve(request)).await;
        RetrieveResponse::from_json(&answer.ok()).unwrap()
    }

    /// The hashes one node has for the signer, in its order.
    pub(crate) async fn hashes(
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
    pub(crate) async fn until_held(
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
    pub(crate) async fn until_delivered(&self, index: usize) {
        until("nothing waits", || async {
            (self.node(index).metrics().await.deliveries_waiting == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn batch(&self, index: usize, requests: Vec<Request>) -> BatchResponse {
        let answer = self.ask(index, Request::batch(requests).unwrap()).await;
        BatchResponse::from_json(&answer.ok()).unwrap()
    }

    /// Stops every node in order.
    pub(crate) async fn shut_down(mut self) {
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
pub(crate) struct Person {
    pub(crate) key: Ed25519Secret,
    pub(crate) account: AccountId,
}

impl Person {
    pub(crate) fn number(number: u64) -> Self {
        let mut seed = [0x51; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let key = Ed25519Secret::from_seed(seed);
        let account = AccountId::from_x25519(*key.to_x25519().public());
        Self { key, account }
    }

    pub(crate) fn owner(&self) -> SwarmPubkey {
        self.account.into()
    }

    pub(crate) fn signer(&self) -> AccountSigner<'_> {
        AccountSigner::new(self.account, &self.key)
    }

    /// The same key as that of a group: its id begins 03. The group's messages may be kept by
    /// another swarm than the account's.
    pub(crate) fn group(&self) -> GroupAdminSigner<'_> {
        GroupAdminSigner::new(&self.key)
    }
}

/// Tries again until there is a result.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
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
pub(crate) fn params(request: &Request) -> BTreeMap<String, Value> {
    serde_json::from_value(request.to_json()["params"].clone()).unwrap()
}
