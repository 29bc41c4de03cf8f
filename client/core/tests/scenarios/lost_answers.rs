//! The message arrived and the answer did not.

use core::time::Duration;

use crate::support::actor::{bodies, seed_in};
use crate::support::net::impatient;
use crate::support::{Actor, Device, Net, run, until};

#[test]
fn a_message_whose_answer_was_lost_is_stored_once() {
    run(async {
        let mut net = Net::customised(40, |_, config| impatient(config)).await;
        let mut device = Device::on(net.seed_url()).without_configs();
        device.options.network.request_timeout = Duration::from_secs(4);
        // Both in one swarm: the other one is healthy and carries the requests.
        let mut alice = Actor::with("alice", seed_in(&net, 0), device).await;
        let mut bob = Actor::in_swarm(&net, "bob", 0).await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.close().await;

        // Of their swarm one member is left, and it waits in vain for another one's answer
        // before it gives its own.
        let members = net.swarm(bob.id());
        let (last, hanging, dead) = (members[0], members[1], &members[2..]);
        net.until_held(&members, 2).await;
        net.kill(dead);
        let hung = net.hang(hanging).await;
        let row = alice.write(bob.id(), "once").await;
        until("the message at the last member", async || {
            (net.held(last).await == Some(3)).then_some(())
        })
        .await;
        assert!(!alice.was_sent(row.id), "the answer came too early");
        net.kill(&[last]);
        alice.until_postponed(row.id).await;

        hung.end().await;
        net.restart(&members).await;
        let sent = alice.until_sent(row.id).await;
        alice.until_copied(row.id).await;
        // The retries brought the same bytes: one message under one hash, everywhere, and its
        // copy.
        net.until_held(&members, 4).await;
        bob.open().await;
        let got = bob.receive(1).await;
        assert_eq!(bodies(&got), ["once"]);
        assert_eq!(got[0].hash.as_ref(), Some(&sent.hash));
        assert_eq!(got[0].sent_at, row.sent_at);
        for _ in 0..4 {
            bob.account().poll_now().await.unwrap();
        }
        assert_eq!(bob.history(alice.id()).await.len(), 2);
        bob.assert_tidy();
        alice.assert_tidy();
        net.shutdown().await;
    });
}

#[test]
fn a_program_that_crashed_before_the_answer_stores_the_same_message_again() {
    run(async {
        let mut net = Net::customised(41, |_, config| impatient(config)).await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 1).await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        let members = net.swarm(bob.id());
        net.until_held(&members, 1).await;

        let hung = net.hang(members[5]).await;
        let others = &members[..5];
        let row = alice.write(bob.id(), "once").await;
        until("the message at a member", async || {
            for index in others {
                if net.held(*index).await == Some(2) {
                    return Some(());
                }
            }
            None
        })
        .await;
        assert!(!alice.was_sent(row.id), "the answer came too early");
        alice.crash();
        hung.end().await;
        net.restart(&members[5..]).await;

        alice.open().await;
        alice.until_outbox_empty().await;
        net.until_held(&members, 2).await;
        assert_eq!(bodies(&bob.receive(1).await), ["once"]);
        assert_eq!(bob.history(alice.id()).await[1].sent_at, row.sent_at);
        bob.assert_tidy();
        net.shutdown().await;
    });
}
