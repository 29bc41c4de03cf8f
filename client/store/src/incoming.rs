//! The way in: what was looked at already, how far each node was read, and new messages
//! (docs/protocol/client.md section 4.6, docs/protocol/paths.md section 7.3).

use rusqlite::{Connection, params};
use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp};

use crate::rows::{
    LastHash, MessageId, MessageRow, MessageState, ReceivedItem, ReceivedMessage, ReceivedOutcome,
    Sql,
};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

pub(crate) const SEEN: &str = "SELECT 1 FROM seen WHERE namespace = ?1 AND hash = ?2";

pub(crate) const BY_SENDER: &str =
    "SELECT id, outgoing FROM messages WHERE sender = ?1 AND sent_at = ?2";

impl Store {
    /// Takes in what a poll brought, and how far each node was read, in one transaction.
    /// Returns the messages that are new, in the order they came.
    ///
    /// An element is skipped when its hash was seen in its namespace, and when a message of the
    /// same sender and sent time is there. What could not be read is remembered by its hash.
    /// The copy of a message this device sent adds its hash to the message; when it was still
    /// being sent, or given up, the copy proves that it was delivered, and it is sent.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was taken in.
    pub fn ingest(
        &mut self,
        items: &[ReceivedItem],
        last_hashes: &[LastHash],
    ) -> Result<Vec<MessageRow>, StoreError> {
        let transaction = self.write()?;
        let mut new = Vec::new();
        for item in items {
            if !remember(&transaction, item.namespace, &item.hash, item.expires_at)? {
                continue;
            }
            match &item.outcome {
                ReceivedOutcome::Message(message) => {
                    new.extend(take_in(&transaction, item, message)?);
                }
                ReceivedOutcome::Config { data } => keep_config(&transaction, item, data)?,
                ReceivedOutcome::Ignored | ReceivedOutcome::Undecodable => {}
            }
        }
        for last in last_hashes {
            set_last_hash(&transaction, last)?;
        }
        let rows = new
            .into_iter()
            .map(|id| row(&transaction, id)?.ok_or(StoreError::UnknownMessage))
            .collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(rows)
    }

    /// The config messages of a namespace as they came, in the order they were stored.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn received_configs(
        &self,
        namespace: Namespace,
    ) -> Result<Vec<(MessageHash, Vec<u8>)>, StoreError> {
        let sql = "SELECT hash, data FROM received_configs WHERE namespace = ?1
                   ORDER BY stored_at, hash";
        list(&self.connection, sql, [namespace.get()], |row| {
            let hash: String = row.get(0)?;
            let hash = hash.parse().map_err(|_| {
                rusqlite::Error::InvalidColumnType(0, "hash".into(), rusqlite::types::Type::Text)
            })?;
            Ok((hash, row.get(1)?))
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

    /// Forgets hashes that expired more than a day ago: no node gives them out any more.
    /// Returns how many rows went.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn prune(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let before = Sql(now.minus(core::time::Duration::from_secs(24 * 3600)));
        let transaction = self.write()?;
        let seen = run(
            &transaction,
            "DELETE FROM seen WHERE expires_at < ?1",
            [&before],
        )?;
        let last = run(
            &transaction,
            "DELETE FROM last_hashes WHERE expires_at < ?1",
            [&before],
        )?;
        let configs = run(
            &transaction,
            "DELETE FROM received_configs WHERE expires_at < ?1",
            [&before],
        )?;
        transaction.commit()?;
        Ok(seen + last + configs)
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

/// Inserts a message unless it is there already.
fn take_in(
    connection: &Connection,
    item: &ReceivedItem,
    message: &ReceivedMessage,
) -> Result<Option<MessageId>, StoreError> {
    let known = find(
        connection,
        BY_SENDER,
        params![Sql(message.sender), Sql(message.sent_at)],
        |row| Ok((row.get::<_, MessageId>(0)?, row.get::<_, bool>(1)?)),
    )?;
    match known {
        Some((id, true)) if message.outgoing => confirm(connection, id, item).map(|()| None),
        Some(_) => Ok(None),
        None => insert(connection, item, message).map(Some),
    }
}

fn insert(
    connection: &Connection,
    item: &ReceivedItem,
    message: &ReceivedMessage,
) -> Result<MessageId, StoreError> {
    ensure_conversation(connection, message.conversation)?;
    if let Some(name) = &message.sender_name
        && message.sender == message.conversation
    {
        let sql = "UPDATE conversations SET name = ?2, name_sent_at = ?3
                   WHERE id = ?1 AND name_sent_at < ?3";
        run(
            connection,
            sql,
            params![Sql(message.sender), name, Sql(message.sent_at)],
        )?;
    }
    let state = if message.outgoing {
        MessageState::SENT
    } else {
        MessageState::RECEIVED
    };
    let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, stored_at,
                                     expires_at, hash, state, unread)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    run(
        connection,
        sql,
        params![
            Sql(message.conversation),
            Sql(message.sender),
            message.outgoing,
            message.body,
            Sql(message.sent_at),
            Sql(item.stored_at),
            Sql(item.expires_at),
            item.hash.as_str(),
            state,
            !message.outgoing
        ],
    )?;
    Ok(MessageId::new(connection.last_insert_rowid()))
}

/// The copy of a known own message was found in the own swarm: both of its stores are done.
fn confirm(connection: &Connection, id: MessageId, item: &ReceivedItem) -> Result<(), StoreError> {
    run(connection, "DELETE FROM outbox WHERE message = ?1", [id])?;
    let sql = "UPDATE messages SET state = ?2, failure = '', hash = ?3, stored_at = ?4,
               expires_at = ?5 WHERE id = ?1";
    run(
        connection,
        sql,
        params![
            id,
            MessageState::SENT,
            item.hash.as_str(),
            Sql(item.stored_at),
            Sql(item.expires_at)
        ],
    )?;
    Ok(())
}

fn set_last_hash(connection: &Connection, last: &LastHash) -> Result<(), StoreError> {
    let sql = "INSERT INTO last_hashes (node, owner, namespace, hash, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (node, owner, namespace) DO UPDATE
               SET hash = excluded.hash, expires_at = excluded.expires_at";
    run(
        connection,
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

fn keep_config(
    connection: &Connection,
    item: &ReceivedItem,
    data: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO received_configs (namespace, hash, data, stored_at, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let (stored_at, expires_at) = (Sql(item.stored_at), Sql(item.expires_at));
    let values = params![
        item.namespace.get(),
        item.hash.as_str(),
        data,
        stored_at,
        expires_at
    ];
    run(connection, sql, values)?;
    Ok(())
}
