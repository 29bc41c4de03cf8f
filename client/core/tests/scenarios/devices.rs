//! One account on two devices.

use session_core::{Account, AccountOptions};
use session_net::SystemClock;

use crate::support::actor::{all_sent, facts};
use crate::support::{Actor, Net, run};

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
        // Also where both have chosen the same time.
        assert_eq!(facts(&first), facts(&second));
        assert_eq!(facts(&first), facts(&third));
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
        assert_eq!(facts(&restored), facts(&first));
        alice3.assert_tidy();
    });
}

/// A program that listens and one that sends, on one device: they share the database.
#[test]
fn two_programs_use_one_account() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        let network = || net.seed_url().parse().unwrap();
        for round in 0..5 {
            let options = AccountOptions::default();
            let clock = Box::new(SystemClock);
            let opened = Account::open(alice.store(), network(), clock, options).await;
            let other = opened.unwrap();
            for i in 0..4 {
                alice.write(bob.id(), &format!("{round}: one {i}")).await;
                let text = format!("{round}: other {i}");
                other.send_text(bob.id(), &text).await.unwrap();
            }
            bob.write(alice.id(), &format!("{round}: bob")).await;
            let at_bob = bob.until_history(alice.id(), 9 * (round + 1)).await;
            let at_alice = alice.until_history(bob.id(), 9 * (round + 1)).await;
            assert_eq!(facts(&at_alice), facts(&at_bob));
            other.close().await;
        }
        alice.until_outbox_empty().await;
        assert!(all_sent(&alice.history(bob.id()).await));
        bob.assert_tidy();
    });
}
