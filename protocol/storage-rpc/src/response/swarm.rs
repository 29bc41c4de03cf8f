use core::net::Ipv4Addr;

use serde_json::Value;
use session_types::{LegacyPublicKey, NodeContact, SwarmId, Timestamp};

use super::{HardFork, read_stamp, with_object, write_stamp};
use crate::wire::{DictBuilder, Reader, Tree};
use crate::{ReadError, Reply};

/// The answer to `get_swarm`, and the body of every 421
/// (docs/protocol/node-rpc.md section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmResponse {
    /// The swarm, or [`SwarmId::UNASSIGNED`].
    pub swarm: SwarmId,
    /// Its members.
    pub nodes: Vec<NodeContact>,
    /// The node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl SwarmResponse {
    /// Reads the JSON form: an object, or a string that holds one. Members without a usable
    /// address or key are left out.
    ///
    /// # Errors
    /// [`ReadError`] when there is no list of members.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            let swarm = reader
                .get("swarm")
                .and_then(Reader::text)
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                .map_or(SwarmId::UNASSIGNED, SwarmId::new);
            let nodes = reader
                .get("snodes")
                .and_then(Reader::list)
                .ok_or(ReadError::Missing("snodes"))?
                .into_iter()
                .filter_map(|node| read_node(node, swarm))
                .collect();
            Ok(Self {
                swarm,
                nodes,
                t,
                hf,
            })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put(
            "snodes",
            Tree::List(self.nodes.iter().map(node_tree).collect()),
        )
        .text("swarm", self.swarm.to_string());
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }

    /// The refusal of a node that does not hold the mailbox: 421 with this swarm.
    #[must_use]
    pub fn to_wrong_swarm_reply(&self) -> Reply {
        Reply::new(421, self.to_tree())
    }
}

fn read_node(node: Reader<'_>, swarm: SwarmId) -> Option<NodeContact> {
    let text = |key| node.get(key).and_then(Reader::text);
    let port = |key| {
        let value = node.get(key)?;
        value.text().map_or_else(
            || u16::try_from(value.uint()?).ok(),
            |text| text.parse().ok(),
        )
    };
    let ed25519 = text("pubkey_ed25519")?
        .parse::<session_types::Ed25519PublicKey>()
        .ok()?;
    let ip: Ipv4Addr = text("ip")?
        .parse()
        .ok()
        .filter(|ip: &Ipv4Addr| !ip.is_unspecified())?;
    Some(NodeContact {
        ed25519,
        x25519: text("pubkey_x25519")?.parse().ok()?,
        legacy: text("pubkey_legacy")
            .and_then(|hex| hex.parse().ok())
            .unwrap_or(LegacyPublicKey::new(*ed25519.as_bytes())),
        ip,
        https_port: port("port_https")
            .or_else(|| port("port"))
            .filter(|port| *port != 0)?,
        omq_port: port("port_omq").or_else(|| port("port_quic")).unwrap_or(0),
        swarm,
    })
}

fn node_tree(node: &NodeContact) -> Tree {
    DictBuilder::new()
        .text("address", node.legacy.snode_address())
        .text("ip", node.ip.to_string())
        .text("port", node.https_port.to_string())
        .put("port_https", Tree::Int(node.https_port.into()))
        .put("port_omq", Tree::Int(node.omq_port.into()))
        .put("port_quic", Tree::Int(node.omq_port.into()))
        .put(
            "pubkey_ed25519",
            Tree::Hex(node.ed25519.as_bytes().to_vec()),
        )
        .put("pubkey_legacy", Tree::Hex(node.legacy.as_bytes().to_vec()))
        .put("pubkey_x25519", Tree::Hex(node.x25519.as_bytes().to_vec()))
        .finish()
}
