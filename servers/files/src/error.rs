//! Why a file server could not start or go on.

use std::net::SocketAddr;

use session_chassis::ChassisError;
use session_chassis::settings::SettingsError;
use session_quic::QuicError;
use session_types::ErrorKind;

use crate::storage::StorageError;

/// Why a file server could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A key file cannot be read, written or understood.
    #[error("cannot use the server's key files")]
    Keys(#[source] std::io::Error),
    /// A socket or the certificate cannot be used.
    #[error(transparent)]
    Listener(#[from] ChassisError),
    /// QUIC cannot be served.
    #[error("cannot serve quic")]
    Quic(#[source] QuicError),
    /// The UDP socket for QUIC cannot be bound.
    #[error("cannot listen for quic on udp {address}")]
    QuicSocket {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The configuration cannot be read or written.
    #[error("cannot use the configuration file")]
    SettingsFile(#[source] std::io::Error),
    /// The storage cannot be opened or closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ServerError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Keys(_) | Self::QuicSocket { .. } | Self::Settings(_) | Self::SettingsFile(_) => {
                ErrorKind::BadInput
            }
            Self::Quic(error) => error.kind(),
            Self::Listener(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }
}
