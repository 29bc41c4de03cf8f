//! Revoked subaccount tokens.
//!
//! The latest word about a token wins, by the time inside the signed request, so that requests
//! repeated at a peer later than others cannot turn the state back.

use rusqlite::{Connection, params};
use session_storage_rpc::SubaccountToken;
use session_types::{SwarmPubkey, Timestamp};

/// Revocations in force for one account ([`session_types::limits::MAX_REVOCATIONS`]).
const MAX_IN_FORCE: u32 = 50;

/// Entries remembered for one account, lifted ones included.
const MAX_REMEMBERED: u32 = 200;

/// Records revocations; only the newest 50 of an account stay.
pub(super) fn revoke(
    conn: &Connection,
    owner: &SwarmPubkey,
    tokens: &[SubaccountToken],
    at: Timestamp,
) -> rusqlite::Result<()> {
    for token in tokens {
        set(conn, owner, token, at, true)?;
    }
    conn.prepare_cached(
        "DELETE FROM revocations WHERE pubkey = ?1 AND revoked = 1 AND token NOT IN (
             SELECT token FROM revocations WHERE pubkey = ?1 AND revoked = 1
             ORDER BY timestamp DESC, token LIMIT ?2)",
    )?
    .execute(params![owner.to_bytes(), MAX_IN_FORCE])?;
    Ok(())
}

/// Lifts revocations; returns how many there were.
pub(super) fn unrevoke(
    conn: &Connection,
    owner: &SwarmPubkey,
    tokens: &[SubaccountToken],
    at: Timestamp,
) -> rusqlite::Result<u64> {
    let mut lifted = 0;
    for token in tokens {
        let was = contains(conn, owner, token)?;
        set(conn, owner, token, at, false)?;
        lifted += u64::from(was && !contains(conn, owner, token)?);
    }
    conn.prepare_cached(
        "DELETE FROM revocations WHERE pubkey = ?1 AND token NOT IN (
             SELECT token FROM revocations WHERE pubkey = ?1
             ORDER BY revoked DESC, timestamp DESC, token LIMIT ?2)",
    )?
    .execute(params![owner.to_bytes(), MAX_REMEMBERED])?;
    Ok(lifted)
}

fn set(
    conn: &Connection,
    owner: &SwarmPubkey,
    token: &SubaccountToken,
    at: Timestamp,
    revoked: bool,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO revocations (pubkey, token, timestamp, revoked) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (pubkey, token) DO UPDATE
         SET timestamp = excluded.timestamp, revoked = excluded.revoked
         WHERE excluded.timestamp >= timestamp",
    )?
    .execute(params![
        owner.to_bytes(),
        token.as_bytes(),
        at.as_ms_i64(),
        revoked
    ])?;
    Ok(())
}

/// Whether a token is revoked.
pub(super) fn contains(
    conn: &Connection,
    owner: &SwarmPubkey,
    token: &SubaccountToken,
) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT 1 FROM revocations WHERE pubkey = ?1 AND token = ?2 AND revoked = 1",
    )?
    .exists(params![owner.to_bytes(), token.as_bytes()])
}

/// An account's revoked tokens, newest first.
pub(super) fn list(
    conn: &Connection,
    owner: &SwarmPubkey,
) -> rusqlite::Result<Vec<SubaccountToken>> {
    conn.prepare_cached(
        "SELECT token FROM revocations WHERE pubkey = ?1 AND revoked = 1
         ORDER BY timestamp DESC, token",
    )?
    .query_map(params![owner.to_bytes()], |row| {
        let bytes: [u8; SubaccountToken::LEN] = row.get(0)?;
        SubaccountToken::try_from(bytes.as_slice())
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, 0))
    })?
    .collect()
}
