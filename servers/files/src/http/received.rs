//! Receiving a file as it arrives.

use core::future::Future;
use core::time::Duration;
use std::time::Instant;

use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::{Failure, Http};
use crate::Upload;

/// How fast an upload goes; it may neither pause nor take too long.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    received: u64,
    pause: Duration,
    whole: Duration,
}

impl Pace {
    /// Waits for the next part, or for a time that is up (408).
    pub(crate) async fn next<T>(&mut self, part: impl Future<Output = T>) -> Result<T, Failure> {
        let elapsed = self.began.elapsed();
        let left = self.whole.saturating_sub(elapsed);
        if left.is_zero() || self.is_too_slow(elapsed) {
            return Err(Failure(StatusCode::REQUEST_TIMEOUT));
        }
        timeout(self.pause.min(left), part)
            .await
            .map_err(|_| Failure(StatusCode::REQUEST_TIMEOUT))
    }

    /// Counts what has come.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received = self
            .received
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn is_too_slow(&self, elapsed: Duration) -> bool {
        elapsed > self.pause
            && self.received < elapsed.as_secs().saturating_mul(MIN_BYTES_PER_SECOND)
    }
}

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
        let mut pace = self.pace();
        loop {
            let Some(frame) = pace.next(body.frame()).await? else {
                return Ok(());
            };
            let Ok(data) = frame.map_err(|_| Failure::BAD_REQUEST)?.into_data() else {
                continue;
            };
            pace.received(data.len());
            upload.write(data).await?;
        }
    }

    /// The pace of an upload that begins now.
    pub(crate) fn pace(&self) -> Pace {
        Pace {
            began: Instant::now(),
            received: 0,
            pause: self.limits.body_pause,
            whole: self.limits.body_timeout,
        }
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
