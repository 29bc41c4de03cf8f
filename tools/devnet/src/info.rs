//! What a network says about itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Serialize;
use session_types::{Ed25519PublicKey, NodeContact, X25519PublicKey};

/// One node as seen by a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevnetNode {
    /// Its number, from 0.
    pub index: usize,
    /// How the others know it.
    pub contact: NodeContact,
    /// Whether it runs at the moment.
    pub running: bool,
}

/// Everything a client or a script needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DevnetInfo {
    /// What clients take as seed; ends with `/`.
    pub seed_url: String,
    /// The number the network follows from.
    pub network_seed: u64,
    /// All nodes.
    pub nodes: Vec<NodeInfo>,
    /// The file server, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_server: Option<FileServerInfo>,
    /// Where the data is.
    pub data_dir: PathBuf,
    /// The line that starts an unmodified Session Desktop in this network.
    pub desktop_command: String,
}

/// The file server as seen by a client or a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileServerInfo {
    /// Where it answers; does not end with `/`.
    pub url: String,
    /// Its identity.
    pub ed25519: Ed25519PublicKey,
    /// Onion requests are encrypted to this.
    pub x25519: X25519PublicKey,
    /// Where it takes transfers over QUIC.
    pub quic: SocketAddr,
    /// What clients are told, as `SESSION_FILE_SERVER`: the URL, `#` and the identity.
    pub setting: String,
}

impl FileServerInfo {
    pub(crate) fn new(
        address: SocketAddr,
        ed25519: Ed25519PublicKey,
        x25519: X25519PublicKey,
    ) -> Self {
        let url = format!("http://{address}");
        Self {
            setting: format!("{url}#{ed25519}"),
            url,
            quic: address,
            ed25519,
            x25519,
        }
    }
}

/// One node as seen by a client or a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeInfo {
    /// Its number, from 0.
    pub index: usize,
    /// Its identity.
    pub ed25519: Ed25519PublicKey,
    /// Onion layers are encrypted to this.
    pub x25519: X25519PublicKey,
    /// Where it answers.
    pub ip: Ipv4Addr,
    /// Where it answers.
    pub https_port: u16,
    /// Its swarm, hex without leading zeros, as in `get_swarm` answers.
    pub swarm: String,
}

impl NodeInfo {
    pub(crate) fn new(index: usize, contact: &NodeContact) -> Self {
        Self {
            index,
            ed25519: contact.ed25519,
            x25519: contact.x25519,
            ip: contact.ip,
            https_port: contact.https_port,
            swarm: contact.swarm.to_string(),
        }
    }
}

/// docs/protocol/paths.md sections 9.1 and 9.4.
pub(crate) fn desktop_command(seed_url: &str) -> String {
    format!("LOCAL_DEVNET_SEED_URL={seed_url} NODE_APP_INSTANCE=devnet session-desktop")
}
