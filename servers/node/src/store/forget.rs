//! Forgetting what is remembered for a time only.
//!
//! Readers look for what is old, so however much is remembered the writer has only the deletion
//! to do, in small steps.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use session_types::Timestamp;

/// Rows deleted in one step.
const STEP: usize = 500;

/// A table whose rows become old.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    /// The keys of old rows behind a key, in order: ?1 is the time, ?2 and on are the key.
    find: &'static str,
    /// Deletes one row if it is old: same parameters.
    delete: &'static str,
    /// Less than any key.
    first: fn() -> Vec<Value>,
}

pub(super) const REVOCATIONS: Table = Table {
    find: "SELECT pubkey, token FROM revocations
           WHERE timestamp < ?1 AND (pubkey, token) > (?2, ?3) ORDER BY pubkey, token LIMIT 500",
    delete: "DELETE FROM revocations WHERE timestamp < ?1 AND pubkey = ?2 AND token = ?3",
    first: || vec![Value::Blob(Vec::new()), Value::Blob(Vec::new())],
};

pub(super) const COMMANDS: Table = Table {
    find: "SELECT id FROM pending_commands WHERE accepted < ?1 AND id > ?2 ORDER BY id LIMIT 500",
    delete: "DELETE FROM pending_commands WHERE accepted < ?1 AND id = ?2",
    first: || vec![Value::Integer(i64::MIN)],
};

pub(super) const DELETED_MESSAGES: Table = Table {
    find: "SELECT key FROM deleted_messages WHERE at < ?1 AND key > ?2 ORDER BY key LIMIT 500",
    delete: "DELETE FROM deleted_messages WHERE at < ?1 AND key = ?2",
    first: || vec![Value::Integer(i64::MIN)],
};

pub(super) const DELETED_RANGES: Table = Table {
    find: "SELECT pubkey, namespace FROM deleted_ranges
           WHERE until < ?1 AND (pubkey, namespace) > (?2, ?3)
           ORDER BY pubkey, namespace LIMIT 500",
    delete: "DELETE FROM deleted_ranges WHERE until < ?1 AND pubkey = ?2 AND namespace = ?3",
    first: || vec![Value::Blob(Vec::new()), Value::Integer(0)],
};

/// Keys of old rows; where the search goes on, if there may be more.
#[derive(Debug, Clone)]
pub(super) struct Old {
    table: Table,
    oldest: i64,
    keys: Vec<Vec<Value>>,
    after: Vec<Value>,
}

impl Old {
    /// Nothing found yet.
    pub(super) fn start(table: Table, oldest: Timestamp) -> Self {
        Self {
            table,
            oldest: oldest.as_ms_i64(),
            keys: Vec::new(),
            after: (table.first)(),
        }
    }

    /// Finds the next rows from before the time.
    pub(super) fn find(mut self, conn: &Connection) -> rusqlite::Result<Self> {
        let columns = self.after.len();
        self.keys = conn
            .prepare_cached(self.table.find)?
            .query_map(params_from_iter(self.parameters(&self.after)), |row| {
                (0..columns).map(|column| row.get(column)).collect()
            })?
            .collect::<rusqlite::Result<_>>()?;
        if let Some(last) = self.keys.last() {
            self.after.clone_from(last);
        }
        Ok(self)
    }

    /// Whether there is something to delete.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the search is over after this.
    pub(super) const fn is_last(&self) -> bool {
        self.keys.len() < STEP
    }

    /// Deletes what was found, unless it has become newer meanwhile.
    pub(super) fn delete(self, conn: &Connection) -> rusqlite::Result<Self> {
        let mut statement = conn.prepare_cached(self.table.delete)?;
        for key in &self.keys {
            statement.execute(params_from_iter(self.parameters(key)))?;
        }
        drop(statement);
        Ok(self)
    }

    fn parameters(&self, key: &[Value]) -> Vec<Value> {
        std::iter::once(Value::Integer(self.oldest))
            .chain(key.iter().cloned())
            .collect()
    }
}
