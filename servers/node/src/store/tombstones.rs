//! Memory of deletions.
//!
//! Messages that members push to each other may have been read before a deletion and arrive after
//! it, and members that compare what they hold do not know why one of them lacks a message. What
//! was deleted here is therefore remembered for thirty days, the longest a copy may live, and
//! pushed messages that are older than their deletion are not taken back. What has gone because a
//! client set its expiry, or stored something newer in its place, counts as deleted. Requests of clients are not bound by it: who
//! stores a deleted message again wants it back.

use std::time::Duration;

use rusqlite::{Connection, params};
use session_crypto::hash::blake2b;
use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp};

use super::StoredMessage;

/// Hashes remembered of one request that were not there. Requests may name any number.
const MAX_UNKNOWN: usize = 500;

/// How long a request may be on its way from one member to another.
const LATELY: Duration = Duration::from_secs(60);

/// Stands for all namespaces in `deleted_ranges`; no namespace has this number.
const ALL: i32 = i32::MAX;

const ADD: &str = "INSERT INTO deleted_messages (key, at) VALUES (?1, ?2)
     ON CONFLICT (key) DO UPDATE SET at = max(at, excluded.at)";

/// Remembers the deletion of single messages.
pub(super) fn add(
    conn: &Connection,
    owner: &SwarmPubkey,
    requested: &[MessageHash],
    deleted: &[MessageHash],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(ADD)?;
    let unknown = requested
        .iter()
        .filter(|hash| !deleted.contains(hash))
        .take(MAX_UNKNOWN);
    for hash in deleted.iter().chain(unknown) {
        statement.execute(params![key(owner, hash), at.as_ms_i64()])?;
    }
    Ok(())
}

/// Remembers that the message of an owner, given by its row, has expired at a time its owner has
/// set.
pub(super) fn add_expired(
    conn: &Connection,
    owner: i64,
    hash: &str,
    at: i64,
) -> rusqlite::Result<()> {
    let pubkey: Vec<u8> = conn
        .prepare_cached("SELECT pubkey FROM owners WHERE id = ?1")?
        .query_row([owner], |row| row.get(0))?;
    conn.prepare_cached(ADD)?
        .execute(params![key_of(&pubkey, hash), at])?;
    Ok(())
}

/// Remembers that everything up to a time was deleted, in one namespace or in all.
pub(super) fn add_range(
    conn: &Connection,
    owner: &SwarmPubkey,
    namespace: Option<Namespace>,
    until: Timestamp,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO deleted_ranges (pubkey, namespace, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (pubkey, namespace) DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute(params![
        owner.to_bytes(),
        number(namespace),
        until.as_ms_i64()
    ])?;
    Ok(())
}

/// A client has stored the message again.
pub(super) fn lift(conn: &Connection, message: &StoredMessage) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM deleted_messages WHERE key = ?1")?
        .execute(params![key(&message.owner, &message.hash)])?;
    Ok(())
}

/// Whether a message was deleted by its hash a moment ago, and is older.
pub(super) fn covers_lately(
    conn: &Connection,
    message: &StoredMessage,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM deleted_messages WHERE key = ?1 AND at >= ?2 AND at > ?3")?
        .exists(params![
            key(&message.owner, &message.hash),
            message.timestamp.as_ms_i64(),
            now.minus(LATELY).as_ms_i64()
        ])
}

/// Whether a pushed message is older than its deletion.
pub(super) fn covers(conn: &Connection, message: &StoredMessage) -> rusqlite::Result<bool> {
    let time = message.timestamp.as_ms_i64();
    let single = conn
        .prepare_cached("SELECT 1 FROM deleted_messages WHERE key = ?1 AND at >= ?2")?
        .exists(params![key(&message.owner, &message.hash), time])?;
    if single {
        return Ok(true);
    }
    conn.prepare_cached(
        "SELECT 1 FROM deleted_ranges
         WHERE pubkey = ?1 AND namespace IN (?2, ?3) AND until >= ?4",
    )?
    .exists(params![
        message.owner.to_bytes(),
        number(Some(message.namespace)),
        ALL,
        time
    ])
}

/// Eight bytes stand for owner and hash: there may be millions. The owner is part of it, so
/// nobody deletes for somebody else.
fn key(owner: &SwarmPubkey, hash: &MessageHash) -> i64 {
    key_of(&owner.to_bytes(), hash.as_str())
}

fn key_of(pubkey: &[u8], hash: &str) -> i64 {
    i64::from_le_bytes(blake2b::<8>(&[pubkey, hash.as_bytes()]))
}

fn number(namespace: Option<Namespace>) -> i32 {
    namespace.map_or(ALL, |namespace| namespace.get().into())
}

#[cfg(test)]
mod tests;
