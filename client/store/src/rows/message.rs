//! Messages.

use core::fmt;

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};
use session_messages::Expiration;
use session_types::{AccountId, MessageHash, Timestamp};

use super::sql::read_timer;
use super::{MessageId, Sql};

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

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Words, which may be none when it holds only files.
    Text,
    /// Its writer set when the own messages disappear: `expiration` says to what.
    TimerChange,
    /// An invitation to a community.
    Invitation,
    /// A message request was accepted.
    RequestAccepted,
    /// Its writer took a screenshot.
    Screenshot,
    /// Its writer saved a file of the message named in the details.
    MediaSaved,
    /// Deleted for everyone by its writer: only that it was there.
    Deleted,
}

impl MessageKind {
    const ALL: [Self; 7] = [
        Self::Text,
        Self::TimerChange,
        Self::Invitation,
        Self::RequestAccepted,
        Self::Screenshot,
        Self::MediaSaved,
        Self::Deleted,
    ];

    pub(crate) const fn number(self) -> i64 {
        self as i64
    }

    fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index))
            .copied()
    }

    /// Whether the user, not the client, wrote it.
    #[must_use]
    pub fn is_written(self) -> bool {
        matches!(self, Self::Text | Self::Invitation)
    }
}

/// The message that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRef {
    /// Who wrote it.
    pub author: AccountId,
    /// Its sent time.
    pub sent_at: Timestamp,
}

/// A link of the text with its title.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The address, part of the text.
    pub url: String,
    /// The title of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// An invitation to a community.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The room's address with its key.
    pub url: String,
    /// The room's name.
    pub name: String,
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preview").finish_non_exhaustive()
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").finish_non_exhaustive()
    }
}

/// What a message has besides its text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteRef>,
    /// A link of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// Of an invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// How many files it holds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attachments: usize,
    /// Sent time of the message whose file was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Details {
    /// As the column holds it.
    pub(crate) fn to_column(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        // Numbers, ids and texts always have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn from_column(text: &str, at: usize) -> rusqlite::Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text)
            .map_err(|_| rusqlite::Error::InvalidColumnType(at, "details".into(), Type::Text))
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("quote", &self.quote)
            .field("attachments", &self.attachments)
            .finish_non_exhaustive()
    }
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// What it is.
    pub kind: MessageKind,
    /// The text; empty for notices.
    pub body: String,
    /// What it has besides.
    pub details: Details,
    /// When it disappears, by its writer's setting.
    pub expiration: Expiration,
}

impl NewMessage {
    /// A text without anything else.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self {
            kind: MessageKind::Text,
            body: body.into(),
            details: Details::default(),
            expiration: Expiration::Off,
        }
    }

    /// A notice, which has no text.
    #[must_use]
    pub fn notice(kind: MessageKind) -> Self {
        Self {
            kind,
            ..Self::text("")
        }
    }
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("kind", &self.kind)
            .field("details", &self.details)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// Under which name, since when and until when a node of the own swarm holds a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Its hash.
    pub hash: Option<MessageHash>,
    /// When it was stored there.
    pub stored_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// A message that came from the own swarm, or a notice this device makes itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Who wrote it, as its signature proved.
    pub sender: AccountId,
    /// Where it belongs: the sender, or the sync target of an own copy.
    pub conversation: AccountId,
    /// The envelope time.
    pub sent_at: Timestamp,
    /// Whether this account wrote it: a sync copy.
    pub outgoing: bool,
    /// What it says.
    pub message: NewMessage,
    /// How the swarm holds it.
    pub arrival: Arrival,
    /// Whether the user has still to read it.
    pub unread: bool,
    /// Whether it mentions the user.
    pub mentions_me: bool,
    /// When it is to be removed, if that is fixed already.
    pub disappears_at: Option<Timestamp>,
    /// The serialised content, when it holds more than the fields above; else empty.
    pub content: Vec<u8>,
}

impl fmt::Debug for ReceivedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedMessage")
            .field("sender", &self.sender)
            .field("conversation", &self.conversation)
            .field("sent_at", &self.sent_at)
            .field("outgoing", &self.outgoing)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
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
    /// What it is.
    pub kind: MessageKind,
    /// The text.
    pub body: String,
    /// What it has besides.
    pub details: Details,
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
    /// When it disappears, by its writer's setting.
    pub expiration: Expiration,
    /// When it is removed from this device, once that is known.
    pub disappears_at: Option<Timestamp>,
    /// When the other side told that it read an own message.
    pub read_at: Option<Timestamp>,
    /// Whether the user has still to read it.
    pub unread: bool,
    /// Whether it mentions the user.
    pub mentions_me: bool,
    /// The sent time is this machine's, not yet compared with the network's.
    pub time_unsure: bool,
}

impl MessageRow {
    /// The columns [`Self::read`] expects, of a table or alias `m`.
    pub(crate) const COLUMNS: &'static str = "m.id, m.conversation, m.sender, m.outgoing, m.body, \
         m.sent_at, m.stored_at, m.hash, m.state, m.failure, m.expires_at, m.kind, m.details, \
         m.timer_kind, m.timer_seconds, m.disappears_at, m.read_at, m.unread, m.mentions_me, \
         m.time_unsure";

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
        let kind = row.get(at + 11)?;
        Ok(Self {
            id: row.get(at)?,
            conversation: row.get::<_, Sql<AccountId>>(at + 1)?.0,
            sender: row.get::<_, Sql<AccountId>>(at + 2)?.0,
            outgoing: row.get(at + 3)?,
            kind: MessageKind::from_number(kind)
                .ok_or(rusqlite::Error::IntegralValueOutOfRange(at + 11, kind))?,
            body: row.get(at + 4)?,
            details: Details::from_column(&row.get::<_, String>(at + 12)?, at + 12)?,
            sent_at: row.get::<_, Sql<Timestamp>>(at + 5)?.0,
            stored_at: row.get::<_, Sql<Option<Timestamp>>>(at + 6)?.0,
            hash: row.get::<_, Sql<Option<MessageHash>>>(at + 7)?.0,
            state,
            expires_at: row.get::<_, Sql<Option<Timestamp>>>(at + 10)?.0,
            expiration: read_timer(row, at + 13)?,
            disappears_at: row.get::<_, Sql<Option<Timestamp>>>(at + 15)?.0,
            read_at: row.get::<_, Sql<Option<Timestamp>>>(at + 16)?.0,
            unread: row.get(at + 17)?,
            mentions_me: row.get(at + 18)?,
            time_unsure: row.get(at + 19)?,
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
            .field("kind", &self.kind)
            .field("sent_at", &self.sent_at)
            .field("stored_at", &self.stored_at)
            .field("hash", &self.hash)
            .field("state", &self.state)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// One person's emoji at a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionRow {
    /// The message.
    pub message: MessageId,
    /// Who put it there.
    pub author: AccountId,
    /// The emoji.
    pub emoji: String,
    /// When.
    pub sent_at: Timestamp,
}
