//! Lasting QUIC connections to other nodes (docs/protocol/node.md section 6.4).
//!
//! Nobody ever waits for a connection to be opened: while there is none, requests go over HTTPS,
//! and one is opened in the background.

use std::collections::HashMap;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use session_quic::{
    Budget, CloseCode, Connection, Endpoint, Protocol, QuicError, Stream, Target, TlsKey,
};
use session_types::{Ed25519PublicKey, NodeContact};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::NodeCommand;

/// Pause after a connection that could not be opened, or did not last; it doubles with each.
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// Longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(600);
/// Late answers in a row after which a connection is given up.
const LATE: u32 = 3;
/// Requests whose answers are late that are asked over HTTPS too, at a time: enough to find out
/// that the connection is of no use, and too few to burden a node that is merely busy.
const SECOND_TRIES: usize = LATE as usize;
/// A connection that lasted so long was a good one.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// An open connection: a stream for commands, and one for messages in bulk that does not keep
/// commands waiting.
#[derive(Debug)]
pub(super) struct Link {
    connection: Connection,
    commands: Stream,
    data: Stream,
    since: Instant,
    /// Answers in a row that came over HTTPS before they came here.
    late: AtomicU32,
    second_tries: Semaphore,
}

impl Link {
    /// Whether a request whose answer is late may be asked over HTTPS too. It counts until the
    /// permit is dropped.
    pub(super) fn second_try(&self) -> Option<SemaphorePermit<'_>> {
        self.second_tries.try_acquire().ok()
    }

    pub(super) fn stream(&self, command: NodeCommand) -> &Stream {
        match command {
            NodeCommand::Data | NodeCommand::Reconcile => &self.data,
            NodeCommand::StorageCc | NodeCommand::DataReady => &self.commands,
        }
    }

    /// Gives the connection up: it is of no use any more.
    pub(super) fn give_up(&self) {
        self.connection.close(CloseCode::Done);
    }

    /// Notes an answer.
    pub(super) fn answered(&self) {
        self.late.store(0, Ordering::Relaxed);
    }

    /// Notes that an answer came over HTTPS while one was awaited here. A busy node may be late;
    /// one that was started again does not know this connection.
    pub(super) fn was_late(&self) {
        if self.late.fetch_add(1, Ordering::Relaxed) + 1 >= LATE {
            self.give_up();
        }
    }
}

#[derive(Debug)]
enum State {
    Opening,
    Open(Arc<Link>),
    Waiting { until: Instant },
}

#[derive(Debug)]
struct Entry {
    address: SocketAddrV4,
    failures: u32,
    state: State,
}

/// The connections this node has opened.
#[derive(Debug)]
pub(crate) struct Links {
    endpoint: Endpoint,
    key: TlsKey,
    entries: Arc<Mutex<HashMap<Ed25519PublicKey, Entry>>>,
}

impl Links {
    pub(crate) fn new(endpoint: Endpoint, key: TlsKey) -> Self {
        Self {
            endpoint,
            key,
            entries: Arc::default(),
        }
    }

    /// The connection to a node, if there is one now. Otherwise one is opened when it is time.
    pub(super) fn get(&self, node: &NodeContact) -> Option<Arc<Link>> {
        if node.omq_port == 0 {
            return None;
        }
        let address = SocketAddrV4::new(node.ip, node.omq_port);
        let mut entries = lock(&self.entries);
        let now = Instant::now();
        let entry = entries.entry(node.ed25519).or_insert(Entry {
            address,
            failures: 0,
            state: State::Waiting { until: now },
        });
        if entry.address != address {
            entry.address = address;
            entry.failures = 0;
            entry.state = State::Waiting { until: now };
        }
        match &entry.state {
            State::Open(link) if !link.connection.is_closed() => return Some(Arc::clone(link)),
            State::Open(link) => {
                entry.failures = if link.since.elapsed() < GOOD_AFTER {
                    entry.failures.saturating_add(1)
                } else {
                    0
                };
                let until = now + pause(entry.failures);
                entry.state = State::Waiting { until };
            }
            State::Opening | State::Waiting { .. } => {}
        }
        if matches!(entry.state, State::Waiting { until } if until <= now) {
            entry.state = State::Opening;
            self.open(node.ed25519, address);
        }
        None
    }

    /// Forgets nodes that `keep` does not want, and closes their connections.
    pub(super) fn retain(&self, keep: impl Fn(&Ed25519PublicKey) -> bool) {
        lock(&self.entries).retain(|node, _| keep(node));
    }

    fn open(&self, key: Ed25519PublicKey, address: SocketAddrV4) {
        let endpoint = self.endpoint.clone();
        let own = self.key.clone();
        let entries = Arc::clone(&self.entries);
        tokio::spawn(async move {
            let target = Target {
                address: SocketAddr::V4(address),
                key,
                protocol: Protocol::Node,
            };
            let opened = connect(&endpoint, target, &own).await;
            let mut entries = lock(&entries);
            let Some(entry) = entries.get_mut(&key) else {
                return;
            };
            if entry.address != address {
                return;
            }
            match opened {
                Ok(link) => entry.state = State::Open(Arc::new(link)),
                Err(error) => {
                    tracing::debug!(%error, "no quic connection to another node");
                    entry.failures = entry.failures.saturating_add(1);
                    let until = Instant::now() + pause(entry.failures);
                    entry.state = State::Waiting { until };
                }
            }
        });
    }
}

async fn connect(endpoint: &Endpoint, target: Target, own: &TlsKey) -> Result<Link, QuicError> {
    let (connection, _) = endpoint.connect(target, own, Budget::unlimited()).await?;
    let commands = connection.open_stream().await?;
    let data = connection.open_stream().await?;
    Ok(Link {
        connection,
        commands,
        data,
        since: Instant::now(),
        late: AtomicU32::new(0),
        second_tries: Semaphore::new(SECOND_TRIES),
    })
}

fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => RETRY_FIRST
            .saturating_mul(1 << doublings.min(16))
            .min(RETRY_MAX),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
