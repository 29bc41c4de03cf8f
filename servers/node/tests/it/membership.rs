//! Changes of the node list: case 43.

use session_types::{MessageHash, SwarmId};

use crate::support::{Network, Person, until};

const LEFT: u64 = 0x4000_0000_0000_0000;
const RIGHT: u64 = 0xc000_0000_0000_0000;

/// Messages for people all over swarm space, all stored in the one swarm there is.
async fn spread(network: &Network, index: usize) -> Vec<(Person, MessageHash)> {
    let mut sent = Vec::new();
    for number in 0..24 {
        let person = Person::number(number);
        let hash = network.send(index, &person, &number.to_le_bytes()).await;
        sent.push((person, hash));
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_new_member_gets_everything() {
    let mut network = Network::start(&[(LEFT, 2)]).await;
    let sent = spread(&network, 0).await;
    let profile = network.save(1, &sent[0].0.signer(), 2, b"profile").await;

    let listener = network.add_place(LEFT);
    network.publish();
    network.start_on(2, listener).await;
    for (person, hash) in &sent {
        network
            .until_held(2, &person.signer(), 0, std::slice::from_ref(hash))
            .await;
    }
    network
        .until_held(2, &sent[0].0.signer(), 2, &[profile])
        .await;
    // And from then on what is new.
    let late = Person::number(1000);
    let hash = network.send(0, &late, b"late").await;
    network.until_held(2, &late.signer(), 0, &[hash]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_new_swarm_gets_its_part_and_gives_it_back() {
    let mut network = Network::start(&[(LEFT, 2)]).await;
    let sent = spread(&network, 0).await;
    for _ in 0..2 {
        let listener = network.add_place(RIGHT);
        let index = network.len() - 1;
        network.start_on(index, listener).await;
    }
    network.publish();

    let nodes = session_registry::Registry::snapshot(&*network.registry);
    let mut moved = 0;
    for (person, hash) in &sent {
        let right = nodes.swarm_of(&person.owner()) == Some(SwarmId::new(RIGHT));
        moved += usize::from(right);
        let holders = if right { [2, 3] } else { [0, 1] };
        for index in holders {
            network
                .until_held(index, &person.signer(), 0, std::slice::from_ref(hash))
                .await;
        }
    }
    assert!(moved > 4 && moved < 20, "{moved}");
    for index in 2..4 {
        assert_eq!(
            network.node(index).message_count().await.unwrap(),
            moved as u64
        );
    }

    // What is stored in the new swarm comes back when it is dissolved.
    let person = network.person(RIGHT);
    let profile = network.save(2, &person.signer(), 2, b"new").await;
    for index in 2..4 {
        network.assign(index, SwarmId::UNASSIGNED);
    }
    network.publish();
    for index in 0..2 {
        network
            .until_held(index, &person.signer(), 2, std::slice::from_ref(&profile))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_moves_gets_the_messages_of_its_new_swarm() {
    let mut network = Network::start(&[(LEFT, 3), (RIGHT, 2)]).await;
    let person = network.person(RIGHT);
    let hash = network.send(3, &person, b"right").await;
    network.assign(0, SwarmId::new(RIGHT));
    network.publish();
    network.until_held(0, &person.signer(), 0, &[hash]).await;
}

/// Nobody of old stays in either swarm: those who leave hand over to those who come.
#[tokio::test(flavor = "multi_thread")]
async fn case_43_swarms_that_exchange_all_members_lose_nothing() {
    let mut network = Network::start(&[(LEFT, 3), (RIGHT, 3)]).await;
    let nodes = session_registry::Registry::snapshot(&*network.registry);
    let mut sent = Vec::new();
    for number in 0..24 {
        let person = Person::number(number);
        let right = nodes.swarm_of(&person.owner()) == Some(SwarmId::new(RIGHT));
        let (old, new) = if right { (3, 0) } else { (0, 3) };
        let hash = network.send(old, &person, &number.to_le_bytes()).await;
        sent.push((person, hash, new));
    }
    for index in 0..6 {
        network.assign(index, SwarmId::new(if index < 3 { RIGHT } else { LEFT }));
    }
    network.publish();
    for (person, hash, first) in &sent {
        for index in *first..first + 3 {
            network
                .until_held(index, &person.signer(), 0, std::slice::from_ref(hash))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_lost_its_database_gets_it_back() {
    let mut network = Network::start(&[(LEFT, 3)]).await;
    let sent = spread(&network, 0).await;
    network.kill(2).await;
    network.forget_data(2);
    network.restart(2).await;
    for (person, hash) in &sent {
        network
            .until_held(2, &person.signer(), 0, std::slice::from_ref(hash))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_nodes_that_are_gone_is_forgotten() {
    let mut network = Network::start(&[(LEFT, 3)]).await;
    let person = network.person(LEFT);
    network.stop(2).await;
    network.send(0, &person, b"waits").await;
    until("only the absent member is waited for", || async {
        (network.node(0).metrics().await.deliveries_waiting == 1).then_some(())
    })
    .await;
    network.assign(2, SwarmId::UNASSIGNED);
    network.publish();
    network.until_delivered(0).await;
}
