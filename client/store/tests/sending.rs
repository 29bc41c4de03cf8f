//! The outbox: which jobs there are, when, and what becomes of their messages.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, carol, copy_of, delivered, due, hash, id, ingest, item, outgoing,
    profile, state, text_of,
};
use session_store::{JobId, JobKind, MessageId, MessageState, NewJob, Store, StoreError};
use session_types::Namespace;

fn now_due(store: &Store, now: u64) -> Vec<String> {
    let jobs = store.due_jobs(at(now)).unwrap();
    jobs.iter().map(|job| text_of(store, job)).collect()
}

#[test]
fn a_message_is_delivered_then_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.next_job_at().unwrap(), None);
    assert_eq!(store.job_count().unwrap(), 0);
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    assert_eq!(store.next_job_at().unwrap(), Some(at(0)), "at once");
    assert_eq!(store.job_count().unwrap(), 2);

    let jobs = store.due_jobs(at(0)).unwrap();
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((job.kind, job.recipient), (JobKind::Deliver, id(BOB)));
    assert_eq!((job.message, job.sent_at), (Some(sent.id), sent.sent_at));
    assert_eq!((text_of(&store, job).as_str(), job.attempts), ("hello", 0));
    assert_eq!(job.content, b"", "the row of the message says all");
    let row = store.message(sent.id).unwrap().unwrap();
    assert_eq!(row.state, MessageState::Sending);
    assert!(row.outgoing && row.hash.is_none() && row.stored_at.is_none());
    assert_eq!(store.hash_of(sent.id).unwrap(), None);

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
    assert_eq!(store.hash_of(sent.id).unwrap(), Some(hash(2)));
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
    assert!(ingest(&mut store, &again, &[]).is_empty());
    assert_eq!(store.history(&id(CAROL), 10, None).unwrap().len(), 1);
    // One that is given up is failed, though its only job is the copy.
    let note = store.queue_outgoing(&outgoing(CAROL, "tea", 2000)).unwrap();
    let job = due(&store, CAROL, 2000).unwrap();
    store.job_failed(job.id, "no node").unwrap();
    let reason = "no node".into();
    assert_eq!(state(&store, note.id), MessageState::Failed { reason });
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
    assert_eq!(now_due(&store, 2000), ["b1", "a1"]);
    let first = due(&store, BOB, 2000).unwrap();
    store.job_postponed(first.id, at(5000), "timeout").unwrap();
    // b2 waits with b1, alice does not.
    assert_eq!(now_due(&store, 4999), ["a1"]);
    assert_eq!(store.next_job_at().unwrap(), Some(at(0)));
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
    assert_eq!(text_of(&store, &due(&store, BOB, 5000).unwrap()), "b2");
}

#[test]
fn the_next_job_is_the_earliest_of_those_at_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    for to in [BOB, ALICE, BOB] {
        store.queue_outgoing(&outgoing(to, "x", 1000)).unwrap();
    }
    let (bob, alice) = (due(&store, BOB, 0).unwrap(), due(&store, ALICE, 0).unwrap());
    store.job_postponed(bob.id, at(9000), "timeout").unwrap();
    store.job_postponed(alice.id, at(7000), "timeout").unwrap();
    assert_eq!(store.next_job_at().unwrap(), Some(at(7000)));
    assert!(store.due_jobs(at(6999)).unwrap().is_empty());
    store.job_failed(alice.id, "given up").unwrap();
    assert_eq!(store.next_job_at().unwrap(), Some(at(9000)));
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
        (text_of(&store, &copy).as_str(), copy.conversation),
        ("through", id(ALICE))
    );
    store.job_succeeded(copy.id, &delivered(2)).unwrap();
    assert_eq!(text_of(&store, &due(&store, CAROL, 2000).unwrap()), "note");
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
    assert_eq!(store.job_count().unwrap(), 0);

    let later = store.queue_outgoing(&outgoing(BOB, "later", 2000)).unwrap();
    assert!(store.retry_failed(sent.id).unwrap());
    assert!(
        !store.retry_failed(sent.id).unwrap(),
        "it is being sent already"
    );
    assert_eq!(state(&store, sent.id), MessageState::Sending);
    assert_eq!(
        due(&store, BOB, 7000).unwrap().message,
        Some(later.id),
        "behind the others"
    );
    store
        .job_succeeded(due(&store, BOB, 7000).unwrap().id, &delivered(1))
        .unwrap();
    let retried = due(&store, BOB, 7000).unwrap();
    assert_eq!(
        (retried.message, retried.sent_at),
        (Some(sent.id), sent.sent_at)
    );
    assert_eq!(retried.attempts, 0);
    store.job_succeeded(retried.id, &delivered(2)).unwrap();
    assert_eq!(state(&store, sent.id), MessageState::Sent);
    assert!(matches!(
        store.retry_failed(MessageId::new(999)),
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
    assert!(!store.retry_failed(sent.id).unwrap());
}

#[test]
fn unknown_jobs_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.job_succeeded(JobId::new(77), &delivered(1)).unwrap();
    store.job_postponed(JobId::new(77), at(1), "x").unwrap();
    store.job_failed(JobId::new(77), "x").unwrap();
    store.keep_payload(JobId::new(77), b"x").unwrap();
    assert!(store.conversations().unwrap().is_empty());
    assert!(!store.has_seen(Namespace::DEFAULT, &hash(1)).unwrap());
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

fn content(to: &str, sent_at: u64, deliver: bool, copy: bool) -> NewJob {
    NewJob {
        conversation: id(to),
        content: format!("content of {sent_at}").into_bytes(),
        deliver,
        copy,
        quiet: false,
        sent_at: at(sent_at),
    }
}

#[test]
fn content_without_a_message_is_delivered_then_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.queue_outgoing(&outgoing(BOB, "first", 1000)).unwrap();
    store.queue_job(&content(BOB, 2000, true, true)).unwrap();
    let first = due(&store, BOB, 0).unwrap();
    assert_eq!(text_of(&store, &first), "first", "in the order of queueing");
    store.job_succeeded(first.id, &delivered(1)).unwrap();

    let job = due(&store, BOB, 0).unwrap();
    assert_eq!((job.kind, job.message), (JobKind::Deliver, None));
    assert_eq!((job.conversation, job.sent_at), (id(BOB), at(2000)));
    assert_eq!(job.content, b"content of 2000");
    // The copy of the message is at the head of the own swarm, that of the content is not ready.
    let copy = due(&store, CAROL, 0).unwrap();
    assert_eq!(copy.message, first.message);
    store.job_succeeded(copy.id, &delivered(2)).unwrap();
    assert!(due(&store, CAROL, 0).is_none());

    store.job_succeeded(job.id, &delivered(3)).unwrap();
    assert!(!store.has_seen(Namespace::DEFAULT, &hash(3)).unwrap());
    let copy = due(&store, CAROL, 0).unwrap();
    assert_eq!((copy.kind, copy.message), (JobKind::SyncCopy, None));
    assert_eq!((copy.conversation, copy.sent_at), (id(BOB), at(2000)));
    assert_eq!(copy.content, b"content of 2000");
    store.job_succeeded(copy.id, &delivered(4)).unwrap();
    assert!(store.has_seen(Namespace::DEFAULT, &hash(4)).unwrap());
    assert_eq!(store.job_count().unwrap(), 0);
    assert_eq!(store.history(&id(BOB), 10, None).unwrap().len(), 1);
}

#[test]
fn content_goes_only_where_it_is_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let mut recipients = |job| {
        store.queue_job(&job).unwrap();
        let mut all = Vec::new();
        while let Some(job) = store.due_jobs(at(0)).unwrap().pop() {
            store.job_succeeded(job.id, &delivered(1)).unwrap();
            all.push((job.kind, job.recipient));
        }
        assert_eq!(store.job_count().unwrap(), 0);
        all
    };
    let (deliver, copy) = (JobKind::Deliver, JobKind::SyncCopy);
    let both = [(deliver, id(BOB)), (copy, id(CAROL))];
    assert_eq!(recipients(content(BOB, 1, true, true)), both);
    assert_eq!(
        recipients(content(BOB, 1, true, false)),
        [(deliver, id(BOB))]
    );
    assert_eq!(
        recipients(content(BOB, 1, false, true)),
        [(copy, id(CAROL))]
    );
    assert_eq!(recipients(content(BOB, 1, false, false)), []);
    // In notes to self there is no other side.
    assert_eq!(
        recipients(content(CAROL, 1, true, true)),
        [(copy, id(CAROL))]
    );
}

#[test]
fn a_failure_takes_along_what_waits_for_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.queue_job(&content(BOB, 1000, true, true)).unwrap();
    store.queue_job(&content(BOB, 2000, true, true)).unwrap();
    store.queue_job(&content(BOB, 3000, false, true)).unwrap();
    assert_eq!(store.job_count().unwrap(), 5);
    store
        .job_failed(due(&store, BOB, 0).unwrap().id, "refused")
        .unwrap();
    assert_eq!(store.job_count().unwrap(), 3);
    let next = due(&store, BOB, 0).unwrap();
    assert_eq!(next.sent_at, at(2000));
    store.job_succeeded(next.id, &delivered(1)).unwrap();
    let copies: Vec<_> = std::iter::from_fn(|| {
        let copy = due(&store, CAROL, 0)?;
        store.job_succeeded(copy.id, &delivered(2)).unwrap();
        Some(copy.sent_at)
    })
    .collect();
    assert_eq!(copies, [at(2000), at(3000)]);
}

#[test]
fn a_message_was_tried_once_its_bytes_were_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert!(!store.was_tried(MessageId::new(999)).unwrap());
    let never = store.queue_outgoing(&outgoing(BOB, "never", 1000)).unwrap();
    store
        .job_failed(due(&store, BOB, 0).unwrap().id, "refused here")
        .unwrap();
    assert!(!store.was_tried(never.id).unwrap());

    let tried = store.queue_outgoing(&outgoing(BOB, "tried", 2000)).unwrap();
    let job = due(&store, BOB, 0).unwrap();
    assert!(!store.was_tried(tried.id).unwrap());
    assert!(store.begin_try(job.id, b"sealed").unwrap());
    assert!(store.was_tried(tried.id).unwrap());
    // An answer that did not come does not mean that nothing was stored.
    store.job_failed(job.id, "timeout").unwrap();
    assert!(store.was_tried(tried.id).unwrap());
    store.retry_failed(tried.id).unwrap();
    assert!(store.was_tried(tried.id).unwrap());
    assert!(!store.was_tried(never.id).unwrap());

    let sent = store
        .queue_outgoing(&outgoing(ALICE, "sent", 3000))
        .unwrap();
    let job = due(&store, ALICE, 0).unwrap();
    store.job_succeeded(job.id, &delivered(1)).unwrap();
    assert!(store.was_tried(sent.id).unwrap());
    // A message of another device is at the swarm.
    ingest(&mut store, &[item(2, copy_of(BOB, 4000, "elsewhere"))], &[]);
    let other = store.message_by_sender(&id(CAROL), at(4000)).unwrap();
    assert!(store.was_tried(other.unwrap().id).unwrap());
}

#[test]
fn a_cancelled_job_is_not_begun_and_its_result_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let first = store.queue_outgoing(&outgoing(BOB, "first", 1000)).unwrap();
    let second = store
        .queue_outgoing(&outgoing(BOB, "second", 2000))
        .unwrap();
    store.queue_job(&content(BOB, 3000, true, false)).unwrap();
    let job = due(&store, BOB, 0).unwrap();
    assert_eq!(job.message, Some(first.id));
    store.cancel_jobs(first.id).unwrap();
    assert!(!store.begin_try(job.id, b"sealed").unwrap());
    assert!(!store.was_tried(first.id).unwrap());
    store.job_succeeded(job.id, &delivered(1)).unwrap();
    assert_eq!(state(&store, first.id), MessageState::Sending);
    assert_eq!(due(&store, BOB, 0).unwrap().message, Some(second.id));
    store.cancel_jobs(second.id).unwrap();
    assert_eq!(due(&store, BOB, 0).unwrap().sent_at, at(3000));
    assert_eq!(store.job_count().unwrap(), 1);
    // The number of no message names no job.
    store.cancel_jobs(MessageId::new(0)).unwrap();
    assert_eq!(store.job_count().unwrap(), 1);
}
