//! The object store of the tests, and what is in it.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Method};
use rusty_s3::actions::{ListObjectsV2, PutObject, S3Action as _};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use session_files::S3Config;
use session_files::settings::SecretText;
use session_server_test_support::ObjectStore;

use crate::support::client;

const PREFIX: &str = "kept/";
const SIGNATURE: Duration = Duration::from_secs(60);

/// An object store that can be looked into.
pub(crate) struct Store {
    server: ObjectStore,
    client: Client,
}

impl Deref for Store {
    type Target = ObjectStore;

    fn deref(&self) -> &ObjectStore {
        &self.server
    }
}

impl DerefMut for Store {
    fn deref_mut(&mut self) -> &mut ObjectStore {
        &mut self.server
    }
}

impl Store {
    pub(crate) fn start() -> Option<Self> {
        Some(Self {
            server: ObjectStore::start()?,
            client: client(),
        })
    }

    /// How a server is told about it.
    pub(crate) fn settings(&self) -> String {
        self.server.toml(PREFIX)
    }

    /// The same for a storage.
    pub(crate) fn config(&self, spool: &Path) -> S3Config {
        S3Config {
            endpoint: self.server.endpoint(),
            bucket: ObjectStore::BUCKET.to_owned(),
            region: ObjectStore::REGION.to_owned(),
            path_style: true,
            prefix: PREFIX.to_owned(),
            access_key: ObjectStore::ACCESS_KEY.to_owned(),
            secret_key: SecretText::new(ObjectStore::SECRET_KEY).into(),
            authorities: None,
            spool: spool.to_owned(),
        }
    }

    /// Names of all content.
    pub(crate) async fn objects(&self) -> Vec<String> {
        let bucket = self.bucket();
        let key = credentials();
        let mut list = ListObjectsV2::new(&bucket, Some(&key));
        list.with_prefix(PREFIX);
        let text = self
            .ask(Method::GET, list.sign(SIGNATURE), Vec::new())
            .await;
        let list = ListObjectsV2::parse_response(&text).unwrap();
        assert!(list.next_continuation_token.is_none());
        list.contents.into_iter().map(|object| object.key).collect()
    }

    /// How many uploads in parts are neither complete nor given up.
    pub(crate) async fn unfinished(&self) -> usize {
        let key = credentials();
        let url = rusty_s3::signing::sign(
            &jiff::Timestamp::now(),
            rusty_s3::Method::Get,
            self.bucket().base_url().clone(),
            key.key(),
            key.secret(),
            None,
            ObjectStore::REGION,
            60,
            [("uploads", "")].into_iter(),
            std::iter::empty(),
        );
        let text = self.ask(Method::GET, url, Vec::new()).await;
        assert!(text.contains("ListMultipartUploadsResult"), "{text}");
        text.matches("<UploadId>").count()
    }

    /// Puts something into the bucket that no server knows of.
    pub(crate) async fn put(&self, name: &str, content: &[u8]) {
        let (bucket, key) = (self.bucket(), credentials());
        let name = format!("{PREFIX}{name}");
        let url = PutObject::new(&bucket, Some(&key), &name).sign(SIGNATURE);
        self.ask(Method::PUT, url, content.to_vec()).await;
    }

    /// Deletes content behind the back of the servers.
    pub(crate) async fn remove(&self, name: &str) {
        let (bucket, key) = (self.bucket(), credentials());
        let url = bucket.delete_object(Some(&key), name).sign(SIGNATURE);
        self.ask(Method::DELETE, url, Vec::new()).await;
    }

    /// Waits until there is so much content and nothing else: what is given up is deleted a
    /// little later.
    pub(crate) async fn until_objects(&self, count: usize) {
        let waiting = async {
            while self.objects().await.len() != count || self.unfinished().await != 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(crate::support::DEADLINE, waiting).await;
        if waited.is_err() {
            let (objects, unfinished) = (self.objects().await, self.unfinished().await);
            panic!("{} objects, {unfinished} unfinished", objects.len());
        }
    }

    async fn ask(&self, method: Method, url: url::Url, body: Vec<u8>) -> String {
        let answer = self.client.request(method, url).body(body).send().await;
        let answer = answer.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.text().await.unwrap()
    }

    fn bucket(&self) -> Bucket {
        let endpoint = self.server.endpoint();
        Bucket::new(
            endpoint,
            UrlStyle::Path,
            ObjectStore::BUCKET,
            ObjectStore::REGION,
        )
        .unwrap()
    }
}

fn credentials() -> Credentials {
    Credentials::new(ObjectStore::ACCESS_KEY, ObjectStore::SECRET_KEY)
}
