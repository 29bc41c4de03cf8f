//! Accepting connections.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::places::{Place, Places};

/// Time for the head of a request; also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(30);
/// How long a connection may bring page and keys. WebSockets are not among these.
const LONGEST: Duration = Duration::from_secs(300);
/// Most bytes of a request's head.
const MOST_HEAD: usize = 16 * 1024;
/// After the system refused a connection, for example for want of descriptors.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves `router` until `shutdown`. Connections belong to `tasks`.
pub(crate) async fn run(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Places::default();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(kind = ?error.kind(), "no connection was accepted");
                sleep(AGAIN_AFTER).await;
                continue;
            }
        };
        let served = serve(stream, router.clone(), places.enter(), shutdown.clone());
        tasks.spawn(async move {
            match timeout(LONGEST, served).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => debug!("a connection ended early"),
                Err(_) => debug!("a connection was open for long"),
            }
        });
    }
}

async fn serve(
    stream: TcpStream,
    router: Router,
    place: Arc<Place>,
    shutdown: CancellationToken,
) -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let lost = place.lost();
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let place = Arc::clone(&place);
        async move {
            place.asked();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(place);
            tower_service::Service::call(&mut router.clone(), request).await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = core::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = lost.cancelled() => {
            debug!("a connection made room for another");
            return Ok(());
        }
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}
