//! The tables, and how older files become newer ones.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::StoreError;

/// Each entry brings the schema one version further. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &["
CREATE TABLE owners (
    id INTEGER PRIMARY KEY NOT NULL,
    -- Prefix and key, 33 bytes.
    pubkey BLOB NOT NULL UNIQUE,
    -- Place in swarm space, with the top bit flipped so that signed order is ring order.
    position INTEGER NOT NULL
) STRICT;
CREATE INDEX owners_by_position ON owners (position);

CREATE TABLE messages (
    -- Never used twice: paging, deliveries and dumps rely on the order.
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    owner INTEGER NOT NULL REFERENCES owners (id),
    namespace INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    expiry INTEGER NOT NULL,
    -- 1: a client has set the expiry, so copies of other members do not raise it.
    expiry_set INTEGER NOT NULL DEFAULT 0,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_owner ON messages (owner, namespace, id);
CREATE INDEX messages_by_expiry ON messages (expiry);

CREATE TRIGGER owner_goes_with_last_message AFTER DELETE ON messages
WHEN NOT EXISTS (SELECT 1 FROM messages WHERE owner = OLD.owner)
BEGIN
    DELETE FROM owners WHERE id = OLD.owner;
END;

-- Kept apart from owners: a revocation outlives the messages.
CREATE TABLE revocations (
    pubkey BLOB NOT NULL,
    token BLOB NOT NULL,
    timestamp INTEGER NOT NULL,
    -- 1 revoked, 0 lifted again. A lifted one is remembered so that an older revocation arriving
    -- late does not come back.
    revoked INTEGER NOT NULL,
    PRIMARY KEY (pubkey, token)
) STRICT, WITHOUT ROWID;

-- Messages a peer has not acknowledged. A message that is gone leaves its rows here until the
-- next look at the peer's list.
CREATE TABLE pending_deliveries (
    peer BLOB NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (peer, message)
) STRICT, WITHOUT ROWID;

-- Commands a peer has not acknowledged.
CREATE TABLE pending_commands (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    peer BLOB NOT NULL,
    method TEXT NOT NULL,
    params BLOB NOT NULL,
    accepted INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_commands_by_peer ON pending_commands (peer, id);

-- Messages next_id..=end_id whose owners lie on the arc first..=last go to the peer.
CREATE TABLE pending_dumps (
    peer BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    next_id INTEGER NOT NULL,
    end_id INTEGER NOT NULL,
    PRIMARY KEY (peer, first, last)
) STRICT, WITHOUT ROWID;

-- Deletions, so that copies on their way do not undo them. The key is a hash of owner and
-- message hash.
CREATE TABLE deleted_messages (
    key INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE deleted_ranges (
    pubkey BLOB NOT NULL,
    namespace INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (pubkey, namespace)
) STRICT, WITHOUT ROWID;

CREATE TABLE numbers (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"];

/// The writer's cache. A deletion touches a page of every index, and those of the hashes lie
/// anywhere; but SQLite looks through the whole table of cached pages at each commit, which at
/// 32 MiB was a seventh of the writer's time.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// Pages of the log at which the writer moves it into the file itself, should nobody else have
/// got round to it.
const LONGEST_LOG: u32 = 64 * 1024;

/// Bytes of the log's file that stay when the log begins anew. Writing over them is faster than
/// growing the file, and on a full disk there is still something to write a deletion to.
const LOG_FILE: u32 = 256 * 1024 * 1024;

/// A connection that writes.
pub(super) fn open_writable(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Survives a killed process. A power cut may lose the last commits, never the file: the
    // other members of the swarm hold the same messages.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Every message has an owner, and an owner goes with its last message: that SQLite checks it
    // once more would cost a copy of every page a deletion changes.
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", LONGEST_LOG)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_FILE, |_| Ok(()))?;
    connection.busy_timeout(Duration::from_secs(15))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A connection that moves the log into the file and does nothing else.
pub(super) fn open_for_checkpoints(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_readable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(15))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Whether the file says what tables it has.
pub(super) fn is_readable(connection: &Connection) -> bool {
    connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
        .is_ok()
}

/// The version of the file, unless it is newer than this program.
pub(super) fn require_known_version(connection: &Connection) -> Result<u32, StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    Ok(found)
}

/// Runs the migrations the file has not seen.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = require_known_version(connection)?;
    for (version, sql) in (1u32..).zip(MIGRATIONS) {
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

/// Makes SQLite refuse to grow the file beyond `max_bytes`.
pub(super) fn limit_size(connection: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    let page_size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = max_bytes / u64::from(page_size.max(1));
    let pages = u32::try_from(pages)
        .unwrap_or(u32::MAX - 1)
        .clamp(64, u32::MAX - 1);
    // The pragma answers with the new limit.
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    Ok(())
}

/// A remembered number.
pub(super) fn number(conn: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT value FROM numbers WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
        .optional()
}

/// Remembers a number.
pub(super) fn set_number(conn: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO numbers (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![name, value])?;
    Ok(())
}
