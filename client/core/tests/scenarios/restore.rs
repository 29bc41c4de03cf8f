//! A device that is given the recovery password, at every stage of an account.

use session_core::{DeleteFor, Event};
use session_messages::Expiration;

use crate::support::actor::bodies;
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

#[test]
fn everything_that_is_shared_comes_back() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        // An account nobody wrote to yet.
        let early = alice.second_device().await;
        until_equal(&[&alice, &early]).await;
        assert_eq!(early.account().name().await.unwrap(), "alice");

        let mut bob = Actor::new(&net, "bob").await;
        let mut carol = Actor::new(&net, "carol").await;
        let mut dave = Actor::new(&net, "dave").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        bob.send(&alice, "a second one").await;
        alice.receive(1).await;
        carol.send(&alice, "a request").await;
        dave.send(&alice, "spam").await;
        alice.receive(2).await;
        let requests = alice.second_device().await;
        until_equal(&[&alice, &early, &requests]).await;

        let account = alice.account();
        account.set_name("Alice").await.unwrap();
        account.decline(dave.id(), true).await.unwrap();
        account.set_nickname(bob.id(), "B.").await.unwrap();
        account.set_pinned(bob.id(), true).await.unwrap();
        let timer = Expiration::after_send(1_209_600);
        account.set_timer(bob.id(), timer).await.unwrap();
        account.mark_read(bob.id(), None).await.unwrap();
        account.set_unread_mark(carol.id(), true).await.unwrap();
        let rows = alice.history(bob.id()).await;
        account.react(rows[1].id, "👍", true).await.unwrap();
        account
            .delete(rows[0].id, DeleteFor::Everyone)
            .await
            .unwrap();
        alice.write(alice.id(), "a note").await;
        alice.until_outbox_empty().await;
        let here = until_equal(&[&alice, &early, &requests]).await;

        // The last device is closed: only the swarm knows.
        alice
            .until("the configs to be stored", async || {
                let pushed = alice.account().poll_now().await.is_ok();
                pushed.then_some(())
            })
            .await;
        let mut late = alice.second_device().await;
        for device in [&mut alice] {
            device.close().await;
        }
        drop((early, requests));
        late.until_state(&here).await;
        // It works like any other device.
        late.send(&bob, "from a new device").await;
        assert_eq!(
            bodies(&bob.receive(1).await).last(),
            Some(&"from a new device")
        );
        // Dave stays blocked.
        dave.send(&late, "more spam").await;
        for _ in 0..4 {
            late.account().poll_now().await.unwrap();
        }
        assert!(late.history(dave.id()).await.is_empty());
    });
}

#[test]
fn an_account_that_was_deleted_from_its_swarm_leaves_nothing() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        alice.write(alice.id(), "a note").await;
        alice.until_outbox_empty().await;
        alice
            .log()
            .until("configs stored", |events| {
                events
                    .iter()
                    .any(|event| matches!(event, Event::ConfigsStored))
                    .then_some(())
            })
            .await;
        let done = alice.account().delete_from_swarm().await.unwrap();
        assert_eq!(done, 6, "every member of the swarm");
        alice.close().await;
        let late = alice.second_device().await;
        for _ in 0..4 {
            assert_eq!(late.account().poll_now().await.unwrap().new_messages, 0);
        }
        assert_eq!(late.account().name().await.unwrap(), "");
        assert!(late.account().conversations().await.unwrap().is_empty());
    });
}
