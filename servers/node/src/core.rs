//! What a node does with a request, whatever it came in by.
//!
//! Transports parse nothing but their own framing: they hand a [`Request`] to [`Core::handle`]
//! and write the [`Reply`] in their own form.

mod answer_memory;
mod bulk;
mod delete;
mod expire;
mod memory;
mod meta;
mod names;
mod network;
mod peer;
mod retrieve;
mod revocation;
mod store;
mod swarm_wide;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use session_registry::{NodeList, Registry};
use session_storage_rpc::{
    AuthMemory, CheckContext, HardFork, Origin as CheckOrigin, Reply, Request, RpcError,
    SwarmResponse, Tree,
};
use session_types::{NodeContact, NodeVersion, SwarmId, SwarmPubkey, Timestamp};

use crate::NodeIdentity;
use crate::clock::Clock;
use crate::metrics::Counters;
use crate::monitor::Monitor;
use crate::replication::Replication;
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;
use crate::testing::Pings;

pub(crate) use answer_memory::{AnswerMemory, AnswerPool};
pub(crate) use memory::KnownAuth;
pub use names::{NameError, NameQuery, NameRecord, NameResolver, NoNames};

/// Who hands a request to the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client, directly or through an onion path.
    Client,
    /// Another member of the swarm.
    Peer {
        /// When that member accepted the request, if it was long ago.
        accepted: Option<Timestamp>,
    },
}

/// Everything a request may need.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) identity: Arc<NodeIdentity>,
    pub(crate) version: NodeVersion,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) store: Store,
    pub(crate) replication: Arc<Replication>,
    pub(crate) monitor: Monitor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) names: Arc<dyn NameResolver>,
    pub(crate) known_auth: KnownAuth,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tasks: Tasks,
    pub(crate) pings: Pings,
    pub(crate) stopping: AtomicBool,
}

impl Core {
    /// Does what the request asks and says how it went.
    ///
    /// Cancel-safe: a change once begun is finished, forwarded and recorded by a task of its own.
    pub(crate) async fn handle(self: &Arc<Self>, request: Request, origin: Origin) -> Reply {
        match request {
            Request::Batch(requests) => self.batch(requests, origin).await,
            Request::Sequence(requests) => self.sequence(requests, origin).await,
            Request::IfElse(request) => self.if_else(*request, origin).await,
            single => self.handle_single(single, origin, &self.known_auth).await,
        }
    }

    /// Why the node cannot serve requests at the moment.
    pub(crate) fn not_ready(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("shutting down");
        }
        let nodes = self.registry.snapshot();
        self.own_swarm(&nodes)
            .is_none()
            .then_some("not in any swarm")
    }

    /// One request that holds no others; `known` spares checks that were made already.
    async fn handle_single(
        self: &Arc<Self>,
        request: Request,
        origin: Origin,
        known: &(dyn AuthMemory + Sync),
    ) -> Reply {
        let now = self.clock.now();
        let nodes = self.registry.snapshot();
        if request.method().needs_own_swarm()
            && let Some(owner) = request.owner()
            && let Some(reply) = self.wrong_swarm(owner, &nodes, now)
        {
            self.counters.wrong_swarm.one();
            return reply;
        }
        match self.check(&request, &nodes, origin, now, known).await {
            Ok(()) => {}
            Err(refusal) => return refusal,
        }
        match &request {
            Request::Store(_) if origin == Origin::Client => self.counters.stores.one(),
            Request::Store(_) => self.counters.stores_forwarded.one(),
            Request::Retrieve(_) => self.counters.retrieves.one(),
            _ => self.counters.other_requests.one(),
        }
        if request.method().is_recursive() {
            return self.swarm_wide(request, nodes, origin, now).await;
        }
        match request {
            Request::ActiveNodesBin => network::active_nodes(&nodes),
            Request::GetExpiries(request) => self.expiries(request).await,
            Request::GetSwarm(request) => self.get_swarm(&request, &nodes, now),
            Request::Info => self.info(&nodes, now),
            Request::OxendRequest(request) => self.oxend(request, &nodes, now).await,
            Request::Retrieve(request) => self.retrieve(request, &nodes, now).await,
            Request::RevokedSubaccounts(request) => self.revoked(request, &nodes, now).await,
            other => failed_request(other.method().name()),
        }
    }

    /// Runs the endpoint's checks of time, lifetime and authority.
    async fn check(
        &self,
        request: &Request,
        nodes: &NodeList,
        origin: Origin,
        now: Timestamp,
        known: &(dyn AuthMemory + Sync),
    ) -> Result<(), Reply> {
        let revoked = match (request.owner(), request.subaccount_token()) {
            (Some(owner), Some(token)) => self
                .store
                .is_revoked(*owner, *token)
                .await
                .map_err(|e| store_failure(&e))?,
            _ => false,
        };
        let (origin, now) = match origin {
            Origin::Client => (CheckOrigin::Client, now),
            // What waited for this node is judged by the time it was accepted.
            Origin::Peer { accepted } => (
                CheckOrigin::Peer,
                accepted.map_or(now, |accepted| accepted.min(now)),
            ),
        };
        let context = CheckContext {
            now,
            origin,
            hf: hard_fork(nodes),
            revoked,
            memory: known,
        };
        request.check(&context).map_err(Reply::from)
    }

    /// The swarm this node serves.
    pub(crate) fn own_swarm(&self, nodes: &NodeList) -> Option<SwarmId> {
        nodes
            .get(self.identity.ed25519())
            .filter(|node| node.serves_swarm())
            .map(|node| node.contact.swarm)
    }

    /// The 421 for an owner another swarm keeps.
    fn wrong_swarm(&self, owner: &SwarmPubkey, nodes: &NodeList, now: Timestamp) -> Option<Reply> {
        self.other_swarm(owner, nodes, now)
            .map(|swarm| swarm.to_wrong_swarm_reply())
    }

    /// The swarm that keeps `owner`, if it is not this node's.
    pub(crate) fn other_swarm(
        &self,
        owner: &SwarmPubkey,
        nodes: &NodeList,
        now: Timestamp,
    ) -> Option<SwarmResponse> {
        (!self.keeps(owner, nodes)).then(|| swarm_response(owner, nodes, now))
    }

    /// Whether this node's swarm keeps the mailbox.
    fn keeps(&self, owner: &SwarmPubkey, nodes: &NodeList) -> bool {
        let swarm = nodes.swarm_of(owner);
        swarm.is_some() && swarm == self.own_swarm(nodes)
    }

    /// The other members of this node's swarm.
    fn other_members(&self, nodes: &NodeList) -> Vec<Member> {
        let Some(swarm) = self.own_swarm(nodes) else {
            return Vec::new();
        };
        nodes
            .members(swarm)
            .filter(|node| node.contact.ed25519 != *self.identity.ed25519())
            .map(|node| Member {
                contact: node.contact.clone(),
                reachable: node.has_complete_contact(),
            })
            .collect()
    }
}

/// Another member of the own swarm.
#[derive(Debug, Clone)]
struct Member {
    contact: NodeContact,
    /// Its address is known.
    reachable: bool,
}

/// The members of the swarm that keeps `owner`.
pub(crate) fn swarm_response(
    owner: &SwarmPubkey,
    nodes: &NodeList,
    now: Timestamp,
) -> SwarmResponse {
    let swarm = nodes.swarm_of(owner).unwrap_or(SwarmId::UNASSIGNED);
    let members = nodes
        .members(swarm)
        .filter(|node| node.has_complete_contact())
        .map(|node| node.contact.clone())
        .collect();
    SwarmResponse {
        swarm,
        nodes: members,
        t: Some(now),
        hf: Some(hard_fork(nodes)),
    }
}

fn hard_fork(nodes: &NodeList) -> HardFork {
    let [version, revision] = nodes.hardfork().as_pair();
    HardFork::new(version.into(), revision.into())
}

/// The answer when the database fails where no swarm entry can say so.
fn store_failure(error: &StoreError) -> Reply {
    tracing::warn!(%error, "the message store failed");
    Reply::new(500, Tree::Text("request failed".to_owned()))
}

fn failed_request(method: &str) -> Reply {
    tracing::error!(method, "request reached no endpoint");
    RpcError::new(500, "request failed").into()
}

/// How many bytes of data an answer holds, roughly.
pub(crate) fn data_size(tree: &Tree) -> usize {
    match tree {
        Tree::Blob(bytes) | Tree::Hex(bytes) => bytes.len(),
        Tree::Text(text) => text.len(),
        Tree::Dict(fields) => fields.iter().map(|(_, value)| data_size(value)).sum(),
        Tree::List(items) => items.iter().map(data_size).sum(),
        Tree::Shared(part) => part.json_size(),
        // A node list has some hundred bytes for each node.
        Tree::Json(value) | Tree::JsonText(value) => json_size(value),
        Tree::Bool(_) | Tree::Int(_) | Tree::Uint(_) => 8,
    }
}

fn json_size(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(json_size).sum(),
        Value::Object(fields) => fields.iter().map(|(k, v)| k.len() + json_size(v)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// How many bytes of messages the answer may hold.
pub(crate) fn expected_answer_bytes(request: &Request) -> u64 {
    match request {
        Request::Retrieve(retrieve) => retrieve.byte_limit(),
        Request::Batch(requests) | Request::Sequence(requests) => requests
            .iter()
            .map(expected_answer_bytes)
            .fold(0, u64::saturating_add),
        Request::IfElse(request) => [&request.then, &request.otherwise]
            .into_iter()
            .flatten()
            .map(expected_answer_bytes)
            .max()
            .unwrap_or(0),
        _ => 0,
    }
}
