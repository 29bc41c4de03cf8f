//! Messages: insertion rules, deletion and expiry.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use session_crypto::hash::message_hash;
use session_storage_rpc::ExpireMode;
use session_types::{MessageHash, Namespace, NamespaceClass, SwarmPubkey, Timestamp, limits};

use super::database::Database;
use super::recent::Entry;
use super::room::Room;
use super::{Inserted, StoredMessage, hashes, tombstones};

/// Where a message to be stored comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A client.
    Client,
    /// A client through another member, at this time. It may have been held up on the way and be
    /// overtaken by a deletion.
    Forwarded(Timestamp),
    /// Another member's database. It may have been read before a change that is already done
    /// here, so it undoes no deletion and no expiry a client has set.
    Push,
}

/// How long one step of the sweep may take, but for the portion it is at. Writes wait meanwhile.
const SWEEP_TIME: Duration = Duration::from_millis(12);

/// Messages deleted between two looks at the time.
const SWEEP_PORTION: u32 = 250;

/// What `expire` did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Expired {
    /// Changed messages and their new expiry.
    pub(crate) updated: BTreeMap<MessageHash, Timestamp>,
    /// Messages that exist and keep their expiry.
    pub(crate) unchanged: BTreeMap<MessageHash, Timestamp>,
}

/// Stores one message. Returns its row id unless a newer message holds the place.
///
/// A full database takes no new message; a known hash keeps the later of both expiries. A public
/// outbox holds one message: the newest by time, then by hash, so that all members of a swarm end
/// with the same one.
pub(super) fn insert(
    conn: &Database,
    message: &StoredMessage,
    source: Source,
    room: &Room,
) -> rusqlite::Result<(Inserted, Option<i64>)> {
    if let Some(id) = conn.find(message.hash.as_str())? {
        let (expiry, set, owner) = conn
            .prepare_cached("SELECT expiry, expiry_set, owner FROM messages WHERE id = ?1")?
            .query_row([id], |row| {
                Ok((time(row, 0)?, row.get::<_, bool>(1)?, row.get(2)?))
            })?;
        if set && source == Source::Push {
            return Ok((
                Inserted {
                    already: true,
                    expiry,
                },
                Some(id),
            ));
        }
        if message.expiry > expiry {
            conn.prepare_cached("UPDATE messages SET expiry = ?2 WHERE id = ?1")?
                .execute(params![id, message.expiry.as_ms_i64()])?;
            conn.note_change(owner);
        }
        let expiry = expiry.max(message.expiry);
        return Ok((
            Inserted {
                already: true,
                expiry,
            },
            Some(id),
        ));
    }

    match source {
        Source::Client => tombstones::lift(conn, message)?,
        Source::Forwarded(now) if !tombstones::covers_lately(conn, message, now)? => {
            tombstones::lift(conn, message)?;
        }
        Source::Push if !tombstones::covers(conn, message)? => {}
        Source::Forwarded(_) | Source::Push => {
            return Ok((
                Inserted {
                    already: true,
                    expiry: message.expiry,
                },
                None,
            ));
        }
    }

    room.require(conn, message.data.len())?;
    // The new row goes in first: an owner whose last message is deleted disappears.
    let owner = owner_id(conn, &message.owner)?;
    let id = conn.add(owner, message)?;

    if message.namespace.class() == NamespaceClass::PublicOutbox {
        let mut there = rows_of(conn, owner, Some(message.namespace))?;
        there.sort_unstable_by(|a, b| (b.timestamp, &b.hash).cmp(&(a.timestamp, &a.hash)));
        let replaced = there.split_off(1.min(there.len()));
        remove(conn, &replaced)?;
        // A member that still has it must not bring it back when the new one is gone.
        let hashes: Vec<MessageHash> = replaced.iter().map(|row| row.hash.clone()).collect();
        tombstones::add(conn, &message.owner, &[], &hashes, message.timestamp)?;
        if replaced.iter().any(|row| row.entry.id == id) {
            return Ok((
                Inserted {
                    already: true,
                    expiry: message.expiry,
                },
                None,
            ));
        }
    }
    Ok((
        Inserted {
            already: false,
            expiry: message.expiry,
        },
        Some(id),
    ))
}

/// The expiry of those of `hashes` that exist.
pub(super) fn expiries(
    conn: &Database,
    owner: &SwarmPubkey,
    hashes: &[MessageHash],
) -> rusqlite::Result<Vec<(MessageHash, Timestamp)>> {
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(Vec::new());
    };
    // One look-up per hash: a list in one statement may make SQLite walk a large owner.
    let mut found = Vec::new();
    let mut finder = conn.finder()?;
    for wanted in hashes {
        let expiry = expiry_of(conn, finder.find(wanted.as_str())?, owner)?;
        found.extend(expiry.map(|(_, expiry)| (wanted.clone(), expiry)));
    }
    Ok(found)
}

/// Row and expiry of a message that was found, if it is the owner's.
fn expiry_of(
    conn: &Database,
    row: Option<i64>,
    owner: i64,
) -> rusqlite::Result<Option<(i64, Timestamp)>> {
    let Some(id) = row else {
        return Ok(None);
    };
    conn.prepare_cached("SELECT expiry FROM messages WHERE id = ?1 AND owner = ?2")?
        .query_row([id, owner], |row| Ok((id, time(row, 0)?)))
        .optional()
}

/// Row of an owner's message, if it is in the namespace.
pub(super) fn row_in(
    conn: &Database,
    hash: &MessageHash,
    owner: i64,
    namespace: Option<Namespace>,
) -> rusqlite::Result<Option<i64>> {
    let row = match conn.find(hash.as_str())? {
        Some(id) => row(conn, id)?,
        None => None,
    };
    let row = row.map(|row| row.entry).filter(|entry| {
        entry.owner == owner && namespace.is_none_or(|wanted| wanted.get() == entry.namespace)
    });
    Ok(row.map(|entry| entry.id))
}

/// Deletes by hash; returns those that existed, sorted.
pub(super) fn delete(
    conn: &Database,
    owner: &SwarmPubkey,
    hashes: &[MessageHash],
    at: Timestamp,
) -> rusqlite::Result<Vec<MessageHash>> {
    let mut deleted = Vec::new();
    tombstones::add(conn, owner, hashes, &[], at)?;
    if let Some(id) = known_owner(conn, owner)? {
        let mut finder = conn.finder()?;
        for hash in hashes {
            let found = match finder.find(hash.as_str())? {
                Some(found) => row(conn, found)?,
                None => None,
            };
            if let Some(row) = found.filter(|row| row.entry.owner == id) {
                // It has been sent before, whatever the clock said that is to tell when.
                let at = at.max(row.timestamp);
                tombstones::add(conn, owner, &[], core::slice::from_ref(hash), at)?;
                remove(conn, &[row])?;
                deleted.push(hash.clone());
            }
        }
    }
    deleted.sort_unstable();
    Ok(deleted)
}

/// A range is remembered for a time counted from its end. When that is longer ago than this, the
/// deleted messages are remembered one by one.
const RANGE_SUFFICES: Duration = Duration::from_secs(24 * 3600);

/// Deletes by owner, namespace and message time; returns what was deleted, sorted by hash.
pub(super) fn delete_range(
    conn: &Database,
    owner: &SwarmPubkey,
    namespace: Option<Namespace>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> rusqlite::Result<Vec<(Namespace, MessageHash)>> {
    tombstones::add_range(conn, owner, namespace, until.unwrap_or(now).min(now))?;
    let pubkey = owner;
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(Vec::new());
    };
    let long_ago = until.is_some_and(|until| until < now.minus(RANGE_SUFFICES));
    let mut going = rows_of(conn, owner, namespace)?;
    going.retain(|row| until.is_none_or(|until| row.timestamp <= until));
    remove(conn, &going)?;
    let mut deleted: Vec<(Namespace, MessageHash)> = going
        .into_iter()
        .map(|row| (Namespace::new(row.entry.namespace), row.hash))
        .collect();
    deleted.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    if long_ago {
        let hashes: Vec<MessageHash> = deleted.iter().map(|(_, hash)| hash.clone()).collect();
        tombstones::add(conn, pubkey, &[], &hashes, now)?;
    }
    Ok(deleted)
}

/// Shortens later expiries to `expiry`; returns what was changed, sorted by hash.
pub(super) fn expire_range(
    conn: &Database,
    owner: &SwarmPubkey,
    namespace: Option<Namespace>,
    expiry: Timestamp,
) -> rusqlite::Result<Vec<(Namespace, MessageHash)>> {
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(
        "UPDATE messages SET expiry = ?2, expiry_set = 1 WHERE id = ?1 AND expiry > ?2
         RETURNING namespace, hash",
    )?;
    let mut updated = Vec::new();
    for id in conn.of_owner(owner, namespace)? {
        let changed = statement
            .query_row([id, expiry.as_ms_i64()], |row| {
                Ok((Namespace::new(row.get(0)?), hashes::read(row, 1)?))
            })
            .optional()?;
        updated.extend(changed);
    }
    if !updated.is_empty() {
        conn.note_change(owner);
    }
    updated.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    Ok(updated)
}

/// What `expire` is about to do.
#[derive(Debug, Default)]
pub(super) struct ExpirePlan {
    pub(super) result: Expired,
    /// The rows that are really written.
    pub(super) writes: Vec<(i64, Timestamp)>,
}

/// Changes single expiries.
pub(super) fn expire(
    conn: &Database,
    owner: &SwarmPubkey,
    changes: &[(MessageHash, Timestamp)],
    mode: ExpireMode,
    now: Timestamp,
) -> rusqlite::Result<Expired> {
    let plan = plan_expire(conn, owner, changes, mode, now)?;
    if let (Some(owner), false) = (known_owner(conn, owner)?, plan.writes.is_empty()) {
        conn.note_change(owner);
    }
    let mut update = conn.prepare_cached(
        "UPDATE messages SET expiry = ?2, expiry_set = expiry_set | ?3 WHERE id = ?1",
    )?;
    let set = mode != ExpireMode::Extend;
    for (id, expiry) in &plan.writes {
        update.execute(params![id, expiry.as_ms_i64(), set])?;
    }
    Ok(plan.result)
}

/// What [`expire`] would do.
///
/// An extension by less than a hundredth of the new lifetime is not written: clients ask for one
/// with every poll (docs/protocol/node.md section 16). A plain request counts it as done all the
/// same, because clients take a message missing in the answer for lost.
pub(super) fn plan_expire(
    conn: &Database,
    owner: &SwarmPubkey,
    changes: &[(MessageHash, Timestamp)],
    mode: ExpireMode,
    now: Timestamp,
) -> rusqlite::Result<ExpirePlan> {
    let mut plan = ExpirePlan::default();
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(plan);
    };
    let mut finder = conn.finder()?;
    for (hash, wanted) in changes {
        let found = finder.find(hash.as_str())?;
        let Some((id, current)) = expiry_of(conn, found, owner)? else {
            continue;
        };
        let tiny = *wanted >= current && wanted.since(current) * 100 < wanted.since(now);
        let updated = match mode {
            ExpireMode::Extend => *wanted > current && !tiny,
            ExpireMode::Set => true,
            ExpireMode::Shorten => *wanted < current,
        };
        if updated {
            plan.result.updated.insert(hash.clone(), *wanted);
        } else {
            plan.result.unchanged.insert(hash.clone(), current);
        }
        if updated && !tiny && *wanted != current {
            plan.writes.push((id, *wanted));
        }
    }
    Ok(plan)
}

/// Deletes messages whose expiry is not later than `now`: at most `step`, and none any more when
/// [`SWEEP_TIME`] has passed. Returns how many.
pub(super) fn sweep(conn: &Database, now: Timestamp, step: u32) -> rusqlite::Result<usize> {
    let began = Instant::now();
    let mut find = conn.prepare_cached(
        "SELECT id, owner, namespace, hash, max(expiry, timestamp), expiry_set FROM messages
         WHERE expiry <= ?1 ORDER BY expiry, id LIMIT ?2",
    )?;
    let mut left = step;
    let mut deleted = 0usize;
    while left > 0 {
        let portion = left.min(SWEEP_PORTION);
        let mut expired: Vec<Entry> = Vec::new();
        let mut rows = find.query(params![now.as_ms_i64(), portion])?;
        while let Some(row) = rows.next()? {
            let hash = hashes::text(row, 3)?;
            let entry = Entry {
                id: row.get(0)?,
                key: hashes::key(&hash),
                owner: row.get(1)?,
                namespace: row.get(2)?,
            };
            // Other members may have missed it when a client sets an expiry.
            if row.get(5)? {
                tombstones::add_expired(conn, entry.owner, &hash, row.get(4)?)?;
            }
            expired.push(entry);
        }
        drop(rows);
        conn.remove(&expired)?;
        deleted = deleted.saturating_add(expired.len());
        left = left.saturating_sub(portion);
        if u32::try_from(expired.len()).is_ok_and(|count| count < portion)
            || began.elapsed() >= SWEEP_TIME
        {
            break;
        }
    }
    Ok(deleted)
}

/// Whether the columns of a row make a message: the hash is that of its content, the size is one
/// a message may have and the times (sent, expiry) are times.
pub(super) fn is_well_formed(
    owner: &SwarmPubkey,
    namespace: i16,
    hash: &str,
    (timestamp, expiry): (i64, i64),
    data: &[u8],
) -> bool {
    timestamp >= 0
        && expiry >= 0
        && data.len() <= limits::MAX_MESSAGE_SIZE
        && message_hash(owner, Namespace::new(namespace), data).as_str() == hash
}

/// How many messages there are.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT COUNT(*) FROM messages")?
        .query_row([], unsigned)
}

/// Whether there is none.
pub(super) fn is_empty(conn: &Connection) -> rusqlite::Result<bool> {
    Ok(!conn
        .prepare_cached("SELECT 1 FROM messages LIMIT 1")?
        .exists([])?)
}

/// Columns of a complete message; `messages` and `owners` must be joined.
pub(super) const COMPLETE_COLUMNS: &str =
    "messages.id, owners.pubkey, namespace, hash, timestamp, expiry, data";

/// Reads [`COMPLETE_COLUMNS`].
pub(super) fn complete(row: &Row<'_>) -> rusqlite::Result<(i64, StoredMessage)> {
    let pubkey: Vec<u8> = row.get(1)?;
    let owner = SwarmPubkey::try_from(pubkey.as_slice()).map_err(|e| unreadable(1, e))?;
    let message = StoredMessage {
        owner,
        namespace: Namespace::new(row.get(2)?),
        hash: hashes::read(row, 3)?,
        timestamp: time(row, 4)?,
        expiry: time(row, 5)?,
        data: row.get(6)?,
    };
    Ok((row.get(0)?, message))
}

/// The place of an owner in swarm space as a signed number in ring order.
pub(super) fn signed_position(position: u64) -> i64 {
    (position ^ (1 << 63)).cast_signed()
}

/// A message without its content.
struct Held {
    entry: Entry,
    hash: MessageHash,
    timestamp: Timestamp,
}

/// The message in a row.
fn row(conn: &Connection, id: i64) -> rusqlite::Result<Option<Held>> {
    conn.prepare_cached("SELECT owner, namespace, hash, timestamp FROM messages WHERE id = ?1")?
        .query_row([id], |row| {
            let hash = hashes::read(row, 2)?;
            Ok(Held {
                entry: Entry {
                    id,
                    key: hashes::key(hash.as_str()),
                    owner: row.get(0)?,
                    namespace: row.get(1)?,
                },
                hash,
                timestamp: time(row, 3)?,
            })
        })
        .optional()
}

/// An owner's messages in one namespace or all.
fn rows_of(
    conn: &Database,
    owner: i64,
    namespace: Option<Namespace>,
) -> rusqlite::Result<Vec<Held>> {
    let mut found = Vec::new();
    for id in conn.of_owner(owner, namespace)? {
        found.extend(row(conn, id)?);
    }
    Ok(found)
}

fn remove(conn: &Database, rows: &[Held]) -> rusqlite::Result<()> {
    let entries: Vec<Entry> = rows.iter().map(|row| row.entry).collect();
    conn.remove(&entries)
}

pub(super) fn known_owner(conn: &Connection, owner: &SwarmPubkey) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM owners WHERE pubkey = ?1")?
        .query_row(params![owner.to_bytes()], |row| row.get(0))
        .optional()
}

fn owner_id(conn: &Database, owner: &SwarmPubkey) -> rusqlite::Result<i64> {
    if let Some(id) = known_owner(conn, owner)? {
        return Ok(id);
    }
    conn.note_owner(owner);
    conn.prepare_cached("INSERT INTO owners (pubkey, position) VALUES (?1, ?2)")?
        .execute(params![
            owner.to_bytes(),
            signed_position(owner.position().get())
        ])?;
    Ok(conn.last_insert_rowid())
}

/// The first column as a count.
pub(super) fn unsigned(row: &Row<'_>) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ms: i64 = row.get(column)?;
    Ok(Timestamp::from_ms(u64::try_from(ms).unwrap_or(0)))
}

fn unreadable(column: usize, error: session_types::ParseError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}
