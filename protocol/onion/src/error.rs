//! What goes wrong with onion packets.

use rand_core::CryptoRng;
use session_crypto::CryptoError;
use session_crypto::onion_cipher::HopKey;
use session_types::ErrorKind;

use crate::packet::{ReplyBody, encode_reply};

/// Why a client could not build a request or read the answer to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnionError {
    /// A hop other than the destination answered, encrypted with its own layer's key: it could
    /// not read its layer (`Invalid json`), refused the server (`Invalid url`) or was not ready.
    #[error("hop {hop} of the path answered instead of the destination, status {status}")]
    AnsweredByHop {
        /// Place in the path, the guard being 0.
        hop: usize,
        /// The status inside the answer.
        status: u16,
        /// The text inside the answer.
        body: String,
    },
    /// A key of the path or destination is unusable, or the answer does not decrypt.
    #[error("onion encryption failed")]
    Crypto(#[from] CryptoError),
    /// A request needs at least one hop.
    #[error("an onion request needs at least one hop")]
    EmptyPath,
    /// The answer is not base64 text, or what is inside it is not an answer.
    #[error("the answer is not an onion answer: {0}")]
    MalformedReply(&'static str),
    /// The request is larger than a node reads.
    #[error("the onion request has {size} bytes, more than {limit}")]
    TooLarge {
        /// Size of the request body.
        size: usize,
        /// What a node reads at most.
        limit: usize,
    },
}

impl OnionError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AnsweredByHop { .. } | Self::Crypto(_) | Self::MalformedReply(_) => {
                ErrorKind::BadPeer
            }
            Self::EmptyPath | Self::TooLarge { .. } => ErrorKind::BadInput,
        }
    }
}

/// Why a node refuses an entry blob (docs/protocol/node.md section 7.8).
///
/// `Display` is the exact text the node answers with, [`EntryError::STATUS`] the HTTP status;
/// the answer is not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The control JSON is not a JSON object.
    #[error("Error parsing onion request: invalid json")]
    BadJson,
    /// `enc_type` names no cipher we know.
    #[error("Error parsing onion request: unknown enc_type")]
    Cipher,
    /// `ephemeral_key` is missing or not 64 hex digits.
    #[error("Error parsing onion request: invalid ephemeral_key")]
    EphemeralKey,
    /// `hop_no` is not an integer.
    #[error("Error parsing onion request: invalid hop_no")]
    HopNumber,
    /// The request has passed more hops than a path may have.
    #[error("onion request max path length exceeded")]
    PathTooLong,
    /// The length prefix promises more than there is.
    #[error("Error parsing onion request: size of ciphertext exceeds the request")]
    Size,
    /// Shorter than the length prefix.
    #[error("Error parsing onion request: request too short")]
    TooShort,
}

impl EntryError {
    /// The HTTP status of the answer.
    pub const STATUS: u16 = 400;

    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::BadPeer
    }
}

/// Why a node cannot act on a layer (docs/protocol/node.md section 7.8).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeelError {
    /// Decryption failed. Answered in the clear.
    #[error("Invalid ciphertext")]
    Ciphertext,
    /// Length prefix, control JSON or a control value is bad. Answered under the layer's key.
    #[error("Invalid json")]
    Layer {
        /// Key of the layer, for the answer.
        key: Box<HopKey>,
    },
    /// The server to relay to is not one a node may contact. Answered under the layer's key.
    #[error("Invalid url")]
    Url {
        /// Key of the layer, for the answer.
        key: Box<HopKey>,
    },
}

impl PeelError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::BadPeer
    }

    /// The HTTP status and body the node answers with.
    #[must_use]
    pub fn answer(&self, rng: &mut dyn CryptoRng) -> (u16, Vec<u8>) {
        let text = self.to_string();
        match self {
            Self::Ciphertext => (400, text.into_bytes()),
            Self::Layer { key } | Self::Url { key } => (
                200,
                encode_reply(key, 400, ReplyBody::Text(&text), false, true, rng),
            ),
        }
    }
}
