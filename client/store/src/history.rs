//! What a person looks at: the messages of a conversation.

use rusqlite::params;
use session_types::{AccountId, Timestamp};

use crate::rows::{MessageId, MessageRow, Sql};
use crate::store::{find, list};
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

pub(crate) fn history_after_sql() -> String {
    format!(
        "SELECT {} FROM messages m WHERE m.conversation = ?1
         AND (m.sent_at, m.id) > (SELECT b.sent_at, b.id FROM messages b WHERE b.id = ?3)
         ORDER BY m.sent_at, m.id LIMIT ?2",
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

    /// The messages of a conversation that come after `after`, at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::UnknownMessage`] when `after` names none, or when the database cannot be
    /// read.
    pub fn history_after(
        &self,
        conversation: &AccountId,
        limit: u32,
        after: MessageId,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.message(after)?.ok_or(StoreError::UnknownMessage)?;
        let sql = history_after_sql();
        let values = params![Sql(*conversation), limit, after];
        list(&self.connection, &sql, values, |row| {
            MessageRow::read(row, 0)
        })
    }

    /// One message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        crate::incoming::row(&self.connection, id)
    }

    /// The message a writer gave this sent time: its name on every device. Of two that two devices
    /// wrote in one millisecond the same on all of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_by_sender(
        &self,
        sender: &AccountId,
        sent_at: Timestamp,
    ) -> Result<Option<MessageRow>, StoreError> {
        let sql = "SELECT m.id FROM messages m WHERE m.sender = ?1 AND m.sent_at = ?2
                   ORDER BY m.kind, m.body LIMIT 1";
        let params = params![Sql(*sender), Sql(sent_at)];
        match find(&self.connection, sql, params, |row| row.get(0))? {
            Some(id) => self.message(id),
            None => Ok(None),
        }
    }
}
