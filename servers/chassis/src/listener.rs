//! Accepting connections and serving a router on them.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::ChassisError;
use crate::connection::{self, Shared};
use crate::gate::Gate;
use crate::proxies::Proxies;

/// Who sent a request, with the port of whoever passed it on; handlers take it as
/// `Extension<PeerAddr>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// What a listener grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections open at a time. When there are so many, a further one gets the place of one
    /// that does nothing; where none does, it is closed as soon as it is accepted.
    pub max_connections: usize,
    /// Connections open at a time for one peer address. Further ones are closed as soon as they
    /// are accepted.
    pub max_connections_per_ip: usize,
    /// How long a connection must have done nothing to lose its place to another.
    pub idle_grace: Duration,
    /// Time for the TLS handshake.
    pub handshake_timeout: Duration,
    /// Time for the head of a request. It runs from the end of the request before, so it is
    /// also how long an idle connection is kept.
    pub header_read_timeout: Duration,
    /// How long the other side may take for a part of an answer, about 64 KiB of it.
    pub write_stall_timeout: Duration,
    /// How long running requests may take to end after shutdown was asked for.
    pub drain_timeout: Duration,
    /// Proxies that are believed when they say who asks; they may have any number of connections.
    pub proxies: Proxies,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            max_connections: 8192,
            max_connections_per_ip: 512,
            idle_grace: Duration::from_secs(1),
            handshake_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(60),
            write_stall_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(4),
            proxies: Proxies::default(),
        }
    }
}

/// Binds a listening socket.
///
/// # Errors
/// [`ChassisError`] with a sentence for each usual reason: port in use, address not of this
/// machine, no permission.
pub fn bind(address: SocketAddr) -> Result<std::net::TcpListener, ChassisError> {
    let listener = std::net::TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ChassisError::AddressInUse(address),
        io::ErrorKind::AddrNotAvailable => ChassisError::AddressNotHere(address),
        io::ErrorKind::PermissionDenied => ChassisError::AddressNotPermitted(address),
        _ => ChassisError::Listen { address, source },
    })?;
    listener
        .set_nonblocking(true)
        .map_err(ChassisError::Socket)?;
    Ok(listener)
}

/// Serves `router` on `listener` until `shutdown` is cancelled: with TLS when `tls` is given,
/// else in the clear.
///
/// On shutdown the listening socket closes at once, idle connections close at once, running
/// requests get [`ListenerLimits::drain_timeout`]; then what is left is cut off. All tasks
/// belong to the returned future: dropping it closes the socket and every connection
/// immediately, without a farewell, as when a process is killed. (A task that is aborted is dropped
/// a moment later: [`crate::silence`].)
///
/// Must run inside a tokio runtime.
///
/// # Errors
/// [`ChassisError::Socket`] when the socket cannot be used at all. Trouble with single
/// connections is not an error.
pub async fn serve(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: ListenerLimits,
    shutdown: CancellationToken,
) -> Result<(), ChassisError> {
    listener
        .set_nonblocking(true)
        .map_err(ChassisError::Socket)?;
    let listener = TcpListener::from_std(listener).map_err(ChassisError::Socket)?;
    let drain_timeout = limits.drain_timeout;
    let gate = Arc::new(Gate::new(
        limits.max_connections,
        limits.max_connections_per_ip,
        limits.idle_grace,
    ));
    let shared = Shared {
        tls,
        router,
        limits,
        shutdown: shutdown.clone(),
    };
    let mut tasks = JoinSet::new();

    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                note_panic(ended);
                continue;
            }
            accepted = accept(&listener) => accepted,
        };
        let (address, now) = (peer.ip().to_canonical(), Instant::now());
        let pass = match shared.limits.proxies.trusts(address) {
            false => Gate::enter(&gate, address, now),
            true => Gate::enter_for_many(&gate, address, now),
        };
        let Some(pass) = pass else {
            debug!("connection refused: too many open");
            continue;
        };
        tasks.spawn(connection::run(shared.clone(), stream, peer, pass));
    }

    drop(listener);
    let drained = timeout(drain_timeout, async {
        while let Some(ended) = tasks.join_next().await {
            note_panic(ended);
        }
    });
    if drained.await.is_err() {
        debug!(connections = tasks.len(), "connections cut off at shutdown");
        tasks.shutdown().await;
    }
    Ok(())
}

/// Accepts the next connection. Failures concern one connection or pass (no file descriptors
/// left): wait a little and go on.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "cannot accept connections");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a request handler panicked");
    }
}
