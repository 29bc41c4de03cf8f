//! The body of `active_nodes_bin` (docs/protocol/node-rpc.md section 7.4): 51 bytes a node.
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 32 | Ed25519 key |
//! | 32 | 8 | swarm id, big-endian |
//! | 40 | 4 | IPv4 address, network order |
//! | 44 | 2 | HTTPS port, big-endian |
//! | 46 | 2 | OMQ and QUIC port, big-endian |
//! | 48 | 3 | storage server version, each number at most 255 |

use core::net::Ipv4Addr;

use session_crypto::ed25519_to_x25519;
use session_types::{Ed25519PublicKey, LegacyPublicKey, NodeContact, NodeVersion, SwarmId};

use crate::ReadError;

/// Length of one record.
pub const RECORD_LEN: usize = 51;

/// Writes the records of active nodes.
#[must_use]
pub fn encode<'a>(nodes: impl IntoIterator<Item = (&'a NodeContact, NodeVersion)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (node, version) in nodes {
        out.extend_from_slice(node.ed25519.as_bytes());
        out.extend_from_slice(&node.swarm.get().to_be_bytes());
        out.extend_from_slice(&node.ip.octets());
        out.extend_from_slice(&node.https_port.to_be_bytes());
        out.extend_from_slice(&node.omq_port.to_be_bytes());
        out.extend(version.0.map(|n| u8::try_from(n).unwrap_or(u8::MAX)));
    }
    out
}

/// Reads the records. The X25519 key of each node follows from its Ed25519 key; nodes whose key
/// is no point are left out.
///
/// # Errors
/// [`ReadError`] when the length is not a multiple of [`RECORD_LEN`].
pub fn decode(bytes: &[u8]) -> Result<Vec<(NodeContact, NodeVersion)>, ReadError> {
    let (records, rest) = bytes.as_chunks::<RECORD_LEN>();
    if !rest.is_empty() {
        return Err(ReadError::Encoding("node records"));
    }
    Ok(records.iter().filter_map(read).collect())
}

fn read(record: &[u8; RECORD_LEN]) -> Option<(NodeContact, NodeVersion)> {
    let (ed25519, rest) = record.split_first_chunk::<32>()?;
    let (swarm, rest) = rest.split_first_chunk::<8>()?;
    let (ip, rest) = rest.split_first_chunk::<4>()?;
    let (https_port, rest) = rest.split_first_chunk::<2>()?;
    let (omq_port, rest) = rest.split_first_chunk::<2>()?;
    let version: &[u8; 3] = rest.try_into().ok()?;
    let ed25519 = Ed25519PublicKey::new(*ed25519);
    let contact = NodeContact {
        ed25519,
        x25519: ed25519_to_x25519(&ed25519).ok()?,
        legacy: LegacyPublicKey::new(*ed25519.as_bytes()),
        ip: Ipv4Addr::from(*ip),
        https_port: u16::from_be_bytes(*https_port),
        omq_port: u16::from_be_bytes(*omq_port),
        swarm: SwarmId::new(u64::from_be_bytes(*swarm)),
    };
    Some((contact, NodeVersion(version.map(u16::from))))
}
