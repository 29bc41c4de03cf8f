//! Messages: insertion rules, paging, deletion and expiry.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use session_crypto::hash::message_hash;
use session_storage_rpc::{ExpireMode, Retrieve};
use session_types::{MessageHash, Namespace, NamespaceClass, SwarmPubkey, Timestamp, limits};

use super::room::Room;
use super::{Inserted, Page, PageRequest, StoredMessage, tombstones};

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
    conn: &Connection,
    message: &StoredMessage,
    source: Source,
    room: &Room,
) -> rusqlite::Result<(Inserted, Option<i64>)> {
    let known: Option<(i64, Timestamp, bool)> = conn
        .prepare_cached("SELECT id, expiry, expiry_set FROM messages WHERE hash = ?1")?
        .query_row(params![message.hash.as_str()], |row| {
            Ok((row.get(0)?, time(row, 1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((id, expiry, set)) = known {
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
    conn.prepare_cached(
        "INSERT INTO messages (hash, owner, namespace, timestamp, expiry, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        message.hash.as_str(),
        owner,
        message.namespace.get(),
        message.timestamp.as_ms_i64(),
        message.expiry.as_ms_i64(),
        message.data,
    ])?;
    let id = conn.last_insert_rowid();

    if message.namespace.class() == NamespaceClass::PublicOutbox {
        let replaced = changed_rows(
            conn,
            "DELETE FROM messages WHERE owner = ?1 AND namespace = ?2 AND id <> (
                 SELECT id FROM messages WHERE owner = ?1 AND namespace = ?2
                 ORDER BY timestamp DESC, hash DESC LIMIT 1)
             RETURNING namespace, hash",
            params![owner, message.namespace.get()],
        )?;
        // A member that still has it must not bring it back when the new one is gone.
        let replaced: Vec<MessageHash> = replaced.into_iter().map(|(_, hash)| hash).collect();
        tombstones::add(conn, &message.owner, &[], &replaced, message.timestamp)?;
        let kept = conn
            .prepare_cached("SELECT 1 FROM messages WHERE id = ?1")?
            .exists(params![id])?;
        if !kept {
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

/// One page of a mailbox in arrival order (docs/protocol/node.md section 9.3).
pub(super) fn page(conn: &Connection, request: &PageRequest) -> rusqlite::Result<Page> {
    let Some(owner) = known_owner(conn, &request.owner)? else {
        return Ok(Page::default());
    };
    let after = match &request.last_hash {
        Some(hash) => conn
            .prepare_cached(
                "SELECT id FROM messages WHERE hash = ?1 AND owner = ?2 AND namespace = ?3",
            )?
            .query_row(
                params![hash.as_str(), owner, request.namespace.get()],
                |row| row.get::<_, i64>(0),
            )
            .optional()?
            .unwrap_or(0),
        None => 0,
    };
    let mut statement = conn.prepare_cached(
        "SELECT hash, timestamp, expiry, length(data), data FROM messages
         WHERE owner = ?1 AND namespace = ?2 AND id > ?3 ORDER BY id",
    )?;
    let mut rows = statement.query(params![owner, request.namespace.get(), after])?;
    let mut page = Page::default();
    let mut size = 0u64;
    while let Some(row) = rows.next()? {
        let count = u64::try_from(page.messages.len()).unwrap_or(u64::MAX);
        if request.max_count.is_some_and(|max| count >= max) {
            page.more = true;
            break;
        }
        let length = usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
        size = size.saturating_add(Retrieve::row_cost(MessageHash::LEN, length));
        if size > request.max_size && !page.messages.is_empty() {
            page.more = true;
            break;
        }
        page.messages.push(StoredMessage {
            owner: request.owner,
            namespace: request.namespace,
            hash: hash(row, 0)?,
            timestamp: time(row, 1)?,
            expiry: time(row, 2)?,
            data: row.get(4)?,
        });
    }
    Ok(page)
}

/// The expiry of those of `hashes` that exist.
pub(super) fn expiries(
    conn: &Connection,
    owner: &SwarmPubkey,
    hashes: &[MessageHash],
) -> rusqlite::Result<Vec<(MessageHash, Timestamp)>> {
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(Vec::new());
    };
    // One look-up per hash: a list in one statement may make SQLite walk a large owner.
    let mut statement =
        conn.prepare_cached("SELECT expiry FROM messages WHERE hash = ?1 AND owner = ?2")?;
    let mut found = Vec::new();
    for wanted in hashes {
        let expiry = statement
            .query_row(params![wanted.as_str(), owner], |row| time(row, 0))
            .optional()?;
        found.extend(expiry.map(|expiry| (wanted.clone(), expiry)));
    }
    Ok(found)
}

/// Deletes by hash; returns those that existed, sorted.
pub(super) fn delete(
    conn: &Connection,
    owner: &SwarmPubkey,
    hashes: &[MessageHash],
    at: Timestamp,
) -> rusqlite::Result<Vec<MessageHash>> {
    let mut deleted = Vec::new();
    tombstones::add(conn, owner, hashes, &[], at)?;
    if let Some(id) = known_owner(conn, owner)? {
        let mut statement = conn.prepare_cached(
            "DELETE FROM messages WHERE hash = ?1 AND owner = ?2 RETURNING timestamp",
        )?;
        for hash in hashes {
            let sent = statement
                .query_row(params![hash.as_str(), id], |row| time(row, 0))
                .optional()?;
            if let Some(sent) = sent {
                // It has been sent before, whatever the clock said that is to tell when.
                tombstones::add(conn, owner, &[], core::slice::from_ref(hash), at.max(sent))?;
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
    conn: &Connection,
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
    let until = until.map_or(i64::MAX, Timestamp::as_ms_i64);
    let mut deleted = match namespace {
        Some(namespace) => changed_rows(
            conn,
            "DELETE FROM messages WHERE owner = ?1 AND namespace = ?2 AND timestamp <= ?3
             RETURNING namespace, hash",
            params![owner, namespace.get(), until],
        )?,
        None => changed_rows(
            conn,
            "DELETE FROM messages WHERE owner = ?1 AND timestamp <= ?2
             RETURNING namespace, hash",
            params![owner, until],
        )?,
    };
    deleted.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    if long_ago {
        let hashes: Vec<MessageHash> = deleted.iter().map(|(_, hash)| hash.clone()).collect();
        tombstones::add(conn, pubkey, &[], &hashes, now)?;
    }
    Ok(deleted)
}

/// Shortens later expiries to `expiry`; returns what was changed, sorted by hash.
pub(super) fn expire_range(
    conn: &Connection,
    owner: &SwarmPubkey,
    namespace: Option<Namespace>,
    expiry: Timestamp,
) -> rusqlite::Result<Vec<(Namespace, MessageHash)>> {
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(Vec::new());
    };
    let expiry = expiry.as_ms_i64();
    let mut updated = match namespace {
        Some(namespace) => changed_rows(
            conn,
            "UPDATE messages SET expiry = ?3, expiry_set = 1
             WHERE owner = ?1 AND namespace = ?2 AND expiry > ?3 RETURNING namespace, hash",
            params![owner, namespace.get(), expiry],
        )?,
        None => changed_rows(
            conn,
            "UPDATE messages SET expiry = ?2, expiry_set = 1 WHERE owner = ?1 AND expiry > ?2
             RETURNING namespace, hash",
            params![owner, expiry],
        )?,
    };
    updated.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    Ok(updated)
}

/// What `expire` is about to do.
#[derive(Debug, Default)]
pub(super) struct ExpirePlan {
    pub(super) result: Expired,
    /// The rows that are really written.
    pub(super) writes: Vec<(MessageHash, Timestamp)>,
}

/// Changes single expiries.
pub(super) fn expire(
    conn: &Connection,
    owner: &SwarmPubkey,
    changes: &[(MessageHash, Timestamp)],
    mode: ExpireMode,
    now: Timestamp,
) -> rusqlite::Result<Expired> {
    let plan = plan_expire(conn, owner, changes, mode, now)?;
    let mut update = conn.prepare_cached(
        "UPDATE messages SET expiry = ?2, expiry_set = expiry_set | ?3 WHERE hash = ?1",
    )?;
    let set = mode != ExpireMode::Extend;
    for (hash, expiry) in &plan.writes {
        update.execute(params![hash.as_str(), expiry.as_ms_i64(), set])?;
    }
    Ok(plan.result)
}

/// What [`expire`] would do.
///
/// An extension by less than a hundredth of the new lifetime is not written: clients ask for one
/// with every poll (docs/protocol/node.md section 16). A plain request counts it as done all the
/// same, because clients take a message missing in the answer for lost.
pub(super) fn plan_expire(
    conn: &Connection,
    owner: &SwarmPubkey,
    changes: &[(MessageHash, Timestamp)],
    mode: ExpireMode,
    now: Timestamp,
) -> rusqlite::Result<ExpirePlan> {
    let mut plan = ExpirePlan::default();
    let Some(owner) = known_owner(conn, owner)? else {
        return Ok(plan);
    };
    let mut look_up =
        conn.prepare_cached("SELECT expiry FROM messages WHERE hash = ?1 AND owner = ?2")?;
    for (hash, wanted) in changes {
        let current = look_up
            .query_row(params![hash.as_str(), owner], |row| time(row, 0))
            .optional()?;
        let Some(current) = current else {
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
            plan.writes.push((hash.clone(), *wanted));
        }
    }
    Ok(plan)
}

/// Deletes messages whose expiry is not later than `now`: at most `step`, and none any more when
/// [`SWEEP_TIME`] has passed. Returns how many.
pub(super) fn sweep(conn: &Connection, now: Timestamp, step: u32) -> rusqlite::Result<usize> {
    let began = Instant::now();
    let mut find = conn.prepare_cached(
        "SELECT id, owner, hash, max(expiry, timestamp), expiry_set FROM messages
         WHERE expiry <= ?1 ORDER BY expiry, id LIMIT ?2",
    )?;
    // One statement for all: each would keep its own copies of the pages it changes, to be able to
    // undo it.
    let mut delete =
        conn.prepare_cached("DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?1))")?;
    let mut left = step;
    let mut deleted = 0usize;
    while left > 0 {
        let portion = left.min(SWEEP_PORTION);
        let mut ids: Vec<i64> = Vec::new();
        let mut rows = find.query(params![now.as_ms_i64(), portion])?;
        while let Some(row) = rows.next()? {
            ids.push(row.get(0)?);
            // Other members may have missed it when a client sets an expiry.
            if row.get(4)? {
                tombstones::add_expired(conn, row.get(1)?, &row.get::<_, String>(2)?, row.get(3)?)?;
            }
        }
        drop(rows);
        delete.execute([format!("{ids:?}")])?;
        deleted = deleted.saturating_add(ids.len());
        left = left.saturating_sub(portion);
        if u32::try_from(ids.len()).is_ok_and(|count| count < portion)
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
        hash: hash(row, 3)?,
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

fn changed_rows(
    conn: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<(Namespace, MessageHash)>> {
    conn.prepare_cached(sql)?
        .query_map(parameters, |row| {
            Ok((Namespace::new(row.get(0)?), hash(row, 1)?))
        })?
        .collect()
}

fn known_owner(conn: &Connection, owner: &SwarmPubkey) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM owners WHERE pubkey = ?1")?
        .query_row(params![owner.to_bytes()], |row| row.get(0))
        .optional()
}

fn owner_id(conn: &Connection, owner: &SwarmPubkey) -> rusqlite::Result<i64> {
    if let Some(id) = known_owner(conn, owner)? {
        return Ok(id);
    }
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

fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageHash> {
    let text: String = row.get(column)?;
    text.parse().map_err(|e| unreadable(column, e))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let ms: i64 = row.get(column)?;
    Ok(Timestamp::from_ms(u64::try_from(ms).unwrap_or(0)))
}

fn unreadable(column: usize, error: session_types::ParseError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}
