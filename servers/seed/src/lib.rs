#![doc = include_str!("../README.md")]

use core::time::Duration;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use session_chassis::ChassisError;
use session_chassis::body::{self, BodyLimits};
use session_chassis::listener::{self, ListenerLimits};
use session_registry::{Registry, seed};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running seed. Dropping it ends it at once.
#[derive(Debug)]
pub struct SeedServer {
    stop: CancellationToken,
    task: JoinHandle<Result<(), ChassisError>>,
}

impl SeedServer {
    /// Serves on `socket` from now on. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(socket: TcpListener, registry: Arc<dyn Registry>) -> Self {
        let router = Router::new()
            .route("/json_rpc", post(answer))
            .with_state(registry);
        let limits = ListenerLimits::default();
        let limits = ListenerLimits {
            max_connections_per_ip: limits.max_connections,
            drain_timeout: Duration::from_secs(1),
            ..limits
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(listener::serve(socket, None, router, limits, stop.clone()));
        Self { stop, task }
    }

    /// Ends it after the requests at hand.
    ///
    /// # Errors
    /// [`ChassisError`] when the socket could not be used.
    pub async fn stop(mut self) -> Result<(), ChassisError> {
        self.stop.cancel();
        (&mut self.task).await.unwrap_or(Ok(()))
    }
}

impl Drop for SeedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whatever content type the request has, the answer's is exactly `application/json`.
async fn answer(State(registry): State<Arc<dyn Registry>>, sent: Body) -> Response {
    let limits = BodyLimits {
        max_bytes: 1 << 20,
        timeout: Duration::from_secs(10),
    };
    let request = match body::read(sent, limits).await {
        Ok(request) => request,
        Err(error) => return (error.status(), error.to_string()).into_response(),
    };
    let answer = seed::answer_json_rpc(&registry.snapshot(), &request, &mut rand::rng());
    ([(CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}
