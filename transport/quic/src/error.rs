//! What can go wrong.

use std::io;

use session_types::ErrorKind;

/// Why there is no answer, or no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuicError {
    /// The other side broke the rules of streams, or has another key than it should.
    #[error("bad answer over quic")]
    BadAnswer,
    /// The connection ended, or there never was one.
    #[error("quic connection lost")]
    Lost,
    /// There is no memory left for the answer.
    #[error("no memory for the answer")]
    NoMemory,
    /// The socket cannot be used.
    #[error("udp socket cannot be used")]
    Socket(#[source] io::Error),
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// The TLS library refuses keys or settings.
    #[error("tls settings refused")]
    Tls(#[source] rustls::Error),
    /// The message does not fit into a frame.
    #[error("message too long for a quic stream")]
    TooLong,
}

impl QuicError {
    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::BadAnswer => ErrorKind::BadPeer,
            Self::Lost | Self::NoMemory | Self::Timeout => ErrorKind::Unreachable,
            Self::Socket(_) | Self::Tls(_) => ErrorKind::Internal,
            Self::TooLong => ErrorKind::BadInput,
        }
    }
}

/// Why a side closes a connection (docs/protocol/node.md section 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// Nothing is wrong.
    Done = 0,
    /// The other side broke the rules of streams.
    BadStream = 1,
    /// There is no room: connections, memory, or the other side reads too slowly.
    Busy = 2,
    /// The other side offered none of our protocols, or no key where it must.
    BadProtocol = 3,
    /// Both nodes opened a connection, this one is too much.
    Redundant = 6,
    /// The other side is no active node.
    NotANode = 7,
}

impl CloseCode {
    pub(crate) fn code(self) -> quinn::VarInt {
        quinn::VarInt::from_u32(self as u32)
    }
}
