//! One accepted connection, from handshake to close.

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::Request;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
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

use crate::gate::Pass;
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

/// Most bytes of a request's head and, at a time, of its body that one connection holds.
const READ_BUFFER: usize = 64 * 1024;

/// Serves one connection until either side ends it or somebody else gets its place.
pub(crate) async fn run(shared: Shared, stream: TcpStream, peer: SocketAddr, pass: Pass) {
    let pass = Arc::new(pass);
    tokio::select! {
        () = pass.evicted() => debug!("an idle connection made room for another"),
        () = serve_tcp(shared, stream, peer, Arc::clone(&pass)) => {}
    }
}

async fn serve_tcp(shared: Shared, stream: TcpStream, peer: SocketAddr, pass: Arc<Pass>) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot disable delayed sending");
    }
    let Some(tls) = shared.tls.clone() else {
        return serve(shared, stream, peer, pass).await;
    };
    let accept = TlsAcceptor::from(tls).accept(stream);
    let accepted = tokio::select! {
        () = shared.shutdown.cancelled() => return,
        accepted = timeout(shared.limits.handshake_timeout, accept) => accepted,
    };
    match accepted {
        Ok(Ok(stream)) => serve(shared, stream, peer, pass).await,
        Ok(Err(error)) => debug!(kind = ?error.kind(), "tls handshake failed"),
        Err(_) => debug!("tls handshake took too long"),
    }
}

async fn serve<T>(shared: Shared, stream: T, peer: SocketAddr, pass: Arc<Pass>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Shared {
        router,
        limits,
        shutdown,
        ..
    } = shared;
    let proxies = limits.proxies.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let client = proxies.client(peer.ip(), request.headers());
        let peer = SocketAddr::new(client, peer.port());
        let answer: Pin<Box<dyn Future<Output = Result<_, Infallible>> + Send>> =
            Box::pin(answer(router.clone(), request, peer, Arc::clone(&pass)));
        answer
    });
    let io = TokioIo::new(StallGuard::new(stream, limits.write_stall_timeout));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(READ_BUFFER)
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

/// Lets the router answer. An answer given before the whole request was read says that the
/// connection ends with it, or the client would use it for another request and lose that one.
async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    pass: Arc<Pass>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(PeerAddr(peer));
    let unread = Arc::new(AtomicBool::new(!request.body().is_end_stream()));
    // Until the request is complete the peer has done nothing that it could not do without end.
    pass.set_busy(request.body().is_end_stream());
    let request = request.map(|inner| {
        Body::new(WatchedBody {
            inner,
            unread: Arc::clone(&unread),
            pass: Arc::clone(&pass),
        })
    });
    let answered = router.call(request).await;
    pass.set_busy(false);
    let mut response = answered?;
    if unread.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A request body that tells whether it was read to its end.
struct WatchedBody {
    inner: Incoming,
    unread: Arc<AtomicBool>,
    pass: Arc<Pass>,
}

impl hyper::body::Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if (frame.is_none() || self.inner.is_end_stream())
            && self.unread.swap(false, Ordering::Relaxed)
        {
            self.pass.set_busy(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
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
