//! Parameters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::DeleteFor;
use session_core::view::schema::{AccountIdText, MessageNumber, Milliseconds};
use session_core::view::{Around, Direction, Filter, NotifyMode, Text, Timer};
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use super::{FileToSend, structures};
use crate::Secret;

structures! { strict
    /// No parameters.
    Nothing {}

    /// Who calls.
    HelloParams {
        /// The version of this API that the caller speaks; another one than ours is an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    }

    /// One account.
    AccountParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
    }

    /// A new account.
    CreateParams {
        /// The name shown to others.
        #[serde(default)]
        name: Text,
        /// `mainnet`, `testnet` or the URL of a seed; `mainnet` when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<String>,
        /// How the key of the database is kept.
        #[serde(default)]
        key_store: KeyStoreChoice,
        /// The passphrase, when it is kept by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Secret>,
    }

    /// An account that exists elsewhere.
    RestoreParams {
        /// Its 13 words.
        recovery_password: Secret,
        /// The name shown to others, should the account have none.
        #[serde(default)]
        name: Text,
        /// `mainnet`, `testnet` or the URL of a seed; `mainnet` when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<String>,
        /// How the key of the database is kept.
        #[serde(default)]
        key_store: KeyStoreChoice,
        /// The passphrase, when it is kept by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Secret>,
    }

    /// An account to be opened.
    OpenParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The passphrase of its database, when it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Secret>,
    }

    /// A new name.
    SetNameParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The name: at most 100 bytes.
        name: Text,
    }

    /// Settings to be changed.
    SetSettingsParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Whether writers are told that their messages were read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_receipts: Option<bool>,
        /// Whether others see that the user is typing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        typing: Option<bool>,
        /// Whether pages behind links may be looked at for previews: their servers then see this
        /// computer's address, or that of the proxy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link_previews: Option<bool>,
        /// Whether files go straight to and from the network's file server where that is possible:
        /// it then sees this computer's address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direct_files: Option<bool>,
        /// Where files and pictures sent from now on are kept: the server's URL, `#` and its key,
        /// as the server prints it; or `default` for the network's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_server: Option<String>,
        /// Whether the user has the Recovery Password elsewhere: wrote it down, or restored with
        /// it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovery_saved: Option<bool>,
        /// Whether the Recovery Password is to be shown on this device no more. There is no way
        /// back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recovery_hidden: Option<bool>,
    }

    /// Which conversations.
    ListParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Which.
        #[serde(default)]
        filter: Filter,
    }

    /// A subscription.
    SubscriptionParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The subscription.
        sub: u64,
    }

    /// One conversation.
    ConversationParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The other side; the account itself for notes to self.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
    }

    /// How far a conversation was read.
    MarkReadParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The sent time of the last message that was seen; all when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        up_to: Option<Timestamp>,
    }

    /// A mark.
    MarkUnreadParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// Whether the mark is set.
        unread: bool,
    }

    /// A draft.
    SetDraftParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The text; empty for none.
        text: Text,
        /// The message it answers; none when left out. One that cannot be answered is left out too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<MessageNumber>")]
        reply_to: Option<MessageId>,
        /// The files that go with it, in their order: at most 32. Those the draft has already are
        /// named by `draft`; what is not named is removed. Left out: the files stay as they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<Vec<FileToSend>>,
    }

    /// A pin.
    PinParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// Whether it is pinned.
        pinned: bool,
    }

    /// What raises a notification.
    NotifyParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// What does.
        #[serde(default)]
        notify: NotifyMode,
        /// Until when nothing does; not muted when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        muted_until: Option<Timestamp>,
    }

    /// When messages disappear.
    SetTimerParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// When. The times are those other clients offer: 5, 10 or 30 seconds, 1, 5 or 30
        /// minutes, 1, 6 or 12 hours, 1, 7 or 14 days.
        timer: Timer,
    }

    /// Typing.
    TypingParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// False: stopped.
        typing: bool,
    }

    /// What was kept of a conversation.
    ExtractionParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The sent time of the message whose file was saved; a screenshot when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        saved: Option<Timestamp>,
    }

    /// A request that is refused.
    DeclineParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Who wrote it.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
        /// Whether nothing more of them is taken in.
        #[serde(default)]
        block: bool,
    }

    /// A person.
    PersonParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Who.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
    }

    /// A person who is blocked or not.
    BlockParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Who.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
        /// Whether nothing more of them is taken in.
        blocked: bool,
    }

    /// A nickname.
    SetNicknameParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Who.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
        /// The name: at most 100 bytes; empty for none.
        nickname: Text,
    }

    /// Which part of a conversation.
    TimelineParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The place; the end when left out.
        #[serde(default)]
        around: Around,
        /// Where the reader is, for the days: an IANA name such as `Europe/Berlin`. This
        /// computer's time zone when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zone: Option<String>,
    }

    /// How a timeline grows.
    MoreParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The subscription.
        sub: u64,
        /// To which side.
        direction: Direction,
        /// By how many messages: at most 200.
        #[serde(default = "usual_count")]
        count: usize,
    }

    /// A text to be sent.
    SendParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// To whom; to the account itself: Note to Self.
        #[schemars(with = "AccountIdText")]
        to: AccountId,
        /// The text: at most 2,000 characters.
        text: Text,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<MessageNumber>")]
        reply_to: Option<MessageId>,
        /// Whether what `messages.preview` found of the text's first link goes with it.
        #[serde(default)]
        preview: bool,
        /// Whether the draft of the conversation stays: what is sent is something else.
        #[serde(default)]
        keeps_draft: bool,
    }

    /// A link to be looked at.
    PreviewParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The link, or the text that is being written: its first link.
        text: Text,
    }

    /// An invitation to be sent.
    InviteParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// To whom.
        #[schemars(with = "AccountIdText")]
        to: AccountId,
        /// The room's address with its key.
        url: Text,
        /// The room's name.
        name: Text,
    }

    /// An emoji.
    ReactParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// The emoji.
        emoji: String,
        /// False: taken back.
        #[serde(default = "yes")]
        present: bool,
    }

    /// A message to be deleted.
    DeleteParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Where.
        scope: DeleteScope,
        /// On this device: for how long it can be brought back, a minute at most. It is shown
        /// nowhere meanwhile, and goes when the time is over, whatever becomes of the program.
        #[serde(default)]
        undo_ms: u64,
    }

    /// Whose messages are counted.
    CountParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation; all when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<AccountIdText>")]
        conversation: Option<AccountId>,
    }

    /// A registered name.
    ResolveParams {
        /// The account that asks.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The name, in any case.
        name: Text,
    }

    /// One message.
    MessageParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
    }

    /// Some messages.
    MessagesParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// How many: at most 1,000.
        #[serde(default = "usual_limit")]
        limit: u32,
        /// Those before this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<MessageNumber>")]
        before: Option<MessageId>,
    }

    /// Words to be found.
    SearchParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The words.
        words: Text,
        /// In this conversation only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<AccountIdText>")]
        within: Option<AccountId>,
        /// How many messages: at most 1,000.
        #[serde(default = "usual_limit")]
        limit: u32,
    }
}

/// How the key of a new database is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStoreChoice {
    /// By passphrase when one is given, else in the system keyring if there is one, else in a
    /// file.
    #[default]
    Auto,
    /// In the system keyring.
    Keyring,
    /// Under a passphrase.
    Passphrase,
    /// In a file that only the user can read.
    File,
}

/// Where a message is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteScope {
    /// Here.
    ThisDevice,
    /// On all devices of the account; notes to self only.
    MyDevices,
    /// On all devices of both sides; the user's own messages only.
    Everyone,
}

/// A conversation and a place in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimelineAt {
    pub(crate) conversation: AccountId,
    pub(crate) around: Around,
}

fn yes() -> bool {
    true
}

fn usual_count() -> usize {
    60
}

fn usual_limit() -> u32 {
    50
}

impl From<DeleteScope> for DeleteFor {
    fn from(scope: DeleteScope) -> Self {
        match scope {
            DeleteScope::ThisDevice => Self::ThisDevice,
            DeleteScope::MyDevices => Self::MyDevices,
            DeleteScope::Everyone => Self::Everyone,
        }
    }
}
