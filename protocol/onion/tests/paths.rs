//! Which paths the manager makes, against simulated networks in virtual time.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of a test file"
)]

#[path = "support/world.rs"]
mod world;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use proptest::prelude::*;
use session_onion::paths::{
    Operator, Outcome, PathConfig, PathError, PathRequest, PathStatus, Purpose,
};
use world::{
    HOUR, MINUTE, SECOND, START, World, assert_sound, contact, internet, key, lookup, loopback,
    node, purpose_of,
};

#[derive(Debug, Clone)]
struct Step {
    purpose: u8,
    destination: Option<usize>,
    swarm: Vec<usize>,
    outcome: u8,
    named: usize,
    wait_ms: u64,
}

fn step(nodes: usize) -> impl Strategy<Value = Step> {
    (
        0..12u8,
        proptest::option::of(0..nodes),
        proptest::collection::vec(0..nodes, 0..8),
        0..9u8,
        0..nodes,
        0..2_000_000u64,
    )
        .prop_map(
            |(purpose, destination, swarm, outcome, named, wait_ms)| Step {
                purpose,
                destination,
                swarm,
                outcome,
                named,
                wait_ms,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens on them: paths are three distinct nodes without the destination, and
    /// there always is one.
    #[test]
    fn paths_are_always_sound(
        (count, steps) in (4..70usize)
            .prop_flat_map(|count| (Just(count), proptest::collection::vec(step(count), 1..120))),
        own in proptest::collection::vec(0..70usize, 0..10),
        spread in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let nodes = if spread { internet(count) } else { loopback(count) };
        let mut world = World::new(nodes, PathConfig::default(), seed);
        let own: Vec<_> = own.into_iter().map(key).collect();
        world.manager.set_own_swarm(&own);
        for step in steps {
            let swarm: Vec<_> = step.swarm.iter().copied().map(key).collect();
            let destination = step.destination.map(key);
            let request = PathRequest {
                purpose: purpose_of(step.purpose),
                destination,
                destination_swarm: &swarm,
            };
            match world.manager.path(&request, world.now, &mut world.rng) {
                Ok(path) => {
                    assert_sound(&path, destination);
                    let outcome = match step.outcome {
                        0..=2 => Outcome::Success,
                        3 => Outcome::Timeout,
                        4 => Outcome::GuardUnreachable,
                        5 => Outcome::NodeNotFound(path.hops[1 + step.named % 2].ed25519),
                        6 => Outcome::NodeUnreachable(key(step.named)),
                        7 => Outcome::PathError(500),
                        _ => Outcome::BadReply,
                    };
                    world.manager.report(path.id, outcome, world.now);
                }
                // A large network keeps its rules even when nothing is left that follows them.
                Err(error) => prop_assert!(count >= 50, "{error} with {count} nodes"),
            }
            world.now = world.now.plus(Duration::from_millis(step.wait_ms));
        }
    }
}

#[test]
fn too_few_nodes_are_reported() {
    let mut world = World::new(loopback(3), PathConfig::default(), 1);
    assert_sound(&world.path(&lookup()), None);
    let request = PathRequest {
        destination: Some(key(0)),
        ..lookup()
    };
    assert_eq!(
        world.manager.path(&request, START, &mut world.rng),
        Err(PathError::NoNodes { have: 3, need: 4 })
    );
    world.manager.set_pool(&[], START, &mut world.rng);
    assert_eq!(
        world.manager.status(START),
        PathStatus::NoNodes { have: 0, need: 3 }
    );
}

#[test]
fn purposes_do_not_share_a_third_hop() {
    for (nodes, purposes) in [(internet(200), 60), (loopback(20), 9)] {
        let mut world = World::new(nodes, PathConfig::default(), 5);
        let mut thirds = BTreeMap::new();
        let mut guards = BTreeSet::new();
        for i in 0..purposes {
            let request = PathRequest {
                purpose: purpose_of(i),
                ..lookup()
            };
            let path = world.path(&request);
            guards.insert(path.guard().ed25519);
            assert_eq!(
                thirds.insert(path.hops[2].ed25519, i),
                None,
                "shared by purpose {i}"
            );
            // The same purpose keeps its path.
            assert_eq!(world.path(&request), path);
        }
        assert_eq!(guards.len(), 1, "one guard for all purposes");
    }
}

#[test]
fn diversity_on_a_full_sized_network() {
    // Ten nodes to a /16, operators with five nodes each across networks.
    let nodes: Vec<_> = (0..300)
        .map(|i| node(i, Ipv4Addr::new(10, (i / 10) as u8, 0, 1)))
        .collect();
    let operator = |i: usize| i % 60;
    let operators = (0..300)
        .map(|i| {
            (
                key(i),
                BTreeSet::from([Operator::new(operator(i).to_string())]),
            )
        })
        .collect();
    let index: BTreeMap<_, _> = (0..300).map(|i| (key(i), i)).collect();
    let mut world = World::new(nodes, PathConfig::default(), 6);
    world.manager.set_operators(operators);
    let own: Vec<_> = (0..7).map(key).collect();
    world.manager.set_own_swarm(&own);
    for i in 0..500usize {
        let swarm: Vec<_> = (i % 40 * 7..i % 40 * 7 + 7).map(key).collect();
        let destination = swarm[i % 7];
        let request = PathRequest {
            purpose: contact(u8::try_from(i % 250).unwrap()),
            destination: Some(destination),
            destination_swarm: &swarm,
        };
        let path = world.path(&request);
        assert_sound(&path, Some(destination));
        let hops = path.hops.each_ref().map(|hop| index[&hop.ed25519]);
        let networks: BTreeSet<_> = hops.iter().map(|i| i / 10).collect();
        assert_eq!(networks.len(), 3);
        let operators: BTreeSet<_> = hops.iter().map(|i| operator(*i)).collect();
        assert_eq!(operators.len(), 3);
        for end in [&path.hops[0], &path.hops[2]] {
            assert!(!own.contains(&end.ed25519) && !swarm.contains(&end.ed25519));
        }
        world.manager.report(path.id, Outcome::Success, world.now);
        world.now = world.now.plus(MINUTE * 3);
    }
}

#[test]
fn paths_age() {
    let mut world = World::new(internet(200), PathConfig::default(), 9);
    for (purpose, age) in [
        (contact(1), MINUTE * 10),
        (Purpose::Files, MINUTE * 10),
        (Purpose::OwnSwarm, HOUR),
    ] {
        let request = PathRequest {
            purpose,
            ..lookup()
        };
        world.now = START;
        let first = world.path(&request);
        world.now = START.plus(age).minus(Duration::from_millis(1));
        assert_eq!(world.path(&request).id, first.id);
        world.now = START.plus(age);
        let second = world.path(&request);
        assert_ne!(second.id, first.id);
        assert_eq!(second.guard(), first.guard());
        world.manager.renew(Some(&request.purpose));
        assert_ne!(world.path(&request).id, second.id);
    }
}

#[test]
fn destination_faults_do_not_count_and_strangers_are_not_believed() {
    let mut world = World::new(internet(200), PathConfig::default(), 12);
    let destination = Some(key(150));
    let request = PathRequest {
        purpose: contact(1),
        destination,
        destination_swarm: &[],
    };
    let path = world.path(&request);
    for _ in 0..50 {
        world
            .manager
            .report(path.id, Outcome::DestinationFault, world.now);
        assert_eq!(world.path(&request).id, path.id);
    }
    // The destination itself unreachable: not the path's fault either.
    for _ in 0..3 {
        world
            .manager
            .report(path.id, Outcome::NodeUnreachable(key(150)), world.now);
        assert_eq!(world.path(&request).id, path.id);
    }
    // A node nobody asked for counts against those who named it.
    let stranger = (0..200)
        .map(key)
        .find(|key| path.hops.iter().all(|hop| hop.ed25519 != *key) && *key != self::key(150))
        .unwrap();
    for _ in 0..3 {
        world
            .manager
            .report(path.id, Outcome::NodeNotFound(stranger), world.now);
        world.now = world.now.plus(SECOND * 5);
    }
    assert_ne!(world.path(&request).id, path.id);
}

#[test]
fn a_path_ends_after_three_unclear_failures_but_not_in_one_burst() {
    let mut world = World::new(internet(200), PathConfig::default(), 13);
    let path = world.path(&lookup());
    for _ in 0..20 {
        world.manager.report(path.id, Outcome::Timeout, world.now);
    }
    assert_eq!(
        world.path(&lookup()).id,
        path.id,
        "one burst is one failure"
    );
    for _ in 0..2 {
        world.now = world.now.plus(SECOND * 10);
        world.manager.report(path.id, Outcome::Timeout, world.now);
    }
    let next = world.path(&lookup());
    assert_ne!(next.id, path.id);
    assert_ne!(next.hops[2], path.hops[2], "the third hop was struck out");
}

#[test]
fn a_named_node_is_replaced_at_once() {
    let mut world = World::new(internet(200), PathConfig::default(), 14);
    for hop in [1, 2] {
        let path = world.path(&lookup());
        let named = path.hops[hop].ed25519;
        world
            .manager
            .report(path.id, Outcome::NodeNotFound(named), world.now);
        for i in 0..50 {
            let request = PathRequest {
                purpose: contact(i),
                ..lookup()
            };
            let next = world.path(&request);
            assert!(next.hops.iter().all(|hop| hop.ed25519 != named));
            assert_eq!(next.guard(), path.guard());
        }
    }
    // A fresh list is a fresh chance.
    let nodes = world.nodes.clone();
    world.manager.set_pool(&nodes, world.now, &mut world.rng);
    assert_sound(&world.path(&lookup()), None);
}

#[test]
fn changes_to_be_stored_are_announced() {
    let mut world = World::new(internet(200), PathConfig::default(), 16);
    assert!(world.manager.take_dirty(), "the sample is new");
    assert!(!world.manager.take_dirty());
    let path = world.path(&lookup());
    assert!(world.manager.take_dirty(), "second hops were pinned");
    world.manager.report(path.id, Outcome::Success, world.now);
    assert!(world.manager.take_dirty(), "the guard is confirmed");
    world.manager.report(path.id, Outcome::Success, world.now);
    world.path(&lookup());
    assert!(!world.manager.take_dirty());
}

#[test]
fn outer_answers_become_outcomes() {
    let named = key(5);
    let cases = [
        (200, String::new(), None),
        (
            502,
            format!("Next node not found: {named}"),
            Some(Outcome::NodeNotFound(named)),
        ),
        (
            502,
            format!("Next node is currently unreachable: {named}"),
            Some(Outcome::NodeUnreachable(named)),
        ),
        (
            503,
            format!("Snode not ready: {named}"),
            Some(Outcome::NodeUnreachable(named)),
        ),
        (
            503,
            "Service node is not ready: x".into(),
            Some(Outcome::GuardUnreachable),
        ),
        (
            503,
            "Server busy, try again later".into(),
            Some(Outcome::GuardUnreachable),
        ),
        (
            504,
            "Request time out".into(),
            Some(Outcome::PathError(504)),
        ),
        (500, "anything".into(), Some(Outcome::PathError(500))),
    ];
    for (status, body, outcome) in cases {
        assert_eq!(
            Outcome::from_outer(status, body.as_bytes()),
            outcome,
            "{status} {body}"
        );
    }
}
