//! Why a server could not start or go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use session_types::ErrorKind;

/// Why a server could not start or go on. The addresses and paths shown are the server's own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChassisError {
    /// Somebody else listens there.
    #[error("port {port} on {ip} is already in use by another program", port = .0.port(), ip = .0.ip())]
    AddressInUse(SocketAddr),
    /// No network interface of this machine has that address.
    #[error("this machine has no address {ip} to listen on", ip = .0.ip())]
    AddressNotHere(SocketAddr),
    /// Ports below 1024 need privileges.
    #[error("not permitted to listen on port {port} of {ip}", port = .0.port(), ip = .0.ip())]
    AddressNotPermitted(SocketAddr),
    /// Listening failed for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A listener handed over by the caller cannot be used.
    #[error("the listening socket cannot be used")]
    Socket(#[source] io::Error),
    /// A certificate or key file could not be read or written.
    #[error("cannot {action} {path}", path = .path.display())]
    IdentityFile {
        /// `read`, `write` or `create`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate or key file holds something else.
    #[error("{path} holds no usable {expected}", path = .path.display())]
    IdentityContent {
        /// Which file.
        path: PathBuf,
        /// `certificate` or `private key`.
        expected: &'static str,
    },
    /// There is a certificate without the key that belongs to it.
    #[error("{certificate} is there but {key} is missing", certificate = .certificate.display(), key = .key.display())]
    IdentityKeyMissing {
        /// The file that is there.
        certificate: PathBuf,
        /// The file that is missing.
        key: PathBuf,
    },
    /// A new certificate could not be made.
    #[error("cannot make a certificate")]
    CertificateCreation(#[source] rcgen::Error),
    /// The certificate and the key do not belong together, or the TLS library refuses them.
    #[error("certificate and key cannot be used for TLS")]
    Tls(#[source] rustls::Error),
}

impl ChassisError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AddressInUse(_)
            | Self::AddressNotHere(_)
            | Self::AddressNotPermitted(_)
            | Self::IdentityContent { .. }
            | Self::IdentityKeyMissing { .. } => ErrorKind::BadInput,
            Self::Listen { .. }
            | Self::Socket(_)
            | Self::IdentityFile { .. }
            | Self::CertificateCreation(_)
            | Self::Tls(_) => ErrorKind::Internal,
        }
    }
}
