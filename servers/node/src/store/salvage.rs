//! Taking over from a damaged file whatever can still be read.
//!
//! Table by table, row by row. A page that cannot be read costs the rows on it, and the reading
//! goes on behind it. A row is taken over when it is well formed: a message must have the hash it
//! is stored under, so what has changed on the disk does not reach anybody.

mod messages;
mod tables;
mod walk;

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::in_flight::NUMBER;
use super::recent::{ByHash, ByOwner, Entry, LISTED, NEWEST};
use super::{StoreError, schema};

/// Rows written in one transaction.
const GROUP: u64 = 2_000;

/// Messages entered in the lists together, in the order of the lists.
const LISTED_TOGETHER: usize = 128 * 1024;

/// What became of the rows of a damaged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Salvaged {
    pub(super) messages: Taken,
    /// Everything that is no message.
    pub(super) others: Taken,
}

/// Rows taken over and rows that were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    pub(super) saved: u64,
    /// Rows that are known to have been there. Of a stretch nothing is known about, one.
    pub(super) lost: u64,
}

impl Salvaged {
    pub(super) const fn saved(&self) -> u64 {
        self.messages.saved.saturating_add(self.others.saved)
    }

    pub(super) const fn lost(&self) -> u64 {
        self.messages.lost.saturating_add(self.others.lost)
    }
}

/// Copies what can be read of the database at `damaged` into a new one at `target`, which is
/// whole and on the disk afterwards, without companion files.
///
/// # Errors
/// What the new file meets: a full disk above all. Nothing the damaged one holds is an error.
pub(super) fn salvage(damaged: &Path, target: &Path) -> Result<Salvaged, StoreError> {
    let mut target = Target::create(target)?;
    let mut salvaged = Salvaged::default();
    match open_damaged(damaged) {
        Ok(source) => {
            salvaged.messages = messages::copy(&source, &mut target)?;
            salvaged.others = tables::copy(&source, &mut target)?;
        }
        Err(error) => {
            tracing::warn!(%error, "the damaged database cannot be opened at all");
            salvaged.messages.lost = 1;
        }
    }
    if salvaged.lost() > 0 {
        // What a node remembers of its swarm; without it the other members are asked for
        // everything they have.
        target
            .connection
            .execute("DELETE FROM numbers WHERE name <> ?1", [NUMBER])?;
        // Up to which row members have every message is still known, or they get them all.
        target.connection.execute(
            "INSERT OR IGNORE INTO numbers (name, value) VALUES (?1, 0)",
            [NUMBER],
        )?;
    }
    target.finish()?;
    Ok(salvaged)
}

/// Opens a file that is known to be damaged. Nothing is written to it.
fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(path, flags)?;
    // Lets SQLite read a file that has lost its end, and a schema that makes no sense to it.
    source.pragma_update(None, "writable_schema", "ON")?;
    source.pragma_update(None, "cell_size_check", "ON")?;
    source.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(source)
}

/// The file that takes the place of the damaged one.
pub(super) struct Target {
    connection: Connection,
    waiting: u64,
    /// Messages that are not in the lists yet.
    entries: Vec<Entry>,
    /// The newest row there has been.
    newest: i64,
}

impl Target {
    fn create(path: &Path) -> Result<Self, StoreError> {
        let mut connection = schema::open_writable(path)?;
        schema::prepare(&mut connection)?;
        // Nobody uses it before it is finished, and then it is on the disk.
        connection.pragma_update(None, "synchronous", "OFF")?;
        // Messages come before and without what they would wait for.
        connection.execute_batch("BEGIN")?;
        Ok(Self {
            connection,
            waiting: 0,
            entries: Vec::new(),
            newest: 0,
        })
    }

    /// Writes one row. Returns whether it was new.
    fn write(&mut self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<bool> {
        let written = self.connection.prepare_cached(sql)?.execute(values)?;
        self.waiting = self.waiting.saturating_add(1);
        if self.waiting >= GROUP {
            self.waiting = 0;
            self.connection.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(written > 0)
    }

    /// Has a message that was written entered in the lists.
    fn list(&mut self, entry: Entry) -> rusqlite::Result<()> {
        self.newest = self.newest.max(entry.id);
        self.entries.push(entry);
        if self.entries.len() >= LISTED_TOGETHER {
            self.list_all()?;
        }
        Ok(())
    }

    fn list_all(&mut self) -> rusqlite::Result<()> {
        let entries = std::mem::take(&mut self.entries);
        let mut by_hash: Vec<ByHash> = entries.iter().map(Entry::by_hash).collect();
        by_hash.sort_unstable();
        for (key, id) in by_hash {
            self.write("INSERT INTO by_hash (key, id) VALUES (?1, ?2)", [key, id])?;
        }
        let mut by_owner: Vec<ByOwner> = entries.iter().map(Entry::by_owner).collect();
        by_owner.sort_unstable();
        for (owner, namespace, id) in by_owner {
            self.write(
                "INSERT INTO by_owner (owner, namespace, id) VALUES (?1, ?2, ?3)",
                (owner, namespace, id),
            )?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), StoreError> {
        self.list_all()?;
        for name in [LISTED, NEWEST] {
            schema::set_number(&self.connection, name, self.newest)?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        // Moves everything into the one file and removes the log.
        self.connection
            .pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error)?;
        Ok(())
    }
}
