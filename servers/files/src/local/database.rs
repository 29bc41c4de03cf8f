//! The records of files.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, params};
use session_types::Timestamp;

use crate::FileId;
use crate::storage::{Record, StorageError, Usage};

/// Each entry brings the schema one version further. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
CREATE TABLE files (
    id TEXT PRIMARY KEY NOT NULL,
    size INTEGER NOT NULL,
    -- Milliseconds since 1970.
    uploaded INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_expiry ON files (expires);
"];

/// Reading connections that are kept for the next reader.
const IDLE_READERS: usize = 8;

const BUSY: Duration = Duration::from_secs(15);

/// A connection that writes; the schema is brought up to date.
pub(super) fn open_writable(path: &Path) -> Result<Connection, StorageError> {
    open_migrated(path, MIGRATIONS)
}

/// The same for other tables. Each migration brings the schema one version further.
pub(crate) fn open_migrated(path: &Path, migrations: &[&str]) -> Result<Connection, StorageError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An upload is acknowledged once: nobody else has the file.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.busy_timeout(BUSY)?;
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_readable(path: &Path) -> Result<Connection, StorageError> {
    open_to_read(path, MIGRATIONS)
}

fn open_to_read(path: &Path, migrations: &[&str]) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    require_known_version(&connection, migrations)?;
    Ok(connection)
}

fn require_known_version(
    connection: &Connection,
    migrations: &[&str],
) -> Result<u32, StorageError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StorageError::NewerSchema { found, known });
    }
    Ok(found)
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StorageError> {
    let found = require_known_version(connection, migrations)?;
    for (version, sql) in (1u32..).zip(migrations) {
        if version <= found {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// How much is recorded.
pub(super) fn usage(connection: &Connection) -> rusqlite::Result<Usage> {
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
}

/// The record of a file, expired or not.
pub(super) fn find(connection: &Connection, id: FileId) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached("SELECT id, size, uploaded, expires FROM files WHERE id = ?1")?
        .query_row([id.to_string()], record)
        .optional()
}

/// A step through all records in the order of their names, from the one after `after`.
pub(super) fn page(
    connection: &Connection,
    after: Option<FileId>,
    count: usize,
) -> rusqlite::Result<Vec<Record>> {
    let after = after.map_or_else(String::new, |id| id.to_string());
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT id, size, uploaded, expires FROM files WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map(params![after, count], record)?
        .collect()
}

/// Adds a file, or makes the one of that name count as uploaded again; tells which it was.
pub(super) fn keep(connection: &Connection, new: &Record) -> rusqlite::Result<(Record, bool)> {
    let is_new = find(connection, new.id)?.is_none();
    let kept = connection
        .prepare_cached(
            "INSERT INTO files (id, size, uploaded, expires) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET
                 uploaded = excluded.uploaded,
                 expires = MAX(expires, excluded.expires)
             RETURNING id, size, uploaded, expires",
        )?
        .query_row(
            params![
                new.id.to_string(),
                i64::try_from(new.size).unwrap_or(i64::MAX),
                new.uploaded.as_ms_i64(),
                new.expires.as_ms_i64()
            ],
            record,
        )?;
    Ok((kept, is_new))
}

/// Makes a file that has not expired last until `expires` at least.
pub(super) fn extend(
    connection: &Connection,
    id: FileId,
    expires: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached(
            "UPDATE files SET expires = MAX(expires, ?2) WHERE id = ?1 AND expires > ?3
             RETURNING id, size, uploaded, expires",
        )?
        .query_row(
            params![id.to_string(), expires.as_ms_i64(), now.as_ms_i64()],
            record,
        )
        .optional()
}

/// Some files that have expired, the longest expired first.
pub(super) fn expired(
    connection: &Connection,
    now: Timestamp,
    count: usize,
) -> rusqlite::Result<Vec<FileId>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    connection
        .prepare_cached("SELECT id FROM files WHERE expires <= ?1 ORDER BY expires LIMIT ?2")?
        .query_map(params![now.as_ms_i64(), count], |row| id(row, 0))?
        .collect()
}

/// Deletes the records of those of these files that have expired.
pub(super) fn remove_expired(
    connection: &Connection,
    ids: &[FileId],
    now: Timestamp,
) -> rusqlite::Result<Vec<Record>> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM files WHERE id = ?1 AND expires <= ?2
         RETURNING id, size, uploaded, expires",
    )?;
    let mut removed = Vec::new();
    for id in ids {
        removed.extend(
            delete
                .query_row(params![id.to_string(), now.as_ms_i64()], record)
                .optional()?,
        );
    }
    Ok(removed)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: id(row, 0)?,
        size: unsigned(row, 1)?,
        uploaded: Timestamp::from_ms(unsigned(row, 2)?),
        expires: Timestamp::from_ms(unsigned(row, 3)?),
    })
}

pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(crate) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<FileId> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// Connections that wait for their next reader.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    migrations: &'static [&'static str],
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self::of(path, MIGRATIONS)
    }

    /// The same for other tables.
    pub(crate) const fn of(path: PathBuf, migrations: &'static [&'static str]) -> Self {
        Self {
            path,
            migrations,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Runs a query. Blocks, though never for the writer.
    pub(crate) fn with<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_to_read(&self.path, self.migrations)?,
        };
        let result = query(&connection);
        let mut idle = self.idle();
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        drop(idle);
        Ok(result?)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
