//! Requests that every member of the swarm carries out (docs/protocol/node.md section 10).
//!
//! The node a client asks applies the request, passes it on to the other members at the same
//! time and gathers their answers. That members must still get it is committed together with what
//! it applies; then it is recorded who has answered.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use session_registry::NodeList;
use session_storage_rpc::response::{NodeFailure, NodeResult, SwarmAnswer};
use session_storage_rpc::{Method, NodeOutcome, Reply, Request, Tree};
use session_types::{Ed25519PublicKey, NodeContact, Timestamp};

use super::{Core, Member, Origin, hard_fork};
use crate::peers::{PeerError, PeerReply};
use crate::store::{Outbox, OutgoingCommand, Sending, StoreError};

/// A request every member carries out.
pub(super) trait SwarmWide: Send + Sync + 'static {
    /// What one member answers.
    type Result: NodeResult + Send + Sync + 'static;

    /// Changes this node's database and queues `forward` for the other members in one
    /// transaction.
    fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> impl Future<Output = Result<Applied<Self::Result>, StoreError>> + Send;

    /// The answer made of all members' results.
    fn reply(&self, answer: SwarmAnswer<Self::Result>) -> Reply {
        let status = if answer.all_failed() { 500 } else { 200 };
        Reply::new(status, answer.to_tree())
    }
}

/// What carrying out a request has led to.
#[derive(Debug)]
pub(super) struct Applied<T> {
    pub(super) result: T,
    /// The message that is sent to the other members, when it is not the request that waits.
    pub(super) sending: Option<Sending>,
}

impl<T> From<T> for Applied<T> {
    fn from(result: T) -> Self {
        Self {
            result,
            sending: None,
        }
    }
}

/// Circumstances of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub(super) now: Timestamp,
    pub(super) origin: Origin,
}

impl Context {
    /// When another member accepted a request that waited for this node.
    pub(super) fn accepted_earlier(&self) -> Option<Timestamp> {
        match self.origin {
            Origin::Client => None,
            Origin::Peer { accepted } => accepted,
        }
    }
}

impl Core {
    pub(super) async fn swarm_wide(
        self: &Arc<Self>,
        request: Request,
        nodes: Arc<NodeList>,
        origin: Origin,
        now: Timestamp,
    ) -> Reply {
        let context = Context { now, origin };
        if let Origin::Peer { .. } = origin {
            // One change of the database and nothing after it: there is no half of it.
            return self.run_for_member(request, context).await;
        }
        let core = Arc::clone(self);
        let run = async move { core.run_for_client(request, &nodes, context).await };
        // A task of its own: a client that hangs up must not leave half of it undone.
        let reply = self.tasks.complete(run).await;
        reply.unwrap_or_else(|| Reply::new(500, Tree::Text("request failed".to_owned())))
    }

    /// Carries out what another member passes on.
    async fn run_for_member(&self, request: Request, context: Context) -> Reply {
        let context = &context;
        let answer = match &request {
            Request::Delete(r) => self.answer_member(r, context).await,
            Request::DeleteAll(r) => self.answer_member(r, context).await,
            Request::DeleteBefore(r) => self.answer_member(r, context).await,
            Request::Expire(r) => self.answer_member(r, context).await,
            Request::ExpireAll(r) => self.answer_member(r, context).await,
            Request::RevokeSubaccount(r) => self.answer_member(r, context).await,
            Request::Store(r) => self.answer_member(r, context).await,
            Request::UnrevokeSubaccount(r) => self.answer_member(r, context).await,
            other => return super::failed_request(other.method().name()),
        };
        Reply::ok(Tree::Blob(answer))
    }

    async fn answer_member<R: SwarmWide>(&self, request: &R, context: &Context) -> Vec<u8> {
        let applying = self.apply(request, context, OutgoingCommand::none());
        let (outcome, _) = applying.await;
        outcome.to_peer_answer()
    }

    /// Carries out what a client asks, and passes it on.
    async fn run_for_client(
        self: &Arc<Self>,
        request: Request,
        nodes: &NodeList,
        context: Context,
    ) -> Reply {
        let method = request.method();
        let params = request.to_forward_bt().unwrap_or_default();
        match request {
            Request::Delete(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::DeleteAll(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::DeleteBefore(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::Expire(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::ExpireAll(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::RevokeSubaccount(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::Store(r) => self.carry_out(r, method, params, nodes, context).await,
            Request::UnrevokeSubaccount(r) => {
                self.carry_out(r, method, params, nodes, context).await
            }
            other => super::failed_request(other.method().name()),
        }
    }

    async fn carry_out<R: SwarmWide>(
        self: &Arc<Self>,
        request: R,
        method: Method,
        params: Vec<u8>,
        nodes: &NodeList,
        context: Context,
    ) -> Reply {
        let members = self.other_members(nodes);
        let command = OutgoingCommand {
            outbox: Outbox {
                peers: members.iter().map(|m| m.contact.ed25519).collect(),
            },
            method: method.name(),
            params,
            accepted: context.now,
        };
        let reachable: Vec<NodeContact> = members
            .into_iter()
            .filter_map(|Member { contact, reachable }| reachable.then_some(contact))
            .collect();
        let forwarding = self
            .replication
            .forward(method.name(), &command.params, &reachable);
        let applying = self.apply(&request, &context, command.clone());
        let ((own, sending), forwarded) = futures_util::future::join(applying, forwarding).await;

        let applied = own.done().is_some();
        let mut swarm = BTreeMap::from([(*self.identity.ed25519(), own)]);
        let mut acknowledged = Vec::new();
        let mut waiting = Vec::new();
        for (member, answer) in forwarded {
            let final_answer = answer.as_ref().is_ok_and(|reply| !reply.is_temporary());
            let outcome = outcome::<R::Result>(answer);
            // A member whose disk is full has not done it, but will.
            let settled = final_answer
                && !matches!(&outcome, NodeOutcome::Failed(failure) if failure.query_failure);
            if outcome.done().is_some() || (settled && method != Method::Store) {
                acknowledged.push(member);
            } else {
                waiting.push(member);
            }
            swarm.insert(member, outcome);
        }
        if method == Method::Store {
            self.settle_message(sending, acknowledged, waiting);
        } else if applied {
            let core = Arc::clone(self);
            self.tasks.spawn(async move {
                core.settle_command(command, acknowledged, waiting).await;
            });
        }
        let hf = Some(hard_fork(nodes));
        request.reply(SwarmAnswer {
            swarm,
            t: Some(context.now),
            hf,
        })
    }

    async fn apply<R: SwarmWide>(
        &self,
        request: &R,
        context: &Context,
        forward: OutgoingCommand,
    ) -> (NodeOutcome<R::Result>, Option<Sending>) {
        match request.apply(self, context, forward).await {
            Ok(Applied { result, sending }) => (NodeOutcome::Done(result), sending),
            Err(error) => {
                tracing::warn!(%error, "a change was not stored");
                let failure = NodeFailure::query_failure(None);
                (NodeOutcome::Failed(failure), None)
            }
        }
    }

    /// Records who lacks a message, if anybody does.
    fn settle_message(
        self: &Arc<Self>,
        sending: Option<Sending>,
        having: Vec<Ed25519PublicKey>,
        lacking: Vec<Ed25519PublicKey>,
    ) {
        let Some(sending) = sending.and_then(|sending| sending.unless_all_have_it(&lacking)) else {
            return;
        };
        let core = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = core.store.settle(sending, having, lacking.clone()).await {
                tracing::warn!(%error, "who lacks a message was not recorded");
            }
            core.replication.left_waiting(&lacking);
        });
    }

    /// Records who has carried out a command and who has not. A crash before this only means that members
    /// get it twice.
    async fn settle_command(
        &self,
        command: OutgoingCommand,
        acknowledged: Vec<Ed25519PublicKey>,
        waiting: Vec<Ed25519PublicKey>,
    ) {
        if !acknowledged.is_empty() {
            let recorded = self.store.command_forwarded(command, acknowledged);
            if let Err(error) = recorded.await {
                tracing::warn!(%error, "acknowledgements were not recorded");
            }
        }
        self.replication.left_waiting(&waiting);
    }
}

/// What a member's answer means.
fn outcome<T: NodeResult>(answer: Result<PeerReply, PeerError>) -> NodeOutcome<T> {
    match answer {
        Ok(PeerReply { status: 200, body }) => NodeOutcome::from_peer_answer(&body),
        Ok(PeerReply { status, body }) => {
            NodeOutcome::Failed(NodeFailure::refused(status, String::from_utf8_lossy(&body)))
        }
        Err(PeerError::BadAnswer) => NodeOutcome::Failed(NodeFailure::bad_peer_response()),
        // A refused connection too: over the upstream transport it is not told from silence.
        Err(
            PeerError::Congested
            | PeerError::NoMemory
            | PeerError::Timeout
            | PeerError::Unreachable,
        ) => NodeOutcome::Failed(NodeFailure::timeout()),
    }
}
