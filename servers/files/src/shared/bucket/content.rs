//! Reading content from a bucket.

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::Response;
use rusty_s3::actions::{GetObject, S3Action as _};

use super::requests::{self, unreachable};
use super::{Bucket, SIGNATURE};
use crate::shared::key::ObjectKey;
use crate::storage::{Content, Pending, StorageError};

/// How often reading goes on where it broke off, unless something came meanwhile: who downloads
/// slowly meets an object store that does not wait.
const RESUMED: u32 = 3;

/// Content that is being read.
#[derive(Debug)]
pub(in crate::shared) struct BucketContent {
    bucket: Arc<Bucket>,
    key: ObjectKey,
    size: u64,
    position: u64,
    answer: Option<Response>,
    resumed: u32,
}

impl BucketContent {
    pub(super) async fn open(
        bucket: Arc<Bucket>,
        key: ObjectKey,
        size: u64,
    ) -> Result<Self, StorageError> {
        let answer = ask(&bucket, key, 0, size).await?;
        Ok(Self {
            bucket,
            key,
            size,
            position: 0,
            answer: Some(answer),
            resumed: 0,
        })
    }

    async fn read(&mut self) -> Result<Option<Bytes>, StorageError> {
        loop {
            if self.position >= self.size {
                return Ok(None);
            }
            let answer = match &mut self.answer {
                Some(answer) => answer,
                None => {
                    let answer = ask(&self.bucket, self.key, self.position, self.size).await?;
                    self.answer.insert(answer)
                }
            };
            let failure = match answer.chunk().await {
                Ok(Some(part)) if part.is_empty() => continue,
                Ok(Some(part)) => {
                    let more = u64::try_from(part.len()).unwrap_or(u64::MAX);
                    self.position = self.position.saturating_add(more);
                    if self.position > self.size {
                        return Err(StorageError::Damaged);
                    }
                    self.resumed = 0;
                    return Ok(Some(part));
                }
                Ok(None) => StorageError::Damaged,
                Err(error) => unreachable(error),
            };
            self.answer = None;
            self.resumed += 1;
            if self.resumed > RESUMED {
                return Err(failure);
            }
        }
    }
}

/// Asks for the content from a position on.
async fn ask(
    bucket: &Bucket,
    key: ObjectKey,
    position: u64,
    size: u64,
) -> Result<Response, StorageError> {
    let name = bucket.name(key);
    let sign = || GetObject::new(&bucket.address, Some(&bucket.credentials), &name).sign(SIGNATURE);
    let answer = bucket.requests.ask_from(position, sign).await?;
    let expected = match position {
        0 => StatusCode::OK,
        _ => StatusCode::PARTIAL_CONTENT,
    };
    match answer.status() {
        StatusCode::NOT_FOUND => return Err(StorageError::Damaged),
        status if status == expected => {}
        _ => return Err(requests::refused(answer).await),
    }
    let length = answer.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length != size.saturating_sub(position) => Err(StorageError::Damaged),
        _ => Ok(answer),
    }
}

impl Content for BucketContent {
    fn next(&mut self) -> Pending<'_, Option<Bytes>> {
        Box::pin(self.read())
    }
}
