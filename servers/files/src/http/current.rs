//! Files as they are.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream, TryStreamExt as _};
use http::{Extensions, HeaderMap, HeaderValue, header};
use session_types::Timestamp;

use super::places::Place;
use super::received::announced;
use super::{Failure, Http, named, peer, rng, seconds};
use crate::storage::{Content, Record, StorageError};

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

#[derive(Debug, serde::Serialize)]
pub(super) struct Uploaded {
    id: String,
    expires: f64,
}

/// `POST /file`.
pub(super) async fn upload(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<Json<Uploaded>, Failure> {
    let (head, body) = request.into_parts();
    let ttl = http.ttl(&head.headers)?;
    let announced = announced(&head.headers)?;
    let mut upload = http.files.put(announced)?;
    let _place = http.admit_upload(peer(&head.extensions), announced)?;
    http.receive(body, &mut upload).await?;
    let record = upload.finish(ttl, http.now(), &mut rng()).await?;
    http.counters.uploaded(&record);
    Ok(Json(Uploaded {
        id: record.id.to_string(),
        expires: seconds(record.expires),
    }))
}

/// `GET /file/ID`.
pub(super) async fn download(
    State(http): State<Arc<Http>>,
    id: Result<Path<String>, PathRejection>,
    extensions: Extensions,
) -> Result<Response, Failure> {
    let id = named(id)?;
    let place = http.admit_download(peer(&extensions))?;
    let (record, content) = http.files.get(id, http.now()).await?;
    http.counters.downloaded(&record);
    let mut response = Response::new(Body::from_stream(parts(content, place)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, BYTES);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(record.size));
    if let Some(expires) = http_date(record.expires) {
        headers.insert(header::EXPIRES, expires);
    }
    Ok(response)
}

#[derive(Debug, serde::Serialize)]
pub(super) struct Info {
    size: u64,
    uploaded: f64,
    expires: f64,
}

impl From<Record> for Info {
    fn from(record: Record) -> Self {
        Self {
            size: record.size,
            uploaded: seconds(record.uploaded),
            expires: seconds(record.expires),
        }
    }
}

/// `GET /file/ID/info`.
pub(super) async fn info(
    State(http): State<Arc<Http>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Info>, Failure> {
    let record = http.files.info(named(id)?, http.now()).await?;
    Ok(Json(record.into()))
}

/// `POST /file/ID/extend`.
pub(super) async fn extend(
    State(http): State<Arc<Http>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Info>, Failure> {
    let id = named(id)?;
    let ttl = http.ttl(&headers)?;
    let record = http.files.extend(id, ttl, http.now()).await?;
    http.counters.extensions.one();
    Ok(Json(record.into()))
}

/// The parts of a file, and a place that is held until the last was taken.
pub(super) fn parts(
    content: Box<dyn Content>,
    place: Option<Place>,
) -> impl Stream<Item = Result<Bytes, StorageError>> + Send + use<> {
    let parts = stream::try_unfold(content, async |mut content| {
        Ok(content.next().await?.map(|part| (part, content)))
    });
    let parts = parts.inspect_err(|error| tracing::error!(%error, "a download was broken off"));
    Held {
        parts: Box::pin(parts),
        _place: place,
    }
}

struct Held<S> {
    parts: Pin<Box<S>>,
    _place: Option<Place>,
}

impl<S: Stream> Stream for Held<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.parts.as_mut().poll_next(cx)
    }
}

fn http_date(time: Timestamp) -> Option<HeaderValue> {
    let time: SystemTime =
        UNIX_EPOCH.checked_add(core::time::Duration::from_millis(time.as_ms()))?;
    // What comes after the year 9999 has no such date.
    let last = UNIX_EPOCH.checked_add(core::time::Duration::from_secs(253_402_300_799))?;
    HeaderValue::try_from(httpdate::fmt_http_date(time.min(last))).ok()
}
