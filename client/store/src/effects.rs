//! What happens to messages after they were written: reactions, deletions, receipts, also those
//! that come before the message they are about.

use rusqlite::{Connection, params};
use session_types::{AccountId, Timestamp};

use crate::outgoing::CANCEL_JOBS;
use crate::rows::{Effect, MessageId, MessageKind, ReactionRow, Sql};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

pub(crate) const REACTIONS: &str = "SELECT author, emoji, sent_at FROM reactions
     WHERE message = ?1 AND present = 1 ORDER BY sent_at, author, emoji";
/// A deletion before the reactions it makes void.
pub(crate) const EARLY: &str = "SELECT kind, sender, emoji, present, at FROM early_effects
     WHERE author = ?1 AND sent_at = ?2 ORDER BY kind DESC";
pub(crate) const FORGET_EARLY: &str =
    "DELETE FROM early_effects WHERE author = ?1 AND sent_at = ?2";

/// The message an effect means. Of several with one sender and sent time one where whoever caused
/// it has a say; a deleted one, as the effect may be its deletion again; and then the one all
/// devices choose.
pub(crate) const MEANT: &str = "SELECT m.id FROM messages m, identity i
     WHERE m.sender = ?1 AND m.sent_at = ?2
     ORDER BY ?3 NOT IN (m.conversation, i.account), m.kind <> ?4, m.kind, m.body LIMIT 1";

const REACTION: i64 = 0;
const DELETION: i64 = 1;
const RECEIPT: i64 = 2;

impl Store {
    /// Applies what `sender` did at `at` to the message that `author` wrote at `sent_at`. Kept
    /// for later when the message is not here. Returns the message when it is another one now.
    ///
    /// Of somebody who is not in the message's conversation nothing is taken. That only its
    /// writer may delete a message is for the caller to see to.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn apply_effect(
        &mut self,
        author: &AccountId,
        sent_at: Timestamp,
        sender: &AccountId,
        effect: &Effect,
        at: Timestamp,
    ) -> Result<Option<MessageId>, StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let values = params![
                Sql(*author),
                Sql(sent_at),
                Sql(*sender),
                MessageKind::Deleted.number()
            ];
            let message = find(connection, MEANT, values, |row| row.get(0))?;
            match message {
                Some(message) => {
                    let changed = apply(connection, message, sender, effect, at)?;
                    Ok(changed.then_some(message))
                }
                None => {
                    keep(connection, author, sent_at, sender, effect, at)?;
                    Ok(None)
                }
            }
        })
    }

    /// The emojis at messages, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reactions(&self, messages: &[MessageId]) -> Result<Vec<ReactionRow>, StoreError> {
        let mut all = Vec::new();
        for message in messages {
            all.extend(list(&self.connection, REACTIONS, [message], |row| {
                Ok(ReactionRow {
                    message: *message,
                    author: row.get::<_, Sql<AccountId>>(0)?.0,
                    emoji: row.get(1)?,
                    sent_at: row.get::<_, Sql<Timestamp>>(2)?.0,
                })
            })?);
        }
        Ok(all)
    }

    /// Takes a message off this device; no copy of it is taken in again. What is still to be
    /// sent of it is not sent. Tells whether it was there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_message(
        &mut self,
        message: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let sql = "INSERT INTO removed_messages (sender, sent_at, removed_at)
                       SELECT sender, sent_at, ?2 FROM messages WHERE id = ?1
                       ON CONFLICT DO NOTHING";
            run(connection, sql, params![message, Sql(now)])?;
            run(connection, CANCEL_JOBS, [message])?;
            Ok(run(connection, "DELETE FROM messages WHERE id = ?1", [message])? > 0)
        })
    }
}

/// Applies an effect to a message that is here. Tells whether it is another one now.
fn apply(
    connection: &Connection,
    message: MessageId,
    sender: &AccountId,
    effect: &Effect,
    at: Timestamp,
) -> Result<bool, StoreError> {
    // Only the two of a conversation have a say in it.
    let sql = "SELECT 1 FROM messages m, identity i
               WHERE m.id = ?1 AND (?2 IN (m.conversation, i.account))";
    if find(connection, sql, params![message, Sql(*sender)], |_| Ok(()))?.is_none() {
        return Ok(false);
    }
    match effect {
        Effect::Reaction { emoji, present } => {
            // The newest word counts, in whatever order the words come; of two of the same
            // millisecond, from two devices, the one that puts it there.
            let sql = "INSERT INTO reactions (message, author, emoji, present, sent_at)
                       SELECT id, ?2, ?3, ?4, ?5 FROM messages WHERE id = ?1 AND kind <> ?6
                       ON CONFLICT (message, author, emoji) DO UPDATE
                       SET present = excluded.present, sent_at = excluded.sent_at
                       WHERE sent_at < excluded.sent_at
                          OR (sent_at = excluded.sent_at AND present < excluded.present)";
            let deleted = MessageKind::Deleted.number();
            let values = params![message, Sql(*sender), emoji, present, Sql(at), deleted];
            Ok(run(connection, sql, values)? > 0)
        }
        Effect::Deletion => delete_content(connection, message),
        Effect::Receipt => {
            let sql = "UPDATE messages SET read_at = ?2
                       WHERE id = ?1 AND outgoing = 1 AND read_at = 0";
            Ok(run(connection, sql, params![message, Sql(at)])? > 0)
        }
    }
}

/// Leaves of a message only that it was there.
fn delete_content(connection: &Connection, message: MessageId) -> Result<bool, StoreError> {
    let deleted = MessageKind::Deleted.number();
    let sql = "UPDATE messages SET kind = ?2, body = '', details = '', content = x'', unread = 0,
                      mentions_me = 0
               WHERE id = ?1 AND kind <> ?2";
    let changed = run(connection, sql, params![message, deleted])? > 0;
    if changed {
        run(
            connection,
            "DELETE FROM reactions WHERE message = ?1",
            [message],
        )?;
        run(
            connection,
            "DELETE FROM files WHERE message = ?1",
            [message],
        )?;
    }
    Ok(changed)
}

/// Keeps an effect until its message comes.
fn keep(
    connection: &Connection,
    author: &AccountId,
    sent_at: Timestamp,
    sender: &AccountId,
    effect: &Effect,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (kind, emoji, present) = match effect {
        Effect::Reaction { emoji, present } => (REACTION, emoji.as_str(), *present),
        Effect::Deletion => (DELETION, "", true),
        Effect::Receipt => (RECEIPT, "", true),
    };
    let sql = "INSERT INTO early_effects (author, sent_at, kind, sender, emoji, present, at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (author, sent_at, kind, sender, emoji) DO UPDATE
               SET present = excluded.present, at = excluded.at
               WHERE at < excluded.at OR (at = excluded.at AND present < excluded.present)";
    let (author, sender) = (Sql(*author), Sql(*sender));
    let values = params![author, Sql(sent_at), kind, sender, emoji, present, Sql(at)];
    run(connection, sql, values)?;
    Ok(())
}

/// Applies to a message that has just come what came before it.
pub(crate) fn apply_early(
    connection: &Connection,
    message: MessageId,
    author: AccountId,
    sent_at: Timestamp,
) -> Result<(), StoreError> {
    let values = params![Sql(author), Sql(sent_at)];
    let early = list(connection, EARLY, values, |row| {
        let effect = match row.get(0)? {
            REACTION => Effect::Reaction {
                emoji: row.get(2)?,
                present: row.get(3)?,
            },
            DELETION => Effect::Deletion,
            RECEIPT => Effect::Receipt,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
        };
        let sender = row.get::<_, Sql<AccountId>>(1)?.0;
        Ok((effect, sender, row.get::<_, Sql<Timestamp>>(4)?.0))
    })?;
    if early.is_empty() {
        return Ok(());
    }
    for (effect, sender, at) in early {
        apply(connection, message, &sender, &effect, at)?;
    }
    run(connection, FORGET_EARLY, values)?;
    Ok(())
}
