//! Everything of a damaged file that is no message.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use session_storage_rpc::SubaccountToken;

use super::walk::{Keyed, from_both_ends, walk};
use super::{Taken, Target};
use crate::store::StoreError;

/// A table that is copied as it is.
struct Table {
    read: Read,
    /// Puts all that was read, in the same order, into the new file.
    insert: &'static str,
    /// Whether a row is what the rest of the program expects.
    check: fn(&[Value]) -> bool,
    columns: usize,
}

enum Read {
    /// By its integer key.
    Keyed(Keyed),
    /// From both ends.
    Ordered {
        query: &'static str,
        order: &'static [&'static str],
    },
}

const PUBKEY: usize = 33;
const PEER: usize = 32;

const COMMANDS: Table = Table {
    read: Read::Keyed(Keyed {
        table: "pending_commands",
        key: "id",
        columns: "peer, method, params, accepted",
        first: 1,
    }),
    insert: "INSERT OR IGNORE INTO pending_commands (id, peer, method, params, accepted)
             VALUES (?1, ?2, ?3, ?4, ?5)",
    check: |row| is_blob(row, 1, PEER),
    columns: 5,
};

const DELETED_MESSAGES: Table = Table {
    read: Read::Keyed(Keyed {
        table: "deleted_messages",
        key: "key",
        columns: "at",
        first: i64::MIN,
    }),
    insert: "INSERT OR IGNORE INTO deleted_messages (key, at) VALUES (?1, ?2)",
    check: |_| true,
    columns: 2,
};

const DELETED_RANGES: Table = Table {
    read: Read::Ordered {
        query: "SELECT pubkey, namespace, until FROM deleted_ranges",
        order: &["pubkey", "namespace"],
    },
    insert: "INSERT OR IGNORE INTO deleted_ranges (pubkey, namespace, until) VALUES (?1, ?2, ?3)",
    check: |row| is_blob(row, 0, PUBKEY),
    columns: 3,
};

const REVOCATIONS: Table = Table {
    read: Read::Ordered {
        query: "SELECT pubkey, token, timestamp, revoked FROM revocations",
        order: &["pubkey", "token"],
    },
    insert: "INSERT OR IGNORE INTO revocations (pubkey, token, timestamp, revoked)
             VALUES (?1, ?2, ?3, ?4)",
    check: |row| is_blob(row, 0, PUBKEY) && is_blob(row, 1, SubaccountToken::LEN),
    columns: 4,
};

const DELIVERIES: Table = Table {
    read: Read::Ordered {
        query: "SELECT peer, message FROM pending_deliveries",
        order: &["peer", "message"],
    },
    insert: "INSERT OR IGNORE INTO pending_deliveries (peer, message) VALUES (?1, ?2)",
    check: |row| is_blob(row, 0, PEER),
    columns: 2,
};

const DUMPS: Table = Table {
    read: Read::Ordered {
        query: "SELECT peer, first, last, next_id, end_id FROM pending_dumps",
        order: &["peer", "first", "last"],
    },
    insert: "INSERT OR IGNORE INTO pending_dumps (peer, first, last, next_id, end_id)
             VALUES (?1, ?2, ?3, ?4, ?5)",
    check: |row| is_blob(row, 0, PEER),
    columns: 5,
};

const NUMBERS: Table = Table {
    read: Read::Ordered {
        query: "SELECT name, value FROM numbers",
        order: &["name"],
    },
    insert: "INSERT OR IGNORE INTO numbers (name, value) VALUES (?1, ?2)",
    check: |_| true,
    columns: 2,
};

/// Takes over all tables but the messages. The messages must have been taken over already.
pub(super) fn copy(source: &Connection, target: &mut Target) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    for table in [
        COMMANDS,
        DELETED_MESSAGES,
        DELETED_RANGES,
        REVOCATIONS,
        DUMPS,
        NUMBERS,
    ] {
        copy_table(source, target, &table, &mut taken)?;
    }
    if !copy_table(source, target, &DELIVERIES, &mut taken)? {
        deliver_everything(target)?;
    }
    Ok(taken)
}

/// Returns whether all of the table was read.
fn copy_table(
    source: &Connection,
    target: &mut Target,
    table: &Table,
    taken: &mut Taken,
) -> Result<bool, StoreError> {
    let mut each = |row: &Row<'_>| -> rusqlite::Result<()> {
        let values: rusqlite::Result<Vec<Value>> =
            (0..table.columns).map(|column| row.get(column)).collect();
        let Some(values) = values.ok().filter(|values| (table.check)(values)) else {
            taken.lost = taken.lost.saturating_add(1);
            return Ok(());
        };
        let new = target.write(table.insert, params_from_iter(values))?;
        taken.saved = taken.saved.saturating_add(u64::from(new));
        Ok(())
    };
    let gaps = match table.read {
        Read::Keyed(keyed) => walk(source, keyed, &mut each)?.len() as u64,
        Read::Ordered { query, order } => {
            u64::from(!from_both_ends(source, query, order, &mut each)?)
        }
    };
    taken.lost = taken.lost.saturating_add(gaps);
    Ok(gaps == 0)
}

/// Which messages a peer still lacks is not known completely any more: it gets them all and
/// keeps what it does not have.
fn deliver_everything(target: &mut Target) -> Result<(), StoreError> {
    target.write(
        "INSERT INTO pending_dumps (peer, first, last, next_id, end_id)
         SELECT peer, 0, -1, 1, (SELECT MAX(id) FROM messages)
         FROM (SELECT peer FROM pending_deliveries UNION SELECT peer FROM pending_commands
               UNION SELECT peer FROM pending_dumps)
         WHERE EXISTS (SELECT 1 FROM messages)
         ON CONFLICT (peer, first, last) DO UPDATE
         SET next_id = excluded.next_id, end_id = excluded.end_id",
        [],
    )?;
    Ok(())
}

fn is_blob(row: &[Value], column: usize, length: usize) -> bool {
    matches!(row.get(column), Some(Value::Blob(bytes)) if bytes.len() == length)
}
