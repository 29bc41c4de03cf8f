//! Onion requests (docs/protocol/node.md section 7): take one layer off, then answer, pass on to
//! another node, or pass on to a server.

mod server;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use session_onion::EntryError;
use session_onion::hop_error::HopFailure;
use session_onion::packet::{
    Entry, HopKey, Layer, Peeled, ReplyBody, encode_reply, parse_entry, parse_forward, peel,
};
use session_storage_rpc::{Reply, Request, Tree};
use session_types::Ed25519PublicKey;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::NodeError;
use crate::config::{NodeLimits, NodeTiming};
use crate::core::{AnswerMemory, Core, Origin, data_size, expected_answer_bytes};
use crate::intake::MEMORY_TIMEOUT;
use crate::peers::{Onward, PeerError, Peers, ReplyBounds};
use crate::tasks;

use server::ServerAnswer;
pub(crate) use server::ServerRelay;

/// Statuses relays hand back; every other one becomes 500.
const RELAYED_STATUSES: [u16; 14] = [
    200, 400, 401, 403, 404, 406, 410, 413, 421, 429, 500, 502, 503, 504,
];

/// What is answered to an onion request.
#[derive(Debug)]
pub(crate) struct OnionAnswer {
    pub(crate) status: u16,
    /// Headers of a server's answer; only the node the client speaks to hands them on.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body's share of the memory for answers.
    pub(crate) memory: Option<AnswerMemory>,
}

impl OnionAnswer {
    fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            memory: None,
        }
    }

    fn with_memory(mut self, mut memory: AnswerMemory) -> Self {
        memory.fit(self.body.len());
        self.memory = Some(memory);
        self
    }
}

impl From<HopFailure> for OnionAnswer {
    fn from(failure: HopFailure) -> Self {
        Self::new(failure.status(), failure.text())
    }
}

/// Handles onion requests.
#[derive(Debug)]
pub(crate) struct Relay {
    core: Arc<Core>,
    peers: Arc<Peers>,
    servers: ServerRelay,
    to_nodes: Semaphore,
    to_servers: Semaphore,
    timeout: Duration,
    max_answer: usize,
}

/// How an onion request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnionForm {
    /// As clients write it, and nodes over HTTPS (section 7.1).
    Blob,
    /// As nodes write it over QUIC (section 7.5).
    Forward,
}

impl OnionForm {
    fn read(self, body: &[u8]) -> Result<Entry<'_>, EntryError> {
        match self {
            Self::Blob => parse_entry(body),
            Self::Forward => parse_forward(body),
        }
    }

    /// What is said of one that cannot be read.
    fn refusal(self, error: EntryError) -> String {
        match self {
            Self::Forward if error != EntryError::PathTooLong => {
                format!("Invalid internal onion request: {error}")
            }
            Self::Blob | Self::Forward => error.to_string(),
        }
    }
}

impl Relay {
    pub(crate) fn new(
        core: Arc<Core>,
        peers: Arc<Peers>,
        limits: &NodeLimits,
        timing: &NodeTiming,
        allow_private_targets: bool,
    ) -> Result<Self, NodeError> {
        let max_answer = limits.max_relay_answer_bytes;
        let servers = ServerRelay::new(
            core.version,
            timing.server_relay_timeout,
            max_answer,
            allow_private_targets,
        )?;
        Ok(Self {
            core,
            peers,
            servers,
            to_nodes: Semaphore::new(limits.max_relays),
            to_servers: Semaphore::new(limits.max_server_relays),
            timeout: timing.relay_timeout,
            max_answer,
        })
    }

    /// Answers one onion request; `memory` is where its answer takes its share from.
    pub(crate) async fn handle(
        &self,
        form: OnionForm,
        body: Bytes,
        mut memory: AnswerMemory,
    ) -> OnionAnswer {
        let entry = match form.read(&body) {
            Ok(entry) => entry,
            Err(error) => {
                return match self.core.not_ready() {
                    Some(reason) => guard_not_ready(reason),
                    None => OnionAnswer::new(EntryError::STATUS, form.refusal(error)),
                };
            }
        };
        let hop_no = entry.hop_no;
        if let Some(reason) = self.core.not_ready() {
            return if hop_no == 0 {
                guard_not_ready(reason)
            } else {
                HopFailure::NodeNotReady(*self.core.identity.ed25519()).into()
            };
        }
        self.core.counters.onion_hops.one();
        let next_hop_no = entry.next_hop_no();
        let identity = Arc::clone(&self.core.identity);
        let peeled = tasks::compute(body.len(), move || {
            form.read(&body)
                .ok()
                .map(|entry| peel(&entry, identity.onion_key()))
        });
        let Some(Some(peeled)) = peeled.await else {
            return internal();
        };
        let Peeled { key, layer } = match peeled {
            Ok(peeled) => peeled,
            Err(error) => {
                let (status, body) = error.answer(&mut rand::rng());
                return OnionAnswer::new(status, body);
            }
        };
        match layer {
            Layer::Final {
                request,
                json,
                base64,
            } => {
                self.core.counters.onion_final.one();
                let form = (json, base64);
                self.answer(key, request, form, memory).await
            }
            Layer::ToNode {
                destination,
                ephemeral_key,
                cipher,
                ciphertext,
            } => {
                let layer = Onward {
                    ciphertext,
                    ephemeral_key,
                    cipher,
                    hop_no: next_hop_no,
                };
                self.pass_on(destination, layer, memory).await
            }
            Layer::ToServer {
                host,
                target,
                protocol,
                port,
                body,
            } => {
                let Ok(_permit) = self.to_servers.try_acquire() else {
                    return self.busy();
                };
                self.core.counters.onion_to_servers.one();
                let answer = self
                    .servers
                    .post(&host, port, protocol, &target, body, &mut memory)
                    .await;
                self.answer_of_server(&key, answer, hop_no == 0)
                    .with_memory(memory)
            }
        }
    }

    /// The end of the path: runs the request and encrypts the answer.
    async fn answer(
        &self,
        key: HopKey,
        request: Vec<u8>,
        (json, base64): (bool, bool),
        mut memory: AnswerMemory,
    ) -> OnionAnswer {
        let parsed = tasks::compute(request.len(), move || Request::from_json_body(&request));
        match parsed.await {
            Some(Ok(request)) => {
                let reserving = memory.reserve(expected_answer_bytes(&request));
                if timeout(MEMORY_TIMEOUT, reserving).await.is_err() {
                    return self.busy();
                }
                let reply = self.core.handle(request, Origin::Client).await;
                let size = data_size(&reply.body);
                let answer =
                    tasks::compute(size, move || encrypted(&key, &reply, json, base64)).await;
                answer.unwrap_or_else(internal).with_memory(memory)
            }
            Some(Err(error)) => encrypted(&key, &error.into(), json, base64),
            None => internal(),
        }
    }

    /// Passes a layer on to the node it is for.
    async fn pass_on(
        &self,
        destination: Ed25519PublicKey,
        layer: Onward,
        mut memory: AnswerMemory,
    ) -> OnionAnswer {
        let nodes = self.core.registry.snapshot();
        let Some(node) = nodes.get(&destination) else {
            return HopFailure::NextNodeNotFound(destination).into();
        };
        if !node.has_complete_contact() {
            return HopFailure::NextNodeUnreachable(destination).into();
        }
        let Ok(_permit) = self.to_nodes.try_acquire() else {
            return self.busy();
        };
        let bounds = ReplyBounds {
            bytes: self.max_answer,
            memory: &mut memory,
        };
        let reply = self
            .peers
            .relay(&node.contact, layer, self.timeout, bounds)
            .await;
        match reply {
            Ok(reply) => {
                let known = RELAYED_STATUSES.contains(&reply.status);
                let status = if known { reply.status } else { 500 };
                OnionAnswer::new(status, reply.body).with_memory(memory)
            }
            Err(PeerError::NoMemory) => self.busy(),
            Err(PeerError::Congested) => HopFailure::Congested.into(),
            Err(PeerError::BadAnswer) => HopFailure::InvalidResponse.into(),
            Err(PeerError::Timeout) => HopFailure::TimedOut.into(),
            Err(PeerError::Unreachable) => HopFailure::NextNodeUnreachable(destination).into(),
        }
    }

    fn answer_of_server(&self, key: &HopKey, answer: ServerAnswer, entry: bool) -> OnionAnswer {
        match answer {
            ServerAnswer::Refused => {
                let reply = Reply::new(400, Tree::Text("Invalid url".to_owned()));
                encrypted(key, &reply, false, true)
            }
            ServerAnswer::Failed { status, text } => OnionAnswer::new(status, text),
            ServerAnswer::NoMemory => self.busy(),
            ServerAnswer::Answered {
                status,
                headers,
                body,
            } => {
                let headers = if entry { headers } else { HeaderMap::new() };
                OnionAnswer {
                    headers,
                    ..OnionAnswer::new(status, body)
                }
            }
        }
    }

    fn busy(&self) -> OnionAnswer {
        self.core.counters.refused_busy.one();
        HopFailure::Busy.into()
    }
}

/// Encrypts an endpoint's answer under the key of this node's layer.
fn encrypted(key: &HopKey, reply: &Reply, json: bool, base64: bool) -> OnionAnswer {
    let text;
    let body = match &reply.body {
        Tree::Text(text) => ReplyBody::Text(text),
        Tree::Blob(bytes) => ReplyBody::Binary(bytes),
        object => {
            text = object.to_json_text();
            ReplyBody::Json(&text)
        }
    };
    let body = encode_reply(key, reply.status, body, json, base64, &mut rand::rng());
    OnionAnswer::new(200, body)
}

fn guard_not_ready(reason: &str) -> OnionAnswer {
    OnionAnswer::new(503, format!("Service node is not ready: {reason}\n"))
}

fn internal() -> OnionAnswer {
    OnionAnswer::new(500, "Internal Server Error\n")
}
