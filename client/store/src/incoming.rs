//! The way in: what was looked at already, how far each node was read, and new messages
//! (docs/protocol/client.md section 4.6, docs/protocol/paths.md section 7.3).

use core::time::Duration;

use rusqlite::{Connection, params};
use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp};

use crate::effects::apply_early;
use crate::outgoing::CANCEL_JOBS;
use crate::rows::{
    LastHash, MessageId, MessageKind, MessageRow, MessageState, ReceivedMessage, Sql, timer_columns,
};
use crate::store::{find, run};
use crate::{Store, StoreError};

pub(crate) const SEEN: &str = "SELECT 1 FROM seen WHERE namespace = ?1 AND hash = ?2";

/// The row of a message that comes again: the same sender, sent time, conversation and text, as
/// two devices of an account may write in one millisecond. What was deleted has no text left.
pub(crate) const KNOWN: &str = "SELECT id, outgoing FROM messages
     WHERE sender = ?1 AND sent_at = ?2 AND conversation = ?3
       AND (kind = ?4 OR (kind = ?5 AND body = ?6))
     ORDER BY kind = ?4 LIMIT 1";

pub(crate) const REMOVED: &str =
    "SELECT 1 FROM removed_messages WHERE sender = ?1 AND sent_at = ?2";

/// What is forgotten some time after the time it holds, and how long after.
pub(crate) const PRUNE: [(&str, Duration); 4] = [
    ("DELETE FROM seen WHERE expires_at < ?1", EXPIRED_FOR),
    ("DELETE FROM last_hashes WHERE expires_at < ?1", EXPIRED_FOR),
    ("DELETE FROM early_effects WHERE at < ?1", EARLY_FOR),
    (
        "DELETE FROM removed_messages WHERE removed_at < ?1",
        REMOVED_FOR,
    ),
];

/// How long a hash is kept after it expired.
const EXPIRED_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long it is remembered that a message was removed: longer than a swarm keeps it.
const REMOVED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an effect waits for its message.
const EARLY_FOR: Duration = Duration::from_secs(15 * 24 * 3600);

impl Store {
    /// Notes that an element was looked at. False when it had been already.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_seen(
        &mut self,
        namespace: Namespace,
        hash: &MessageHash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        remember(&self.connection, namespace, hash, expires_at)
    }

    /// Takes in a message. Returns its row when it is new.
    ///
    /// A message of the same sender, sent time, conversation and text is the same message. The
    /// copy of a message this device sent adds its hash; when it was still being sent, or given
    /// up, the copy proves that it was delivered, and it is sent. A message that was removed here
    /// stays away.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was taken in.
    pub fn take_in(&mut self, message: &ReceivedMessage) -> Result<Option<MessageRow>, StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let name = params![Sql(message.sender), Sql(message.sent_at)];
            let whole = params![
                Sql(message.sender),
                Sql(message.sent_at),
                Sql(message.conversation),
                MessageKind::Deleted.number(),
                message.message.kind.number(),
                message.message.body,
            ];
            let known = find(connection, KNOWN, whole, |row| {
                Ok((row.get::<_, MessageId>(0)?, row.get::<_, bool>(1)?))
            })?;
            if let Some((id, outgoing)) = known {
                if outgoing && message.outgoing {
                    confirm(connection, id, message)?;
                }
                return Ok(None);
            }
            if find(connection, REMOVED, name, |_| Ok(()))?.is_some() {
                return Ok(None);
            }
            let id = insert(connection, message)?;
            apply_early(connection, id, message.sender, message.sent_at)?;
            row(connection, id)
        })
    }

    /// Whether an element was taken in before, so that it need not be decoded again.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_seen(&self, namespace: Namespace, hash: &MessageHash) -> Result<bool, StoreError> {
        let params = params![namespace.get(), hash.as_str()];
        Ok(find(&self.connection, SEEN, params, |_| Ok(()))?.is_some())
    }

    /// The last element read from a node; `None` when there is none or it expired.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_hash(
        &self,
        node: &Ed25519PublicKey,
        owner: &SwarmPubkey,
        namespace: Namespace,
        now: Timestamp,
    ) -> Result<Option<MessageHash>, StoreError> {
        let sql = "SELECT hash FROM last_hashes
                   WHERE node = ?1 AND owner = ?2 AND namespace = ?3 AND expires_at > ?4";
        let params = params![Sql(node), Sql(owner), namespace.get(), Sql(now)];
        let found = find(&self.connection, sql, params, |row| {
            Ok(row.get::<_, Sql<Option<MessageHash>>>(0)?.0)
        })?;
        Ok(found.flatten())
    }

    /// Notes how far a node was read.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_last_hash(&mut self, last: &LastHash) -> Result<(), StoreError> {
        let sql = "INSERT INTO last_hashes (node, owner, namespace, hash, expires_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (node, owner, namespace) DO UPDATE
                   SET hash = excluded.hash, expires_at = excluded.expires_at";
        run(
            &self.connection,
            sql,
            params![
                Sql(&last.node),
                Sql(&last.owner),
                last.namespace.get(),
                last.hash.as_str(),
                Sql(last.expires_at)
            ],
        )?;
        Ok(())
    }

    /// Forgets what nobody will ask for any more: hashes that expired more than a day ago,
    /// effects whose message never came, marks of removed messages that no swarm has any more.
    /// Returns how many rows went.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn prune(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        self.atomically(|store| {
            let mut gone = 0;
            for (sql, kept_for) in PRUNE {
                gone += run(&store.connection, sql, [Sql(now.minus(kept_for))])?;
            }
            Ok(gone)
        })
    }
}

/// Adds a hash to those seen; `false` when it was there.
pub(crate) fn remember(
    connection: &Connection,
    namespace: Namespace,
    hash: &MessageHash,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO seen (namespace, hash, expires_at) VALUES (?1, ?2, ?3)
               ON CONFLICT DO NOTHING";
    Ok(run(
        connection,
        sql,
        params![namespace.get(), hash.as_str(), Sql(expires_at)],
    )? > 0)
}

/// Makes sure that a conversation exists.
pub(crate) fn ensure_conversation(
    connection: &Connection,
    id: AccountId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO conversations (id) VALUES (?1) ON CONFLICT DO NOTHING";
    run(connection, sql, [Sql(id)])?;
    Ok(())
}

/// Reads one message.
pub(crate) fn row(
    connection: &Connection,
    id: MessageId,
) -> Result<Option<MessageRow>, StoreError> {
    let sql = format!(
        "SELECT {} FROM messages m WHERE m.id = ?1",
        MessageRow::COLUMNS
    );
    find(connection, &sql, [id], |row| MessageRow::read(row, 0))
}

fn insert(connection: &Connection, message: &ReceivedMessage) -> Result<MessageId, StoreError> {
    ensure_conversation(connection, message.conversation)?;
    let state = if message.outgoing {
        MessageState::SENT
    } else {
        MessageState::RECEIVED
    };
    let (timer_kind, timer_seconds) = timer_columns(message.message.expiration);
    let arrival = &message.arrival;
    let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, stored_at,
                   expires_at, hash, state, unread, kind, details, timer_kind, timer_seconds,
                   disappears_at, mentions_me, content)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    run(
        connection,
        sql,
        params![
            Sql(message.conversation),
            Sql(message.sender),
            message.outgoing,
            message.message.body,
            Sql(message.sent_at),
            Sql(arrival.stored_at),
            Sql(arrival.expires_at),
            arrival.hash.as_ref().map_or("", MessageHash::as_str),
            state,
            message.unread,
            message.message.kind.number(),
            message.message.details.to_column(),
            timer_kind,
            timer_seconds,
            Sql(message.disappears_at.unwrap_or_default()),
            message.mentions_me,
            message.content,
        ],
    )?;
    Ok(MessageId::new(connection.last_insert_rowid()))
}

/// The copy of a known own message was found in the own swarm: both of its stores are done.
fn confirm(
    connection: &Connection,
    id: MessageId,
    copy: &ReceivedMessage,
) -> Result<(), StoreError> {
    run(connection, CANCEL_JOBS, [id])?;
    let sql = "UPDATE messages SET state = ?2, failure = '', hash = ?3, stored_at = ?4,
                      expires_at = ?5,
                      disappears_at = CASE disappears_at WHEN 0 THEN ?6 ELSE disappears_at END
               WHERE id = ?1";
    let arrival = &copy.arrival;
    run(
        connection,
        sql,
        params![
            id,
            MessageState::SENT,
            arrival.hash.as_ref().map_or("", MessageHash::as_str),
            Sql(arrival.stored_at),
            Sql(arrival.expires_at),
            Sql(copy.disappears_at.unwrap_or_default()),
        ],
    )?;
    Ok(())
}
