//! The records of files in PostgreSQL.
//!
//! Each change is one statement, so it is made whole or not at all, whatever other servers do at
//! the same time.

use core::fmt;
use core::future::Future;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::ClientConfig;
use session_types::Timestamp;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::task::TaskTracker;

use super::key::ObjectKey;
use super::records::Found;
use crate::FileId;
use crate::storage::{Record, StorageError, Usage};

/// Connections to the database; each works on one statement at a time.
const CONNECTIONS: usize = 8;

const CONNECT: Duration = Duration::from_secs(5);

/// Longer than the database lets a statement take.
const PATIENCE: Duration = Duration::from_secs(20);

const SESSION: &str = "SET statement_timeout = '15s'; SET search_path = session_files";

/// Keeps servers that start together from making tables together.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(5004310721)";

const VERSION: &str = "
CREATE SCHEMA IF NOT EXISTS session_files;
CREATE TABLE IF NOT EXISTS session_files.version (version INTEGER NOT NULL);
";

/// Each entry brings the schema one version further. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
CREATE TABLE session_files.files (
    id TEXT COLLATE \"C\" PRIMARY KEY,
    object TEXT COLLATE \"C\" NOT NULL UNIQUE,
    size BIGINT NOT NULL,
    -- Milliseconds since 1970.
    uploaded BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX files_by_expiry ON session_files.files (expires);
"];

/// The database.
pub(super) struct Database {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    connections: Vec<Mutex<Option<Arc<Connected>>>>,
    next: AtomicUsize,
    tasks: TaskTracker,
}

/// A connection with its statements.
struct Connected {
    client: Client,
    add: Statement,
    expired: Statement,
    extend: Statement,
    find: Statement,
    keep: Statement,
    known: Statement,
    page: Statement,
    replace: Statement,
    touch: Statement,
    usage: Statement,
}

impl Database {
    /// Connects, and brings the tables up to date.
    pub(super) async fn open(
        mut config: Config,
        tls: Option<ClientConfig>,
    ) -> Result<Self, StorageError> {
        config
            .connect_timeout(CONNECT)
            .application_name("session-files");
        let database = Self {
            config,
            tls: tls.map(MakeRustlsConnect::new),
            connections: (0..CONNECTIONS).map(|_| Mutex::default()).collect(),
            next: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
        };
        let mut client = database.client().await?;
        in_time(migrate(&mut client)).await?;
        Ok(database)
    }

    /// How much is recorded.
    pub(super) async fn usage(&self) -> Result<Usage, StorageError> {
        let connected = self.connected().await?;
        let row = answered(connected.client.query_one(&connected.usage, &[])).await?;
        Ok(Usage {
            files: unsigned(&row, 0)?,
            bytes: unsigned(&row, 1)?,
        })
    }

    /// The record of a file, expired or not.
    pub(super) async fn find(&self, id: FileId) -> Result<Option<Found>, StorageError> {
        let connected = self.connected().await?;
        let id = id.to_string();
        let row = answered(connected.client.query_opt(&connected.find, &[&id])).await?;
        row.as_ref().map(found).transpose()
    }

    /// Adds a file, or makes the one of that name count as uploaded again; what is recorded then.
    pub(super) async fn keep(&self, new: &Record, key: ObjectKey) -> Result<Found, StorageError> {
        let connected = self.connected().await?;
        let (id, key) = (new.id.to_string(), key.to_string());
        let (uploaded, expires) = (new.uploaded.as_ms_i64(), new.expires.as_ms_i64());
        let row = answered(connected.client.query_one(
            &connected.keep,
            &[&id, &key, &signed(new.size), &uploaded, &expires],
        ))
        .await?;
        found(&row)
    }

    /// Adds a file, unless the name is taken.
    pub(super) async fn add(
        &self,
        new: &Record,
        key: ObjectKey,
    ) -> Result<Option<Found>, StorageError> {
        let connected = self.connected().await?;
        let (id, key) = (new.id.to_string(), key.to_string());
        let (uploaded, expires) = (new.uploaded.as_ms_i64(), new.expires.as_ms_i64());
        let row = answered(connected.client.query_opt(
            &connected.add,
            &[&id, &key, &signed(new.size), &uploaded, &expires],
        ))
        .await?;
        row.as_ref().map(found).transpose()
    }

    /// Makes a file count as uploaded again, if its content still has this key.
    pub(super) async fn touch(
        &self,
        new: &Record,
        key: ObjectKey,
    ) -> Result<Option<Record>, StorageError> {
        let connected = self.connected().await?;
        let (id, key) = (new.id.to_string(), key.to_string());
        let (uploaded, expires) = (new.uploaded.as_ms_i64(), new.expires.as_ms_i64());
        let row = answered(
            connected
                .client
                .query_opt(&connected.touch, &[&id, &key, &uploaded, &expires]),
        )
        .await?;
        Ok(row
            .as_ref()
            .map(found)
            .transpose()?
            .map(|(record, _)| record))
    }

    /// Gives a file other content, if it still has that with the key `old`; whether it had.
    pub(super) async fn replace(
        &self,
        new: &Record,
        old: ObjectKey,
        key: ObjectKey,
    ) -> Result<bool, StorageError> {
        let connected = self.connected().await?;
        let (id, old, key) = (new.id.to_string(), old.to_string(), key.to_string());
        let row = answered(
            connected
                .client
                .query_opt(&connected.replace, &[&id, &old, &key, &signed(new.size)]),
        )
        .await?;
        Ok(row.is_some())
    }

    /// Makes a file that has not expired last until `expires` at least.
    pub(super) async fn extend(
        &self,
        id: FileId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Record>, StorageError> {
        let connected = self.connected().await?;
        let id = id.to_string();
        let (expires, now) = (expires.as_ms_i64(), now.as_ms_i64());
        let row = answered(
            connected
                .client
                .query_opt(&connected.extend, &[&id, &expires, &now]),
        )
        .await?;
        Ok(row
            .as_ref()
            .map(found)
            .transpose()?
            .map(|(record, _)| record))
    }

    /// Deletes the records of some files that have expired. Each is given to one server.
    pub(super) async fn remove_expired(
        &self,
        now: Timestamp,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        let connected = self.connected().await?;
        let now = now.as_ms_i64();
        let rows = answered(connected.client.query(&connected.expired, &[&now, &count])).await?;
        rows.iter().map(found).collect()
    }

    /// Which of these keys a record names.
    pub(super) async fn known(
        &self,
        keys: &[ObjectKey],
    ) -> Result<BTreeSet<ObjectKey>, StorageError> {
        let connected = self.connected().await?;
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        let rows = answered(connected.client.query(&connected.known, &[&keys])).await?;
        rows.iter().map(|row| text(row, 0)?.parse()).collect()
    }

    /// A step through all records in the order of their names, from the one after `after`.
    pub(super) async fn page(
        &self,
        after: Option<FileId>,
        count: i64,
    ) -> Result<Vec<Found>, StorageError> {
        let connected = self.connected().await?;
        let after = after.map_or_else(String::new, |id| id.to_string());
        let rows = answered(connected.client.query(&connected.page, &[&after, &count])).await?;
        rows.iter().map(found).collect()
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        for connection in &self.connections {
            drop(connection.lock().await.take());
        }
        self.tasks.close();
        let _ = timeout(CONNECT, self.tasks.wait()).await;
    }

    /// One of the connections, opened if need be.
    async fn connected(&self) -> Result<Arc<Connected>, StorageError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let index = turn % self.connections.len().max(1);
        let connection = self.connections.get(index).ok_or(StorageError::Closed)?;
        let mut connection = connection.lock().await;
        match &*connection {
            Some(open) if !open.client.is_closed() => Ok(Arc::clone(open)),
            _ => {
                let open = in_time(Connected::new(self.client().await?)).await?;
                Ok(Arc::clone(connection.insert(Arc::new(open))))
            }
        }
    }

    async fn client(&self) -> Result<Client, StorageError> {
        match &self.tls {
            Some(tls) => Box::pin(self.client_over(tls.clone())).await,
            None => Box::pin(self.client_over(NoTls)).await,
        }
    }

    async fn client_over<T>(&self, tls: T) -> Result<Client, StorageError>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, connection) = answered(self.config.connect(tls)).await?;
        self.tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to the database was lost");
            }
        });
        Ok(client)
    }
}

/// Whether this address is to be reached over TLS only. Where it is left open, there is none:
/// most servers have a certificate nobody can verify.
pub(crate) fn wants_tls(config: &Config) -> bool {
    config.get_ssl_mode() == SslMode::Require
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

impl Connected {
    async fn new(client: Client) -> Result<Self, StorageError> {
        let prepared = async {
            client.batch_execute(SESSION).await?;
            Ok(Self {
                add: client
                    .prepare(
                        "INSERT INTO files (id, object, size, uploaded, expires)
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
                         RETURNING id, object, size, uploaded, expires",
                    )
                    .await?,
                expired: client
                    .prepare(
                        "DELETE FROM files WHERE id IN (
                             SELECT id FROM files WHERE expires <= $1 ORDER BY expires
                             LIMIT $2 FOR UPDATE SKIP LOCKED
                         ) RETURNING id, object, size, uploaded, expires",
                    )
                    .await?,
                extend: client
                    .prepare(
                        "UPDATE files SET expires = GREATEST(expires, $2)
                         WHERE id = $1 AND expires > $3
                         RETURNING id, object, size, uploaded, expires",
                    )
                    .await?,
                find: client
                    .prepare("SELECT id, object, size, uploaded, expires FROM files WHERE id = $1")
                    .await?,
                keep: client
                    .prepare(
                        "INSERT INTO files (id, object, size, uploaded, expires)
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET
                             uploaded = EXCLUDED.uploaded,
                             expires = GREATEST(files.expires, EXCLUDED.expires)
                         RETURNING id, object, size, uploaded, expires",
                    )
                    .await?,
                known: client
                    .prepare("SELECT object FROM files WHERE object = ANY($1)")
                    .await?,
                page: client
                    .prepare(
                        "SELECT id, object, size, uploaded, expires FROM files
                         WHERE id > $1 ORDER BY id LIMIT $2",
                    )
                    .await?,
                replace: client
                    .prepare(
                        "UPDATE files SET object = $3, size = $4
                         WHERE id = $1 AND object = $2 RETURNING id",
                    )
                    .await?,
                touch: client
                    .prepare(
                        "UPDATE files SET uploaded = $3, expires = GREATEST(expires, $4)
                         WHERE id = $1 AND object = $2
                         RETURNING id, object, size, uploaded, expires",
                    )
                    .await?,
                usage: client
                    .prepare("SELECT COUNT(*), COALESCE(SUM(size), 0)::BIGINT FROM files")
                    .await?,
                client,
            })
        };
        prepared.await.map_err(failed)
    }
}

async fn migrate(client: &mut Client) -> Result<(), StorageError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction
        .batch_execute(MIGRATION_LOCK)
        .await
        .map_err(failed)?;
    transaction.batch_execute(VERSION).await.map_err(failed)?;
    let row = transaction
        .query_opt("SELECT version FROM session_files.version", &[])
        .await
        .map_err(failed)?;
    let found = match &row {
        None => 0,
        Some(row) => row.try_get::<_, i32>(0).map_err(failed)?,
    };
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > known {
        return Err(StorageError::NewerSchema { found, known });
    }
    for (version, sql) in (1u32..).zip(MIGRATIONS) {
        if version > found {
            transaction.batch_execute(sql).await.map_err(failed)?;
        }
    }
    let set = format!(
        "DELETE FROM session_files.version; INSERT INTO session_files.version VALUES ({known})"
    );
    transaction.batch_execute(&set).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

async fn answered<T>(query: impl Future<Output = Result<T, Error>>) -> Result<T, StorageError> {
    in_time(async { query.await.map_err(failed) }).await
}

async fn in_time<T>(
    work: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or(Err(StorageError::DatabaseTimeout))
}

fn failed(error: Error) -> StorageError {
    if error.code() == Some(&SqlState::DISK_FULL) {
        StorageError::Full
    } else {
        StorageError::Postgres(error)
    }
}

fn found(row: &Row) -> Result<Found, StorageError> {
    let record = Record {
        id: text(row, 0)?.parse().map_err(|_| StorageError::Damaged)?,
        size: unsigned(row, 2)?,
        uploaded: Timestamp::from_ms(unsigned(row, 3)?),
        expires: Timestamp::from_ms(unsigned(row, 4)?),
    };
    Ok((record, text(row, 1)?.parse()?))
}

fn text(row: &Row, column: usize) -> Result<&str, StorageError> {
    row.try_get(column).map_err(failed)
}

fn unsigned(row: &Row, column: usize) -> Result<u64, StorageError> {
    let value: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(value).map_err(|_| StorageError::Damaged)
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
