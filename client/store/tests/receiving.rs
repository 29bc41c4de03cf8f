//! Messages of others and of other devices, each taken in once.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, bodies, carol, copy_of, delivered, due, empty, from, hash, id, ingest,
    item, node, outgoing, profile, state, texts,
};
use session_messages::Expiration;
use session_store::{
    Arrival, Details, Effect, Invitation, LastHash, MessageKind, MessageState, NewMessage, Preview,
    QuoteRef, ReceivedMessage, Store,
};
use session_types::{Namespace, SwarmPubkey};

#[test]
fn received_messages_are_taken_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let poll = [
        item(1, from(BOB, 100, "one")),
        empty(2),
        item(3, from(BOB, 300, "three")),
        empty(4),
        // Stored a second time under another hash.
        item(5, from(BOB, 100, "one")),
        // Another sender may use the same millisecond.
        item(6, from(ALICE, 100, "from alice")),
    ];
    let new = ingest(&mut store, &poll, &[]);
    assert_eq!(bodies(&new), ["one", "three", "from alice"]);
    assert_eq!(new[0].state, MessageState::Received);
    assert_eq!(new[0].hash, Some(hash(1)));
    assert_eq!(
        (new[0].stored_at, new[0].expires_at),
        (Some(at(60_000)), Some(at(99_000)))
    );
    for number in 1..=6 {
        assert!(
            store.has_seen(Namespace::DEFAULT, &hash(number)).unwrap(),
            "{number}"
        );
    }
    assert!(!store.has_seen(Namespace::CONTACTS, &hash(1)).unwrap());
    assert!(ingest(&mut store, &poll, &[]).is_empty());
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert!(ingest(&mut store, &poll, &[]).is_empty());
    assert_eq!(store.history(&id(BOB), 10, None).unwrap().len(), 2);
}

#[test]
fn everything_a_message_says_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let kinds = [
        MessageKind::Text,
        MessageKind::TimerChange,
        MessageKind::Invitation,
        MessageKind::RequestAccepted,
        MessageKind::Screenshot,
        MessageKind::MediaSaved,
        MessageKind::Deleted,
    ];
    let timers = [
        Expiration::Off,
        Expiration::after_read(300),
        Expiration::after_send(u32::MAX),
    ];
    for (kind, number) in kinds.into_iter().zip(0..) {
        let details = Details {
            quote: (number % 2 == 0).then(|| QuoteRef {
                author: id(ALICE),
                sent_at: at(5),
            }),
            preview: (number % 3 == 0).then(|| Preview {
                url: "https://example.org/\"".into(),
                title: (number == 0).then(|| "A title".into()),
            }),
            invitation: (kind == MessageKind::Invitation).then(|| Invitation {
                url: "https://open.example/room".into(),
                name: "A room".into(),
            }),
            attachments: usize::try_from(number).unwrap(),
            saved: (kind == MessageKind::MediaSaved).then(|| at(77)),
        };
        let message = ReceivedMessage {
            message: NewMessage {
                kind,
                body: format!("text {number}"),
                details: details.clone(),
                expiration: timers[usize::try_from(number).unwrap() % 3],
            },
            arrival: Arrival::default(),
            unread: number % 2 == 1,
            mentions_me: number % 4 == 1,
            disappears_at: (number > 3).then(|| at(1000 + number)),
            content: b"more than is shown".to_vec(),
            ..from(BOB, 100 + number, "")
        };
        let row = store.take_in(&message).unwrap().unwrap();
        assert_eq!(store.message(row.id).unwrap().as_ref(), Some(&row));
        assert_eq!((row.conversation, row.sender), (id(BOB), id(BOB)));
        assert_eq!(row.sent_at, message.sent_at);
        assert_eq!((row.kind, row.details), (kind, details));
        assert_eq!(row.body, message.message.body);
        assert_eq!(row.expiration, message.message.expiration);
        assert_eq!(row.disappears_at, message.disappears_at);
        assert_eq!(
            (row.unread, row.mentions_me, row.outgoing),
            (message.unread, message.mentions_me, false)
        );
        assert_eq!(
            (row.hash, row.stored_at, row.expires_at),
            (None, None, None)
        );
        assert_eq!((row.read_at, row.time_unsure), (None, false));
    }
}

#[test]
fn the_copy_of_an_own_message_fills_in_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    store
        .job_succeeded(due(&store, BOB, 1000).unwrap().id, &delivered(1))
        .unwrap();
    // The answer to the copy's store was lost; the poll finds the copy.
    let copy = [item(2, copy_of(BOB, 1000, "hello"))];
    assert!(ingest(&mut store, &copy, &[]).is_empty());
    let row = store.message(sent.id).unwrap().unwrap();
    assert_eq!(
        (row.hash, row.expires_at),
        (Some(hash(2)), Some(at(99_000)))
    );
    assert_eq!(
        store.next_job_at().unwrap(),
        None,
        "the copy is not stored again"
    );
    assert_eq!(store.history(&id(BOB), 10, None).unwrap().len(), 1);

    // The same for one that was given up although its copy had been stored.
    let given_up = store.queue_outgoing(&outgoing(BOB, "again", 2000)).unwrap();
    store
        .job_failed(due(&store, BOB, 2000).unwrap().id, "timeout")
        .unwrap();
    ingest(&mut store, &[item(3, copy_of(BOB, 2000, "again"))], &[]);
    assert_eq!(state(&store, given_up.id), MessageState::Sent);
}

#[test]
fn nobody_else_can_confirm_or_replace_an_own_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store.queue_outgoing(&outgoing(BOB, "mine", 1000)).unwrap();
    ingest(&mut store, &[item(1, from(BOB, 1000, "theirs"))], &[]);
    assert_eq!(state(&store, sent.id), MessageState::Sending);
    assert_eq!(texts(&store, BOB), ["mine", "theirs"]);
}

#[test]
fn a_message_of_another_device_is_new_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let new = ingest(
        &mut store,
        &[item(1, copy_of(BOB, 100, "from my phone"))],
        &[],
    );
    assert_eq!(new.len(), 1);
    assert!(new[0].outgoing);
    assert_eq!((new[0].conversation, new[0].sender), (id(BOB), id(CAROL)));
    assert_eq!(new[0].state, MessageState::Sent);
    assert_eq!(store.conversations().unwrap()[0].unread, 0);
}

#[test]
fn last_hashes_are_per_node_owner_and_namespace_and_expire() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let owner = SwarmPubkey::from(id(CAROL));
    let last = |node_byte, namespace, number, expires_at| LastHash {
        node: node(node_byte),
        owner,
        namespace,
        hash: hash(number),
        expires_at: at(expires_at),
    };
    let inbox = Namespace::DEFAULT;
    let both = [last(1, inbox, 1, 1000), last(2, inbox, 2, 2000)];
    ingest(&mut store, &[], &both);
    ingest(&mut store, &[], &[last(1, Namespace::CONTACTS, 3, 3000)]);
    let find = |store: &Store, node_byte, namespace, now| {
        store
            .last_hash(&node(node_byte), &owner, namespace, at(now))
            .unwrap()
    };
    assert_eq!(find(&store, 1, inbox, 999), Some(hash(1)));
    assert_eq!(find(&store, 1, inbox, 1000), None);
    assert_eq!(find(&store, 2, inbox, 1000), Some(hash(2)));
    assert_eq!(find(&store, 1, Namespace::CONTACTS, 0), Some(hash(3)));
    assert_eq!(find(&store, 3, inbox, 0), None);
    let other = SwarmPubkey::from(id(BOB));
    assert_eq!(
        store.last_hash(&node(1), &other, inbox, at(0)).unwrap(),
        None
    );
    ingest(&mut store, &[], &[last(1, inbox, 9, 5000)]);
    assert_eq!(find(&store, 1, inbox, 1000), Some(hash(9)));
}

const DAY: u64 = 24 * 3600 * 1000;

#[test]
fn expired_hashes_are_pruned_a_day_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let last = LastHash {
        node: node(1),
        owner: SwarmPubkey::from(id(CAROL)),
        namespace: Namespace::DEFAULT,
        hash: hash(1),
        expires_at: at(99_010),
    };
    ingest(&mut store, &[item(1, from(BOB, 100, "one"))], &[last]);
    assert_eq!(store.prune(at(99_000 + DAY)).unwrap(), 0);
    assert!(store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());
    assert_eq!(store.prune(at(99_001 + DAY)).unwrap(), 1);
    assert!(!store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());
    assert_eq!(store.prune(at(99_011 + DAY)).unwrap(), 1);
    assert_eq!(
        store.history(&id(BOB), 10, None).unwrap().len(),
        1,
        "messages stay"
    );
}

#[test]
fn effects_and_marks_of_what_no_swarm_has_any_more_are_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let now = 100 * DAY;
    let bob = id(BOB);
    let effect = store.apply_effect(&bob, at(now), &bob, &Effect::Deletion, at(now));
    assert_eq!(effect.unwrap(), None);
    let row = store.take_in(&from(BOB, now + 1, "removed")).unwrap();
    assert!(store.remove_message(row.unwrap().id, at(now)).unwrap());
    assert_eq!(store.prune(at(now + 15 * DAY)).unwrap(), 0);
    assert_eq!(store.prune(at(now + 15 * DAY + 1)).unwrap(), 1);
    let late = store.take_in(&from(BOB, now, "late")).unwrap().unwrap();
    assert_eq!(late.kind, MessageKind::Text, "the effect was forgotten");
    assert_eq!(store.prune(at(now + 30 * DAY)).unwrap(), 0);
    assert_eq!(store.take_in(&from(BOB, now + 1, "removed")).unwrap(), None);
    assert_eq!(store.prune(at(now + 30 * DAY + 1)).unwrap(), 1);
}
