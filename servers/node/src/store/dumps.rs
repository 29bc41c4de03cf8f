//! Whole parts of the database on their way to a peer that joined a swarm or lost its data.

use std::ops::RangeInclusive;

use rusqlite::{Connection, params};
use session_types::Ed25519PublicKey;

use super::StoredMessage;
use super::deliveries::ROW_OVERHEAD;
use super::messages::{COMPLETE_COLUMNS, complete, signed_position, unsigned};

/// Rows looked at in one step of a dump.
const MAX_ROWS: u32 = 2_000;

/// An arc of swarm space, both ends included; it may pass the seam between 2^64 − 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SwarmRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// A dump that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dump {
    pub(crate) peer: Ed25519PublicKey,
    pub(crate) range: SwarmRange,
    next_id: i64,
    end_id: i64,
}

impl Dump {
    /// Moves this copy of the cursor; whether anything is left.
    pub(crate) fn advance(&mut self, reached: i64) -> bool {
        self.next_id = reached.saturating_add(1);
        reached < self.end_id
    }
}

/// Queues everything stored so far. An unfinished dump of the same range starts again.
pub(super) fn queue(
    conn: &Connection,
    peer: &Ed25519PublicKey,
    range: SwarmRange,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO pending_dumps (peer, first, last, next_id, end_id)
         SELECT ?1, ?2, ?3, 1, MAX(id) FROM messages HAVING MAX(id) IS NOT NULL
         ON CONFLICT (peer, first, last) DO UPDATE
         SET next_id = excluded.next_id, end_id = excluded.end_id",
    )?
    .execute(params![
        peer.as_bytes(),
        range.first.cast_signed(),
        range.last.cast_signed()
    ])?;
    Ok(())
}

/// Queues some rows, whoever owns them. Comes on top of an unfinished dump of everything.
pub(super) fn queue_rows(
    conn: &Connection,
    peer: &Ed25519PublicKey,
    rows: &RangeInclusive<i64>,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO pending_dumps (peer, first, last, next_id, end_id)
         VALUES (?1, 0, -1, ?2, ?3)
         ON CONFLICT (peer, first, last) DO UPDATE
         SET next_id = min(next_id, excluded.next_id), end_id = max(end_id, excluded.end_id)",
    )?
    .execute(params![peer.as_bytes(), rows.start(), rows.end()])?;
    Ok(())
}

/// All unfinished dumps.
pub(super) fn all(conn: &Connection) -> rusqlite::Result<Vec<Dump>> {
    conn.prepare_cached("SELECT peer, first, last, next_id, end_id FROM pending_dumps")?
        .query_map([], |row| {
            let peer: [u8; 32] = row.get(0)?;
            Ok(Dump {
                peer: Ed25519PublicKey::new(peer),
                range: SwarmRange {
                    first: row.get::<_, i64>(1)?.cast_unsigned(),
                    last: row.get::<_, i64>(2)?.cast_unsigned(),
                },
                next_id: row.get(3)?,
                end_id: row.get(4)?,
            })
        })?
        .collect()
}

/// How many there are.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT COUNT(*) FROM pending_dumps")?
        .query_row([], unsigned)
}

/// The next messages of a dump and the row id up to which everything has been looked at.
pub(super) fn page(
    conn: &Connection,
    dump: &Dump,
    max_bytes: usize,
) -> rusqlite::Result<(Vec<StoredMessage>, i64)> {
    let (first, last) = (
        signed_position(dump.range.first),
        signed_position(dump.range.last),
    );
    let arc = if first <= last {
        "position >= ?3 AND position <= ?4"
    } else {
        "(position >= ?3 OR position <= ?4)"
    };
    // A cross join keeps SQLite from walking the owners of the arc and sorting afterwards.
    let sql = format!(
        "SELECT {COMPLETE_COLUMNS} FROM messages
         CROSS JOIN owners ON owners.id = messages.owner
         WHERE messages.id >= ?1 AND messages.id <= ?2 AND {arc}
         ORDER BY messages.id LIMIT ?5"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![dump.next_id, dump.end_id, first, last, MAX_ROWS])?;
    let mut found = Vec::new();
    let mut bytes = 0usize;
    let mut reached = dump.next_id.saturating_sub(1);
    while let Some(row) = rows.next()? {
        let (id, message) = complete(row)?;
        bytes = bytes.saturating_add(message.data.len().saturating_add(ROW_OVERHEAD));
        if bytes > max_bytes && !found.is_empty() {
            return Ok((found, reached));
        }
        found.push(message);
        reached = id;
    }
    if u32::try_from(found.len()).is_ok_and(|count| count < MAX_ROWS) {
        reached = dump.end_id;
    }
    Ok((found, reached))
}

/// Moves the cursor; a dump that has reached its end is removed.
pub(super) fn advance(conn: &Connection, dump: &Dump, reached: i64) -> rusqlite::Result<()> {
    if reached >= dump.end_id {
        return remove(conn, dump);
    }
    conn.prepare_cached(
        "UPDATE pending_dumps SET next_id = ?5
         WHERE peer = ?1 AND first = ?2 AND last = ?3 AND end_id = ?4",
    )?
    .execute(params![
        dump.peer.as_bytes(),
        dump.range.first.cast_signed(),
        dump.range.last.cast_signed(),
        dump.end_id,
        reached.saturating_add(1)
    ])?;
    Ok(())
}

/// Drops the dumps for all peers but the given ones.
pub(super) fn retain(conn: &Connection, keep: &[Ed25519PublicKey]) -> rusqlite::Result<()> {
    for dump in all(conn)? {
        if !keep.contains(&dump.peer) {
            remove(conn, &dump)?;
        }
    }
    Ok(())
}

/// Removes a dump unless it was queued again meanwhile.
fn remove(conn: &Connection, dump: &Dump) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM pending_dumps
         WHERE peer = ?1 AND first = ?2 AND last = ?3 AND end_id = ?4",
    )?
    .execute(params![
        dump.peer.as_bytes(),
        dump.range.first.cast_signed(),
        dump.range.last.cast_signed(),
        dump.end_id
    ])?;
    Ok(())
}
