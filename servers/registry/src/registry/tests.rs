use core::time::Duration;
use std::net::Ipv4Addr;

use session_types::{Ed25519PublicKey, NodeContact, NodeVersion, X25519PublicKey};

use super::*;
use crate::ChainTip;

const MINUTE: Duration = Duration::from_secs(60);
const START: Timestamp = Timestamp::from_ms(1_700_000_000_000);

fn node(n: u8) -> LegacyPublicKey {
    LegacyPublicKey::new([n; 32])
}

fn list(height: u64, nodes: core::ops::RangeInclusive<u8>) -> NodeList {
    let nodes = nodes.map(|n| {
        let contact = NodeContact {
            ed25519: Ed25519PublicKey::new([n; 32]),
            x25519: X25519PublicKey::new([n; 32]),
            legacy: node(n),
            ip: Ipv4Addr::LOCALHOST,
            https_port: 22_021,
            omq_port: 22_020,
            swarm: SwarmId::new(7),
        };
        RegisteredNode::active(contact, NodeVersion([2, 11, 0]))
    });
    NodeList::new(ChainTip::at_height(height), nodes.collect()).unwrap()
}

fn report(registry: &StaticRegistry, n: u8, passed: bool, minute: u32) {
    registry.report_peer(PeerReport {
        node: node(n),
        passed,
        at: START.plus(MINUTE * minute),
    });
}

fn fail_for_long(registry: &StaticRegistry, n: u8) {
    for minute in (0..=70).step_by(5) {
        report(registry, n, false, minute);
    }
}

fn members(registry: &StaticRegistry) -> Vec<LegacyPublicKey> {
    let list = registry.snapshot();
    list.members(SwarmId::new(7))
        .map(|node| node.contact.legacy)
        .collect()
}

#[test]
fn replacing_shows_the_new_list_and_wakes_watchers() {
    let registry = StaticRegistry::new(NodeList::empty(ChainTip::at_height(1)));
    let mut watcher = registry.changed();
    let before = registry.snapshot();
    assert!(!watcher.has_changed().unwrap());
    registry.replace(NodeList::empty(ChainTip::at_height(2)));
    assert!(watcher.has_changed().unwrap());
    assert_eq!(*watcher.borrow_and_update(), 1);
    assert_eq!(registry.snapshot().height(), 2);
    assert_eq!(before.height(), 1, "a snapshot never changes");
}

#[test]
fn unreachable_nodes_are_named_and_stay_in_their_swarm() {
    let registry = StaticRegistry::new(list(1, 1..=3));
    let watcher = registry.changed();
    fail_for_long(&registry, 2);
    report(&registry, 9, false, 0);
    report(&registry, 9, false, 70);
    let now = START.plus(MINUTE * 71);
    assert_eq!(registry.unreachable(now), [node(2)], "9 is in no list");
    assert_eq!(members(&registry), [node(1), node(2), node(3)]);
    assert!(!watcher.has_changed().unwrap());
    registry.replace(list(2, 3..=4));
    assert!(registry.unreachable(now).is_empty());
}

#[test]
fn where_wished_they_leave_service_and_come_back() {
    let consequence = Consequence::Decommission { keep: 2 };
    let registry =
        StaticRegistry::with_liveness(list(1, 1..=3), LivenessRules::default(), consequence);
    let mut watcher = registry.changed();
    let before = registry.snapshot();
    fail_for_long(&registry, 2);
    assert!(watcher.has_changed().unwrap());
    watcher.mark_unchanged();
    assert_eq!(members(&registry), [node(1), node(3)]);
    let shown = registry.snapshot();
    let gone = shown.get_by_legacy(&node(2)).unwrap();
    assert!(!gone.active && gone.funded);
    assert_eq!(gone.contact.swarm, SwarmId::UNASSIGNED);
    assert_ne!(shown.tip().block_hash, before.tip().block_hash);
    assert_eq!(shown.tip().swarm_seed(), before.tip().swarm_seed());

    // The swarm keeps two members, whatever is said about them.
    fail_for_long(&registry, 1);
    assert_eq!(members(&registry), [node(1), node(3)]);
    assert!(!watcher.has_changed().unwrap());
    // Another list does not bring it back, nor does silence; a test does.
    registry.replace(list(2, 1..=4));
    assert_eq!(members(&registry), [node(1), node(3), node(4)]);
    report(&registry, 3, true, 300);
    assert_eq!(members(&registry), [node(1), node(3), node(4)]);
    report(&registry, 2, true, 301);
    assert_eq!(members(&registry), [node(1), node(2), node(3), node(4)]);
    assert_ne!(
        registry.snapshot().tip().block_hash,
        list(2, 1..=4).tip().block_hash,
        "the list of this hash was another one in between"
    );
}
