use std::collections::BTreeMap;

use session_types::network_prefix;

use super::*;

mod damage;
mod lists;
mod maintenance;
mod pages;
mod peers;
mod repair;
mod space;

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

pub(super) fn open(dir: &tempfile::TempDir) -> Store {
    let limits = StoreLimits {
        readers: 2,
        writer_queue: 100,
        max_database_bytes: 64 * 1024 * 1024,
    };
    Store::open(&dir.path().join("node.db"), limits).unwrap()
}

fn owner(byte: u8) -> SwarmPubkey {
    let mut key = [0; 32];
    key[0] = byte;
    SwarmPubkey::new(network_prefix::ACCOUNT, key)
}

pub(super) fn peer(byte: u8) -> Ed25519PublicKey {
    Ed25519PublicKey::new([byte; 32])
}

pub(super) fn hash(number: u32) -> MessageHash {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    MessageHash::from_digest(&digest)
}

pub(super) fn message(number: u32, owner_byte: u8, namespace: i16, size: usize) -> StoredMessage {
    StoredMessage {
        owner: owner(owner_byte),
        namespace: Namespace::new(namespace),
        hash: hash(number),
        timestamp: NOW.plus(Duration::from_millis(u64::from(number))),
        expiry: NOW.plus(Duration::from_secs(1000 + u64::from(number))),
        data: vec![7; size],
    }
}

fn page_of(owner_byte: u8, namespace: i16) -> PageRequest {
    PageRequest {
        owner: owner(owner_byte),
        namespace: Namespace::new(namespace),
        last_hash: None,
        max_count: None,
        max_size: u64::MAX,
    }
}

async fn insert(store: &Store, message: StoredMessage) -> Inserted {
    let (inserted, _) = store.insert(message, Outbox::default()).await.unwrap();
    inserted
}

async fn numbers_in(store: &Store, request: PageRequest) -> Vec<MessageHash> {
    let page = store.page(request).await.unwrap();
    page.messages
        .iter()
        .map(|message| message.hash.clone())
        .collect()
}

#[tokio::test]
async fn a_known_hash_keeps_the_later_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut row = message(1, 1, 0, 10);
    let expiry = row.expiry;
    assert_eq!(
        insert(&store, row.clone()).await,
        Inserted {
            already: false,
            expiry
        }
    );
    row.expiry = expiry.minus(Duration::from_secs(5));
    assert_eq!(
        insert(&store, row.clone()).await,
        Inserted {
            already: true,
            expiry
        }
    );
    row.expiry = expiry.plus(Duration::from_secs(5));
    let later = row.expiry;
    assert_eq!(
        insert(&store, row.clone()).await,
        Inserted {
            already: true,
            expiry: later
        }
    );
    let expiries = store
        .expiries(owner(1), vec![hash(1), hash(2)])
        .await
        .unwrap();
    assert_eq!(expiries, vec![(hash(1), later)]);
}

#[tokio::test]
async fn pages_by_hash_count_and_size() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 1..=20 {
        insert(&store, message(number, 1, 0, 70_000)).await;
    }
    insert(&store, message(99, 1, 2, 10)).await;
    insert(&store, message(98, 2, 0, 10)).await;

    // node.md section 14, case 16: the default limit gives 16 messages of 70,000 bytes.
    let mut request = PageRequest {
        max_size: 7_800_000 / 5,
        ..page_of(1, 0)
    };
    let page = store.page(request.clone()).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (16, true));
    assert_eq!(page.messages[0], message(1, 1, 0, 70_000));

    request.last_hash = Some(hash(16));
    let page = store.page(request.clone()).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (4, false));
    request.last_hash = Some(hash(20));
    assert_eq!(*store.page(request.clone()).await.unwrap(), Page::default());
    // Unknown here, or known for another mailbox: from the beginning.
    for elsewhere in [hash(1000), hash(98), hash(99)] {
        request.last_hash = Some(elsewhere);
        assert_eq!(
            store.page(request.clone()).await.unwrap().messages.len(),
            16
        );
    }

    request = PageRequest {
        max_count: Some(5),
        ..page_of(1, 0)
    };
    let page = store.page(request.clone()).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (5, true));
    request.max_count = Some(20);
    let page = store.page(request.clone()).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (20, false));
    // One message larger than the limit is still returned.
    request = PageRequest {
        max_size: 1,
        ..page_of(1, 0)
    };
    let page = store.page(request).await.unwrap();
    assert_eq!((page.messages.len(), page.more), (1, true));
}

#[tokio::test]
async fn an_outbox_holds_the_newest_message() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    insert(&store, message(5, 1, -1, 1)).await;
    assert!(!insert(&store, message(6, 1, -1, 1)).await.already);
    assert_eq!(numbers_in(&store, page_of(1, -1)).await, vec![hash(6)]);
    assert!(insert(&store, message(4, 1, -1, 1)).await.already);
    assert_eq!(numbers_in(&store, page_of(1, -1)).await, vec![hash(6)]);
}

#[tokio::test]
async fn deletes_and_changes_expiries() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 1..=6 {
        insert(
            &store,
            message(number, 1, if number % 2 == 0 { 2 } else { 0 }, 5),
        )
        .await;
    }
    insert(&store, message(7, 2, 0, 5)).await;

    let none = OutgoingCommand::none;
    let deleted = store.delete(
        owner(1),
        vec![hash(2), hash(50), hash(1), hash(7)],
        NOW,
        none(),
    );
    assert_eq!(deleted.await.unwrap(), vec![hash(1), hash(2)]);

    let until = message(3, 1, 0, 0).timestamp;
    let deleted = store
        .delete_range(owner(1), None, Some(until), NOW, none())
        .await
        .unwrap();
    assert_eq!(deleted, vec![(Namespace::new(0), hash(3))]);

    let early = NOW.plus(Duration::from_secs(10));
    let updated = store
        .expire_range(owner(1), Some(Namespace::new(2)), early, none())
        .await;
    assert_eq!(
        updated.unwrap(),
        vec![(Namespace::new(2), hash(4)), (Namespace::new(2), hash(6))]
    );
    let updated = store
        .expire_range(owner(1), None, early, none())
        .await
        .unwrap();
    assert_eq!(updated, vec![(Namespace::new(0), hash(5))]);

    let later = early.plus(Duration::from_secs(10));
    let change = |mode, to| {
        let store = store.clone();
        async move {
            let changes = vec![(hash(6), to), (hash(5), to), (hash(50), to)];
            store
                .expire(owner(1), changes, mode, NOW, OutgoingCommand::none())
                .await
                .unwrap()
        }
    };
    let both = |to| BTreeMap::from([(hash(5), to), (hash(6), to)]);
    let none_of_them = BTreeMap::new;
    let shortened = change(ExpireMode::Shorten, later).await;
    assert_eq!(
        shortened,
        Expired {
            updated: none_of_them(),
            unchanged: both(early)
        }
    );
    let extended = change(ExpireMode::Extend, later).await;
    assert_eq!(
        extended,
        Expired {
            updated: both(later),
            unchanged: none_of_them()
        }
    );
    let set = change(ExpireMode::Set, early).await;
    assert_eq!(
        set,
        Expired {
            updated: both(early),
            unchanged: none_of_them()
        }
    );

    // Extensions by less than a hundredth are not written.
    let far = NOW.plus(Duration::from_secs(10_000));
    change(ExpireMode::Set, far).await;
    let little = far.plus(Duration::from_secs(99));
    let extended = change(ExpireMode::Extend, little).await;
    assert_eq!(
        extended,
        Expired {
            updated: none_of_them(),
            unchanged: both(far)
        }
    );
    let set = change(ExpireMode::Set, little).await;
    assert_eq!(
        set,
        Expired {
            updated: both(little),
            unchanged: none_of_them()
        }
    );
    assert_eq!(
        store.expiries(owner(1), vec![hash(5)]).await.unwrap(),
        [(hash(5), far)]
    );
    let more = far.plus(Duration::from_secs(102));
    let extended = change(ExpireMode::Extend, more).await;
    assert_eq!(
        extended,
        Expired {
            updated: both(more),
            unchanged: none_of_them()
        }
    );

    let deleted = store
        .delete_range(owner(1), None, None, NOW, none())
        .await
        .unwrap();
    assert_eq!(deleted.len(), 3);
    assert_eq!(store.message_count().await.unwrap(), 1);
}

#[tokio::test]
async fn the_sweep_deletes_what_has_expired_in_steps() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 1..=9 {
        insert(&store, message(number, 1, 0, 5)).await;
    }
    let now = message(5, 1, 0, 0).expiry;
    assert_eq!(store.sweep(now, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 2);
    assert_eq!(store.sweep(now, 3).await.unwrap(), 0);
    assert_eq!(store.message_count().await.unwrap(), 4);
    assert_eq!(
        numbers_in(&store, page_of(1, 0)).await,
        (6..=9).map(hash).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_latest_word_about_a_token_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let none = OutgoingCommand::none;
    let at = |ms| NOW.plus(Duration::from_millis(ms));
    let token = |byte| SubaccountToken::try_from([byte; 36].as_slice()).unwrap();
    store
        .revoke(owner(1), vec![token(1), token(2)], at(1), none())
        .await
        .unwrap();
    assert!(store.is_revoked(owner(1), token(1)).await.unwrap());
    assert!(!store.is_revoked(owner(2), token(1)).await.unwrap());
    let lifted = store
        .unrevoke(owner(1), vec![token(1), token(9)], at(5), none())
        .await
        .unwrap();
    assert_eq!(lifted, 1);
    store
        .revoke(owner(1), vec![token(1)], at(4), none())
        .await
        .unwrap();
    assert_eq!(store.revoked(owner(1)).await.unwrap(), vec![token(2)]);
    // Case 27: the 51st revocation drops the oldest.
    for byte in 100..150 {
        store
            .revoke(owner(1), vec![token(byte)], at(u64::from(byte)), none())
            .await
            .unwrap();
    }
    let revoked = store.revoked(owner(1)).await.unwrap();
    assert_eq!(revoked.len(), 50);
    assert!(!revoked.contains(&token(2)));
}

#[tokio::test]
async fn a_full_database_refuses_and_keeps_working() {
    let dir = tempfile::tempdir().unwrap();
    let limits = StoreLimits {
        readers: 1,
        writer_queue: 10,
        max_database_bytes: 1024 * 1024,
    };
    let store = Store::open(&dir.path().join("node.db"), limits).unwrap();
    let mut refused = None;
    for number in 1..100 {
        let result = store
            .insert(message(number, 1, 0, 50_000), Outbox::default())
            .await;
        if result.is_err() {
            refused = Some(number);
            break;
        }
    }
    let refused = refused.expect("a limit of one megabyte holds a hundred times 50 kB");
    let stored = store.message_count().await.unwrap();
    assert_eq!(stored, u64::from(refused) - 1);
    let everything = store
        .delete_range(owner(1), None, None, NOW, OutgoingCommand::none())
        .await;
    assert_eq!(everything.unwrap().len() as u64, stored);
    insert(&store, message(200, 1, 0, 50_000)).await;
}

#[tokio::test]
async fn concurrent_writers_are_all_answered() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writers = (0..500u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { insert(&store, message(number, 1, 0, 20)).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        assert!(!writer.await.unwrap().already);
    }
    store.close().await;
    assert_eq!(open(&dir).message_count().await.unwrap(), 500);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let connection = rusqlite::Connection::open(dir.path().join("node.db")).unwrap();
    connection
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    drop(connection);
    let limits = StoreLimits {
        readers: 1,
        writer_queue: 1,
        max_database_bytes: 1 << 20,
    };
    let refused = Store::open(&dir.path().join("node.db"), limits);
    assert!(matches!(
        refused,
        Err(StoreError::NewerSchema {
            found: 1000,
            known: 2
        })
    ));
}

#[tokio::test]
async fn a_job_that_fails_is_undone_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writes = (0..40u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let room = Arc::clone(&store.room);
            store
                .writer
                .write(move |conn| {
                    messages::insert(conn, &message(number, 1, 0, 5), Source::Client, &room)?;
                    if number % 2 == 0 {
                        Err(rusqlite::Error::InvalidQuery)
                    } else {
                        Ok(())
                    }
                })
                .await
        })
    });
    for (number, write) in writes.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(write.await.unwrap().is_ok(), number % 2 == 1);
    }
    assert_eq!(store.message_count().await.unwrap(), 20);
}
