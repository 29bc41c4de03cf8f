//! What happens to messages after they were written: answers, reactions, deletions, receipts.

use std::time::{Duration, Instant};

use session_core::{CoreError, DeleteFor, Event, Settings};
use session_store::{Invitation, MessageKind, QuoteRef};

use crate::support::actor::bodies;
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

/// Two people who have accepted each other, each with two devices that know it.
async fn acquainted(net: &Net) -> [Actor; 4] {
    let mut alice = Actor::new(net, "alice").await;
    let mut bob = Actor::new(net, "bob").await;
    alice.send(&bob, "hello").await;
    bob.receive(1).await;
    bob.send(&alice, "hello yourself").await;
    alice.receive(1).await;
    let alice2 = alice.second_device().await;
    let bob2 = bob.second_device().await;
    until_equal(&[&alice, &alice2]).await;
    until_equal(&[&bob, &bob2]).await;
    [alice, alice2, bob, bob2]
}

#[test]
fn an_answer_names_the_message_it_answers() {
    run(async {
        let net = Net::shared().await;
        let [alice, alice2, bob, bob2] = acquainted(&net).await;
        let question = alice.account().send_text(bob.id(), "tea or coffee?").await;
        let question = question.unwrap();
        let there = |_: &session_store::MessageRow| true;
        let at_bob = bob
            .until_message(alice.id(), question.sent_at, "the question", there)
            .await;
        let answer = bob.account().reply(alice.id(), at_bob.id, "tea").await;
        let answer = answer.unwrap();
        let quoted = QuoteRef {
            author: alice.id(),
            sent_at: question.sent_at,
        };
        for (device, with) in [
            (&alice, bob.id()),
            (&alice2, bob.id()),
            (&bob, alice.id()),
            (&bob2, alice.id()),
        ] {
            let row = device
                .until_message(with, answer.sent_at, "the answer", there)
                .await;
            assert_eq!(row.body, "tea");
            assert_eq!(row.details.quote, Some(quoted));
        }
        // Not to a message of another conversation, nor to a notice.
        let error = bob.account().reply(bob.id(), at_bob.id, "x").await;
        assert!(matches!(error, Err(CoreError::CannotReply)));
    });
}

#[test]
fn reactions_come_and_go_on_all_devices() {
    run(async {
        let net = Net::shared().await;
        let [alice, alice2, bob, bob2] = acquainted(&net).await;
        let row = alice.account().send_text(bob.id(), "a cake").await.unwrap();
        let there = |_: &session_store::MessageRow| true;
        let mut at = Vec::new();
        for (device, with) in [
            (&alice, bob.id()),
            (&alice2, bob.id()),
            (&bob, alice.id()),
            (&bob2, alice.id()),
        ] {
            let found = device.until_message(with, row.sent_at, "the cake", there);
            at.push((device, found.await.id));
        }
        let all = async |expected: &[(&str, session_types::AccountId)]| {
            for (device, message) in &at {
                device.until_reactions(*message, expected).await;
            }
        };
        let (a, b) = (alice.id(), bob.id());
        bob.account().react(at[2].1, "🎂", true).await.unwrap();
        all(&[("🎂", b)]).await;
        alice2.account().react(at[1].1, "🎂", true).await.unwrap();
        let first = Instant::now();
        alice.account().react(at[0].1, "😋", true).await.unwrap();
        all(&[("🎂", a), ("🎂", b), ("😋", a)]).await;
        // Twice is once; another device may take it back.
        bob.account().react(at[2].1, "🎂", true).await.unwrap();
        bob2.account().react(at[3].1, "🎂", false).await.unwrap();
        all(&[("🎂", a), ("😋", a)]).await;
        let refused = alice.account().react(at[0].1, "no emoji", true).await;
        assert!(matches!(refused, Err(CoreError::NoEmoji)), "{refused:?}");

        // Others would drop more than twenty a minute.
        let mut refusal = None;
        for i in 0..30 {
            let done = alice.account().react(at[0].1, "👍", i % 2 == 0).await;
            if let Err(error) = done {
                refusal = Some((i, error));
                break;
            }
        }
        let (count, error) = refusal.unwrap();
        let within_a_minute = first.elapsed() < Duration::from_secs(60);
        assert!(
            count == 19 || (count == 20 && !within_a_minute),
            "{count}: one was used before"
        );
        assert!(matches!(error, CoreError::TooManyReactions));
        all(&[("🎂", a), ("😋", a), ("👍", a)]).await;
    });
}

#[test]
fn what_is_deleted_for_everyone_is_gone_everywhere() {
    run(async {
        let net = Net::shared().await;
        let [alice, alice2, bob, bob2] = acquainted(&net).await;
        let row = alice.account().send_text(bob.id(), "a slip").await.unwrap();
        let there = |_: &session_store::MessageRow| true;
        let all = [
            (&alice, bob.id()),
            (&alice2, bob.id()),
            (&bob, alice.id()),
            (&bob2, alice.id()),
        ];
        for (device, with) in all {
            device.until_message(with, row.sent_at, "it", there).await;
        }
        let at_bob = bob
            .until_message(alice.id(), row.sent_at, "it", there)
            .await;
        let refused = bob.account().delete(at_bob.id, DeleteFor::Everyone).await;
        assert!(matches!(refused, Err(CoreError::NotYours)));
        let refused = bob.account().delete(at_bob.id, DeleteFor::MyDevices).await;
        assert!(matches!(refused, Err(CoreError::OnlyInNotes)));
        // Another device of the writer may.
        let at_alice2 = alice2.until_message(bob.id(), row.sent_at, "it", there);
        let at_alice2 = at_alice2.await.id;
        let deleted = alice2.account().delete(at_alice2, DeleteFor::Everyone);
        deleted.await.unwrap();
        let gone = |row: &session_store::MessageRow| row.kind == MessageKind::Deleted;
        for (device, with) in all {
            let row = device
                .until_message(with, row.sent_at, "it gone", gone)
                .await;
            assert_eq!(row.body, "");
            assert!(
                device
                    .account()
                    .search("slip", None, 10)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
        // Also from both swarms: a new device never sees it.
        for device in [alice.second_device().await, bob.second_device().await] {
            for _ in 0..4 {
                device.account().poll_now().await.unwrap();
            }
            assert!(
                device
                    .account()
                    .search("slip", None, 10)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    });
}

#[test]
fn what_is_deleted_on_one_device_stays_away_from_it() {
    run(async {
        let net = Net::shared().await;
        let [alice, alice2, mut bob, _bob2] = acquainted(&net).await;
        bob.send(&alice, "keep me").await;
        let there = alice.until_history(bob.id(), 3).await;
        alice2.until_history(bob.id(), 3).await;
        let deleted = alice.account().delete(there[2].id, DeleteFor::ThisDevice);
        deleted.await.unwrap();
        for _ in 0..4 {
            alice.account().poll_now().await.unwrap();
        }
        assert_eq!(alice.history(bob.id()).await.len(), 2);
        assert_eq!(alice2.history(bob.id()).await.len(), 3);
        // One that was never sent leaves nothing at all.
        let [mut carol, dave] = [
            Actor::new(&net, "carol").await,
            Actor::new(&net, "dave").await,
        ];
        carol.close().await;
        let mut store = carol.store();
        let queued = store.queue_outgoing(&session_store::NewOutgoing {
            conversation: dave.id(),
            message: session_store::NewMessage::text("never mind"),
            now: crate::support::clock::real_time(),
            time_unsure: false,
        });
        let queued = queued.unwrap();
        store.remove_message(queued.id, queued.sent_at).unwrap();
        assert_eq!(store.job_count().unwrap(), 0);
        drop(store);
        carol.open().await;
        carol.until_outbox_empty().await;
        assert!(dave.history(carol.id()).await.is_empty());
    });
}

#[test]
fn a_note_to_self_is_deleted_on_all_own_devices() {
    run(async {
        let net = Net::shared().await;
        let mut carol = Actor::new(&net, "carol").await;
        let carol2 = carol.second_device().await;
        let own = carol.id();
        for text in ["milk", "bread"] {
            let row = carol.write(own, text).await;
            carol.until_sent(row.id).await;
        }
        let at_second = carol2.until_history(own, 2).await;
        let first = &carol.history(own).await[0];
        let refused = carol.account().delete(first.id, DeleteFor::Everyone).await;
        assert!(matches!(refused, Err(CoreError::OnlyForOwnDevices)));
        carol2
            .account()
            .delete(at_second[0].id, DeleteFor::MyDevices)
            .await
            .unwrap();
        for device in [&carol, &carol2] {
            device
                .until("only bread", async || {
                    let rows = device.timeline(own).await;
                    (bodies(&rows) == ["bread"]).then_some(())
                })
                .await;
        }
        let late = carol.second_device().await;
        assert_eq!(bodies(&late.until_history(own, 1).await), ["bread"]);
    });
}

#[test]
fn receipts_and_typing_go_only_to_who_wants_them() {
    run(async {
        let net = Net::shared().await;
        let [mut alice, alice2, bob, _bob2] = acquainted(&net).await;
        // Off at first.
        assert_eq!(bob.account().settings().await.unwrap(), Settings::default());
        let first = alice.write(bob.id(), "unseen").await;
        let there = |_: &session_store::MessageRow| true;
        bob.until_message(alice.id(), first.sent_at, "it", there)
            .await;
        bob.account().mark_read(alice.id(), None).await.unwrap();
        bob.account().typing(alice.id(), true).await.unwrap();

        let on = Settings {
            read_receipts: true,
            typing: true,
            ..Settings::default()
        };
        bob.account().set_settings(on).await.unwrap();
        assert_eq!(bob.account().settings().await.unwrap(), on);
        let second = alice.write(bob.id(), "seen").await;
        bob.until_message(alice.id(), second.sent_at, "it", there)
            .await;
        bob.account().typing(alice.id(), true).await.unwrap();
        alice
            .log()
            .until("bob types", |events| {
                events.iter().find_map(|event| match event {
                    Event::Typing {
                        conversation,
                        begins: true,
                    } => Some(*conversation),
                    _ => None,
                })
            })
            .await;
        bob.account().mark_read(alice.id(), None).await.unwrap();
        let read = |row: &session_store::MessageRow| row.read_at.is_some();
        for device in [&alice, &alice2] {
            device
                .until_message(bob.id(), second.sent_at, "read", read)
                .await;
            let unseen = device.until_message(bob.id(), first.sent_at, "it", there);
            assert_eq!(unseen.await.read_at, None);
        }
        let events = alice.log().events();
        let typing = events
            .iter()
            .filter(|event| matches!(event, Event::Typing { begins: true, .. }));
        assert_eq!(typing.count(), 1, "only once the setting was on");
    });
}

#[test]
fn invitations_and_extraction_notices_arrive() {
    run(async {
        let net = Net::shared().await;
        let [alice, alice2, bob, _bob2] = acquainted(&net).await;
        let room = Invitation {
            url: format!(
                "https://community.example/room?public_key={}",
                "ab".repeat(32)
            ),
            name: "The Room".to_owned(),
        };
        let sent = alice.account().invite_to_community(bob.id(), room.clone());
        let sent = sent.await.unwrap();
        let there = |_: &session_store::MessageRow| true;
        for (device, with) in [(&bob, alice.id()), (&alice2, bob.id())] {
            let row = device.until_message(with, sent.sent_at, "it", there).await;
            assert_eq!(row.kind, MessageKind::Invitation);
            assert_eq!(row.details.invitation.as_ref(), Some(&room));
        }
        bob.account()
            .tell_extraction(alice.id(), None)
            .await
            .unwrap();
        bob.account()
            .tell_extraction(alice.id(), Some(sent.sent_at))
            .await
            .unwrap();
        for kind in [MessageKind::Screenshot, MessageKind::MediaSaved] {
            alice
                .until("the notice", async || {
                    let rows = alice.timeline(bob.id()).await;
                    rows.iter().any(|row| row.kind == kind).then_some(())
                })
                .await;
        }
        let long = Invitation {
            url: String::new(),
            ..room
        };
        let refused = alice.account().invite_to_community(bob.id(), long).await;
        assert!(matches!(refused, Err(CoreError::Build(_))), "{refused:?}");
    });
}

#[test]
fn drafts_and_mentions_and_search() {
    run(async {
        let net = Net::shared().await;
        let [alice, _alice2, mut bob, _bob2] = acquainted(&net).await;
        alice.account().set_draft(bob.id(), "dear b").await.unwrap();
        let draft =
            |text: &'static str| move |row: &session_store::ConversationRow| row.draft == text;
        alice
            .until_conversation(bob.id(), "the draft", draft("dear b"))
            .await;
        alice
            .account()
            .send_text(bob.id(), "dear bob")
            .await
            .unwrap();
        alice
            .until_conversation(bob.id(), "no draft", draft(""))
            .await;

        let mention = format!("ask @{} about the Crème brûlée", alice.id());
        bob.send(&alice, &mention).await;
        let mentioned = |row: &session_store::ConversationRow| row.unread_mentions == 1;
        alice
            .until_conversation(bob.id(), "the mention", mentioned)
            .await;
        for (words, hits) in [
            ("creme", 1),
            ("CRÈME brul", 1),
            ("brulee ask", 1),
            ("hello", 2),
            ("cream", 0),
            ("\"", 0),
        ] {
            let found = alice.account().search(words, None, 10).await.unwrap();
            assert_eq!(found.len(), hits, "{words}");
            let within = alice.account().search(words, Some(alice.id()), 10).await;
            assert_eq!(within.unwrap().len(), 0, "{words}");
        }
    });
}
