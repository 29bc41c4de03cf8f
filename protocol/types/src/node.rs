//! What the node list says about one node.

use core::fmt;
use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{Ed25519PublicKey, LegacyPublicKey, SwarmId, X25519PublicKey};

/// A storage server version, three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeVersion(pub [u16; 3]);

impl fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// One node of the network: its keys, where it answers and which swarm it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeContact {
    /// Identity: signs answers and names the node in onion layers.
    pub ed25519: Ed25519PublicKey,
    /// Onion layers are encrypted to this key.
    pub x25519: X25519PublicKey,
    /// Older primary key, equal to `ed25519` on new nodes.
    pub legacy: LegacyPublicKey,
    /// IPv4 address.
    pub ip: Ipv4Addr,
    /// Port of the HTTPS listener.
    pub https_port: u16,
    /// Port of the OMQ and QUIC listeners.
    pub omq_port: u16,
    /// Swarm the node belongs to, or [`SwarmId::UNASSIGNED`].
    pub swarm: SwarmId,
}

impl NodeContact {
    /// `https://ip:port`, without a path.
    #[must_use]
    pub fn https_base(&self) -> String {
        format!("https://{}:{}", self.ip, self.https_port)
    }
}
