use session_crypto::hash::message_hash;
use session_storage_rpc::ExpireMode;
use session_types::network_prefix;

use super::*;
use crate::store::tests::open;
use crate::store::{Outbox, OutgoingCommand, Store};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn message(data: &[u8], namespace: i16, timestamp: Timestamp) -> StoredMessage {
    let owner = SwarmPubkey::new(network_prefix::ACCOUNT, [1; 32]);
    let namespace = Namespace::new(namespace);
    StoredMessage {
        owner,
        namespace,
        hash: message_hash(&owner, namespace, data),
        timestamp,
        expiry: timestamp.plus(30 * DAY),
        data: data.to_vec(),
    }
}

async fn put(store: &Store, message: &StoredMessage) {
    let stored = store.insert(message.clone(), Outbox::default()).await;
    assert!(!stored.unwrap().0.already);
}

/// Whether a copy another member pushes is taken.
async fn taken(store: &Store, message: &StoredMessage) -> bool {
    store.insert_bulk(vec![message.clone()]).await.unwrap() == 1
}

async fn delete(store: &Store, message: &StoredMessage, at: Timestamp) {
    let hashes = vec![message.hash.clone()];
    let forward = OutgoingCommand::none();
    store
        .delete(message.owner, hashes, at, forward)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deletion_by_a_clock_that_is_behind_holds() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let known = message(b"known", 0, NOW);
    put(&store, &known).await;
    delete(&store, &known, NOW.minus(HOUR)).await;
    assert!(!taken(&store, &known).await);
    let again = StoredMessage {
        timestamp: NOW.plus(HOUR),
        ..known
    };
    assert!(taken(&store, &again).await, "stored again elsewhere");
}

#[tokio::test]
async fn a_request_that_was_overtaken_by_a_deletion_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let late = message(b"late", 0, NOW);
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    delete(&store, &late, at(2)).await;
    let arriving = async |message: &StoredMessage, now| {
        let stored = store.insert_forwarded(message.clone(), now).await.unwrap();
        !stored.already
    };
    assert!(!arriving(&late, at(3)).await);
    assert!(!arriving(&late, at(61)).await);
    let newer = StoredMessage {
        timestamp: at(4),
        ..late.clone()
    };
    assert!(
        arriving(&newer, at(5)).await,
        "stored again after the deletion"
    );
    delete(&store, &newer, at(6)).await;
    assert!(
        arriving(&late, at(67)).await,
        "too late to be on its way still"
    );
    delete(&store, &late, at(68)).await;
    put(&store, &late).await;
}

#[tokio::test]
async fn what_expired_by_its_owners_wish_stays_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (set, unset) = (message(b"set", 2, NOW), message(b"unset", 2, NOW));
    for message in [&set, &unset] {
        put(&store, message).await;
    }
    let soon = vec![(set.hash.clone(), NOW.plus(HOUR))];
    let forward = OutgoingCommand::none();
    let mode = ExpireMode::Shorten;
    store
        .expire(set.owner, soon, mode, NOW, forward)
        .await
        .unwrap();
    assert_eq!(store.sweep(NOW.plus(2 * HOUR), 100).await.unwrap(), 1);
    assert!(!taken(&store, &set).await);
    assert_eq!(store.sweep(NOW.plus(31 * DAY), 100).await.unwrap(), 1);
    assert!(taken(&store, &unset).await);
}

#[tokio::test]
async fn what_was_replaced_stays_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let old = message(b"old", -1, NOW);
    let new = message(b"new", -1, NOW.plus(HOUR));
    for message in [&old, &new] {
        put(&store, message).await;
    }
    delete(&store, &new, NOW.plus(2 * HOUR)).await;
    assert!(!taken(&store, &old).await);
    // Its owner may want it back.
    put(&store, &old).await;
}

#[tokio::test]
async fn deletions_of_old_messages_are_remembered_as_long_as_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    // Kept alive again and again.
    let old = message(b"old", 2, NOW.minus(50 * DAY));
    put(&store, &old).await;
    let until = Some(NOW.minus(40 * DAY));
    let forward = OutgoingCommand::none();
    let deleted = store
        .delete_range(old.owner, None, until, NOW, forward)
        .await;
    assert_eq!(deleted.unwrap().len(), 1);
    store.forget_old(NOW.plus(29 * DAY)).await.unwrap();
    assert!(!taken(&store, &old).await);
    store.forget_old(NOW.plus(31 * DAY)).await.unwrap();
    assert!(taken(&store, &old).await);
}
