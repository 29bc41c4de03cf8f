//! Striking deleted messages off the file's lists.
//!
//! A deletion takes a message out of the table and out of the order of expiry, where neighbours
//! go together. Its entries in `by_hash` and `by_owner` lie anywhere, so they stay for a time and
//! lead nowhere; the table `gone` says which they are. Later they are struck off many at a time,
//! in the order of the lists, and owners who have nothing left with them.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::Database;
use super::recent::{ByHash, ByOwner, Entry};
use super::schema::Form;
use super::{Store, StoreError};

/// Entries of one row of the table.
const ROW: usize = 256;

/// Bytes of an entry in such a row.
const ENTRY: usize = 26;

/// Entries struck off together, which are held in memory meanwhile.
const MOST: usize = if cfg!(test) { 100 } else { 128 * 1024 };

/// With fewer waiting it is not worth while yet.
const WORTHWHILE: usize = if cfg!(test) { 50 } else { 4 * 1024 };

/// Entries struck off in one step. Writes wait meanwhile.
const STEP: usize = if cfg!(test) { 30 } else { 1_000 };

/// Notes that messages are deleted.
pub(super) fn note(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("INSERT INTO gone (entries) VALUES (?1)")?;
    for entries in entries.chunks(ROW) {
        let mut bytes = Vec::with_capacity(ENTRY.saturating_mul(entries.len()));
        for entry in entries {
            bytes.extend(entry.id.to_le_bytes());
            bytes.extend(entry.key.to_le_bytes());
            bytes.extend(entry.owner.to_le_bytes());
            bytes.extend(entry.namespace.to_le_bytes());
        }
        statement.execute([bytes])?;
    }
    Ok(())
}

/// The entries of one row.
pub(super) fn decode(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let (entries, _) = bytes.as_chunks::<ENTRY>();
    entries.iter().filter_map(|bytes| {
        let (id, rest) = bytes.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (owner, rest) = rest.split_first_chunk()?;
        let (namespace, _) = rest.split_first_chunk()?;
        Some(Entry {
            id: i64::from_le_bytes(*id),
            key: i64::from_le_bytes(*key),
            owner: i64::from_le_bytes(*owner),
            namespace: i16::from_le_bytes(*namespace),
        })
    })
}

/// The next entries that can be struck off.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    /// Rows of the table up to this one are theirs.
    last: i64,
    /// So many behind them wait for some that are not listed yet.
    waiting: usize,
}

fn find(db: &Database) -> rusqlite::Result<Found> {
    let mut found = Found::default();
    if db.form() == Form::One {
        return Ok(found);
    }
    let listed = db.recent().listed();
    let mut statement = db.prepare_cached("SELECT id, entries FROM gone ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob()?;
        if found.waiting > 0 || decode(bytes).any(|entry| entry.id > listed) {
            found.waiting = found.waiting.saturating_add(decode(bytes).count());
        } else {
            found.entries.extend(decode(bytes));
            found.last = row.get(0)?;
        }
        if found.entries.len().saturating_add(found.waiting) >= MOST {
            break;
        }
    }
    Ok(found)
}

impl Store {
    /// Strikes deleted messages off the lists, if they are many or `all` are wanted. Returns how
    /// many.
    pub(crate) async fn tidy(&self, all: bool) -> Result<usize, StoreError> {
        let mut struck = 0usize;
        loop {
            let found = self.read(find).await?;
            if found.waiting >= if all { 1 } else { WORTHWHILE } {
                self.recent.hurry();
                self.writer.waker()();
            }
            if found.entries.is_empty() || (!all && found.entries.len() < WORTHWHILE) {
                return Ok(struck);
            }
            let mut by_hash: Vec<ByHash> = found.entries.iter().map(Entry::by_hash).collect();
            by_hash.sort_unstable();
            for step in by_hash.chunks(STEP) {
                let step = step.to_vec();
                self.pause().await;
                self.writer
                    .write(move |db| strike_hashes(db, &step))
                    .await?;
            }
            drop(by_hash);
            let mut by_owner: Vec<ByOwner> = found.entries.iter().map(Entry::by_owner).collect();
            by_owner.sort_unstable();
            for step in by_owner.chunks(STEP) {
                let step = step.to_vec();
                self.pause().await;
                self.writer
                    .write(move |db| strike_owners(db, &step))
                    .await?;
            }
            struck = struck.saturating_add(found.entries.len());
            let last = found.last;
            self.writer
                .write(move |db| {
                    db.prepare_cached("DELETE FROM gone WHERE id <= ?1")?
                        .execute([last])
                })
                .await?;
        }
    }
}

fn strike_hashes(connection: &Connection, entries: &[ByHash]) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("DELETE FROM by_hash WHERE key = ?1 AND id = ?2")?;
    for (key, id) in entries {
        statement.execute(params![key, id])?;
    }
    Ok(())
}

/// An owner goes with the last message.
fn strike_owners(db: &Database, entries: &[ByOwner]) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare_cached("DELETE FROM by_owner WHERE owner = ?1 AND namespace = ?2 AND id = ?3")?;
    for (owner, namespace, id) in entries {
        statement.execute(params![owner, namespace, id])?;
    }
    for entries in entries.chunk_by(|one, other| one.0 == other.0) {
        let Some((owner, _, _)) = entries.first() else {
            continue;
        };
        let listed = db
            .prepare_cached("SELECT 1 FROM by_owner WHERE owner = ?1 LIMIT 1")?
            .query_row([owner], |_| Ok(()))
            .optional()?;
        if listed.is_none() && !db.recent().has_owner(*owner) {
            db.prepare_cached("DELETE FROM owners WHERE id = ?1")?
                .execute([owner])?;
            db.note_change(*owner);
        }
    }
    Ok(())
}
