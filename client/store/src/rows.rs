//! What goes into the database and what comes out of it.
//!
//! Message texts are left out of `Debug`, so that a row that reaches a log does not bring its
//! text along.

use core::fmt;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};
use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp};
use zeroize::Zeroizing;

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number, which need not name anything.
            #[must_use]
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    };
}

row_id! {
    /// Names a message in one database. Larger ids were written later; none is used twice.
    MessageId
}
row_id! {
    /// Names a job of the outbox. None is used twice.
    JobId
}

/// Who the account of a database is.
pub struct Identity {
    /// The account id.
    pub account_id: AccountId,
    /// What all keys are derived from.
    pub seed: Zeroizing<[u8; 16]>,
    /// The name shown to others; empty when none was chosen.
    pub display_name: String,
    /// The seed URL of the network the account lives in.
    pub network: String,
    /// When the account was made or restored on this device.
    pub created_at: Timestamp,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// A text kept for others, and when it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// The text as it was given.
    pub json: String,
    /// When it was fetched, as told by whoever saved it.
    pub saved_at: Timestamp,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MessageState {
    /// Written here and not yet stored at its recipient's swarm.
    Sending,
    /// Stored at its recipient's swarm, by this or another device of the account.
    Sent,
    /// Given up; `retry_failed` tries again.
    Failed {
        /// Why, as the caller of `job_failed` put it.
        reason: String,
    },
    /// Written by somebody else.
    Received,
}

impl MessageState {
    pub(crate) const SENDING: i64 = 0;
    pub(crate) const SENT: i64 = 1;
    pub(crate) const FAILED: i64 = 2;
    pub(crate) const RECEIVED: i64 = 3;
}

/// One message of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id in this database.
    pub id: MessageId,
    /// The other side; the own account for notes to self.
    pub conversation: AccountId,
    /// Who wrote it.
    pub sender: AccountId,
    /// Whether this account wrote it, on this or another device.
    pub outgoing: bool,
    /// The text.
    pub body: String,
    /// When it was written, by the writer's clock. Together with `sender` its name on every
    /// device.
    pub sent_at: Timestamp,
    /// When a node stored it.
    pub stored_at: Option<Timestamp>,
    /// Its hash in the own swarm; before the own copy is stored, its hash at the recipient's.
    pub hash: Option<MessageHash>,
    /// Where it stands.
    pub state: MessageState,
    /// Until when the swarm keeps it.
    pub expires_at: Option<Timestamp>,
}

impl MessageRow {
    /// The columns [`Self::read`] expects, of a table or alias `m`.
    pub(crate) const COLUMNS: &'static str = "m.id, m.conversation, m.sender, m.outgoing, m.body, \
         m.sent_at, m.stored_at, m.hash, m.state, m.failure, m.expires_at";

    /// Reads [`Self::COLUMNS`], the first of which is column `at`.
    pub(crate) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let state = match row.get(at + 8)? {
            MessageState::SENDING => MessageState::Sending,
            MessageState::SENT => MessageState::Sent,
            MessageState::FAILED => MessageState::Failed {
                reason: row.get(at + 9)?,
            },
            MessageState::RECEIVED => MessageState::Received,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(at + 8, other)),
        };
        Ok(Self {
            id: row.get(at)?,
            conversation: row.get::<_, Sql<AccountId>>(at + 1)?.0,
            sender: row.get::<_, Sql<AccountId>>(at + 2)?.0,
            outgoing: row.get(at + 3)?,
            body: row.get(at + 4)?,
            sent_at: row.get::<_, Sql<Timestamp>>(at + 5)?.0,
            stored_at: row.get::<_, Sql<Option<Timestamp>>>(at + 6)?.0,
            hash: row.get::<_, Sql<Option<MessageHash>>>(at + 7)?.0,
            state,
            expires_at: row.get::<_, Sql<Option<Timestamp>>>(at + 10)?.0,
        })
    }
}

impl fmt::Debug for MessageRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRow")
            .field("id", &self.id)
            .field("conversation", &self.conversation)
            .field("sender", &self.sender)
            .field("outgoing", &self.outgoing)
            .field("sent_at", &self.sent_at)
            .field("stored_at", &self.stored_at)
            .field("hash", &self.hash)
            .field("state", &self.state)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// One conversation, as a list of conversations shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// The other side; the own account for notes to self.
    pub id: AccountId,
    /// The name the other side gave itself.
    pub name: Option<String>,
    /// The newest message by sent time.
    pub last_message: Option<MessageRow>,
    /// Received messages not yet marked as read.
    pub unread: u32,
}

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOutgoing {
    /// The recipient; the own account for a note to self.
    pub conversation: AccountId,
    /// The text.
    pub body: String,
    /// Network time; the sent time is this or the first later one that is free.
    pub now: Timestamp,
}

impl fmt::Debug for NewOutgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOutgoing")
            .field("conversation", &self.conversation)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What a queued message was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingRow {
    /// Its id in this database.
    pub id: MessageId,
    /// Its sent time, used by no other message of this account.
    pub sent_at: Timestamp,
}

/// Which of its stores a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// To the recipient's swarm, without sync target.
    Deliver,
    /// To the own swarm, with the conversation as sync target. The only job of a note to self.
    SyncCopy,
}

impl JobKind {
    pub(crate) const DELIVER: i64 = 0;
    pub(crate) const SYNC_COPY: i64 = 1;
}

/// One store request to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxJob {
    /// Its id.
    pub id: JobId,
    /// The message it is about.
    pub message_id: MessageId,
    /// Which of the message's stores it is.
    pub kind: JobKind,
    /// Whose swarm the message goes to.
    pub recipient: AccountId,
    /// The conversation of the message: the sync target of a sync copy.
    pub conversation: AccountId,
    /// The envelope time, the same at each attempt.
    pub sent_at: Timestamp,
    /// The text.
    pub body: String,
    /// How often it was postponed.
    pub attempts: u32,
    /// From when on it may be tried.
    pub next_attempt: Timestamp,
    /// The sealed bytes, once [`crate::Store::keep_payload`] kept them.
    pub payload: Option<Vec<u8>>,
}

impl fmt::Debug for OutboxJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxJob")
            .field("id", &self.id)
            .field("message_id", &self.message_id)
            .field("kind", &self.kind)
            .field("recipient", &self.recipient)
            .field("sent_at", &self.sent_at)
            .field("attempts", &self.attempts)
            .field("next_attempt", &self.next_attempt)
            .finish_non_exhaustive()
    }
}

/// What a swarm answered to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The hash the swarm gave the message.
    pub hash: MessageHash,
    /// The store time of the request.
    pub stored_at: Timestamp,
    /// Until when the swarm keeps it.
    pub expires_at: Timestamp,
}

/// One element of a retrieve answer, after decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedItem {
    /// The namespace it was retrieved from.
    pub namespace: Namespace,
    /// Its hash.
    pub hash: MessageHash,
    /// The node that gave it.
    pub node: Ed25519PublicKey,
    /// When it was stored there.
    pub stored_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
    /// What it turned out to be.
    pub outcome: ReceivedOutcome,
}

/// What a retrieved element turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedOutcome {
    /// A config message, kept as it is.
    Config {
        /// Its bytes.
        data: Vec<u8>,
    },
    /// Readable and of no interest; remembered by its hash.
    Ignored,
    /// A message to show.
    Message(ReceivedMessage),
    /// Not readable; remembered by its hash, so that it is not tried again.
    Undecodable,
}

/// A retrieved message.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Who wrote it, as its signature proved.
    pub sender: AccountId,
    /// Where it belongs: the sender, or the sync target of an own copy.
    pub conversation: AccountId,
    /// The envelope time.
    pub sent_at: Timestamp,
    /// The text.
    pub body: String,
    /// Whether this account wrote it: a sync copy.
    pub outgoing: bool,
    /// The name the sender gives itself in the message.
    pub sender_name: Option<String>,
}

impl fmt::Debug for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedMessage")
            .field("sender", &self.sender)
            .field("conversation", &self.conversation)
            .field("sent_at", &self.sent_at)
            .field("outgoing", &self.outgoing)
            .finish_non_exhaustive()
    }
}

/// How far one node's answers for one mailbox were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastHash {
    /// The node.
    pub node: Ed25519PublicKey,
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which part of it.
    pub namespace: Namespace,
    /// The last element of the node's answer.
    pub hash: MessageHash,
    /// When that element expires; from then on the node does not know the hash.
    pub expires_at: Timestamp,
}

/// Carries a type of another crate into and out of a column.
pub(crate) struct Sql<T>(pub(crate) T);

impl ToSql for Sql<AccountId> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_bytes().to_vec().into())
    }
}

impl FromSql for Sql<AccountId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let owner = SwarmPubkey::try_from(value.as_blob()?).map_err(FromSqlError::other)?;
        AccountId::try_from(owner)
            .map(Self)
            .map_err(FromSqlError::other)
    }
}

impl ToSql for Sql<&SwarmPubkey> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_bytes().to_vec().into())
    }
}

impl ToSql for Sql<&Ed25519PublicKey> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl ToSql for Sql<Timestamp> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_ms_i64().into())
    }
}

impl FromSql for Sql<Timestamp> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ms = value.as_i64()?;
        u64::try_from(ms)
            .map(|ms| Self(Timestamp::from_ms(ms)))
            .map_err(|_| FromSqlError::OutOfRange(ms))
    }
}

impl FromSql for Sql<Option<Timestamp>> {
    /// 0 means absent.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Sql(time) = Sql::<Timestamp>::column_result(value)?;
        Ok(Self((time.as_ms() != 0).then_some(time)))
    }
}

impl FromSql for Sql<Option<MessageHash>> {
    /// Empty means absent.
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "" => Ok(Self(None)),
            text => text
                .parse()
                .map(|hash| Self(Some(hash)))
                .map_err(FromSqlError::other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(byte: u8) -> AccountId {
        AccountId::from_x25519([byte; 32].into())
    }

    #[test]
    fn debug_shows_neither_seed_nor_text() {
        let identity = Identity {
            account_id: account(1),
            seed: Zeroizing::new([0x5e; 16]),
            display_name: "Someone".into(),
            network: "https://seed.example".into(),
            created_at: Timestamp::from_ms(1),
        };
        let hex = "01".repeat(32);
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity {{ account_id: AccountId(05{hex}), .. }}")
        );
        let received = ReceivedMessage {
            sender: account(1),
            conversation: account(1),
            sent_at: Timestamp::from_ms(5),
            body: "private words".into(),
            outgoing: false,
            sender_name: Some("private name".into()),
        };
        let outgoing = NewOutgoing {
            conversation: account(1),
            body: "private words".into(),
            now: Timestamp::from_ms(5),
        };
        for text in [format!("{received:?}"), format!("{outgoing:?}")] {
            assert!(!text.contains("private"), "{text}");
        }
    }
}
