//! One accepted connection, from handshake to close.

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use tracing::debug;

use crate::listener::{ListenerLimits, PeerAddr};
use crate::stall::StallGuard;

/// What all connections of a listener share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) router: Router,
    pub(crate) limits: ListenerLimits,
    pub(crate) shutdown: CancellationToken,
}

/// Serves one connection until either side ends it.
pub(crate) async fn run(shared: Shared, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot disable delayed sending");
    }
    let Some(tls) = shared.tls.clone() else {
        return serve(shared, stream, peer).await;
    };
    let accept = TlsAcceptor::from(tls).accept(stream);
    let accepted = tokio::select! {
        () = shared.shutdown.cancelled() => return,
        accepted = timeout(shared.limits.handshake_timeout, accept) => accepted,
    };
    match accepted {
        Ok(Ok(stream)) => serve(shared, stream, peer).await,
        Ok(Err(error)) => debug!(kind = ?error.kind(), "tls handshake failed"),
        Err(_) => debug!("tls handshake took too long"),
    }
}

async fn serve<T>(shared: Shared, stream: T, peer: SocketAddr)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Shared {
        router,
        limits,
        shutdown,
        ..
    } = shared;
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        let mut router = router.clone();
        let answer: Pin<Box<dyn Future<Output = Result<_, Infallible>> + Send>> =
            Box::pin(async move { router.call(request.map(Body::new)).await });
        answer
    });
    let io = TokioIo::new(StallGuard::new(stream, limits.write_stall_timeout));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .serve_connection(io, service);

    let mut draining = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
            () = shutdown.cancelled(), if !draining => {
                draining = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    match ended {
        Ok(()) => close(connection.into_parts().io.into_inner(), &shutdown).await,
        Err(error) => debug!(%error, "connection ended early"),
    }
}

/// Closes the sending side and lets the other side finish. Closing at once while it still sends
/// would reset the connection, and it would lose the answer it is about to read.
async fn close<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T, shutdown: &CancellationToken) {
    let linger = async {
        stream.shutdown().await?;
        let mut discarded = 0;
        let mut buffer = vec![0; 16 * 1024];
        while discarded < LINGER_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => discarded += read,
            }
        }
        Ok::<(), io::Error>(())
    };
    let hurry = async {
        shutdown.cancelled().await;
        sleep(LINGER_AT_SHUTDOWN).await;
    };
    tokio::select! {
        ended = timeout(LINGER, linger) => if let Ok(Err(error)) = ended {
            debug!(kind = ?error.kind(), "connection was not closed cleanly");
        },
        () = hurry => {}
    }
}

/// How long and for how many bytes a closed connection is still read.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_AT_SHUTDOWN: Duration = Duration::from_millis(200);
const LINGER_BYTES: usize = 64 * 1024 * 1024;
