//! Why a node could not start.

use session_chassis::ChassisError;
use session_quic::QuicError;
use session_types::ErrorKind;

pub use crate::store::StoreError;

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The HTTP client that talks to other nodes could not be set up.
    #[error("cannot set up the http client")]
    HttpClient(#[source] reqwest::Error),
    /// The key file cannot be read, written or understood.
    #[error("cannot use the node's key file")]
    Identity(#[source] std::io::Error),
    /// The listening socket cannot be used.
    #[error("cannot use the listening socket")]
    Listener(#[source] std::io::Error),
    /// The listening socket is not an IPv4 one.
    #[error("the listening socket has no ipv4 address")]
    NotIpv4,
    /// The database cannot be opened.
    #[error("cannot open the message store")]
    Store(#[from] StoreError),
    /// QUIC cannot be set up.
    #[error("cannot set up quic")]
    Quic(#[from] QuicError),
    /// The TLS certificate cannot be loaded or made.
    #[error("cannot set up tls")]
    Tls(#[from] ChassisError),
}

impl NodeError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Identity(_) | Self::NotIpv4 => ErrorKind::BadInput,
            Self::Store(error) => error.kind(),
            Self::Quic(error) => error.kind(),
            Self::Tls(error) => error.kind(),
            Self::HttpClient(_) | Self::Listener(_) => ErrorKind::Internal,
        }
    }
}
