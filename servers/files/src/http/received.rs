//! Receiving a file as it arrives.

use core::time::Duration;
use std::time::Instant;

use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::{Failure, Http};
use crate::Upload;

/// After a pause an upload must have made so many bytes per second on average, so that places are
/// not held by who sends a byte now and then.
const MIN_BYTES_PER_SECOND: u64 = 512;

impl Http {
    /// Passes a body on to an upload, part by part.
    pub(super) async fn receive(
        &self,
        mut body: Body,
        upload: &mut Upload<'_>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut received = 0u64;
        loop {
            let elapsed = began.elapsed();
            let left = self.limits.body_timeout.saturating_sub(elapsed);
            if left.is_zero() || self.is_too_slow(elapsed, received) {
                return Err(Failure(StatusCode::REQUEST_TIMEOUT));
            }
            let next = timeout(self.limits.body_pause.min(left), body.frame()).await;
            let Some(frame) = next.map_err(|_| Failure(StatusCode::REQUEST_TIMEOUT))? else {
                return Ok(());
            };
            let Ok(data) = frame.map_err(|_| Failure::BAD_REQUEST)?.into_data() else {
                continue;
            };
            received = received.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            upload.write(data).await?;
        }
    }

    fn is_too_slow(&self, elapsed: Duration, received: u64) -> bool {
        elapsed > self.limits.body_pause
            && received < elapsed.as_secs().saturating_mul(MIN_BYTES_PER_SECOND)
    }
}

/// How many bytes a request announces.
pub(super) fn announced(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(length) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(None);
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or(Failure::BAD_REQUEST)
}
