//! What this node holds of its swarm's messages, in short: members compare these figures to find
//! out what one of them lacks (docs/protocol/node.md section 17.1).
//!
//! Messages are divided into [`BUCKETS`] buckets by the first two characters of their hash. Each
//! bucket has a [`Sum`]: how many messages there are, and their hashes added up as numbers. It
//! changes with every message that comes or goes and does not depend on the order, so it is kept
//! up to date instead of being computed: temporary triggers of the writing connection report
//! every row, whichever statement touches it, and the writer applies the reports after the commit.
//!
//! Only messages on one arc of swarm space count, because nodes keep what they held for other
//! swarms before. After a start, or for another arc, the sums are made by reading all rows, some
//! at a time, as jobs of the writer; rows behind the reader's position are not counted twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};
use session_crypto::hash::blake2b;
use session_types::Timestamp;

use super::database::Database;
use super::dumps::SwarmRange;
use super::messages::signed_position;
use super::schema::Form;
use super::{Store, StoreError, hashes};

/// How many buckets there are: two characters of base64.
pub(crate) const BUCKETS: u16 = 4096;

/// Rows read in one step while sums are made.
const BUILD_STEP: u32 = 2_000;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The digest a message hash stands for.
pub(crate) type Element = [u8; 32];

/// A set of messages in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    count: u64,
    /// The digests as little-endian numbers, added modulo 2^256; lowest word first.
    total: [u64; 4],
}

impl Sum {
    pub(crate) fn add(&mut self, element: &Element) {
        self.count = self.count.wrapping_add(1);
        let mut carry = false;
        for (word, more) in self.total.iter_mut().zip(words(element)) {
            let (sum, first) = word.overflowing_add(more);
            let (sum, second) = sum.overflowing_add(carry.into());
            *word = sum;
            carry = first || second;
        }
    }

    fn remove(&mut self, element: &Element) {
        self.count = self.count.wrapping_sub(1);
        let mut borrow = false;
        for (word, less) in self.total.iter_mut().zip(words(element)) {
            let (rest, first) = word.overflowing_sub(less);
            let (rest, second) = rest.overflowing_sub(borrow.into());
            *word = rest;
            borrow = first || second;
        }
    }

    /// How many messages there are.
    #[cfg(test)]
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Count and total, 40 bytes, little-endian.
    pub(crate) fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let words = core::iter::once(self.count).chain(self.total);
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

fn words(element: &Element) -> impl Iterator<Item = u64> {
    let (words, _) = element.as_chunks::<8>();
    words.iter().map(|word| u64::from_le_bytes(*word))
}

/// A row that came or went.
#[derive(Debug, Clone, Copy)]
struct Change {
    added: bool,
    id: i64,
    /// In ring order, as in the table of owners.
    position: i64,
    bucket: u16,
    element: Element,
}

/// What a transaction did, in its order.
#[derive(Debug)]
enum Step {
    Change(Change),
    /// Begin anew for this arc.
    Begin(SwarmRange),
    /// These rows, up to this id, have been read.
    Read {
        rows: Vec<(u16, Element)>,
        reached: i64,
    },
}

#[derive(Debug, Default)]
struct State {
    range: Option<SwarmRange>,
    /// Rows up to this id are counted.
    reached: i64,
    /// Empty until they are first wanted.
    sums: Vec<Sum>,
    /// Of the transaction that is open.
    steps: Vec<Step>,
}

/// The sums, shared by the writer and those who compare.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(Mutex<State>);

impl Fingerprints {
    /// Makes the writing connection report what it does to messages. Returns whether it did so
    /// before: it is another one after the file has been repaired.
    fn listen(self: &Arc<Self>, connection: &Connection) -> rusqlite::Result<bool> {
        let listening = connection
            .prepare_cached("SELECT 1 FROM temp.sqlite_schema WHERE name = 'message_goes'")?
            .exists([])?;
        if listening {
            return Ok(true);
        }
        let reported = Arc::clone(self);
        connection.create_scalar_function(
            "note_message",
            4,
            FunctionFlags::SQLITE_UTF8,
            move |call| {
                let added: bool = call.get(0)?;
                let id: i64 = call.get(1)?;
                let position: Option<i64> = call.get(2)?;
                if let Some(hash) = hashes::text_of(call.get_raw(3)) {
                    reported.note(added, id, position, &hash);
                }
                Ok(0)
            },
        )?;
        connection.execute_batch(
            "CREATE TEMP TRIGGER message_came AFTER INSERT ON main.messages
             BEGIN
                 SELECT note_message(1, NEW.id,
                     (SELECT position FROM owners WHERE id = NEW.owner), NEW.hash);
             END;
             CREATE TEMP TRIGGER message_goes BEFORE DELETE ON main.messages
             BEGIN
                 SELECT note_message(0, OLD.id,
                     (SELECT position FROM owners WHERE id = OLD.owner), OLD.hash);
             END;",
        )?;
        Ok(false)
    }

    fn note(&self, added: bool, id: i64, position: Option<i64>, hash: &str) {
        let mut state = self.lock();
        if state.sums.is_empty() && state.steps.is_empty() {
            return;
        }
        let (Some(position), Some((bucket, element))) = (position, place(hash)) else {
            return;
        };
        state.steps.push(Step::Change(Change {
            added,
            id,
            position,
            bucket,
            element,
        }));
    }

    /// Where the open transaction is.
    pub(super) fn mark(&self) -> usize {
        self.lock().steps.len()
    }

    /// What came after the mark has been undone.
    pub(super) fn undo(&self, mark: usize) {
        self.lock().steps.truncate(mark);
    }

    /// The transaction is committed.
    pub(super) fn publish(&self) {
        let mut state = self.lock();
        if state.steps.is_empty() {
            return;
        }
        for step in std::mem::take(&mut state.steps) {
            state.apply(step);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, step: Step) {
        match step {
            Step::Begin(range) => {
                self.range = Some(range);
                self.reached = 0;
                self.sums = vec![Sum::default(); usize::from(BUCKETS)];
            }
            Step::Read { rows, reached } => {
                for (bucket, element) in rows {
                    if let Some(sum) = self.sums.get_mut(usize::from(bucket)) {
                        sum.add(&element);
                    }
                }
                self.reached = reached;
            }
            Step::Change(change) => {
                let counted = change.id <= self.reached
                    && self
                        .range
                        .is_some_and(|range| holds(range, change.position));
                if counted && let Some(sum) = self.sums.get_mut(usize::from(change.bucket)) {
                    if change.added {
                        sum.add(&change.element);
                    } else {
                        sum.remove(&change.element);
                    }
                }
            }
        }
    }
}

/// Whether a place in ring order lies on the arc.
fn holds(range: SwarmRange, position: i64) -> bool {
    let (first, last) = (signed_position(range.first), signed_position(range.last));
    if first <= last {
        position >= first && position <= last
    } else {
        position >= first || position <= last
    }
}

/// Bucket and digest of a hash text.
fn place(hash: &str) -> Option<(u16, Element)> {
    let digit = |index: usize| {
        let character = hash.as_bytes().get(index)?;
        let value = ALPHABET.iter().position(|c| c == character)?;
        u16::try_from(value).ok()
    };
    let bucket = digit(0)? * 64 + digit(1)?;
    // With spare bits at its end it is nothing a node computes, but it must count all the same.
    let element = hashes::digest(hash).unwrap_or_else(|| blake2b::<32>(&[hash.as_bytes()]));
    Some((bucket, element))
}

/// The two characters hashes in a bucket begin with.
fn prefix(bucket: u16) -> Option<[u8; 2]> {
    let digit = |value: u16| ALPHABET.get(usize::from(value)).copied();
    Some([digit(bucket / 64)?, digit(bucket % 64)?])
}

/// Rows of one bucket by their hash text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) bucket: u16,
    /// Later ones only.
    pub(crate) after: Option<String>,
    /// Up to and including this one.
    pub(crate) until: Option<String>,
}

impl Stretch {
    /// A whole bucket.
    pub(crate) const fn whole(bucket: u16) -> Self {
        Self {
            bucket,
            after: None,
            until: None,
        }
    }

    /// Whether a hash text is on this stretch.
    pub(crate) fn contains(&self, hash: &str) -> bool {
        place(hash).is_some_and(|(bucket, _)| bucket == self.bucket)
            && self.after.as_deref().is_none_or(|after| hash > after)
            && self.until.as_deref().is_none_or(|until| hash <= until)
    }
}

/// A message as far as it takes to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldRow {
    pub(crate) id: i64,
    pub(crate) element: Element,
    pub(crate) expiry: Timestamp,
}

/// The rows of a stretch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HeldRows {
    pub(crate) rows: Vec<HeldRow>,
    /// Rows were left out; the last one that was read.
    pub(crate) stopped_at: Option<String>,
}

impl Store {
    /// The sums of all buckets for an arc, if they are there.
    pub(crate) fn sums(&self, range: SwarmRange) -> Option<Vec<Sum>> {
        let state = self.fingerprints.lock();
        (state.range == Some(range) && state.reached == i64::MAX).then(|| state.sums.clone())
    }

    /// Makes the sums for an arc unless they are there.
    pub(crate) async fn make_sums(&self, range: SwarmRange) -> Result<(), StoreError> {
        let fingerprints = Arc::clone(&self.fingerprints);
        self.writer
            .write(move |conn| {
                let listening = fingerprints.listen(conn)?;
                let mut state = fingerprints.lock();
                if !listening || (state.range != Some(range) && !begun(&state)) {
                    state.steps.push(Step::Begin(range));
                }
                Ok(())
            })
            .await?;
        loop {
            let reached = {
                let state = self.fingerprints.lock();
                if state.range != Some(range) || state.reached == i64::MAX {
                    return Ok(());
                }
                state.reached
            };
            let fingerprints = Arc::clone(&self.fingerprints);
            self.writer
                .write(move |conn| {
                    let step = read_step(conn, range, reached)?;
                    let mut state = fingerprints.lock();
                    // Another one may have been here meanwhile.
                    if state.range == Some(range) && state.reached == reached && !begun(&state) {
                        state.steps.push(step);
                    }
                    Ok(())
                })
                .await?;
        }
    }

    /// Rows of several stretches on an arc, at most `limit` in all. Ends with the stretch that
    /// reaches the limit; those behind it are not looked at.
    pub(crate) async fn held_rows(
        &self,
        range: SwarmRange,
        stretches: Vec<Stretch>,
        limit: usize,
    ) -> Result<Vec<HeldRows>, StoreError> {
        self.read(move |conn| held_rows(conn, range, &stretches, limit))
            .await
    }
}

/// Whether steps of the open transaction change where the sums are.
fn begun(state: &State) -> bool {
    state
        .steps
        .iter()
        .any(|step| matches!(step, Step::Begin(_) | Step::Read { .. }))
}

fn read_step(conn: &Connection, range: SwarmRange, after: i64) -> rusqlite::Result<Step> {
    let mut statement = conn.prepare_cached(
        "SELECT messages.id, position, hash FROM messages
         CROSS JOIN owners ON owners.id = messages.owner
         WHERE messages.id > ?1 ORDER BY messages.id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, BUILD_STEP])?;
    let mut found = Vec::new();
    let (mut read, mut reached) = (0u32, after);
    while let Some(row) = rows.next()? {
        read += 1;
        reached = row.get(0)?;
        let hash = hashes::text(row, 2)?;
        if holds(range, row.get(1)?) {
            found.extend(place(&hash));
        }
    }
    if read < BUILD_STEP {
        reached = i64::MAX;
    }
    Ok(Step::Read {
        rows: found,
        reached,
    })
}

fn held_rows(
    conn: &Database,
    range: SwarmRange,
    stretches: &[Stretch],
    limit: usize,
) -> rusqlite::Result<Vec<HeldRows>> {
    let mut left = limit;
    let mut found = Vec::new();
    for stretch in stretches {
        let mut held = HeldRows::default();
        let Some([first, second]) = prefix(stretch.bucket) else {
            found.push(held);
            continue;
        };
        // No hash is as short as the prefix, and none begins with a character behind `z`.
        let begin = String::from_utf8_lossy(&[first, second]).into_owned();
        let end = format!("{begin}~");
        let after = stretch.after.as_ref().unwrap_or(&begin).max(&begin);
        let until = stretch.until.as_ref().unwrap_or(&end).min(&end);
        each_between(conn, after, until, &mut |text, id, expiry, position| {
            if holds(range, position)
                && let Some((_, element)) = place(&text)
            {
                held.rows.push(HeldRow {
                    id,
                    element,
                    expiry,
                });
            }
            left = left.saturating_sub(1);
            if left == 0 {
                held.stopped_at = Some(text);
            }
            left > 0
        })?;
        let stopped = held.stopped_at.is_some();
        found.push(held);
        if stopped {
            break;
        }
    }
    Ok(found)
}

/// What is done with hash, row, expiry and position of a message; whether to go on.
type EachHeld<'a> = &'a mut dyn FnMut(String, i64, Timestamp, i64) -> bool;

/// Goes through messages with hashes behind `after`, up to `until`, in the order of their texts.
fn each_between(
    conn: &Database,
    after: &str,
    until: &str,
    each: EachHeld<'_>,
) -> rusqlite::Result<()> {
    let time = |expiry: i64| Timestamp::from_ms(u64::try_from(expiry).unwrap_or(0));
    if conn.form() == Form::One {
        let mut statement = conn.prepare_cached(
            "SELECT hash, messages.id, expiry, position FROM messages
             CROSS JOIN owners ON owners.id = messages.owner
             WHERE hash > ?1 AND hash <= ?2 ORDER BY hash",
        )?;
        let mut rows = statement.query(params![after, until])?;
        while let Some(row) = rows.next()? {
            if !each(row.get(0)?, row.get(1)?, time(row.get(2)?), row.get(3)?) {
                break;
            }
        }
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "SELECT hash, expiry, position FROM messages
         CROSS JOIN owners ON owners.id = messages.owner WHERE messages.id = ?1",
    )?;
    let keys = conn.with_keys(hashes::key(after), hashes::last_key(until))?;
    for same_key in keys.chunk_by(|one, other| one.0 == other.0) {
        let mut held = Vec::with_capacity(same_key.len());
        for (_, id) in same_key {
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                held.push((hashes::text(row, 0)?, *id, row.get(1)?, row.get(2)?));
            }
        }
        held.sort_unstable();
        for (text, id, expiry, position) in held {
            let between = text.as_str() > after && text.as_str() <= until;
            if between && !each(text, id, time(expiry), position) {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
