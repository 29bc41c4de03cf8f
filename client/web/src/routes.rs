//! What is asked of the server, and what it answers.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::header::ORIGIN;
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use session_api::{MAX_LINE, MOST_UPLOADED, Secret};
use zeroize::Zeroizing;

use crate::again::{Asked, Given};
use crate::keys::Refused;
use crate::page;
use crate::places::Place;
use crate::server::{Shared, WebServer};
use crate::socket;

/// Bytes the body of a request may have: there is a code in it and nothing else.
const MOST_BODY: usize = 1024;
/// The header with the session key.
const SESSION_KEY: &str = "x-session-key";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeGiven {
    code: Secret,
}

#[derive(Serialize)]
struct KeyGiven {
    key: Secret,
}

#[derive(Serialize)]
struct Uploaded {
    upload: String,
}

#[derive(Serialize)]
struct Denied {
    error: &'static str,
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/session", post(session))
        .route("/launch", post(launch))
        .route("/upload", post(upload))
        .route("/api", get(api))
        .fallback(get(file))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = if shared.guard.admits(request.headers()) {
        next.run(request).await
    } else {
        denied("origin")
    };
    shared.guard.dress(&mut response);
    response
}

async fn file(uri: Uri) -> Response {
    page::answer(uri.path())
}

/// Exchanges a launch code for a session key.
async fn session(
    State(shared): State<Arc<Shared>>,
    Extension(place): Extension<Arc<Place>>,
    headers: HeaderMap,
    given: Result<Json<CodeGiven>, JsonRejection>,
) -> Response {
    if !shared.guard.is_ours(&headers) {
        return denied("origin");
    }
    let Json(CodeGiven { code }) = match given {
        Ok(given) => given,
        // The texts of the library would repeat what was sent.
        Err(problem) => return problem.status().into_response(),
    };
    match shared.keys.exchange(code.expose()) {
        Ok(key) => {
            place.known();
            let key = Secret::from(key);
            Json(KeyGiven { key }).into_response()
        }
        Err(Refused::Used) => denied("used"),
        Err(Refused::Unknown) => denied("unknown"),
    }
}

/// One more link, for another process of the same user: it has read the secret from a file that
/// is nobody else's. Pages never ask for it.
async fn launch(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Response {
    if headers.contains_key(ORIGIN) {
        return denied("origin");
    }
    let Json(Asked { secret }) = match asked {
        Ok(asked) => asked,
        Err(problem) => return problem.status().into_response(),
    };
    if !shared.keys.is_secret(secret.expose()) {
        return denied("unknown");
    }
    match shared.launch(WebServer::BY_HAND) {
        Ok(launch) => {
            let url = Zeroizing::new(launch.url().to_owned()).into();
            Json(Given { url }).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Keeps a content for a call of the page.
async fn upload(
    State(shared): State<Arc<Shared>>,
    Extension(place): Extension<Arc<Place>>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !shared.guard.is_ours(headers) {
        return denied("origin");
    }
    let key = headers.get(SESSION_KEY).and_then(|key| key.to_str().ok());
    let Some(ended) = key.and_then(|key| shared.keys.check(key)) else {
        return denied("key");
    };
    place.known();
    // Read after all of that: nobody else fills the memory.
    let Ok(_turn) = shared.uploading.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let content = tokio::select! {
        content = to_bytes(request.into_body(), MOST_UPLOADED) => content,
        () = ended.cancelled() => return denied("key"),
    };
    let Ok(content) = content else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match shared.session.upload(content.into()) {
        Ok(upload) => Json(Uploaded { upload }).into_response(),
        Err(_) => StatusCode::INSUFFICIENT_STORAGE.into_response(),
    }
}

/// The API as a WebSocket.
async fn api(
    State(shared): State<Arc<Shared>>,
    Extension(place): Extension<Arc<Place>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !shared.guard.is_ours(&headers) {
        return denied("origin");
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(problem) => return problem.status().into_response(),
    };
    let tasks = shared.tasks.clone();
    upgrade
        .max_message_size(MAX_LINE)
        .max_frame_size(MAX_LINE)
        .on_upgrade(move |socket| {
            tasks.track_future(async move {
                tokio::select! {
                    () = socket::run(socket, &shared, &place) => {}
                    () = place.lost().cancelled_owned() => {}
                }
            })
        })
}

fn denied(error: &'static str) -> Response {
    (StatusCode::FORBIDDEN, Json(Denied { error })).into_response()
}
