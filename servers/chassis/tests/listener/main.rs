//! The listener on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod bodies;
mod client;
mod limits;
mod serving;
mod stopping;

use core::future::pending;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use session_chassis::ChassisError;
use session_chassis::body::{self, BodyLimits};
use session_chassis::listener::{self, ListenerLimits, PeerAddr};
use session_chassis::tls::ServerIdentity;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(20);
const MAX_BODY: usize = 64 * 1024;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ChassisError>>,
    /// Gets a permit each time `/wait` is entered.
    entered: Arc<Semaphore>,
    /// Lets one `/wait` go on.
    release: Arc<Notify>,
}

impl Server {
    fn start(tls: bool, limits: ListenerLimits) -> Self {
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stop = CancellationToken::new();
        let entered = Arc::new(Semaphore::new(0));
        let release = Arc::new(Notify::new());
        let config = tls.then(|| ServerIdentity::ephemeral().unwrap().server_config());
        let router = router(Arc::clone(&entered), Arc::clone(&release));
        let task = tokio::spawn(listener::serve(
            socket,
            config,
            router,
            limits,
            stop.clone(),
        ));
        Self {
            address,
            stop,
            task,
            entered,
            release,
        }
    }

    /// Waits until one more request hangs in `/wait`.
    async fn one_entered(&self) {
        within(self.entered.acquire()).await.unwrap().forget();
    }

    async fn finish(self) {
        self.stop.cancel();
        within(self.task).await.unwrap().unwrap();
    }
}

fn router(entered: Arc<Semaphore>, release: Arc<Notify>) -> Router {
    Router::new()
        .route(
            "/peer",
            get(|Extension(peer): Extension<PeerAddr>| async move { peer.0.to_string() }),
        )
        .route("/count", post(count))
        .route(
            "/panic",
            get(|| async { panic!("a handler that breaks") as &'static str }),
        )
        .route("/huge", get(|| async { vec![b'x'; 64 * 1024 * 1024] }))
        .route("/never", get(pending::<&'static str>))
        .route(
            "/wait",
            get(move || async move {
                entered.add_permits(1);
                release.notified().await;
                "waited"
            }),
        )
}

/// Answers how many bytes came.
async fn count(sent: Body) -> (StatusCode, String) {
    let limits = BodyLimits {
        max_bytes: MAX_BODY,
        timeout: Duration::from_millis(300),
    };
    match body::read(sent, limits).await {
        Ok(bytes) => (StatusCode::OK, bytes.len().to_string()),
        Err(error) => (error.status(), error.to_string()),
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the deadline of the test")
}
