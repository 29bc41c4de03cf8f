//! `vectors/swarm.json`: which swarm an owner belongs to, asked of a real node list.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::net::Ipv4Addr;

use serde::Deserialize;
use session_registry::{ChainTip, NodeList, RegisteredNode};
use session_types::{
    Ed25519PublicKey, LegacyPublicKey, NodeContact, NodeVersion, SwarmId, SwarmPubkey,
    X25519PublicKey,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    pubkey_no_prefix: Ed25519PublicKey,
    swarm_space: String,
    swarm_ids: Vec<String>,
    chosen: String,
}

fn read(name: &str) -> File {
    serde_json::from_str(&session_test_support::vectors::read(name)).unwrap()
}

/// One active node in each swarm.
fn list_of(swarms: &[SwarmId]) -> NodeList {
    let nodes = (1u8..).zip(swarms).map(|(n, swarm)| {
        let contact = NodeContact {
            ed25519: Ed25519PublicKey::new([n; 32]),
            x25519: X25519PublicKey::new([n; 32]),
            legacy: LegacyPublicKey::new([n; 32]),
            ip: Ipv4Addr::LOCALHOST,
            https_port: 22_021,
            omq_port: 22_020,
            swarm: *swarm,
        };
        RegisteredNode::active(contact, NodeVersion([2, 11, 0]))
    });
    NodeList::new(ChainTip::at_height(1), nodes.collect()).unwrap()
}

#[test]
fn swarm_of_every_owner() {
    let file = read("swarm.json");
    assert!(!file.cases.is_empty());
    for case in file.cases {
        let ids: Vec<SwarmId> = case
            .swarm_ids
            .iter()
            .map(|id| SwarmId::new(id.parse().unwrap()))
            .collect();
        let list = list_of(&ids);
        assert_eq!(list.swarm_ids(), ids);
        for prefix in [3, 5] {
            let owner = SwarmPubkey::new(prefix, *case.pubkey_no_prefix.as_bytes());
            assert_eq!(owner.position().get().to_string(), case.swarm_space);
            assert_eq!(
                list.swarm_of(&owner).unwrap().get().to_string(),
                case.chosen
            );
        }
    }
}
