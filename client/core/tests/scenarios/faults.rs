//! Nodes die while people write.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha20Rng;
use session_net::PathStatus;

use crate::support::actor::{all_sent, bodies, facts};
use crate::support::{Actor, Net, run};

/// Messages of one person before and after the nodes die.
const BEFORE: usize = 10;
const AFTER: usize = 20;
const BOTH: usize = 2 * (BEFORE + AFTER);

/// The guard somebody uses at the moment.
fn guard(net: &Net, actor: &Actor) -> usize {
    match actor.account().network().status() {
        PathStatus::Connected { guard, .. } => net.index_of(&guard.ed25519),
        other => panic!("not connected: {other:?}"),
    }
}

/// `count` nodes with `first` among them.
fn three_with(first: &[usize], rng: &mut ChaCha20Rng) -> Vec<usize> {
    let mut chosen: BTreeSet<usize> = first.iter().copied().collect();
    while chosen.len() < 3 {
        chosen.insert(*(0..12).collect::<Vec<_>>().choose(rng).unwrap());
    }
    chosen.into_iter().collect()
}

async fn three_die(seed: u64, choose: impl Fn(usize, &Net, &Actor, &Actor) -> Vec<usize>) {
    let mut net = Net::start(seed).await;
    let mut alice = Actor::in_swarm(&net, "alice", 0).await;
    let mut bob = Actor::in_swarm(&net, "bob", 1).await;
    alice.send(&bob, "hello").await;
    bob.receive(1).await;
    bob.send(&alice, "hello").await;
    alice.receive(1).await;
    let mut messages = 2;
    let [first, second] = net.swarms();

    for round in 0..2 {
        let queue = async |alice: &mut Actor, bob: &mut Actor, range: core::ops::Range<usize>| {
            for i in range {
                alice.write(bob.id(), &format!("a {round} {i}")).await;
                bob.write(alice.id(), &format!("b {round} {i}")).await;
            }
        };
        queue(&mut alice, &mut bob, 0..BEFORE).await;
        let dead = choose(round, &net, &alice, &bob);
        assert_eq!(dead.len(), 3);
        net.kill(&dead);
        queue(&mut alice, &mut bob, BEFORE..BEFORE + AFTER).await;
        messages += BOTH;

        // Both sides go on, nothing is lost, and the order is kept.
        let at_alice = alice.until_history(bob.id(), messages).await;
        let at_bob = bob.until_history(alice.id(), messages).await;
        assert_eq!(facts(&at_alice), facts(&at_bob), "round {round}");
        for writer in ["a", "b"] {
            let found: Vec<_> = bodies(&at_bob)
                .into_iter()
                .filter(|body| body.starts_with(&format!("{writer} {round} ")))
                .collect();
            let expected: Vec<_> = (0..BEFORE + AFTER)
                .map(|i| format!("{writer} {round} {i}"))
                .collect();
            assert_eq!(found, expected);
        }
        for actor in [&alice, &bob] {
            actor.until_outbox_empty().await;
            actor.assert_tidy();
        }
        assert!(all_sent(&alice.history(bob.id()).await));
        assert!(all_sent(&bob.history(alice.id()).await));

        // Those who were away get what they missed: each message is in the swarm of its
        // recipient and, as a copy, in the swarm of its writer, once.
        net.restart(&dead).await;
        let count = u64::try_from(messages).unwrap();
        // Alice was told once that bob accepts her.
        net.until_held(&first, count + 1).await;
        net.until_held(&second, count).await;
    }
    // Somebody new reads everything from nodes of which some were away.
    let bob2 = bob.second_device().await;
    let restored = bob2.until_history(alice.id(), messages).await;
    assert_eq!(facts(&restored), facts(&bob.history(alice.id()).await));
    net.shutdown().await;
}

#[test]
fn the_guards_in_use_may_die() {
    run(three_die(20, |round, net, alice, bob| {
        let guards = [guard(net, alice), guard(net, bob)];
        let mut rng = ChaCha20Rng::seed_from_u64(200 + u64::try_from(round).unwrap());
        three_with(&guards, &mut rng)
    }));
}

#[test]
fn half_a_swarm_may_die() {
    // First members of the one swarm, then of the other.
    run(three_die(21, |round, net, _, _| {
        let mut rng = ChaCha20Rng::seed_from_u64(210 + u64::try_from(round).unwrap());
        let members = &net.swarms()[round];
        members.sample(&mut rng, 3).copied().collect()
    }));
}

#[test]
fn any_three_nodes_may_die() {
    // Another choice each time; the failure's output says which.
    let seed: u64 = rand::random();
    eprintln!("nodes are chosen with seed {seed}");
    run(three_die(22, move |round, _, _, _| {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ u64::try_from(round).unwrap());
        three_with(&[], &mut rng)
    }));
}
