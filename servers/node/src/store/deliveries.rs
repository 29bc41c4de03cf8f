//! Messages that peers have not acknowledged.

use rusqlite::{Connection, OptionalExtension as _, params};
use session_types::{Ed25519PublicKey, MessageHash, Timestamp};

use super::messages::{COMPLETE_COLUMNS, Source, complete, unsigned};
use super::{Inserted, Outbox, Store, StoreError, StoredMessage, messages};

/// Rows looked at in one step; their size limits a batch further.
const MAX_ROWS: u32 = 2_000;

/// Bytes of one row in a batch beside its data (docs/protocol/node.md section 5.2).
pub(super) const ROW_OVERHEAD: usize = 80 + MessageHash::LEN;

/// Names the peers a message must reach.
pub(super) fn add(conn: &Connection, message: i64, outbox: &Outbox) -> rusqlite::Result<()> {
    if outbox.peers.is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "INSERT OR IGNORE INTO pending_deliveries (peer, message) VALUES (?1, ?2)",
    )?;
    for peer in &outbox.peers {
        statement.execute(params![peer.as_bytes(), message])?;
    }
    Ok(())
}

impl Store {
    /// Stores a message another member has passed on.
    pub(crate) async fn insert_forwarded(
        &self,
        message: StoredMessage,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.writer
            .write(move |conn| {
                let (inserted, _) = messages::insert(conn, &message, Source::Forwarded(now))?;
                Ok(inserted)
            })
            .await
    }

    /// Names more peers a stored message must reach.
    pub(crate) async fn queue_hash(
        &self,
        hash: MessageHash,
        peers: Vec<Ed25519PublicKey>,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| {
                let mut statement = conn.prepare_cached(
                    "INSERT OR IGNORE INTO pending_deliveries (peer, message)
                     SELECT ?1, id FROM messages WHERE hash = ?2",
                )?;
                for peer in &peers {
                    statement.execute(params![peer.as_bytes(), hash.as_str()])?;
                }
                Ok(())
            })
            .await
    }
}

/// The oldest messages of a peer's list; strikes off those that no longer exist.
pub(super) fn next(
    conn: &Connection,
    peer: &Ed25519PublicKey,
    max_bytes: usize,
) -> rusqlite::Result<Vec<(i64, StoredMessage)>> {
    conn.prepare_cached(
        "DELETE FROM pending_deliveries WHERE peer = ?1 AND message IN (
             SELECT message FROM (
                 SELECT message FROM pending_deliveries WHERE peer = ?1
                 ORDER BY message LIMIT ?2)
             WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = message))",
    )?
    .execute(params![peer.as_bytes(), MAX_ROWS])?;
    let sql = format!(
        "SELECT {COMPLETE_COLUMNS} FROM pending_deliveries
         JOIN messages ON messages.id = pending_deliveries.message
         JOIN owners ON owners.id = messages.owner
         WHERE peer = ?1 ORDER BY message LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![peer.as_bytes(), MAX_ROWS])?;
    let mut found = Vec::new();
    let mut bytes = 0usize;
    while let Some(row) = rows.next()? {
        let (id, message) = complete(row)?;
        bytes = bytes.saturating_add(message.data.len().saturating_add(ROW_OVERHEAD));
        if bytes > max_bytes && !found.is_empty() {
            break;
        }
        found.push((id, message));
    }
    Ok(found)
}

/// Strikes messages off a peer's list.
pub(super) fn remove(
    conn: &Connection,
    peer: &Ed25519PublicKey,
    rows: &[i64],
) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("DELETE FROM pending_deliveries WHERE peer = ?1 AND message = ?2")?;
    for row in rows {
        statement.execute(params![peer.as_bytes(), row])?;
    }
    Ok(())
}

/// Strikes one message off the lists of several peers.
pub(super) fn remove_hash(
    conn: &Connection,
    hash: &MessageHash,
    peers: &[Ed25519PublicKey],
) -> rusqlite::Result<()> {
    let message: Option<i64> = conn
        .prepare_cached("SELECT id FROM messages WHERE hash = ?1")?
        .query_row([hash.as_str()], |row| row.get(0))
        .optional()?;
    let Some(message) = message else {
        return Ok(());
    };
    let mut statement =
        conn.prepare_cached("DELETE FROM pending_deliveries WHERE peer = ?1 AND message = ?2")?;
    for peer in peers {
        statement.execute(params![peer.as_bytes(), message])?;
    }
    Ok(())
}

/// Peers with something on their list, be it messages or commands.
pub(super) fn waiting_peers(conn: &Connection) -> rusqlite::Result<Vec<Ed25519PublicKey>> {
    // The recursion jumps from peer to peer through the primary key instead of reading every row.
    conn.prepare_cached(
        "WITH RECURSIVE listed (peer) AS (
             SELECT MIN(peer) FROM pending_deliveries
             UNION ALL
             SELECT (SELECT MIN(d.peer) FROM pending_deliveries d WHERE d.peer > listed.peer)
             FROM listed WHERE listed.peer IS NOT NULL)
         SELECT peer FROM listed WHERE peer IS NOT NULL
         UNION SELECT DISTINCT peer FROM pending_commands",
    )?
    .query_map([], |row| {
        let bytes: [u8; 32] = row.get(0)?;
        Ok(Ed25519PublicKey::new(bytes))
    })?
    .collect()
}

/// Entries on all lists.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached(
        "SELECT (SELECT COUNT(*) FROM pending_deliveries) + (SELECT COUNT(*) FROM pending_commands)",
    )?
    .query_row([], unsigned)
}

/// Drops the lists of all peers but the given ones.
pub(super) fn retain(conn: &Connection, keep: &[Ed25519PublicKey]) -> rusqlite::Result<()> {
    for peer in waiting_peers(conn)? {
        if !keep.contains(&peer) {
            conn.prepare_cached("DELETE FROM pending_deliveries WHERE peer = ?1")?
                .execute(params![peer.as_bytes()])?;
        }
    }
    Ok(())
}
