//! The HTTP interface (docs/protocol/file-server.md section 4).
//!
//! | request | handler |
//! |---|---|
//! | `POST /file`, `GET /file/ID`, `GET /file/ID/info`, `POST /file/ID/extend` | [`current`] |
//! | `POST /files`, `GET /files/ID` | [`legacy`] |
//! | `GET /session_version`, `GET /token_info` | [`queries`] |
//!
//! The same router answers direct requests and those out of onion requests.

mod auth;
mod current;
mod legacy;
mod places;
mod queries;
mod received;

pub(crate) use legacy::encoded_size;

use core::time::Duration;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use session_chassis::clock::Clock;
use session_chassis::limit::{RateLimiter, RateLimits, SharedLimiter};
use session_chassis::listener::PeerAddr;
use session_chassis::memory::MemoryByAddress;
use session_chassis::onion::{OnionIngress, V4_PATH};
use session_types::Timestamp;

use crate::announcements::Announcements;
use crate::metrics::Counters;
use crate::{FileId, Files, FilesError};
pub(crate) use places::{Place, Places};

const TTL_HEADER: &str = "x-fs-ttl";

/// A kibibyte is what one token of the upload volume stands for.
const VOLUME_UNIT: u64 = 1024;

/// What part of the memory for legacy uploads one address may take.
const LEGACY_PART: usize = 4;

/// How much is granted to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpLimits {
    /// Nothing directly (403).
    pub(crate) only_onion: bool,
    /// Direct requests of one address (429).
    pub(crate) per_address: RateLimits,
    /// Onion requests of one node, readable or not (429).
    pub(crate) per_node: RateLimits,
    /// Requests of everybody per second, those out of onion requests included (503).
    pub(crate) requests_per_second: u32,
    /// Requests everybody may make at once after a pause.
    pub(crate) burst: u32,
    /// Bytes one address may upload directly in the long run, in KiB per second (429).
    pub(crate) upload_kib_per_second: u32,
    /// Bytes one address may upload at once after a pause, in KiB.
    pub(crate) upload_burst_kib: u32,
    /// Direct uploads under way (503).
    pub(crate) max_uploads: usize,
    /// The same for one address.
    pub(crate) max_uploads_per_address: usize,
    /// Direct downloads under way (503).
    pub(crate) max_downloads: usize,
    /// The same for one address.
    pub(crate) max_downloads_per_address: usize,
    /// Memory for legacy uploads, which arrive in JSON (503).
    pub(crate) max_legacy_memory: usize,
    /// How long an upload may pause (408).
    pub(crate) body_pause: Duration,
    /// How long an upload may take (408).
    pub(crate) body_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            only_onion: false,
            per_address: RateLimits {
                capacity: 300,
                refill_per_second: 50,
                max_addresses: 100_000,
                ..RateLimits::default()
            },
            per_node: RateLimits {
                capacity: 2000,
                refill_per_second: 500,
                max_addresses: 100_000,
                ..RateLimits::default()
            },
            requests_per_second: 5000,
            burst: 10_000,
            upload_kib_per_second: 2048,
            upload_burst_kib: 256 * 1024,
            max_uploads: 512,
            max_uploads_per_address: 32,
            max_downloads: 1024,
            max_downloads_per_address: 128,
            max_legacy_memory: 256 * 1024 * 1024,
            body_pause: Duration::from_secs(30),
            body_timeout: Duration::from_secs(1200),
        }
    }
}

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) files: Arc<Files>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) announcements: Arc<Announcements>,
    clock: Arc<dyn Clock>,
    pub(crate) limits: HttpLimits,
    requests: RateLimiter,
    nodes: RateLimiter,
    all_requests: SharedLimiter,
    volume: RateLimiter,
    uploads: Arc<Places>,
    downloads: Arc<Places>,
    legacy_memory: MemoryByAddress,
}

impl Http {
    pub(crate) fn new(
        files: Arc<Files>,
        counters: Arc<Counters>,
        announcements: Arc<Announcements>,
        clock: Arc<dyn Clock>,
        limits: HttpLimits,
    ) -> Self {
        Self {
            files,
            counters,
            announcements,
            clock,
            requests: RateLimiter::new(limits.per_address),
            nodes: RateLimiter::new(limits.per_node),
            all_requests: SharedLimiter::new(limits.burst, limits.requests_per_second),
            volume: RateLimiter::new(RateLimits {
                capacity: limits.upload_burst_kib,
                refill_per_second: limits.upload_kib_per_second,
                ..limits.per_address
            }),
            uploads: Places::new(limits.max_uploads, limits.max_uploads_per_address),
            downloads: Places::new(limits.max_downloads, limits.max_downloads_per_address),
            legacy_memory: MemoryByAddress::new(
                limits.max_legacy_memory,
                limits.max_legacy_memory / LEGACY_PART,
            ),
            limits,
        }
    }

    /// The router that serves it all, through an onion and directly.
    pub(crate) fn router(self: Arc<Self>, onion: &OnionIngress) -> Router {
        let http = self;
        let inner = Router::new()
            .route("/file", post(current::upload))
            .route("/file/{id}", get(current::download))
            .route("/file/{id}/info", get(current::info))
            .route("/file/{id}/extend", post(current::extend))
            .route("/files", post(legacy::upload))
            .route("/files/{id}", get(legacy::download))
            .route("/session_version", get(queries::session_version))
            .route("/token_info", get(queries::token_info))
            .fallback(async || Failure::NOT_FOUND)
            .method_not_allowed_fallback(async || Failure(StatusCode::METHOD_NOT_ALLOWED))
            .layer(middleware::from_fn_with_state(Arc::clone(&http), admit))
            .with_state(Arc::clone(&http));
        onion
            .added_to(inner)
            .layer(middleware::from_fn_with_state(http, admit_node))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a request may be made, directly from an address or through nodes.
    pub(crate) fn admit_request(&self, direct: Option<IpAddr>) -> Result<(), Failure> {
        let now = Instant::now();
        self.counters.requests.one();
        if let Some(address) = direct
            && !self.requests.allow(address, now)
        {
            self.counters.rate_limited.one();
            return Err(Failure(StatusCode::TOO_MANY_REQUESTS));
        }
        if direct.is_some() && self.limits.only_onion {
            return Err(Failure(StatusCode::FORBIDDEN));
        }
        if !self.all_requests.allow_many(1, now) {
            self.counters.busy.one();
            return Err(Failure(StatusCode::SERVICE_UNAVAILABLE));
        }
        Ok(())
    }

    /// What an upload of so many bytes, or an unknown number, needs before it begins.
    pub(crate) fn admit_upload(
        &self,
        peer: Option<IpAddr>,
        announced: Option<u64>,
    ) -> Result<Option<Place>, Failure> {
        let Some(address) = peer else {
            // The entrance for onion requests has its own bounds.
            return Ok(None);
        };
        let bytes = announced.unwrap_or(self.files.rules().max_file_bytes);
        let tokens = u32::try_from(bytes.div_ceil(VOLUME_UNIT)).unwrap_or(u32::MAX);
        if !self.volume.allow_many(address, tokens, Instant::now()) {
            self.counters.rate_limited.one();
            return Err(Failure(StatusCode::TOO_MANY_REQUESTS));
        }
        self.place(&self.uploads, address).map(Some)
    }

    pub(crate) fn admit_download(&self, peer: Option<IpAddr>) -> Result<Option<Place>, Failure> {
        peer.map(|address| self.place(&self.downloads, address))
            .transpose()
    }

    fn place(&self, places: &Arc<Places>, address: IpAddr) -> Result<Place, Failure> {
        places.take(address).ok_or_else(|| {
            self.counters.busy.one();
            Failure(StatusCode::SERVICE_UNAVAILABLE)
        })
    }

    /// The time to live a client asks for in a header.
    fn ttl(&self, headers: &HeaderMap) -> Result<Duration, Failure> {
        let asked = match headers.get(TTL_HEADER) {
            // Without a maximum the operator grants no other time than the usual one.
            Some(asked) if self.files.rules().max_ttl.is_some() => {
                let seconds = asked.to_str().ok().and_then(|text| text.parse().ok());
                Some(seconds.ok_or(Failure::BAD_REQUEST)?)
            }
            _ => None,
        };
        Ok(self.files.ttl(asked)?)
    }
}

/// Lets a request through to its handler, or not.
async fn admit(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    match http.admit_request(peer(request.extensions())) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// Lets an onion request through to where it is opened, or not: what cannot be opened costs as
/// much as what can.
async fn admit_node(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    if request.uri().path() == V4_PATH
        && let Some(address) = peer(request.extensions())
        && !http.nodes.allow(address, Instant::now())
    {
        http.counters.rate_limited.one();
        return Failure(StatusCode::TOO_MANY_REQUESTS).into_response();
    }
    next.run(request).await
}

/// The address of who asks directly.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let PeerAddr(address) = extensions.get()?;
    Some(address.ip())
}

/// The file a path names.
fn named(id: Result<Path<String>, PathRejection>) -> Result<FileId, Failure> {
    let Path(id) = id.map_err(|_| Failure::NOT_FOUND)?;
    id.parse().map_err(|_| Failure::NOT_FOUND)
}

/// The operating system's randomness; unlike a thread's own it may go from thread to thread.
pub(crate) const fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Seconds, as JSON has them.
#[allow(
    clippy::cast_precision_loss,
    reason = "times of this millennium are exact"
)]
fn seconds(time: Timestamp) -> f64 {
    time.as_ms() as f64 / 1000.0
}

/// The status of a request that is not fulfilled, answered as `{"status_code": N}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) StatusCode);

impl Failure {
    const BAD_REQUEST: Self = Self(StatusCode::BAD_REQUEST);
    const NOT_FOUND: Self = Self(StatusCode::NOT_FOUND);
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        Self(match error {
            FilesError::Empty | FilesError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            FilesError::Full | FilesError::NoFreeNumber => StatusCode::INSUFFICIENT_STORAGE,
            FilesError::NotFound => StatusCode::NOT_FOUND,
            FilesError::Storage(error) => {
                tracing::error!(%error, "the storage failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            FilesError::Ttl => StatusCode::BAD_REQUEST,
        })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "status_code": self.0.as_u16() });
        let mut response = (self.0, axum::Json(body)).into_response();
        if [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .contains(&self.0)
        {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
