//! Content on its way into a bucket.

use std::sync::Arc;

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::{Body, Method};
use rusty_s3::actions::{
    CompleteMultipartUpload, CompleteMultipartUploadResponse, CreateMultipartUpload, PutObject,
    S3Action as _, UploadPart,
};

use super::spool::Spool;
use super::{Bucket, MAX_PARTS, SIGNATURE, requests};
use crate::local::blocking;
use crate::shared::key::ObjectKey;
use crate::storage::StorageError;

/// Content on its way in, deleted in the end unless it is kept.
pub(in crate::shared) struct BucketObject {
    bucket: Arc<Bucket>,
    key: ObjectKey,
    size: u64,
    spool: Spool,
    /// Where it goes in parts.
    parts: Option<Parts>,
    state: State,
}

/// Parts that are there.
struct Parts {
    upload: String,
    tags: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is no object yet.
    Arriving,
    /// There may be one.
    Finishing,
    /// There is one.
    There,
    /// And it stays.
    Kept,
}

impl BucketObject {
    pub(super) fn new(bucket: Arc<Bucket>, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            size: 0,
            spool: Spool::default(),
            parts: None,
            state: State::Arriving,
        }
    }

    pub(in crate::shared) const fn key(&self) -> ObjectKey {
        self.key
    }

    /// Adds to the end. Blocks.
    pub(in crate::shared) fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.size = self.size.saturating_add(more);
        Ok(self.spool.write(bytes, &self.bucket.spool)?)
    }

    /// Sends off whole parts.
    pub(in crate::shared) async fn advance(&mut self) -> Result<(), StorageError> {
        while self.spool.has_part() {
            self.send_part().await?;
            self.write_down().await?;
        }
        Ok(())
    }

    /// Sends off the rest. When this returns, the object store has all of it.
    pub(in crate::shared) async fn finish(&mut self) -> Result<(), StorageError> {
        if self.state == State::There {
            return Ok(());
        }
        self.advance().await?;
        if self.parts.is_none() {
            self.state = State::Finishing;
            self.put().await?;
        } else {
            if !self.spool.is_empty() {
                self.send_part().await?;
            }
            self.state = State::Finishing;
            self.complete().await?;
        }
        self.state = State::There;
        Ok(())
    }

    /// From now on it stays.
    pub(in crate::shared) const fn keep(&mut self) {
        self.state = State::Kept;
    }

    async fn write_down(&mut self) -> Result<(), StorageError> {
        let mut spool = core::mem::take(&mut self.spool);
        let bucket = Arc::clone(&self.bucket);
        self.spool = blocking(move || {
            spool.write_down(&bucket.spool)?;
            Ok(spool)
        })
        .await?;
        Ok(())
    }

    async fn put(&mut self) -> Result<(), StorageError> {
        let bucket = &self.bucket;
        let name = bucket.name(self.key);
        let sign =
            || PutObject::new(&bucket.address, Some(&bucket.credentials), &name).sign(SIGNATURE);
        let (spool, length) = (&self.spool, self.spool.length());
        let sent = bucket
            .requests
            .send(Method::PUT, sign, length, || spool.body());
        let answer = sent.await?;
        if answer.status() != StatusCode::OK {
            return Err(requests::refused(answer).await);
        }
        self.spool.sent();
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), StorageError> {
        let begun = match self.parts.take() {
            Some(parts) => parts,
            None => Parts {
                upload: self.begin_parts().await?,
                tags: Vec::new(),
            },
        };
        let parts = self.parts.insert(begun);
        let number = u16::try_from(parts.tags.len().saturating_add(1)).unwrap_or(u16::MAX);
        if u64::from(number) > MAX_PARTS {
            return Err(StorageError::Full);
        }
        let bucket = &self.bucket;
        let name = bucket.name(self.key);
        let sign = || {
            let credentials = Some(&bucket.credentials);
            UploadPart::new(&bucket.address, credentials, &name, number, &parts.upload)
                .sign(SIGNATURE)
        };
        let (spool, length) = (&self.spool, self.spool.length());
        let sent = bucket
            .requests
            .send(Method::PUT, sign, length, || spool.body());
        let answer = sent.await?;
        if answer.status() != StatusCode::OK {
            return Err(requests::refused(answer).await);
        }
        let tag = answer.headers().get(header::ETAG);
        let tag = tag.and_then(|tag| tag.to_str().ok());
        parts
            .tags
            .push(tag.ok_or(StorageError::ObjectStoreAnswer)?.to_owned());
        self.spool.sent();
        Ok(())
    }

    async fn begin_parts(&self) -> Result<String, StorageError> {
        let bucket = &self.bucket;
        let name = bucket.name(self.key);
        let sign = || {
            CreateMultipartUpload::new(&bucket.address, Some(&bucket.credentials), &name)
                .sign(SIGNATURE)
        };
        let answer = bucket.requests.ask(Method::POST, sign).await?;
        let text = requests::text(answer).await?;
        let begun = CreateMultipartUpload::parse_response(text.trim_start());
        let begun = begun.map_err(|_| StorageError::ObjectStoreAnswer)?;
        Ok(begun.upload_id().to_owned())
    }

    async fn complete(&self) -> Result<(), StorageError> {
        let Some(parts) = &self.parts else {
            return Err(StorageError::Closed);
        };
        let bucket = &self.bucket;
        let name = bucket.name(self.key);
        let action = || {
            let tags = parts.tags.iter().map(String::as_str);
            let credentials = Some(&bucket.credentials);
            CompleteMultipartUpload::new(&bucket.address, credentials, &name, &parts.upload, tags)
        };
        let body = Bytes::from(action().body());
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let answer = bucket
            .requests
            .send(
                Method::POST,
                || action().sign(SIGNATURE),
                length,
                || Body::from(body.clone()),
            )
            .await?;
        if answer.status() == StatusCode::NOT_FOUND
            && bucket.size_of(self.key).await? == Some(self.size)
        {
            // It was complete when it was asked the first time, but that answer was lost.
            return Ok(());
        }
        let text = requests::text(answer).await?;
        // An error may come with a status that says all is well.
        match CompleteMultipartUploadResponse::parse(text.trim_start()) {
            Ok(_) => Ok(()),
            Err(_) => Err(StorageError::ObjectStoreRefused {
                status: StatusCode::OK.as_u16(),
                code: super::answers::error_code(&text).unwrap_or_default(),
            }),
        }
    }
}

impl Drop for BucketObject {
    fn drop(&mut self) {
        let upload = self.parts.take().map(|parts| parts.upload);
        let (has_parts, has_object) = match self.state {
            State::Arriving => (upload.is_some(), false),
            State::Finishing => (upload.is_some(), true),
            State::There => (false, true),
            State::Kept => (false, false),
        };
        if !has_parts && !has_object {
            return;
        }
        let (bucket, key) = (Arc::clone(&self.bucket), self.key);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let tasks = self.bucket.tasks.clone();
        let undo = async move {
            let aborted = match &upload {
                Some(upload) if has_parts => bucket.abort(key, upload).await,
                _ => Ok(()),
            };
            let removed = match has_object {
                true => bucket.remove(key).await,
                false => Ok(()),
            };
            if let Err(error) = aborted.and(removed) {
                tracing::warn!(%error, "an upload that was given up waits for a sweep");
            }
        };
        tasks.spawn_on(undo, &runtime);
    }
}
