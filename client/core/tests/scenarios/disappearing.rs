//! Messages that disappear, on every device of both sides.

use core::time::Duration;

use session_messages::Expiration;
use session_store::MessageKind;

use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

async fn pair(net: &Net) -> (Actor, Actor) {
    let mut alice = Actor::new(net, "alice").await;
    let mut bob = Actor::new(net, "bob").await;
    alice.send(&bob, "hello").await;
    bob.receive(1).await;
    bob.send(&alice, "hello yourself").await;
    alice.receive(1).await;
    (alice, bob)
}

async fn until_only_hellos(device: &Actor, with: &Actor) {
    device
        .until("what disappears to be gone", async || {
            let rows = device.timeline(with.id()).await;
            rows.iter()
                .all(|row| {
                    row.body.starts_with("hello") || row.kind == MessageKind::RequestAccepted
                })
                .then_some(())
        })
        .await;
}

#[test]
fn after_sending() {
    run(async {
        let net = Net::shared().await;
        let (mut alice, bob) = pair(&net).await;
        let alice2 = alice.second_device().await;
        until_equal(&[&alice, &alice2]).await;
        let timer = Expiration::after_send(10);
        alice.account().set_timer(bob.id(), timer).await.unwrap();
        let row = alice.write(bob.id(), "ten seconds").await;
        let sent = alice.until_sent(row.id).await;
        let counted = |row: &session_store::MessageRow| row.disappears_at.is_some();
        let ten = Duration::from_secs(10);
        for (device, with) in [(&alice, &bob), (&alice2, &bob), (&bob, &alice)] {
            let row = device
                .until_message(with.id(), row.sent_at, "its time", counted)
                .await;
            assert_eq!(row.expiration, timer);
            let left = row.disappears_at.unwrap().since(row.sent_at);
            assert!(left >= Duration::from_secs(9) && left < ten * 3, "{left:?}");
        }
        // The swarm keeps it no longer either.
        assert!(sent.expires_at.since(row.sent_at) < ten * 3);
        until_only_hellos(&alice, &bob).await;
        until_only_hellos(&alice2, &bob).await;
        until_only_hellos(&bob, &alice).await;
        let late = bob.second_device().await;
        until_equal(&[&bob, &late]).await;
    });
}

#[test]
fn after_reading() {
    run(async {
        let net = Net::shared().await;
        let (mut alice, bob) = pair(&net).await;
        let bob2 = bob.second_device().await;
        until_equal(&[&bob, &bob2]).await;
        let timer = Expiration::after_read(5);
        alice.account().set_timer(bob.id(), timer).await.unwrap();
        let row = alice.write(bob.id(), "five seconds").await;
        alice.until_sent(row.id).await;
        let there = |_: &session_store::MessageRow| true;
        for device in [&bob, &bob2] {
            let row = device.until_message(alice.id(), row.sent_at, "it", there);
            assert_eq!(row.await.disappears_at, None, "nobody has read it");
        }
        // For its writer the time begins at once.
        until_only_hellos(&alice, &bob).await;
        assert_eq!(bob.timeline(alice.id()).await.len(), 4);
        bob.account().mark_read(alice.id(), None).await.unwrap();
        let counted = |row: &session_store::MessageRow| row.disappears_at.is_some();
        let at_bob = bob.until_message(alice.id(), row.sent_at, "its time", counted);
        let at_bob = at_bob.await.disappears_at.unwrap();
        let at_bob2 = bob2.until_message(alice.id(), row.sent_at, "its time", counted);
        let at_bob2 = at_bob2.await.disappears_at.unwrap();
        assert!(at_bob.distance(at_bob2) < Duration::from_secs(3));
        until_only_hellos(&bob, &alice).await;
        until_only_hellos(&bob2, &alice).await;
    });
}

#[test]
fn notes_to_self() {
    run(async {
        let net = Net::shared().await;
        let mut carol = Actor::new(&net, "carol").await;
        let carol2 = carol.second_device().await;
        let own = carol.id();
        let timer = Expiration::after_send(10);
        carol.account().set_timer(own, timer).await.unwrap();
        let set = |row: &session_store::ConversationRow| row.settings.expiration == timer;
        carol2.until_conversation(own, "the timer", set).await;
        let row = carol.write(own, "soon forgotten").await;
        carol.until_sent(row.id).await;
        let counted = |row: &session_store::MessageRow| row.disappears_at.is_some();
        for device in [&carol, &carol2] {
            device
                .until_message(own, row.sent_at, "its time", counted)
                .await;
        }
        for device in [&carol, &carol2] {
            device
                .until("nothing left", async || {
                    device.timeline(own).await.is_empty().then_some(())
                })
                .await;
        }
    });
}
