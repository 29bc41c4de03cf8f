//! Messages the file's lists do not have yet.
//!
//! A file finds messages by two lists: `by_hash` and `by_owner`. New messages have their places
//! anywhere in them; to enter each with its message would mean to write two pages more for every
//! message. So new ones are remembered here and entered many at a time, in the order of the
//! lists, in steps between other work. A number in the file says up to which row all messages are
//! listed; those behind it are read again at a start.
//!
//! Whoever looks something up looks here first and in the file then: what is taken out of here
//! in between is in the file by that time.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, params};
use session_types::Namespace;

use super::schema::Form;
use super::{file, hashes, schema};

/// Name of the number in the file: the row up to which messages are listed.
pub(super) const LISTED: &str = "listed";

/// Name of the number in the file that is written when the newest message is deleted: its row.
pub(super) const NEWEST: &str = "newest";

/// Messages remembered before they are entered in the lists. More of them share a page of a
/// list, and take memory: about a hundred bytes each.
const LIST_AT: usize = if cfg!(test) { 64 } else { 16 * 1024 };

/// Entries made in one step. Writes wait meanwhile.
const STEP: usize = if cfg!(test) { 20 } else { 512 };

/// Pause after a step that failed, on a full disk perhaps.
const PAUSE: Duration = Duration::from_secs(5);

/// A message as the lists have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: i64,
    /// Of its hash.
    pub(super) key: i64,
    pub(super) owner: i64,
    pub(super) namespace: i16,
}

impl Entry {
    /// Its place in `by_hash`.
    pub(super) const fn by_hash(&self) -> ByHash {
        (self.key, self.id)
    }

    /// Its place in `by_owner`.
    pub(super) const fn by_owner(&self) -> ByOwner {
        (self.owner, self.namespace, self.id)
    }
}

/// Key and row.
pub(super) type ByHash = (i64, i64);
/// Owner, namespace and row.
pub(super) type ByOwner = (i64, i16, i64);

/// The messages that are not listed, shared by the writer and the readers.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest row there has been.
    newest: i64,
    /// The row up to which everything is listed.
    listed: i64,
    /// In the order of the rows.
    entries: VecDeque<Entry>,
    by_hash: BTreeSet<ByHash>,
    by_owner: BTreeSet<ByOwner>,
    /// Those that are being entered.
    batch: Option<Batch>,
    /// Up to this row they are to be entered however few they are.
    hurried: i64,
    /// No step before this time.
    retry: Option<Instant>,
}

/// Messages that are being entered, in the order of each list.
#[derive(Debug)]
struct Batch {
    last: i64,
    by_hash: Vec<ByHash>,
    by_owner: Vec<ByOwner>,
    /// Entries made, those of the first list first.
    made: usize,
}

/// What one step has done, once it is committed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    made: usize,
    /// Everything up to this row is listed now.
    reached: Option<i64>,
}

impl Recent {
    /// Begins anew with what the file does not list.
    pub(super) fn load(&self, connection: &Connection, form: Form) -> rusqlite::Result<()> {
        let mut state = State::default();
        if form == Form::Two {
            let Some(listed) = schema::number(connection, LISTED)? else {
                return Err(file::corrupt());
            };
            state.listed = listed;
            state.newest = newest_of(connection)?;
            let mut statement = connection.prepare(
                "SELECT id, hash, owner, namespace FROM messages WHERE id > ?1 ORDER BY id",
            )?;
            let mut rows = statement.query([listed])?;
            while let Some(row) = rows.next()? {
                state.add(Entry {
                    id: row.get(0)?,
                    key: hashes::key(&hashes::text(row, 1)?),
                    owner: row.get(2)?,
                    namespace: row.get(3)?,
                });
            }
        }
        *self.lock() = state;
        Ok(())
    }

    /// The newest row there has been.
    pub(super) fn newest(&self) -> i64 {
        self.lock().newest
    }

    /// The row up to which everything is listed.
    pub(super) fn listed(&self) -> i64 {
        self.lock().listed
    }

    /// Remembers a new message. Rows are given out in order.
    pub(super) fn add(&self, entry: Entry) {
        self.lock().add(entry);
    }

    /// Forgets messages behind this row: their transaction was rolled back.
    pub(super) fn undo(&self, newest: i64) {
        let mut state = self.lock();
        while let Some(entry) = state.entries.pop_back_if(|entry| entry.id > newest) {
            state.by_hash.remove(&entry.by_hash());
            state.by_owner.remove(&entry.by_owner());
        }
        state.newest = state.newest.min(newest);
    }

    /// Messages with keys in this range, in their order.
    pub(super) fn with_keys(&self, first: i64, last: i64) -> Vec<ByHash> {
        let state = self.lock();
        let range = (first, i64::MIN)..=(last, i64::MAX);
        state.by_hash.range(range).copied().collect()
    }

    /// Rows of an owner's messages in one namespace or all, behind a row; in order for one
    /// namespace.
    pub(super) fn of_owner(
        &self,
        owner: i64,
        namespace: Option<Namespace>,
        after: i64,
    ) -> Vec<i64> {
        let (first, last) = namespace.map_or((i16::MIN, i16::MAX), |namespace| {
            (namespace.get(), namespace.get())
        });
        let range = (owner, first, i64::MIN)..=(owner, last, i64::MAX);
        let state = self.lock();
        let rows = state.by_owner.range(range).map(|(_, _, id)| *id);
        rows.filter(|id| *id > after).collect()
    }

    /// Whether an owner has some.
    pub(super) fn has_owner(&self, owner: i64) -> bool {
        let range = (owner, i16::MIN, i64::MIN)..=(owner, i16::MAX, i64::MAX);
        self.lock().by_owner.range(range).next().is_some()
    }

    /// Has all of them entered soon.
    pub(super) fn hurry(&self) {
        let mut state = self.lock();
        state.hurried = state.newest;
    }

    /// Whether a step is to be taken.
    pub(super) fn is_due(&self) -> bool {
        let state = self.lock();
        let wanted = state.batch.is_some()
            || state.entries.len() >= LIST_AT
            || (state.hurried > state.listed && !state.entries.is_empty());
        wanted && state.retry.is_none_or(|retry| retry <= Instant::now())
    }

    /// Whether everything is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    /// Enters some messages in the lists. A message that is deleted by now is left out: nobody
    /// would strike it off. What a rolled back or interrupted step has entered is entered again.
    pub(super) fn list_some(&self, connection: &Connection) -> rusqlite::Result<Step> {
        let (start, by_hash, by_owner, last) = self.lock().portion();
        let mut statement = connection.prepare_cached(
            "INSERT OR IGNORE INTO by_hash (key, id)
             SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM messages WHERE id = ?2)",
        )?;
        for (key, id) in &by_hash {
            statement.execute(params![key, id])?;
        }
        let mut statement = connection.prepare_cached(
            "INSERT OR IGNORE INTO by_owner (owner, namespace, id)
             SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM messages WHERE id = ?3)",
        )?;
        for (owner, namespace, id) in &by_owner {
            statement.execute(params![owner, namespace, id])?;
        }
        if let Some(last) = last {
            schema::set_number(connection, LISTED, last)?;
        }
        Ok(Step {
            made: start
                .saturating_add(by_hash.len())
                .saturating_add(by_owner.len()),
            reached: last,
        })
    }

    /// A step is committed.
    pub(super) fn note(&self, step: Step) {
        let mut state = self.lock();
        if let Some(batch) = &mut state.batch {
            batch.made = step.made;
        }
        let Some(reached) = step.reached else {
            return;
        };
        state.batch = None;
        state.listed = reached;
        while let Some(entry) = state.entries.pop_front_if(|entry| entry.id <= reached) {
            state.by_hash.remove(&entry.by_hash());
            state.by_owner.remove(&entry.by_owner());
        }
    }

    /// A step did not succeed.
    pub(super) fn postpone(&self) {
        self.lock().retry = Some(Instant::now() + PAUSE);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, entry: Entry) {
        self.newest = self.newest.max(entry.id);
        self.entries.push_back(entry);
        self.by_hash.insert(entry.by_hash());
        self.by_owner.insert(entry.by_owner());
    }

    /// The next entries to be made, how many of the batch came before them, and the row that is
    /// reached when they are the last.
    fn portion(&mut self) -> (usize, Vec<ByHash>, Vec<ByOwner>, Option<i64>) {
        let (entries, listed) = (&self.entries, self.listed);
        let batch = self.batch.get_or_insert_with(|| {
            let mut by_hash: Vec<ByHash> = entries.iter().map(Entry::by_hash).collect();
            let mut by_owner: Vec<ByOwner> = entries.iter().map(Entry::by_owner).collect();
            by_hash.sort_unstable();
            by_owner.sort_unstable();
            Batch {
                last: entries.back().map_or(listed, |entry| entry.id),
                by_hash,
                by_owner,
                made: 0,
            }
        });
        let start = batch.made;
        let of_hashes: Vec<ByHash> = batch
            .by_hash
            .iter()
            .skip(start)
            .take(STEP)
            .copied()
            .collect();
        let of_owners: Vec<ByOwner> = batch
            .by_owner
            .iter()
            .skip(start.saturating_sub(batch.by_hash.len()))
            .take(STEP.saturating_sub(of_hashes.len()))
            .copied()
            .collect();
        let made = start
            .saturating_add(of_hashes.len())
            .saturating_add(of_owners.len());
        let all = batch.by_hash.len().saturating_add(batch.by_owner.len());
        let last = (made >= all).then_some(batch.last);
        (start, of_hashes, of_owners, last)
    }
}

/// The newest row there has been in a file of the second form.
pub(super) fn newest_of(connection: &Connection) -> rusqlite::Result<i64> {
    let newest: Option<i64> = connection
        .query_row("SELECT MAX(id) FROM messages", [], |row| row.get(0))
        .optional()?
        .flatten();
    let deleted = schema::number(connection, NEWEST)?;
    // What is listed has been there, whatever has become of it.
    let listed = schema::number(connection, LISTED)?;
    Ok(newest.max(deleted).max(listed).unwrap_or(0))
}
