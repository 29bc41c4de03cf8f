//! Another sent time for what was written by this machine's clock and waits, and for what refers to
//! it.

use rusqlite::params;
use session_types::{AccountId, Timestamp};

use super::{allocate, correct};
use crate::rows::{JobId, MessageId, QuoteRef, Sql};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

impl Store {
    /// Gives a message whose time was this machine's, not the network's, a new one, before it is
    /// first tried: later than all that were given by network time. One that has a sure time
    /// keeps it. Returns the sent time.
    ///
    /// # Errors
    /// [`StoreError::UnknownMessage`], or when the database cannot be written.
    pub fn stamp_anew(
        &mut self,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let own = self.account_id();
        self.atomically(|store| {
            let connection = &store.connection;
            let sql = "SELECT sent_at, time_unsure FROM messages WHERE id = ?1";
            let (Sql(old), unsure) = find(connection, sql, [message], |row| {
                Ok((row.get::<_, Sql<Timestamp>>(0)?, row.get::<_, bool>(1)?))
            })?
            .ok_or(StoreError::UnknownMessage)?;
            if !unsure {
                return Ok(old);
            }
            correct(connection, now)?;
            let sent_at = allocate(connection, own, now)?;
            let sql = "UPDATE messages SET sent_at = ?2, time_unsure = 0 WHERE id = ?1";
            run(connection, sql, params![message, Sql(sent_at)])?;
            let sql = "UPDATE outbox SET sent_at = ?2 WHERE message = ?1 AND message > 0";
            run(connection, sql, params![message, Sql(sent_at)])?;
            Ok(sent_at)
        })
    }

    /// Content that waits to be sent in a conversation and was not tried yet, for a change of
    /// what it refers to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn untried_content(
        &self,
        conversation: &AccountId,
    ) -> Result<Vec<(JobId, Timestamp, Vec<u8>)>, StoreError> {
        let sql = "SELECT id, sent_at, content FROM outbox
                   WHERE conversation = ?1 AND message = 0 AND payload = x''";
        list(&self.connection, sql, [Sql(*conversation)], |row| {
            Ok((row.get(0)?, row.get::<_, Sql<Timestamp>>(1)?.0, row.get(2)?))
        })
    }

    /// Replaces content that was not tried yet.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn replace_content(&mut self, job: JobId, content: &[u8]) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET content = ?2 WHERE id = ?1 AND payload = x''";
        run(&self.connection, sql, params![job, content])?;
        Ok(())
    }

    /// Answers that wait to be sent and quote a message by its old time get the new one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn requote(
        &mut self,
        conversation: &AccountId,
        old: QuoteRef,
        new: QuoteRef,
    ) -> Result<(), StoreError> {
        self.atomically(|store| {
            let sql = "SELECT m.id FROM outbox o JOIN messages m ON m.id = o.message
                       WHERE o.conversation = ?1 AND o.message > 0 AND m.details <> ''";
            let waiting: Vec<MessageId> =
                list(&store.connection, sql, [Sql(*conversation)], |row| {
                    row.get(0)
                })?;
            for id in waiting {
                let Some(mut row) = store.message(id)? else {
                    continue;
                };
                if row.details.quote == Some(old) {
                    row.details.quote = Some(new);
                    let sql = "UPDATE messages SET details = ?2 WHERE id = ?1";
                    run(&store.connection, sql, params![id, row.details.to_column()])?;
                }
            }
            Ok(())
        })
    }
}
