//! The accepting side.

use core::any::Any;
use core::fmt;
use core::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use session_storage_rpc::stream::{MAX_LIST, StreamMessage};
use session_types::Ed25519PublicKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::channel::{Outgoing, ReadFailure, Reader, writer};
use crate::life::Life;
use crate::settings::trust;
use crate::{Budget, CloseCode, Endpoint, Protocol, Response, ServerLimits, Share, Stream, key};

/// So many times more handshakes may be under way with those who have proven their address.
const PROVEN: usize = 8;

/// A place among the open connections; dropping it gives the place back.
pub trait Place: Send + Sync + 'static {
    /// Says whether something is being answered.
    fn set_busy(&self, busy: bool);

    /// Ready when somebody else has got the place.
    fn evicted(&self) -> impl Future<Output = ()> + Send;

    /// The memory that what arrives on the connection may take.
    fn budget(&self) -> Budget;
}

/// A place that cannot be lost.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenPlace;

impl Place for OpenPlace {
    fn set_busy(&self, _busy: bool) {}

    async fn evicted(&self) {
        core::future::pending::<()>().await;
    }

    fn budget(&self) -> Budget {
        Budget::unlimited()
    }
}

/// What the accepting side does.
pub trait Service: Send + Sync + 'static {
    /// What an open connection holds.
    type Place: Place;

    /// A place for a connection from that address, if there is room.
    fn admit(&self, from: SocketAddr) -> Option<Self::Place>;

    /// Looks at who has connected.
    ///
    /// # Errors
    /// Why the connection is to be closed.
    fn greet(&self, peer: &Arc<Peer>) -> Result<(), CloseCode>;

    /// Answers a command. Dropped when the connection ends.
    fn answer(&self, peer: &Arc<Peer>, command: Command) -> impl Future<Output = Answer> + Send;

    /// A connection that was greeted has ended.
    fn gone(&self, peer: &Peer);
}

/// What the other side asks.
pub struct Command {
    /// Name of what is asked.
    pub endpoint: String,
    /// Parameters.
    pub body: Vec<u8>,
    /// The body's share of the memory for requests; drop it with the body.
    pub share: Share,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({} bytes)", self.body.len())
    }
}

/// What is answered, and what is held until it has been written out.
pub struct Answer {
    outcome: Option<(bool, Vec<u8>)>,
    longest: usize,
    hold: Option<Box<dyn Any + Send>>,
}

impl Answer {
    /// An answer (`R`).
    #[must_use]
    pub fn reply(body: impl Into<Vec<u8>>) -> Self {
        Self::of(Some((true, body.into())))
    }

    /// An error (`E`).
    #[must_use]
    pub fn error(body: impl Into<Vec<u8>>) -> Self {
        Self::of(Some((false, body.into())))
    }

    /// Nothing at all.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(None)
    }

    const fn of(outcome: Option<(bool, Vec<u8>)>) -> Self {
        Self {
            outcome,
            longest: MAX_LIST,
            hold: None,
        }
    }

    /// Lets the message be up to `longest` bytes long, for askers that read so much. Longer ones
    /// are replaced by an error.
    #[must_use]
    pub const fn within(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// Holds something until the answer has been written out.
    #[must_use]
    pub fn holding(mut self, hold: impl Any + Send) -> Self {
        self.hold = Some(Box::new(hold));
        self
    }

    fn encode(self, id: i64) -> Option<Outgoing> {
        let Self {
            outcome,
            longest,
            hold,
        } = self;
        let (good, body) = outcome?;
        let message = if good {
            StreamMessage::Reply { id, body }
        } else {
            StreamMessage::Error { id, body }
        };
        let bytes = message.encode_within(longest).or_else(|| {
            let body = b"Answer too long".to_vec();
            StreamMessage::Error { id, body }.encode()
        })?;
        Some(Outgoing {
            bytes: bytes.into(),
            _hold: hold,
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// Who has connected.
pub struct Peer {
    /// Tells connections apart while the process runs.
    pub number: u64,
    /// Where from.
    pub address: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// The key it proved, if it showed one.
    pub key: Option<Ed25519PublicKey>,
    connection: quinn::Connection,
    /// The leaving half of its first stream, while that is open.
    first: Mutex<First>,
    pushed: AtomicU64,
}

#[derive(Default)]
enum First {
    #[default]
    NotYet,
    Open(mpsc::Sender<Outgoing>),
    Ended,
}

impl Peer {
    /// Sends a command on the first stream, without waiting. Returns whether there was room for
    /// it. `hold` is kept until it has been written out.
    pub fn push(&self, endpoint: &str, body: Vec<u8>, hold: Option<Box<dyn Any + Send>>) -> bool {
        let first = match &*self.lock_first() {
            First::Open(first) => first.clone(),
            First::NotYet | First::Ended => return false,
        };
        let id = self.pushed.fetch_add(1, Ordering::Relaxed);
        let message = StreamMessage::Command {
            id: i64::try_from(id).unwrap_or_default(),
            endpoint: endpoint.to_owned(),
            body,
        };
        let Some(bytes) = message.encode() else {
            return false;
        };
        let bytes = bytes.into();
        let message = Outgoing { bytes, _hold: hold };
        first.try_send(message).is_ok()
    }

    fn stream_opened(&self, out: &mpsc::Sender<Outgoing>) {
        let mut first = self.lock_first();
        if matches!(*first, First::NotYet) {
            *first = First::Open(out.clone());
        }
    }

    fn stream_ended(&self, out: &mpsc::Sender<Outgoing>) {
        let mut first = self.lock_first();
        if matches!(&*first, First::Open(open) if open.same_channel(out)) {
            *first = First::Ended;
        }
    }

    fn lock_first(&self) -> MutexGuard<'_, First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection.
    pub fn close(&self, code: CloseCode) {
        self.connection.close(code.code(), b"");
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("number", &self.number)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// What all connections share.
struct Shared<S> {
    service: Arc<S>,
    limits: ServerLimits,
    shutdown: CancellationToken,
    next: AtomicU64,
    life: Life,
}

impl Endpoint {
    /// Accepts and serves connections until `shutdown`; then answers what has arrived, for at
    /// most `drain`, and closes them. Dropping the future closes them at once.
    pub async fn serve<S: Service>(
        &self,
        service: Arc<S>,
        limits: ServerLimits,
        shutdown: CancellationToken,
        drain: Duration,
    ) {
        let shared = Arc::new(Shared {
            service,
            limits,
            shutdown,
            next: AtomicU64::new(0),
            life: self.life.clone(),
        });
        let unproven = Arc::new(Semaphore::new(limits.handshakes));
        let proven = Arc::new(Semaphore::new(limits.handshakes.saturating_mul(PROVEN)));
        let mut connections = JoinSet::new();
        while let Some(Some(incoming)) = shared
            .shutdown
            .run_until_cancelled(self.quinn.accept())
            .await
        {
            while connections.try_join_next().is_some() {}
            // Those who have shown that they are where they say do not wait for places that
            // anybody can take who makes up addresses.
            let places = if incoming.remote_address_validated() {
                &proven
            } else {
                &unproven
            };
            let Ok(handshake) = Arc::clone(places).try_acquire_owned() else {
                if incoming.may_retry() {
                    let _ = incoming.retry();
                } else {
                    incoming.refuse();
                }
                continue;
            };
            let Some(place) = shared.service.admit(incoming.remote_address()) else {
                incoming.refuse();
                continue;
            };
            connections.spawn(connection(Arc::clone(&shared), incoming, place, handshake));
        }
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(drain, drained).await;
        self.close();
    }
}

async fn connection<S: Service>(
    shared: Arc<Shared<S>>,
    incoming: quinn::Incoming,
    place: S::Place,
    handshake: OwnedSemaphorePermit,
) {
    let Ok(connecting) = incoming.accept() else {
        return;
    };
    let patience = Protocol::Client.handshake_timeout();
    let handshaking = timeout(patience, connecting);
    let handshaking = shared.shutdown.run_until_cancelled(handshaking);
    let Some(Ok(Ok(quinn))) = handshaking.await else {
        return;
    };
    drop(handshake);
    let Some(peer) = identify(&quinn, shared.next.fetch_add(1, Ordering::Relaxed)) else {
        quinn.close(CloseCode::BadProtocol.code(), b"");
        return;
    };
    let peer = Arc::new(peer);
    if let Err(code) = shared.service.greet(&peer) {
        quinn.close(code.code(), b"");
        return;
    }
    if peer.protocol == Protocol::Node {
        trust(&quinn);
    }
    let place = Arc::new(Load {
        place,
        answering: Mutex::new(0),
    });
    let code = tokio::select! {
        code = streams(&shared, &quinn, &peer, &place) => code,
        () = place.place.evicted() => CloseCode::Busy,
    };
    shared.service.gone(&peer);
    quinn.close(code.code(), b"");
}

/// How much a connection has to do: a place may be lost while nothing is being answered, however
/// many streams are open.
struct Load<P: Place> {
    place: P,
    answering: Mutex<usize>,
}

impl<P: Place> Load<P> {
    fn begin(load: &Arc<Self>) -> Answering<P> {
        let mut answering = load.answering();
        *answering += 1;
        if *answering == 1 {
            load.place.set_busy(true);
        }
        drop(answering);
        Answering(Arc::clone(load))
    }

    fn answering(&self) -> MutexGuard<'_, usize> {
        self.answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer under way.
struct Answering<P: Place>(Arc<Load<P>>);

impl<P: Place> Drop for Answering<P> {
    fn drop(&mut self) {
        let mut answering = self.0.answering();
        *answering -= 1;
        if *answering == 0 {
            self.0.place.set_busy(false);
        }
    }
}

/// Serves the streams of a connection until it ends or breaks the rules.
async fn streams<S: Service>(
    shared: &Arc<Shared<S>>,
    quinn: &quinn::Connection,
    peer: &Arc<Peer>,
    place: &Arc<Load<S::Place>>,
) -> CloseCode {
    let requests = match peer.protocol {
        Protocol::Client => shared.limits.requests_per_client,
        Protocol::Node => shared.limits.requests_per_node,
    };
    let slots = Arc::new(Semaphore::new(requests));
    let mut streams = JoinSet::new();
    let mut stopping = false;
    loop {
        tokio::select! {
            accepted = quinn.accept_bi(), if !stopping => {
                let Ok((send, recv)) = accepted else {
                    return CloseCode::Done;
                };
                let (out, written) = writer(&shared.life, send, shared.limits.stall);
                peer.stream_opened(&out);
                let patience = Some(shared.limits.stall);
                let reader = Reader::new(recv, place.place.budget(), MAX_LIST, patience);
                let (shared, peer) = (Arc::clone(shared), Arc::clone(peer));
                let (slots, place) = (Arc::clone(&slots), Arc::clone(place));
                streams.spawn(async move {
                    stream(&shared, &peer, &place, reader, &out, slots).await?;
                    peer.stream_ended(&out);
                    drop(out);
                    // What was answered is to arrive before the connection is closed.
                    let _ = written.await;
                    Ok(())
                });
            }
            Some(ended) = streams.join_next() => {
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(code)) => return code,
                    Err(_) => return CloseCode::Done,
                }
                if stopping && streams.is_empty() {
                    return CloseCode::Done;
                }
            }
            () = shared.shutdown.cancelled(), if !stopping => {
                if streams.is_empty() {
                    return CloseCode::Done;
                }
                stopping = true;
            }
        }
    }
}

/// Serves one stream until the other side has finished it.
async fn stream<S: Service>(
    shared: &Arc<Shared<S>>,
    peer: &Arc<Peer>,
    place: &Arc<Load<S::Place>>,
    mut reader: Reader,
    out: &mpsc::Sender<Outgoing>,
    slots: Arc<Semaphore>,
) -> Result<(), CloseCode> {
    let asking = Stream::new(out.clone());
    let mut answering = JoinSet::new();
    loop {
        while answering.try_join_next().is_some() {}
        let next = shared.shutdown.run_until_cancelled(reader.next()).await;
        let (message, share) = match next {
            Some(Ok(Some(next))) => next,
            Some(Ok(None)) | None => break,
            Some(Err(failure)) => {
                return Err(match failure {
                    ReadFailure::Broken => CloseCode::BadStream,
                    ReadFailure::NoMemory | ReadFailure::NoMemoryFor(_) | ReadFailure::Stalled => {
                        CloseCode::Busy
                    }
                    ReadFailure::Lost => CloseCode::Done,
                });
            }
        };
        let (id, endpoint, body) = match message {
            StreamMessage::Command { id, endpoint, body } => (id, endpoint, body),
            StreamMessage::Reply { id, body } => {
                let good = true;
                asking.resolve(id, Ok(Response { good, body, share }));
                continue;
            }
            StreamMessage::Error { id, body } => {
                let good = false;
                asking.resolve(id, Ok(Response { good, body, share }));
                continue;
            }
        };
        let command = Command {
            endpoint,
            body,
            share,
        };
        // Only a closed semaphore refuses, and nobody closes this one.
        let slot = Arc::clone(&slots).acquire_owned().await;
        let (service, peer, out) = (Arc::clone(&shared.service), Arc::clone(peer), out.clone());
        let busy = Load::begin(place);
        // Boxed: a task moves what it runs several times.
        answering.spawn(Box::pin(async move {
            let answer = service.answer(&peer, command).await;
            if let Some(message) = answer.encode(id) {
                // The other side may have gone.
                let _ = out.send(message).await;
            }
            drop((slot, busy));
        }));
    }
    while answering.join_next().await.is_some() {}
    Ok(())
}

/// Who is at the other end; nothing when it speaks none of our protocols, or as a node without
/// a key.
fn identify(quinn: &quinn::Connection, number: u64) -> Option<Peer> {
    let data = quinn.handshake_data()?;
    let data = data
        .downcast::<quinn::crypto::rustls::HandshakeData>()
        .ok()?;
    let protocol = Protocol::from_name(&data.protocol?)?;
    let key = quinn
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .and_then(|chain| key::decode(chain.first()?));
    if protocol == Protocol::Node && key.is_none() {
        return None;
    }
    Some(Peer {
        number,
        address: quinn.remote_address(),
        protocol,
        key,
        connection: quinn.clone(),
        first: Mutex::default(),
        pushed: AtomicU64::new(0),
    })
}
