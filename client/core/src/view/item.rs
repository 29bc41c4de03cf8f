//! What the timeline of a conversation consists of.

use core::hash::Hash;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use super::diff::{Row, revision};
use super::schema::{AccountIdText, MessageNumber, Milliseconds, Revision};
use super::{Span, Text, Timer};

/// One item of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineItem {
    /// Names the item as long as the timeline is shown.
    pub id: String,
    /// Changes whenever anything of the item does.
    #[schemars(with = "Revision")]
    pub rev: u64,
    /// What it is.
    #[serde(flatten)]
    pub content: ItemContent,
}

impl TimelineItem {
    pub(super) fn new(content: ItemContent) -> Self {
        let id = match &content {
            ItemContent::Message(message) => format!("m{}", message.message_id),
            ItemContent::Notice(notice) => format!("m{}", notice.message_id),
            ItemContent::Deleted { message_id, .. } => format!("m{message_id}"),
            ItemContent::Day { date } => format!("d{date}"),
            ItemContent::Unread { .. } => "unread".to_owned(),
        };
        Self {
            id,
            rev: revision(&content),
            content,
        }
    }

    /// The message it shows, if it is one.
    #[must_use]
    pub fn message_id(&self) -> Option<MessageId> {
        match &self.content {
            ItemContent::Message(message) => Some(message.message_id),
            ItemContent::Notice(notice) => Some(notice.message_id),
            ItemContent::Deleted { message_id, .. } => Some(*message_id),
            ItemContent::Day { .. } | ItemContent::Unread { .. } => None,
        }
    }
}

impl Row for TimelineItem {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

/// What an item of a timeline is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemContent {
    /// What somebody wrote.
    Message(Box<MessageItem>),
    /// Something happened.
    Notice(NoticeItem),
    /// A message was here that its writer deleted.
    Deleted {
        /// Its number.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Who wrote and deleted it.
        #[schemars(with = "AccountIdText")]
        author: AccountId,
        /// Whether that is the user.
        mine: bool,
        /// When it was written.
        #[schemars(with = "Milliseconds")]
        sent_at: Timestamp,
    },
    /// What follows is of this day.
    Day {
        /// The day where the reader is: `2026-11-21`.
        date: String,
    },
    /// What follows was new when the timeline was opened.
    Unread {
        /// So many messages.
        count: u32,
    },
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MessageItem {
    /// Its number.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Who wrote it.
    #[schemars(with = "AccountIdText")]
    pub author: AccountId,
    /// Whether that is the user, at this or another device.
    pub mine: bool,
    /// When it was written.
    #[schemars(with = "Milliseconds")]
    pub sent_at: Timestamp,
    /// The sent time is this machine's and not yet compared with the network's.
    pub time_unsure: bool,
    /// The first of several that one person wrote at once.
    pub first_in_run: bool,
    /// The last of several that one person wrote at once.
    pub last_in_run: bool,
    /// The text.
    pub spans: Vec<Span>,
    /// Whether it names the user.
    pub mentions_me: bool,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteView>,
    /// A link of the text with its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewView>,
    /// An invitation to a community; there is no text then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationView>,
    /// How many files it holds.
    pub attachments: usize,
    /// Those of them that can be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileView>,
    /// Emojis, the first one put there first.
    pub reactions: Vec<ReactionView>,
    /// Where it stands.
    pub state: Delivery,
    /// When it disappears, by its writer's setting.
    pub timer: Timer,
    /// When it disappears, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Milliseconds>")]
    pub disappears_at: Option<Timestamp>,
}

/// A file of a message. Its content, or a smaller picture of it, is asked for by number of the
/// message and index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FileView {
    /// Which of the message's files it is, from 0.
    pub index: u32,
    /// Its name, as its writer says. Not to be used as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub name: Option<Text>,
    /// Its MIME type, as its writer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub mime: Option<Text>,
    /// Its length in bytes: on this device, or else as its writer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A text shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub caption: Option<Text>,
    /// Width in pixels, as its writer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, as its writer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Recorded in a client.
    pub voice: bool,
    /// How loud a voice message is from beginning to end, in equal parts, 0 to 255 each; absent
    /// while it is not here, and where it is written in a way that is not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waveform: Vec<u8>,
    /// How long a voice message lasts, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u32>,
    /// A voice message of somebody else that was not played on this device yet.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub unheard: bool,
    /// Where its content is.
    pub state: FileStatus,
}

/// Where the content of a file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum FileStatus {
    /// At its server; it can be asked for.
    Remote,
    /// Waits for its transfer.
    Waiting,
    /// On its way, up or down.
    Moving {
        /// Bytes that have moved.
        done: u64,
        /// All there are.
        total: u64,
    },
    /// On this device.
    Here,
    /// It did not come or go; it can be asked for again.
    Failed {
        /// Why, for a person.
        reason: String,
    },
    /// It cannot be had any more.
    Gone {
        /// Why, for a person.
        reason: String,
    },
}

/// Something happened in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct NoticeItem {
    /// Its number.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// Who did it.
    #[schemars(with = "AccountIdText")]
    pub author: AccountId,
    /// Whether that is the user.
    pub mine: bool,
    /// When.
    #[schemars(with = "Milliseconds")]
    pub sent_at: Timestamp,
    /// What.
    pub notice: Notice,
    /// Where it stands, as messages do.
    pub state: Delivery,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Notice {
    /// When the author's messages disappear is set.
    TimerChanged {
        /// To this.
        timer: Timer,
        /// Whether the user's own setting is another one and can be made the same.
        differs: bool,
    },
    /// The author accepted the user's message request.
    RequestAccepted,
    /// The author took a screenshot.
    Screenshot,
    /// The author saved a file.
    MediaSaved {
        /// When the message with the file was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        of: Option<Timestamp>,
    },
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Delivery {
    /// Somebody else wrote it.
    Received,
    /// On its way.
    Sending,
    /// A try did not succeed; another follows.
    Waiting {
        /// Why, for a person.
        reason: String,
        /// When it is tried again.
        #[schemars(with = "Milliseconds")]
        next_attempt: Timestamp,
    },
    /// The other side's swarm has it.
    Sent,
    /// The other side has read it.
    Read {
        /// When.
        #[schemars(with = "Milliseconds")]
        at: Timestamp,
    },
    /// Given up.
    Failed {
        /// Why, for a person.
        reason: String,
    },
}

/// A message that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct QuoteView {
    /// Who wrote it.
    #[schemars(with = "AccountIdText")]
    pub author: AccountId,
    /// What to call them.
    pub name: Text,
    /// Whether that is the user.
    pub mine: bool,
    /// What is known of it.
    pub original: QuoteState,
}

/// What is known of a message that is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum QuoteState {
    /// It is here.
    Found {
        /// Its number.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// How it begins.
        excerpt: Text,
        /// How many files it holds.
        attachments: usize,
        /// The first of them that can be had. A small picture of it is asked for by the number of
        /// this message once it is here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<Box<FileView>>,
    },
    /// It was deleted.
    Deleted,
    /// It is not on this device.
    NotFound,
}

/// What a page behind a link of the text looks like, as the writer of the message says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PreviewView {
    /// The address.
    pub url: Text,
    /// The title of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub title: Option<Text>,
    /// Its image: a file of the message like others, at the place its `index` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<FileView>,
}

/// An invitation to a community.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct InvitationView {
    /// The room's address with its key.
    pub url: Text,
    /// The room's name.
    pub name: Text,
}

/// One emoji at a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// How many people put it there.
    pub count: usize,
    /// Whether the user is one of them.
    pub mine: bool,
    /// Who they are, the first one first.
    #[schemars(with = "Vec<AccountIdText>")]
    pub who: Vec<AccountId>,
}
