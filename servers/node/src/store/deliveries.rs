//! Messages that peers have not acknowledged.

use std::sync::Arc;

use rusqlite::{Connection, params};
use session_types::{Ed25519PublicKey, MessageHash, Timestamp};

use super::messages::{COMPLETE_COLUMNS, Source, complete, unsigned};
use super::{Inserted, Outbox, Store, StoreError, StoredMessage, messages};

/// Rows looked at in one step; their size limits a batch further.
const MAX_ROWS: u32 = 2_000;

/// Rows put on lists in one step.
pub(super) const QUEUE_STEP: usize = 2_000;

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
    /// Peers something is waiting for.
    pub(crate) async fn waiting_peers(&self) -> Result<Vec<Ed25519PublicKey>, StoreError> {
        self.read(|conn| waiting_peers(conn)).await
    }

    /// How many single deliveries (messages and commands) are waiting or being made.
    pub(crate) async fn waiting_count(&self) -> Result<u64, StoreError> {
        let in_flight = u64::try_from(self.in_flight.len()).unwrap_or(u64::MAX);
        let waiting = self.read(|conn| count(conn)).await?;
        Ok(waiting.saturating_add(in_flight))
    }

    /// The oldest messages waiting for a peer, up to about `max_bytes`, with their row ids.
    pub(crate) async fn waiting_messages(
        &self,
        peer: Ed25519PublicKey,
        max_bytes: usize,
    ) -> Result<Vec<(i64, StoredMessage)>, StoreError> {
        self.writer
            .write(move |conn| next(conn, &peer, max_bytes))
            .await
    }

    /// Strikes messages off a peer's list.
    pub(crate) async fn delivered(
        &self,
        peer: Ed25519PublicKey,
        rows: Vec<i64>,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| remove(conn, &peer, &rows))
            .await
    }

    /// Stores a message another member has passed on.
    pub(crate) async fn insert_forwarded(
        &self,
        message: StoredMessage,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        let room = Arc::clone(&self.room);
        self.writer
            .write(move |conn| {
                let source = Source::Forwarded(now);
                let (inserted, _) = messages::insert(conn, &message, source, &room)?;
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
            .write(move |conn| match conn.find(hash.as_str())? {
                Some(row) => add(conn, row, &Outbox { peers }),
                None => Ok(()),
            })
            .await
    }

    /// Puts messages on a peer's delivery list.
    pub(crate) async fn queue_for(
        &self,
        peer: Ed25519PublicKey,
        rows: &[i64],
    ) -> Result<(), StoreError> {
        for rows in rows.chunks(QUEUE_STEP) {
            let rows = rows.to_vec();
            self.writer
                .write(move |conn| {
                    let mut statement = conn.prepare_cached(
                        "INSERT OR IGNORE INTO pending_deliveries (peer, message)
                         SELECT ?1, id FROM messages WHERE id = ?2",
                    )?;
                    for row in rows {
                        statement.execute(params![peer.as_bytes(), row])?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
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
