//! Messages are found whatever state the file's lists are in, on files of both forms.

use std::collections::BTreeSet;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rusqlite::Connection;

use super::damage::{self, real_message};
use super::*;
use crate::store::maintenance::{MaintenanceError, compact, repair, stats, verify};
use crate::store::recent::LISTED;
use crate::store::schema::Form;

const BOTH: [Form; 2] = [Form::One, Form::Two];

/// A folder with an empty database of a form, as a node makes it.
fn folder(form: Form) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    if form == Form::One {
        schema::prepare_form_one(&path(&dir));
    }
    dir
}

fn path(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join(crate::node::DATABASE_FILE)
}

fn open_in(dir: &tempfile::TempDir) -> Store {
    let limits = StoreLimits {
        readers: 2,
        writer_queue: 100,
        max_database_bytes: 64 << 20,
    };
    Store::open(&path(dir), limits).unwrap()
}

fn form_of(dir: &tempfile::TempDir) -> Form {
    schema::form(&Connection::open(path(dir)).unwrap()).unwrap()
}

async fn count(store: &Store, sql: &'static str) -> i64 {
    store
        .read(move |conn| conn.query_row(sql, [], |row| row.get(0)))
        .await
        .unwrap()
}

/// What a store must hold.
#[derive(Default)]
struct Model {
    /// In the order in which they were stored.
    messages: Vec<StoredMessage>,
}

impl Model {
    fn mailbox(&self, owner: SwarmPubkey, namespace: Namespace) -> Vec<StoredMessage> {
        let held = |m: &&StoredMessage| m.owner == owner && m.namespace == namespace;
        self.messages.iter().filter(held).cloned().collect()
    }

    fn remove(&mut self, goes: impl Fn(&StoredMessage) -> bool) -> BTreeSet<MessageHash> {
        let gone = self.messages.iter().filter(|m| goes(m));
        let gone = gone.map(|m| m.hash.clone()).collect();
        self.messages.retain(|m| !goes(m));
        gone
    }
}

const NAMESPACES: [i16; 3] = [0, 3, -1];

async fn check(store: &Store, model: &Model, generator: &mut StdRng) {
    assert_eq!(
        store.message_count().await.unwrap(),
        model.messages.len() as u64
    );
    for byte in 0..6 {
        for namespace in NAMESPACES {
            let wanted = model.mailbox(owner(byte), Namespace::new(namespace));
            let page = store.page(page_of(byte, namespace)).await.unwrap();
            assert!(page.messages == wanted, "owner {byte}, {namespace}");
            if !wanted.is_empty() {
                let place = generator.random_range(0..wanted.len());
                let request = PageRequest {
                    last_hash: Some(wanted[place].hash.clone()),
                    max_count: Some(5),
                    ..page_of(byte, namespace)
                };
                let page = store.page(request).await.unwrap();
                let rest = &wanted[place + 1..];
                assert!(page.messages == rest[..rest.len().min(5)]);
                assert_eq!(page.more, rest.len() > 5);
            }
        }
        let hashes: Vec<MessageHash> = model.messages.iter().map(|m| m.hash.clone()).collect();
        let own = model.messages.iter().filter(|m| m.owner == owner(byte));
        let own: Vec<_> = own.map(|m| (m.hash.clone(), m.expiry)).collect();
        assert_eq!(store.expiries(owner(byte), hashes).await.unwrap(), own);
    }
}

/// Everything that happens to messages, in any order, with crashes in between.
#[tokio::test]
async fn any_course_of_events_leaves_what_it_must() {
    for (form, seed) in BOTH.into_iter().flat_map(|form| [(form, 1), (form, 2)]) {
        let mut generator = StdRng::seed_from_u64(seed);
        let dir = folder(form);
        let mut store = open_in(&dir);
        let mut model = Model::default();
        let mut number = 0;
        for turn in 0..600u64 {
            // Later than everything before, so that no deletion covers what is stored again.
            let now = NOW.plus(Duration::from_secs(100 * turn));
            let byte = generator.random_range(0..6u8);
            let namespace = NAMESPACES[generator.random_range(0..3)];
            match generator.random_range(0..100) {
                0..50 => {
                    for _ in 0..generator.random_range(1..12) {
                        number += 1;
                        let mut new = real_message(number, byte, 30);
                        new.namespace = Namespace::new(namespace);
                        new.timestamp = now.plus(Duration::from_millis(number.into()));
                        let lives = generator.random_range(100..40_000);
                        new.expiry = now.plus(Duration::from_secs(lives));
                        new.hash = session_crypto::hash::message_hash(
                            &new.owner,
                            new.namespace,
                            &new.data,
                        );
                        assert!(!insert(&store, new.clone()).await.already);
                        assert!(insert(&store, new.clone()).await.already);
                        if namespace == -1 {
                            model.remove(|m| m.owner == new.owner && m.namespace == new.namespace);
                        }
                        model.messages.push(new);
                    }
                }
                50..65 => {
                    let mut wanted: Vec<MessageHash> = (0..3).map(hash).collect();
                    for _ in 0..5.min(model.messages.len()) {
                        let place = generator.random_range(0..model.messages.len());
                        wanted.push(model.messages[place].hash.clone());
                    }
                    let gone = model.remove(|m| m.owner == owner(byte) && wanted.contains(&m.hash));
                    let deleted = store
                        .delete(owner(byte), wanted, now, OutgoingCommand::none())
                        .await;
                    assert_eq!(deleted.unwrap(), Vec::from_iter(gone));
                }
                65..70 => {
                    let space = generator
                        .random_bool(0.7)
                        .then_some(Namespace::new(namespace));
                    let until = now.minus(Duration::from_secs(generator.random_range(0..6_000)));
                    let gone = model.remove(|m| {
                        m.owner == owner(byte)
                            && space.is_none_or(|space| m.namespace == space)
                            && m.timestamp <= until
                    });
                    let forward = OutgoingCommand::none();
                    let deleted = store
                        .delete_range(owner(byte), space, Some(until), now, forward)
                        .await
                        .unwrap();
                    let deleted: Vec<_> = deleted.into_iter().map(|(_, hash)| hash).collect();
                    assert_eq!(deleted, Vec::from_iter(gone));
                }
                70..76 => {
                    let expiry = now.plus(Duration::from_secs(9_000));
                    let shortened = store
                        .expire_range(owner(byte), None, expiry, OutgoingCommand::none())
                        .await
                        .unwrap();
                    let mut expected = BTreeSet::new();
                    for m in &mut model.messages {
                        if m.owner == owner(byte) && m.expiry > expiry {
                            m.expiry = expiry;
                            expected.insert((m.namespace, m.hash.clone()));
                        }
                    }
                    assert_eq!(BTreeSet::from_iter(shortened), expected);
                }
                76..82 => {
                    let gone = model.remove(|m| m.expiry <= now).len();
                    let mut swept = 0;
                    loop {
                        match store.sweep(now, 40).await.unwrap() {
                            0 => break,
                            some => swept += some,
                        }
                    }
                    assert_eq!(swept, gone);
                }
                82..88 => {
                    store.tidy(generator.random()).await.unwrap();
                }
                88..92 => {
                    store.recent.hurry();
                    insert_again(&store, &model).await;
                }
                92..96 => {
                    store.kill();
                    store = open_in(&dir);
                }
                _ => {
                    store.close().await;
                    store = open_in(&dir);
                }
            }
            if turn % 20 == 0 {
                check(&store, &model, &mut generator).await;
            }
            if turn % 150 == 149 {
                let found = verify(dir.path(), now, &mut |_| {}).unwrap();
                assert!(found.is_in_order(), "{form:?}: {found:?}");
            }
        }
        check(&store, &model, &mut generator).await;
        store.close().await;
        assert_eq!(form_of(&dir), form);
    }
}

/// Wakes the writer with something that changes nothing.
async fn insert_again(store: &Store, model: &Model) {
    if let Some(known) = model.messages.last() {
        assert!(insert(store, known.clone()).await.already);
    }
}

/// Waits until everything is in the lists.
pub(super) async fn listed(store: &Store) {
    store.recent.hurry();
    store.writer.waker()();
    tokio::time::timeout(Duration::from_secs(30), async {
        while !store.recent.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_a_message_and_not_the_one_before_it() {
    const MESSAGES: u32 = 2_000;
    for form in BOTH {
        let dir = folder(form);
        let store = open_in(&dir);
        let writing = {
            let store = store.clone();
            tokio::spawn(async move {
                for from in (0..MESSAGES).step_by(20) {
                    // All at once, so that several are of one transaction.
                    let some = (from..from + 20).map(|number| {
                        let store = store.clone();
                        async move { insert(&store, real_message(number, 1, 40)).await }
                    });
                    futures_util::future::join_all(some).await;
                }
            })
        };
        let reading = (0..3).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut seen: Vec<MessageHash> = Vec::new();
                while seen.len() < MESSAGES as usize {
                    let request = PageRequest {
                        last_hash: seen.last().cloned(),
                        max_count: Some(50),
                        ..page_of(1, 0)
                    };
                    seen.extend(numbers_in(&store, request).await);
                }
                seen
            })
        });
        let readers: Vec<_> = reading.collect();
        writing.await.unwrap();
        let all = numbers_in(&store, page_of(1, 0)).await;
        assert_eq!(all.len(), MESSAGES as usize);
        for reader in readers {
            let deadline = Duration::from_secs(60);
            let seen = tokio::time::timeout(deadline, reader).await;
            assert!(seen.unwrap().unwrap() == all, "{form:?}");
        }
    }
}

#[tokio::test]
async fn lists_are_filled_and_emptied_in_the_end() {
    let dir = folder(Form::Two);
    let store = open_in(&dir);
    for number in 0..500 {
        insert(
            &store,
            real_message(number, (number % 9).to_le_bytes()[0], 10),
        )
        .await;
    }
    listed(&store).await;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM by_hash").await, 500);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM by_owner").await, 500);
    assert_eq!(store.number(LISTED).await.unwrap(), Some(500));
    let later = NOW.plus(Duration::from_secs(5_000));
    while store.sweep(later, 100).await.unwrap() > 0 {}
    // Entries of deleted messages stay until they are struck off, and lead nowhere.
    assert_eq!(count(&store, "SELECT COUNT(*) FROM by_hash").await, 500);
    for byte in 0..9 {
        let page = store.page(page_of(byte, 0)).await.unwrap();
        assert_eq!(*page, Page::default());
    }
    let kept = real_message(1_000, 4, 10);
    insert(&store, kept.clone()).await;
    assert_eq!(store.tidy(false).await.unwrap(), 500);
    for list in ["by_hash", "by_owner", "gone"] {
        let sql = format!("SELECT COUNT(*) FROM {list}");
        assert_eq!(count(&store, Box::leak(sql.into_boxed_str())).await, 0);
    }
    // The owner who has something in the meantime stays.
    assert_eq!(count(&store, "SELECT COUNT(*) FROM owners").await, 1);
    assert_eq!(
        numbers_in(&store, page_of(4, 0)).await,
        vec![kept.hash.clone()]
    );
    // A few are left for later, unless all are wanted.
    let forward = OutgoingCommand::none();
    store
        .delete(owner(4), vec![kept.hash], NOW, forward)
        .await
        .unwrap();
    assert_eq!(store.tidy(false).await.unwrap(), 0);
    assert_eq!(store.tidy(true).await.unwrap(), 0);
    listed(&store).await;
    assert_eq!(store.tidy(true).await.unwrap(), 1);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM owners").await, 0);
    assert!(
        verify(dir.path(), later, &mut |_| {})
            .unwrap()
            .is_in_order()
    );
}

#[tokio::test]
async fn numbers_are_not_used_twice_after_a_crash() {
    for form in BOTH {
        let dir = folder(form);
        for round in 1..=5i64 {
            let store = open_in(&dir);
            let number = u32::try_from(round).unwrap();
            let new = real_message(number, 1, 10);
            insert(&store, new.clone()).await;
            let ids = "SELECT MAX(id) FROM messages";
            assert_eq!(count(&store, ids).await, round, "{form:?}");
            let forward = OutgoingCommand::none();
            let gone = store.delete(owner(1), vec![new.hash], NOW, forward).await;
            assert_eq!(gone.unwrap().len(), 1);
            store.kill();
        }
    }
}

/// Hashes with the same key, which nobody makes by chance.
#[tokio::test]
async fn hashes_that_share_a_key_are_told_apart() {
    for form in BOTH {
        let dir = folder(form);
        let store = open_in(&dir);
        // The last character has spare bits in one of them.
        let names = ["A", "B", "E", "z"].map(|end| format!("abcdefgh{}{end}", "Q".repeat(34)));
        let hashes: Vec<MessageHash> = names.iter().map(|name| name.parse().unwrap()).collect();
        for state in 0..3 {
            for (number, hash) in hashes.iter().enumerate().skip(state) {
                let message = StoredMessage {
                    hash: hash.clone(),
                    ..message(u32::try_from(number).unwrap(), 1, 0, 10)
                };
                assert_eq!(insert(&store, message).await.already, state > 0, "{hash}");
            }
            if state == 1 {
                listed(&store).await;
            }
            let range = SwarmRange {
                first: 0,
                last: u64::MAX,
            };
            let place = |name: &str| {
                let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                u16::try_from(alphabet.find(name).unwrap()).unwrap()
            };
            let mut stretch = Stretch::whole(place("a") * 64 + place("b"));
            let held = store.held_rows(range, vec![stretch.clone()], 100).await;
            assert_eq!(held.unwrap()[0].rows.len(), 4);
            stretch.after = Some(names[0].clone());
            stretch.until = Some(names[2].clone());
            let held = store.held_rows(range, vec![stretch], 1).await.unwrap();
            assert_eq!(held[0].stopped_at.as_ref(), Some(&names[1]));
        }
        let forward = OutgoingCommand::none();
        let gone = store
            .delete(owner(1), vec![hashes[1].clone()], NOW, forward)
            .await;
        assert_eq!(gone.unwrap(), vec![hashes[1].clone()]);
        let left = store.expiries(owner(1), hashes.clone()).await.unwrap();
        let left: Vec<_> = left.into_iter().map(|(hash, _)| hash).collect();
        assert_eq!(left, [0, 2, 3].map(|index| hashes[index].clone()));
    }
}

/// What members compare does not depend on the form, or they would never agree.
#[tokio::test]
async fn both_forms_compare_alike() {
    let range = SwarmRange {
        first: 0,
        last: u64::MAX,
    };
    let mut results = Vec::new();
    for form in BOTH {
        let dir = folder(form);
        let store = open_in(&dir);
        for number in 0..400 {
            insert(
                &store,
                real_message(number, (number % 7).to_le_bytes()[0], 10),
            )
            .await;
            if number == 200 {
                listed(&store).await;
                store.make_sums(range).await.unwrap();
            }
        }
        let forward = OutgoingCommand::none();
        store
            .delete_range(owner(3), None, None, NOW, forward)
            .await
            .unwrap();
        let early = NOW.plus(Duration::from_secs(1_050));
        assert_eq!(store.sweep(early, 1_000).await.unwrap(), 44);
        let sums = store.sums(range).unwrap();
        let stretches: Vec<Stretch> = (0..BUCKETS).map(Stretch::whole).collect();
        let held = store.held_rows(range, stretches, 200).await.unwrap();
        results.push((sums, held));
    }
    assert!(results[0] == results[1]);
    assert!(results[0].1.last().unwrap().stopped_at.is_some());
}

/// A file of the first form with rows in every table.
async fn old_file() -> (tempfile::TempDir, damage::Content) {
    let dir = folder(Form::One);
    let store = open_in(&dir);
    let content = damage::fill(&store, 0..200).await;
    store.close().await;
    (dir, content)
}

#[tokio::test]
async fn compact_brings_a_file_into_the_newest_form() {
    let (dir, content) = old_file().await;
    let before = stats(dir.path(), NOW).unwrap();
    let store = open_in(&dir);
    store.kill();
    let compacted = compact(dir.path(), &mut |_| {}).unwrap();
    assert_eq!(compacted.messages, 200);
    assert_eq!(form_of(&dir), Form::Two);
    let after = stats(dir.path(), NOW).unwrap();
    assert_eq!((before.page_bytes, after.page_bytes), (4096, 8192));
    for (one, other) in [(&before, &after), (&after, &before)] {
        assert_eq!(one.messages, other.messages);
        assert_eq!(one.message_bytes, other.message_bytes);
        assert_eq!(one.owners, other.owners);
        assert_eq!(one.deliveries_waiting, other.deliveries_waiting);
        assert_eq!(one.revocations, other.revocations);
        assert_eq!(one.deletions, other.deletions);
    }
    assert!(verify(dir.path(), NOW, &mut |_| {}).unwrap().is_in_order());
    let store = open_in(&dir);
    assert!(!store.lacks_data());
    assert!(damage::all_messages(&store).await == content.messages);
    assert_eq!(store.number("swarm").await.unwrap(), Some(5));
    insert(&store, real_message(5_000, 1, 10)).await;
    let ids = "SELECT MAX(id) FROM messages";
    assert_eq!(count(&store, ids).await, 201);
}

#[tokio::test]
async fn a_damaged_file_of_the_first_form_is_not_compacted_but_repaired() {
    let (dir, content) = old_file().await;
    let connection = Connection::open(path(&dir)).unwrap();
    connection
        .execute("UPDATE messages SET data = x'00' WHERE id = 17", [])
        .unwrap();
    drop(connection);
    let refused = compact(dir.path(), &mut |_| {});
    assert!(matches!(refused, Err(MaintenanceError::Damaged)));
    assert_eq!(form_of(&dir), Form::One);
    let repaired = repair(dir.path()).unwrap();
    assert_eq!((repaired.messages_saved, repaired.messages_lost), (199, 1));
    assert_eq!(form_of(&dir), Form::Two);
    let store = open_in(&dir);
    let found = damage::all_messages(&store).await;
    assert_eq!(found.len(), 199);
    for (hash, message) in &found {
        assert!(content.messages.get(hash) == Some(message));
    }
}

#[tokio::test]
async fn verify_knows_what_the_lists_must_have() {
    let dir = folder(Form::Two);
    let store = open_in(&dir);
    for number in 0..100 {
        insert(&store, real_message(number, 1, 10)).await;
    }
    store.close().await;
    let connection = Connection::open(path(&dir)).unwrap();
    connection
        .execute_batch(
            "DELETE FROM by_hash WHERE id IN (3, 4);
             DELETE FROM by_owner WHERE id IN (4, 5, 6);
             INSERT INTO by_hash (key, id) VALUES (1, 1000);",
        )
        .unwrap();
    drop(connection);
    let found = verify(dir.path(), NOW, &mut |_| {}).unwrap();
    let rows: Vec<_> = found
        .rows
        .iter()
        .map(|(rule, n)| (rule.as_str(), *n))
        .collect();
    assert_eq!(
        rows,
        [
            ("entries of messages that are not there", 1),
            ("messages that cannot be found by hash or owner", 4)
        ]
    );
    let repaired = repair(dir.path()).unwrap();
    assert_eq!((repaired.messages_saved, repaired.messages_lost), (100, 0));
    assert!(verify(dir.path(), NOW, &mut |_| {}).unwrap().is_in_order());
}
