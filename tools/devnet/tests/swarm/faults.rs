//! Single faults and pairs of them.

use core::time::Duration;
use std::time::Instant;

use crate::people::{Ledger, Person, delete, held, http, places, store, until_all_agree};
use crate::{FORWARD_TIMEOUT, impatient_network, network_that_forwards_within, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_swarm_of_seven_loses_any_two() {
    let mut network = network_that_forwards_within(Duration::from_secs(5), 7, 40).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    assert_eq!(network.swarm_of(&person.owner()).len(), 7);
    let mut ledger = Ledger::default();
    let mut pairs = 0;
    for first in 0..7usize {
        for second in first + 1..7 {
            pairs += 1;
            // The asked node dies as soon as it has answered.
            for number in 0..3u8 {
                let data = [first, second, number.into()]
                    .map(usize::to_be_bytes)
                    .concat();
                let asked = if number == 2 { second } else { first };
                let hash = store(&http, &places[asked], &person, data).await;
                ledger.stored.entry(0).or_default().extend(hash);
            }
            network.kill_node(first).unwrap();
            network.kill_node(second).unwrap();
            let expected = ledger.expected(0);
            for other in (0..7).filter(|other| ![first, second].contains(other)) {
                let found = held(&http, &places[other], &person).await.unwrap();
                assert!(
                    expected.is_subset(&found),
                    "without {first} and {second}: node {other} lacks {}",
                    expected.difference(&found).count()
                );
            }
            // What is stored while they are away reaches them in the end.
            let survivor = (0..7).find(|n| ![first, second].contains(n)).unwrap();
            let data = vec![7, u8::try_from(pairs).unwrap()];
            let hash = store(&http, &places[survivor], &person, data).await;
            ledger.stored.entry(0).or_default().insert(hash.unwrap());
            network.restart_node(first).await.unwrap();
            network.restart_node(second).await.unwrap();
            // The next pair must not be the only one that has it.
            let all = ledger.expected(0);
            for index in [first, second] {
                until("a node that came back has everything", async || {
                    let found = held(&http, &places[index], &person).await?;
                    all.is_subset(&found).then_some(())
                })
                .await;
            }
        }
    }
    assert_eq!(pairs, 21);
    let found = until_all_agree(&network, &http, &ledger).await;
    let acknowledged = ledger.acknowledged();
    println!(
        "acknowledged {acknowledged}, found {found}, lost {}",
        acknowledged - found
    );
    assert_eq!((acknowledged, found), (84, 84));
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_member_does_not_make_the_others_slow() {
    let network = impatient_network(7, 41).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    let mut ledger = Ledger::default();
    let first = store(&http, &places[0], &person, b"before".to_vec())
        .await
        .unwrap();
    network.slow_node(3, Duration::from_secs(3)).unwrap();
    network.pause_node(5).unwrap();
    let mut slowest = Duration::ZERO;
    for number in 0..6u8 {
        let began = Instant::now();
        let hash = store(
            &http,
            &places[usize::from(number) % 3],
            &person,
            vec![number],
        )
        .await;
        ledger.stored.entry(0).or_default().insert(hash.unwrap());
        slowest = slowest.max(began.elapsed());
    }
    assert!(
        slowest < FORWARD_TIMEOUT + Duration::from_millis(700),
        "{slowest:?}"
    );
    assert!(delete(&http, &places[0], &person, vec![first.clone()]).await);
    ledger.deleted.insert(first);
    network.slow_node(3, Duration::ZERO).unwrap();
    network.resume_node(5).unwrap();
    let found = until_all_agree(&network, &http, &ledger).await;
    assert_eq!(found, 6);
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_a_full_disk_catches_up() {
    let network = impatient_network(7, 42).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    let mut ledger = Ledger::default();
    let mut sent = Vec::new();
    for number in 0..20u8 {
        let data = vec![number; 20_000];
        sent.push(store(&http, &places[0], &person, data).await.unwrap());
    }
    network.fill_disk(2).await.unwrap();
    for number in 100..120u8 {
        // Through the full one too: the others take it.
        let asked = if number % 2 == 0 { 2 } else { 4 };
        let hash = store(&http, &places[asked], &person, vec![number; 20_000]).await;
        ledger.stored.entry(0).or_default().insert(hash.unwrap());
    }
    assert!(held(&http, &places[2], &person).await.unwrap().len() < 40);
    assert!(delete(&http, &places[4], &person, sent.clone()).await);
    ledger.deleted.extend(sent);
    network.free_disk(2).await.unwrap();
    assert_eq!(until_all_agree(&network, &http, &ledger).await, 20);
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_wrong_clocks_lose_nothing() {
    let network = impatient_network(7, 43).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    let mut ledger = Ledger::default();
    network.lose_answers(0, 3).unwrap();
    network.skew_clock(6, -40 * 60 * 1000).unwrap();
    for number in 0..16u8 {
        let asked = [0, 0, 1, 6][usize::from(number) % 4];
        let hash = store(&http, &places[asked], &person, vec![number]).await;
        // The one with the wrong clock may not know yet.
        assert!(hash.is_some() || asked == 6);
        ledger.stored.entry(0).or_default().extend(hash);
    }
    assert!(ledger.acknowledged() >= 12);
    let found = until_all_agree(&network, &http, &ledger).await;
    assert_eq!(found, ledger.acknowledged());
    until("the wrong clock is known", async || {
        let node = network.running_node(6).unwrap();
        let off = node.metrics().await.clock_off_seconds;
        (2390..=2410).contains(&off).then_some(())
    })
    .await;
    let late = store(&http, &places[6], &person, b"by the right time".to_vec()).await;
    assert!(late.is_some());
    network.shutdown().await.unwrap();
}

/// Nobody has anything on a list for the others: only comparing finds what they lack.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_accepted_before_it_died_for_good_reaches_everybody() {
    let mut network = impatient_network(7, 44).await;
    let (http, places) = (http(), places(&network));
    let person = Person::number(0);
    let mut ledger = Ledger::default();
    network.partition(&[vec![0, 1]]).unwrap();
    for number in 0..10u8 {
        let hash = store(&http, &places[0], &person, vec![number]).await;
        ledger.stored.entry(0).or_default().insert(hash.unwrap());
    }
    assert_eq!(held(&http, &places[1], &person).await.unwrap().len(), 10);
    assert_eq!(held(&http, &places[2], &person).await.unwrap().len(), 0);
    network.kill_node(0).unwrap();
    network
        .assign(&[(0, session_types::SwarmId::UNASSIGNED)])
        .unwrap();
    network.heal();
    assert_eq!(until_all_agree(&network, &http, &ledger).await, 10);
    network.shutdown().await.unwrap();
}
