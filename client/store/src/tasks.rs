//! What is to be asked of the own swarm about messages it holds: kept here until it is done, so
//! that a message deleted without a network is deleted from the swarm later.

use rusqlite::{Row, params};
use session_types::{MessageHash, Timestamp};

use crate::rows::{MessageId, Sql, SwarmTask, SwarmTaskKind};
use crate::store::{list, run};
use crate::{Store, StoreError};

const READ: &str = "SELECT id, kind, hash, message, expires_at, created_at FROM swarm_tasks
                    ORDER BY id LIMIT ?1";

impl Store {
    /// Queues a task. One of the same kind about the same hash is replaced.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn queue_swarm_task(
        &mut self,
        kind: SwarmTaskKind,
        hash: &MessageHash,
        message: Option<MessageId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (number, expires_at) = match kind {
            SwarmTaskKind::Delete => (SwarmTaskKind::DELETE, Timestamp::default()),
            SwarmTaskKind::Shorten(to) => (SwarmTaskKind::SHORTEN, to),
            SwarmTaskKind::AskExpiry => (SwarmTaskKind::ASK_EXPIRY, Timestamp::default()),
        };
        let sql = "INSERT OR REPLACE INTO swarm_tasks (kind, hash, message, expires_at, created_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let message = message.map_or(0, MessageId::get);
        run(
            &self.connection,
            sql,
            params![number, hash.as_str(), message, Sql(expires_at), Sql(now)],
        )?;
        Ok(())
    }

    /// The oldest `limit` tasks.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn swarm_tasks(&self, limit: u32) -> Result<Vec<SwarmTask>, StoreError> {
        list(&self.connection, READ, [limit], read)
    }

    /// Takes tasks off the list.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn swarm_tasks_done(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        self.atomically(|store| {
            for id in ids {
                run(
                    &store.connection,
                    "DELETE FROM swarm_tasks WHERE id = ?1",
                    [id],
                )?;
            }
            Ok(())
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SwarmTask> {
    let message: i64 = row.get(3)?;
    let kind = match row.get(1)? {
        SwarmTaskKind::DELETE => SwarmTaskKind::Delete,
        SwarmTaskKind::SHORTEN => SwarmTaskKind::Shorten(row.get::<_, Sql<Timestamp>>(4)?.0),
        SwarmTaskKind::ASK_EXPIRY => SwarmTaskKind::AskExpiry,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    let Sql(hash) = row.get::<_, Sql<Option<MessageHash>>>(2)?;
    let empty =
        || rusqlite::Error::InvalidColumnType(2, "hash".to_owned(), rusqlite::types::Type::Text);
    Ok(SwarmTask {
        id: row.get(0)?,
        kind,
        hash: hash.ok_or_else(empty)?,
        message: (message != 0).then(|| MessageId::new(message)),
        created_at: row.get::<_, Sql<Timestamp>>(5)?.0,
    })
}
