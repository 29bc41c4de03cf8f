//! Servers that end at once, as if their process had been killed.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use tokio_util::sync::CancellationToken;

/// Answers as `router` does until `killed` is cancelled; nothing is said after that.
///
/// The tasks of a server that is aborted are dropped by the runtime a moment later, on another
/// thread. Until then a request on one of its connections could be answered, and whoever killed the
/// server would hear of it once more.
pub fn after(killed: CancellationToken, router: Router) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let killed = killed.clone();
        async move {
            let answer = next.run(request).await;
            if killed.is_cancelled() {
                return core::future::pending().await;
            }
            answer
        }
    }))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use axum::body::Body;
    use axum::routing::get;
    use http::StatusCode;
    use tokio::time::timeout;
    use tower_service::Service as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_any_more() {
        let killed = CancellationToken::new();
        let kill = killed.clone();
        let routes = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/kill", get(move || async move { kill.cancel() }));
        let mut router = after(killed, routes);
        let mut ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let asked = router.call(request);
            let answer = timeout(Duration::from_secs(60), asked).await.ok()?;
            Some(answer.unwrap().status())
        };
        assert_eq!(ask("/").await, Some(StatusCode::OK));
        assert_eq!(ask("/elsewhere").await, Some(StatusCode::NOT_FOUND));
        for path in ["/kill", "/", "/elsewhere"] {
            assert_eq!(ask(path).await, None, "{path}");
        }
    }
}
