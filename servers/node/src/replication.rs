//! Getting everything to every member of the swarm.
//!
//! A change accepted from a client is sent to the other members at once ([`Replication::forward`]).
//! Those that do not answer have it on a list, which survives a crash ([`Store::settle`],
//! [`Store::command_forwarded`]): a worker tries again with growing pauses, and at once when the
//! member is heard from. Messages that were on their way when the node was killed go to all
//! members when it starts again. Missed messages go in bulk (docs/protocol/node.md section 5.3), because
//! a `store` request repeated later would fail its time check.
//!
//! A member that starts, or sees another swarm than before, says hello to the others
//! (`data_ready`, docs/protocol/node.md section 5.4): that makes them deliver what has waited,
//! and lets it ask for everything it lacks. From then on members compare what they hold
//! ([`reconcile`]), so that whatever else went wrong is put right, and learn from each other if
//! their clock is wrong ([`NetworkClock`]).

mod delivery;
mod hello;
mod network_clock;
mod ranges;
mod reconcile;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use session_encoding::bt::{Bt, ListReader};
use session_registry::{NodeList, RegisteredNode, Registry};
use session_types::{Ed25519PublicKey, MessageHash, NodeContact, SwarmId, SwarmPubkey, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::NodeTiming;
use crate::metrics::Counters;
use crate::peers::{NodeCommand, PeerError, PeerReply, Peers};
use crate::store::{Store, StoreError};

pub(crate) use network_clock::NetworkClock;
pub(crate) use ranges::owned_range;
use reconcile::Reconcile;
pub(crate) use worker::run;

/// Events waiting for the worker. When they are full further ones are dropped: the worker looks
/// through the lists from time to time anyway.
const MAX_EVENTS: usize = 1024;

/// What the worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Something waits for this node.
    Waiting(Ed25519PublicKey),
    /// This node is there.
    Alive(Ed25519PublicKey),
    /// Something waits for this node, which has just asked for it.
    Requested(Ed25519PublicKey),
}

/// Shared by the request core, which forwards, and the worker, which repeats.
#[derive(Debug)]
pub(crate) struct Replication {
    own: Ed25519PublicKey,
    store: Store,
    peers: Arc<Peers>,
    registry: Arc<dyn Registry>,
    counters: Arc<Counters>,
    timing: NodeTiming,
    clock: Arc<NetworkClock>,
    pub(crate) reconcile: Reconcile,
    events: mpsc::Sender<Event>,
    unconfirmed: AtomicU64,
}

/// The worker's end of a [`Replication`].
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Replication>,
    events: mpsc::Receiver<Event>,
    shutdown: CancellationToken,
}

impl Replication {
    pub(crate) fn new(
        store: Store,
        peers: Arc<Peers>,
        registry: Arc<dyn Registry>,
        counters: Arc<Counters>,
        timing: NodeTiming,
        clock: Arc<NetworkClock>,
        shutdown: CancellationToken,
    ) -> (Arc<Self>, Worker) {
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let shared = Arc::new(Self {
            own: *peers.own(),
            store,
            peers,
            registry,
            counters,
            timing,
            clock,
            reconcile: Reconcile::default(),
            events: sender,
            // Until the worker has looked.
            unconfirmed: AtomicU64::new(1),
        });
        (
            Arc::clone(&shared),
            Worker {
                shared,
                events,
                shutdown,
            },
        )
    }

    /// Sends a request to other members side by side and waits for each answer, at most the
    /// forward timeout. Members that have not answered lately are not waited for.
    pub(crate) async fn forward(
        &self,
        method: &str,
        params: &[u8],
        members: &[NodeContact],
    ) -> Vec<(Ed25519PublicKey, Result<PeerReply, PeerError>)> {
        let body = Bytes::from(encode_command(method, params, None));
        let exchanges = members.iter().map(|member| {
            let body = body.clone();
            async move {
                if self.peers.is_down(&member.ed25519) {
                    return (member.ed25519, Err(PeerError::Timeout));
                }
                let timeout = self.timing.forward_timeout;
                (
                    member.ed25519,
                    self.call(member, NodeCommand::StorageCc, body, timeout)
                        .await,
                )
            }
        });
        let outcomes = join_all(exchanges).await;
        let failed = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_err())
            .count();
        self.counters.forwards_failed.add(failed);
        outcomes
    }

    /// An exchange with another node. A node that had failed before and answers now gets what
    /// waits for it.
    async fn call(
        &self,
        node: &NodeContact,
        command: NodeCommand,
        body: Bytes,
        timeout: Duration,
    ) -> Result<PeerReply, PeerError> {
        let reply = self.peers.call(node, command, body, timeout).await?;
        self.heard_from(&node.ed25519);
        Ok(reply)
    }

    /// Tells the worker that something was left waiting for these members.
    pub(crate) fn left_waiting(&self, members: &[Ed25519PublicKey]) {
        for member in members {
            self.tell(Event::Waiting(*member));
        }
    }

    /// Sends a message just stored to those who keep it, when the node list has changed since the
    /// request came in: what this node hands over then was counted before.
    pub(crate) async fn follow(
        &self,
        owner: &SwarmPubkey,
        hash: &MessageHash,
    ) -> Result<(), StoreError> {
        let nodes = self.registry.snapshot();
        let swarm = nodes.swarm_of(owner);
        if swarm == self.own_swarm(&nodes) {
            return Ok(());
        }
        let keepers: Vec<Ed25519PublicKey> = swarm
            .into_iter()
            .flat_map(|swarm| self.others(&nodes, swarm))
            .map(|node| node.contact.ed25519)
            .collect();
        self.store.queue_hash(hash.clone(), keepers.clone()).await?;
        for keeper in keepers {
            self.tell(Event::Requested(keeper));
        }
        Ok(())
    }

    /// Notes that a node has sent us something authentic.
    pub(crate) fn heard_from(&self, node: &Ed25519PublicKey) {
        if self.peers.heard_from(node) {
            self.tell(Event::Alive(*node));
        }
    }

    /// How many members have not confirmed that they see the same swarm.
    pub(crate) fn unconfirmed(&self) -> u64 {
        self.unconfirmed.load(Ordering::SeqCst)
    }

    /// How far this node's clock is off, as far as it acts on it.
    pub(crate) fn clock_correction_ms(&self) -> i64 {
        self.clock.correction_ms()
    }

    fn tell(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            tracing::debug!("replication events dropped");
        }
    }

    /// The swarm this node serves by the current list.
    fn own_swarm(&self, nodes: &NodeList) -> Option<SwarmId> {
        nodes
            .get(&self.own)
            .filter(|node| node.serves_swarm())
            .map(|node| node.contact.swarm)
    }

    /// The other members of a swarm.
    fn others<'a>(
        &self,
        nodes: &'a NodeList,
        swarm: SwarmId,
    ) -> impl Iterator<Item = &'a RegisteredNode> + use<'a> {
        let own = self.own;
        nodes
            .members(swarm)
            .filter(move |node| node.contact.ed25519 != own)
    }
}

/// A request passed on to another member: a bt list of method, parameters (a dict in its own
/// right) and, when it is repeated later, the time it was first accepted.
pub(crate) fn encode_command(method: &str, params: &[u8], accepted: Option<Timestamp>) -> Vec<u8> {
    let mut list = vec![Bt::bytes(method.as_bytes()), Bt::bytes(params)];
    list.extend(accepted.map(|time| Bt::Int(time.as_ms_i64())));
    Bt::List(list).encode()
}

/// A request another member passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a [u8],
    /// When the sender accepted it, if that was before now.
    pub(crate) accepted: Option<Timestamp>,
}

/// Reads what [`encode_command`] writes.
pub(crate) fn decode_command(body: &[u8]) -> Option<Command<'_>> {
    let mut list = ListReader::new(body).ok()?;
    let method = list.text().ok()?;
    let params = list.bytes().ok()?;
    let accepted = if list.at_end() {
        None
    } else {
        Some(Timestamp::from_ms(list.u64().ok()?))
    };
    if !list.at_end() {
        return None;
    }
    list.finish().ok()?;
    Some(Command {
        method,
        params,
        accepted,
    })
}

/// The pause after `failures` failures in a row: doubling, up to `max`, with a random part so
/// that the members of a swarm do not all come back at the same moment.
fn backoff(first: Duration, max: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = first.saturating_mul(1 << doublings).min(max);
    pause.mul_f64(rand::random_range(0.75..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_round_trip() {
        let at = Timestamp::from_ms(1_700_000_000_000);
        for accepted in [None, Some(at)] {
            let encoded = encode_command("delete", b"d1:ai1ee", accepted);
            let expected = Command {
                method: "delete",
                params: b"d1:ai1ee",
                accepted,
            };
            assert_eq!(decode_command(&encoded), Some(expected));
        }
        for bad in [
            &b""[..],
            b"le",
            b"l6:deletee",
            b"l6:delete2:dei1ei2ee",
            b"li1e2:dee",
        ] {
            assert_eq!(decode_command(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_below_the_limit() {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(60));
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (7, 60), (100, 60)] {
            let pause = backoff(first, max, failures);
            let longest = Duration::from_secs(longest);
            assert!(
                pause <= longest && pause >= longest.mul_f64(0.75),
                "{failures}: {pause:?}"
            );
        }
    }
}
