//! Which nodes carry the requests (docs/protocol/traffic-analysis.md section 3).

use std::collections::BTreeSet;

use session_core::Event;
use session_net::{PathStatus, Route};
use session_types::Ed25519PublicKey;

use crate::support::{Actor, Net, run};

/// The roads of everything an actor did so far.
fn roads(actor: &Actor) -> Vec<Route> {
    let events = actor.log().events();
    let roads = events.iter().filter_map(|event| match event {
        Event::MessageSent(sent) => Some(sent.route.clone()),
        Event::SyncCopyStored { route, .. } | Event::Polled { route, .. } => {
            Some((**route).clone())
        }
        _ => None,
    });
    roads.collect()
}

fn keys(roads: &[Route], of: impl Fn(&Route) -> Ed25519PublicKey) -> BTreeSet<Ed25519PublicKey> {
    roads.iter().map(of).collect()
}

#[test]
fn one_guard_for_everything_and_after_every_restart() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 1).await;
        for round in 0..4 {
            alice.send(&bob, &format!("{round}")).await;
            bob.receive(1).await;
            alice.next_poll_road().await;
            let PathStatus::Connected { guard, backup, .. } = alice.account().network().status()
            else {
                panic!("not connected");
            };
            assert!(!backup);
            let guards = keys(&roads(&alice), |route| route.guard.ed25519);
            assert_eq!(guards, BTreeSet::from([guard.ed25519]), "round {round}");
            alice.restart().await;
        }
        // Few second hops, however often paths are built anew.
        let middles = keys(&roads(&alice), |route| route.middle.ed25519);
        assert!(middles.len() <= 4, "{}", middles.len());
    });
}

#[test]
fn the_guard_survives_a_crash() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let guard = alice.next_poll_road().await.guard.ed25519;
        for _ in 0..3 {
            alice.crash();
            alice.open().await;
            assert_eq!(alice.next_poll_road().await.guard.ed25519, guard);
        }
    });
}

#[test]
fn every_purpose_has_its_own_exit_outside_both_swarms() {
    run(async {
        // With everybody in one swarm the other swarm's six nodes can be guards and exits.
        let net = Net::shared().await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let bob = Actor::in_swarm(&net, "bob", 0).await;
        let carol = Actor::in_swarm(&net, "carol", 0).await;
        let mut to_bob = Vec::new();
        let mut to_carol = Vec::new();
        for i in 0..4 {
            to_bob.push(alice.send(&bob, &format!("{i}")).await.route);
            to_carol.push(alice.send(&carol, &format!("{i}")).await.route);
        }
        let own: Vec<Route> = {
            alice.next_poll_road().await;
            let events = alice.log().events();
            let own = events.iter().filter_map(|event| match event {
                Event::SyncCopyStored { route, .. } | Event::Polled { route, .. } => {
                    Some((**route).clone())
                }
                _ => None,
            });
            own.collect()
        };
        // A path that fails is replaced, and its exit is free for others then: compared are those
        // in use at the end.
        let exits = [&own, &to_bob, &to_carol].map(|roads| roads.last().unwrap().exit.ed25519);
        let distinct = BTreeSet::from(exits);
        assert_eq!(distinct.len(), 3, "{exits:?}");
        let swarm = net.swarm(alice.id());
        for route in own.iter().chain(&to_bob).chain(&to_carol) {
            let hops = [&route.guard, &route.middle, &route.exit];
            let distinct: BTreeSet<_> = hops.iter().map(|node| node.ed25519).collect();
            assert_eq!(distinct.len(), 3);
            assert!(!distinct.contains(&route.destination.ed25519));
            assert!(swarm.contains(&net.index_of(&route.destination.ed25519)));
            assert!(!swarm.contains(&net.index_of(&route.guard.ed25519)));
            assert!(!swarm.contains(&net.index_of(&route.exit.ed25519)));
        }
        // Three members are polled in turn, no others.
        let polled = keys(&own, |route| route.destination.ed25519);
        assert!(polled.len() <= 6);
    });
}
