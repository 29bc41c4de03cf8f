//! Lists, dumps and copies: what concerns other members of the swarm.

use super::*;

#[tokio::test]
async fn deliveries_survive_a_restart_and_go_when_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let outbox = Outbox {
        peers: vec![peer(1), peer(2)],
    };
    for number in 1..=5 {
        let message = message(number, 1, 0, 1000);
        let (_, sending) = store.insert(message, outbox.clone()).await.unwrap();
        let settled = store.settle(sending.unwrap(), Vec::new(), outbox.peers.clone());
        settled.await.unwrap();
    }
    // A killed node: no orderly close.
    store.kill();
    assert!(matches!(store.sweep(NOW, 1).await, Err(StoreError::Closed)));

    let store = open(&dir);
    assert!(!store.lacks_data());
    assert_eq!(store.waiting_count().await.unwrap(), 10);
    assert_eq!(store.waiting_peers().await.unwrap(), vec![peer(1), peer(2)]);
    let batch = store.waiting_messages(peer(1), 2_500).await.unwrap();
    assert_eq!(batch.len(), 2);
    assert_eq!(batch[0].1, message(1, 1, 0, 1000));
    store
        .delivered(peer(1), batch.iter().map(|(id, _)| *id).collect())
        .await
        .unwrap();
    let (_, again) = store.insert(message(3, 1, 0, 1000), outbox).await.unwrap();
    let settled = store.settle(again.unwrap(), vec![peer(1)], Vec::new());
    settled.await.unwrap();
    // A message that is gone is not waited for.
    store
        .delete(owner(1), vec![hash(4)], NOW, OutgoingCommand::none())
        .await
        .unwrap();
    let batch = store.waiting_messages(peer(1), 1_000_000).await.unwrap();
    assert_eq!(
        batch.into_iter().map(|(_, m)| m).collect::<Vec<_>>(),
        vec![message(5, 1, 0, 1000)]
    );

    store.forget_peers_except(vec![peer(2)]).await.unwrap();
    assert_eq!(store.waiting_peers().await.unwrap(), vec![peer(2)]);
}

#[tokio::test]
async fn commands_wait_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let command = |params: &[u8]| OutgoingCommand {
        outbox: Outbox {
            peers: vec![peer(1), peer(2)],
        },
        method: "delete",
        params: params.to_vec(),
        accepted: NOW,
    };
    store
        .delete(owner(1), vec![hash(1)], NOW, command(b"one"))
        .await
        .unwrap();
    store
        .delete(owner(1), vec![hash(2)], NOW, command(b"two"))
        .await
        .unwrap();
    assert_eq!(store.waiting_peers().await.unwrap(), vec![peer(1), peer(2)]);
    store
        .command_forwarded(command(b"one"), vec![peer(2)])
        .await
        .unwrap();
    let params = |commands: Vec<PendingCommand>| {
        commands
            .into_iter()
            .map(|command| command.params)
            .collect::<Vec<_>>()
    };
    let first = store.waiting_commands(peer(1), 10).await.unwrap();
    store.command_done(first[0].id).await.unwrap();
    assert_eq!(params(first), vec![b"one".to_vec(), b"two".to_vec()]);
    for left in [peer(1), peer(2)] {
        let waiting = store.waiting_commands(left, 10).await.unwrap();
        assert_eq!(params(waiting), vec![b"two".to_vec()]);
    }
    store.forget_peers_except(vec![]).await.unwrap();
    assert_eq!(store.waiting_count().await.unwrap(), 0);
}

#[tokio::test]
async fn dumps_cover_their_arc_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    assert!(store.lacks_data());
    let everything = SwarmRange { first: 1, last: 0 };
    store.queue_dump(peer(1), everything).await.unwrap();
    assert!(
        store.dumps().await.unwrap().is_empty(),
        "nothing to dump yet"
    );
    // The owner's first byte is the top byte of its position.
    for number in 0..=255u8 {
        insert(&store, message(u32::from(number), number, 0, 100)).await;
    }
    let arcs = [
        (
            SwarmRange {
                first: 0x10 << 56,
                last: (0x20 << 56) - 1,
            },
            16,
        ),
        (
            SwarmRange {
                first: 0xf0 << 56,
                last: (0x10 << 56) - 1,
            },
            32,
        ),
        (
            SwarmRange {
                first: 0x70 << 56,
                last: (0x90 << 56) - 1,
            },
            32,
        ),
        (everything, 256),
    ];
    for (range, expected) in arcs {
        store.queue_dump(peer(1), range).await.unwrap();
        let mut seen = Vec::new();
        while let Some(dump) = store.dumps().await.unwrap().first().copied() {
            let (rows, reached) = store.dump_page(dump, 2_000).await.unwrap();
            assert!(rows.len() <= 8);
            seen.extend(rows.into_iter().map(|row| row.hash));
            store.dump_reached(dump, reached).await.unwrap();
        }
        assert_eq!(seen.len(), expected);
        seen.dedup();
        assert_eq!(seen.len(), expected);
    }
}

#[tokio::test]
async fn pushed_copies_undo_no_deletion() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let none = OutgoingCommand::none;
    let at = |ms| NOW.plus(Duration::from_millis(ms));
    let push = |number, namespace| {
        let store = store.clone();
        // Message n is of the n-th millisecond.
        async move {
            store
                .insert_bulk(vec![message(number, 1, namespace, 5)])
                .await
                .unwrap()
        }
    };
    // Deleted by hash, known or not, at 10.
    insert(&store, message(1, 1, 0, 5)).await;
    store
        .delete(owner(1), vec![hash(1), hash(2)], at(10), none())
        .await
        .unwrap();
    assert_eq!(
        (push(1, 0).await, push(2, 0).await, push(3, 0).await),
        (0, 0, 1)
    );
    // Somebody else's deletion is not ours.
    store
        .delete(owner(2), vec![hash(4)], at(10), none())
        .await
        .unwrap();
    assert_eq!(push(4, 0).await, 1);
    // A message of a later time than the deletion is another one.
    store
        .delete(owner(1), vec![hash(11)], at(10), none())
        .await
        .unwrap();
    assert_eq!(push(11, 0).await, 1);
    // A client that stores it again wants it back, and so do its copies.
    insert(&store, message(1, 1, 0, 5)).await;
    store.sweep(at(100_000_000), 100).await.unwrap();
    assert_eq!(push(1, 0).await, 1);

    // Everything in namespace 2 up to 20, then everything anywhere up to 30.
    store
        .delete_range(owner(1), Some(Namespace::new(2)), None, at(20), none())
        .await
        .unwrap();
    assert_eq!(
        (push(20, 2).await, push(21, 2).await, push(19, 3).await),
        (0, 1, 1)
    );
    store
        .delete_range(owner(1), None, Some(at(30)), at(40), none())
        .await
        .unwrap();
    assert_eq!(
        (push(22, 2).await, push(30, 3).await, push(31, 3).await),
        (0, 0, 1)
    );

    store
        .forget_old(at(0).plus(Duration::from_secs(31 * 24 * 3600)))
        .await
        .unwrap();
    assert_eq!((push(22, 2).await, push(2, 0).await), (1, 1));
}

#[tokio::test]
async fn pushed_copies_do_not_raise_an_expiry_a_client_has_set() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let none = OutgoingCommand::none;
    for number in 1..=3 {
        insert(&store, message(number, 1, 0, 5)).await;
    }
    let soon = NOW.plus(Duration::from_secs(10));
    let shorten = vec![(hash(1), soon)];
    store
        .expire(owner(1), shorten, ExpireMode::Shorten, NOW, none())
        .await
        .unwrap();
    let later = NOW.plus(Duration::from_secs(5000));
    let extend = vec![(hash(2), later)];
    store
        .expire(owner(1), extend, ExpireMode::Extend, NOW, none())
        .await
        .unwrap();
    let latest = NOW.plus(Duration::from_secs(9000));
    let copies = (1..=3).map(|n| StoredMessage {
        expiry: latest,
        ..message(n, 1, 0, 5)
    });
    store.insert_bulk(copies.collect()).await.unwrap();
    let hashes = vec![hash(1), hash(2), hash(3)];
    let expected = [(hash(1), soon), (hash(2), latest), (hash(3), latest)];
    assert_eq!(
        store.expiries(owner(1), hashes.clone()).await.unwrap(),
        expected
    );
    store
        .expire_range(owner(1), None, soon, none())
        .await
        .unwrap();
    let copies = (1..=3).map(|n| StoredMessage {
        expiry: latest,
        ..message(n, 1, 0, 5)
    });
    store.insert_bulk(copies.collect()).await.unwrap();
    let expected = [(hash(1), soon), (hash(2), soon), (hash(3), soon)];
    assert_eq!(store.expiries(owner(1), hashes).await.unwrap(), expected);
}
