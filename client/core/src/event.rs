//! What an account tells its front ends.

use core::time::Duration;

use session_net::Route;
use session_store::{MessageId, MessageRow};
use session_types::{AccountId, MessageHash, Timestamp};

/// Something happened to an account.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A message arrived, from a contact or as a copy of what another own device sent.
    MessageReceived {
        /// The message as stored.
        message: Box<MessageRow>,
        /// The road of the poll that brought it.
        route: Box<Route>,
    },
    /// The recipient's swarm has stored a message.
    MessageSent(Box<Sent>),
    /// A try to send did not succeed; another follows.
    MessagePostponed {
        /// The message's row.
        message_id: MessageId,
        /// Why, for a person.
        reason: String,
        /// When it is tried again.
        next_attempt: Timestamp,
    },
    /// A message cannot be sent; it stays in the history with the reason.
    MessageFailed {
        /// The message's row.
        message_id: MessageId,
        /// Why, for a person.
        reason: String,
    },
    /// The copy for the own other devices is stored in the own swarm.
    SyncCopyStored {
        /// The message's row.
        message_id: MessageId,
        /// The road it took.
        route: Box<Route>,
    },
    /// One poll of the own swarm is done.
    Polled {
        /// Its road.
        route: Box<Route>,
        /// Messages it brought that were not known.
        new_messages: usize,
    },
    /// Messages or settings of conversations are other ones now, or conversations are gone.
    ConversationsChanged {
        /// Which.
        conversations: Vec<AccountId>,
        /// Messages that were deleted.
        removed: Vec<MessageId>,
    },
    /// Somebody begins or stops to type. What is not repeated within 15 seconds is over.
    Typing {
        /// Who.
        conversation: AccountId,
        /// False: stopped.
        begins: bool,
    },
    /// The account's own name, picture or settings are other ones now.
    ProfileChanged,
    /// The own swarm has what this device changed in contacts and settings.
    ConfigsStored,
    /// A file of a message is on its way; told a few times per second at most.
    FileProgress {
        /// The message's row.
        message_id: MessageId,
        /// Which of its files.
        index: u32,
        /// Up, or down.
        upload: bool,
        /// Bytes that have moved, of the encrypted file and what is around it.
        done: u64,
        /// All there are to move.
        total: u64,
    },
    /// A file of a message was uploaded, or is here now.
    FileDone {
        /// The message's row.
        message_id: MessageId,
        /// Which of its files.
        index: u32,
        /// Up, or down.
        upload: bool,
    },
    /// A file of a message was not fetched or uploaded.
    FileFailed {
        /// The message's row.
        message_id: MessageId,
        /// Which of its files.
        index: u32,
        /// Up, or down.
        upload: bool,
        /// Why, for a person.
        reason: String,
        /// Whether another try follows by itself.
        again: bool,
    },
    /// The picture of a person is here, or the own one is at its server.
    PictureDone {
        /// Whose.
        owner: AccountId,
    },
    /// The picture of a person was not fetched, or the own one not uploaded.
    PictureFailed {
        /// Whose.
        owner: AccountId,
        /// Why, for a person.
        reason: String,
        /// Whether another try follows by itself.
        again: bool,
    },
    /// The database or a copy of a file could not be written, or not be read: the disk is full or
    /// fails. What was on disk before stays there.
    StorageFailed {
        /// A stable name: `store.disk_full`, `store.io`, …
        code: &'static str,
    },
    /// A poll did not succeed; the next one follows at its time.
    PollFailed {
        /// Why, for a person.
        reason: String,
    },
}

/// A message that its swarm has stored.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The message's row.
    pub message_id: MessageId,
    /// Name of the message in the recipient's swarm.
    pub hash: MessageHash,
    /// Until when the swarm keeps it.
    pub expires_at: Timestamp,
    /// How many swarm members confirmed it.
    pub confirmed_by: usize,
    /// The road it took.
    pub route: Route,
    /// From the moment it was queued on disk.
    pub took: Duration,
}
