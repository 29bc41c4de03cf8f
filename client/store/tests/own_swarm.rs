//! What is kept for the own swarm: tasks for it, and the configs.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{BOB, CAROL, at, carol, from, hash, id, profile, receive};
use session_store::{SwarmTask, SwarmTaskKind};
use session_types::Namespace;

#[test]
fn tasks_are_kept_in_order_until_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.swarm_tasks(10).unwrap(), []);
    let message = receive(&mut store, &from(BOB, 100, "x"));
    let shorten = SwarmTaskKind::Shorten(at(9000));
    let queued = [
        (SwarmTaskKind::Delete, 1, None, 50),
        (shorten, 2, Some(message), 60),
        (SwarmTaskKind::AskExpiry, 3, Some(message), 70),
        // About the same message, but another question.
        (SwarmTaskKind::AskExpiry, 2, None, 80),
    ];
    for (kind, number, message, now) in queued {
        store
            .queue_swarm_task(kind, &hash(number), message, at(now))
            .unwrap();
    }
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let tasks = store.swarm_tasks(10).unwrap();
    let expected = queued.map(|(kind, number, message, now)| SwarmTask {
        id: 0,
        kind,
        hash: hash(number),
        message,
        created_at: at(now),
    });
    let without_id = |task: &SwarmTask| SwarmTask {
        id: 0,
        ..task.clone()
    };
    assert_eq!(tasks.iter().map(without_id).collect::<Vec<_>>(), expected);
    assert_eq!(store.swarm_tasks(2).unwrap(), tasks[..2]);

    store
        .swarm_tasks_done(&[tasks[0].id, tasks[2].id, 999])
        .unwrap();
    let left = store.swarm_tasks(10).unwrap();
    assert_eq!(left, [tasks[1].clone(), tasks[3].clone()]);
    // Removing the message leaves what is to be asked about it.
    store.remove_message(message, at(1)).unwrap();
    assert_eq!(store.swarm_tasks(10).unwrap(), left);
}

#[test]
fn a_task_asked_for_again_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let mut queue = |to, now| {
        let kind = SwarmTaskKind::Shorten(at(to));
        store
            .queue_swarm_task(kind, &hash(1), None, at(now))
            .unwrap();
        store.swarm_tasks(10).unwrap()
    };
    let first = queue(9000, 50);
    let second = queue(8000, 60);
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(second[0].kind, SwarmTaskKind::Shorten(at(8000)));
    // The end of the request for the first does not take the second away.
    store.swarm_tasks_done(&[first[0].id]).unwrap();
    assert_eq!(store.swarm_tasks(10).unwrap(), second);
}

#[test]
fn configs_are_kept_with_the_time_of_their_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let contacts = Namespace::CONTACTS;
    assert!(store.config(contacts).unwrap().is_none());
    store.save_config(contacts, b"first").unwrap();
    let saved = store.config(contacts).unwrap().unwrap();
    assert_eq!(
        (saved.dump.as_slice(), saved.stored_at),
        (&b"first"[..], at(0))
    );
    store.config_stored_at(contacts, at(5000)).unwrap();
    store.config_stored_at(contacts, at(4000)).unwrap();
    store.save_config(contacts, b"second").unwrap();
    // A time alone is kept too.
    store
        .config_stored_at(Namespace::USER_PROFILE, at(7000))
        .unwrap();
    drop(store);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let saved = store.config(contacts).unwrap().unwrap();
    assert_eq!(
        (saved.dump.as_slice(), saved.stored_at),
        (&b"second"[..], at(5000))
    );
    let other = store.config(Namespace::USER_PROFILE).unwrap().unwrap();
    assert_eq!(
        (other.dump.as_slice(), other.stored_at),
        (&b""[..], at(7000))
    );
    assert!(store.config(Namespace::DEFAULT).unwrap().is_none());
}
