//! Many messages that wait at once.

use std::time::Instant;

use crate::support::actor::{all_sent, bodies};
use crate::support::{Actor, Net, run, within};

/// So many that most of them wait for others.
const MANY: usize = 30;

#[test]
fn what_waits_together_arrives_in_order_and_once() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 1).await;
        let laptop = alice.second_device().await;
        alice.send(&bob, "first").await;
        bob.receive(1).await;
        let texts: Vec<String> = (0..MANY).map(|n| format!("message {n}")).collect();
        let start = Instant::now();
        for text in &texts {
            alice.write(bob.id(), text).await;
        }
        alice.until_outbox_empty().await;
        eprintln!("{MANY} messages and their copies: {:?}", start.elapsed());
        let rows = bob.receive(MANY).await;
        assert_eq!(bodies(&rows), texts);
        assert!(all_sent(
            &within("alice", alice.account().history(bob.id(), 1000))
                .await
                .unwrap()
        ));
        let copies = laptop.until_history(bob.id(), MANY + 1).await;
        let copied: Vec<_> = copies.iter().rev().map(|row| row.body.clone()).collect();
        let mut sorted = copied.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), MANY + 1, "{copied:?}");
        alice.assert_tidy();
        bob.assert_tidy();
    });
}
