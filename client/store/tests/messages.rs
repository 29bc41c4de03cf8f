//! Sending, receiving and showing messages.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, carol, copy_of, delivered, from, hash, id, item, node, outgoing, profile,
};
use session_store::{
    JobId, JobKind, LastHash, MessageId, MessageRow, MessageState, OutboxJob, ReceivedOutcome,
    Store, StoreError,
};
use session_types::{Namespace, SwarmPubkey};

fn bodies(rows: &[MessageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.body.as_str()).collect()
}

/// The job a swarm has due, if any.
fn due(store: &Store, recipient: &str, now: u64) -> Option<OutboxJob> {
    store
        .due_jobs(at(now))
        .unwrap()
        .into_iter()
        .find(|job| job.recipient == id(recipient))
}

fn state(store: &Store, message: MessageId) -> MessageState {
    store.message(message).unwrap().unwrap().state
}

#[test]
fn sent_times_never_repeat_and_never_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.allocate_sent_at(at(1000)).unwrap(), at(1000));
    assert_eq!(store.allocate_sent_at(at(1000)).unwrap(), at(1001));
    assert_eq!(
        store
            .queue_outgoing(&outgoing(BOB, "a", 1000))
            .unwrap()
            .sent_at,
        at(1002)
    );
    // The clock was set back.
    assert_eq!(store.allocate_sent_at(at(10)).unwrap(), at(1003));
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert_eq!(store.allocate_sent_at(at(500)).unwrap(), at(1004));
    // Another device used the next two milliseconds.
    let copies = [
        item(1, copy_of(BOB, 1005, "x")),
        item(2, copy_of(BOB, 1006, "y")),
    ];
    store.ingest(&copies, &[]).unwrap();
    assert_eq!(
        store
            .queue_outgoing(&outgoing(ALICE, "b", 0))
            .unwrap()
            .sent_at,
        at(1007)
    );
    assert_eq!(store.allocate_sent_at(at(5000)).unwrap(), at(5000));
}

#[test]
fn a_message_is_delivered_then_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.next_job_at().unwrap(), None);
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    assert_eq!(store.next_job_at().unwrap(), Some(at(1000)));
    assert!(store.due_jobs(at(999)).unwrap().is_empty());

    let jobs = store.due_jobs(at(1000)).unwrap();
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((job.kind, job.recipient), (JobKind::Deliver, id(BOB)));
    assert_eq!((job.message_id, job.sent_at), (sent.id, sent.sent_at));
    assert_eq!((job.body.as_str(), job.attempts), ("hello", 0));
    let row = store.message(sent.id).unwrap().unwrap();
    assert_eq!(row.state, MessageState::Sending);
    assert!(row.outgoing && row.hash.is_none() && row.stored_at.is_none());

    store.job_succeeded(job.id, &delivered(1)).unwrap();
    let row = store.message(sent.id).unwrap().unwrap();
    assert_eq!((row.state, row.hash), (MessageState::Sent, Some(hash(1))));
    assert_eq!(
        (row.stored_at, row.expires_at),
        (Some(at(50_000)), Some(at(90_000)))
    );
    assert!(!store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());

    let jobs = store.due_jobs(at(1000)).unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        (jobs[0].kind, jobs[0].recipient),
        (JobKind::SyncCopy, id(CAROL))
    );
    assert_eq!(
        (jobs[0].conversation, jobs[0].sent_at),
        (id(BOB), sent.sent_at)
    );
    store.job_succeeded(jobs[0].id, &delivered(2)).unwrap();
    assert_eq!(store.message(sent.id).unwrap().unwrap().hash, Some(hash(2)));
    assert!(store.has_seen(Namespace::DEFAULT, &hash(2)).unwrap());
    assert_eq!(store.next_job_at().unwrap(), None);
    // Told twice, for example by two processes: nothing happens.
    store.job_succeeded(jobs[0].id, &delivered(3)).unwrap();
    store.job_failed(jobs[0].id, "late").unwrap();
    store.job_postponed(jobs[0].id, at(1), "late").unwrap();
    assert_eq!(store.message(sent.id).unwrap().unwrap().hash, Some(hash(2)));
}

#[test]
fn a_note_to_self_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let note = store
        .queue_outgoing(&outgoing(CAROL, "milk", 1000))
        .unwrap();
    let jobs = store.due_jobs(at(1000)).unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        (jobs[0].kind, jobs[0].recipient),
        (JobKind::SyncCopy, id(CAROL))
    );
    assert_eq!(jobs[0].conversation, id(CAROL));
    store.job_succeeded(jobs[0].id, &delivered(1)).unwrap();
    assert_eq!(state(&store, note.id), MessageState::Sent);
    assert_eq!(store.next_job_at().unwrap(), None);
    // The next poll finds it in the own swarm: it is not a new message.
    let again = [item(1, copy_of(CAROL, 1000, "milk"))];
    assert!(store.ingest(&again, &[]).unwrap().is_empty());
    assert_eq!(store.history(&id(CAROL), 10, None).unwrap().len(), 1);
}

#[test]
fn messages_to_one_recipient_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    for (to, body) in [
        (BOB, "b1"),
        (BOB, "b2"),
        (ALICE, "a1"),
        (BOB, "b3"),
        (ALICE, "a2"),
    ] {
        store.queue_outgoing(&outgoing(to, body, 1000)).unwrap();
    }
    let now_due = |store: &Store, now| -> Vec<String> {
        store
            .due_jobs(at(now))
            .unwrap()
            .into_iter()
            .map(|job| job.body)
            .collect()
    };
    assert_eq!(now_due(&store, 2000), ["b1", "a1"]);
    let first = due(&store, BOB, 2000).unwrap();
    store.job_postponed(first.id, at(5000), "timeout").unwrap();
    // b2 waits with b1, alice does not.
    assert_eq!(now_due(&store, 4999), ["a1"]);
    assert_eq!(store.next_job_at().unwrap(), Some(at(1000)));
    store
        .job_succeeded(due(&store, ALICE, 2000).unwrap().id, &delivered(1))
        .unwrap();
    assert_eq!(
        now_due(&store, 4999),
        ["a1", "a2"],
        "the copy of a1, and a2"
    );
    assert_eq!(now_due(&store, 5000), ["b1", "a1", "a2"]);
    let first = due(&store, BOB, 5000).unwrap();
    assert_eq!((first.attempts, first.next_attempt), (1, at(5000)));
    store.job_failed(first.id, "no node answered").unwrap();
    assert_eq!(due(&store, BOB, 5000).unwrap().body, "b2");
}

#[test]
fn an_undelivered_message_does_not_hold_up_the_copies_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.queue_outgoing(&outgoing(BOB, "stuck", 1000)).unwrap();
    store
        .queue_outgoing(&outgoing(ALICE, "through", 1000))
        .unwrap();
    store
        .queue_outgoing(&outgoing(CAROL, "note", 1000))
        .unwrap();
    store
        .job_postponed(due(&store, BOB, 2000).unwrap().id, at(9000), "timeout")
        .unwrap();
    store
        .job_succeeded(due(&store, ALICE, 2000).unwrap().id, &delivered(1))
        .unwrap();
    let copy = due(&store, CAROL, 2000).unwrap();
    assert_eq!(
        (copy.body.as_str(), copy.conversation),
        ("through", id(ALICE))
    );
    store.job_succeeded(copy.id, &delivered(2)).unwrap();
    assert_eq!(due(&store, CAROL, 2000).unwrap().body, "note");
}

#[test]
fn a_failed_message_says_why_and_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    store
        .job_failed(due(&store, BOB, 1000).unwrap().id, "no path")
        .unwrap();
    assert_eq!(
        state(&store, sent.id),
        MessageState::Failed {
            reason: "no path".into()
        }
    );
    assert_eq!(
        store.next_job_at().unwrap(),
        None,
        "the copy went with the delivery"
    );

    let later = store.queue_outgoing(&outgoing(BOB, "later", 2000)).unwrap();
    assert!(store.retry_failed(sent.id, at(7000)).unwrap());
    assert!(
        !store.retry_failed(sent.id, at(7000)).unwrap(),
        "it is being sent already"
    );
    assert_eq!(state(&store, sent.id), MessageState::Sending);
    assert_eq!(
        due(&store, BOB, 7000).unwrap().message_id,
        later.id,
        "behind the others"
    );
    store
        .job_succeeded(due(&store, BOB, 7000).unwrap().id, &delivered(1))
        .unwrap();
    let retried = due(&store, BOB, 7000).unwrap();
    assert_eq!(
        (retried.message_id, retried.sent_at),
        (sent.id, sent.sent_at)
    );
    assert_eq!(retried.attempts, 0);
    store.job_succeeded(retried.id, &delivered(2)).unwrap();
    assert_eq!(state(&store, sent.id), MessageState::Sent);
    assert!(matches!(
        store.retry_failed(MessageId::new(999), at(1)),
        Err(StoreError::UnknownMessage)
    ));
}

#[test]
fn a_copy_that_is_given_up_leaves_the_message_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    store
        .job_succeeded(due(&store, BOB, 1000).unwrap().id, &delivered(1))
        .unwrap();
    store
        .job_failed(due(&store, CAROL, 1000).unwrap().id, "own swarm down")
        .unwrap();
    let row = store.message(sent.id).unwrap().unwrap();
    assert_eq!((row.state, row.hash), (MessageState::Sent, Some(hash(1))));
    assert!(!store.retry_failed(sent.id, at(2000)).unwrap());
}

#[test]
fn received_messages_are_taken_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let poll = [
        item(1, from(BOB, 100, "one")),
        item(2, ReceivedOutcome::Undecodable),
        item(3, from(BOB, 300, "three")),
        item(4, ReceivedOutcome::Ignored),
        // Stored a second time under another hash.
        item(5, from(BOB, 100, "one")),
        // Another sender may use the same millisecond.
        item(6, from(ALICE, 100, "from alice")),
    ];
    let new = store.ingest(&poll, &[]).unwrap();
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
    assert!(store.ingest(&poll, &[]).unwrap().is_empty());
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert!(store.ingest(&poll, &[]).unwrap().is_empty());
    assert_eq!(store.history(&id(BOB), 10, None).unwrap().len(), 2);
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
    assert!(
        store
            .ingest(&[item(2, copy_of(BOB, 1000, "hello"))], &[])
            .unwrap()
            .is_empty()
    );
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
    store
        .ingest(&[item(3, copy_of(BOB, 2000, "again"))], &[])
        .unwrap();
    assert_eq!(state(&store, given_up.id), MessageState::Sent);
}

#[test]
fn nobody_else_can_confirm_or_replace_an_own_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sent = store.queue_outgoing(&outgoing(BOB, "mine", 1000)).unwrap();
    store
        .ingest(&[item(1, from(BOB, 1000, "theirs"))], &[])
        .unwrap();
    assert_eq!(state(&store, sent.id), MessageState::Sending);
    assert_eq!(
        bodies(&store.history(&id(BOB), 10, None).unwrap()),
        ["mine", "theirs"]
    );
}

#[test]
fn a_message_of_another_device_is_new_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let new = store
        .ingest(&[item(1, copy_of(BOB, 100, "from my phone"))], &[])
        .unwrap();
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
    store
        .ingest(&[], &[last(1, inbox, 1, 1000), last(2, inbox, 2, 2000)])
        .unwrap();
    store
        .ingest(&[], &[last(1, Namespace::CONTACTS, 3, 3000)])
        .unwrap();
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
    store.ingest(&[], &[last(1, inbox, 9, 5000)]).unwrap();
    assert_eq!(find(&store, 1, inbox, 1000), Some(hash(9)));
}

#[test]
fn expired_hashes_are_pruned_a_day_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store
        .ingest(&[item(1, from(BOB, 100, "one"))], &[])
        .unwrap();
    let day = 24 * 3600 * 1000;
    assert_eq!(store.prune(at(99_000 + day)).unwrap(), 0);
    assert!(store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());
    assert_eq!(store.prune(at(99_001 + day)).unwrap(), 1);
    assert!(!store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());
    assert_eq!(
        store.history(&id(BOB), 10, None).unwrap().len(),
        1,
        "messages stay"
    );
}

#[test]
fn history_pages_backwards_in_order_of_sent_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    // Arriving out of order, and one from each side at the same time.
    for (number, sent_at) in [(1, 500), (2, 100), (3, 300), (4, 200), (5, 400)] {
        store
            .ingest(
                &[item(number, from(BOB, sent_at, &sent_at.to_string()))],
                &[],
            )
            .unwrap();
    }
    store
        .ingest(&[item(6, copy_of(BOB, 300, "300 mine"))], &[])
        .unwrap();
    store
        .ingest(&[item(7, from(ALICE, 350, "not here"))], &[])
        .unwrap();
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
fn conversations_show_name_newest_message_and_unread() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert!(store.conversations().unwrap().is_empty());
    let named = |sent_at, name: &str| {
        let ReceivedOutcome::Message(mut message) = from(BOB, sent_at, "hi") else {
            panic!()
        };
        message.sender_name = Some(name.into());
        ReceivedOutcome::Message(message)
    };
    store.ingest(&[item(1, named(200, "Bob"))], &[]).unwrap();
    store
        .ingest(&[item(2, named(100, "Old Bob"))], &[])
        .unwrap();
    store
        .ingest(&[item(3, from(ALICE, 300, "newest"))], &[])
        .unwrap();
    let list = store.conversations().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].id, list[0].name.as_deref()), (id(ALICE), None));
    assert_eq!(list[0].last_message.as_ref().unwrap().body, "newest");
    assert_eq!(
        (list[1].id, list[1].name.as_deref()),
        (id(BOB), Some("Bob"))
    );
    assert_eq!((list[0].unread, list[1].unread), (1, 2));

    assert_eq!(store.mark_read(&id(BOB), at(150)).unwrap(), 1);
    assert_eq!(store.conversations().unwrap()[1].unread, 1);
    assert_eq!(store.mark_read(&id(BOB), at(200)).unwrap(), 1);
    assert_eq!(store.mark_read(&id(BOB), at(900)).unwrap(), 0);
    store.ingest(&[item(4, named(400, "Robert"))], &[]).unwrap();
    let list = store.conversations().unwrap();
    assert_eq!(
        (list[0].name.as_deref(), list[0].unread),
        (Some("Robert"), 1)
    );
}

#[test]
fn two_writers_at_once_lose_nothing_and_share_no_time() {
    let folder = tempfile::tempdir().unwrap();
    drop(carol(folder.path()));
    let write = |to: &'static str| {
        let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
        move || -> Vec<_> {
            let queue = |n| {
                store
                    .queue_outgoing(&outgoing(to, &format!("{n}"), 1000))
                    .unwrap()
            };
            (0..50).map(queue).map(|row| row.sent_at).collect()
        }
    };
    let threads = [BOB, ALICE].map(|to| std::thread::spawn(write(to)));
    let mut times: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    times.sort();
    times.dedup();
    assert_eq!(times.len(), 100);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    for to in [BOB, ALICE] {
        let rows = store.history(&id(to), 1000, None).unwrap();
        let expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(bodies(&rows), expected, "in the order they were queued");
    }
}

#[test]
fn unknown_jobs_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.job_succeeded(JobId::new(77), &delivered(1)).unwrap();
    store.job_postponed(JobId::new(77), at(1), "x").unwrap();
    store.job_failed(JobId::new(77), "x").unwrap();
    assert!(store.conversations().unwrap().is_empty());
}

#[test]
fn the_sealed_bytes_of_a_job_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.queue_outgoing(&outgoing(BOB, "once", 1000)).unwrap();
    let job = due(&store, BOB, 1000).unwrap();
    assert_eq!(job.payload, None);
    store.keep_payload(job.id, b"sealed").unwrap();
    store
        .job_postponed(job.id, at(2000), "no answer came")
        .unwrap();
    drop(store);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let job = due(&store, BOB, 2000).unwrap();
    assert_eq!(job.payload.as_deref(), Some(&b"sealed"[..]));
}

#[test]
fn configs_are_kept_as_they_came_until_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let config = |number: u64| {
        let data = vec![u8::try_from(number).unwrap(); 3];
        let mut item = item(number, ReceivedOutcome::Config { data });
        item.namespace = Namespace::CONTACTS;
        item
    };
    let items = [config(1), config(2), config(1)];
    assert!(store.ingest(&items, &[]).unwrap().is_empty());
    let mut kept = store.received_configs(Namespace::CONTACTS).unwrap();
    kept.sort();
    let mut expected = vec![(hash(1), vec![1; 3]), (hash(2), vec![2; 3])];
    expected.sort();
    assert_eq!(kept, expected);
    assert_eq!(store.received_configs(Namespace::USER_PROFILE).unwrap(), []);
    store.prune(at(99_000 + 25 * 3_600_000)).unwrap();
    assert_eq!(store.received_configs(Namespace::CONTACTS).unwrap(), []);
}
