//! What a connection is told without having asked.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use session_core::view::schema::{AccountIdText, MessageNumber, Milliseconds};
use session_core::view::{ConversationItem, Op, Person, TimelineItem};
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use crate::params::{AccountInfo, Message, NetworkState, Profile};

macro_rules! notifications {
    ($( $(#[doc = $doc:literal])* $name:literal $variant:ident($params:ty); )*) => {
        /// What a connection is told without having asked.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method", content = "params")]
        #[non_exhaustive]
        pub enum Notification {
            $( $(#[doc = $doc])* #[serde(rename = $name)] $variant($params), )*
        }

        impl Notification {
            /// Its name.
            #[must_use]
            pub const fn method(&self) -> &'static str {
                match self {
                    $( Self::$variant(_) => $name, )*
                }
            }
        }

        /// All of them: name, documentation, what they tell.
        pub(crate) fn all() -> Vec<Kind> {
            vec![$( Kind {
                name: $name,
                doc: [$($doc.trim()),*].join("\n"),
                params: |generator| generator.subschema_for::<$params>(),
            } ),*]
        }
    };
}

/// One kind of notification, for documentation.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) doc: String,
    pub(crate) params: fn(&mut SchemaGenerator) -> Schema,
}

notifications! {
    /// An account was opened or closed. After it is closed its subscriptions tell nothing more.
    "account.changed" AccountChanged(AccountChanged);
    /// Rows of a list of conversations are other ones now.
    "conversations.diff" ConversationsDiff(ConversationsDiff);
    /// Items of a timeline are other ones now.
    "timeline.diff" TimelineDiff(TimelineDiff);
    /// A message came: of somebody, or of another own device. Each is told once.
    "message.received" MessageReceived(MessageReceived);
    /// The recipient's swarm has a message.
    "message.sent" MessageSent(MessageSent);
    /// A try to send a message did not succeed; another follows.
    "message.postponed" MessagePostponed(MessagePostponed);
    /// A message is given up; it stays with the reason and can be tried again.
    "message.failed" MessageFailed(MessageFailed);
    /// Somebody begins or stops to type. What is not repeated within 15 seconds is over.
    "typing" Typing(Typing);
    /// The account's own name or picture is another one now.
    "profile.changed" ProfileChanged(ProfileChanged);
    /// A file is on its way, up or down. Told a few times per second at most; for a slow reader the
    /// last of several stands for all.
    "file.progress" FileProgress(FileProgress);
    /// A file is at its server, or has come.
    "file.done" FileDone(FileDone);
    /// A file was not uploaded, or has not come.
    "file.failed" FileFailed(FileFailed);
    /// The picture of a person has come, or the account's own is at its server.
    "picture.changed" PictureChanged(PictureChanged);
    /// The picture of a person has not come, or the account's own was not uploaded.
    "picture.failed" PictureFailed(PictureFailed);
    /// How the account stands to the network is different now.
    "network.changed" NetworkChanged(NetworkChanged);
    /// The disk of this computer is full or fails: something was not written. What was on disk
    /// before stays there.
    "storage.failed" StorageFailed(StorageFailed);
    /// The account's swarm was asked for messages.
    "network.polled" NetworkPolled(NetworkPolled);
    /// The account's swarm did not answer; it is asked again.
    "network.poll_failed" NetworkPollFailed(NetworkPollFailed);
    /// The own swarm has what this device changed in contacts and settings.
    "configs.stored" ConfigsStored(ConfigsStored);
    /// This connection was slow and notifications were left out. Diffs are complete all the
    /// same.
    "notifications.missed" Missed(Missed);
}

/// An account was opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountChanged {
    /// The account as it is now.
    pub account: AccountInfo,
}

/// Changes of a list of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationsDiff {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The subscription.
    pub sub: u64,
    /// One more after each `reset`.
    pub r#gen: u64,
    /// One more with each diff. When one is missing, open the list again.
    pub seq: u64,
    /// What changes, in this order.
    pub ops: Vec<Op<ConversationItem>>,
    /// How many rows there are now.
    pub total: usize,
}

/// Changes of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineDiff {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The subscription.
    pub sub: u64,
    /// One more after each `reset`.
    pub r#gen: u64,
    /// One more with each diff. When one is missing, open the timeline again.
    pub seq: u64,
    /// What changes, in this order.
    pub ops: Vec<Op<TimelineItem>>,
    /// Whether the conversation begins with the first item.
    pub at_start: bool,
    /// Whether it ends with the last item.
    pub at_end: bool,
    /// Where the separator before what was new is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_index: Option<usize>,
    /// Those who talk, when a name is another one now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<Person>>,
}

/// A message came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    pub message: Message,
}

/// A message is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Its name in the recipient's swarm.
    pub hash: String,
    /// Until when the swarm keeps it.
    #[schemars(with = "Milliseconds")]
    pub expires_at: Timestamp,
    /// How many nodes confirmed it.
    pub confirmed_by: usize,
    /// How long it took from the call, in milliseconds.
    pub took_ms: u64,
}

/// A message waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessagePostponed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Why, for a person.
    pub reason: String,
    /// When it is tried again.
    #[schemars(with = "Milliseconds")]
    pub next_attempt: Timestamp,
}

/// A message is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageFailed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Why, for a person.
    pub reason: String,
}

/// Somebody begins or stops to type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Who.
    #[schemars(with = "AccountIdText")]
    pub conversation: AccountId,
    /// False: stopped.
    pub typing: bool,
}

/// The account's own name or picture is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileChanged {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// As it is now.
    pub profile: Profile,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileProgress {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Which of its files, from 0.
    pub index: u32,
    /// Whether it is being uploaded.
    pub upload: bool,
    /// Bytes that have moved, of the encrypted file and what is around it.
    pub done: u64,
    /// All there are to move.
    pub total: u64,
}

/// A file is where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileDone {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Which of its files, from 0.
    pub index: u32,
    /// Whether it was uploaded.
    pub upload: bool,
}

/// A file is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileFailed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// The message.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Which of its files, from 0.
    pub index: u32,
    /// Whether it was to be uploaded.
    pub upload: bool,
    /// Why, for a person.
    pub reason: String,
    /// Whether another try follows by itself.
    pub again: bool,
}

/// A picture is where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PictureChanged {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Whose picture it is.
    #[schemars(with = "AccountIdText")]
    pub person: AccountId,
}

/// A picture is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PictureFailed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Whose picture it is.
    #[schemars(with = "AccountIdText")]
    pub person: AccountId,
    /// Why, for a person.
    pub reason: String,
    /// Whether another try follows by itself.
    pub again: bool,
}

/// The network, otherwise than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkChanged {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// As it is now.
    pub network: NetworkState,
}

/// Something was not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageFailed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Why: `store.disk_full`, `store.not_writable`, `store.io`, `store.damaged` or
    /// `store.database`.
    pub code: String,
}

/// The own swarm was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkPolled {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Messages that were not known.
    pub new_messages: usize,
}

/// The own swarm did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkPollFailed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// Why, for a person.
    pub reason: String,
}

/// The own swarm has the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigsStored {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
}

/// Notifications were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missed {
    /// The account.
    #[schemars(with = "AccountIdText")]
    pub account: AccountId,
    /// How many.
    pub count: u64,
}
