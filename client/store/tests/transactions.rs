//! Several steps in one transaction, and several processes at one database.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fixtures::{ALICE, BOB, CAROL, at, carol, from, id, outgoing, profile, texts};
use session_store::{Store, StoreError};

fn another(folder: &std::path::Path) -> Store {
    profile(folder).open(id(CAROL), None).unwrap()
}

#[test]
fn steps_are_seen_by_others_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let other = another(folder.path());
    store
        .atomically(|store| {
            store.queue_outgoing(&outgoing(BOB, "one", 1000))?;
            store.take_in(&from(BOB, 100, "two"))?;
            assert_eq!(texts(store, BOB), ["two", "one"], "seen inside");
            assert_eq!(texts(&other, BOB), Vec::<String>::new());
            assert_eq!(other.job_count()?, 0);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(texts(&other, BOB), ["two", "one"]);
    assert_eq!(other.job_count().unwrap(), 2);
}

#[test]
fn what_fails_is_undone_whole_also_what_was_nested() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.take_in(&from(BOB, 50, "before")).unwrap();
    let failed = store.atomically(|store| {
        store.queue_outgoing(&outgoing(BOB, "one", 1000))?;
        store.atomically(|store| {
            store.set_draft(&id(BOB), "draft")?;
            store.atomically(|store| store.set_setting("a", "b"))
        })?;
        store.atomically(|store| {
            store.take_in(&from(ALICE, 100, "two"))?;
            Err::<(), _>(StoreError::UnknownMessage)
        })
    });
    assert!(matches!(failed, Err(StoreError::UnknownMessage)));
    let check = |store: &Store| {
        assert_eq!(texts(store, BOB), ["before"]);
        assert_eq!(store.conversations().unwrap().len(), 1);
        assert_eq!(store.conversation(&id(BOB)).unwrap().unwrap().draft, "");
        assert_eq!(store.setting("a").unwrap(), None);
        assert_eq!(store.job_count().unwrap(), 0);
    };
    check(&store);
    check(&another(folder.path()));
    // The sent time of the message that was undone was not used up, and writing goes on.
    let sent = store.queue_outgoing(&outgoing(BOB, "after", 1000)).unwrap();
    assert_eq!(sent.sent_at, at(1000));
    assert_eq!(texts(&another(folder.path()), BOB), ["before", "after"]);
}

#[test]
fn a_panic_undoes_too_and_ends_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.atomically(|store| -> Result<(), StoreError> {
            store.take_in(&from(BOB, 100, "one"))?;
            std::panic::resume_unwind(Box::new("a fault in the caller"));
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(texts(&store, BOB), Vec::<String>::new());
    store.take_in(&from(BOB, 200, "two")).unwrap();
    // On disk, and not part of a transaction nobody ends.
    let mut other = another(folder.path());
    assert_eq!(texts(&other, BOB), ["two"]);
    other.set_setting("a", "b").unwrap();
}

#[test]
fn changes_of_another_process_are_noticed_own_ones_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut here = carol(folder.path());
    let mut there = another(folder.path());
    let (before_here, before_there) = (
        here.foreign_changes().unwrap(),
        there.foreign_changes().unwrap(),
    );
    here.set_setting("a", "b").unwrap();
    assert_eq!(here.foreign_changes().unwrap(), before_here);
    let after = there.foreign_changes().unwrap();
    assert_ne!(after, before_there);
    assert_eq!(
        there.foreign_changes().unwrap(),
        after,
        "asking changes nothing"
    );
    // Reading is no change, and neither is what was undone.
    there.conversations().unwrap();
    let undone: Result<(), StoreError> = there.atomically(|store| {
        store.set_setting("a", "c")?;
        Err(StoreError::UnknownMessage)
    });
    assert!(undone.is_err());
    assert_eq!(here.foreign_changes().unwrap(), before_here);
    there.set_setting("a", "c").unwrap();
    // Inside a transaction it is certain that nothing changes any more.
    here.atomically(|store| {
        assert_ne!(store.foreign_changes()?, before_here);
        assert_eq!(store.setting("a")?.as_deref(), Some("c"));
        Ok::<_, StoreError>(())
    })
    .unwrap();
}
