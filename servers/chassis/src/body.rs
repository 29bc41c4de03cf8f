//! Reading request bodies that may not exceed a size.

use core::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use session_types::ErrorKind;

use crate::memory::Share;

/// How large a body may be and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes at most.
    pub max_bytes: usize,
    /// Time until the last byte must have arrived.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    /// 10 MiB as in docs/protocol/node.md section 6.1, within half a minute.
    fn default() -> Self {
        Self {
            max_bytes: session_types::limits::MAX_REQUEST_BODY,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It ended too early, or the connection broke.
    #[error("the request body ended early")]
    Broken(#[source] axum::Error),
    /// The memory set aside for bodies is used up.
    #[error("no memory for the request body at the moment")]
    NoMemory,
    /// It did not arrive in time.
    #[error("the request body did not arrive in time")]
    TimedOut,
    /// More than this many bytes were announced or sent.
    #[error("request body larger than {0} bytes")]
    TooLarge(usize),
}

impl BodyError {
    /// The status that tells a client about it.
    #[must_use]
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::Broken(_) => http::StatusCode::BAD_REQUEST,
            Self::NoMemory => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => http::StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => http::StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoMemory => ErrorKind::Unreachable,
            Self::Broken(_) | Self::TimedOut | Self::TooLarge(_) => ErrorKind::BadPeer,
        }
    }
}

/// Reads the whole of `body`.
///
/// A body that announces more than the limit is refused before anything of it is read; one that
/// announces nothing is refused as soon as it exceeds the limit. Memory is taken as bytes
/// arrive, never on the strength of an announcement.
///
/// Cancel-safe in that nothing outlives the future; what was read so far is lost.
///
/// # Errors
/// [`BodyError`].
pub async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, BodyError> {
    read_in(body, limits, None).await
}

/// As [`read`], within the memory that all bodies share: `share` grows with what arrives.
///
/// # Errors
/// [`BodyError`], [`BodyError::NoMemory`] among them.
pub async fn read_within(
    body: Body,
    limits: BodyLimits,
    share: &mut Share,
) -> Result<Bytes, BodyError> {
    read_in(body, limits, Some(share)).await
}

async fn read_in(
    body: Body,
    limits: BodyLimits,
    share: Option<&mut Share>,
) -> Result<Bytes, BodyError> {
    let max = limits.max_bytes;
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > max) {
        return Err(BodyError::TooLarge(max));
    }
    tokio::time::timeout(limits.timeout, collect(body, max, share))
        .await
        .unwrap_or(Err(BodyError::TimedOut))
}

async fn collect(
    mut body: Body,
    max: usize,
    mut share: Option<&mut Share>,
) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        if data.len() > max.saturating_sub(whole.len()) {
            return Err(BodyError::TooLarge(max));
        }
        if let Some(share) = &mut share
            && !share.grow_to(whole.len().saturating_add(data.len()))
        {
            return Err(BodyError::NoMemory);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
