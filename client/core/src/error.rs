//! What can go wrong in an account.

use std::path::PathBuf;

use session_net::{NameError, NetError, WebError};
use session_store::StoreError;
use session_types::ErrorKind;

/// An account could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The text is empty.
    #[error("the message is empty")]
    EmptyMessage,
    /// The text is longer than a message may be.
    #[error("the message has {found} characters; at most {limit} are allowed")]
    MessageTooLong {
        /// Code points found.
        found: usize,
        /// Code points allowed.
        limit: usize,
    },
    /// The account's own id, where another person's is needed.
    #[error("this is your own account")]
    OwnAccount,
    /// Nothing goes to a blocked person.
    #[error("this person is blocked; unblock them first")]
    Blocked,
    /// There is no message request of this person.
    #[error("there is no message request of this person")]
    NoRequest,
    /// More conversations cannot be pinned.
    #[error("at most {limit} conversations can be pinned")]
    TooManyPinned {
        /// How many can be.
        limit: usize,
    },
    /// A timer other clients do not offer.
    #[error(
        "messages cannot disappear after {seconds} s; choose 5, 10 or 30 seconds, 1, 5 or 30 \
         minutes, 1, 6 or 12 hours, 1, 7 or 14 days"
    )]
    BadTimer {
        /// What was asked for.
        seconds: u64,
    },
    /// Notes to self disappear after sending only.
    #[error("notes to self can disappear after sending only")]
    NoteTimer,
    /// The message that a reply names is not in this conversation, or is no message to answer.
    #[error("this message cannot be answered here")]
    CannotReply,
    /// Notices and deleted messages take no reactions.
    #[error("this message takes no reactions")]
    CannotReact,
    /// A reaction is one emoji.
    #[error("a reaction is a single emoji")]
    NoEmoji,
    /// Other clients drop more reactions than this.
    #[error("too many reactions; wait a minute")]
    TooManyReactions,
    /// Only the writer of a message may delete it for everyone.
    #[error("only your own messages can be deleted for everyone")]
    NotYours,
    /// Deleting on all own devices is for notes to self.
    #[error(
        "only notes to self can be deleted on all your devices; delete this message on this device or for everyone"
    )]
    OnlyInNotes,
    /// Notes to self have nobody else.
    #[error("a note to self can be deleted on this device or on all your devices")]
    OnlyForOwnDevices,
    /// This cannot be a registered name.
    #[error("a name is made of 1 to 64 letters from a to z, digits, _ and, inside, -")]
    BadName,
    /// There is no account for a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A config cannot hold this.
    #[error("{0}")]
    Config(#[from] session_config::ConfigError),
    /// The network did not do its part.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The database did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The content cannot be encoded.
    #[error("the message cannot be encoded")]
    Encode(#[from] session_messages::MessageError),
    /// The text is no valid message.
    #[error("the message cannot be sent: {0}")]
    Build(#[from] session_messages::BuildError),
    /// A message can hold no more files.
    #[error("{found} files are too many; a message can hold {limit}")]
    TooManyFiles {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A file is longer than file servers take.
    #[error("the file has more than {limit} bytes, which is the most that can be sent")]
    FileTooLarge {
        /// How long it may be.
        limit: u64,
    },
    /// A file to be sent cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    FileUnreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A picture of more pixels than anybody could show.
    #[error("a picture of {width} × {height} pixels is too large")]
    ImageTooLarge {
        /// How wide it says it is.
        width: u32,
        /// How high.
        height: u32,
    },
    /// Something begins as a picture and is none.
    #[error("the picture is damaged")]
    BadImage,
    /// There is nowhere to upload a file.
    #[error(
        "no file server is known for this network; name one with `session settings file-server`, \
         --file-server or in SESSION_FILE_SERVER, as its url, # and its key"
    )]
    NoFileServer,
    /// The copy of a file is not on this device.
    #[error("the file is not on this device; download it first")]
    FileMissing,
    /// A file server does not do what it should.
    #[error("the file server refused (status {status})")]
    FileServer {
        /// Its answer.
        status: u16,
    },
    /// Looking at pages for previews was not allowed.
    #[error(
        "previews of links are off; turning them on lets the servers of linked pages see this \
         computer's address, or that of the proxy"
    )]
    PreviewsOff,
    /// There is no preview of the text's first link.
    #[error("there is no preview of a link in this text; ask for one first")]
    NoPreview,
    /// A page was not read.
    #[error(transparent)]
    Web(#[from] WebError),
    /// Something the account waited for ended unexpectedly.
    #[error("an internal task ended unexpectedly")]
    Interrupted,
    /// A poll that several callers waited for did not succeed.
    #[error("{reason}")]
    PollFailed {
        /// Why, for a person.
        reason: String,
        /// What a caller should do about it.
        kind: ErrorKind,
    },
    /// A message needs the network's time, and no node has told it yet.
    #[error("no node has told the time yet")]
    TimeUnknown,
    /// What was to be sent was deleted meanwhile.
    #[error("the message was deleted before it was sent")]
    Gone,
    /// The account's task has ended.
    #[error("the account is closed")]
    Stopped,
}

impl CoreError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyMessage
            | Self::MessageTooLong { .. }
            | Self::OwnAccount
            | Self::Blocked
            | Self::NoRequest
            | Self::TooManyPinned { .. }
            | Self::BadTimer { .. }
            | Self::NoteTimer
            | Self::CannotReply
            | Self::CannotReact
            | Self::NoEmoji
            | Self::TooManyReactions
            | Self::NotYours
            | Self::OnlyInNotes
            | Self::OnlyForOwnDevices
            | Self::BadName
            | Self::TooManyFiles { .. }
            | Self::FileTooLarge { .. }
            | Self::FileUnreadable { .. }
            | Self::ImageTooLarge { .. }
            | Self::BadImage
            | Self::NoFileServer
            | Self::FileMissing
            | Self::PreviewsOff
            | Self::NoPreview
            | Self::Encode(_)
            | Self::Build(_) => ErrorKind::BadInput,
            Self::Config(error) => error.kind(),
            Self::Name(error) => error.kind(),
            Self::Net(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Web(error) => error.kind(),
            Self::PollFailed { kind, .. } => *kind,
            Self::FileServer { status: 413 } => ErrorKind::BadInput,
            Self::FileServer {
                status: 408 | 429 | 500..,
            } => ErrorKind::Unreachable,
            Self::FileServer { .. } => ErrorKind::BadPeer,
            Self::TimeUnknown => ErrorKind::Unreachable,
            Self::Gone => ErrorKind::BadInput,
            Self::Stopped | Self::Interrupted => ErrorKind::Internal,
        }
    }
}
