//! Results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::Settings;
use session_core::view::schema::{AccountIdText, MessageNumber, Milliseconds};
use session_core::view::{
    ConversationItem, Delivery, Person, ShownKind, Text, TimelineItem, Timer,
};
use session_net::FileServer;
use session_store::{AccountEntry, Blob, KeyKeeping, MessageId, MessageRow, PictureRow};
use session_types::{AccountId, Timestamp};

use super::structures;
use crate::Secret;

structures! { loose
    /// Nothing to be told.
    Done {}

    /// What speaks here.
    Hello {
        /// Version of this API.
        api: u32,
        /// Version of the program.
        version: String,
        /// All accounts on this device, the oldest first.
        accounts: Vec<AccountInfo>,
    }

    /// Accounts.
    Accounts {
        /// The oldest first.
        accounts: Vec<AccountInfo>,
    }

    /// An account on this device.
    AccountInfo {
        /// Its id.
        #[schemars(with = "AccountIdText")]
        id: AccountId,
        /// Whether it is open here.
        open: bool,
        /// The name shown to others; known of open accounts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        name: Option<Text>,
        /// How the key of its database is kept.
        key_store: KeyStore,
        /// When it was made or restored here.
        #[schemars(with = "Milliseconds")]
        created_at: Timestamp,
    }

    /// An account that was made, restored or opened.
    AccountResult {
        /// The account.
        account: AccountInfo,
    }

    /// Whether an account was open.
    Closed {
        /// False when there was nothing to close.
        was_open: bool,
    }

    /// What became of a deletion.
    Deleted {
        /// Whether the message can be brought back. One that is still to be sent goes for good at
        /// once.
        undo: bool,
    }

    /// What became of bringing a message back.
    Undeleted {
        /// False when it is gone for good.
        restored: bool,
    }

    /// How many messages there are.
    MessageCount {
        /// So many.
        messages: u64,
    }

    /// Whose a name is.
    Resolved {
        /// The account.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
    }

    /// What the program noted.
    Logs {
        /// One thing in each line, oldest first; at most 1,000 lines.
        text: String,
    }

    /// What became of a deletion.
    DeletedFromSwarm {
        /// How many nodes signed that they deleted everything.
        nodes: usize,
    }

    /// The words that are an account.
    RecoveryPassword {
        /// The 13 words.
        recovery_password: Secret,
        /// The same in 32 hexadecimal digits: as phones take it from a QR code.
        seed: Secret,
    }

    /// The account itself.
    Profile {
        /// As others see it.
        person: Person,
        /// The name as it was chosen; empty for none.
        name: Text,
    }

    /// What this device tells others about its user.
    SettingsResult {
        /// Whether writers are told that their messages were read.
        read_receipts: bool,
        /// Whether others see that the user is typing.
        typing: bool,
        /// Whether pages behind links may be looked at for previews: their servers then see this
        /// computer's address, or that of the proxy.
        link_previews: bool,
        /// Whether files go straight to and from the network's file server where that is possible:
        /// it then sees this computer's address.
        direct_files: bool,
        /// Where files and pictures sent from here are kept: URL, `#` and key. A private network
        /// may have nothing of the kind.
        file_server: Option<String>,
        /// Whether that is another one than the network's.
        own_file_server: bool,
        /// Whether the user has the Recovery Password elsewhere: wrote it down, or restored with
        /// it.
        recovery_saved: bool,
        /// Whether the Recovery Password is shown on this device no more.
        recovery_hidden: bool,
    }

    /// A list of conversations.
    ConversationsOpened {
        /// Names the subscription.
        sub: u64,
        /// As in diffs.
        r#gen: u64,
        /// That of the last diff: the next one's is one more.
        seq: u64,
        /// How many rows there are.
        total: usize,
        /// The rows: pinned ones first, then the newest.
        rows: Vec<ConversationItem>,
    }

    /// Conversations.
    Conversations {
        /// Pinned ones first, then the newest.
        rows: Vec<ConversationItem>,
    }

    /// A conversation, if there is one.
    ConversationResult {
        /// The conversation.
        conversation: Option<ConversationItem>,
    }

    /// What became of a timer.
    TimerSet {
        /// The notice that tells the other side; absent when the timer was this one already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Queued>,
    }

    /// A part of a conversation.
    TimelineOpened {
        /// Names the subscription.
        sub: u64,
        /// As in diffs.
        r#gen: u64,
        /// That of the last diff: the next one's is one more.
        seq: u64,
        /// Those who talk: the account itself and the other side.
        people: Vec<Person>,
        /// Oldest first.
        items: Vec<TimelineItem>,
        /// Whether the conversation begins with the first item.
        at_start: bool,
        /// Whether it ends with the last item.
        at_end: bool,
        /// Where the separator before what is new is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unread_index: Option<usize>,
    }

    /// Where a timeline ends now.
    TimelineEdges {
        /// Whether the conversation begins with the first item.
        at_start: bool,
        /// Whether it ends with the last item.
        at_end: bool,
    }

    /// A message that is queued.
    Queued {
        /// Its number.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Its sent time.
        #[schemars(with = "Milliseconds")]
        sent_at: Timestamp,
    }

    /// What became of another try.
    Retried {
        /// False when the message has not failed.
        queued: bool,
    }

    /// Messages.
    Messages {
        /// Of a conversation the oldest first, of a search the newest first.
        messages: Vec<Message>,
    }

    /// A message, if there is one.
    MessageResult {
        /// The message.
        message: Option<Message>,
    }

    /// A message as it is, without what a timeline adds.
    Message {
        /// Its number.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// Who wrote it.
        #[schemars(with = "AccountIdText")]
        author: AccountId,
        /// Whether that is the user, at this or another device.
        mine: bool,
        /// What it is.
        kind: ShownKind,
        /// The text.
        text: Text,
        /// When it was written.
        #[schemars(with = "Milliseconds")]
        sent_at: Timestamp,
        /// The sent time is this computer's and not yet compared with the network's.
        time_unsure: bool,
        /// Where it stands.
        state: Delivery,
        /// Whether the user has still to read it.
        unread: bool,
        /// Whether it names the user.
        mentions_me: bool,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageName>,
        /// How many files it holds.
        attachments: usize,
        /// When it disappears, by its writer's setting; of a changed timer, the new one.
        timer: Timer,
        /// When it disappears from this device, once that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        disappears_at: Option<Timestamp>,
        /// When a node stored it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        stored_at: Option<Timestamp>,
        /// Until when the swarm keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        expires_at: Option<Timestamp>,
        /// Its name in the swarm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<String>,
    }

    /// What names a message on every device.
    MessageName {
        /// Who wrote it.
        #[schemars(with = "AccountIdText")]
        author: AccountId,
        /// Its sent time.
        #[schemars(with = "Milliseconds")]
        sent_at: Timestamp,
    }
}

/// How the key of a database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStore {
    /// In the system keyring.
    Keyring,
    /// Under a passphrase, which is needed to open the account.
    Passphrase,
    /// In a file that only the user can read.
    File,
}

impl SettingsResult {
    /// What was chosen, where files go and where they usually go.
    pub(crate) fn new(
        settings: Settings,
        file_server: Option<&FileServer>,
        usual: Option<&FileServer>,
    ) -> Self {
        let Settings {
            read_receipts,
            typing,
            link_previews,
            direct_files,
            recovery_saved,
            recovery_hidden,
        } = settings;
        Self {
            read_receipts,
            typing,
            link_previews,
            direct_files,
            file_server: file_server.map(ToString::to_string),
            own_file_server: file_server != usual,
            recovery_saved,
            recovery_hidden,
        }
    }
}

impl From<KeyKeeping> for KeyStore {
    fn from(keeping: KeyKeeping) -> Self {
        match keeping {
            KeyKeeping::Keyring => Self::Keyring,
            KeyKeeping::Passphrase => Self::Passphrase,
            KeyKeeping::File => Self::File,
        }
    }
}

impl AccountInfo {
    pub(crate) fn closed(entry: &AccountEntry) -> Self {
        Self {
            id: entry.account_id,
            open: false,
            name: None,
            key_store: entry.key_keeping.into(),
            created_at: entry.created,
        }
    }
}

impl Profile {
    /// An account with its name, and the picture that is here.
    pub(crate) fn new(id: AccountId, name: String, picture: Option<&PictureRow>) -> Self {
        let blob = picture.and_then(|row| row.blob.as_ref());
        let shown = Some(name.as_str()).filter(|name| !name.is_empty());
        Self {
            person: Person::new(id, shown).with_picture(blob.map(Blob::mark)),
            name: name.into(),
        }
    }
}

impl From<session_store::OutgoingRow> for Queued {
    fn from(row: session_store::OutgoingRow) -> Self {
        Self {
            message_id: row.id,
            sent_at: row.sent_at,
        }
    }
}

impl From<&MessageRow> for Message {
    fn from(row: &MessageRow) -> Self {
        Self {
            message_id: row.id,
            conversation: row.conversation,
            author: row.sender,
            mine: row.outgoing,
            kind: row.kind.into(),
            text: row.body.as_str().into(),
            sent_at: row.sent_at,
            time_unsure: row.time_unsure,
            state: Delivery::of(row),
            unread: row.unread,
            mentions_me: row.mentions_me,
            reply_to: row.details.quote.map(|quote| MessageName {
                author: quote.author,
                sent_at: quote.sent_at,
            }),
            attachments: row.details.attachments,
            timer: row.expiration.into(),
            disappears_at: row.disappears_at,
            stored_at: row.stored_at,
            expires_at: row.expires_at,
            hash: row.hash.as_ref().map(|hash| hash.as_str().to_owned()),
        }
    }
}
