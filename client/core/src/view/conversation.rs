//! One row of the list of conversations.

use core::hash::Hash;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_config::Notify;
use session_store::{ConversationRow, MessageId, MessageKind, MessageRow};
use session_types::{AccountId, Timestamp};

use super::build::delivery;
use super::diff::{Row, revision};
use super::excerpt::excerpt;
use super::item::Delivery;
use super::schema::{AccountIdText, MessageNumber, Milliseconds, Revision};
use super::{Live, Person, Text, Timer};

/// One row of the list of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ConversationItem {
    /// The other side; the account itself for notes to self.
    #[schemars(with = "AccountIdText")]
    pub id: AccountId,
    /// Changes whenever anything of the row does.
    #[schemars(with = "Revision")]
    pub rev: u64,
    /// What kind of conversation it is.
    pub kind: ConversationKind,
    /// Who it is with.
    pub person: Person,
    /// The name looks like that of another conversation: to be shown with a part of the id.
    pub ambiguous: bool,
    /// Received messages not yet read.
    pub unread: u32,
    /// Those among the unread messages that name the user.
    pub mentions: u32,
    /// The user marked it as unread.
    pub marked_unread: bool,
    /// At the top of the list.
    pub pinned: bool,
    /// Not in the list of conversations.
    pub hidden: bool,
    /// Nothing of the other side is taken in.
    pub blocked: bool,
    /// Whether one side has still to accept the other.
    pub request: RequestState,
    /// What raises a notification.
    pub notify: NotifyMode,
    /// Nothing raises a notification now.
    pub muted: bool,
    /// Until when nothing raises a notification; absent when not muted for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Milliseconds>")]
    pub muted_until: Option<Timestamp>,
    /// What was begun to be written on this device, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub draft: Option<Text>,
    /// How many files were chosen to go with it; absent for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub draft_files: u32,
    /// The newest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMessage>,
    /// When something last happened in the conversation.
    #[schemars(with = "Milliseconds")]
    pub time: Timestamp,
    /// The other side is writing.
    pub typing: bool,
    /// When the user's messages disappear.
    pub timer: Timer,
}

/// What kind of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// With another person.
    Person,
    /// With oneself.
    NoteToSelf,
}

/// Whether one side has still to accept the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// No.
    None,
    /// The user has to accept or decline.
    Incoming,
    /// The other side has to; text only until then.
    Outgoing,
}

/// What raises a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyMode {
    /// What the settings say.
    #[default]
    Default,
    /// Every message.
    All,
    /// Nothing.
    Off,
    /// Messages that name the user.
    Mentions,
}

impl From<Notify> for NotifyMode {
    fn from(notify: Notify) -> Self {
        match notify {
            Notify::Default => Self::Default,
            Notify::All => Self::All,
            Notify::Off => Self::Off,
            Notify::Mentions => Self::Mentions,
        }
    }
}

impl From<NotifyMode> for Notify {
    fn from(mode: NotifyMode) -> Self {
        match mode {
            NotifyMode::Default => Self::Default,
            NotifyMode::All => Self::All,
            NotifyMode::Off => Self::Off,
            NotifyMode::Mentions => Self::Mentions,
        }
    }
}

/// The newest message of a conversation, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct LastMessage {
    /// Its number.
    #[schemars(with = "MessageNumber")]
    pub message_id: MessageId,
    /// What it is.
    pub kind: ShownKind,
    /// Whether the user wrote it.
    pub mine: bool,
    /// How it begins; of an invitation the name of the room; empty for notices.
    pub text: Text,
    /// How many files it holds.
    pub attachments: usize,
    /// Where it stands.
    pub state: Delivery,
    /// When it was written.
    #[schemars(with = "Milliseconds")]
    pub sent_at: Timestamp,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShownKind {
    /// Words or files.
    Text,
    /// An invitation to a community.
    Invitation,
    /// When messages disappear was set.
    TimerChanged,
    /// A message request was accepted.
    RequestAccepted,
    /// A screenshot was taken.
    Screenshot,
    /// A file was saved.
    MediaSaved,
    /// Its writer deleted it.
    Deleted,
}

impl From<MessageKind> for ShownKind {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::Text,
            MessageKind::Invitation => Self::Invitation,
            MessageKind::TimerChange => Self::TimerChanged,
            MessageKind::RequestAccepted => Self::RequestAccepted,
            MessageKind::Screenshot => Self::Screenshot,
            MessageKind::MediaSaved => Self::MediaSaved,
            MessageKind::Deleted => Self::Deleted,
        }
    }
}

impl LastMessage {
    fn new(row: &MessageRow, live: &Live) -> Self {
        let text = match (row.kind, &row.details.invitation) {
            (MessageKind::Text, _) => excerpt(&row.body),
            (MessageKind::Invitation, Some(room)) => excerpt(&room.name),
            _ => Text::default(),
        };
        Self {
            message_id: row.id,
            kind: row.kind.into(),
            mine: row.outgoing,
            text,
            attachments: row.details.attachments,
            state: delivery(row, live),
            sent_at: row.sent_at,
        }
    }
}

impl ConversationItem {
    pub(super) fn new(
        row: &ConversationRow,
        own: AccountId,
        ambiguous: bool,
        live: &Live,
        now: Timestamp,
    ) -> Self {
        let settings = &row.settings;
        let note = settings.id == own;
        let last = row.last_message.as_ref();
        let muted_until = Timestamp::from_ms(settings.muted_until.saturating_mul(1000));
        let muted_for_now = muted_until > now;
        let mut item = Self {
            id: settings.id,
            rev: 0,
            kind: if note {
                ConversationKind::NoteToSelf
            } else {
                ConversationKind::Person
            },
            person: Person::new(settings.id, settings.shown_name()).with_picture(row.picture),
            ambiguous,
            unread: row.unread,
            mentions: row.unread_mentions,
            marked_unread: settings.marked_unread,
            pinned: settings.priority > 0,
            hidden: settings.priority < 0,
            blocked: settings.blocked,
            request: request(row, note),
            notify: settings.notify.into(),
            muted: muted_for_now || settings.notify == Notify::Off,
            muted_until: muted_for_now.then_some(muted_until),
            draft: Some(excerpt(&row.draft)).filter(|draft| !draft.as_str().is_empty()),
            draft_files: row.draft_files,
            last: last.map(|last| LastMessage::new(last, live)),
            time: last.map_or_else(
                || Timestamp::from_ms(settings.created_at.saturating_mul(1000)),
                |last| last.sent_at,
            ),
            typing: live.types(&settings.id),
            timer: settings.expiration.into(),
        };
        item.rev = revision(&item);
        item
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Whether one side has still to accept the other.
fn request(row: &ConversationRow, note: bool) -> RequestState {
    let settings = &row.settings;
    match (settings.approved, settings.approved_me) {
        _ if note => RequestState::None,
        (true, true) => RequestState::None,
        (true, false) => RequestState::Outgoing,
        // A draft to a stranger is no request of theirs.
        (false, _) if row.is_request() && settings.approved_me => RequestState::Incoming,
        (false, _) => RequestState::None,
    }
}

impl Row for ConversationItem {
    type Id = AccountId;

    fn id(&self) -> AccountId {
        self.id
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}
