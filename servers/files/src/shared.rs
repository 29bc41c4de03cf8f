//! Files that several servers share: records in PostgreSQL, content in a folder all of them see.
//!
//! ```text
//! <content>/<xx>/<key>   content, under a key of its own for each upload
//! session_files.files    records; each names the key of its content
//! ```
//!
//! A key is never used again, so a record that is replaced or deleted never concerns the content
//! of another one, and nothing needs to be locked. A file comes into being as: content written
//! and synced, record committed, uploader told. It goes as: record deleted and committed, content
//! deleted. What a crash leaves is content without a record, which [`Storage::sweep`] removes once
//! it is older than any upload under way.

mod database;
mod objects;
mod staged;
mod verify;

use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use session_types::Timestamp;
use tokio_util::task::TaskTracker;

use crate::local::blocking;
use crate::storage::{Content, Pending, Record, Staged, Storage, StorageError, Swept, Usage};
use crate::{FileId, IdMode};
use database::Database;
use objects::{ObjectKey, Objects};
use staged::SharedStaged;

/// Files deleted in one step.
const EXPIRY_STEP: i64 = 64;

/// Keys looked up in one step.
const SWEEP_STEP: usize = 512;

/// How often it is asked how much all servers keep.
const USAGE_AGE: Duration = Duration::from_secs(60);

/// Where files are shared.
#[derive(Debug, Clone)]
pub struct SharedConfig {
    /// The database: `host=… dbname=… user=…` or `postgresql://…`.
    pub postgres: PostgresAddress,
    /// The folder of content, the same for all servers.
    pub content: PathBuf,
    /// Longer than an upload takes: content without a record that is older is left of a crash.
    pub grace: Duration,
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
    database: Database,
    objects: Objects,
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
        let SharedConfig {
            postgres,
            content,
            grace,
        } = config;
        let postgres = postgres.parse().map_err(StorageError::Postgres)?;
        let objects = blocking(move || Ok(Objects::create(content)?)).await?;
        let database = Database::open(postgres).await?;
        let usage = database.usage().await?;
        Ok(Self(Arc::new(Shared {
            database,
            objects,
            grace,
            usage: Mutex::new(Counted {
                usage,
                at: Instant::now(),
            }),
            tasks: TaskTracker::new(),
        })))
    }

    async fn remove_expired_step(self, now: Timestamp) -> Result<u64, StorageError> {
        let removed = self.0.database.remove_expired(now, EXPIRY_STEP).await?;
        let count = u64::try_from(removed.len()).unwrap_or(u64::MAX);
        if count > 0 {
            let shared = Arc::clone(&self.0);
            blocking(move || {
                let mut counted = shared.counted();
                for (record, _) in &removed {
                    counted.usage.files = counted.usage.files.saturating_sub(1);
                    counted.usage.bytes = counted.usage.bytes.saturating_sub(record.size);
                }
                drop(counted);
                for (_, key) in &removed {
                    if let Err(error) = shared.objects.remove(*key) {
                        // Without a record nobody sees it; a sweep tries again.
                        tracing::warn!(%error, "the content of an expired file was not deleted");
                    }
                }
                Ok(())
            })
            .await?;
        } else if self.0.counted().at.elapsed() >= USAGE_AGE {
            let usage = self.0.database.usage().await?;
            *self.0.counted() = Counted {
                usage,
                at: Instant::now(),
            };
        }
        Ok(count)
    }

    async fn sweep_all(self) -> Result<Swept, StorageError> {
        let mut swept = Swept::default();
        let shared = Arc::clone(&self.0);
        let prefixes = blocking(move || Ok(shared.objects.prefixes()?)).await?;
        for prefix in prefixes {
            let shared = Arc::clone(&self.0);
            let old =
                blocking(move || Ok(shared.objects.older_than(&prefix, shared.grace)?)).await?;
            for keys in old.chunks(SWEEP_STEP) {
                let known = self.0.database.known(keys).await?;
                let orphans = keys.iter().copied().filter(|key| !known.contains(key));
                let orphans: Vec<_> = orphans.collect();
                let shared = Arc::clone(&self.0);
                swept.orphans += blocking(move || {
                    let mut removed = 0;
                    for key in orphans {
                        removed += u64::from(shared.objects.remove(key)?);
                    }
                    Ok(removed)
                })
                .await?;
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
            let Some((record, key)) = self.0.database.find(id).await? else {
                return Ok(None);
            };
            if record.expires <= now {
                return Ok(None);
            }
            if missing == Some(key) {
                return Err(StorageError::Damaged);
            }
            let shared = Arc::clone(&self.0);
            match blocking(move || shared.objects.open(key, record.size)).await {
                Ok(content) => return Ok(Some((record, Box::new(content)))),
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
    async fn has_content(
        self: &Arc<Self>,
        record: &Record,
        key: ObjectKey,
    ) -> Result<bool, StorageError> {
        let (shared, size) = (Arc::clone(self), record.size);
        blocking(move || Ok(shared.objects.size_of(key)? == Some(size))).await
    }
}

impl Storage for SharedStorage {
    fn stage(&self, ids: IdMode) -> Box<dyn Staged> {
        Box::new(SharedStaged::new(Arc::clone(&self.0), ids))
    }

    fn find(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<Record>> {
        Box::pin(async move {
            let found = self.0.database.find(id).await?;
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
        Box::pin(self.0.database.extend(id, expires, now))
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
            self.0.database.close().await;
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
