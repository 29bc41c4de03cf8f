//! The immutable list of nodes and its indexes.

use std::collections::BTreeMap;

use session_types::{
    Ed25519PublicKey, LegacyPublicKey, NodeContact, NodeVersion, SwarmId, SwarmPubkey,
    nearest_swarm,
};

use crate::RegistryError;

/// Every node of the network at one moment, with lookups by key and by swarm.
///
/// Nodes are kept in the order of their primary (legacy) keys, which is also the order in which
/// they are shown and in which swarms are assigned (docs/protocol/node.md section 4.2).
#[derive(Debug, Clone)]
pub struct NodeList {
    tip: ChainTip,
    nodes: Vec<RegisteredNode>,
    by_ed25519: Vec<(Ed25519PublicKey, usize)>,
    swarm_ids: Vec<SwarmId>,
    members: BTreeMap<SwarmId, Vec<usize>>,
}

impl NodeList {
    /// Indexes `nodes`.
    ///
    /// # Errors
    /// [`RegistryError::DuplicateKey`] when two nodes share a primary or an Ed25519 key.
    pub fn new(tip: ChainTip, mut nodes: Vec<RegisteredNode>) -> Result<Self, RegistryError> {
        nodes.sort_by_key(|node| node.contact.legacy);
        if has_equal_neighbours(nodes.iter().map(|node| node.contact.legacy)) {
            return Err(RegistryError::DuplicateKey("primary"));
        }
        let mut by_ed25519: Vec<_> = nodes
            .iter()
            .enumerate()
            .map(|(i, node)| (node.contact.ed25519, i))
            .collect();
        by_ed25519.sort_unstable();
        if has_equal_neighbours(by_ed25519.iter().map(|(key, _)| *key)) {
            return Err(RegistryError::DuplicateKey("ed25519"));
        }
        let mut members: BTreeMap<SwarmId, Vec<usize>> = BTreeMap::new();
        for (i, node) in nodes.iter().enumerate() {
            if node.serves_swarm() {
                members.entry(node.contact.swarm).or_default().push(i);
            }
        }
        let swarm_ids = members.keys().copied().collect();
        Ok(Self {
            tip,
            nodes,
            by_ed25519,
            swarm_ids,
            members,
        })
    }

    /// A list without nodes.
    #[must_use]
    pub fn empty(tip: ChainTip) -> Self {
        Self {
            tip,
            nodes: Vec::new(),
            by_ed25519: Vec::new(),
            swarm_ids: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// The newest block this list belongs to.
    #[must_use]
    pub const fn tip(&self) -> &ChainTip {
        &self.tip
    }

    /// Height of that block.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.tip.height
    }

    /// Hard fork and revision in force; every node answer carries them as `hf`.
    #[must_use]
    pub const fn hardfork(&self) -> Hardfork {
        self.tip.hardfork
    }

    /// All nodes, in the order of their primary keys.
    #[must_use]
    pub fn nodes(&self) -> &[RegisteredNode] {
        &self.nodes
    }

    /// The node with this Ed25519 key.
    #[must_use]
    pub fn get(&self, key: &Ed25519PublicKey) -> Option<&RegisteredNode> {
        let at = self
            .by_ed25519
            .binary_search_by(|(other, _)| other.cmp(key))
            .ok()?;
        let (_, index) = self.by_ed25519.get(at)?;
        self.nodes.get(*index)
    }

    /// The node with this primary key.
    #[must_use]
    pub fn get_by_legacy(&self, key: &LegacyPublicKey) -> Option<&RegisteredNode> {
        let at = self
            .nodes
            .binary_search_by(|node| node.contact.legacy.cmp(key))
            .ok()?;
        self.nodes.get(at)
    }

    /// Swarms with at least one active node, ascending.
    #[must_use]
    pub fn swarm_ids(&self) -> &[SwarmId] {
        &self.swarm_ids
    }

    /// The swarm that keeps this owner's messages (docs/protocol/node.md section 3.2); `None`
    /// when there is no swarm at all.
    #[must_use]
    pub fn swarm_of(&self, owner: &SwarmPubkey) -> Option<SwarmId> {
        nearest_swarm(&self.swarm_ids, owner.position())
    }

    /// The active nodes of a swarm, in the order of their primary keys.
    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &RegisteredNode> {
        let indexes = self
            .members
            .get(&swarm)
            .map(Vec::as_slice)
            .unwrap_or_default();
        indexes.iter().filter_map(|i| self.nodes.get(*i))
    }
}

/// One node with what the chain says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredNode {
    /// Keys, address and swarm.
    pub contact: NodeContact,
    /// Storage server version of its last proof.
    pub version: NodeVersion,
    /// Fully staked and not decommissioned.
    pub active: bool,
    /// Fully staked. Nodes that are not take no part in anything.
    pub funded: bool,
    /// Height at which its stake unlocks; 0 when nobody asked for that.
    pub requested_unlock_height: u64,
}

impl RegisteredNode {
    /// A node in full service.
    #[must_use]
    pub const fn active(contact: NodeContact, version: NodeVersion) -> Self {
        Self {
            contact,
            version,
            active: true,
            funded: true,
            requested_unlock_height: 0,
        }
    }

    /// Whether keys, address and port are all known and usable. Lists contain nodes that have
    /// not sent a proof yet: their address is `0.0.0.0`, their port 0 or a key all zero.
    #[must_use]
    pub fn has_complete_contact(&self) -> bool {
        let contact = &self.contact;
        !contact.ip.is_unspecified()
            && !contact.ip.is_broadcast()
            && contact.https_port != 0
            && contact.ed25519.as_bytes() != &[0; 32]
            && contact.x25519.as_bytes() != &[0; 32]
    }

    /// Whether this node counts as a member of its swarm.
    #[must_use]
    pub fn serves_swarm(&self) -> bool {
        self.active && self.funded && self.contact.swarm.is_assigned()
    }
}

/// The newest block, as far as nodes and clients care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainTip {
    /// Index of the newest block, not the number of blocks.
    pub height: u64,
    /// Its hash; a list with another content must come with another hash, since
    /// `poll_block_hash` answers "unchanged" by it.
    pub block_hash: [u8; 32],
    /// Hard fork in force.
    pub hardfork: Hardfork,
}

impl ChainTip {
    /// A block of a network without a chain: the hash is the height, little-endian, then zeros.
    #[must_use]
    pub fn at_height(height: u64) -> Self {
        let mut block_hash = [0; 32];
        for (slot, byte) in block_hash.iter_mut().zip(height.to_le_bytes()) {
            *slot = byte;
        }
        Self {
            height,
            block_hash,
            hardfork: Hardfork::CURRENT,
        }
    }

    /// Seed of the swarm assignment: the first eight bytes of the hash, little-endian
    /// (docs/protocol/node.md section 4.3).
    #[must_use]
    pub fn swarm_seed(&self) -> u64 {
        self.block_hash
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// Hard fork number and revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hardfork {
    /// The fork, `hardfork` in node lists.
    pub major: u16,
    /// The revision within it, `snode_revision` in node lists.
    pub revision: u16,
}

impl Hardfork {
    /// 19.4, the first with every storage feature in use: what networks without a chain report.
    pub const CURRENT: Self = Self {
        major: 19,
        revision: 4,
    };

    /// `[major, revision]`, the form of `hf` in node answers.
    #[must_use]
    pub const fn as_pair(self) -> [u16; 2] {
        [self.major, self.revision]
    }
}

fn has_equal_neighbours<T: PartialEq>(sorted: impl Iterator<Item = T> + Clone) -> bool {
    sorted.clone().zip(sorted.skip(1)).any(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use session_types::X25519PublicKey;

    use super::*;

    fn node(n: u8, swarm: u64) -> RegisteredNode {
        let contact = NodeContact {
            ed25519: Ed25519PublicKey::new([255 - n; 32]),
            x25519: X25519PublicKey::new([n; 32]),
            legacy: LegacyPublicKey::new([n; 32]),
            ip: Ipv4Addr::LOCALHOST,
            https_port: 22_021,
            omq_port: 22_020,
            swarm: SwarmId::new(swarm),
        };
        RegisteredNode::active(contact, NodeVersion([2, 11, 0]))
    }

    fn list(nodes: Vec<RegisteredNode>) -> NodeList {
        NodeList::new(ChainTip::at_height(7), nodes).unwrap()
    }

    #[test]
    fn lookups_by_both_keys() {
        let list = list(vec![node(9, 100), node(3, 100), node(5, 200)]);
        let order: Vec<u8> = list
            .nodes()
            .iter()
            .map(|n| n.contact.legacy.as_bytes()[0])
            .collect();
        assert_eq!(order, [3, 5, 9]);
        for n in [3u8, 5, 9] {
            let by_ed = list.get(&Ed25519PublicKey::new([255 - n; 32])).unwrap();
            assert_eq!(by_ed.contact.legacy, LegacyPublicKey::new([n; 32]));
            assert_eq!(
                list.get_by_legacy(&LegacyPublicKey::new([n; 32])),
                Some(by_ed)
            );
        }
        assert!(list.get(&Ed25519PublicKey::new([1; 32])).is_none());
        assert!(list.get_by_legacy(&LegacyPublicKey::new([1; 32])).is_none());
    }

    #[test]
    fn only_active_funded_assigned_nodes_make_swarms() {
        let mut inactive = node(2, 200);
        inactive.active = false;
        let mut unfunded = node(3, 300);
        unfunded.funded = false;
        let list = list(vec![
            node(1, 100),
            inactive,
            unfunded,
            node(4, u64::MAX),
            node(5, 100),
        ]);
        assert_eq!(list.swarm_ids(), [SwarmId::new(100)]);
        let members: Vec<u8> = list
            .members(SwarmId::new(100))
            .map(|n| n.contact.legacy.as_bytes()[0])
            .collect();
        assert_eq!(members, [1, 5]);
        assert_eq!(list.members(SwarmId::new(200)).count(), 0);
        assert_eq!(list.members(SwarmId::UNASSIGNED).count(), 0);
        assert_eq!(
            list.swarm_of(&SwarmPubkey::new(5, [1; 32])),
            Some(SwarmId::new(100))
        );
        assert_eq!(
            NodeList::empty(ChainTip::at_height(0)).swarm_of(&SwarmPubkey::new(5, [1; 32])),
            None
        );
    }

    #[test]
    fn duplicate_keys_are_refused() {
        let refused = |nodes| NodeList::new(ChainTip::at_height(0), nodes).unwrap_err();
        assert_eq!(
            refused(vec![node(1, 0), node(1, 0)]),
            RegistryError::DuplicateKey("primary")
        );
        let mut other = node(2, 0);
        other.contact.ed25519 = node(1, 0).contact.ed25519;
        assert_eq!(
            refused(vec![node(1, 0), other]),
            RegistryError::DuplicateKey("ed25519")
        );
    }

    #[test]
    fn completeness_needs_every_part() {
        assert!(node(1, 0).has_complete_contact());
        let spoil: [fn(&mut NodeContact); 5] = [
            |c| c.ip = Ipv4Addr::UNSPECIFIED,
            |c| c.ip = Ipv4Addr::BROADCAST,
            |c| c.https_port = 0,
            |c| c.ed25519 = Ed25519PublicKey::new([0; 32]),
            |c| c.x25519 = X25519PublicKey::new([0; 32]),
        ];
        for change in spoil {
            let mut node = node(1, 0);
            change(&mut node.contact);
            assert!(!node.has_complete_contact(), "{:?}", node.contact);
        }
    }

    #[test]
    fn swarm_seed_is_little_endian() {
        let tip = ChainTip::at_height(0x0102_0304);
        assert_eq!(tip.swarm_seed(), 0x0102_0304);
        assert_eq!(tip.block_hash[..5], [4, 3, 2, 1, 0]);
    }
}
