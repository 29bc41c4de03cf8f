//! Queries about other things than files.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use url::form_urlencoded;

use super::{Failure, Http, auth};
use crate::announcements::{Channel, Platform};

const DAYS: core::ops::RangeInclusive<u64> = 1..=30;
const USUAL_DAYS: u64 = 7;

/// `GET /session_version`.
pub(super) async fn session_version(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, _) = request.into_parts();
    if auth::verify(&head, b"", http.now())?.is_some() {
        http.counters.signed_queries.one();
    }
    let platform: Option<Platform> =
        parameter(&head, "platform").and_then(|name| name.parse().ok());
    let channel =
        parameter(&head, "release_channel").map_or(Ok(Channel::Stable), |name| name.parse());
    let (Some(platform), Ok(channel)) = (platform, channel) else {
        return Err(Failure::NOT_FOUND);
    };
    let current = http.announcements.current();
    let answer = current.version(platform, channel).ok_or(NO_DATA)?;
    Ok(axum::Json(answer).into_response())
}

/// `GET /token_info`.
pub(super) async fn token_info(
    State(http): State<Arc<Http>>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, _) = request.into_parts();
    let days = parameter(&head, "days").map_or(Ok(USUAL_DAYS), |days| days.parse());
    let days = days.ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or(Failure::BAD_REQUEST)?;
    let current = http.announcements.current();
    let answer = current.token(days, http.now()).ok_or(NO_DATA)?;
    Ok(axum::Json(answer).into_response())
}

const NO_DATA: Failure = Failure(StatusCode::BAD_GATEWAY);

fn parameter(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
