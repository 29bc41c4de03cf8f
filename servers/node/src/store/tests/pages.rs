//! Pages that are remembered are never older than what somebody was told.

use session_storage_rpc::{Shared, SharedPart as _, Tree};

use super::damage::real_message;
use super::lists::listed;
use super::*;
use crate::store::schema::Form;

/// A folder with an empty database of a form.
fn folder(form: Form) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    if form == Form::One {
        schema::prepare_form_one(&dir.path().join("node.db"));
    }
    dir
}

/// Reads a page so that it is remembered.
async fn remembered(store: &Store, request: PageRequest) -> Arc<Page> {
    let page = store.page(request.clone()).await.unwrap();
    let again = store.pages.get(&request).expect("it was read just now");
    assert!(Arc::ptr_eq(&page, &again));
    page
}

/// The hashes of the mailbox that has all the messages here, as the next reader gets them.
async fn held(store: &Store) -> Vec<MessageHash> {
    numbers_in(store, page_of(1, 0)).await
}

#[tokio::test]
async fn every_change_is_seen_in_a_page_that_was_remembered() {
    for form in [Form::One, Form::Two] {
        let dir = folder(form);
        let store = open(&dir);
        let row = |number| real_message(number, 1, 30);
        assert_eq!(remembered(&store, page_of(1, 0)).await.messages, []);
        insert(&store, row(1)).await;
        assert_eq!(remembered(&store, page_of(1, 0)).await.messages, [row(1)]);

        // Nothing new for who has the newest, until something comes.
        let later = PageRequest {
            last_hash: Some(row(1).hash),
            ..page_of(1, 0)
        };
        assert_eq!(remembered(&store, later.clone()).await.messages, []);
        insert(&store, row(2)).await;
        let expected = [row(2)];
        assert_eq!(store.page(later).await.unwrap().messages, expected);
        let both = [row(1), row(2)];
        assert_eq!(remembered(&store, page_of(1, 0)).await.messages, both);

        // A message pushed by a peer.
        store.insert_bulk(vec![row(3)]).await.unwrap();
        let page = remembered(&store, page_of(1, 0)).await;
        assert_eq!(page.messages, [row(1), row(2), row(3)]);

        // The same once more, with a later expiry.
        let mut longer = row(3);
        longer.expiry = longer.expiry.plus(Duration::from_secs(500));
        assert!(insert(&store, longer.clone()).await.already);
        let page = remembered(&store, page_of(1, 0)).await;
        assert_eq!(page.messages.last(), Some(&longer));

        // An expiry that is set, and one for all.
        let at = NOW.plus(Duration::from_secs(900));
        let changes = vec![(row(3).hash, at)];
        let forward = OutgoingCommand::none();
        let set = ExpireMode::Set;
        let done = store.expire(owner(1), changes, set, NOW, forward).await;
        assert_eq!(done.unwrap().updated.len(), 1);
        let page = remembered(&store, page_of(1, 0)).await;
        assert_eq!(page.messages.last().map(|m| m.expiry), Some(at));
        let soon = NOW.plus(Duration::from_secs(600));
        let forward = OutgoingCommand::none();
        let changed = store.expire_range(owner(1), None, soon, forward).await;
        assert_eq!(changed.unwrap().len(), 3);
        let page = remembered(&store, page_of(1, 0)).await;
        assert!(page.messages.iter().all(|message| message.expiry == soon));

        // A deletion by hash, one by time, and the sweep.
        let forward = OutgoingCommand::none();
        let deleted = store.delete(owner(1), vec![row(2).hash], NOW, forward);
        assert_eq!(deleted.await.unwrap(), [row(2).hash]);
        assert_eq!(held(&store).await, [row(1).hash, row(3).hash]);
        remembered(&store, page_of(1, 0)).await;
        let until = Some(row(1).timestamp);
        let forward = OutgoingCommand::none();
        let deleted = store.delete_range(owner(1), None, until, NOW, forward);
        assert_eq!(deleted.await.unwrap().len(), 1);
        assert_eq!(held(&store).await, [row(3).hash]);
        remembered(&store, page_of(1, 0)).await;
        let swept = store.sweep(soon.plus(Duration::from_secs(1)), 10).await;
        assert_eq!(swept.unwrap(), 1);
        assert_eq!(held(&store).await, []);

        // The next in an outbox takes the place of the one before.
        let new = |number| StoredMessage {
            namespace: Namespace::new(-1),
            ..real_message(number, 1, 30)
        };
        insert(&store, new(10)).await;
        remembered(&store, page_of(1, -1)).await;
        insert(&store, new(11)).await;
        let page = store.page(page_of(1, -1)).await.unwrap();
        assert_eq!(page.messages, [new(11)]);
    }
}

#[tokio::test]
async fn an_owner_who_goes_and_comes_again_is_not_taken_for_the_one_before() {
    let dir = folder(Form::Two);
    let store = open(&dir);
    insert(&store, real_message(1, 1, 30)).await;
    // Who came later keeps the first one's number from being the next that is given.
    insert(&store, real_message(2, 2, 30)).await;
    listed(&store).await;
    let forward = OutgoingCommand::none();
    let hashes = vec![real_message(1, 1, 30).hash];
    store.delete(owner(1), hashes, NOW, forward).await.unwrap();
    // The owner is known until the lists are tidied.
    assert_eq!(remembered(&store, page_of(1, 0)).await.messages, []);
    assert_eq!(store.tidy(true).await.unwrap(), 1);
    let back = real_message(4, 1, 30);
    insert(&store, back.clone()).await;
    assert_eq!(held(&store).await, [back.hash]);
}

#[tokio::test]
async fn a_large_page_is_not_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for number in 0..3 {
        insert(&store, real_message(number, 1, 60_000)).await;
    }
    assert_eq!(held(&store).await.len(), 3);
    assert!(store.pages.get(&page_of(1, 0)).is_none());
    let first = PageRequest {
        max_count: Some(1),
        ..page_of(1, 0)
    };
    remembered(&store, first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_in_the_next_page_however_many_ask() {
    const TURNS: u32 = 300;
    for form in [Form::One, Form::Two] {
        let dir = folder(form);
        let store = open(&dir);
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        // They have every page remembered as soon as it can be.
        let asking: Vec<_> = (0..3)
            .map(|_| {
                let (store, done) = (store.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        for byte in 0..3 {
                            store.page(page_of(byte, 0)).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        let changing = (0..3).map(|byte| {
            let store = store.clone();
            tokio::spawn(async move {
                for turn in 0..TURNS {
                    let new = real_message(turn * 3 + u32::from(byte), byte, 30);
                    insert(&store, new.clone()).await;
                    let there = numbers_in(&store, page_of(byte, 0)).await;
                    assert!(there == std::slice::from_ref(&new.hash), "{form:?}: {turn}");
                    let forward = OutgoingCommand::none();
                    let gone = store.delete(owner(byte), there, NOW, forward).await;
                    assert_eq!(gone.unwrap(), [new.hash]);
                    let there = numbers_in(&store, page_of(byte, 0)).await;
                    assert_eq!(there, [], "{form:?}: {turn}");
                }
            })
        });
        let changed = futures_util::future::join_all(changing).await;
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for ended in changed {
            ended.unwrap();
        }
        for ended in futures_util::future::join_all(asking).await {
            ended.unwrap();
        }
    }
}

/// The text a page keeps is the text of its messages, whether it is kept or made anew.
#[tokio::test]
async fn a_page_says_the_same_in_every_form() {
    let dir = folder(Form::Two);
    let store = open(&dir);
    for number in 1..=3 {
        insert(&store, real_message(number, 1, 100)).await;
    }
    for number in 4..=8 {
        insert(&store, real_message(number, 2, 50_000)).await;
    }
    for (owner, kept) in [(1, true), (2, false), (3, true)] {
        let page = store.page(page_of(owner, 0)).await.unwrap();
        assert_eq!(page.is_remembered(), kept);
        let plain = page.tree();
        let text = plain.to_json_text();
        assert!(page.json_size() >= text.len());
        for form in [page.clone(), store.page(page_of(owner, 0)).await.unwrap()] {
            let shared = Tree::Shared(Shared::new(form));
            for _ in 0..2 {
                assert_eq!(shared.to_json_text(), text);
            }
            assert_eq!(shared.to_json(), plain.to_json());
            assert_eq!(shared.to_bt(), plain.to_bt());
        }
    }
}
