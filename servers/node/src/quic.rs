//! The QUIC interface, for clients and other nodes (docs/protocol/node.md sections 6.3 and 6.4):
//! framing only, the work is done behind [`Intake`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use session_chassis::gate::{Gate, Pass};
use session_quic::{Answer, Budget, CloseCode, Command, Peer, Place, Protocol, Service};
use session_storage_rpc::stream::MAX_ANNOUNCED;
use session_storage_rpc::stream::body::{self, BodyForm};
use session_storage_rpc::{Method, Request as RpcRequest};

use crate::core::data_size;
use crate::intake::{Intake, Refused};
use crate::peers::{NodeCommand, ONION, PING, status_and_body};
use crate::relay::OnionForm;
use crate::tasks;
use crate::testing::PingedBy;

const CLIENT_ONION: &str = "onion_req";
const MONITOR: &str = "monitor";

/// Answers what comes in over QUIC.
#[derive(Debug)]
pub(crate) struct Quic {
    intake: Arc<Intake>,
    gate: Arc<Gate>,
}

/// A connection's place.
#[derive(Debug)]
pub(crate) struct Held {
    pass: Pass,
    budget: Budget,
}

impl Place for Held {
    fn set_busy(&self, busy: bool) {
        self.pass.set_busy(busy);
    }

    async fn evicted(&self) {
        self.pass.evicted().await;
    }

    fn budget(&self) -> Budget {
        self.budget.clone()
    }
}

impl Service for Quic {
    type Place = Held;

    fn admit(&self, from: SocketAddr) -> Option<Held> {
        let pass = Gate::enter(&self.gate, from.ip().to_canonical(), Instant::now())?;
        let budget = self.intake.body_budget(Some(from.ip()));
        Some(Held { pass, budget })
    }

    fn greet(&self, peer: &Arc<Peer>) -> Result<(), CloseCode> {
        match (peer.protocol, &peer.key) {
            (Protocol::Client, _) => Ok(()),
            (Protocol::Node, Some(key)) => {
                let nodes = self.intake.core.registry.snapshot();
                nodes.get(key).map(|_| ()).ok_or(CloseCode::NotANode)
            }
            (Protocol::Node, None) => Err(CloseCode::NotANode),
        }
    }

    async fn answer(&self, peer: &Arc<Peer>, command: Command) -> Answer {
        if command.endpoint == PING {
            let core = &self.intake.core;
            core.counters.pinged.one();
            core.pings.note(PingedBy::Quic);
            return Answer::reply("pong");
        }
        match peer.protocol {
            Protocol::Client => self.client(peer, command).await,
            Protocol::Node => self.node(peer, command).await,
        }
    }

    fn gone(&self, peer: &Peer) {
        self.intake.core.monitor.gone(peer.number);
    }
}

impl Quic {
    pub(crate) const fn new(intake: Arc<Intake>, gate: Arc<Gate>) -> Self {
        Self { intake, gate }
    }

    async fn client(&self, peer: &Arc<Peer>, command: Command) -> Answer {
        match command.endpoint.as_str() {
            CLIENT_ONION => self.onion(peer, command).await,
            MONITOR => self.monitor(peer, command).await,
            name if Method::from_name(name).is_some() => self.storage(peer, command).await,
            name => invalid_endpoint(name),
        }
    }

    /// A direct client request.
    async fn storage(&self, peer: &Peer, command: Command) -> Answer {
        let address = Some(peer.address.ip());
        if let Err(refused) = self.intake.admit(address) {
            return refuse(refused);
        }
        let Command {
            endpoint,
            body,
            share,
        } = command;
        let (form, bytes) = (BodyForm::of(&body), body.len());
        let parse = move || {
            let _share = share;
            RpcRequest::from_params(&endpoint, &body).map(|(request, _)| request)
        };
        let (reply, mut memory) = match self.intake.client(address, bytes, parse).await {
            Ok(answered) => answered,
            Err(refused) => return refuse(refused),
        };
        let encoded = tasks::compute(data_size(&reply.body), move || body::encode(&reply, form));
        match encoded.await {
            Some((good, bytes)) => {
                memory.fit(bytes.len());
                let answer = if good {
                    Answer::reply(bytes)
                } else {
                    Answer::error(bytes)
                };
                answer.holding(memory)
            }
            None => refuse(Refused::Failed),
        }
    }

    async fn onion(&self, peer: &Peer, command: Command) -> Answer {
        let Command { body, share, .. } = command;
        let address = Some(peer.address.ip());
        let asked = self.intake.onion(address, OnionForm::Blob, body.into());
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(refused) => return refuse(refused),
        };
        drop(share);
        let out = if answer.status == 200 {
            Answer::reply(answer.body)
        } else {
            Answer::error(body::failure(answer.status, &answer.body))
        };
        match answer.memory {
            Some(memory) => out.holding(memory),
            None => out,
        }
    }

    async fn monitor(&self, peer: &Arc<Peer>, command: Command) -> Answer {
        let core = &self.intake.core;
        if let Some(reason) = core.not_ready() {
            return refuse(Refused::NotReady(reason));
        }
        let nodes = core.registry.snapshot();
        let now = core.clock.now();
        let wrong = |owner: &_| core.other_swarm(owner, &nodes, now);
        let registering = core.monitor.register(peer, &command.body, now, wrong);
        Answer::reply(registering.await)
    }

    /// An onion request another node passes on.
    async fn passed_on(&self, peer: &Peer, command: Command) -> Answer {
        let Command { body, share, .. } = command;
        let address = Some(peer.address.ip());
        let asked = self.intake.onion(address, OnionForm::Forward, body.into());
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(refused) => {
                let (status, text) = words(refused);
                return Answer::reply(status_and_body(status, text));
            }
        };
        drop(share);
        let out = Answer::reply(status_and_body(answer.status, &answer.body));
        let out = out.within(MAX_ANNOUNCED);
        match answer.memory {
            Some(memory) => out.holding(memory),
            None => out,
        }
    }

    /// A request of another node.
    async fn node(&self, peer: &Peer, command: Command) -> Answer {
        let asked = match NodeCommand::from_endpoint(&command.endpoint) {
            Some(asked) => Some(asked),
            None if command.endpoint == ONION => None,
            None => return invalid_endpoint(&command.endpoint),
        };
        let nodes = self.intake.core.registry.snapshot();
        // The list may have changed since it connected.
        let Some(caller) = peer.key.filter(|key| nodes.get(key).is_some()) else {
            peer.close(CloseCode::NotANode);
            return Answer::none();
        };
        drop(nodes);
        let Some(asked) = asked else {
            return self.passed_on(peer, command).await;
        };
        let reply = self.intake.node(asked, &caller, &command.body).await;
        asked.answer(&reply)
    }
}

fn invalid_endpoint(name: &str) -> Answer {
    Answer::error(format!("Invalid endpoint '{name}'"))
}

fn refuse(refused: Refused) -> Answer {
    let (status, text) = words(refused);
    Answer::error(body::failure(status, text.as_bytes()))
}

fn words(refused: Refused) -> (u16, String) {
    match refused {
        Refused::Busy => (503, "Server busy, try again later".to_owned()),
        Refused::Failed => (500, "request failed".to_owned()),
        Refused::NotIpv4 => (400, "Bad Request\n".to_owned()),
        Refused::NotReady(reason) => (503, format!("Service node is not ready: {reason}\n")),
        Refused::RateLimited => (429, "Too many requests, try again later".to_owned()),
    }
}
