//! A UDP socket that opens and accepts connections.

use core::fmt;
use core::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use session_types::Ed25519PublicKey;
use tokio::time::timeout;

use crate::life::Life;
use crate::restart::restartable;
use crate::settings::{accepting, no_suite, opening};
use crate::{Budget, CloseCode, Connection, Protocol, Push, QuicError, Room, TlsKey, tls};

/// The name in the handshake; nobody looks at it.
const NAME: &str = "localhost";

/// Whom to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Address of the UDP socket.
    pub address: SocketAddr,
    /// The key the other side must prove.
    pub key: Ed25519PublicKey,
    /// What to speak.
    pub protocol: Protocol,
}

/// A UDP socket. Must be made and used inside a tokio runtime.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) life: Life,
}

impl Endpoint {
    /// An endpoint that only opens connections.
    ///
    /// # Errors
    /// [`QuicError::Socket`].
    pub fn client(socket: UdpSocket) -> Result<Self, QuicError> {
        Self::new(socket, quinn::EndpointConfig::default(), None)
    }

    /// An endpoint that accepts connections too, of clients and of nodes, and proves `key`.
    /// Nothing is accepted before [`Endpoint::serve`] runs. Whoever had a connection with an
    /// earlier one of the same key and address learns at once that it is gone.
    ///
    /// # Errors
    /// [`QuicError::Socket`], [`QuicError::Tls`].
    pub fn server(socket: UdpSocket, key: &TlsKey) -> Result<Self, QuicError> {
        let protocols = [Protocol::Node, Protocol::Client].map(Protocol::name);
        let tls = tls::accepting(key, &protocols)?;
        let mut config = accepting(tls, Room::UNPROVEN)?;
        config.migration(true);
        Self::new(socket, restartable(key.reset_secret()), Some(config))
    }

    fn new(
        socket: UdpSocket,
        config: quinn::EndpointConfig,
        server: Option<quinn::ServerConfig>,
    ) -> Result<Self, QuicError> {
        let life = Life::default();
        let runtime = Arc::new(life.clone());
        let quinn =
            quinn::Endpoint::new(config, server, socket, runtime).map_err(QuicError::Socket)?;
        Ok(Self { quinn, life })
    }

    /// The socket's own address.
    ///
    /// # Errors
    /// [`QuicError::Socket`].
    pub fn local_address(&self) -> Result<SocketAddr, QuicError> {
        self.quinn.local_addr().map_err(QuicError::Socket)
    }

    /// Opens a connection, showing `own` as key. Answers take their memory from `budget`.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`QuicError`]; [`QuicError::BadAnswer`] when the other side proves another key or speaks
    /// something else.
    pub async fn connect(
        &self,
        target: Target,
        own: &TlsKey,
        budget: Budget,
    ) -> Result<(Connection, Push), QuicError> {
        let config = client_config(&target, own)?;
        let connecting = self
            .quinn
            .connect_with(config, target.address, NAME)
            .map_err(|_| QuicError::Lost)?;
        let connection = timeout(target.protocol.handshake_timeout(), connecting)
            .await
            .map_err(|_| QuicError::Timeout)?
            .map_err(|error| match error {
                quinn::ConnectionError::TransportError(_)
                | quinn::ConnectionError::VersionMismatch => QuicError::BadAnswer,
                quinn::ConnectionError::TimedOut => QuicError::Timeout,
                _ => QuicError::Lost,
            })?;
        Ok(Connection::new(connection, budget, self.life.clone()))
    }

    /// Closes every connection at once.
    pub fn close(&self) {
        self.quinn.close(CloseCode::Done.code(), b"");
    }

    /// Ends everything without a farewell, as if the process were killed. The returned future is
    /// ready when the socket is closed; there is no need to wait for it.
    pub fn kill(self) -> impl Future<Output = ()> + Send + use<> {
        self.life.end()
    }

    /// Waits until what [`Endpoint::close`] closed is gone.
    pub async fn closed(&self) {
        self.quinn.wait_idle().await;
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

fn client_config(target: &Target, own: &TlsKey) -> Result<quinn::ClientConfig, QuicError> {
    let tls = tls::opening(target.key, own, target.protocol.name())?;
    let crypto = QuicClientConfig::try_from(tls).map_err(no_suite)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(opening(target.protocol));
    Ok(config)
}
