//! Onion requests to a server outside the network (docs/protocol/file-server.md section 6).
//!
//! The last node of a path posts what it decrypted to [`V4_PATH`]. Inside is a request as any other
//! for the server's own router, and inside the answer is what that router answers; the server
//! learns the address of a node, never that of a client.
//!
//! The posted body:
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 4 | N, u32 little-endian |
//! | 4 | N | ciphertext of a [`v4::Request`] |
//! | 4 + N | rest | JSON with `ephemeral_key` and, optional, `enc_type`: `xchacha20`, or `aes-gcm`, which is also what holds without it |
//!
//! The answer is a [`v4::Response`] under the same key. A body that cannot be decrypted is answered
//! in the clear with 400; what is wrong inside is answered inside.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use session_crypto::X25519Secret;
use session_onion::packet::{HopKey, OnionCipher, parse_entry};
use session_onion::{EntryError, v4};
use tower_service::Service as _;

use crate::body::{self, BodyError, BodyLimits};
use crate::listener::PeerAddr;
use crate::memory::{MemoryByAddress, Share};

/// Where version 4 requests are posted to.
pub const V4_PATH: &str = "/oxen/v4/lsrpc";

/// Longest path and query of an inner request.
const MAX_ENDPOINT: usize = 8 * 1024;

/// From this size on encryption gets a thread of its own.
const LONG_WORK: usize = 128 * 1024;

/// Marks a request that came through an onion path; handlers take it as
/// `Option<Extension<ViaOnion>>`. Such a request has no
/// [`PeerAddr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViaOnion;

/// How much onion requests may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnionLimits {
    /// Size of a posted body (413).
    pub max_request_bytes: usize,
    /// Size of the body of an answer; a longer one becomes a 500 inside.
    pub max_answer_bytes: usize,
    /// Time until the last byte of a body must have arrived (408).
    pub body_timeout: Duration,
    /// Memory for all requests and answers together (503).
    pub max_memory_bytes: usize,
    /// The same for those of one node.
    pub max_memory_bytes_per_node: usize,
}

impl Default for OnionLimits {
    fn default() -> Self {
        Self {
            max_request_bytes: session_types::limits::MAX_REQUEST_BODY,
            max_answer_bytes: 16 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            max_memory_bytes: 512 * 1024 * 1024,
            max_memory_bytes_per_node: 128 * 1024 * 1024,
        }
    }
}

/// What became of onion requests so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnionCounts {
    /// Answered by the router, whatever the status inside.
    pub answered: u64,
    /// Refused because they could not be read or decrypted.
    pub unreadable: u64,
    /// Refused for want of memory.
    pub busy: u64,
}

/// The entrance for onion requests. Clones share it.
#[derive(Clone)]
pub struct OnionIngress(Arc<Shared>);

struct Shared {
    secret: X25519Secret,
    limits: OnionLimits,
    memory: MemoryByAddress,
    answered: AtomicU64,
    unreadable: AtomicU64,
    busy: AtomicU64,
}

impl OnionIngress {
    /// An entrance for requests encrypted to `secret`.
    #[must_use]
    pub fn new(secret: X25519Secret, limits: OnionLimits) -> Self {
        Self(Arc::new(Shared {
            secret,
            limits,
            memory: MemoryByAddress::new(limits.max_memory_bytes, limits.max_memory_bytes_per_node),
            answered: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            busy: AtomicU64::new(0),
        }))
    }

    /// `inner` with the entrance added. Requests that come through it are answered by `inner`
    /// as it is: layers added to the returned router see the outer requests only.
    pub fn added_to(&self, inner: Router) -> Router {
        let entrance = Router::new()
            .route(V4_PATH, post(enter))
            .with_state((self.clone(), inner.clone()));
        inner.merge(entrance)
    }

    /// What became of requests so far.
    #[must_use]
    pub fn counts(&self) -> OnionCounts {
        OnionCounts {
            answered: self.0.answered.load(Ordering::Relaxed),
            unreadable: self.0.unreadable.load(Ordering::Relaxed),
            busy: self.0.busy.load(Ordering::Relaxed),
        }
    }

    async fn answer(&self, inner: Router, outer: Request) -> Result<Response, Refusal> {
        let Shared { limits, memory, .. } = &*self.0;
        let node = outer.extensions().get::<PeerAddr>();
        let mut share = memory.share(node.map(|PeerAddr(node)| node.ip()));
        let sent = outer.into_body();
        let body_limits = BodyLimits {
            max_bytes: limits.max_request_bytes,
            timeout: limits.body_timeout,
        };
        let posted = body::read_within(sent, body_limits, &mut share).await?;
        // Ciphertext and plaintext, then plaintext and the body taken out of it.
        if !share.grow_to(posted.len().saturating_mul(2)) {
            return Err(Refusal::NoMemory);
        }
        let ingress = self.clone();
        let opened = work(posted.len(), move || ingress.open(&posted)).await??;
        let answer = match opened.request.and_then(inner_request) {
            Some(request) => Box::pin(call(inner, request, limits, &mut share)).await?,
            None => malformed(),
        };
        let size = answer.body.len();
        if !share.grow_to(size.saturating_mul(2)) {
            return Err(Refusal::NoMemory);
        }
        let key = opened.key;
        let sealed = work(size, move || {
            let plaintext = answer.encode();
            drop(answer);
            key.encrypt(&plaintext, &mut rand::rng())
        })
        .await?;
        share.shrink_to(sealed.len());
        let length = sealed.len();
        let mut response = Response::new(share.guard(sealed));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        Ok(response)
    }

    fn open(&self, posted: &[u8]) -> Result<Opened, Refusal> {
        let entry = parse_entry(posted)?;
        // Nodes still read it; servers never have.
        if entry.cipher == OnionCipher::AesCbc {
            return Err(EntryError::Cipher.into());
        }
        let key = HopKey::server(entry.cipher, &self.0.secret, &entry.ephemeral_key)
            .map_err(|_| Refusal::Undecryptable)?;
        let plaintext = key
            .decrypt(entry.ciphertext)
            .map_err(|_| Refusal::Undecryptable)?;
        let request = v4::Request::decode(&plaintext);
        Ok(Opened { key, request })
    }
}

impl fmt::Debug for OnionIngress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnionIngress")
            .field("key", self.0.secret.public())
            .finish_non_exhaustive()
    }
}

struct Opened {
    key: HopKey,
    request: Option<v4::Request>,
}

/// Why there is no encrypted answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("internal error")]
    Failed,
    #[error("server busy, try again later")]
    NoMemory,
    #[error("Invalid ciphertext")]
    Undecryptable,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Body(error) => error.status(),
            Self::Entry(_) | Self::Undecryptable => StatusCode::BAD_REQUEST,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn enter(
    State((ingress, inner)): State<(OnionIngress, Router)>,
    request: Request,
) -> Response {
    let answered = Box::pin(ingress.answer(inner, request)).await;
    let counter = match &answered {
        Ok(_) => &ingress.0.answered,
        Err(Refusal::NoMemory | Refusal::Body(BodyError::NoMemory)) => &ingress.0.busy,
        Err(_) => &ingress.0.unreadable,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    answered.unwrap_or_else(|refusal| (refusal.status(), refusal.to_string()).into_response())
}

/// The request for the router; `None` when it cannot be one.
fn inner_request(request: v4::Request) -> Option<Request> {
    let v4::Request {
        endpoint,
        method,
        headers,
        body,
    } = request;
    let mut inner = Request::new(Body::empty());
    *inner.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    let uri = uri(&endpoint)?;
    if uri.path().ends_with("/lsrpc") {
        // An onion request inside an onion request.
        return None;
    }
    *inner.uri_mut() = uri;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        if !concerns_connection(&name) {
            inner.headers_mut().insert(name, value);
        }
    }
    if let Some(body) = body {
        let headers = inner.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/octet-stream"));
        *inner.body_mut() = Body::from(body);
    }
    inner.extensions_mut().insert(ViaOnion);
    Some(inner)
}

/// Path and query, with percent escapes for what may not stand in a URI as it is.
fn uri(endpoint: &str) -> Option<Uri> {
    if !endpoint.starts_with('/') || endpoint.len() > MAX_ENDPOINT {
        return None;
    }
    let mut escaped = String::with_capacity(endpoint.len());
    for byte in endpoint.bytes() {
        let plain = byte.is_ascii_graphic() && !br##""#<>\^`{|}"##.contains(&byte);
        if plain {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    // Beginning with two slashes it would name another host.
    let uri: Uri = escaped.parse().ok()?;
    (uri.authority().is_none() && uri.path_and_query().is_some()).then_some(uri)
}

async fn call(
    mut router: Router,
    request: Request,
    limits: &OnionLimits,
    share: &mut Share,
) -> Result<v4::Response, Refusal> {
    let response = match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (head, body) = response.into_parts();
    let collected = collect(body, limits.max_answer_bytes, share).await?;
    let (code, body) = match collected {
        Some(body) => (head.status, body),
        None => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    Ok(v4::Response {
        code: code.as_u16(),
        headers: answer_headers(&head.headers),
        body,
    })
}

/// The body of an answer; `None` when it broke off or is too long.
async fn collect(
    mut body: Body,
    max: usize,
    share: &mut Share,
) -> Result<Option<Vec<u8>>, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Ok(None);
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let size = whole.len().saturating_add(data.len());
        if size > max {
            return Ok(None);
        }
        if !share.grow_to(size) {
            return Err(Refusal::NoMemory);
        }
        whole.extend_from_slice(&data);
    }
    Ok(Some(Bytes::from(whole).into()))
}

fn answer_headers(headers: &HeaderMap) -> v4::Headers {
    headers
        .iter()
        .filter(|(name, _)| !concerns_connection(name))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Headers about the transfer of a body or about one connection: inside an onion request there is
/// neither.
fn concerns_connection(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
}

fn malformed() -> v4::Response {
    v4::Response {
        code: 400,
        headers: v4::Headers::from([("content-type".to_owned(), "text/plain".to_owned())]),
        body: b"Invalid v4 onion request".to_vec(),
    }
}

/// Does what may take long for so many bytes where it holds up nobody.
async fn work<T: Send + 'static>(
    bytes: usize,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if bytes < LONG_WORK {
        return Ok(job());
    }
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|_| Refusal::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_become_uris() {
        let parsed = |endpoint: &str| uri(endpoint).map(|uri| uri.to_string());
        assert_eq!(parsed("/file/7?a=b").as_deref(), Some("/file/7?a=b"));
        assert_eq!(
            parsed("/ra\u{fc}me/a b#c").as_deref(),
            Some("/ra%C3%BCme/a%20b%23c")
        );
        assert_eq!(parsed("/a%20b").as_deref(), Some("/a%20b"));
        for bad in ["", "file/7", "http://a.example/", "*"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
        assert_eq!(parsed(&format!("/{}", "a".repeat(MAX_ENDPOINT))), None);
        assert!(parsed("//a.example/x").is_none_or(|uri| uri.starts_with('/')));
    }

    #[test]
    fn debug_shows_no_secret() {
        let ingress =
            OnionIngress::new(X25519Secret::from_bytes([0xa0; 32]), OnionLimits::default());
        let key = X25519Secret::from_bytes([0xa0; 32]);
        assert_eq!(
            format!("{ingress:?}"),
            format!("OnionIngress {{ key: {:?}, .. }}", key.public())
        );
    }
}
