//! The disk of a device is full.

use session_core::{CoreError, Event};
use session_store::{MessageState, StoreError};
use session_types::ErrorKind;

use crate::support::actor::{all_sent, bodies, facts};
use crate::support::{Actor, Net, run};

/// What else lies on the disk, until somebody removes it.
const BALLAST: &str = "ballast";

#[test]
fn nothing_is_lost_while_the_disk_is_full_and_all_goes_on_when_there_is_room() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        alice.until_outbox_empty().await;
        alice.close().await;
        let mut disk = alice.store();
        disk.set_setting(BALLAST, &"x".repeat(2_000_000)).unwrap();
        alice.open_on_full_disk().await;

        // What was accepted before there was no more room is queued, the rest is refused.
        let long = "words ".repeat(300);
        let mut accepted = Vec::new();
        let error = loop {
            let text = format!("{} {long}", accepted.len());
            match alice.account().send_text(bob.id(), &text).await {
                Ok(row) => accepted.push((row.id, text)),
                Err(error) => break error,
            }
            assert!(accepted.len() < 1000, "the disk does not fill up");
        };
        assert!(
            matches!(error, CoreError::Store(StoreError::DiskFull)),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.to_string(), "the disk is full");
        alice
            .log()
            .until("alice: a word about the disk", |events| {
                let is_told = |event: &Event| match event {
                    Event::StorageFailed { code } => *code == "store.disk_full",
                    _ => false,
                };
                events.iter().any(is_told).then_some(())
            })
            .await;
        // Nothing of the refused one is there, and reading works.
        let rows = alice.history(bob.id()).await;
        assert_eq!(rows.len(), 2 + accepted.len());
        assert_eq!(disk.job_count().unwrap() % 2, 0);

        // What arrives cannot be kept; it is said, and the swarm is asked again.
        for number in 0..20 {
            bob.write(alice.id(), &format!("meanwhile {number}, {long}"))
                .await;
        }
        bob.until_outbox_empty().await;
        let reason = alice
            .log()
            .until("alice: a poll that failed", |events| {
                events.iter().rev().find_map(|event| match event {
                    Event::PollFailed { reason } => Some(reason.clone()),
                    _ => None,
                })
            })
            .await;
        assert_eq!(reason, "the disk is full");
        let change = alice
            .account()
            .set_nickname(bob.id(), &"B".repeat(100))
            .await;
        if let Err(error) = change {
            assert!(matches!(error, CoreError::Store(StoreError::DiskFull)));
        }

        // Room again, while the program runs.
        disk.remove_setting(BALLAST).unwrap();
        let at_alice = alice.until_history(bob.id(), 22 + accepted.len()).await;
        alice.until_outbox_empty().await;
        let at_bob = bob.until_history(alice.id(), 22 + accepted.len()).await;
        assert_eq!(facts(&at_alice), facts(&at_bob));
        let at_alice = alice.history(bob.id()).await;
        assert!(all_sent(&at_alice));
        for (id, text) in &accepted {
            let row = alice.message(*id).await;
            assert_eq!(
                (row.body.as_str(), &row.state),
                (text.as_str(), &MessageState::Sent)
            );
        }
        let arrived = at_alice.iter().filter(|row| !row.outgoing);
        let arrived: Vec<_> = arrived.cloned().collect();
        assert_eq!(bodies(&arrived).len(), 21);
        alice
            .account()
            .set_nickname(bob.id(), "Bobby")
            .await
            .unwrap();
        alice.send(&bob, "goes on").await;
        // Also on other devices.
        let alice2 = alice.second_device().await;
        crate::support::state::until_equal(&[&alice, &alice2]).await;
    });
}
