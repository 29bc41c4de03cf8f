//! What can be wrong with a message, received or being built.

use session_crypto::CryptoError;
use session_types::ErrorKind;

use crate::Channel;

/// Most bytes of content a reader accepts, in groups also after decompression
/// (docs/protocol/crypto.md section 7).
pub(crate) const MAX_CONTENT_SIZE: usize = 1_000_000;

/// Why a message was not encoded, or why a received one is dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The content is not a valid action.
    #[error("invalid content")]
    Content(#[from] InvalidContent),
    /// Decryption, encryption or a signature failed.
    #[error("cryptographic failure")]
    Crypto(#[from] CryptoError),
    /// Someone else's message claims to be a copy of one of ours.
    #[error("sync target in a message of another sender")]
    ForeignSyncTarget,
    /// Frame or envelope cannot be read.
    #[error("malformed {part}")]
    Frame {
        /// `request frame` or `envelope`.
        part: &'static str,
        /// What the protobuf reader said.
        #[source]
        source: prost::DecodeError,
    },
    /// A copy of an own message of a kind that other devices ignore.
    #[error("own {kind} needs no copy")]
    FromSelf {
        /// Name of the kind.
        kind: &'static str,
    },
    /// The signature of a group's admin is wrong.
    #[error("wrong admin signature")]
    GroupSignature,
    /// Frame or envelope lacks a part, or a part has a wrong form.
    #[error("missing or wrong {0}")]
    Missing(&'static str),
    /// The message belongs to the later protocol with changing keys.
    #[error("message of a later protocol version")]
    NewerProtocol,
    /// The kind of message does not travel this way.
    #[error("{kind} does not travel in {channel}")]
    NotAllowed {
        /// Name of the kind.
        kind: &'static str,
        /// The way.
        channel: Channel,
    },
    /// The Pro part is present and not of its form, or without a time.
    #[error("malformed pro proof")]
    ProProof,
    /// Content time and envelope time differ.
    #[error("content and envelope times differ")]
    TimestampMismatch,
    /// More bytes than a node stores or a reader accepts.
    #[error("message of {found} bytes exceeds {limit}")]
    TooLarge {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A request to delete somebody else's message.
    #[error("unsend request not from the author")]
    UnsendByOther,
}

impl MessageError {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAllowed { .. } | Self::TooLarge { .. } => ErrorKind::BadInput,
            _ => ErrorKind::BadPeer,
        }
    }

    /// Whether such a message is part of ordinary traffic, to be dropped without a word in the
    /// log.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(
            self,
            Self::FromSelf { .. }
                | Self::NewerProtocol
                | Self::Content(InvalidContent::NoAction | InvalidContent::Obsolete(_))
        )
    }
}

/// Why bytes are not the content of a message that may be shown or acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// A field has a value its kind does not allow.
    #[error("wrong value of {0}")]
    BadValue(&'static str),
    /// Not a protobuf message of this schema.
    #[error("malformed content")]
    Malformed(#[from] prost::DecodeError),
    /// A required field is absent, or its enumeration value is unknown.
    #[error("missing field {0}")]
    Missing(&'static str),
    /// There is nothing to do: no action, or an empty one.
    #[error("no action")]
    NoAction,
    /// A form that is no longer in use.
    #[error("obsolete {0}")]
    Obsolete(&'static str),
    /// More attachments, previews or quoted attachments than are read.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// A typing message whose time is not that of its envelope.
    #[error("typing time differs from the envelope's")]
    TypingTime,
}

/// Why something to be sent cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something that must not be empty is.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A value of the wrong form.
    #[error("{0} is not of the right form")]
    Form(&'static str),
    /// The preview's address does not occur in the text.
    #[error("the previewed address is not part of the text")]
    PreviewNotInBody,
    /// Longer than allowed.
    #[error("{what} is longer than {limit} {unit}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What the limit counts: `bytes` or `characters`.
        unit: &'static str,
    },
    /// More than are accepted.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl BuildError {
    /// Always the caller's mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::BadInput
    }
}

pub(crate) fn check_size(data: &[u8], limit: usize) -> Result<(), MessageError> {
    if data.len() > limit {
        return Err(MessageError::TooLarge {
            found: data.len(),
            limit,
        });
    }
    Ok(())
}
