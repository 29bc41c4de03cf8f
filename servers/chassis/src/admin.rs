//! What a server shows its operator: metrics and health, on a loopback address, without TLS.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /health` | 200 `ready`, or 503 and why not |
//! | `GET /metrics` | Prometheus text |

use core::future::Future;
use core::pin::Pin;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::ChassisError;
use crate::listener::{self, ListenerLimits};

/// An answer that is being made.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What there is to see of a server.
pub trait Watched: Send + Sync + 'static {
    /// Why the server serves nobody at the moment; `None` when it does.
    fn not_ready(&self) -> Option<String>;

    /// Metrics as Prometheus reads them.
    fn metrics(&self) -> Answer<String>;
}

/// Binds the operator's address.
///
/// # Errors
/// [`ChassisError::Socket`] when it cannot be bound or is no loopback address.
pub fn bind(address: SocketAddr) -> Result<TcpListener, ChassisError> {
    if !address.ip().is_loopback() {
        let error = std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "metrics are served on a loopback address only",
        );
        return Err(ChassisError::Socket(error));
    }
    TcpListener::bind(address).map_err(ChassisError::Socket)
}

/// Serves metrics and health until told to stop.
///
/// # Errors
/// [`ChassisError`] when the socket cannot be used.
pub async fn serve(
    socket: TcpListener,
    watched: Arc<dyn Watched>,
    shutdown: CancellationToken,
) -> Result<(), ChassisError> {
    let router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(watched);
    let limits = ListenerLimits {
        max_connections: 64,
        max_connections_per_ip: 64,
        ..ListenerLimits::default()
    };
    listener::serve(socket, None, router, limits, shutdown).await
}

async fn health(State(watched): State<Arc<dyn Watched>>) -> (StatusCode, String) {
    match watched.not_ready() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics(
    State(watched): State<Arc<dyn Watched>>,
) -> ([(HeaderName, &'static str); 1], String) {
    let text = watched.metrics().await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_bound() {
        for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
            assert!(bind(address.parse().unwrap()).is_err(), "{address}");
        }
        assert!(bind("127.0.0.1:0".parse().unwrap()).is_ok());
    }
}
