use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use session_types::{Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, network_prefix};

use super::*;
use crate::store::tests::open;
use crate::store::{Outbox, OutgoingCommand, StoredMessage};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const ALL: SwarmRange = SwarmRange {
    first: 0,
    last: u64::MAX,
};
/// Half of swarm space, across the seam.
const HALF: SwarmRange = SwarmRange {
    first: 0xc000_0000_0000_0000,
    last: 0x3fff_ffff_ffff_ffff,
};

fn owner(number: u8) -> SwarmPubkey {
    let mut key = [0; 32];
    // The first word is the position when the others are zero.
    key[0] = number;
    SwarmPubkey::new(network_prefix::ACCOUNT, key)
}

fn message(number: u32, owner_number: u8, namespace: i16) -> StoredMessage {
    StoredMessage {
        owner: owner(owner_number),
        namespace: Namespace::new(namespace),
        hash: MessageHash::from_digest(&blake2b::<32>(&[&number.to_le_bytes()])),
        timestamp: NOW.plus(Duration::from_millis(u64::from(number))),
        expiry: NOW.plus(Duration::from_secs(u64::from(number) + 1)),
        data: vec![1; 20],
    }
}

/// What a store that is opened anew makes of the same rows.
async fn recomputed(store: &Store, range: SwarmRange) -> Vec<Sum> {
    let stretches = (0..BUCKETS).map(Stretch::whole).collect();
    let held = store.held_rows(range, stretches, usize::MAX).await.unwrap();
    let sum = |held: HeldRows| {
        let mut sum = Sum::default();
        for row in &held.rows {
            sum.add(&row.element);
        }
        sum
    };
    held.into_iter().map(sum).collect()
}

fn total(sums: &[Sum]) -> u64 {
    sums.iter().map(|sum| sum.count()).sum()
}

#[test]
fn sums_do_not_depend_on_the_order_and_carry() {
    let mut generator = rand::rngs::StdRng::seed_from_u64(1);
    let mut elements: Vec<Element> = (0..200).map(|_| generator.random()).collect();
    elements.push([0xff; 32]);
    let mut there = Sum::default();
    for element in &elements {
        there.add(element);
    }
    let mut back = Sum::default();
    for element in elements.iter().rev() {
        back.add(element);
    }
    assert_eq!(there, back);
    // One and minus one make zero, through all four words.
    let mut sum = Sum::default();
    sum.add(&[0xff; 32]);
    let mut one = [0; 32];
    one[0] = 1;
    sum.add(&one);
    assert_eq!((sum.count(), sum.total), (2, [0; 4]));
    sum.remove(&one);
    assert_eq!(sum.total, [u64::MAX; 4]);
    for element in &elements {
        back.remove(element);
    }
    assert_eq!(back, Sum::default());
    assert_eq!(there.to_bytes()[..8], 201u64.to_le_bytes());
}

#[test]
fn places_of_hashes() {
    let at = |text: &str| place(&format!("{text:A<43}")).map(|(bucket, _)| bucket);
    assert_eq!(at("AA"), Some(0));
    assert_eq!(at("AB"), Some(1));
    assert_eq!(at("//"), Some(BUCKETS - 1));
    assert_eq!(place("A"), None);
    assert_eq!(at("A~"), None);
    let all: std::collections::BTreeSet<_> = (0..BUCKETS).filter_map(prefix).collect();
    assert_eq!(all.len(), usize::from(BUCKETS));
    // Spare bits at the end make another hash.
    let (canonical, spare) = ("A".repeat(43), format!("{}B", "A".repeat(42)));
    assert_ne!(place(&canonical), place(&spare));
    assert_eq!(place(&canonical), Some((0, [0; 32])));
}

#[tokio::test]
async fn sums_follow_whatever_happens_to_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let insert = async |message| store.insert(message, Outbox::default()).await.unwrap();
    // More than one step of reading.
    let rows: Vec<_> = (0..5000u32)
        .map(|number| message(number, number.to_le_bytes()[0], 0))
        .collect();
    store.insert_bulk(rows).await.unwrap();
    assert_eq!(store.sums(ALL), None);
    store.make_sums(ALL).await.unwrap();
    assert_eq!(total(&store.sums(ALL).unwrap()), 5000);
    assert_eq!(store.sums(HALF), None);

    let mut generator = rand::rngs::StdRng::seed_from_u64(2);
    for round in 0..20u32 {
        let new = 5000 + round;
        insert(message(new, 7, 0)).await;
        insert(message(new, 7, 0)).await;
        // An outbox holds one message.
        insert(message(6000 + round, 8, -1)).await;
        let number = generator.random_range(0..5000u32);
        let known = message(number, number.to_le_bytes()[0], 0);
        store
            .delete(known.owner, vec![known.hash], NOW, OutgoingCommand::none())
            .await
            .unwrap();
        let one = owner(generator.random());
        store
            .delete_range(one, None, Some(NOW), NOW, OutgoingCommand::none())
            .await
            .unwrap();
    }
    let expired = NOW.plus(Duration::from_secs(100));
    assert!(store.sweep(expired, 1000).await.unwrap() > 90);
    let sums = store.sums(ALL).unwrap();
    assert_eq!(sums, recomputed(&store, ALL).await);
    assert_eq!(total(&sums), store.message_count().await.unwrap());

    // A job that fails leaves no trace.
    let lost = message(9000, 1, 0);
    let room = Arc::clone(&store.room);
    let failing = store.writer.write(move |conn| {
        super::super::messages::insert(conn, &lost, super::super::Source::Client, &room)?;
        Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
    });
    assert!(failing.await.is_err());
    assert_eq!(store.sums(ALL).unwrap(), sums);

    store.make_sums(HALF).await.unwrap();
    let half = store.sums(HALF).unwrap();
    assert_eq!(half, recomputed(&store, HALF).await);
    assert!(total(&half) < total(&sums) * 2 / 3 && total(&half) > total(&sums) / 3);
    store.close().await;
}

#[tokio::test]
async fn sums_made_while_rows_come_and_go_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let rows = (0..9000u32).map(|n| message(n, n.to_le_bytes()[0], 0));
    store.insert_bulk(rows.collect()).await.unwrap();
    let changing = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..300u32 {
                let gone = number * 30;
                let gone = message(gone, gone.to_le_bytes()[0], 0);
                let forward = OutgoingCommand::none();
                let deleting = store.delete(gone.owner, vec![gone.hash], NOW, forward);
                deleting.await.unwrap();
                let new = message(10_000 + number, 3, 0);
                store.insert(new, Outbox::default()).await.unwrap();
            }
        })
    };
    // Two who want them at the same time, and one who wants another arc in between.
    let (one, other, third) = tokio::join!(
        store.make_sums(ALL),
        store.make_sums(HALF),
        store.make_sums(ALL)
    );
    one.and(other).and(third).unwrap();
    store.make_sums(ALL).await.unwrap();
    changing.await.unwrap();
    assert_eq!(store.sums(ALL).unwrap(), recomputed(&store, ALL).await);
    assert_eq!(store.message_count().await.unwrap(), 9000);
}

#[tokio::test]
async fn stretches_are_read_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let rows = (0..3000u32).map(|n| message(n, n.to_le_bytes()[0], 0));
    store.insert_bulk(rows.collect()).await.unwrap();
    let buckets: Vec<Stretch> = (0..BUCKETS).map(Stretch::whole).collect();
    let whole = store.held_rows(ALL, buckets.clone(), 10_000).await.unwrap();
    let all: Vec<HeldRow> = whole.into_iter().flat_map(|held| held.rows).collect();
    assert_eq!(all.len(), 3000);

    let mut paged = Vec::new();
    let mut left = buckets;
    while !left.is_empty() {
        let page = store.held_rows(ALL, left.clone(), 7).await.unwrap();
        let done = page.len();
        let stopped = page.last().and_then(|held| held.stopped_at.clone());
        paged.extend(page.into_iter().flat_map(|held| held.rows));
        match stopped {
            Some(hash) => {
                left.drain(..done - 1);
                left[0].after = Some(hash);
            }
            None => left.clear(),
        }
    }
    assert_eq!(paged, all);

    let first = Stretch {
        until: Some("ABz".to_owned()),
        ..Stretch::whole(0)
    };
    let none = store.held_rows(ALL, vec![first], 10).await.unwrap();
    let within = store.held_rows(ALL, vec![Stretch::whole(0)], 10).await;
    assert_eq!(none, within.unwrap(), "a stretch stays in its bucket");
}

#[tokio::test]
async fn queued_rows_go_out_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let peer = Ed25519PublicKey::new([9; 32]);
    let rows = (0..3u32).map(|n| message(n, 1, 0));
    store.insert_bulk(rows.collect()).await.unwrap();
    store.queue_for(peer, &[1, 3, 77]).await.unwrap();
    store.queue_for(peer, &[1]).await.unwrap();
    let waiting = store.waiting_messages(peer, 1_000_000).await.unwrap();
    let ids: Vec<i64> = waiting.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 3]);
}
