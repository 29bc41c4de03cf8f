//! A connection, and how messages are found, added and removed on files of both forms.

use std::cell::RefCell;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use rusqlite::hooks::Wal;
use rusqlite::{
    CachedStatement, Connection, OptionalExtension as _, Transaction, TransactionBehavior, params,
};
use session_types::{Namespace, SwarmPubkey};

use super::hashes::Stored;
use super::health::Health;
use super::page_memory::MarkIndex;
use super::recent::{ByHash, Entry, NEWEST, Recent};
use super::schema::Form;
use super::{StoredMessage, gone, hashes, schema};

/// A connection to the database.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    form: Form,
    recent: Arc<Recent>,
    /// Whose messages the open transaction has changed, some more than once.
    changed: RefCell<Vec<MarkIndex>>,
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Database {
    /// A connection to a file of this form. The lists of the second form go on in `recent`.
    pub(super) const fn new(connection: Connection, form: Form, recent: Arc<Recent>) -> Self {
        Self {
            connection,
            form,
            recent,
            changed: RefCell::new(Vec::new()),
        }
    }

    /// A connection that only reads.
    pub(super) fn open_readable(path: &Path, recent: &Arc<Recent>) -> rusqlite::Result<Self> {
        let connection = schema::open_readable(path)?;
        let form = schema::form(&connection)?;
        Ok(Self::new(connection, form, Arc::clone(recent)))
    }

    /// Has it noted after each commit how long the log is. From then on SQLite no longer moves it
    /// as part of commits.
    pub(super) fn note_log(&mut self, health: Arc<Health>) -> rusqlite::Result<()> {
        self.connection
            .wal_hook(Some(move |_: &mut Wal, pages: i32| {
                health.set_log_pages(u32::try_from(pages).unwrap_or(0));
                Ok(())
            }))
    }

    /// Closes the connection; fails when it could not be.
    pub(super) fn close(self) -> rusqlite::Result<()> {
        self.connection.close().map_err(|(_, error)| error)
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    pub(super) fn shared_recent(&self) -> Arc<Recent> {
        Arc::clone(&self.recent)
    }

    /// Notes that an owner's messages are changed, or the owner is gone.
    pub(super) fn note_change(&self, owner: i64) {
        self.note(MarkIndex::of_owner(owner));
    }

    /// Notes that there is an owner who was not there.
    pub(super) fn note_owner(&self, owner: &SwarmPubkey) {
        self.note(MarkIndex::of_stranger(owner));
    }

    fn note(&self, index: MarkIndex) {
        let mut changed = self.changed.borrow_mut();
        if changed.last() != Some(&index) {
            changed.push(index);
        }
    }

    /// What was noted since this was last asked.
    pub(super) fn take_changed(&self) -> Vec<MarkIndex> {
        self.changed.take()
    }

    /// Everything read until it is dropped is of one moment.
    pub(super) fn snapshot(&self) -> rusqlite::Result<Transaction<'_>> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)
    }

    /// The newest row there has been.
    pub(super) fn newest(&self) -> rusqlite::Result<i64> {
        if self.form == Form::Two {
            return Ok(self.recent.newest());
        }
        let newest: Option<i64> = self
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(newest.unwrap_or(0))
    }

    /// The row of the message with this hash.
    pub(super) fn find(&self, hash: &str) -> rusqlite::Result<Option<i64>> {
        self.finder()?.find(hash)
    }

    /// Whether the message in a row has this hash.
    fn has(&self, id: i64, hash: &Stored) -> rusqlite::Result<bool> {
        let mut statement = self.prepare_cached("SELECT hash FROM messages WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => Ok(hash.is(row.get_ref(0)?)),
            None => Ok(false),
        }
    }

    /// Finds many messages one after the other.
    pub(super) fn finder(&self) -> rusqlite::Result<Finder<'_>> {
        let listed = self.prepare_cached(match self.form {
            Form::One => "SELECT id, hash FROM messages WHERE hash = ?1",
            // An entry of a message that is deleted leads nowhere.
            Form::Two => {
                "SELECT messages.id, hash FROM by_hash
                 CROSS JOIN messages ON messages.id = by_hash.id WHERE key = ?1"
            }
        })?;
        Ok(Finder {
            database: self,
            listed,
        })
    }

    /// Rows whose hashes have keys in this range, in the order of the keys; some of them may be
    /// deleted. For the second form.
    pub(super) fn with_keys(&self, first: i64, last: i64) -> rusqlite::Result<Vec<ByHash>> {
        let mut found = self.recent.with_keys(first, last);
        let mut statement =
            self.prepare_cached("SELECT key, id FROM by_hash WHERE key BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, row.get(1)?));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Rows of an owner's messages in one namespace or all, oldest first; some of them may be
    /// deleted.
    pub(super) fn of_owner(
        &self,
        owner: i64,
        namespace: Option<Namespace>,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut found = self.recent.of_owner(owner, namespace, i64::MIN);
        let list = match self.form {
            Form::One => "messages",
            Form::Two => "by_owner",
        };
        let (first, last) = namespace.map_or((i16::MIN, i16::MAX), |namespace| {
            (namespace.get(), namespace.get())
        });
        let mut statement = self.prepare_cached(&format!(
            "SELECT id FROM {list} WHERE owner = ?1 AND namespace BETWEEN ?2 AND ?3"
        ))?;
        let mut rows = statement.query(params![owner, first, last])?;
        while let Some(row) = rows.next()? {
            found.push(row.get(0)?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Adds a message that is not there. Returns its row.
    pub(super) fn add(&self, owner: i64, message: &StoredMessage) -> rusqlite::Result<i64> {
        let hash = message.hash.as_str();
        self.note_change(owner);
        let id = match self.form {
            // SQLite counts.
            Form::One => None,
            Form::Two => Some(self.recent.newest().saturating_add(1)),
        };
        self.prepare_cached(
            "INSERT INTO messages (id, hash, owner, namespace, timestamp, expiry, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            Stored::new(self.form, hash),
            owner,
            message.namespace.get(),
            message.timestamp.as_ms_i64(),
            message.expiry.as_ms_i64(),
            message.data,
        ])?;
        let Some(id) = id else {
            return Ok(self.last_insert_rowid());
        };
        self.recent.add(Entry {
            id,
            key: hashes::key(hash),
            owner,
            namespace: message.namespace.get(),
        });
        Ok(id)
    }

    /// Removes messages that are there.
    pub(super) fn remove(&self, entries: &[Entry]) -> rusqlite::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            self.note_change(entry.owner);
        }
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        // One statement for all: each would keep its own copies of the pages it changes, to be
        // able to undo it.
        self.prepare_cached("DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))")?
            .execute([format!("{ids:?}")])?;
        if self.form == Form::Two {
            gone::note(self, entries)?;
            let newest = self.recent.newest();
            if ids.contains(&newest) {
                // Else the next start would use the number again.
                schema::set_number(self, NEWEST, newest)?;
            }
        }
        Ok(())
    }
}

/// Finds messages by their hashes.
pub(super) struct Finder<'a> {
    database: &'a Database,
    listed: CachedStatement<'a>,
}

impl Finder<'_> {
    /// The row of the message with this hash.
    pub(super) fn find(&mut self, hash: &str) -> rusqlite::Result<Option<i64>> {
        let stored = Stored::new(self.database.form, hash);
        let mut rows = match self.database.form {
            Form::One => self.listed.query([&stored])?,
            Form::Two => {
                let key = hashes::key(hash);
                for (_, id) in self.database.recent.with_keys(key, key) {
                    if self.database.has(id, &stored)? {
                        return Ok(Some(id));
                    }
                }
                self.listed.query([key])?
            }
        };
        while let Some(row) = rows.next()? {
            if stored.is(row.get_ref(1)?) {
                return row.get(0).map(Some);
            }
        }
        Ok(None)
    }
}
