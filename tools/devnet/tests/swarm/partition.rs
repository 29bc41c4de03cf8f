//! Swarms cut in two.

use crate::impatient_network;
use crate::people::{Ledger, Person, delete, held, http, places, store, until_all_agree};

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_partition_go_on_and_agree_afterwards() {
    let network = impatient_network(7, 50).await;
    let (http, places) = (http(), places(&network));
    let people: Vec<Person> = (0..3).map(Person::number).collect();
    let mut ledger = Ledger::default();
    let mut common = Vec::new();
    for number in 0..24u8 {
        let person = usize::from(number) % 3;
        let asked = &places[usize::from(number) % 7];
        let hash = store(&http, asked, &people[person], vec![number])
            .await
            .unwrap();
        ledger
            .stored
            .entry(person as u64)
            .or_default()
            .insert(hash.clone());
        common.push((person, hash));
    }
    until_all_agree(&network, &http, &ledger).await;

    network
        .partition(&[vec![0, 1, 2, 3], vec![4, 5, 6]])
        .unwrap();
    let sides = [0, 4];
    for number in 100..130u8 {
        let person = usize::from(number) % 3;
        let asked = sides[usize::from(number) % 2];
        let hash = store(&http, &places[asked], &people[person], vec![number]).await;
        ledger
            .stored
            .entry(person as u64)
            .or_default()
            .insert(hash.unwrap());
    }
    // Each side deletes some of what both have, one message both of them.
    for (side, range) in [(0, 0..7), (4, 6..12)] {
        for (person, hash) in &common[range] {
            assert!(delete(&http, &places[side], &people[*person], vec![hash.clone()]).await);
            ledger.deleted.insert(hash.clone());
        }
    }
    // One side deletes what it alone has.
    let own = store(
        &http,
        &places[5],
        &people[0],
        b"stored and deleted".to_vec(),
    )
    .await
    .unwrap();
    assert!(delete(&http, &places[6], &people[0], vec![own.clone()]).await);
    ledger.deleted.insert(own);
    let (left, right) = (
        held(&http, &places[1], &people[0]).await.unwrap(),
        held(&http, &places[5], &people[0]).await.unwrap(),
    );
    assert_ne!(left, right, "they do not hear each other");

    network.heal();
    let found = until_all_agree(&network, &http, &ledger).await;
    let expected: usize = (0..3).map(|person| ledger.expected(person).len()).sum();
    assert_eq!((expected, found), (24 + 30 - 12, expected));
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_alone_gives_and_gets_everything_afterwards() {
    let mut network = impatient_network(7, 51).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    let mut ledger = Ledger::default();
    network.partition(&[vec![3]]).unwrap();
    for number in 0..20u8 {
        let asked = if number % 2 == 0 { 3 } else { 5 };
        let hash = store(&http, &places[asked], &person, vec![number]).await;
        ledger.stored.entry(0).or_default().insert(hash.unwrap());
    }
    // The connections come back before everybody has started again.
    network.kill_node(3).unwrap();
    network.heal();
    network.restart_node(3).await.unwrap();
    assert_eq!(until_all_agree(&network, &http, &ledger).await, 20);
    network.shutdown().await.unwrap();
}
