//! Commands (deletions, changes of expiry, revocations) that peers have not acknowledged.

use rusqlite::{Connection, params};
use session_types::{Ed25519PublicKey, Timestamp};

use super::database::Database;
use super::{OutgoingCommand, Store, StoreError};

/// A command waiting for a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingCommand {
    pub(crate) id: i64,
    pub(crate) method: String,
    /// The parameters in forwarded form.
    pub(crate) params: Vec<u8>,
    /// When the node that received it from the client accepted it.
    pub(crate) accepted: Timestamp,
}

impl Store {
    /// Runs a change and queues it for the peers in one transaction.
    pub(super) async fn command<T: Send + 'static>(
        &self,
        forward: OutgoingCommand,
        change: impl FnOnce(&Database) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer
            .write(move |conn| {
                let result = change(conn)?;
                add(conn, &forward)?;
                Ok(result)
            })
            .await
    }
}

/// Puts a command on the lists of its peers.
pub(super) fn add(conn: &Connection, command: &OutgoingCommand) -> rusqlite::Result<()> {
    if command.outbox.peers.is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "INSERT INTO pending_commands (peer, method, params, accepted) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for peer in &command.outbox.peers {
        statement.execute(params![
            peer.as_bytes(),
            command.method,
            command.params,
            command.accepted.as_ms_i64()
        ])?;
    }
    Ok(())
}

/// The oldest commands of a peer's list.
pub(super) fn next(
    conn: &Connection,
    peer: &Ed25519PublicKey,
    max: u32,
) -> rusqlite::Result<Vec<PendingCommand>> {
    conn.prepare_cached(
        "SELECT id, method, params, accepted FROM pending_commands
         WHERE peer = ?1 ORDER BY id LIMIT ?2",
    )?
    .query_map(params![peer.as_bytes(), max], |row| {
        let accepted: i64 = row.get(3)?;
        Ok(PendingCommand {
            id: row.get(0)?,
            method: row.get(1)?,
            params: row.get(2)?,
            accepted: Timestamp::from_ms(u64::try_from(accepted).unwrap_or(0)),
        })
    })?
    .collect()
}

/// Strikes one command off its list.
pub(super) fn remove(conn: &Connection, id: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM pending_commands WHERE id = ?1")?
        .execute(params![id])?;
    Ok(())
}

/// Strikes a command off the lists of several peers.
pub(super) fn remove_for(
    conn: &Connection,
    command: &OutgoingCommand,
    peers: &[Ed25519PublicKey],
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "DELETE FROM pending_commands
         WHERE peer = ?1 AND accepted = ?2 AND method = ?3 AND params = ?4",
    )?;
    for peer in peers {
        statement.execute(params![
            peer.as_bytes(),
            command.accepted.as_ms_i64(),
            command.method,
            command.params
        ])?;
    }
    Ok(())
}

/// Drops the lists of all peers but the given ones.
pub(super) fn retain(conn: &Connection, keep: &[Ed25519PublicKey]) -> rusqlite::Result<()> {
    let listed: Vec<[u8; 32]> = conn
        .prepare_cached("SELECT DISTINCT peer FROM pending_commands")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for peer in listed {
        if !keep.contains(&Ed25519PublicKey::new(peer)) {
            conn.prepare_cached("DELETE FROM pending_commands WHERE peer = ?1")?
                .execute(params![peer])?;
        }
    }
    Ok(())
}
