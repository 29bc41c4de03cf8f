//! Content in a bucket of an object store that speaks S3, under keys that are never used again.
//!
//! What is shorter than [`PART`] goes there in one request once it is complete; what is longer
//! goes in parts while it arrives, and becomes an object when the last one is there. A server
//! holds neither in memory: what waits to be sent is in a file without a name, which is gone with
//! the process. Parts of uploads that were cut short are removed by [`Bucket::abort_older_than`].

mod answers;
mod content;
mod requests;
mod spool;
mod upload;

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use http::{StatusCode, header};
use reqwest::Method;
use rusty_s3::actions::{
    AbortMultipartUpload, DeleteObject, HeadObject, ListObjectsV2, S3Action as _,
};
use rusty_s3::{Bucket as Address, Credentials};
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use super::key::ObjectKey;
use crate::storage::StorageError;
use crate::tls;
use answers::Uploads;
use content::BucketContent;
use requests::Requests;
pub(super) use upload::BucketObject;

/// Length of a part: each but the last has exactly so many bytes.
pub(crate) const PART: u64 = 8 * 1024 * 1024;

/// Parts an object may have.
pub(crate) const MAX_PARTS: u64 = 10_000;

/// How long the signature of a request is good for.
const SIGNATURE: Duration = Duration::from_secs(900);

/// A bucket, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// Where the object store is.
    pub endpoint: url::Url,
    /// The bucket, which is there.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The bucket is named in the path, not in the host name.
    pub path_style: bool,
    /// What keys of content begin with.
    pub prefix: String,
    /// Who asks.
    pub access_key: String,
    /// With what it signs.
    pub secret_key: Zeroizing<String>,
    /// Trust the authorities in this file and no other. None: those the system trusts.
    pub authorities: Option<PathBuf>,
    /// A folder for what waits to be sent.
    pub spool: PathBuf,
}

impl S3Config {
    /// The address of the bucket, if there can be one.
    pub(crate) fn address(&self) -> Result<Address, rusty_s3::BucketError> {
        let style = if self.path_style {
            rusty_s3::UrlStyle::Path
        } else {
            rusty_s3::UrlStyle::VirtualHost
        };
        Address::new(
            self.endpoint.clone(),
            style,
            self.bucket.clone(),
            self.region.clone(),
        )
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config").finish_non_exhaustive()
    }
}

/// A bucket.
pub(super) struct Bucket {
    requests: Requests,
    address: Address,
    credentials: Credentials,
    prefix: String,
    spool: PathBuf,
    tasks: TaskTracker,
}

impl Bucket {
    /// Looks whether the bucket is there and may be used. `tasks` does what is left to do of
    /// uploads that were given up.
    pub(super) async fn open(config: S3Config, tasks: TaskTracker) -> Result<Self, StorageError> {
        let address = config.address();
        let authorities = config.authorities;
        let (spool, prefix) = (config.spool, config.prefix);
        let folder = spool.clone();
        let tls = crate::local::blocking(move || {
            std::fs::create_dir_all(&folder)?;
            Ok(tls::client_config(authorities.as_deref())?)
        })
        .await?;
        let bucket = Self {
            requests: Requests::new(tls)?,
            address: address.map_err(|_| StorageError::ObjectStoreAnswer)?,
            credentials: Credentials::new(config.access_key, config.secret_key.as_str()),
            prefix,
            spool,
            tasks,
        };
        bucket.list_keys(None, Some(1)).await?;
        Ok(bucket)
    }

    /// Begins content under a key of its own.
    pub(super) fn begin(self: Arc<Self>) -> BucketObject {
        BucketObject::new(self, ObjectKey::random())
    }

    /// Begins to read content, [`StorageError::Damaged`] when it is not there or not so long.
    pub(super) async fn read(
        self: Arc<Self>,
        key: ObjectKey,
        size: u64,
    ) -> Result<BucketContent, StorageError> {
        BucketContent::open(self, key, size).await
    }

    /// Length of content, if it is there.
    pub(super) async fn size_of(&self, key: ObjectKey) -> Result<Option<u64>, StorageError> {
        let name = self.name(key);
        let sign =
            || HeadObject::new(&self.address, Some(&self.credentials), &name).sign(SIGNATURE);
        let answer = self.requests.ask(Method::HEAD, sign).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let length = answer.headers().get(header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                length.map(Some).ok_or(StorageError::ObjectStoreAnswer)
            }
            _ => Err(requests::refused(answer).await),
        }
    }

    /// Deletes content, whether there is any or not.
    pub(super) async fn remove(&self, key: ObjectKey) -> Result<(), StorageError> {
        let name = self.name(key);
        let sign =
            || DeleteObject::new(&self.address, Some(&self.credentials), &name).sign(SIGNATURE);
        self.settle(self.requests.ask(Method::DELETE, sign).await?)
            .await
    }

    /// A step through all content: what was written so long ago, and where to go on.
    pub(super) async fn list(
        &self,
        token: Option<&str>,
        age: Duration,
    ) -> Result<(Vec<ObjectKey>, Option<String>), StorageError> {
        let list = self.list_keys(token, None).await?;
        let old = list.contents.iter().filter(|object| {
            let written = object.last_modified.as_deref();
            written.is_some_and(|written| answers::is_older(written, age))
        });
        let keys = old.filter_map(|object| self.key(&object.key)).collect();
        Ok((keys, list.next_continuation_token))
    }

    /// Removes parts of uploads that were begun so long ago and are not complete; how many
    /// uploads.
    pub(super) async fn abort_older_than(&self, age: Duration) -> Result<u64, StorageError> {
        let mut aborted = 0;
        let mut marker = None;
        loop {
            let uploads = self.unfinished(marker.as_ref()).await?;
            for upload in &uploads.uploads {
                let is_old = answers::is_older(&upload.initiated, age);
                if let Some(key) = self.key(&upload.key)
                    && is_old
                {
                    self.abort(key, &upload.upload_id).await?;
                    aborted += 1;
                }
            }
            match uploads.next() {
                Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                _ => return Ok(aborted),
            }
        }
    }

    /// Removes the parts of one upload.
    async fn abort(&self, key: ObjectKey, upload: &str) -> Result<(), StorageError> {
        let name = self.name(key);
        let sign = || {
            AbortMultipartUpload::new(&self.address, Some(&self.credentials), &name, upload)
                .sign(SIGNATURE)
        };
        self.settle(self.requests.ask(Method::DELETE, sign).await?)
            .await
    }

    /// What was to be deleted is gone, or never was there.
    async fn settle(&self, answer: reqwest::Response) -> Result<(), StorageError> {
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
            _ => Err(requests::refused(answer).await),
        }
    }

    async fn list_keys(
        &self,
        token: Option<&str>,
        max: Option<usize>,
    ) -> Result<rusty_s3::actions::ListObjectsV2Response, StorageError> {
        let sign = || {
            let mut list = ListObjectsV2::new(&self.address, Some(&self.credentials));
            list.with_prefix(self.prefix.as_str());
            if let Some(max) = max {
                list.with_max_keys(max);
            }
            if let Some(token) = token {
                list.with_continuation_token(token);
            }
            list.sign(SIGNATURE)
        };
        let answer = self.requests.ask(Method::GET, sign).await?;
        let text = requests::text(answer).await?;
        ListObjectsV2::parse_response(text.trim_start())
            .map_err(|_| StorageError::ObjectStoreAnswer)
    }

    async fn unfinished(&self, marker: Option<&(String, String)>) -> Result<Uploads, StorageError> {
        let sign = || {
            let mut query = vec![("prefix", self.prefix.as_str()), ("uploads", "")];
            if let Some((key, upload)) = marker {
                query.push(("key-marker", key));
                query.push(("upload-id-marker", upload));
            }
            query.sort_unstable();
            rusty_s3::signing::sign(
                &jiff::Timestamp::now(),
                rusty_s3::Method::Get,
                self.address.base_url().clone(),
                self.credentials.key(),
                self.credentials.secret(),
                None,
                self.address.region(),
                SIGNATURE.as_secs(),
                query.into_iter(),
                core::iter::empty(),
            )
        };
        let answer = self.requests.ask(Method::GET, sign).await?;
        Uploads::parse(&requests::text(answer).await?)
    }

    fn name(&self, key: ObjectKey) -> String {
        format!("{}{key}", self.prefix)
    }

    /// What has another name is somebody else's.
    fn key(&self, name: &str) -> Option<ObjectKey> {
        name.strip_prefix(&self.prefix)?.parse().ok()
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = S3Config {
            endpoint: "https://s3.example.org".parse().unwrap(),
            bucket: "files".to_owned(),
            region: "us-east-1".to_owned(),
            path_style: true,
            prefix: String::new(),
            access_key: "anna".to_owned(),
            secret_key: Zeroizing::new("sesame".to_owned()),
            authorities: None,
            spool: PathBuf::new(),
        };
        assert_eq!(format!("{config:?}"), "S3Config { .. }");
        assert!(config.address().is_ok());
    }
}
