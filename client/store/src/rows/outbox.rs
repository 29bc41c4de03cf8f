//! What is to be sent, and what became of it.

use core::fmt;

use session_types::{AccountId, MessageHash, Timestamp};

use super::{JobId, MessageId, NewMessage};

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOutgoing {
    /// The recipient; the own account for a note to self.
    pub conversation: AccountId,
    /// What it says.
    pub message: NewMessage,
    /// Network time; the sent time is this or the first later one that is free.
    pub now: Timestamp,
    /// `now` is this machine's time, not yet compared with the network's.
    pub time_unsure: bool,
}

impl fmt::Debug for NewOutgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOutgoing")
            .field("conversation", &self.conversation)
            .field("message", &self.message)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Content to be sent of which no message is shown: a reaction, a receipt, a request to delete.
#[derive(Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The other side of the conversation it belongs to.
    pub conversation: AccountId,
    /// The serialised content.
    pub content: Vec<u8>,
    /// Whether the other side gets it.
    pub deliver: bool,
    /// Whether the own other devices get it.
    pub copy: bool,
    /// Nobody waits for it, so it may go out later than what a person just wrote. Copies of what
    /// is delivered are quiet in any case.
    pub quiet: bool,
    /// Its envelope time, given out by [`crate::Store::allocate_sent_at`].
    pub sent_at: Timestamp,
}

impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("conversation", &self.conversation)
            .field("deliver", &self.deliver)
            .field("copy", &self.copy)
            .field("sent_at", &self.sent_at)
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
    /// The message it is about; `None` when none is shown.
    pub message: Option<MessageId>,
    /// Which of the message's stores it is.
    pub kind: JobKind,
    /// Whose swarm the message goes to.
    pub recipient: AccountId,
    /// The conversation it belongs to: the sync target of a sync copy.
    pub conversation: AccountId,
    /// The envelope time, the same at each attempt.
    pub sent_at: Timestamp,
    /// The serialised content; empty for a message, whose row says all.
    pub content: Vec<u8>,
    /// How often it was postponed.
    pub attempts: u32,
    /// From when on it may be tried.
    pub next_attempt: Timestamp,
    /// The sealed bytes, once [`crate::Store::keep_payload`] kept them.
    pub payload: Option<Vec<u8>>,
    /// Nobody waits for it.
    pub quiet: bool,
}

impl fmt::Debug for OutboxJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxJob")
            .field("id", &self.id)
            .field("message", &self.message)
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
    /// Now: a message that disappears some time after sending counts from here.
    pub now: Timestamp,
}

/// What is to be asked of the own swarm about a message it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SwarmTaskKind {
    /// Delete it.
    Delete,
    /// Keep it no longer than until this time.
    Shorten(Timestamp),
    /// Tell until when it is kept.
    AskExpiry,
}

impl SwarmTaskKind {
    pub(crate) const DELETE: i64 = 0;
    pub(crate) const SHORTEN: i64 = 1;
    pub(crate) const ASK_EXPIRY: i64 = 2;
}

/// A task for the own swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmTask {
    /// Its number.
    pub id: i64,
    /// What to ask.
    pub kind: SwarmTaskKind,
    /// About which stored message.
    pub hash: MessageHash,
    /// The message here, if there is one.
    pub message: Option<MessageId>,
    /// When it was queued.
    pub created_at: Timestamp,
}
