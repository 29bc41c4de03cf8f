//! Numbers of docs/protocol/node.md sections 6.3 and 6.4.

use core::time::Duration;
use std::sync::Arc;

use quinn::{IdleTimeout, TransportConfig, VarInt};

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

pub(crate) fn accepting() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .receive_window(VarInt::from_u32(UNPROVEN_WINDOW))
        .stream_receive_window(VarInt::from_u32(UNPROVEN_WINDOW))
        .send_window(UNPROVEN_WINDOW.into())
        .max_idle_timeout(idle(Protocol::Node.idle_timeout()));
    Arc::new(config)
}

/// Lets another node have more under way.
pub(crate) fn trust(connection: &quinn::Connection) {
    connection.set_receive_window(VarInt::from_u32(CONNECTION_WINDOW));
    connection.set_send_window(CONNECTION_WINDOW.into());
}

pub(crate) fn opening(protocol: Protocol) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .send_window(CONNECTION_WINDOW.into())
        .keep_alive_interval(protocol.keep_alive())
        .max_idle_timeout(idle(protocol.idle_timeout()));
    Arc::new(config)
}

fn idle(time: Duration) -> Option<IdleTimeout> {
    // Half a minute fits.
    time.try_into().ok()
}
