//! Lasting QUIC connections to other nodes (docs/protocol/node.md section 6.4).
//!
//! Nobody ever waits for a connection to be opened: while there is none, requests go over HTTPS,
//! and one is opened in the background. For onion requests alone one is opened when they are
//! frequent, and closed when there are none any more: they go to every node of the network.

use std::collections::HashMap;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use session_quic::{
    Budget, CloseCode, Connection, Endpoint, Protocol, QuicError, Stream, Target, TlsKey,
};
use session_storage_rpc::stream::MAX_ANNOUNCED;
use session_types::{Ed25519PublicKey, NodeContact};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::NodeCommand;
use super::command::PING;

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
/// Streams for onion requests: an answer of megabytes keeps those behind it waiting.
const ONION_STREAMS: usize = 4;
/// Two onion requests to a node within this time, and a connection to it is worth its while.
const FREQUENT: Duration = Duration::from_secs(30);
/// How long a node may be silent when it is asked whether it is there: even a busy one
/// acknowledges packets.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// The same when nothing listens for HTTPS where it should be.
const LAST_SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// An open connection: a stream for commands, one for messages in bulk that does not keep
/// commands waiting, and some for onion requests.
#[derive(Debug)]
pub(super) struct Link {
    connection: Connection,
    commands: Stream,
    data: Stream,
    onions: [Stream; ONION_STREAMS],
    since: Instant,
    /// Answers in a row that came over HTTPS before they came here.
    late: AtomicU32,
    second_tries: Semaphore,
    /// Whether more than onion requests go here.
    lasting: AtomicBool,
    /// Whether there was an onion request lately.
    used: AtomicBool,
    /// Whether the node takes onion requests here.
    takes_onions: AtomicBool,
}

impl Link {
    /// Whether a request whose answer is late may be asked over HTTPS too. It counts until the
    /// permit is dropped.
    pub(super) fn second_try(&self) -> Option<SemaphorePermit<'_>> {
        self.second_tries.try_acquire().ok()
    }

    /// The stream for a command.
    pub(super) fn stream(&self, command: NodeCommand) -> &Stream {
        self.lasting.store(true, Ordering::Relaxed);
        match command {
            NodeCommand::Data | NodeCommand::Reconcile => &self.data,
            NodeCommand::StorageCc | NodeCommand::DataReady => &self.commands,
        }
    }

    /// The stream for an onion request: the one with the fewest under way.
    pub(super) fn onion_stream(&self) -> &Stream {
        self.used.store(true, Ordering::Relaxed);
        let [first, others @ ..] = &self.onions;
        let (mut best, mut fewest) = (first, first.under_way());
        for stream in others {
            let under_way = stream.under_way();
            if under_way < fewest {
                (best, fewest) = (stream, under_way);
            }
        }
        best
    }

    /// Notes that the node does not know onion requests here.
    pub(super) fn refuses_onions(&self) {
        self.takes_onions.store(false, Ordering::Relaxed);
    }

    /// Asks whether the node is still there, and gives the connection up if not. A busy node
    /// answers late, but its packets come; of one that died only TCP tells at once.
    pub(super) async fn look_for_life(&self, node: &NodeContact) {
        let heard = self.connection.heard();
        let ping = self.commands.request(PING, Vec::new(), SIGN_OF_LIFE);
        let mut ping = std::pin::pin!(ping);
        let listens = TcpStream::connect((node.ip, node.https_port));
        let answered = tokio::select! {
            answer = &mut ping => answer.is_ok(),
            Err(_) = listens => {
                let answer = timeout(LAST_SIGN_OF_LIFE, &mut ping).await;
                matches!(answer, Ok(Ok(_)))
            }
        };
        if !answered && self.connection.heard() == heard {
            self.give_up();
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
    /// When there was no connection for an onion request.
    missed: Option<Instant>,
    state: State,
}

/// The connections this node has opened.
#[derive(Debug)]
pub(crate) struct Links {
    endpoint: Endpoint,
    key: TlsKey,
    /// Where answers to onion requests take their memory from.
    answers: Budget,
    /// How long a connection for onion requests alone stays without any.
    unused: Duration,
    entries: Arc<Mutex<HashMap<Ed25519PublicKey, Entry>>>,
}

impl Links {
    pub(crate) fn new(endpoint: Endpoint, key: TlsKey, answers: Budget, unused: Duration) -> Self {
        Self {
            endpoint,
            key,
            answers,
            unused,
            entries: Arc::default(),
        }
    }

    /// The connection to a node for a command, if there is one now. Otherwise one is opened when
    /// it is time.
    pub(super) fn get(&self, node: &NodeContact) -> Option<Arc<Link>> {
        self.find(node, false)
    }

    /// The same for an onion request: a connection is opened only when they are frequent.
    pub(super) fn get_for_onion(&self, node: &NodeContact) -> Option<Arc<Link>> {
        self.find(node, true)
            .filter(|link| link.takes_onions.load(Ordering::Relaxed))
    }

    fn find(&self, node: &NodeContact, for_onion: bool) -> Option<Arc<Link>> {
        if node.omq_port == 0 {
            return None;
        }
        let address = SocketAddrV4::new(node.ip, node.omq_port);
        let mut entries = lock(&self.entries);
        let now = Instant::now();
        let entry = entries.entry(node.ed25519).or_insert(Entry {
            address,
            failures: 0,
            missed: None,
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
        let wanted = !for_onion
            || entry
                .missed
                .replace(now)
                .is_some_and(|before| now - before < FREQUENT);
        if wanted && matches!(entry.state, State::Waiting { until } if until <= now) {
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
        let (answers, unused) = (self.answers.clone(), self.unused);
        let entries = Arc::clone(&self.entries);
        tokio::spawn(async move {
            let target = Target {
                address: SocketAddr::V4(address),
                key,
                protocol: Protocol::Node,
            };
            let opened = connect(&endpoint, target, &own, &answers).await;
            let mut entries = lock(&entries);
            let Some(entry) = entries.get_mut(&key) else {
                return;
            };
            if entry.address != address {
                return;
            }
            match opened {
                Ok(link) => {
                    let closed = link.connection.closed();
                    let link = Arc::new(link);
                    tokio::spawn(close_unused(Arc::downgrade(&link), closed, unused));
                    entry.state = State::Open(link);
                }
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

async fn connect(
    endpoint: &Endpoint,
    target: Target,
    own: &TlsKey,
    answers: &Budget,
) -> Result<Link, QuicError> {
    let (connection, _) = endpoint.connect(target, own, Budget::unlimited()).await?;
    let onion = || connection.open_stream_for(answers.clone(), MAX_ANNOUNCED);
    Ok(Link {
        commands: connection.open_stream().await?,
        data: connection.open_stream().await?,
        onions: [
            onion().await?,
            onion().await?,
            onion().await?,
            onion().await?,
        ],
        connection,
        since: Instant::now(),
        late: AtomicU32::new(0),
        second_tries: Semaphore::new(SECOND_TRIES),
        lasting: AtomicBool::new(false),
        used: AtomicBool::new(true),
        takes_onions: AtomicBool::new(true),
    })
}

/// Closes a connection that onion requests were the only use of, when there are none any more.
/// Ends with the connection, which it does not keep open.
async fn close_unused(link: Weak<Link>, closed: impl Future<Output = ()>, after: Duration) {
    let mut closed = std::pin::pin!(closed);
    while timeout(after, &mut closed).await.is_err() {
        let Some(link) = link.upgrade() else {
            return;
        };
        if link.lasting.load(Ordering::Relaxed) {
            return;
        }
        if !link.used.swap(false, Ordering::Relaxed) {
            link.give_up();
            return;
        }
    }
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
