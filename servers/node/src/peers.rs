//! Talking to other nodes.
//!
//! Nodes reach each other over QUIC, where both sides prove their keys ([`links`]), and over
//! HTTPS at the listeners they also have for clients while there is no QUIC connection. HTTPS
//! certificates are self-signed and prove nothing, so the bodies are authenticated: see
//! [`auth`]. Onion requests need no authentication, their layers are encrypted for the right
//! node already.

pub(crate) mod auth;
mod command;
mod health;
mod links;
mod onward;

use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use session_quic::Response;
use session_types::{Ed25519PublicKey, NodeContact};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::core::AnswerMemory;
use crate::edge::{Edge, Passage};
use crate::metrics::Counters;
use crate::{NodeError, NodeIdentity};

pub(crate) use command::{NodeCommand, ONION, PING, status_and_body};
use health::Health;
use links::Link;
pub(crate) use links::Links;
use onward::RELAYS_PER_NODE;
pub(crate) use onward::{Onward, ReplyBounds};

/// Path of onion requests, from clients and nodes alike.
pub(crate) const ONION_PATH: &str = "/onion_req/v2";

/// Time to open a connection; a node that is up accepts at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Requests of our own running at one node at a time; further ones wait, within their timeout.
/// Each takes a connection, and nodes grant one address only so many.
const CALLS_PER_NODE: usize = 64;
/// Idle connections kept for each node.
const IDLE_PER_NODE: usize = 64;
/// How long they are kept: less than a listener keeps an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// How long an answer over QUIC is waited for before the same is asked over HTTPS too: a node
/// that has died says so only there.
const SECOND_TRY: Duration = Duration::from_millis(750);
/// The same for messages in bulk, which take their time.
const SECOND_TRY_DATA: Duration = Duration::from_secs(5);
/// Answers to authenticated requests are small.
const MAX_REPLY: usize = 1024 * 1024;

/// What another node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerReply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Places for exchanges with one node.
#[derive(Debug)]
struct Lanes {
    calls: Semaphore,
    relays: Semaphore,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            calls: Semaphore::new(CALLS_PER_NODE),
            relays: Semaphore::new(RELAYS_PER_NODE),
        }
    }
}

impl PeerReply {
    /// Whether the same request may be answered otherwise later: the node is in trouble, or sees
    /// another swarm at the moment.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self.status, 409 | 421 | 429 | 500..=599)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeerError {
    /// Something answered, but not properly, or not the node.
    #[error("bad answer")]
    BadAnswer,
    /// Too many onion requests wait for the node already.
    #[error("too many requests under way")]
    Congested,
    /// There is no memory left for the answer.
    #[error("no memory for the answer")]
    NoMemory,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection was refused or broke.
    #[error("not reachable")]
    Unreachable,
}

/// The client side of node to node traffic.
#[derive(Debug)]
pub(crate) struct Peers {
    http: reqwest::Client,
    links: Option<Links>,
    edge: Option<Arc<dyn Edge>>,
    counters: Arc<Counters>,
    identity: Arc<NodeIdentity>,
    clock: Arc<dyn Clock>,
    health: Health,
    lanes: Mutex<HashMap<Ed25519PublicKey, Arc<Lanes>>>,
}

impl Peers {
    pub(crate) fn new(
        identity: Arc<NodeIdentity>,
        clock: Arc<dyn Clock>,
        retry_first: Duration,
        retry_max: Duration,
        links: Option<Links>,
        counters: Arc<Counters>,
        edge: Option<Arc<dyn Edge>>,
    ) -> Result<Self, NodeError> {
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .tls_sni(false)
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_NODE)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(NodeError::HttpClient)?;
        Ok(Self {
            http,
            links,
            edge,
            counters,
            identity,
            clock,
            health: Health::new(retry_first, retry_max),
            lanes: Mutex::default(),
        })
    }

    /// This node.
    pub(crate) fn own(&self) -> &Ed25519PublicKey {
        self.identity.ed25519()
    }

    /// Whether the last exchanges with a node failed and it is too early to try again.
    pub(crate) fn is_down(&self, node: &Ed25519PublicKey) -> bool {
        self.health.is_down(node)
    }

    /// Notes that a node is there: it has sent us something authentic. Returns whether exchanges
    /// with it had failed before.
    pub(crate) fn heard_from(&self, node: &Ed25519PublicKey) -> bool {
        self.health.succeeded(node)
    }

    /// Forgets nodes that `keep` does not want.
    pub(crate) fn retain(&self, keep: impl Fn(&Ed25519PublicKey) -> bool) {
        self.lock_lanes().retain(|node, _| keep(node));
        if let Some(links) = &self.links {
            links.retain(&keep);
        }
        self.health.retain(keep);
    }

    /// Sends an authenticated request and checks that the answer is the node's own. The caller
    /// passes a success on to [`Peers::heard_from`].
    ///
    /// Cancel-safe: dropping the future abandons the exchange; the node may have acted on it.
    pub(crate) async fn call(
        &self,
        node: &NodeContact,
        command: NodeCommand,
        body: Bytes,
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        let started = Instant::now();
        let link = self.links.as_ref().and_then(|links| links.get(node));
        let exchange = pin!(async {
            match link {
                Some(link) => self.call_link(&link, node, command, body, timeout).await,
                None => self.call_https(node, command, body).await,
            }
        });
        let passing = pin!(self.pass(node, exchange));
        let result = tokio::time::timeout(timeout, passing)
            .await
            .unwrap_or(Err(PeerError::Timeout));
        if let Err(error) = &result {
            tracing::debug!(%error, command = command.endpoint(), "exchange with another node failed");
            if command.tells_health() {
                self.health.failed(&node.ed25519, started);
            }
        }
        result
    }

    /// Asks over QUIC, and over HTTPS too when that fails or, for a few requests at a time, takes
    /// long: everything nodes ask of each other may be asked twice. Were all asked twice, nodes
    /// that are busy would become busier by it and never recover.
    async fn call_link(
        &self,
        link: &Link,
        node: &NodeContact,
        command: NodeCommand,
        body: Bytes,
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        let stream = link.stream(command);
        let mut asking = pin!(stream.request(command.endpoint(), body.to_vec(), timeout));
        let patience = match command {
            NodeCommand::Data | NodeCommand::Reconcile => SECOND_TRY_DATA,
            NodeCommand::StorageCc | NodeCommand::DataReady => SECOND_TRY,
        };
        match tokio::time::timeout(patience, &mut asking).await {
            Ok(Ok(response)) => {
                link.answered();
                return self.answered(command, response);
            }
            Ok(Err(_)) => {
                link.give_up();
                return self.call_https(node, command, body).await;
            }
            Err(_) => {}
        }
        let Some(_second_try) = link.second_try() else {
            // Others find out whether the connection is of use; when it is closed, this fails.
            let Ok(response) = asking.await else {
                return self.call_https(node, command, body).await;
            };
            link.answered();
            return self.answered(command, response);
        };
        let mut again = self.call_https(node, command, body);
        tokio::select! {
            response = &mut asking => match response {
                Ok(response) => {
                    link.answered();
                    self.answered(command, response)
                }
                Err(_) => {
                    link.give_up();
                    again.await
                }
            },
            reply = &mut again => {
                match &reply {
                    Ok(_) => link.was_late(),
                    // Nothing listens there.
                    Err(_) => link.give_up(),
                }
                reply
            }
        }
    }

    fn answered(&self, command: NodeCommand, response: Response) -> Result<PeerReply, PeerError> {
        self.counters.node_calls_quic.one();
        command.reply(response)
    }

    /// The same over HTTPS. Boxed: it is large, and hardly ever needed.
    fn call_https<'a>(
        &'a self,
        node: &'a NodeContact,
        command: NodeCommand,
        body: Bytes,
    ) -> BoxFuture<'a, Result<PeerReply, PeerError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let path = command.path();
            let (headers, signature) =
                auth::sign_request(&self.identity, &node.ed25519, now, path, &body);
            let lanes = self.lanes_to(&node.ed25519);
            // Only a closed semaphore refuses, and nobody closes this one.
            let _place = lanes.calls.acquire().await;
            let (reply, headers) = self
                .post(node, path, headers, body, MAX_REPLY, None)
                .await?;
            let own = self.identity.ed25519();
            if auth::verify_reply(&headers, &node.ed25519, own, &signature, &reply) {
                self.counters.node_calls_https.one();
                Ok(reply)
            } else {
                Err(PeerError::BadAnswer)
            }
        })
    }

    /// Lets an exchange take place, unless a test does not want it to.
    async fn pass<T>(&self, node: &NodeContact, exchange: impl Future<Output = T>) -> T {
        let passage = match &self.edge {
            None => Passage::Through,
            Some(edge) => edge.outgoing(&node.ed25519).await,
        };
        match passage {
            Passage::Through => exchange.await,
            Passage::AnswerLost => {
                exchange.await;
                pending().await
            }
            Passage::Lost => pending().await,
        }
    }

    fn lanes_to(&self, node: &Ed25519PublicKey) -> Arc<Lanes> {
        Arc::clone(self.lock_lanes().entry(*node).or_default())
    }

    fn lock_lanes(&self) -> MutexGuard<'_, HashMap<Ed25519PublicKey, Arc<Lanes>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn post(
        &self,
        node: &NodeContact,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        max_reply: usize,
        mut memory: Option<&mut AnswerMemory>,
    ) -> Result<(PeerReply, HeaderMap), PeerError> {
        let url = format!("{}{path}", node.https_base());
        let send = || {
            self.http
                .post(&url)
                .headers(headers.clone())
                .body(body.clone())
                .send()
        };
        let mut sent = send().await;
        if let Err(error) = &sent
            && !error.is_connect()
            && !error.is_timeout()
        {
            // A kept connection may have died with the node's previous life. Everything nodes
            // ask of each other may be asked twice.
            sent = send().await;
        }
        let mut response = sent.map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let mut whole = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if chunk.len() > max_reply.saturating_sub(whole.len()) {
                return Err(PeerError::BadAnswer);
            }
            if let Some(memory) = &mut memory
                && !memory.fit(whole.len() + chunk.len())
            {
                return Err(PeerError::NoMemory);
            }
            whole.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok((
            PeerReply {
                status,
                body: whole.freeze(),
            },
            headers,
        ))
    }
}

fn classify(error: &reqwest::Error) -> PeerError {
    if error.is_timeout() {
        PeerError::Timeout
    } else if error.is_decode() {
        PeerError::BadAnswer
    } else {
        PeerError::Unreachable
    }
}
