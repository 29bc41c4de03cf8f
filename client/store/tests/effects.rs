//! Reactions, deletions and receipts, in whatever order they and their messages come.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{
    ALICE, BOB, CAROL, at, carol, copy_of, from, id, outgoing, profile, receive, texts,
};
use session_store::{
    Details, Effect, MessageId, MessageKind, MessageRow, QuoteRef, ReactionRow, ReceivedMessage,
    Store,
};

fn emoji(emoji: &str, present: bool) -> Effect {
    Effect::Reaction {
        emoji: emoji.into(),
        present,
    }
}

/// Who reacted with what, oldest first.
fn reactions(store: &Store, message: MessageId) -> Vec<(String, String)> {
    let rows = store.reactions(&[message]).unwrap();
    rows.into_iter()
        .map(|row| (row.author.to_hex(), row.emoji))
        .collect()
}

fn pair(author: &str, emoji: &str) -> (String, String) {
    (author.to_owned(), emoji.to_owned())
}

fn row(store: &Store, message: MessageId) -> MessageRow {
    store.message(message).unwrap().unwrap()
}

/// Applies to the message of Bob at 100.
fn apply(store: &mut Store, sender: &str, effect: &Effect, now: u64) -> Option<MessageId> {
    store
        .apply_effect(&id(BOB), at(100), &id(sender), effect, at(now))
        .unwrap()
}

#[test]
fn reactions_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = receive(&mut store, &from(BOB, 100, "news"));
    let other = receive(&mut store, &from(BOB, 101, "other"));
    assert_eq!(
        apply(&mut store, BOB, &emoji("👍", true), 300),
        Some(message)
    );
    assert_eq!(
        apply(&mut store, CAROL, &emoji("👍", true), 200),
        Some(message)
    );
    assert_eq!(
        apply(&mut store, CAROL, &emoji("🎉", true), 400),
        Some(message)
    );
    assert_eq!(
        apply(&mut store, CAROL, &emoji("🎉", true), 400),
        None,
        "again"
    );
    let all = [pair(CAROL, "👍"), pair(BOB, "👍"), pair(CAROL, "🎉")];
    assert_eq!(reactions(&store, message), all);
    assert_eq!(reactions(&store, other), []);
    assert_eq!(
        apply(&mut store, CAROL, &emoji("👍", false), 500),
        Some(message)
    );
    assert_eq!(reactions(&store, message), all[1..]);
    drop(store);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let expected = |author, emoji: &str, sent_at| ReactionRow {
        message,
        author: id(author),
        emoji: emoji.into(),
        sent_at: at(sent_at),
    };
    assert_eq!(
        store
            .reactions(&[other, message, MessageId::new(999)])
            .unwrap(),
        [expected(BOB, "👍", 300), expected(CAROL, "🎉", 400)]
    );
}

#[test]
fn of_two_words_about_an_emoji_the_newer_counts_in_any_order() {
    let words = [
        (emoji("👍", true), 200),
        (emoji("👍", false), 300),
        (emoji("👍", true), 400),
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    // `first`: how many words come before the message itself.
    for first in 0..=3 {
        for order in orders {
            for count in 2..=3 {
                let folder = tempfile::tempdir().unwrap();
                let mut store = carol(folder.path());
                // Without the last word, it is taken back.
                let chosen: Vec<_> = order.into_iter().filter(|index| *index < count).collect();
                let (early, late) = chosen.split_at(first.min(count));
                for index in early {
                    let (effect, now) = &words[*index];
                    assert_eq!(apply(&mut store, CAROL, effect, *now), None);
                }
                let message = receive(&mut store, &from(BOB, 100, "news"));
                for index in late {
                    let (effect, now) = &words[*index];
                    apply(&mut store, CAROL, effect, *now);
                }
                let wanted = if count == 3 {
                    vec![pair(CAROL, "👍")]
                } else {
                    vec![]
                };
                assert_eq!(reactions(&store, message), wanted, "{chosen:?} {first}");
            }
        }
    }
}

#[test]
fn effects_wait_for_their_message_and_for_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(apply(&mut store, BOB, &emoji("👍", true), 200), None);
    assert_eq!(apply(&mut store, CAROL, &emoji("👍", true), 300), None);
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    // The same time of another writer, another time of the same.
    let others = [from(ALICE, 100, "a"), from(BOB, 101, "b")].map(|m| receive(&mut store, &m));
    assert_eq!(store.reactions(&others).unwrap(), []);
    let message = receive(&mut store, &from(BOB, 100, "news"));
    assert_eq!(
        reactions(&store, message),
        [pair(BOB, "👍"), pair(CAROL, "👍")]
    );
    // Once applied they do not wait any more.
    assert!(store.remove_message(message, at(1)).unwrap());
    assert_eq!(
        store.prune(at(u64::MAX >> 1)).unwrap(),
        1,
        "the mark of the removed one"
    );
}

fn rich(body: &str) -> ReceivedMessage {
    let mut message = from(BOB, 100, body);
    message.message.details = Details {
        quote: Some(QuoteRef {
            author: id(CAROL),
            sent_at: at(5),
        }),
        attachments: 2,
        ..Details::default()
    };
    message.mentions_me = true;
    message.content = b"all of it".to_vec();
    message
}

/// Of the message only that it was there is left.
fn is_deleted(store: &Store, message: MessageId) {
    let row = row(store, message);
    assert_eq!((row.kind, row.body.as_str()), (MessageKind::Deleted, ""));
    assert_eq!(row.details, Details::default());
    assert!(!row.unread && !row.mentions_me);
    assert_eq!((row.sender, row.sent_at), (id(BOB), at(100)));
    assert_eq!(reactions(store, message), []);
    assert_eq!(store.search("news", None, 10).unwrap(), []);
    let conversation = store.conversation(&id(BOB)).unwrap().unwrap();
    assert_eq!((conversation.unread, conversation.unread_mentions), (0, 0));
}

#[test]
fn a_deleted_message_loses_all_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = receive(&mut store, &rich("news"));
    apply(&mut store, CAROL, &emoji("👍", true), 200);
    assert_eq!(
        apply(&mut store, BOB, &Effect::Deletion, 300),
        Some(message)
    );
    is_deleted(&store, message);
    assert_eq!(
        apply(&mut store, BOB, &Effect::Deletion, 300),
        None,
        "again"
    );
    assert_eq!(apply(&mut store, CAROL, &emoji("👍", true), 400), None);
    is_deleted(&store, message);
    assert_eq!(store.take_in(&rich("news")).unwrap(), None, "a second copy");
    is_deleted(&store, message);
}

#[test]
fn a_deletion_may_come_before_its_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    apply(&mut store, CAROL, &emoji("👍", true), 150);
    assert_eq!(apply(&mut store, BOB, &Effect::Deletion, 300), None);
    apply(&mut store, CAROL, &emoji("🎉", true), 400);
    let taken = store.take_in(&rich("news")).unwrap().unwrap();
    assert_eq!(taken.kind, MessageKind::Deleted, "as the caller gets it");
    is_deleted(&store, taken.id);
    assert_eq!(texts(&store, BOB), [""]);
}

#[test]
fn receipts_are_for_own_messages_and_the_first_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let read = |store: &mut Store, author, sent_at, now| {
        store
            .apply_effect(
                &id(author),
                at(sent_at),
                &id(BOB),
                &Effect::Receipt,
                at(now),
            )
            .unwrap()
    };
    let sent = store.queue_outgoing(&outgoing(BOB, "hello", 1000)).unwrap();
    assert_eq!(read(&mut store, CAROL, 1000, 5000), Some(sent.id));
    assert_eq!(read(&mut store, CAROL, 1000, 4000), None);
    assert_eq!(row(&store, sent.id).read_at, Some(at(5000)));
    // Before the copy of another device came.
    assert_eq!(read(&mut store, CAROL, 2000, 6000), None);
    let copy = receive(&mut store, &copy_of(BOB, 2000, "elsewhere"));
    assert_eq!(row(&store, copy).read_at, Some(at(6000)));
    // Of a message of somebody else it means nothing.
    let theirs = receive(&mut store, &from(BOB, 3000, "theirs"));
    assert_eq!(read(&mut store, BOB, 3000, 7000), None);
    assert_eq!(row(&store, theirs).read_at, None);
}

#[test]
fn what_is_said_about_a_removed_message_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = receive(&mut store, &from(BOB, 100, "news"));
    apply(&mut store, CAROL, &emoji("👍", true), 200);
    assert!(store.remove_message(message, at(300)).unwrap());
    assert_eq!(reactions(&store, message), []);
    assert_eq!(apply(&mut store, CAROL, &emoji("🎉", true), 400), None);
    assert_eq!(store.take_in(&from(BOB, 100, "news")).unwrap(), None);
}

#[test]
fn nobody_outside_a_conversation_has_a_say_in_it() {
    for early in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = carol(folder.path());
        let (news, now) = (from(BOB, 100, "news"), at(300));
        let sent = outgoing(BOB, "mine", 1000);
        let arrive = |store: &mut Store| {
            receive(store, &news);
            store.queue_outgoing(&sent).unwrap();
        };
        if !early {
            arrive(&mut store);
        }
        for effect in [emoji("👍", true), Effect::Deletion, Effect::Receipt] {
            for (author, sent_at) in [(BOB, 100), (CAROL, 1000)] {
                let changed =
                    store.apply_effect(&id(author), at(sent_at), &id(ALICE), &effect, now);
                assert_eq!(changed.unwrap(), None);
            }
        }
        if early {
            arrive(&mut store);
        }
        assert_eq!(texts(&store, BOB), ["news", "mine"]);
        for row in store.history(&id(BOB), 9, None).unwrap() {
            assert_eq!((row.kind, row.read_at), (MessageKind::Text, None));
            assert_eq!(reactions(&store, row.id), []);
        }
    }
}
