//! Sent times: given out once, in order, and corrected when the clock was wrong.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, bodies, carol, copy_of, due, id, ingest, item, outgoing, profile, texts,
    unsure,
};
use session_store::{MessageId, StoreError};

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
    ingest(&mut store, &copies, &[]);
    assert_eq!(
        store
            .queue_outgoing(&outgoing(ALICE, "b", 0))
            .unwrap()
            .sent_at,
        at(1007)
    );
    assert_eq!(store.allocate_sent_at(at(5000)).unwrap(), at(5000));
    // The time of a message that was removed is not given to another.
    ingest(&mut store, &[item(3, copy_of(BOB, 5001, "gone"))], &[]);
    store.clear_conversation(&id(BOB), at(5000)).unwrap();
    assert_eq!(store.allocate_sent_at(at(5000)).unwrap(), at(5002));
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

const HOUR: u64 = 3_600_000;

#[test]
fn a_clock_ahead_pushes_nothing_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let real = 100 * HOUR;
    let queue = |store: &mut session_store::Store, new| store.queue_outgoing(&new).unwrap();
    let before = queue(&mut store, outgoing(BOB, "0 before", real));
    let first = queue(&mut store, unsure(BOB, "1 first", real + HOUR));
    let second = queue(&mut store, unsure(BOB, "2 second", real + HOUR));
    assert_eq!(first.sent_at, at(real + HOUR));
    assert_eq!(second.sent_at, at(real + HOUR + 1));
    assert!(store.message(first.id).unwrap().unwrap().time_unsure);
    // Reopening, to see that nothing of it is only in memory.
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();

    let stamped = store.stamp_anew(first.id, at(real)).unwrap();
    assert_eq!(stamped, at(real + 1), "later than the one before");
    assert!(stamped > before.sent_at);
    let row = store.message(first.id).unwrap().unwrap();
    assert_eq!((row.sent_at, row.time_unsure), (stamped, false));
    // One written in the meantime, by network time.
    let meantime = queue(&mut store, outgoing(BOB, "1 meantime", real + 5));
    assert_eq!(meantime.sent_at, at(real + 5));
    let stamped = store.stamp_anew(second.id, at(real + 3)).unwrap();
    assert_eq!(stamped, at(real + 6), "still increasing");
    // Its jobs say the same.
    let times: Vec<_> = std::iter::from_fn(|| {
        let job = due(&store, BOB, 0)?;
        store.cancel_jobs(job.message?).unwrap();
        Some(job.sent_at)
    })
    .collect();
    assert_eq!(times, [at(real), at(real + 1), at(real + 6), at(real + 5)]);
    assert_eq!(
        texts(&store, BOB),
        ["0 before", "1 first", "1 meantime", "2 second"]
    );
    assert_eq!(store.allocate_sent_at(at(real)).unwrap(), at(real + 7));
}

#[test]
fn a_clock_behind_is_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let real = 100 * HOUR;
    let first = store.queue_outgoing(&unsure(BOB, "first", 5)).unwrap();
    let second = store.queue_outgoing(&unsure(BOB, "second", 3)).unwrap();
    assert_eq!((first.sent_at, second.sent_at), (at(5), at(6)));
    assert_eq!(store.stamp_anew(first.id, at(real)).unwrap(), at(real));
    assert_eq!(store.stamp_anew(second.id, at(real)).unwrap(), at(real + 1));
    assert_eq!(texts(&store, BOB), ["first", "second"]);
    // After one by network time, the clock of the next start is behind again.
    let third = store.queue_outgoing(&unsure(BOB, "third", 7)).unwrap();
    assert_eq!(third.sent_at, at(real + 2), "shown in order all the same");
}

#[test]
fn content_queued_by_a_clock_far_ahead_is_forgotten_at_the_next_sure_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let real = 100 * HOUR;
    // A reaction, say, written before the network's time was known.
    let ahead = store.allocate_sent_at(at(real + 9000 * HOUR)).unwrap();
    assert_eq!(ahead, at(real + 9000 * HOUR));
    let sent = store.queue_outgoing(&outgoing(BOB, "a", real)).unwrap();
    assert!((real..real + 10).contains(&sent.sent_at.as_ms()));
    assert_eq!(
        store.allocate_sent_at(at(real)).unwrap().as_ms(),
        sent.sent_at.as_ms() + 1
    );
    // The same when the next sure time is that of a message written before.
    let early = store.queue_outgoing(&unsure(BOB, "c", real)).unwrap();
    store.allocate_sent_at(at(real + 9000 * HOUR)).unwrap();
    let stamped = store.stamp_anew(early.id, at(real + 20)).unwrap();
    assert!((real + 20..real + 30).contains(&stamped.as_ms()));
    // A little ahead is no wrong clock, and order comes first.
    let little = store.allocate_sent_at(at(real + 30_000)).unwrap();
    let next = store
        .queue_outgoing(&outgoing(BOB, "b", real + 40))
        .unwrap();
    assert_eq!(next.sent_at.as_ms(), little.as_ms() + 1);
}

#[test]
fn a_sure_time_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let sure = store.queue_outgoing(&outgoing(BOB, "a", 1000)).unwrap();
    assert_eq!(store.stamp_anew(sure.id, at(5000)).unwrap(), at(1000));
    let unsure = store.queue_outgoing(&unsure(BOB, "b", 2000)).unwrap();
    let stamped = store.stamp_anew(unsure.id, at(3000)).unwrap();
    assert_eq!(store.stamp_anew(unsure.id, at(9000)).unwrap(), stamped);
    assert_eq!(stamped, at(3000));
    assert!(matches!(
        store.stamp_anew(MessageId::new(999), at(1)),
        Err(StoreError::UnknownMessage)
    ));
}
