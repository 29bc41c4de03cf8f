//! What was read, and messages that disappear.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, bodies, carol, copy_of, delivered, due, from, id, ingest, item,
    outgoing, receive, texts,
};
use session_messages::Expiration;
use session_store::{Delivered, MessageId, NewOutgoing, ReceivedMessage, Store};
use session_types::Timestamp;

#[test]
fn messages_become_read_once_and_are_told_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    for (sent_at, body) in [(300, "c"), (100, "a"), (200, "b"), (400, "d")] {
        receive(&mut store, &from(BOB, sent_at, body));
    }
    receive(&mut store, &from(ALICE, 50, "other"));
    receive(&mut store, &copy_of(BOB, 150, "own"));
    let read = store.mark_read(&id(BOB), at(300)).unwrap();
    assert_eq!(bodies(&read), ["a", "b", "c"]);
    assert!(read.iter().all(|row| row.unread), "as they were");
    assert!(!store.message(read[0].id).unwrap().unwrap().unread);
    assert!(store.mark_read(&id(BOB), at(300)).unwrap().is_empty());
    assert_eq!(store.conversation(&id(BOB)).unwrap().unwrap().unread, 1);
    assert_eq!(store.conversation(&id(ALICE)).unwrap().unwrap().unread, 1);
}

#[test]
fn the_newest_received_is_of_the_other_side() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.newest_received(&id(BOB)).unwrap(), None);
    receive(&mut store, &copy_of(BOB, 500, "own"));
    assert_eq!(store.newest_received(&id(BOB)).unwrap(), None);
    for sent_at in [200, 400, 300] {
        receive(&mut store, &from(BOB, sent_at, "x"));
    }
    receive(&mut store, &from(ALICE, 900, "other"));
    receive(&mut store, &copy_of(CAROL, 950, "note"));
    assert_eq!(store.newest_received(&id(BOB)).unwrap(), Some(at(400)));
    assert_eq!(store.newest_received(&id(CAROL)).unwrap(), None);
}

fn timed(expiration: Expiration) -> NewOutgoing {
    let mut new = outgoing(BOB, "soon gone", 1000);
    new.message.expiration = expiration;
    new
}

fn disappears(store: &Store, message: MessageId) -> Option<Timestamp> {
    store.message(message).unwrap().unwrap().disappears_at
}

#[test]
fn the_time_of_a_sent_message_begins_at_its_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let after_send = store
        .queue_outgoing(&timed(Expiration::after_send(60)))
        .unwrap();
    let after_read = store
        .queue_outgoing(&timed(Expiration::after_read(30)))
        .unwrap();
    let never = store.queue_outgoing(&timed(Expiration::Off)).unwrap();
    assert_eq!(store.next_disappearing().unwrap(), None);
    // A message that failed does not run its timer.
    let failed = store
        .queue_outgoing(&timed(Expiration::after_send(5)))
        .unwrap();
    for (stored_at, now) in [(50_000, 50_100), (50_100, 50_000), (50_000, 50_100)] {
        let delivered = Delivered {
            stored_at: at(stored_at),
            now: at(now),
            ..delivered(1)
        };
        let job = due(&store, BOB, 0).unwrap();
        store.job_succeeded(job.id, &delivered).unwrap();
    }
    store
        .job_failed(due(&store, BOB, 0).unwrap().id, "no path")
        .unwrap();
    // From the earlier of the store time and now.
    assert_eq!(disappears(&store, after_send.id), Some(at(110_000)));
    assert_eq!(disappears(&store, after_read.id), Some(at(80_000)));
    assert_eq!(disappears(&store, never.id), None);
    assert_eq!(disappears(&store, failed.id), None);
    assert_eq!(store.next_disappearing().unwrap(), Some(at(80_000)));

    // The copy to the own swarm does not begin it again.
    let copy = due(&store, CAROL, 0).unwrap();
    assert_eq!(copy.message, Some(after_send.id));
    let later = Delivered {
        stored_at: at(70_000),
        now: at(70_000),
        ..delivered(2)
    };
    store.job_succeeded(copy.id, &later).unwrap();
    assert_eq!(disappears(&store, after_send.id), Some(at(110_000)));
}

#[test]
fn the_time_of_a_message_confirmed_by_its_copy_is_that_of_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store
        .queue_outgoing(&timed(Expiration::after_send(60)))
        .unwrap();
    let copy = |disappears_at| ReceivedMessage {
        disappears_at: Some(at(disappears_at)),
        ..copy_of(BOB, 1000, "soon gone")
    };
    ingest(&mut store, &[item(1, copy(99_000))], &[]);
    assert_eq!(disappears(&store, sent.id), Some(at(99_000)));
    // A second copy does not change it, neither does one after a delivery.
    ingest(&mut store, &[item(2, copy(88_000))], &[]);
    assert_eq!(disappears(&store, sent.id), Some(at(99_000)));
}

#[test]
fn a_time_can_be_set_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = receive(&mut store, &from(BOB, 100, "read me"));
    assert!(store.set_disappears_at(message, at(5000)).unwrap());
    assert!(!store.set_disappears_at(message, at(5000)).unwrap());
    assert!(store.set_disappears_at(message, at(4000)).unwrap());
    assert_eq!(disappears(&store, message), Some(at(4000)));
    assert!(!store.set_disappears_at(MessageId::new(999), at(1)).unwrap());
}

#[test]
fn what_has_disappeared_is_removed_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let timed = |sender, sent_at, disappears_at| ReceivedMessage {
        disappears_at: Some(at(disappears_at)),
        ..from(sender, sent_at, &disappears_at.to_string())
    };
    let stays = receive(&mut store, &from(BOB, 1, "stays"));
    let third = receive(&mut store, &timed(BOB, 2, 3000));
    let first = receive(&mut store, &timed(BOB, 3, 1000));
    let second = receive(&mut store, &timed(ALICE, 4, 2000));
    assert_eq!(store.next_disappearing().unwrap(), Some(at(1000)));
    assert_eq!(store.remove_disappeared(at(999), 10).unwrap(), []);
    assert_eq!(
        store.remove_disappeared(at(1000), 10).unwrap(),
        [(first, id(BOB))]
    );
    assert_eq!(store.next_disappearing().unwrap(), Some(at(2000)));
    // A few at a time, those first whose time came first.
    assert_eq!(
        store.remove_disappeared(at(9000), 1).unwrap(),
        [(second, id(ALICE))]
    );
    assert_eq!(
        store.remove_disappeared(at(9000), 9).unwrap(),
        [(third, id(BOB))]
    );
    assert_eq!(store.remove_disappeared(at(9000), 9).unwrap(), []);
    assert_eq!(store.next_disappearing().unwrap(), None);
    assert_eq!(texts(&store, BOB), ["stays"]);
    assert!(store.message(stays).unwrap().is_some());
    for message in [
        timed(BOB, 2, 3000),
        timed(BOB, 3, 1000),
        timed(ALICE, 4, 2000),
    ] {
        assert_eq!(
            store.take_in(&message).unwrap(),
            None,
            "it does not come back"
        );
    }
}
