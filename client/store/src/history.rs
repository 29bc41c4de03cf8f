//! What a person looks at: conversations and their messages.

use rusqlite::params;
use session_types::{AccountId, Timestamp};

use crate::rows::{ConversationRow, MessageId, MessageRow, Sql};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

/// Newest first; the caller turns them round.
pub(crate) fn history_sql(before: bool) -> String {
    let bound = if before {
        "AND (m.sent_at, m.id) < (SELECT b.sent_at, b.id FROM messages b WHERE b.id = ?3)"
    } else {
        ""
    };
    format!(
        "SELECT {} FROM messages m WHERE m.conversation = ?1 {bound}
         ORDER BY m.sent_at DESC, m.id DESC LIMIT ?2",
        MessageRow::COLUMNS
    )
}

pub(crate) fn conversations_sql() -> String {
    format!(
        "SELECT c.id, c.name,
                (SELECT count(*) FROM messages u WHERE u.conversation = c.id AND u.unread = 1),
                m.id IS NOT NULL, {}
         FROM conversations c LEFT JOIN messages m ON m.id = (
             SELECT n.id FROM messages n WHERE n.conversation = c.id
             ORDER BY n.sent_at DESC, n.id DESC LIMIT 1)
         ORDER BY m.sent_at DESC, c.id",
        MessageRow::COLUMNS
    )
}

impl Store {
    /// The newest `limit` messages of a conversation, or the newest of those before the message
    /// `before`; oldest first. Messages are in the order of their sent times.
    ///
    /// # Errors
    /// [`StoreError::UnknownMessage`] when `before` names none, or when the database cannot be
    /// read.
    pub fn history(
        &self,
        conversation: &AccountId,
        limit: u32,
        before: Option<MessageId>,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let sql = history_sql(before.is_some());
        let read = |row: &rusqlite::Row<'_>| MessageRow::read(row, 0);
        let mut rows = match before {
            None => list(
                &self.connection,
                &sql,
                params![Sql(*conversation), limit],
                read,
            )?,
            Some(before) => {
                self.message(before)?.ok_or(StoreError::UnknownMessage)?;
                list(
                    &self.connection,
                    &sql,
                    params![Sql(*conversation), limit, before],
                    read,
                )?
            }
        };
        rows.reverse();
        Ok(rows)
    }

    /// All conversations, the one with the newest message first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn conversations(&self) -> Result<Vec<ConversationRow>, StoreError> {
        list(&self.connection, &conversations_sql(), (), |row| {
            let name: String = row.get(1)?;
            let has_message: bool = row.get(3)?;
            Ok(ConversationRow {
                id: row.get::<_, Sql<AccountId>>(0)?.0,
                name: (!name.is_empty()).then_some(name),
                last_message: has_message.then(|| MessageRow::read(row, 4)).transpose()?,
                unread: row.get(2)?,
            })
        })
    }

    /// One message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        crate::incoming::row(&self.connection, id)
    }

    /// The message a writer gave this sent time: its name on every device.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_by_sender(
        &self,
        sender: &AccountId,
        sent_at: Timestamp,
    ) -> Result<Option<MessageRow>, StoreError> {
        let sql = "SELECT m.id FROM messages m WHERE m.sender = ?1 AND m.sent_at = ?2";
        let params = params![Sql(*sender), Sql(sent_at)];
        match find(&self.connection, sql, params, |row| row.get(0))? {
            Some(id) => self.message(id),
            None => Ok(None),
        }
    }

    /// Marks the messages of a conversation up to a sent time as read. Returns how many were
    /// not.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn mark_read(
        &mut self,
        conversation: &AccountId,
        up_to: Timestamp,
    ) -> Result<usize, StoreError> {
        let sql = "UPDATE messages SET unread = 0
                   WHERE conversation = ?1 AND unread = 1 AND sent_at <= ?2";
        run(
            &self.connection,
            sql,
            params![Sql(*conversation), Sql(up_to)],
        )
    }
}
