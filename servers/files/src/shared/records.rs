//! Where records are: PostgreSQL for several servers, SQLite for one.

use std::collections::BTreeSet;

use session_types::Timestamp;

use super::database::Database;
use super::key::ObjectKey;
use super::sqlite::Sqlite;
use crate::FileId;
use crate::storage::{Record, StorageError, Usage};

/// A record and the key of its content.
pub(super) type Found = (Record, ObjectKey);

/// Where records are. Each change is made whole or not at all, and is on the disk when its call
/// returns.
#[derive(Debug)]
pub(super) enum Records {
    Postgres(Box<Database>),
    Sqlite(Sqlite),
}

impl Records {
    /// How much is recorded.
    pub(super) async fn usage(&self) -> Result<Usage, StorageError> {
        match self {
            Self::Postgres(database) => database.usage().await,
            Self::Sqlite(database) => database.usage().await,
        }
    }

    /// The record of a file, expired or not.
    pub(super) async fn find(&self, id: FileId) -> Result<Option<Found>, StorageError> {
        match self {
            Self::Postgres(database) => database.find(id).await,
            Self::Sqlite(database) => database.find(id).await,
        }
    }

    /// Adds a file, or makes the one of that name count as uploaded again; what is recorded then.
    pub(super) async fn keep(&self, new: &Record, key: ObjectKey) -> Result<Found, StorageError> {
        match self {
            Self::Postgres(database) => database.keep(new, key).await,
            Self::Sqlite(database) => database.keep(*new, key).await,
        }
    }

    /// Adds a file, unless the name is taken.
    pub(super) async fn add(
        &self,
        new: &Record,
        key: ObjectKey,
    ) -> Result<Option<Found>, StorageError> {
        match self {
            Self::Postgres(database) => database.add(new, key).await,
            Self::Sqlite(database) => database.add(*new, key).await,
        }
    }

    /// Makes a file count as uploaded again, if its content still has this key.
    pub(super) async fn touch(
        &self,
        new: &Record,
        key: ObjectKey,
    ) -> Result<Option<Record>, StorageError> {
        match self {
            Self::Postgres(database) => database.touch(new, key).await,
            Self::Sqlite(database) => database.touch(*new, key).await,
        }
    }

    /// Gives a file other content, if it still has that with the key `old`; whether it had.
    pub(super) async fn replace(
        &self,
        new: &Record,
        old: ObjectKey,
        key: ObjectKey,
    ) -> Result<bool, StorageError> {
        match self {
            Self::Postgres(database) => database.replace(new, old, key).await,
            Self::Sqlite(database) => database.replace(*new, old, key).await,
        }
    }

    /// Makes a file that has not expired last until `expires` at least.
    pub(super) async fn extend(
        &self,
        id: FileId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Record>, StorageError> {
        match self {
            Self::Postgres(database) => database.extend(id, expires, now).await,
            Self::Sqlite(database) => database.extend(id, expires, now).await,
        }
    }

    /// Deletes the records of some files that have expired. Each is given to one server.
    pub(super) async fn remove_expired(
        &self,
        now: Timestamp,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        match self {
            Self::Postgres(database) => database.remove_expired(now, count).await,
            Self::Sqlite(database) => database.remove_expired(now, count).await,
        }
    }

    /// Which of these keys a record names.
    pub(super) async fn known(
        &self,
        keys: &[ObjectKey],
    ) -> Result<BTreeSet<ObjectKey>, StorageError> {
        match self {
            Self::Postgres(database) => database.known(keys).await,
            Self::Sqlite(database) => database.known(keys.to_vec()).await,
        }
    }

    /// A step through all records in the order of their names, from the one after `after`.
    pub(super) async fn page(
        &self,
        after: Option<FileId>,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        match self {
            Self::Postgres(database) => database.page(after, count).await,
            Self::Sqlite(database) => database.page(after, count).await,
        }
    }

    /// Ends when everything is written.
    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(database) => database.close().await,
            Self::Sqlite(database) => database.close().await,
        }
    }
}
