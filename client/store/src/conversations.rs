//! Conversations: what the devices agree on about them, and the list of them.

use rusqlite::{Connection, Row, params};
use session_types::{AccountId, Timestamp};

use crate::blobs::BlobName;
use crate::rows::{
    ConversationRow, ConversationSettings, MessageRow, Sql, notify_number, timer_columns,
};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

pub(crate) fn conversations_sql(one: bool) -> String {
    let which = if one { "WHERE c.id = ?1" } else { "" };
    format!(
        "SELECT {},
                c.draft,
                (SELECT count(*) FROM messages u WHERE u.conversation = c.id AND u.unread = 1),
                (SELECT count(*) FROM messages u WHERE u.conversation = c.id AND u.unread = 1
                                                   AND u.mentions_me = 1),
                coalesce((SELECT p.blob FROM pictures p WHERE p.owner = c.id), ''),
                (SELECT count(*) FROM draft_files d WHERE d.conversation = c.id),
                m.id IS NOT NULL, {}
         FROM conversations c LEFT JOIN messages m ON m.id = (
             SELECT n.id FROM messages n WHERE n.conversation = c.id
             ORDER BY n.sent_at DESC, n.id DESC LIMIT 1)
         {which}
         ORDER BY m.sent_at DESC, c.id",
        ConversationSettings::COLUMNS,
        MessageRow::COLUMNS
    )
}

/// Taking the words of one message out of the index takes about as long as writing the index anew
/// for so many messages.
const WORTH: i64 = 1000;

/// How many messages there are at most.
pub(crate) const ABOUT_ALL: &str = "SELECT coalesce(max(id), 0) FROM messages";
pub(crate) const COUNT: &str = "SELECT count(*) FROM messages WHERE conversation = ?1";
/// Texts and invitations: neither notices nor what is left of deleted ones.
const WRITTEN: &str = "SELECT count(*) FROM messages WHERE kind IN (0, 2)";
pub(crate) const MARK_REMOVED: &str = "INSERT INTO removed_messages (sender, sent_at, removed_at)
     SELECT sender, sent_at, ?2 FROM messages WHERE conversation = ?1
     ON CONFLICT DO NOTHING";
pub(crate) const CLEAR_MESSAGES: &str = "DELETE FROM messages WHERE conversation = ?1";
pub(crate) const CLEAR_JOBS: &str = "DELETE FROM outbox WHERE conversation = ?1 AND message > 0";
pub(crate) const REMOVE_JOBS: &str = "DELETE FROM outbox WHERE conversation = ?1";

fn read(row: &Row<'_>) -> rusqlite::Result<ConversationRow> {
    const AFTER: usize = ConversationSettings::WIDTH;
    let has_message: bool = row.get(AFTER + 5)?;
    let picture: String = row.get(AFTER + 3)?;
    Ok(ConversationRow {
        settings: ConversationSettings::read(row, 0)?,
        draft: row.get(AFTER)?,
        draft_files: row.get(AFTER + 4)?,
        unread: row.get(AFTER + 1)?,
        unread_mentions: row.get(AFTER + 2)?,
        last_message: has_message
            .then(|| MessageRow::read(row, AFTER + 6))
            .transpose()?,
        picture: BlobName::parse(&picture).map(|name| name.mark()),
    })
}

/// Unix seconds as a column holds them.
fn seconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Store {
    /// All conversations, the one with the newest message first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn conversations(&self) -> Result<Vec<ConversationRow>, StoreError> {
        list(&self.connection, &conversations_sql(false), (), read)
    }

    /// One conversation, as the list shows it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn conversation(&self, id: &AccountId) -> Result<Option<ConversationRow>, StoreError> {
        find(&self.connection, &conversations_sql(true), [Sql(*id)], read)
    }

    /// How many messages that somebody wrote there are, in all or in one conversation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_count(&self, conversation: Option<&AccountId>) -> Result<u64, StoreError> {
        let number = |row: &Row<'_>| row.get::<_, i64>(0);
        let count = match conversation {
            Some(id) => {
                let sql = format!("{WRITTEN} AND conversation = ?1");
                find(&self.connection, &sql, [Sql(*id)], number)?
            }
            None => find(&self.connection, WRITTEN, (), number)?,
        };
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// What the devices agree on about a conversation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn conversation_settings(
        &self,
        id: &AccountId,
    ) -> Result<Option<ConversationSettings>, StoreError> {
        let sql = format!(
            "SELECT {} FROM conversations c WHERE c.id = ?1",
            ConversationSettings::COLUMNS
        );
        find(&self.connection, &sql, [Sql(*id)], |row| {
            ConversationSettings::read(row, 0)
        })
    }

    /// Writes down what the devices agree on about a conversation. Tells whether anything is
    /// different now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_conversation(&mut self, new: &ConversationSettings) -> Result<bool, StoreError> {
        self.atomically(|store| {
            if store.conversation_settings(&new.id)?.as_ref() == Some(new) {
                return Ok(false);
            }
            write(&store.connection, new)?;
            Ok(true)
        })
    }

    /// Removes a conversation with all its messages and what is still to be sent in it. The
    /// messages stay removed: copies of them are not taken in again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_conversation(
        &mut self,
        id: &AccountId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.atomically(|store| {
            store.clear_conversation(id, now)?;
            let connection = &store.connection;
            run(connection, REMOVE_JOBS, [Sql(*id)])?;
            run(
                connection,
                "DELETE FROM pictures WHERE owner = ?1",
                [Sql(*id)],
            )?;
            let sql = "DELETE FROM conversations WHERE id = ?1";
            run(connection, sql, [Sql(*id)])?;
            Ok(())
        })
    }

    /// Removes all messages of a conversation, for good. What is still to be sent of them is not
    /// sent.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn clear_conversation(&mut self, id: &AccountId, now: Timestamp) -> Result<(), StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            run(connection, MARK_REMOVED, params![Sql(*id), Sql(now)])?;
            run(connection, CLEAR_JOBS, [Sql(*id)])?;
            let number = |row: &Row<'_>| row.get::<_, i64>(0);
            let count = find(connection, COUNT, [Sql(*id)], number)?.unwrap_or_default();
            let all = find(connection, ABOUT_ALL, (), number)?.unwrap_or_default();
            if count < all / WORTH {
                run(connection, CLEAR_MESSAGES, [Sql(*id)])?;
                return Ok(());
            }
            // Words are marked as removed, and then left out of an index written anew.
            let set =
                "INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', ?1)";
            run(connection, set, [0])?;
            run(connection, CLEAR_MESSAGES, [Sql(*id)])?;
            let merge = "INSERT INTO message_words (message_words) VALUES ('optimize')";
            run(connection, merge, ())?;
            run(connection, set, [1])?;
            Ok(())
        })
    }
}

fn write(connection: &Connection, new: &ConversationSettings) -> Result<(), StoreError> {
    let (timer_kind, timer_seconds) = timer_columns(new.expiration);
    let (url, key) = new
        .picture
        .as_ref()
        .map_or(("", &[][..]), |p| (p.url(), p.key().as_slice()));
    let sql = "INSERT INTO conversations (id, name, nickname, picture_url, picture_key,
                   approved, approved_me, blocked, priority, notify, muted_until, timer_kind,
                   timer_seconds, created_at, last_read, marked_unread)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
               ON CONFLICT (id) DO UPDATE SET
                   name = excluded.name, nickname = excluded.nickname,
                   picture_url = excluded.picture_url, picture_key = excluded.picture_key,
                   approved = excluded.approved, approved_me = excluded.approved_me,
                   blocked = excluded.blocked, priority = excluded.priority,
                   notify = excluded.notify, muted_until = excluded.muted_until,
                   timer_kind = excluded.timer_kind, timer_seconds = excluded.timer_seconds,
                   created_at = excluded.created_at, last_read = excluded.last_read,
                   marked_unread = excluded.marked_unread";
    run(
        connection,
        sql,
        params![
            Sql(new.id),
            new.name,
            new.nickname,
            url,
            key,
            new.approved,
            new.approved_me,
            new.blocked,
            new.priority,
            notify_number(new.notify),
            seconds(new.muted_until),
            timer_kind,
            timer_seconds,
            seconds(new.created_at),
            Sql(new.last_read),
            new.marked_unread,
        ],
    )?;
    Ok(())
}
