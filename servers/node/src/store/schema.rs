//! The tables, in files of both forms.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::StoreError;

/// How a file holds messages. New files have the newest form; a file keeps its form until
/// `session node compact` writes it anew, or it is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Hashes are text, and SQLite keeps every list of messages up to date.
    One = 1,
    /// Hashes are bytes; the lists by hash and by owner are tables of their own, which messages
    /// are entered in and struck off later (see `recent` and `gone`). Pages are twice as large, so
    /// that less of them stays empty: seven messages of 1 KiB to a page instead of three to half
    /// of one.
    Two = 2,
}

/// Messages in a file of the second form.
const MESSAGES: &str = "
CREATE TABLE owners (
    -- Never used twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- Prefix and key, 33 bytes.
    pubkey BLOB NOT NULL UNIQUE,
    -- Place in swarm space, with the top bit flipped so that signed order is ring order.
    position INTEGER NOT NULL
) STRICT;
CREATE INDEX owners_by_position ON owners (position);

CREATE TABLE messages (
    -- Never used twice: paging, deliveries and dumps rely on the order.
    id INTEGER PRIMARY KEY NOT NULL,
    owner INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    expiry INTEGER NOT NULL,
    -- 1: a client has set the expiry, so copies of other members do not raise it.
    expiry_set INTEGER NOT NULL DEFAULT 0,
    -- The 32 bytes the text of the hash stands for; the text if it has spare bits.
    hash ANY NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_expiry ON messages (expiry);

-- The messages up to the row in `numbers` named listed, and some that are deleted.
CREATE TABLE by_hash (
    -- The first eight characters of the hash as a number in the order of the texts.
    key INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE by_owner (
    owner INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (owner, namespace, id)
) STRICT, WITHOUT ROWID;

-- Deleted messages that are to be struck off both: row, key, owner (8 bytes each) and namespace
-- (2), little-endian, one after the other.
CREATE TABLE gone (
    id INTEGER PRIMARY KEY NOT NULL,
    entries BLOB NOT NULL
) STRICT;
";

/// Everything else, the same in both forms.
const OTHERS: &str = "
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
";

/// What a new file remembers from the beginning.
const BEGINNING: &str = "
INSERT INTO numbers (name, value) VALUES ('listed', 0);
";

/// Messages in a file of the first form.
#[cfg(test)]
const MESSAGES_ONE: &str = "
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

";

/// Pages of a new file, in bytes.
pub(super) const PAGE: u32 = 8 * 1024;

/// The writer's cache. A deletion touches a page of every index, and those of the hashes lie
/// anywhere; but SQLite looks through the whole table of cached pages at each commit, which at
/// 32 MiB was a seventh of the writer's time.
const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// Pages of the log at which SQLite moves it into the file as part of a commit, where no
/// [`Checkpointer`](super::checkpoint::Checkpointer) does.
const LONGEST_LOG: u32 = 32 * 1024;

/// Bytes of the log's file that stay when the log begins anew. Writing over them is faster than
/// growing the file, and on a full disk there is still something to write a deletion to.
const LOG_FILE: u32 = 256 * 1024 * 1024;

/// A connection that writes.
pub(super) fn open_writable(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    // Has an effect on a new file alone.
    connection.pragma_update(None, "page_size", PAGE)?;
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
    plan_once(&connection)?;
    Ok(connection)
}

/// Lets a statement be planned once. SQLite would plan many anew whenever other values are bound,
/// which is a twentieth of what a store costs.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
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
    plan_once(&connection)?;
    Ok(connection)
}

/// Whether the file says what tables it has.
pub(super) fn is_readable(connection: &Connection) -> bool {
    connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))
        .is_ok()
}

/// The version of the file, unless it is newer than this program. A new file has none.
pub(super) fn require_known_version(connection: &Connection) -> Result<Option<Form>, StoreError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => Ok(None),
        1 => Ok(Some(Form::One)),
        2 => Ok(Some(Form::Two)),
        _ => Err(StoreError::NewerSchema {
            found,
            known: Form::Two as u32,
        }),
    }
}

/// The form of a file that has been opened to be written before.
pub(super) fn form(connection: &Connection) -> rusqlite::Result<Form> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(if version == Form::One as u32 {
        Form::One
    } else {
        Form::Two
    })
}

/// Makes the tables of a new file. Another keeps its form.
pub(super) fn prepare(connection: &mut Connection) -> Result<Form, StoreError> {
    if let Some(form) = require_known_version(connection)? {
        return Ok(form);
    }
    create(connection, &[MESSAGES, OTHERS, BEGINNING], Form::Two)?;
    Ok(Form::Two)
}

/// Makes a new file as versions before this one did.
#[cfg(test)]
pub(super) fn prepare_form_one(path: &Path) {
    let mut connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    create(&mut connection, &[MESSAGES_ONE, OTHERS], Form::One).unwrap();
}

fn create(connection: &mut Connection, tables: &[&str], form: Form) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sql in tables {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "user_version", form as u32)?;
    transaction.commit()
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
