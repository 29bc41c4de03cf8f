//! A node's database, filled without the node.
//!
//! The node itself makes the file and each account's first message; the rest is put into the same
//! table by SQL, which is many times faster than asking the node for it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use data_encoding::BASE64_NOPAD;
use rand::Rng as _;
use rusqlite::{Connection, OpenFlags, params};
use session_crypto::hash::message_hash;
use session_types::{Namespace, SwarmPubkey, Timestamp};

use crate::requests::DAY;

/// The node's database in its data folder.
pub(super) const FILE: &str = "storage.db";
/// Rows of one transaction.
const STEP: u64 = 16 * 1024;
/// The page cache while the file is filled, in KiB.
const CACHE_KIB: i64 = 1024 * 1024;
/// How often the database is looked at while messages disappear.
const LOOK: Duration = Duration::from_millis(10);

/// How much is to be in the database.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    Bytes(u64),
    Messages(u64),
}

/// The messages to put in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filling {
    pub(super) size: Size,
    pub(super) message_bytes: usize,
    pub(super) now: Timestamp,
    pub(super) expired: bool,
}

/// Fills a database in which each account has a message. Returns how many messages were added.
pub(super) fn fill(
    file: &Path,
    filling: &Filling,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let mut connection = Connection::open(file)?;
    // If this is interrupted, the file is made anew.
    let mode: String = connection.query_row("PRAGMA journal_mode = OFF", [], |row| row.get(0))?;
    anyhow::ensure!(mode == "off", "the database is in use");
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let owners = owners(&connection)?;
    anyhow::ensure!(!owners.is_empty(), "the database has no accounts");
    let mut added = 0;
    let mut data = vec![0; filling.message_bytes];
    loop {
        let missing = match filling.size {
            Size::Messages(wanted) => wanted.saturating_sub(count(&connection)?),
            Size::Bytes(wanted) if std::fs::metadata(file)?.len() >= wanted => 0,
            Size::Bytes(_) => STEP,
        };
        if missing == 0 {
            break;
        }
        let transaction = connection.transaction()?;
        let mut entries = Vec::new();
        for (owner, pubkey) in owners
            .iter()
            .cycle()
            .take(usize::try_from(missing.min(STEP))?)
        {
            rand::rng().fill_bytes(&mut data);
            let hash = message_hash(pubkey, Namespace::DEFAULT, &data);
            // In the order in which they arrive, as with messages of equal lifetime.
            let later = Duration::from_millis(added);
            let expiry = if filling.expired {
                filling.now.minus(DAY).plus(later).min(filling.now)
            } else {
                filling.now.plus(DAY).plus(later)
            };
            transaction
                .prepare_cached(
                    "INSERT INTO messages (hash, owner, namespace, timestamp, expiry, data)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    BASE64_NOPAD.decode(hash.as_str().as_bytes())?,
                    owner,
                    Namespace::DEFAULT.get(),
                    expiry.minus(DAY).as_ms_i64(),
                    expiry.as_ms_i64(),
                    data,
                ])?;
            let row = transaction.last_insert_rowid();
            entries.push((key(hash.as_str())?, *owner, row));
            added += 1;
        }
        list(&transaction, entries)?;
        transaction.commit()?;
        progress(added);
    }
    drop(connection);
    // Else the node would have to wait until the system has written what was put in here.
    std::fs::File::open(file)?.sync_all()?;
    Ok(added)
}

/// Enters messages in the node's lists, as many at a time as it does itself. Key, owner and row of
/// each.
fn list(connection: &Connection, mut entries: Vec<(i64, i64, i64)>) -> anyhow::Result<()> {
    entries.sort_unstable();
    let mut statement =
        connection.prepare_cached("INSERT INTO by_hash (key, id) VALUES (?1, ?2)")?;
    for (key, _, row) in &entries {
        statement.execute([key, row])?;
    }
    entries.sort_unstable_by_key(|(_, owner, row)| (*owner, *row));
    let mut statement = connection
        .prepare_cached("INSERT INTO by_owner (owner, namespace, id) VALUES (?1, ?2, ?3)")?;
    for (_, owner, row) in &entries {
        statement.execute(params![owner, Namespace::DEFAULT.get(), row])?;
    }
    connection.execute(
        "UPDATE numbers SET value = (SELECT max(id) FROM messages) WHERE name = 'listed'",
        [],
    )?;
    Ok(())
}

/// The first eight characters of a hash as a number, in the order of their codes.
fn key(hash: &str) -> anyhow::Result<i64> {
    const ORDER: &str = "+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut key = 0i64;
    for character in hash.chars().take(8) {
        let place = ORDER.find(character).context("no hash")?;
        key = (key << 6) | i64::try_from(place)?;
    }
    Ok(key - (1 << 47))
}

/// Messages in the file.
pub(super) fn messages(file: &Path) -> anyhow::Result<u64> {
    count(&readable(file)?)
}

/// What was seen while expired messages disappeared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removal {
    pub(super) took: Duration,
    /// Largest size of the write-ahead log.
    pub(super) largest_log: u64,
}

/// Waits until no message is left that had expired at `now`.
pub(super) fn watch_removal(
    file: &Path,
    now: Timestamp,
    patience: Duration,
) -> anyhow::Result<Removal> {
    let started = Instant::now();
    let connection = readable(file)?;
    let log = file.with_file_name(format!("{FILE}-wal"));
    let mut largest_log = 0;
    loop {
        let left = connection
            .prepare_cached("SELECT 1 FROM messages WHERE expiry <= ?1 LIMIT 1")?
            .exists([now.as_ms_i64()])?;
        let took = started.elapsed();
        largest_log = largest_log.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
        if !left {
            return Ok(Removal { took, largest_log });
        }
        anyhow::ensure!(took < patience, "expired messages are still there");
        std::thread::sleep(LOOK);
    }
}

fn readable(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("cannot read {}", file.display()))?;
    connection.busy_timeout(Duration::from_secs(15))?;
    Ok(connection)
}

fn count(connection: &Connection) -> anyhow::Result<u64> {
    let count: i64 = connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}

fn owners(connection: &Connection) -> anyhow::Result<Vec<(i64, SwarmPubkey)>> {
    let mut statement = connection.prepare("SELECT id, pubkey FROM owners ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut owners = Vec::new();
    for row in rows {
        let (id, pubkey): (i64, Vec<u8>) = row?;
        owners.push((id, SwarmPubkey::try_from(pubkey.as_slice())?));
    }
    Ok(owners)
}
