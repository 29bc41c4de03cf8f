//! Files whose records and content are apart: records in PostgreSQL, content in a folder or an
//! object store, so that several servers share both; or records in SQLite and content in an object
//! store, for one server.
//!
//! ```text
//! <content>/<xx>/<key>   content, under a key of its own for each upload
//! <prefix><key>          the same in a bucket
//! session_files.files    records; each names the key of its content
//! ```
//!
//! A key is never used again, so a record that is replaced or deleted never concerns the content
//! of another one, and nothing needs to be locked. A file comes into being as: content written
//! and synced, record committed, uploader told. It goes as: record deleted and committed, content
//! deleted. What a crash leaves is content without a record, or parts of it in a bucket, which
//! [`Storage::sweep`] removes once they are older than any upload under way.

mod bucket;
mod database;
mod folder;
mod key;
mod objects;
mod records;
mod sqlite;
mod staged;
mod verify;

use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use session_types::Timestamp;
use tokio_util::task::TaskTracker;

use crate::hashing::Hashing;
use crate::local::blocking;
use crate::storage::{Content, Pending, Record, Staged, Storage, StorageError, Swept, Usage};
use crate::{FileId, IdMode, tls};
use bucket::Bucket;
pub use bucket::S3Config;
pub(crate) use bucket::{MAX_PARTS, PART};
use database::Database;
pub(crate) use database::wants_tls;
use folder::Folder;
use key::ObjectKey;
use objects::Objects;
use records::Records;
pub(crate) use sqlite::RECORDS_FILE;
use sqlite::Sqlite;
use staged::{Part, SharedStaged};

/// Files deleted in one step.
const EXPIRY_STEP: i64 = 64;

/// Keys looked up in one step.
const SWEEP_STEP: usize = 512;

/// How often it is asked how much all servers keep.
const USAGE_AGE: Duration = Duration::from_secs(60);

/// Where files are shared.
#[derive(Debug, Clone)]
pub struct SharedConfig {
    /// Where records are.
    pub records: RecordsConfig,
    /// Where content is, the same for all servers.
    pub content: ContentConfig,
    /// Longer than an upload takes: content without a record that is older is left of a crash.
    pub grace: Duration,
}

/// Where records are.
#[derive(Debug, Clone)]
pub enum RecordsConfig {
    /// In a PostgreSQL database, for any number of servers.
    Postgres {
        /// The database: `host=… dbname=… user=…` or `postgresql://…`. With `sslmode=require`
        /// it is reached over TLS, and has to prove that it is the host.
        address: PostgresAddress,
        /// Trust the authorities in this file and no other. None: those the system trusts.
        authorities: Option<PathBuf>,
    },
    /// In SQLite in this data folder, for one server.
    Sqlite(PathBuf),
}

/// Where content is.
#[derive(Debug, Clone)]
pub enum ContentConfig {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of an object store.
    S3(Box<S3Config>),
}

/// How a database is reached. There may be a password in it.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct PostgresAddress(String);

impl PostgresAddress {
    /// As PostgreSQL's own programs take it.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn parse(&self) -> Result<tokio_postgres::Config, tokio_postgres::Error> {
        self.0.parse()
    }
}

impl core::fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PostgresAddress").finish_non_exhaustive()
    }
}

/// Files that several servers share. Clones share them too.
#[derive(Debug, Clone)]
pub struct SharedStorage(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    records: Records,
    objects: Objects,
    hashing: Arc<Hashing<Part>>,
    grace: Duration,
    usage: Mutex<Counted>,
    /// Work that goes on when the one who asked for it has gone.
    tasks: TaskTracker,
}

/// What was counted, and when.
#[derive(Debug)]
struct Counted {
    usage: Usage,
    at: Instant,
}

impl SharedStorage {
    /// Opens the storage, or makes one: tables are made when they are missing.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the folder cannot be used.
    pub async fn open(config: SharedConfig) -> Result<Self, StorageError> {
        let records = match config.records {
            RecordsConfig::Postgres {
                address,
                authorities,
            } => Self::postgres(&address, authorities).await?,
            RecordsConfig::Sqlite(data) => {
                Records::Sqlite(blocking(move || Sqlite::open(&data)).await?)
            }
        };
        Self::with_records(records, config.content, config.grace).await
    }

    /// The same beside a running server, to look at what it keeps; there has to be one already.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or content cannot be reached.
    pub async fn open_to_look(config: SharedConfig) -> Result<Self, StorageError> {
        let records = match config.records {
            RecordsConfig::Postgres {
                address,
                authorities,
            } => Self::postgres(&address, authorities).await?,
            RecordsConfig::Sqlite(data) => Records::Sqlite(Sqlite::existing(&data)),
        };
        Self::with_records(records, config.content, config.grace).await
    }

    async fn postgres(
        address: &PostgresAddress,
        authorities: Option<PathBuf>,
    ) -> Result<Records, StorageError> {
        let address = address.parse().map_err(StorageError::Postgres)?;
        let tls = if wants_tls(&address) {
            let config = blocking(move || Ok(tls::client_config(authorities.as_deref())?));
            Some(config.await?)
        } else {
            None
        };
        let database = Database::open(address, tls).await?;
        Ok(Records::Postgres(Box::new(database)))
    }

    async fn with_records(
        records: Records,
        content: ContentConfig,
        grace: Duration,
    ) -> Result<Self, StorageError> {
        let tasks = TaskTracker::new();
        let objects = match content {
            ContentConfig::Folder(base) => {
                Objects::Folder(blocking(move || Ok(Folder::create(base)?)).await?)
            }
            ContentConfig::S3(config) => {
                Objects::Bucket(Arc::new(Bucket::open(*config, tasks.clone()).await?))
            }
        };
        let usage = records.usage().await?;
        Ok(Self(Arc::new(Shared {
            records,
            objects,
            hashing: Hashing::new(),
            grace,
            usage: Mutex::new(Counted {
                usage,
                at: Instant::now(),
            }),
            tasks,
        })))
    }

    async fn remove_expired_step(self, now: Timestamp) -> Result<u64, StorageError> {
        let removed = self.0.records.remove_expired(now, EXPIRY_STEP).await?;
        let count = u64::try_from(removed.len()).unwrap_or(u64::MAX);
        if count > 0 {
            {
                let mut counted = self.0.counted();
                for (record, _) in &removed {
                    counted.usage.files = counted.usage.files.saturating_sub(1);
                    counted.usage.bytes = counted.usage.bytes.saturating_sub(record.size);
                }
            }
            let keys = removed.into_iter().map(|(_, key)| key).collect();
            if let Err(error) = self.0.objects.remove(keys).await {
                // Without a record nobody sees it; a sweep tries again.
                tracing::warn!(%error, "the content of an expired file was not deleted");
            }
        } else if self.0.counted().at.elapsed() >= USAGE_AGE {
            let usage = self.0.records.usage().await?;
            *self.0.counted() = Counted {
                usage,
                at: Instant::now(),
            };
        }
        Ok(count)
    }

    async fn sweep_all(self) -> Result<Swept, StorageError> {
        let mut swept = Swept {
            partial: self.0.objects.remove_parts(self.0.grace).await?,
            ..Swept::default()
        };
        let mut content = self.0.objects.list();
        while let Some(old) = content.next(self.0.grace).await? {
            for keys in old.chunks(SWEEP_STEP) {
                let known = self.0.records.known(keys).await?;
                let orphans = keys.iter().copied().filter(|key| !known.contains(key));
                swept.orphans += self.0.objects.remove(orphans.collect()).await?;
            }
        }
        Ok(swept)
    }

    async fn open_file(
        &self,
        id: FileId,
        now: Timestamp,
    ) -> Result<Option<(Record, Box<dyn Content>)>, StorageError> {
        let mut missing = None;
        loop {
            let Some((record, key)) = self.0.records.find(id).await? else {
                return Ok(None);
            };
            if record.expires <= now {
                return Ok(None);
            }
            if missing == Some(key) {
                return Err(StorageError::Damaged);
            }
            match self.0.objects.open(key, record.size).await {
                Ok(content) => return Ok(Some((record, content))),
                // It may have been deleted or replaced since.
                Err(StorageError::Damaged) => missing = Some(key),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Shared {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the content of a record is there, as far as its length tells.
    async fn has_content(&self, record: &Record, key: ObjectKey) -> Result<bool, StorageError> {
        Ok(self.objects.size_of(key).await? == Some(record.size))
    }
}

impl Storage for SharedStorage {
    fn stage(&self, ids: IdMode) -> Box<dyn Staged> {
        Box::new(SharedStaged::new(Arc::clone(&self.0), ids))
    }

    fn find(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<Record>> {
        Box::pin(async move {
            let found = self.0.records.find(id).await?;
            let record = found.map(|(record, _)| record);
            Ok(record.filter(|record| record.expires > now))
        })
    }

    fn open(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<(Record, Box<dyn Content>)>> {
        Box::pin(self.open_file(id, now))
    }

    fn extend(
        &self,
        id: FileId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Pending<'_, Option<Record>> {
        Box::pin(self.0.records.extend(id, expires, now))
    }

    fn remove_expired(&self, now: Timestamp) -> Pending<'_, u64> {
        // Not to be cut off between the record and the content.
        let task = self.0.tasks.spawn(self.clone().remove_expired_step(now));
        Box::pin(async move { task.await.map_err(|_| StorageError::Closed)? })
    }

    fn sweep(&self) -> Pending<'_, Swept> {
        Box::pin(self.clone().sweep_all())
    }

    fn usage(&self) -> Usage {
        self.0.counted().usage
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.0.tasks.close();
            self.0.tasks.wait().await;
            self.0.records.close().await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let address = PostgresAddress::new("host=db password=sesame".to_owned());
        assert_eq!(format!("{address:?}"), "PostgresAddress { .. }");
    }
}
