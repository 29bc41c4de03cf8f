//! Settings of a node.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use session_chassis::limit::RateLimits;
use session_chassis::listener::ListenerLimits;
use session_types::{NodeVersion, limits};

use crate::clock::{Clock, SystemClock};
use crate::core::{NameResolver, NoNames};
use crate::edge::Edge;
use crate::{NodeError, NodeIdentity, TestTiming};

/// The storage server version reported to clients and other nodes. From 2.12.0 on a node would
/// have to speak QUIC to its peers (docs/protocol/node.md section 1.4).
pub const REPORTED_VERSION: NodeVersion = NodeVersion([2, 11, 3]);

/// Everything a node needs to start.
pub struct NodeConfig {
    /// The node's keys.
    pub identity: NodeIdentity,
    /// Where database and certificate live; made when missing.
    pub data_dir: PathBuf,
    /// A bound socket for HTTPS.
    pub listener: TcpListener,
    /// A bound socket for QUIC; without one the node speaks HTTPS only.
    pub quic: Option<UdpSocket>,
    /// Where others reach the node.
    pub address: PublicAddress,
    /// Which version to report.
    pub version: NodeVersion,
    /// Source of network time.
    pub clock: Arc<dyn Clock>,
    /// Holds up or loses traffic; for tests.
    pub edge: Option<Arc<dyn Edge>>,
    /// Answers `ons_resolve`.
    pub names: Arc<dyn NameResolver>,
    /// How much of everything.
    pub limits: NodeLimits,
    /// How long and how often.
    pub timing: NodeTiming,
    /// Go by the time of the swarm when most of its members agree that this node's clock is wrong.
    pub follow_swarm_time: bool,
    /// Relay to servers on loopback and private addresses too. For private networks and tests.
    pub allow_private_relay_targets: bool,
}

/// Where others reach a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAddress {
    /// IPv4 address.
    pub ip: Ipv4Addr,
    /// Port of the HTTPS listener.
    pub https_port: u16,
    /// Port shown for OMQ and QUIC.
    pub omq_port: u16,
}

/// How much of everything a node takes on at a time. Whatever exceeds a limit is refused with
/// 503, except where stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLimits {
    /// Connections.
    pub listener: ListenerLimits,
    /// QUIC connections open at a time; a further one gets the place of one that does nothing.
    pub max_quic_connections: usize,
    /// The same for one peer address; further ones are refused.
    pub max_quic_connections_per_ip: usize,
    /// Direct client requests of one address (429).
    pub rate: RateLimits,
    /// Size of a request body (413).
    pub max_body_bytes: usize,
    /// Bytes of request bodies held in memory.
    pub max_body_memory: usize,
    /// The same for one peer address.
    pub max_body_memory_per_ip: usize,
    /// Bytes of messages read for answers; requests wait for their share.
    pub max_answer_memory: usize,
    /// The same for one peer address.
    pub max_answer_memory_per_ip: usize,
    /// Requests being worked on. Fewer are while they hinder each other.
    pub max_requests: usize,
    /// Onion requests waiting for another node.
    pub max_relays: usize,
    /// Onion requests waiting for a server outside the network.
    pub max_server_relays: usize,
    /// Size of an answer passed back through an onion path (502).
    pub max_relay_answer_bytes: usize,
    /// Reading database connections.
    pub database_readers: usize,
    /// Changes waiting for the database; further ones wait for a place.
    pub database_queue: usize,
    /// Size of the database; a full one refuses messages.
    pub max_database_bytes: u64,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self {
            listener: ListenerLimits::default(),
            max_quic_connections: 2048,
            max_quic_connections_per_ip: 256,
            rate: RateLimits::default(),
            max_body_bytes: limits::MAX_REQUEST_BODY,
            max_body_memory: 256 * 1024 * 1024,
            max_body_memory_per_ip: 64 * 1024 * 1024,
            max_answer_memory: 512 * 1024 * 1024,
            max_answer_memory_per_ip: 128 * 1024 * 1024,
            max_requests: 1000,
            max_relays: 1000,
            max_server_relays: 200,
            max_relay_answer_bytes: 40 * 1024 * 1024,
            database_readers: 4,
            database_queue: 4096,
            max_database_bytes: 10 * 1024 * 1024 * 1024,
        }
    }
}

/// How long and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTiming {
    /// Another member's time to answer a request passed on to it.
    pub forward_timeout: Duration,
    /// Another member's time to take a batch of messages.
    pub bulk_timeout: Duration,
    /// The next node's time to answer an onion request.
    pub relay_timeout: Duration,
    /// A connection to another node that carried nothing but onion requests is closed after so
    /// long without any.
    pub unused_link: Duration,
    /// A server's time to answer an onion request.
    pub server_relay_timeout: Duration,
    /// Pause after a first failed delivery; it doubles with each further one.
    pub retry_first: Duration,
    /// Longest pause between deliveries.
    pub retry_max: Duration,
    /// How often members that have not confirmed that they see the same swarm are asked again.
    pub hello_interval: Duration,
    /// How often members of a swarm compare what they hold.
    pub reconcile_interval: Duration,
    /// How often expired messages are deleted.
    pub sweep_interval: Duration,
    /// How long an orderly stop may take.
    pub stop_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Tests of other nodes.
    pub testing: TestTiming,
}

impl Default for NodeTiming {
    fn default() -> Self {
        Self {
            forward_timeout: Duration::from_secs(5),
            bulk_timeout: Duration::from_secs(30),
            relay_timeout: Duration::from_secs(30),
            unused_link: Duration::from_secs(120),
            server_relay_timeout: Duration::from_secs(25),
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            hello_interval: Duration::from_secs(10),
            reconcile_interval: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(10),
            stop_timeout: Duration::from_millis(4500),
            body_timeout: Duration::from_secs(30),
            testing: TestTiming::default(),
        }
    }
}

impl NodeConfig {
    /// A configuration with defaults for everything else. QUIC gets the UDP port with the number
    /// of the listener's, or if that is taken another one. The public address is that of the
    /// sockets; set [`NodeConfig::address`] when the node is reached otherwise.
    ///
    /// # Errors
    /// [`NodeError`] when the socket has no IPv4 address, or there is no UDP port.
    pub fn new(
        identity: NodeIdentity,
        data_dir: impl Into<PathBuf>,
        listener: TcpListener,
    ) -> Result<Self, NodeError> {
        let address = ipv4_address(&listener)?;
        let quic = UdpSocket::bind(address)
            .or_else(|_| UdpSocket::bind((*address.ip(), 0)))
            .map_err(NodeError::Listener)?;
        Self::with_quic(identity, data_dir, listener, quic)
    }

    /// The same with a UDP socket of the caller's choice.
    ///
    /// # Errors
    /// [`NodeError`] when the listener has no IPv4 address.
    pub fn with_quic(
        identity: NodeIdentity,
        data_dir: impl Into<PathBuf>,
        listener: TcpListener,
        quic: UdpSocket,
    ) -> Result<Self, NodeError> {
        let address = ipv4_address(&listener)?;
        let omq_port = quic.local_addr().map_err(NodeError::Listener)?.port();
        Ok(Self {
            identity,
            data_dir: data_dir.into(),
            listener,
            quic: Some(quic),
            address: PublicAddress {
                ip: *address.ip(),
                https_port: address.port(),
                omq_port,
            },
            version: REPORTED_VERSION,
            clock: Arc::new(SystemClock),
            edge: None,
            names: Arc::new(NoNames),
            limits: NodeLimits::default(),
            timing: NodeTiming::default(),
            follow_swarm_time: true,
            allow_private_relay_targets: false,
        })
    }
}

fn ipv4_address(listener: &TcpListener) -> Result<SocketAddrV4, NodeError> {
    match listener.local_addr().map_err(NodeError::Listener)? {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(NodeError::NotIpv4),
    }
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeConfig")
            .field("identity", &self.identity)
            .field("data_dir", &self.data_dir)
            .field("address", &self.address)
            .field("limits", &self.limits)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}
