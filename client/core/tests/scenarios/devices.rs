//! One account on two devices.

use std::collections::BTreeSet;

use session_store::MessageRow;
use session_types::AccountId;

use crate::support::actor::all_sent;
use crate::support::{Actor, Net, run};

/// Who wrote what.
fn texts(rows: &[MessageRow]) -> BTreeSet<(AccountId, &str)> {
    let texts: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.sender, row.body.as_str()))
        .collect();
    assert_eq!(texts.len(), rows.len(), "something is there twice");
    texts
}

const EACH: usize = 15;

#[test]
fn two_devices_of_one_account_write_at_once() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut alice2 = alice.second_device().await;
        let mut bob = Actor::new(&net, "bob").await;

        // Side by side, as fast as they can: their sent times fall close together.
        let at_bob = bob.id();
        let write = async |actor: &mut Actor, name: &str| {
            for i in 0..EACH {
                actor.write(at_bob, &format!("{name} {i}")).await;
            }
        };
        tokio::join!(write(&mut alice, "desk"), write(&mut alice2, "phone"));
        for i in 0..EACH {
            bob.write(alice.id(), &format!("bob {i}")).await;
        }

        let all = 3 * EACH;
        let first = alice.until_history(bob.id(), all).await;
        let second = alice2.until_history(bob.id(), all).await;
        let third = bob.until_history(alice.id(), all).await;
        for actor in [&alice, &alice2, &bob] {
            actor.until_outbox_empty().await;
            for _ in 0..4 {
                actor.account().poll_now().await.unwrap();
            }
            actor.assert_tidy();
        }
        // Times chosen twice are told apart by a millisecond, not everywhere in the same way.
        assert_eq!(texts(&first), texts(&second));
        assert_eq!(texts(&first), texts(&third));
        assert!(all_sent(&alice.history(bob.id()).await));
        assert!(all_sent(&alice2.history(bob.id()).await));
        // What one device wrote is in its order.
        for (name, rows) in [("desk", &first), ("phone", &second), ("bob", &third)] {
            let own: Vec<_> = rows
                .iter()
                .map(|row| row.body.as_str())
                .filter(|body| body.starts_with(name))
                .collect();
            let expected: Vec<_> = (0..EACH).map(|i| format!("{name} {i}")).collect();
            assert_eq!(own, expected);
        }
        // A third device sees the same conversation.
        let alice3 = alice.second_device().await;
        let restored = alice3.until_history(bob.id(), all).await;
        assert_eq!(texts(&restored), texts(&first));
        alice3.assert_tidy();
    });
}
