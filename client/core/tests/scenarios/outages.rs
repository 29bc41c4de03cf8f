//! The whole network is gone for a while.

use std::time::{Duration, Instant};

use session_store::{MessageState, NewOutgoing};
use session_types::{ErrorKind, Timestamp};

use crate::support::actor::{all_sent, bodies, facts};
use crate::support::clock::real_time;
use crate::support::{Actor, Device, Doorway, Net, run};

const ALL: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Writing must not wait for a network.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn what_is_written_offline_is_sent_when_the_network_is_back() {
    run(async {
        let mut net = Net::start(30).await;
        let doorway = Doorway::to(&net.seed_url()).await;
        let device = || Device::on(doorway.seed_url());
        let mut alice = Actor::with("alice", rand::random(), device()).await;
        let mut bob = Actor::with("bob", rand::random(), device()).await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        // Somebody who has never been online.
        doorway.shut();
        let mut carol = Actor::with("carol", rand::random(), device()).await;

        net.kill(&ALL);
        let begun = Instant::now();
        let mut rows = Vec::new();
        for i in 0..3 {
            rows.push(alice.write(bob.id(), &format!("alice {i}")).await);
        }
        let stray = carol.write(bob.id(), "hi from carol").await;
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        assert_eq!(alice.message(rows[0].id).await.state, MessageState::Sending);
        assert!(!alice.until_postponed(rows[0].id).await.is_empty());
        assert_eq!(
            carol.until_postponed(stray.id).await,
            "no seed of this network answers (connection broke); check the network address and \
             your connection"
        );
        let failed = alice.account().poll_now().await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unreachable, "{failed}");

        // The program ends, once in order and once by a crash, and starts again without network.
        alice.restart().await;
        carol.crash();
        carol.open().await;
        rows.push(alice.write(bob.id(), "alice 3").await);
        assert!(!alice.until_postponed(rows[0].id).await.is_empty());

        net.restart(&ALL).await;
        doorway.lead_to(&net.seed_url());
        for row in &rows {
            alice.until_sent(row.id).await;
        }
        carol.until_sent(stray.id).await;
        let got = bob.receive(5).await;
        let of = |who: &Actor| -> Vec<String> {
            let rows = got.iter().filter(|row| row.sender == who.id());
            rows.map(|row| row.body.clone()).collect()
        };
        assert_eq!(of(&alice), ["alice 0", "alice 1", "alice 2", "alice 3"]);
        assert_eq!(of(&carol), ["hi from carol"]);
        assert_eq!(
            facts(&alice.history(bob.id()).await),
            facts(&bob.history(alice.id()).await)
        );
        alice.until_outbox_empty().await;
        assert!(all_sent(&alice.history(bob.id()).await));
        for actor in [&alice, &bob, &carol] {
            actor.assert_tidy();
        }
        net.shutdown().await;
    });
}

#[test]
fn a_program_that_starts_after_the_outage_sends_what_an_earlier_one_left() {
    run(async {
        let mut net = Net::start(31).await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        net.kill(&ALL);
        let first = alice.write(bob.id(), "one").await;
        alice.write(bob.id(), "two").await;
        alice.until_postponed(first.id).await;
        alice.close().await;
        let queued = alice.store().due_jobs(Timestamp::from_ms(u64::MAX));
        assert_eq!(queued.unwrap().len(), 1, "in order: one at a time");

        net.restart(&ALL).await;
        alice.open().await;
        assert_eq!(bodies(&bob.receive(2).await), ["one", "two"]);
        alice.until_outbox_empty().await;
        assert!(all_sent(&alice.history(bob.id()).await));
        alice.assert_tidy();
        bob.assert_tidy();
        net.shutdown().await;
    });
}

/// Pauses between tries grow to minutes. Neither a new start nor a network that is back waits
/// them out.
#[test]
fn nothing_waits_much_longer_than_the_outage() {
    run(async {
        let mut net = Net::start(32).await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        net.kill(&ALL);
        let row = alice.write(bob.id(), "patience").await;
        alice.until_postponed(row.id).await;
        alice.close().await;
        // As after hours of failing.
        let mut store = alice.store();
        let far = Timestamp::from_ms(u64::MAX);
        let job = store.due_jobs(far).unwrap().remove(0);
        for _ in 0..12 {
            store.job_postponed(job.id, far, "no network").unwrap();
        }
        drop(store);
        alice.open().await;
        alice.until_postponed(row.id).await;
        net.restart(&ALL).await;
        let back = Instant::now();
        alice.until_sent(row.id).await;
        assert!(
            back.elapsed() < Duration::from_secs(30),
            "{:?}",
            back.elapsed()
        );
        assert_eq!(bodies(&bob.receive(1).await), ["patience"]);
        net.shutdown().await;
    });
}

/// Whoever ends the program after closing the account loses nothing, not even what is only
/// remembered about the network.
#[test]
fn closing_waits_for_the_disk() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        for _ in 0..5 {
            alice.account().poll_now().await.unwrap();
            let path = alice.store().path().to_owned();
            let log = path.with_extension("db-wal");
            assert!(log.exists(), "{}", log.display());
            alice.close().await;
            assert!(!log.exists(), "the database is still open");
            let store = alice.store();
            assert!(store.node_pool().unwrap().is_some());
            assert!(store.path_state().unwrap().is_some());
            drop(store);
            alice.open().await;
        }
    });
}

#[test]
fn a_message_that_was_given_up_can_be_tried_again() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        let row = alice.send(&bob, "first").await;
        // Nothing to try again about a message that is stored.
        assert!(!alice.account().retry(row.message_id).await.unwrap());
        alice.close().await;
        let mut store = alice.store();
        let queued = store.queue_outgoing(&NewOutgoing {
            conversation: bob.id(),
            message: session_store::NewMessage::text("second".to_owned()),
            time_unsure: false,
            now: real_time(),
        });
        let queued = queued.unwrap();
        let job = store.due_jobs(real_time()).unwrap().remove(0);
        store.job_failed(job.id, "the reason").unwrap();
        drop(store);
        alice.open().await;
        let failed = MessageState::Failed {
            reason: "the reason".to_owned(),
        };
        assert_eq!(alice.message(queued.id).await.state, failed);
        assert!(alice.account().retry(queued.id).await.unwrap());
        alice.until_sent(queued.id).await;
        alice.until_outbox_empty().await;
        assert_eq!(bodies(&bob.receive(2).await), ["first", "second"]);
        assert!(all_sent(&alice.history(bob.id()).await));
    });
}
