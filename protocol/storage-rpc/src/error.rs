//! What a node answers when it refuses, and why a client cannot read an answer.

use session_types::{ErrorKind, ParseError};

/// A refusal: an HTTP-like status and the text clients see as the body
/// (docs/protocol/node-rpc.md section 1.1). The texts are part of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RpcError {
    /// Status code, never 200.
    pub status: u16,
    /// The body, plain text.
    pub text: String,
}

impl RpcError {
    /// A refusal with any status and text.
    #[must_use]
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    /// A parameter that cannot be used: 400 and `invalid request: ` before the text.
    #[must_use]
    pub fn invalid(text: impl AsRef<str>) -> Self {
        Self::new(400, format!("invalid request: {}", text.as_ref()))
    }

    /// `Required field 'x' missing`.
    #[must_use]
    pub(crate) fn missing(field: &str) -> Self {
        Self::invalid(format!("Required field '{field}' missing"))
    }

    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        status_kind(self.status)
    }
}

/// What a client should do about a status a node answered with
/// (docs/protocol/node-rpc.md section 8).
#[must_use]
pub fn status_kind(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::Unauthorised,
        406 | 425 => ErrorKind::Clock,
        421 => ErrorKind::BadPeer,
        429 | 500..=599 => ErrorKind::Unreachable,
        _ => ErrorKind::BadInput,
    }
}

/// Why an answer, or bytes from another node, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not the encoding it should be.
    #[error("answer is not valid {0}")]
    Encoding(&'static str),
    /// A field that must be there is not.
    #[error("answer has no field {0}")]
    Missing(&'static str),
    /// A field has the wrong type or an impossible value.
    #[error("answer has a bad field {0}")]
    Field(&'static str),
    /// More elements or bytes than the format allows.
    #[error("answer holds too many {0}")]
    TooMany(&'static str),
    /// A version this crate does not know.
    #[error("unknown version byte {0:#04x}")]
    Version(u8),
}

impl ReadError {
    /// What a caller should do about it: always blame the other side.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::BadPeer
    }

    /// Turns a failed identifier into the field it stood in.
    pub(crate) fn field(name: &'static str) -> impl Fn(ParseError) -> Self {
        move |_| Self::Field(name)
    }
}
