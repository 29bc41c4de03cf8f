//! What was read, and messages that disappear (docs/protocol/client.md sections 5.6 and 5.13).

use rusqlite::params;
use session_types::{AccountId, MessageHash, Timestamp};

use crate::rows::{MessageId, MessageRow, Sql};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

pub(crate) const DISAPPEARING: &str = "SELECT id, conversation FROM messages
     WHERE disappears_at > 0 AND disappears_at <= ?1 ORDER BY disappears_at LIMIT ?2";

pub(crate) const NEXT_DISAPPEARING: &str =
    "SELECT min(disappears_at) FROM messages WHERE disappears_at > 0";

/// The other side of a conversation writes under the id of the conversation.
pub(crate) const NEWEST_RECEIVED: &str = "SELECT sent_at FROM messages
     WHERE sender = ?1 AND conversation = ?1 AND outgoing = 0 ORDER BY sent_at DESC LIMIT 1";

pub(crate) const MARK_READ: &str = "UPDATE messages INDEXED BY messages_unread SET unread = 0
     WHERE conversation = ?1 AND unread = 1 AND sent_at <= ?2";

/// Left to itself the engine would spare itself the sorting and read the whole conversation.
pub(crate) fn unread_sql() -> String {
    format!(
        "SELECT {} FROM messages m INDEXED BY messages_unread
         WHERE m.conversation = ?1 AND m.unread = 1 AND m.sent_at <= ?2 ORDER BY m.sent_at, m.id",
        MessageRow::COLUMNS
    )
}

impl Store {
    /// Marks the messages of a conversation up to a sent time as read. Returns those that were
    /// not, oldest first, as they were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn mark_read(
        &mut self,
        conversation: &AccountId,
        up_to: Timestamp,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.atomically(|store| {
            let values = params![Sql(*conversation), Sql(up_to)];
            let sql = unread_sql();
            let rows = list(&store.connection, &sql, values, |row| {
                MessageRow::read(row, 0)
            })?;
            run(&store.connection, MARK_READ, values)?;
            Ok(rows)
        })
    }

    /// The sent time of the newest message that somebody else wrote in a conversation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_received(
        &self,
        conversation: &AccountId,
    ) -> Result<Option<Timestamp>, StoreError> {
        if *conversation == self.account_id() {
            return Ok(None);
        }
        find(
            &self.connection,
            NEWEST_RECEIVED,
            [Sql(*conversation)],
            |row| Ok(row.get::<_, Sql<Timestamp>>(0)?.0),
        )
    }

    /// Sets when a message is removed from this device.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_disappears_at(
        &mut self,
        message: MessageId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE messages SET disappears_at = ?2 WHERE id = ?1 AND disappears_at <> ?2";
        Ok(run(&self.connection, sql, params![message, Sql(at)])? > 0)
    }

    /// The name of a message in the own swarm.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn hash_of(&self, message: MessageId) -> Result<Option<MessageHash>, StoreError> {
        let sql = "SELECT hash FROM messages WHERE id = ?1";
        let found = find(&self.connection, sql, [message], |row| {
            Ok(row.get::<_, Sql<Option<MessageHash>>>(0)?.0)
        })?;
        Ok(found.flatten())
    }

    /// Removes up to `limit` messages whose time has come. Returns them with their
    /// conversations.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_disappeared(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(MessageId, AccountId)>, StoreError> {
        self.atomically(|store| {
            let values = params![Sql(now), limit];
            let gone = list(&store.connection, DISAPPEARING, values, |row| {
                Ok((row.get(0)?, row.get::<_, Sql<AccountId>>(1)?.0))
            })?;
            for (message, _) in &gone {
                store.remove_message(*message, now)?;
            }
            Ok(gone)
        })
    }

    /// When the next message disappears.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_disappearing(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = find(&self.connection, NEXT_DISAPPEARING, (), |row| {
            row.get::<_, Option<i64>>(0)
        })?;
        Ok(next
            .flatten()
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Timestamp::from_ms))
    }
}
