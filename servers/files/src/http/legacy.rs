//! Files in base64 inside JSON, as the first clients sent and fetched them.

use core::mem;
use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use data_encoding::{BASE64, BASE64_NOPAD};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{Extensions, HeaderValue, StatusCode, header};
use serde::Deserialize;
use session_chassis::body::{self, BodyError, BodyLimits};

use super::current::parts;
use super::received::announced;
use super::{Failure, Http, named, peer, rng};
use crate::{FileId, FilesError};

/// What JSON may need beside the file.
const AROUND: u64 = 4096;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HEAD: &[u8] = br#"{"status_code": 200, "result": ""#;
const TAIL: &[u8] = br#""}"#;

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
}

/// An id: a number where there are numbers.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

#[derive(Debug, serde::Serialize)]
pub(super) struct Uploaded {
    status_code: u16,
    result: Id,
}

/// Size of a file in base64.
pub(crate) const fn encoded_size(size: u64) -> u64 {
    size.div_ceil(3).saturating_mul(4).saturating_add(AROUND)
}

/// `POST /files`.
pub(super) async fn upload(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<Json<Uploaded>, Failure> {
    let (head, body) = request.into_parts();
    let max = http.files.rules().max_file_bytes;
    let ttl = http.ttl(&head.headers)?;
    let announced = announced(&head.headers)?;
    if announced.is_some_and(|announced| announced > encoded_size(max)) {
        return Err(FilesError::TooLarge(max).into());
    }
    let peer = peer(&head.extensions);
    let _place = http.admit_upload(peer, announced)?;
    let mut share = http.legacy_memory.share(peer);
    let limits = BodyLimits {
        max_bytes: usize::try_from(encoded_size(max)).unwrap_or(usize::MAX),
        timeout: http.limits.body_timeout,
    };
    let sent = body::read_within(body, limits, &mut share)
        .await
        .map_err(|error| {
            if matches!(error, BodyError::NoMemory) {
                http.counters.busy.one();
            }
            Failure(error.status())
        })?;
    if !share.grow_to(sent.len().saturating_mul(2)) {
        http.counters.busy.one();
        return Err(Failure(StatusCode::SERVICE_UNAVAILABLE));
    }
    let decoded = tokio::task::spawn_blocking(move || decode(&sent)).await;
    let content = decoded.ok().flatten().ok_or(Failure::BAD_REQUEST)?;
    let mut upload = http
        .files
        .put(Some(u64::try_from(content.len()).unwrap_or(u64::MAX)))?;
    upload.write(content).await?;
    let record = upload.finish(ttl, http.now(), &mut rng()).await?;
    http.counters.uploaded(&record);
    Ok(Json(Uploaded {
        status_code: 200,
        result: match record.id {
            FileId::Number(number) => Id::Number(number),
            id @ FileId::Content(_) => Id::Text(id.to_string()),
        },
    }))
}

fn decode(sent: &[u8]) -> Option<Bytes> {
    // A list would pass for an object with its members in order.
    let is_object = sent.trim_ascii_start().starts_with(b"{");
    let Sent { file } = serde_json::from_slice(sent).ok().filter(|_| is_object)?;
    let text = file.trim_end_matches('=');
    BASE64_NOPAD.decode(text.as_bytes()).ok().map(Bytes::from)
}

/// `GET /files/ID`.
pub(super) async fn download(
    State(http): State<Arc<Http>>,
    id: Result<Path<String>, PathRejection>,
    extensions: Extensions,
) -> Result<Response, Failure> {
    let id = named(id)?;
    let place = http.admit_download(peer(&extensions))?;
    let (record, content) = http.files.get(id, http.now()).await?;
    http.counters.downloaded(&record);
    let mut left = BytesMut::new();
    let encoded = parts(content, place)
        .map_ok(Some)
        .chain(stream::once(async { Ok(None) }))
        .map_ok(move |part| match part {
            Some(part) => Bytes::from(encode(&mut left, &part)),
            None => Bytes::from(BASE64.encode(&mem::take(&mut left))),
        });
    let whole = stream::once(async { Ok(Bytes::from_static(HEAD)) })
        .chain(encoded)
        .chain(stream::once(async { Ok(Bytes::from_static(TAIL)) }));
    let mut response = Response::new(Body::from_stream(whole));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(response)
}

/// Encodes as many bytes as make whole groups; what is over goes to the next part.
fn encode(left: &mut BytesMut, part: &[u8]) -> String {
    left.extend_from_slice(part);
    let over = left.len() % 3;
    let whole = left.split_to(left.len() - over);
    BASE64.encode(&whole)
}
