//! Numbers of docs/protocol/node.md sections 6.3 and 6.4.

use core::time::Duration;
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, TransportConfig, VarInt};

use crate::QuicError;

/// What the two sides speak: the name they agree on in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A client asks a node.
    Client,
    /// A node asks another; both prove their keys.
    Node,
}

impl Protocol {
    /// The name in the handshake (ALPN).
    #[must_use]
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Client => b"oxenstorage",
            Self::Node => b"oxenstorage-sn",
        }
    }

    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Client, Self::Node]
            .into_iter()
            .find(|protocol| protocol.name() == name)
    }

    /// How long opening a connection may take.
    pub(crate) const fn handshake_timeout(self) -> Duration {
        match self {
            Self::Client => Duration::from_secs(10),
            Self::Node => Duration::from_secs(5),
        }
    }

    const fn idle_timeout(self) -> Duration {
        match self {
            Self::Client => Duration::from_secs(30),
            Self::Node => Duration::from_secs(60),
        }
    }

    const fn keep_alive(self) -> Option<Duration> {
        match self {
            Self::Client => None,
            Self::Node => Some(Duration::from_secs(15)),
        }
    }
}

/// What a peer may have under way at an accepted connection before it proves to be a node. The
/// other side waits for more: nothing breaks, far and large transfers get slower.
const UNPROVEN_WINDOW: u32 = 512 * 1024;
/// Windows of section 6.3: for answers a client awaits, and between nodes.
const CONNECTION_WINDOW: u32 = 15 * 1024 * 1024;
const STREAM_WINDOW: u32 = 6 * 1024 * 1024;
/// Streams of one connection.
const STREAMS: u32 = 32;

/// What an accepting side takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Requests of one client's connection that are answered at the same time; further ones are
    /// not read meanwhile.
    pub requests_per_client: usize,
    /// The same for a connection of another node.
    pub requests_per_node: usize,
    /// Handshakes under way with newcomers who have not proven their address; further ones must.
    pub handshakes: usize,
    /// How long a message may take to arrive once begun, and an answer to be taken.
    pub stall: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            requests_per_client: 64,
            requests_per_node: 1024,
            handshakes: 128,
            stall: Duration::from_secs(30),
        }
    }
}

/// What a connection is given by the side that accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may be under way in each direction.
    pub connection: u32,
    /// Of them, those of one stream.
    pub stream: u32,
    /// Silent for so long, it is given up.
    pub silence: Duration,
}

impl Room {
    /// Of whoever comes to a node.
    pub(crate) const UNPROVEN: Self = Self {
        connection: UNPROVEN_WINDOW,
        stream: UNPROVEN_WINDOW,
        silence: Protocol::Node.idle_timeout(),
    };
}

/// What an accepting side needs besides its socket. A connection has at most 32 streams at a
/// time, which go in both directions, and no datagrams.
///
/// # Errors
/// [`QuicError::Tls`] when the suite is missing that QUIC's first packets are encrypted with;
/// [`tls::accepting`](crate::tls::accepting) has it.
pub fn accepting(tls: rustls::ServerConfig, room: Room) -> Result<quinn::ServerConfig, QuicError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(no_suite)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport(room)));
    Ok(config)
}

/// The suite that QUIC's first packets are encrypted with is missing.
pub(crate) fn no_suite(_: quinn::crypto::rustls::NoInitialCipherSuite) -> QuicError {
    QuicError::Tls(rustls::Error::General("no initial cipher suite".to_owned()))
}

fn transport(room: Room) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .receive_window(VarInt::from_u32(room.connection))
        .stream_receive_window(VarInt::from_u32(room.stream))
        .send_window(room.connection.into())
        .max_idle_timeout(idle(room.silence));
    config
}

/// Lets another node have more under way.
pub(crate) fn trust(connection: &quinn::Connection) {
    connection.set_receive_window(VarInt::from_u32(CONNECTION_WINDOW));
    connection.set_send_window(CONNECTION_WINDOW.into());
}

pub(crate) fn opening(protocol: Protocol) -> Arc<TransportConfig> {
    let mut config = transport(Room {
        connection: CONNECTION_WINDOW,
        stream: STREAM_WINDOW,
        silence: protocol.idle_timeout(),
    });
    config.keep_alive_interval(protocol.keep_alive());
    Arc::new(config)
}

fn idle(time: Duration) -> Option<IdleTimeout> {
    // Half a minute fits.
    time.try_into().ok()
}
