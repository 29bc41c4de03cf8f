//! Files over QUIC (docs/protocol/file-server.md section 5).
//!
//! | stream | carries |
//! |---|---|
//! | the first of a connection | [`requests`] about files |
//! | each further one | one [`transfer`], up or down |
//!
//! The rules, the limits of an address and the counters are those of HTTP.

mod requests;
mod transfer;

use core::time::Duration;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::VarInt;
use rustls::server::ServerSessionMemoryCache;
use session_file_transfer::{PROTOCOL, Times, code};
use session_quic::{QuicError, Room, accepting, restartable, tls};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::http::{Http, Place, Places};
use crate::storage::Record;
use crate::{ServerError, ServerKeys};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What a connection may have under way, and how long it may be silent.
const ROOM: Room = Room {
    connection: 512 * 1024,
    stream: 256 * 1024,
    silence: Duration::from_secs(30),
};

/// A connection on which nothing is asked for so long is closed, alive or not.
const IDLE: Duration = Duration::from_secs(60);

/// Connections that clients may take up again without a round trip; the oldest are forgotten.
const RESUMABLE: usize = 4096;

/// Handshakes under way with those who may have made up their address; then each must show that
/// it is theirs.
const HANDSHAKES: usize = 128;

/// So many times more with those who have shown it.
const PROVEN: usize = 8;

const DONE: VarInt = VarInt::from_u32(code::DONE);
const BROKEN: VarInt = VarInt::from_u32(code::BAD_COMMAND);

/// How much is taken on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
    /// How long transfers under way may take at the end.
    pub(crate) drain_timeout: Duration,
}

/// Binds the socket.
pub(crate) fn bind(address: SocketAddr) -> Result<UdpSocket, ServerError> {
    UdpSocket::bind(address).map_err(|source| ServerError::QuicSocket { address, source })
}

/// Makes the socket one for QUIC. Nothing is answered before [`serve`] runs.
pub(crate) fn endpoint(
    socket: UdpSocket,
    keys: &ServerKeys,
) -> Result<quinn::Endpoint, ServerError> {
    let mut tls = tls::accepting(&keys.tls_key(), &[PROTOCOL]).map_err(ServerError::Quic)?;
    // What comes with the first packet comes once: sessions are kept here, and each is good for
    // one connection.
    tls.session_storage = ServerSessionMemoryCache::new(RESUMABLE);
    tls.max_early_data_size = u32::MAX;
    let config = accepting(tls, ROOM).map_err(ServerError::Quic)?;
    let restartable = restartable(keys.reset_secret());
    let runtime = Arc::new(quinn::TokioRuntime);
    quinn::Endpoint::new(restartable, Some(config), socket, runtime)
        .map_err(|error| ServerError::Quic(QuicError::Socket(error)))
}

/// Serves until `shutdown`; then transfers under way get their time. Dropping the future closes
/// every connection at once.
pub(crate) async fn serve(
    endpoint: quinn::Endpoint,
    http: Arc<Http>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Places::new(limits.max_connections, limits.max_connections_per_address);
    let unproven = Arc::new(Semaphore::new(HANDSHAKES));
    let proven = Arc::new(Semaphore::new(HANDSHAKES * PROVEN));
    let mut connections = JoinSet::new();
    while let Some(Some(incoming)) = shutdown.run_until_cancelled(endpoint.accept()).await {
        while connections.try_join_next().is_some() {}
        let handshakes = match incoming.remote_address_validated() {
            true => &proven,
            false => &unproven,
        };
        let Ok(handshake) = Arc::clone(handshakes).try_acquire_owned() else {
            if incoming.may_retry() {
                let _ = incoming.retry();
            } else {
                incoming.refuse();
            }
            continue;
        };
        let address = incoming.remote_address().ip().to_canonical();
        let Some(place) = places.take(address) else {
            http.counters.busy.one();
            incoming.refuse();
            continue;
        };
        let client = Client {
            http: Arc::clone(&http),
            address,
            active: Arc::default(),
        };
        let shutdown = shutdown.clone();
        connections.spawn(connection(client, incoming, place, handshake, shutdown));
    }
    let drained = async {
        loop {
            tokio::select! {
                ended = connections.join_next() => if ended.is_none() { break },
                incoming = endpoint.accept() => match incoming {
                    Some(incoming) => incoming.refuse(),
                    None => break,
                },
            }
        }
    };
    let _ = timeout(limits.drain_timeout, drained).await;
    connections.abort_all();
    endpoint.close(DONE, b"");
    let _ = timeout(Duration::from_millis(200), endpoint.wait_idle()).await;
}

/// Who asks on a connection.
#[derive(Debug, Clone)]
struct Client {
    http: Arc<Http>,
    address: IpAddr,
    /// Hears of every request.
    active: Arc<Notify>,
}

async fn connection(
    client: Client,
    incoming: quinn::Incoming,
    _place: Place,
    handshake: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) {
    let Ok(connecting) = incoming.accept() else {
        return;
    };
    // Accepting sides need not wait for the end of the handshake to read what came with its
    // beginning.
    let Ok((connection, established)) = connecting.into_0rtt() else {
        return;
    };
    let mut streams = Streams {
        client,
        connection: connection.clone(),
        transfers: JoinSet::new(),
        requests: JoinSet::new(),
    };
    let mut established = core::pin::pin!(established);
    let mut handshake = Some(handshake);
    let begun = Instant::now();
    let mut idle_at = begun + IDLE;
    let mut stopping = false;
    let code = loop {
        tokio::select! {
            _ = &mut established, if handshake.is_some() => handshake = None,
            () = sleep_until(begun + HANDSHAKE), if handshake.is_some() => break DONE,
            accepted = connection.accept_bi(), if !stopping => {
                let Ok((send, recv)) = accepted else { break DONE };
                idle_at = Instant::now() + IDLE;
                streams.accept(send, recv);
            }
            Some(_) = streams.transfers.join_next() => {
                idle_at = Instant::now() + IDLE;
                if stopping && streams.transfers.is_empty() {
                    break DONE;
                }
            }
            Some(ended) = streams.requests.join_next() => {
                if matches!(ended, Ok(Err(requests::Broken))) {
                    break BROKEN;
                }
            }
            () = streams.client.active.notified() => idle_at = Instant::now() + IDLE,
            () = sleep_until(idle_at), if streams.transfers.is_empty() => break DONE,
            () = shutdown.cancelled(), if !stopping => {
                if streams.transfers.is_empty() {
                    break DONE;
                }
                stopping = true;
            }
        }
    };
    connection.close(code, b"");
}

/// What is said about when a file came and how long it stays.
fn times(record: &Record) -> Times {
    Times {
        uploaded: record.uploaded.as_secs(),
        expires: record.expires.as_secs(),
    }
}

/// The streams of a connection.
struct Streams {
    client: Client,
    connection: quinn::Connection,
    transfers: JoinSet<()>,
    requests: JoinSet<Result<(), requests::Broken>>,
}

impl Streams {
    fn accept(&mut self, send: quinn::SendStream, recv: quinn::RecvStream) {
        let client = self.client.clone();
        if recv.id().index() == 0 {
            self.requests.spawn(requests::serve(client, send, recv));
        } else {
            self.transfers.spawn(transfer::serve(client, send, recv));
        }
    }
}

impl core::fmt::Debug for Streams {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Streams")
            .field("connection", &self.connection.stable_id())
            .field("transfers", &self.transfers.len())
            .finish_non_exhaustive()
    }
}
