//! What the client remembers of the network is no longer true.

use serde_json::json;
use session_devnet::{Devnet, DevnetOptions};
use session_registry::{NodeList, Registry as _};
use session_types::SwarmPubkey;

use crate::support::actor::{bodies, facts, seed_in};
use crate::support::clock::real_time;
use crate::support::{Actor, Device, Doorway, Net, run};

/// Makes the account believe that the members of the wrong swarm keep `owner`'s messages.
fn mislead(actor: &Actor, net: &Net, owner: SwarmPubkey) {
    let right = net.devnet.swarm_of(&owner);
    let nodes = net.devnet.nodes();
    let wrong: Vec<_> = nodes
        .iter()
        .filter(|node| !right.contains(&node.index))
        .map(|node| &node.contact)
        .collect();
    let json = json!({ "nodes": wrong, "learned_at": real_time() });
    let mut store = actor.store();
    store
        .save_swarm(&owner, &json.to_string(), real_time())
        .unwrap();
}

#[test]
fn wrong_members_in_the_cache_are_corrected() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 1).await;
        alice.send(&bob, "one").await;
        bob.send(&alice, "two").await;
        alice.receive(1).await;

        alice.close().await;
        mislead(&alice, &net, SwarmPubkey::from(alice.id()));
        mislead(&alice, &net, SwarmPubkey::from(bob.id()));
        let wrong_before = wrong_swarm_answers(&net).await;
        alice.open().await;
        let sent = alice.send(&bob, "three").await;
        assert_eq!(sent.confirmed_by, 6);
        assert!(
            wrong_swarm_answers(&net).await >= wrong_before + 2,
            "the cache was not misleading"
        );
        bob.send(&alice, "four").await;
        alice.receive(1).await;
        // Each has the place its sender's idea of the time gave it.
        let history = bob.until_history(alice.id(), 4).await;
        let mut history = bodies(&history);
        history.sort_unstable();
        assert_eq!(history, ["four", "one", "three", "two"]);

        // The right members are remembered from now on.
        alice.restart().await;
        let wrong_before = wrong_swarm_answers(&net).await;
        alice.send(&bob, "five").await;
        alice.next_poll_road().await;
        assert_eq!(wrong_swarm_answers(&net).await, wrong_before);
        alice.assert_tidy();
        bob.assert_tidy();
    });
}

async fn wrong_swarm_answers(net: &Net) -> u64 {
    let mut sum = 0;
    for index in 0..12 {
        let node = net.devnet.running_node(index).unwrap();
        sum += node.metrics().await.wrong_swarm;
    }
    sum
}

/// Half of each swarm changes to the other one. Returns the nodes that did.
fn exchange_half(net: &Net) -> Vec<usize> {
    let registry = net.devnet.registry();
    let list = registry.snapshot();
    let &[a, b] = list.swarm_ids() else {
        panic!("two swarms");
    };
    let mut tip = list.tip().clone();
    tip.height += 1;
    tip.block_hash[0] ^= 0xff;
    let mut nodes = list.nodes().to_vec();
    let mut moved = Vec::new();
    for (from, to) in [(a, b), (b, a)] {
        for mover in list.members(from).take(3) {
            let key = mover.contact.ed25519;
            let node = nodes.iter_mut().find(|node| node.contact.ed25519 == key);
            node.unwrap().contact.swarm = to;
            moved.push(net.index_of(&key));
        }
    }
    registry.replace(NodeList::new(tip, nodes).unwrap());
    moved
}

#[test]
fn swarms_change_while_people_write() {
    run(async {
        let net = Net::start(60).await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 1).await;
        // Bob accepts alice: her swarm has one message more, which says so.
        alice.send(&bob, "a").await;
        bob.receive(1).await;
        bob.send(&alice, "b").await;
        for i in 1..4 {
            alice.write(bob.id(), &format!("a {i}")).await;
            bob.write(alice.id(), &format!("b {i}")).await;
        }
        alice.until_history(bob.id(), 8).await;
        bob.until_history(alice.id(), 8).await;
        alice.until_outbox_empty().await;
        bob.until_outbox_empty().await;

        let moved = exchange_half(&net);
        for i in 4..8 {
            alice.write(bob.id(), &format!("a {i}")).await;
            bob.write(alice.id(), &format!("b {i}")).await;
        }
        let at_alice = alice.until_history(bob.id(), 16).await;
        let at_bob = bob.until_history(alice.id(), 16).await;
        assert_eq!(facts(&at_alice), facts(&at_bob));
        alice.until_outbox_empty().await;
        bob.until_outbox_empty().await;

        // Those who came got from those who stayed what they lacked, in addition to the eight
        // messages they had in the other swarm.
        let stayed = |owner| -> Vec<usize> {
            let members = net.swarm(owner).into_iter();
            members.filter(|index| !moved.contains(index)).collect()
        };
        net.until_held(&stayed(alice.id()), 17).await;
        net.until_held(&stayed(bob.id()), 16).await;
        net.until_held(&moved, 25).await;
        let bob2 = bob.second_device().await;
        let restored = bob2.until_history(alice.id(), 16).await;
        assert_eq!(facts(&restored), facts(&at_bob));
        for actor in [&alice, &bob, &bob2] {
            actor.assert_tidy();
        }
        net.shutdown().await;
    });
}

async fn network(seed: u64) -> Devnet {
    let options = DevnetOptions {
        seed: Some(seed),
        ..DevnetOptions::default()
    };
    Devnet::start(options, |_| ()).await.unwrap()
}

/// The network is replaced by another one behind the same seed address: first by one with other
/// keys and ports, then by one with the same keys on other ports.
#[test]
fn a_network_that_was_replaced_is_found_again_through_the_seed() {
    run(async {
        let first = Net {
            devnet: network(61).await,
        };
        let doorway = Doorway::to(&first.seed_url()).await;
        let device = || Device::on(doorway.seed_url());
        let mut alice = Actor::with("alice", seed_in(&first, 0), device()).await;
        let mut bob = Actor::with("bob", seed_in(&first, 1), device()).await;
        alice.send(&bob, "first network").await;
        bob.receive(1).await;
        // One of them stays online all the time, the other one starts with an old memory.
        bob.close().await;
        doorway.shut();
        first.shutdown().await;

        for (seed, text) in [(62, "other nodes"), (62, "other ports")] {
            let net = network(seed).await;
            doorway.lead_to(&net.seed_url());
            let row = alice.write(bob.id(), text).await;
            alice.until_sent(row.id).await;
            alice.until_copied(row.id).await;
            bob.open().await;
            assert_eq!(bodies(&bob.receive(1).await), [text]);
            bob.send(&alice, &format!("re: {text}")).await;
            assert_eq!(bodies(&alice.receive(1).await), [format!("re: {text}")]);
            bob.close().await;
            doorway.shut();
            net.shutdown().await.unwrap();
        }
        alice.assert_tidy();
        bob.assert_tidy();
    });
}
