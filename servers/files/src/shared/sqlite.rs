//! The records of files in SQLite: for one server whose content is in an object store.

use core::fmt;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use session_types::Timestamp;

use super::key::ObjectKey;
use super::records::Found;
use crate::FileId;
use crate::local::database::{Readers, id, open_migrated, unsigned};
use crate::local::{DataLock, Writer, blocking};
use crate::storage::{Record, StorageError, Usage};

/// Name of the database in the data folder.
pub(crate) const RECORDS_FILE: &str = "objects.db";

/// Each entry brings the schema one version further. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
CREATE TABLE files (
    id TEXT PRIMARY KEY NOT NULL,
    object TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    -- Milliseconds since 1970.
    uploaded INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_expiry ON files (expires);
"];

/// The database.
pub(super) struct Sqlite {
    readers: Arc<Readers>,
    /// None for who only looks.
    writer: Option<Writer>,
}

impl Sqlite {
    /// Opens the database of a data folder, or makes one. Blocks.
    pub(super) fn open(data: &Path) -> Result<Self, StorageError> {
        std::fs::create_dir_all(data)?;
        let lock = DataLock::take(data)?;
        let path = data.join(RECORDS_FILE);
        let connection = open_migrated(&path, MIGRATIONS)?;
        let writer = Writer::start(connection, lock)?;
        Ok(Self {
            readers: Arc::new(Readers::of(path, MIGRATIONS)),
            writer: Some(writer),
        })
    }

    /// Opens the database of a data folder beside a running server, to look at it.
    pub(super) fn existing(data: &Path) -> Self {
        Self {
            readers: Arc::new(Readers::of(data.join(RECORDS_FILE), MIGRATIONS)),
            writer: None,
        }
    }

    pub(super) async fn usage(&self) -> Result<Usage, StorageError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM files",
                [],
                |row| {
                    Ok(Usage {
                        files: unsigned(row, 0)?,
                        bytes: unsigned(row, 1)?,
                    })
                },
            )
        })
        .await
    }

    pub(super) async fn find(&self, id: FileId) -> Result<Option<Found>, StorageError> {
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, object, size, uploaded, expires FROM files WHERE id = ?1",
                )?
                .query_row([id.to_string()], found)
                .optional()
        })
        .await
    }

    pub(super) async fn keep(&self, new: Record, key: ObjectKey) -> Result<Found, StorageError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO files (id, object, size, uploaded, expires)
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET
                         uploaded = excluded.uploaded,
                         expires = MAX(expires, excluded.expires)
                     RETURNING id, object, size, uploaded, expires",
                )?
                .query_row(new_row(&new, key), found)
        })
        .await
    }

    pub(super) async fn add(
        &self,
        new: Record,
        key: ObjectKey,
    ) -> Result<Option<Found>, StorageError> {
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO files (id, object, size, uploaded, expires)
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING
                     RETURNING id, object, size, uploaded, expires",
                )?
                .query_row(new_row(&new, key), found)
                .optional()
        })
        .await
    }

    pub(super) async fn touch(
        &self,
        new: Record,
        key: ObjectKey,
    ) -> Result<Option<Record>, StorageError> {
        let touched = self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE files SET uploaded = ?3, expires = MAX(expires, ?4)
                     WHERE id = ?1 AND object = ?2
                     RETURNING id, object, size, uploaded, expires",
                )?
                .query_row(
                    params![
                        new.id.to_string(),
                        key.to_string(),
                        new.uploaded.as_ms_i64(),
                        new.expires.as_ms_i64()
                    ],
                    found,
                )
                .optional()
        });
        Ok(touched.await?.map(|(record, _)| record))
    }

    pub(super) async fn replace(
        &self,
        new: Record,
        old: ObjectKey,
        key: ObjectKey,
    ) -> Result<bool, StorageError> {
        let changed = self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE files SET object = ?3, size = ?4 WHERE id = ?1 AND object = ?2",
                )?
                .execute(params![
                    new.id.to_string(),
                    old.to_string(),
                    key.to_string(),
                    signed(new.size)
                ])
        });
        Ok(changed.await? > 0)
    }

    pub(super) async fn extend(
        &self,
        id: FileId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Record>, StorageError> {
        let extended = self.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE files SET expires = MAX(expires, ?2) WHERE id = ?1 AND expires > ?3
                     RETURNING id, object, size, uploaded, expires",
                )?
                .query_row(
                    params![id.to_string(), expires.as_ms_i64(), now.as_ms_i64()],
                    found,
                )
                .optional()
        });
        Ok(extended.await?.map(|(record, _)| record))
    }

    pub(super) async fn remove_expired(
        &self,
        now: Timestamp,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        let now = now.as_ms_i64();
        // Nothing is written when there is nothing to delete.
        let any = self.read(move |connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE expires <= ?1)")?
                .query_row([now], |row| row.get::<_, bool>(0))
        });
        if !any.await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM files WHERE id IN (
                         SELECT id FROM files WHERE expires <= ?1 ORDER BY expires LIMIT ?2
                     ) RETURNING id, object, size, uploaded, expires",
                )?
                .query_map(params![now, count], found)?
                .collect()
        })
        .await
    }

    pub(super) async fn known(
        &self,
        keys: Vec<ObjectKey>,
    ) -> Result<BTreeSet<ObjectKey>, StorageError> {
        self.read(move |connection| {
            let mut look = connection.prepare_cached("SELECT 1 FROM files WHERE object = ?1")?;
            let mut known = BTreeSet::new();
            for key in keys {
                if look.exists([key.to_string()])? {
                    known.insert(key);
                }
            }
            Ok(known)
        })
        .await
    }

    pub(super) async fn page(
        &self,
        after: Option<FileId>,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT id, object, size, uploaded, expires FROM files
                     WHERE id > ?1 ORDER BY id LIMIT ?2",
                )?
                .query_map(params![after, count], found)?
                .collect()
        })
        .await
    }

    pub(super) async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let readers = Arc::clone(&self.readers);
        blocking(move || readers.with(query)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let writer = self.writer.as_ref().ok_or(StorageError::Closed)?;
        writer.write(change).await
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

fn new_row(new: &Record, key: ObjectKey) -> (String, String, i64, i64, i64) {
    (
        new.id.to_string(),
        key.to_string(),
        signed(new.size),
        new.uploaded.as_ms_i64(),
        new.expires.as_ms_i64(),
    )
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let record = Record {
        id: id(row, 0)?,
        size: unsigned(row, 2)?,
        uploaded: Timestamp::from_ms(unsigned(row, 3)?),
        expires: Timestamp::from_ms(unsigned(row, 4)?),
    };
    let object = row.get_ref(1)?.as_str()?;
    let object = object.parse().map_err(|error: StorageError| {
        rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error))
    })?;
    Ok((record, object))
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
