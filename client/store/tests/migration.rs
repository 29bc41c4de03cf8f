//! A database of the first version comes over with all it holds.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/schema_one.rs"]
mod schema_one;

use fixtures::{
    ALICE, BOB, CAROL, at, bodies, delivered, due, from, hash, id, node, outgoing, profile, state,
    texts,
};
use session_store::{Effect, JobKind, MessageId, MessageKind, MessageState, Store};
use session_types::{Namespace, SwarmPubkey};

/// Opens the account with this version.
fn opened(data_dir: &std::path::Path) -> Store {
    profile(data_dir).open(id(CAROL), None).unwrap()
}

#[test]
fn messages_come_over() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema_one::create(folder.path());
    let received = schema_one::message(&old, BOB, BOB, 100, "Grüße aus dem Café", 3);
    let sent = schema_one::message(&old, BOB, CAROL, 200, "thank you", 1);
    let empty = schema_one::message(&old, BOB, BOB, 300, "", 3);
    let failed = schema_one::message(&old, ALICE, CAROL, 400, "never came", 2);
    let name = "UPDATE conversations SET name = 'Bob', name_sent_at = 100 WHERE id = ?1";
    old.execute(name, [id(BOB).to_bytes().to_vec()]).unwrap();
    drop(old);

    let mut store = opened(folder.path());
    assert_eq!(store.identity().unwrap().display_name, "Carol");
    assert_eq!(texts(&store, BOB), ["Grüße aus dem Café", "thank you", ""]);
    let row = |store: &Store, number| store.message(MessageId::new(number)).unwrap().unwrap();
    let first = row(&store, received);
    assert_eq!(
        (first.kind, first.state),
        (MessageKind::Text, MessageState::Received)
    );
    assert_eq!(
        (first.sender, first.sent_at, first.unread),
        (id(BOB), at(100), true)
    );
    assert_eq!(
        (first.hash, first.stored_at),
        (Some(hash(100)), Some(at(101)))
    );
    assert_eq!((first.disappears_at, first.read_at), (None, None));
    assert_eq!(row(&store, sent).state, MessageState::Sent);
    let reason = "no path".into();
    assert_eq!(row(&store, failed).state, MessageState::Failed { reason });
    let bob = store.conversation(&id(BOB)).unwrap().unwrap();
    assert_eq!((bob.settings.shown_name(), bob.unread), (Some("Bob"), 2));
    assert!(bob.is_request(), "what the configs say is not known yet");

    // Old texts are found, and leave the index with their messages.
    let found = store.search("cafe grusse", None, 9).unwrap();
    assert_eq!(bodies(&found), Vec::<&str>::new());
    let found = store.search("cafe grüße", Some(&id(BOB)), 9).unwrap();
    assert_eq!(bodies(&found), ["Grüße aus dem Café"]);
    assert_eq!(store.search("cafe", Some(&id(ALICE)), 9).unwrap(), []);
    for number in [received, empty] {
        assert!(
            store
                .remove_message(MessageId::new(number), at(9000))
                .unwrap()
        );
    }
    assert_eq!(store.search("cafe", None, 9).unwrap(), []);
    assert_eq!(store.take_in(&from(BOB, 100, "again")).unwrap(), None);
    // Effects of now reach messages of then.
    let deletion = store.apply_effect(&id(CAROL), at(200), &id(CAROL), &Effect::Deletion, at(9000));
    assert_eq!(deletion.unwrap(), Some(MessageId::new(sent)));
    // Numbers and times go on where they were.
    let new = store.queue_outgoing(&outgoing(BOB, "new", 0)).unwrap();
    assert!(new.id.get() > failed);
    assert_eq!(new.sent_at, at(4001));
}

#[test]
fn jobs_come_over_in_their_order_with_what_waits_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema_one::create(folder.path());
    // A copy without its delivery, one being tried, one not begun, a note, and one job that is
    // done long since.
    let copied = schema_one::message(&old, ALICE, CAROL, 100, "copied", 1);
    let tried = schema_one::message(&old, BOB, CAROL, 200, "tried", 0);
    let fresh = schema_one::message(&old, BOB, CAROL, 300, "fresh", 0);
    let note = schema_one::message(&old, CAROL, CAROL, 400, "note", 0);
    let given_up = schema_one::message(&old, BOB, CAROL, 500, "given up", 2);
    schema_one::job(&old, copied, 1, CAROL, true, b"sealed copy");
    schema_one::job(&old, tried, 0, BOB, true, b"sealed");
    schema_one::job(&old, tried, 1, CAROL, false, b"");
    schema_one::job(&old, fresh, 0, BOB, true, b"");
    schema_one::job(&old, fresh, 1, CAROL, false, b"");
    schema_one::job(&old, note, 1, CAROL, true, b"");
    let done = schema_one::job(&old, given_up, 0, BOB, true, b"");
    old.execute("DELETE FROM outbox WHERE id = ?1", [done])
        .unwrap();
    drop(old);

    let mut store = opened(folder.path());
    assert_eq!(store.job_count().unwrap(), 6);
    let job = due(&store, CAROL, 3000).unwrap();
    assert_eq!(
        (job.message, job.kind),
        (Some(MessageId::new(copied)), JobKind::SyncCopy)
    );
    assert_eq!((job.conversation, job.sent_at), (id(ALICE), at(100)));
    assert_eq!(job.payload.as_deref(), Some(&b"sealed copy"[..]));
    store.job_succeeded(job.id, &delivered(1)).unwrap();
    // The copies of the others wait, the note does not.
    let job = due(&store, CAROL, 0).unwrap();
    assert_eq!(job.message, Some(MessageId::new(note)));
    assert_eq!((job.conversation, job.sent_at), (id(CAROL), at(400)));
    store.job_succeeded(job.id, &delivered(2)).unwrap();
    assert_eq!(due(&store, CAROL, 0), None);

    assert_eq!(
        due(&store, BOB, 2999),
        None,
        "postponed, and first in its queue"
    );
    let job = due(&store, BOB, 3000).unwrap();
    assert_eq!(
        (job.message, job.kind),
        (Some(MessageId::new(tried)), JobKind::Deliver)
    );
    assert_eq!(
        (job.attempts, job.payload.as_deref()),
        (2, Some(&b"sealed"[..]))
    );
    assert_eq!(job.content, b"");
    store.job_succeeded(job.id, &delivered(3)).unwrap();
    let copy = due(&store, CAROL, 0).unwrap();
    assert_eq!(
        (copy.message, copy.kind),
        (Some(MessageId::new(tried)), JobKind::SyncCopy)
    );
    assert_eq!((copy.conversation, copy.sent_at), (id(BOB), at(200)));
    let job = due(&store, BOB, 0).unwrap();
    assert_eq!(
        (job.message, job.payload.clone()),
        (Some(MessageId::new(fresh)), None)
    );
    store.job_failed(job.id, "no path").unwrap();
    assert_eq!(store.job_count().unwrap(), 1, "its copy went along");
    let reason = "no path".into();
    assert_eq!(
        state(&store, MessageId::new(fresh)),
        MessageState::Failed { reason }
    );

    // Who may have it already: the tried one and the one given up, not the one never begun.
    for (number, expected) in [(tried, true), (given_up, true), (fresh, false)] {
        assert_eq!(store.was_tried(MessageId::new(number)).unwrap(), expected);
    }
    // The number of a job that was done before is not used again.
    store.queue_outgoing(&outgoing(BOB, "new", 9000)).unwrap();
    assert!(due(&store, BOB, 0).unwrap().id.get() > done);
}

#[test]
fn what_was_read_is_remembered_but_configs_are_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema_one::create(folder.path());
    let own = id(CAROL).to_bytes().to_vec();
    for namespace in [Namespace::DEFAULT, Namespace::CONTACTS] {
        let number = namespace.get();
        let text = hash(1).to_string();
        old.execute(
            "INSERT INTO seen (namespace, hash, expires_at) VALUES (?1, ?2, 9000)",
            (number, &text),
        )
        .unwrap();
        old.execute(
            "INSERT INTO last_hashes (node, owner, namespace, hash, expires_at)
             VALUES (?1, ?2, ?3, ?4, 9000)",
            (node(1).as_bytes().to_vec(), &own, number, &text),
        )
        .unwrap();
        old.execute(
            "INSERT INTO received_configs (namespace, hash, data) VALUES (?1, ?2, x'00')",
            (number, &text),
        )
        .unwrap();
    }
    old.execute(
        "INSERT INTO settings (key, value) VALUES ('setting/a', 'b')",
        (),
    )
    .unwrap();
    drop(old);
    let store = opened(folder.path());
    for (namespace, known) in [(Namespace::DEFAULT, true), (Namespace::CONTACTS, false)] {
        assert_eq!(store.has_seen(namespace, &hash(1)).unwrap(), known);
        let owner = SwarmPubkey::from(id(CAROL));
        let last = store.last_hash(&node(1), &owner, namespace, at(0)).unwrap();
        assert_eq!(last.is_some(), known);
        assert!(store.config(namespace).unwrap().is_none());
    }
    assert_eq!(store.setting("a").unwrap().as_deref(), Some("b"));
}

#[test]
fn two_that_open_an_old_database_at_once_both_find_it_new() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema_one::create(folder.path());
    for number in 0..500 {
        schema_one::message(&old, BOB, BOB, 100 + number, &format!("text {number}"), 3);
    }
    drop(old);
    let path = folder.path().to_owned();
    let open = move || texts(&opened(&path), BOB).len();
    let threads = [(); 3].map(|()| std::thread::spawn(open.clone()));
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 500);
    }
    assert_eq!(schema_one::schema(&schema_one::open(folder.path())), 6);
}
