use session_crypto::CryptoError;
use session_encoding::zstd_frame::ZstdError;
use session_types::{ErrorKind, ParseError};

/// Why bytes are not a config message, a dump or a key message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The input ends inside a value.
    #[error("message ends too early")]
    End,
    /// An integer out of range or not in its shortest form.
    #[error("malformed number")]
    Number,
    /// Keys or set members that are not ascending, or stand twice.
    #[error("keys or members not in ascending order")]
    Order,
    /// A value of another type or length than its place demands.
    #[error("value of an unexpected type")]
    Type,
    /// A dict or set without content inside a config.
    #[error("empty dict or set")]
    Empty,
    /// A part that must be there is not, or something stands where nothing may.
    #[error("message of the wrong structure")]
    Structure,
    /// More values or levels than any real config has.
    #[error("message too large or nested too deeply")]
    TooLarge,
    /// The signature is missing or was not made by the group's key.
    #[error("signature does not verify")]
    Signature,
}

impl Malformed {
    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Signature => ErrorKind::Unauthorised,
            _ => ErrorKind::BadPeer,
        }
    }
}

/// Why a config could not be changed, merged, pushed or loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A change by a member of a group who is not an admin.
    #[error("only an admin of the group can change this")]
    ReadOnly,
    /// A text that does not fit its field.
    #[error("{field} is longer than {limit} bytes")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// A value that its field cannot hold.
    #[error("{field} cannot hold this value")]
    Invalid {
        /// Which field.
        field: &'static str,
    },
    /// Nothing can be encrypted or decrypted before the group's keys are loaded.
    #[error("no encryption key is known yet")]
    NoKey,
    /// None of the offered messages is a valid config, and there is no own state either.
    #[error("no valid config message")]
    NothingValid {
        /// What was wrong with the first.
        #[source]
        first: Malformed,
    },
    /// A dump or key message that cannot be read.
    #[error("malformed data")]
    Malformed(#[from] Malformed),
    /// More content than can be pushed.
    #[error("config of {size} bytes is too large to push")]
    TooLarge {
        /// Its size, compressed and padded.
        size: usize,
    },
    /// The count of changes reached the end of its range.
    #[error("no sequence number left")]
    SequenceExhausted,
    /// The key is not the group's.
    #[error("this is not the key of the group")]
    WrongKey,
    /// A community address that cannot be used.
    #[error("not a community address: {0}")]
    Address(&'static str),
    /// An id that is none.
    #[error("not a valid id")]
    Id(#[from] ParseError),
    /// A cryptographic operation failed.
    #[error("cryptographic operation failed")]
    Crypto(#[from] CryptoError),
    /// Compression failed.
    #[error("compression failed")]
    Compression(#[from] ZstdError),
}

impl ConfigError {
    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ReadOnly | Self::WrongKey => ErrorKind::Unauthorised,
            Self::TooLong { .. }
            | Self::Invalid { .. }
            | Self::Address(_)
            | Self::Id(_)
            | Self::TooLarge { .. }
            | Self::NoKey => ErrorKind::BadInput,
            Self::NothingValid { first } => first.kind(),
            Self::Malformed(error) => error.kind(),
            Self::SequenceExhausted => ErrorKind::Internal,
            Self::Crypto(error) => error.kind(),
            Self::Compression(error) => error.kind(),
        }
    }
}
