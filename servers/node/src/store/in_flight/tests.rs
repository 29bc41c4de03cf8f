use session_types::MessageHash;

use super::*;
use crate::store::tests::{hash, message, open, peer};
use crate::store::{Dump, StoredMessage};

/// Stores a message that goes to two peers.
async fn send(store: &Store, number: u32) -> Sending {
    let outbox = Outbox {
        peers: vec![peer(1), peer(2)],
    };
    let stored = store.insert(message(number, 1, 0, 100), outbox).await;
    stored.unwrap().1.unwrap()
}

/// Writes the number as it is now.
async fn note(store: &Store) {
    let in_flight = Arc::clone(&store.in_flight);
    let written = store.writer.write(move |conn| in_flight.note(conn));
    written.await.unwrap();
}

/// What goes to a peer by dumps.
async fn dumped(store: &Store, to: Ed25519PublicKey) -> Vec<MessageHash> {
    let mut found: Vec<StoredMessage> = Vec::new();
    let dumps: Vec<Dump> = store.dumps().await.unwrap();
    for dump in dumps.into_iter().filter(|dump| dump.peer == to) {
        found.extend(store.dump_page(dump, 1_000_000).await.unwrap().0);
    }
    found.into_iter().map(|message| message.hash).collect()
}

async fn listed(store: &Store, to: Ed25519PublicKey) -> Vec<MessageHash> {
    let waiting = store.waiting_messages(to, 1_000_000).await.unwrap();
    waiting
        .into_iter()
        .map(|(_, message)| message.hash)
        .collect()
}

#[tokio::test]
async fn what_was_on_its_way_at_a_crash_goes_to_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 1..=3 {
        let sending = send(&store, number).await;
        store
            .settle(sending, vec![peer(1), peer(2)], Vec::new())
            .await
            .unwrap();
    }
    let under_way = send(&store, 4).await;
    let sending = send(&store, 5).await;
    store
        .settle(sending, vec![peer(1)], vec![peer(2)])
        .await
        .unwrap();
    note(&store).await;
    assert_eq!(store.waiting_count().await.unwrap(), 2);
    store.kill();
    drop(under_way);

    // Not even a second crash before anything is done about it changes that.
    for number in [6, 7] {
        let store = open(&dir);
        let more = send(&store, number).await;
        drop(more.unless_all_have_it(&[]));
        note(&store).await;
        store.kill();
    }
    let store = open(&dir);
    assert!(store.dumps().await.unwrap().is_empty());
    store.queue_doubtful(Vec::new()).await.unwrap();
    store.queue_doubtful(vec![peer(1), peer(2)]).await.unwrap();
    store.queue_doubtful(vec![peer(3)]).await.unwrap();
    note(&store).await;
    store.kill();
    let store = open(&dir);
    store.queue_doubtful(vec![peer(3)]).await.unwrap();
    for to in [peer(1), peer(2)] {
        assert_eq!(dumped(&store, to).await, [4, 5, 6, 7].map(hash));
    }
    assert!(dumped(&store, peer(3)).await.is_empty());
    assert_eq!(listed(&store, peer(2)).await, [hash(5)]);
    assert!(listed(&store, peer(1)).await.is_empty());
}

#[tokio::test]
async fn the_number_is_written_in_passing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut number = 0;
    while store.number(NUMBER).await.unwrap() < Some(3) {
        assert!(Instant::now() < deadline);
        number += 1;
        let sending = send(&store, number).await;
        assert!(sending.unless_all_have_it(&[]).is_none());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn after_an_orderly_stop_nothing_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 1..=3 {
        let sending = send(&store, number).await;
        assert!(sending.unless_all_have_it(&[]).is_none());
    }
    store.close().await;
    let store = open(&dir);
    store.queue_doubtful(vec![peer(1)]).await.unwrap();
    assert!(store.dumps().await.unwrap().is_empty());
    // Unless something was not settled even then.
    let sending = send(&store, 4).await;
    store.close().await;
    drop(sending);
    let store = open(&dir);
    store.queue_doubtful(vec![peer(1)]).await.unwrap();
    assert_eq!(dumped(&store, peer(1)).await, [hash(4)]);
}

#[tokio::test]
async fn a_sending_that_is_broken_off_becomes_a_list() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    drop(send(&store, 1).await);
    // The row of a change that was undone is another message's then.
    let in_flight = Arc::clone(&store.in_flight);
    let undone = store.writer.write(move |conn| {
        let row = conn.newest()? + 1;
        let _sending = in_flight.begin(row);
        Err::<(), _>(rusqlite::Error::InvalidQuery)
    });
    undone.await.unwrap_err();
    let other = send(&store, 2).await;
    store.list_abandoned(&[]).await.unwrap();
    assert_eq!(store.waiting_count().await.unwrap(), 3);
    store.list_abandoned(&[peer(7)]).await.unwrap();
    assert_eq!(listed(&store, peer(7)).await, [hash(1), hash(2)]);
    assert_eq!(store.in_flight.len(), 1);
    assert!(other.unless_all_have_it(&[]).is_none());
    assert_eq!(store.in_flight.len(), 0);
}

#[tokio::test]
async fn a_known_message_is_on_the_lists_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let first = send(&store, 1).await;
    assert!(first.unless_all_have_it(&[]).is_none());
    let again = send(&store, 1).await;
    note(&store).await;
    store.kill();
    let store = open(&dir);
    assert_eq!(listed(&store, peer(1)).await, [hash(1)]);
    drop(again);
    let again = send(&store, 1).await;
    let again = again.unless_all_have_it(&[]).unwrap();
    store
        .settle(again, vec![peer(1), peer(2)], Vec::new())
        .await
        .unwrap();
    assert_eq!(store.waiting_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_of_a_version_that_listed_every_message_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    schema::prepare_form_one(&dir.path().join("node.db"));
    let store = open(&dir);
    drop(send(&store, 1).await);
    store.close().await;
    let connection = rusqlite::Connection::open(dir.path().join("node.db")).unwrap();
    connection.execute("DELETE FROM numbers", []).unwrap();
    drop(connection);
    let store = open(&dir);
    store.queue_doubtful(vec![peer(1)]).await.unwrap();
    assert!(store.dumps().await.unwrap().is_empty());
    // From now on it is known.
    let sending = send(&store, 2).await;
    store.kill();
    drop(sending);
    let store = open(&dir);
    store.queue_doubtful(vec![peer(1)]).await.unwrap();
    assert_eq!(dumped(&store, peer(1)).await, [hash(2)]);
}
