//! The list of conversations, what is kept about each, and removing them.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, carol, copy_of, due, from, id, ingest, item, outgoing, profile, receive,
    texts,
};
use session_config::{Notify, Picture};
use session_messages::Expiration;
use session_store::{ConversationSettings, NewJob, ReceivedMessage, Store};

fn settings(who: &str) -> ConversationSettings {
    ConversationSettings::new(id(who))
}

#[test]
fn conversations_show_name_newest_message_and_unread() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert!(store.conversations().unwrap().is_empty());
    assert!(store.conversation(&id(BOB)).unwrap().is_none());
    let named = |name: &str| ConversationSettings {
        name: name.into(),
        ..settings(BOB)
    };
    ingest(&mut store, &[item(1, from(BOB, 200, "hi"))], &[]);
    store.save_conversation(&named("Bob")).unwrap();
    ingest(&mut store, &[item(2, from(BOB, 100, "hi"))], &[]);
    let mention = ReceivedMessage {
        mentions_me: true,
        ..from(ALICE, 300, "newest")
    };
    ingest(&mut store, &[item(3, mention)], &[]);
    let list = store.conversations().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].id(), id(ALICE));
    assert_eq!(list[0].settings.shown_name(), None);
    assert_eq!(list[0].last_message.as_ref().unwrap().body, "newest");
    assert_eq!(list[1].id(), id(BOB));
    assert_eq!(list[1].settings.shown_name(), Some("Bob"));
    assert_eq!((list[0].unread, list[1].unread), (1, 2));
    assert_eq!((list[0].unread_mentions, list[1].unread_mentions), (1, 0));
    for row in &list {
        assert_eq!(store.conversation(&row.id()).unwrap().as_ref(), Some(row));
    }

    assert_eq!(store.mark_read(&id(BOB), at(150)).unwrap().len(), 1);
    assert_eq!(store.conversations().unwrap()[1].unread, 1);
    assert_eq!(store.mark_read(&id(BOB), at(200)).unwrap().len(), 1);
    assert_eq!(store.mark_read(&id(BOB), at(900)).unwrap().len(), 0);
    ingest(&mut store, &[item(4, from(BOB, 400, "hi"))], &[]);
    store.save_conversation(&named("Robert")).unwrap();
    let list = store.conversations().unwrap();
    assert_eq!(
        (list[0].settings.shown_name(), list[0].unread),
        (Some("Robert"), 1)
    );
    assert_eq!(store.mark_read(&id(ALICE), at(300)).unwrap().len(), 1);
    let alice = store.conversation(&id(ALICE)).unwrap().unwrap();
    assert_eq!((alice.unread, alice.unread_mentions), (0, 0));
}

#[test]
fn conversations_without_messages_come_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.save_conversation(&settings(ALICE)).unwrap();
    store.save_conversation(&settings(CAROL)).unwrap();
    receive(&mut store, &from(BOB, 0, "at the beginning of time"));
    let ids: Vec<_> = store
        .conversations()
        .unwrap()
        .iter()
        .map(|c| c.id())
        .collect();
    assert_eq!(ids, [id(BOB), id(ALICE), id(CAROL)]);
    let list = store.conversations().unwrap();
    assert!(list[0].last_message.is_some() && list[1].last_message.is_none());
}

#[test]
fn what_the_devices_agree_on_is_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert!(store.conversation_settings(&id(BOB)).unwrap().is_none());
    let plain = settings(BOB);
    assert!(store.save_conversation(&plain).unwrap(), "it is new");
    assert!(!store.save_conversation(&plain).unwrap(), "nothing differs");
    // One thing after the other, so that each is known to be kept and to be noticed.
    type Change = fn(&mut ConversationSettings);
    let changes: [Change; 18] = [
        |s| s.name = "Bob".into(),
        |s| s.nickname = "Bobby".into(),
        |s| s.picture = Some(Picture::new("https://files.example/1", [7; 32]).unwrap()),
        |s| s.picture = Some(Picture::new("https://files.example/1", [8; 32]).unwrap()),
        |s| s.picture = None,
        |s| s.approved = true,
        |s| s.approved_me = true,
        |s| s.blocked = true,
        |s| s.priority = i32::MIN,
        |s| s.notify = Notify::All,
        |s| s.notify = Notify::Off,
        |s| s.notify = Notify::Mentions,
        |s| s.muted_until = u64::MAX >> 1,
        |s| s.expiration = Expiration::after_read(5),
        |s| s.expiration = Expiration::after_send(u32::MAX),
        |s| s.created_at = 1_700_000_000,
        |s| s.last_read = at(1_700_000_000_123),
        |s| s.marked_unread = true,
    ];
    let mut wanted = plain;
    for (number, change) in changes.into_iter().enumerate() {
        change(&mut wanted);
        assert!(store.save_conversation(&wanted).unwrap(), "change {number}");
        let kept = store.conversation_settings(&id(BOB)).unwrap().unwrap();
        assert_eq!(kept, wanted, "change {number}");
        assert!(
            !store.save_conversation(&wanted).unwrap(),
            "change {number}"
        );
    }
    drop(store);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let row = store.conversation(&id(BOB)).unwrap().unwrap();
    assert_eq!(row.settings, wanted);
    assert_eq!(row.settings.shown_name(), Some("Bobby"));
}

#[test]
fn a_request_is_neither_accepted_nor_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let mut is_request = |change: fn(&mut ConversationSettings)| {
        let mut new = settings(BOB);
        change(&mut new);
        store.save_conversation(&new).unwrap();
        store.conversation(&id(BOB)).unwrap().unwrap().is_request()
    };
    assert!(is_request(|_| ()));
    assert!(is_request(|s| s.approved_me = true));
    assert!(!is_request(|s| s.approved = true));
    assert!(!is_request(|s| s.blocked = true));
    assert!(!is_request(|s| s.priority = -1));
}

#[test]
fn drafts_are_of_this_device_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert!(store.set_draft(&id(BOB), "Dear B").unwrap());
    assert!(store.set_draft(&id(BOB), "Dear Bob").unwrap());
    assert!(!store.set_draft(&id(BOB), "Dear Bob").unwrap());
    store.save_conversation(&settings(BOB)).unwrap();
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let draft = |store: &Store| store.conversation(&id(BOB)).unwrap().unwrap().draft;
    assert_eq!(draft(&store), "Dear Bob");
    assert!(store.set_draft(&id(BOB), "").unwrap());
    assert_eq!(draft(&store), "");
}

/// Two messages of Bob, one of another device, one sent from here and one still to be sent.
fn talked(store: &mut Store) {
    receive(store, &from(BOB, 100, "one"));
    receive(store, &from(BOB, 200, "two"));
    receive(store, &copy_of(BOB, 300, "elsewhere"));
    store.queue_outgoing(&outgoing(BOB, "queued", 400)).unwrap();
    receive(store, &from(ALICE, 100, "of Alice"));
    store
        .queue_outgoing(&outgoing(ALICE, "to Alice", 500))
        .unwrap();
    let job = NewJob {
        conversation: id(BOB),
        content: b"a receipt".to_vec(),
        deliver: true,
        copy: true,
        quiet: false,
        sent_at: at(600),
    };
    store.queue_job(&job).unwrap();
}

/// None of the copies of [`talked`] is taken in again.
fn stays_away(store: &mut Store) {
    for message in [
        from(BOB, 100, "one"),
        from(BOB, 200, "two"),
        copy_of(BOB, 300, "elsewhere"),
        copy_of(BOB, 400, "queued"),
    ] {
        assert_eq!(store.take_in(&message).unwrap(), None, "{message:?}");
    }
    assert_eq!(texts(store, BOB), Vec::<String>::new());
    assert_eq!(texts(store, ALICE), ["of Alice", "to Alice"]);
}

#[test]
fn a_cleared_conversation_is_empty_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    talked(&mut store);
    store.save_conversation(&settings(BOB)).unwrap();
    store.set_draft(&id(BOB), "to be kept").unwrap();
    store.clear_conversation(&id(BOB), at(1000)).unwrap();
    stays_away(&mut store);
    let row = store.conversation(&id(BOB)).unwrap().unwrap();
    assert_eq!((row.last_message, row.unread), (None, 0));
    assert_eq!(row.draft, "to be kept");
    // The queued message is not sent; what is no message is.
    assert_eq!(due(&store, BOB, 0).unwrap().content, b"a receipt");
    assert_eq!(store.job_count().unwrap(), 4);
    // What comes after is new.
    receive(&mut store, &from(BOB, 101, "after"));
    assert_eq!(texts(&store, BOB), ["after"]);
}

#[test]
fn a_removed_conversation_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    talked(&mut store);
    store.save_conversation(&settings(BOB)).unwrap();
    store.remove_conversation(&id(BOB), at(1000)).unwrap();
    assert!(store.conversation(&id(BOB)).unwrap().is_none());
    assert!(store.conversation_settings(&id(BOB)).unwrap().is_none());
    assert_eq!(due(&store, BOB, 0), None);
    assert_eq!(store.job_count().unwrap(), 2, "those of Alice");
    stays_away(&mut store);
    assert!(store.conversation(&id(BOB)).unwrap().is_none());
    store.remove_conversation(&id(BOB), at(1000)).unwrap();
    // He may write again.
    receive(&mut store, &from(BOB, 101, "after"));
    assert_eq!(texts(&store, BOB), ["after"]);
}

#[test]
fn a_removed_message_stays_away_and_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    talked(&mut store);
    for (sender, sent_at) in [(BOB, 200), (CAROL, 400)] {
        let row = store
            .message_by_sender(&id(sender), at(sent_at))
            .unwrap()
            .unwrap();
        assert!(store.remove_message(row.id, at(1000)).unwrap());
        assert!(!store.remove_message(row.id, at(1000)).unwrap());
        assert!(store.message(row.id).unwrap().is_none());
    }
    assert_eq!(texts(&store, BOB), ["one", "elsewhere"]);
    assert_eq!(due(&store, BOB, 0).unwrap().content, b"a receipt");
    for message in [from(BOB, 200, "two"), copy_of(BOB, 400, "queued")] {
        assert_eq!(store.take_in(&message).unwrap(), None);
    }
    // The same time of somebody else is another message.
    receive(&mut store, &from(ALICE, 200, "mine"));
}
