//! What can go wrong in an account.

use session_net::NetError;
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
    /// A poll that several callers waited for did not succeed.
    #[error("{reason}")]
    PollFailed {
        /// Why, for a person.
        reason: String,
        /// What a caller should do about it.
        kind: ErrorKind,
    },
    /// The account's task has ended.
    #[error("the account is closed")]
    Stopped,
}

impl CoreError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyMessage | Self::MessageTooLong { .. } | Self::Encode(_) | Self::Build(_) => {
                ErrorKind::BadInput
            }
            Self::Net(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::PollFailed { kind, .. } => *kind,
            Self::Stopped => ErrorKind::Internal,
        }
    }
}
