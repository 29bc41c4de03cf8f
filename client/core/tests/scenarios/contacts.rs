//! Who accepts whom, and what the devices of an account agree on about people.

use session_core::CoreError;
use session_messages::Expiration;
use session_store::MessageKind;
use session_types::ErrorKind;

use crate::support::actor::bodies;
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

#[test]
fn a_request_is_accepted() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "may I?").await;
        bob.receive(1).await;
        let request = bob.account().conversation(alice.id()).await.unwrap();
        let request = request.unwrap();
        assert!(request.is_request());
        assert!(request.settings.approved_me && !request.settings.approved);
        assert_eq!(request.settings.shown_name(), Some("alice"));
        assert_eq!(request.unread, 1);
        let at_alice = alice.account().conversation(bob.id()).await.unwrap();
        let at_alice = at_alice.unwrap().settings;
        assert!(at_alice.approved && !at_alice.approved_me);

        bob.account().accept(alice.id()).await.unwrap();
        let accepted = |row: &session_store::ConversationRow| row.settings.approved_me;
        alice
            .until_conversation(bob.id(), "accepted", accepted)
            .await;
        let notices: Vec<_> = alice.timeline(bob.id()).await;
        let notices = notices
            .iter()
            .filter(|row| row.kind == MessageKind::RequestAccepted);
        assert_eq!(notices.count(), 1);
        // His name came with the answer.
        let named = |row: &session_store::ConversationRow| row.settings.name == "bob";
        alice.until_conversation(bob.id(), "his name", named).await;

        // Once accepted, a further message tells nothing new.
        bob.send(&alice, "you may").await;
        alice.receive(1).await;
        let timeline = alice.timeline(bob.id()).await;
        let notices = timeline
            .iter()
            .filter(|row| row.kind == MessageKind::RequestAccepted);
        assert_eq!(notices.count(), 1);

        // The other devices of both know, also one that comes later.
        let bob2 = bob.second_device().await;
        let alice2 = alice.second_device().await;
        until_equal(&[&bob, &bob2]).await;
        until_equal(&[&alice, &alice2]).await;
        let known = bob2.account().conversation(alice.id()).await.unwrap();
        assert!(known.unwrap().settings.approved);
    });
}

#[test]
fn a_request_is_declined_and_its_writer_blocked() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        let bob2 = bob.second_device().await;
        alice.send(&bob, "first").await;
        bob.receive(1).await;
        let there = |row: &session_store::ConversationRow| row.last_message.is_some();
        bob2.until_conversation(alice.id(), "the request", there)
            .await;

        // Declined: gone from both devices.
        bob.account().decline(alice.id(), false).await.unwrap();
        for device in [&bob, &bob2] {
            device
                .until("no request", async || {
                    let row = device.account().conversation(alice.id()).await.unwrap();
                    row.is_none_or(|row| row.last_message.is_none())
                        .then_some(())
                })
                .await;
        }
        // Alice may ask again.
        alice.send(&bob, "second").await;
        assert_eq!(bodies(&bob.receive(1).await), ["second"]);
        assert_eq!(bodies(&bob.history(alice.id()).await), ["second"]);

        bob.account().decline(alice.id(), true).await.unwrap();
        let blocked = |row: &session_store::ConversationRow| row.settings.blocked;
        bob2.until_conversation(alice.id(), "the block", blocked)
            .await;
        until_equal(&[&bob, &bob2]).await;
        alice.send(&bob, "third").await;
        for device in [&bob, &bob2] {
            for _ in 0..4 {
                device.account().poll_now().await.unwrap();
            }
            assert_eq!(device.history(alice.id()).await.len(), 0);
        }
        let error = bob.account().send_text(alice.id(), "no").await.unwrap_err();
        assert!(matches!(error, CoreError::Blocked), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::BadInput);

        bob2.account().set_blocked(alice.id(), false).await.unwrap();
        let free = |row: &session_store::ConversationRow| !row.settings.blocked;
        bob.until_conversation(alice.id(), "no block", free).await;
        alice.send(&bob, "fourth").await;
        assert_eq!(bodies(&bob.receive(1).await), ["fourth"]);
        // Who was accepted cannot be declined.
        bob.account().accept(alice.id()).await.unwrap();
        let error = bob.account().decline(alice.id(), false).await.unwrap_err();
        assert!(matches!(error, CoreError::NoRequest), "{error:?}");
    });
}

#[test]
fn what_is_set_about_a_person_holds_on_all_devices() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        let alice2 = alice.second_device().await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        let there = |row: &session_store::ConversationRow| row.last_message.is_some();
        alice2.until_conversation(bob.id(), "it", there).await;

        let account = alice.account();
        account.set_nickname(bob.id(), "Bobby").await.unwrap();
        account.set_pinned(bob.id(), true).await.unwrap();
        let until = session_types::Timestamp::from_ms(2_000_000_000_000);
        let notify = session_config::Notify::Off;
        let muted = account.set_notifications(bob.id(), notify, Some(until));
        muted.await.unwrap();
        let timer = Expiration::after_send(86_400);
        account.set_timer(bob.id(), timer).await.unwrap().unwrap();
        assert_eq!(account.set_timer(bob.id(), timer).await.unwrap(), None);
        let set = |row: &session_store::ConversationRow| {
            let settings = &row.settings;
            settings.shown_name() == Some("Bobby")
                && settings.priority > 0
                && settings.notify == notify
                && settings.muted_until == 2_000_000_000
                && settings.expiration == timer
        };
        alice2
            .until_conversation(bob.id(), "the settings", set)
            .await;
        // And the other way round.
        alice2.account().set_nickname(bob.id(), "").await.unwrap();
        alice2.account().set_pinned(bob.id(), false).await.unwrap();
        let undone = |row: &session_store::ConversationRow| {
            row.settings.shown_name() == Some("bob") && row.settings.priority == 0
        };
        alice
            .until_conversation(bob.id(), "them undone", undone)
            .await;
        // Bob is told of the timer; his own stays as it is.
        bob.until("the notice", async || {
            let rows = bob.timeline(alice.id()).await;
            let notice = rows
                .into_iter()
                .find(|row| row.kind == MessageKind::TimerChange)?;
            (notice.expiration == timer).then_some(())
        })
        .await;
        let at_bob = bob.account().conversation(alice.id()).await.unwrap();
        assert_eq!(at_bob.unwrap().settings.expiration, Expiration::Off);

        // The read state: read here is read there.
        bob.send(&alice, "one").await;
        alice.receive(1).await;
        let unread = |row: &session_store::ConversationRow| row.unread == 1;
        alice2
            .until_conversation(bob.id(), "one unread", unread)
            .await;
        alice.account().mark_read(bob.id(), None).await.unwrap();
        let read = |row: &session_store::ConversationRow| row.unread == 0;
        alice2
            .until_conversation(bob.id(), "nothing unread", read)
            .await;
        alice2
            .account()
            .set_unread_mark(bob.id(), true)
            .await
            .unwrap();
        let marked = |row: &session_store::ConversationRow| row.settings.marked_unread;
        alice.until_conversation(bob.id(), "the mark", marked).await;

        // A new name reaches the other devices, and others with the next message.
        alice.account().set_name("Alice A.").await.unwrap();
        alice2
            .until("the new name", async || {
                (alice2.account().name().await.unwrap() == "Alice A.").then_some(())
            })
            .await;
        alice.send(&bob, "call me Alice A.").await;
        let named = |row: &session_store::ConversationRow| row.settings.name == "Alice A.";
        bob.until_conversation(alice.id(), "the new name", named)
            .await;
        for bad in ["", "x".repeat(101).as_str()] {
            let error = alice.account().set_name(bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
        }
        let state = until_equal(&[&alice, &alice2]).await;
        // A device that begins with nothing but the recovery password.
        let alice3 = alice.second_device().await;
        assert_eq!(until_equal(&[&alice, &alice2, &alice3]).await, state);
    });
}

#[test]
fn at_most_five_are_pinned_and_nobody_is_their_own_contact() {
    run(async {
        let net = Net::shared().await;
        let alice = Actor::new(&net, "alice").await;
        let account = alice.account();
        for byte in 1..=6u8 {
            let id = session_types::AccountId::from_x25519([byte; 32].into());
            let pinned = account.set_pinned(id, true).await;
            if byte <= 5 {
                pinned.unwrap();
            } else {
                let error = pinned.unwrap_err();
                assert_eq!(error.to_string(), "at most 5 conversations can be pinned");
            }
        }
        for refused in [
            account.set_blocked(alice.id(), true).await,
            account.delete_contact(alice.id()).await,
            account.accept(alice.id()).await,
            account.set_nickname(alice.id(), "me").await,
        ] {
            assert!(matches!(refused, Err(CoreError::OwnAccount)));
        }
        let error = account
            .set_timer(alice.id(), Expiration::after_send(7))
            .await
            .unwrap_err();
        assert!(matches!(error, CoreError::BadTimer { seconds: 7 }));
        let error = account
            .set_timer(alice.id(), Expiration::after_read(300))
            .await
            .unwrap_err();
        assert!(matches!(error, CoreError::NoteTimer));
    });
}

#[test]
fn a_deleted_conversation_stays_deleted_and_a_new_message_brings_it_back() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        let bob2 = bob.second_device().await;
        alice.send(&bob, "one").await;
        bob.receive(1).await;
        bob.send(&alice, "two").await;
        alice.receive(1).await;
        bob2.until_history(alice.id(), 2).await;

        bob.account().delete_conversation(alice.id()).await.unwrap();
        for device in [&bob, &bob2] {
            device
                .until("an empty conversation", async || {
                    device.timeline(alice.id()).await.is_empty().then_some(())
                })
                .await;
        }
        // Alice is still a contact.
        let kept = bob2.account().conversation(alice.id()).await.unwrap();
        let kept = kept.unwrap().settings;
        assert!(kept.approved && kept.priority < 0);
        alice.send(&bob, "three").await;
        assert_eq!(bodies(&bob.receive(1).await), ["three"]);
        for device in [&bob, &bob2] {
            let shown = |row: &session_store::ConversationRow| row.settings.priority == 0;
            device
                .until_conversation(alice.id(), "it is back", shown)
                .await;
            assert_eq!(
                bodies(&device.until_history(alice.id(), 1).await),
                ["three"]
            );
        }
        // A contact that is deleted is gone with everything.
        bob2.account().delete_contact(alice.id()).await.unwrap();
        for device in [&bob, &bob2] {
            device
                .until("nothing left", async || {
                    let row = device.account().conversation(alice.id()).await.unwrap();
                    row.is_none().then_some(())
                })
                .await;
        }
    });
}
