//! The messages of a conversation, page by page.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{ALICE, BOB, CAROL, at, bodies, carol, copy_of, from, id, ingest, item};
use session_store::{MessageId, Store, StoreError};

/// Messages that arrive out of order, and one from each side at the same time.
fn filled(store: &mut Store) {
    for (number, sent_at) in [(1, 500), (2, 100), (3, 300), (4, 200), (5, 400)] {
        let message = from(BOB, sent_at, &sent_at.to_string());
        ingest(store, &[item(number, message)], &[]);
    }
    ingest(store, &[item(6, copy_of(BOB, 300, "300 mine"))], &[]);
    ingest(store, &[item(7, from(ALICE, 350, "not here"))], &[]);
}

#[test]
fn history_pages_backwards_in_order_of_sent_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    filled(&mut store);
    let page = store.history(&id(BOB), 2, None).unwrap();
    assert_eq!(bodies(&page), ["400", "500"]);
    let page = store.history(&id(BOB), 2, Some(page[0].id)).unwrap();
    assert_eq!(bodies(&page), ["300", "300 mine"]);
    let page = store.history(&id(BOB), 2, Some(page[1].id)).unwrap();
    assert_eq!(bodies(&page), ["200", "300"]);
    let page = store.history(&id(BOB), 30, Some(page[0].id)).unwrap();
    assert_eq!(bodies(&page), ["100"]);
    assert!(
        store
            .history(&id(BOB), 30, Some(page[0].id))
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        store.history(&id(BOB), 30, Some(MessageId::new(999))),
        Err(StoreError::UnknownMessage)
    ));
    let found = store
        .message_by_sender(&id(CAROL), at(300))
        .unwrap()
        .unwrap();
    assert_eq!(found.body, "300 mine");
    assert!(
        store
            .message_by_sender(&id(CAROL), at(301))
            .unwrap()
            .is_none()
    );
}

#[test]
fn history_pages_forwards_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    filled(&mut store);
    let all = store.history(&id(BOB), 30, None).unwrap();
    assert_eq!(all.len(), 6);
    // From every message on, whatever the size of the pages, the rest comes in order.
    for (index, first) in all.iter().enumerate() {
        for limit in 1..=7 {
            let (mut found, mut after) = (Vec::new(), first.id);
            loop {
                let page = store.history_after(&id(BOB), limit, after).unwrap();
                let Some(last) = page.last() else { break };
                assert!(page.len() <= limit as usize);
                after = last.id;
                found.extend(page);
            }
            assert_eq!(found, all[index + 1..]);
        }
    }
    assert!(matches!(
        store.history_after(&id(BOB), 30, MessageId::new(999)),
        Err(StoreError::UnknownMessage)
    ));
}
