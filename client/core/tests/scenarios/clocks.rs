//! Clocks that are wrong: a person's, then a node's.

use core::time::Duration;

use session_messages::Expiration;

use crate::support::actor::{all_sent, facts};
use crate::support::clock::real_time;
use crate::support::{Actor, Device, Net, ShiftedClock, run};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far a time may be off: the test itself takes time.
const CLOSE: Duration = Duration::from_secs(20);

/// Somebody whose clock is wrong writes before anything was heard from the network.
async fn wrong_clock(clock: ShiftedClock, by: Duration, slow: bool) {
    let net = Net::shared().await;
    let device = Device::on(net.seed_url()).with_clock(clock.clone());
    let mut alice = Actor::with("alice", rand::random(), device).await;
    let row = {
        let mut bob = Actor::new(&net, "bob").await;
        let row = alice.write(bob.id(), "what time is it?").await;
        alice.until_sent(row.id).await;
        let got = bob.receive(1).await;
        assert!(
            got[0].sent_at.distance(real_time()) < CLOSE,
            "sent {} ms off",
            got[0].sent_at.as_ms_i64() - real_time().as_ms_i64()
        );
        assert_eq!(got[0].sent_at, alice.message(row.id).await.sent_at);
        bob.send(&alice, "late").await;
        let got = alice.receive(1).await;
        assert!(got[0].sent_at.distance(real_time()) < CLOSE);

        // The person is told, with the direction.
        let skew = alice.account().network().clock_skew().expect("a skew");
        assert!(skew.by.abs_diff(by) < CLOSE, "{skew:?}");
        assert_eq!(skew.slow, slow);
        let direction = if slow { "behind" } else { "ahead of" };
        assert!(skew.to_string().contains(direction), "{skew}");
        assert!(bob.account().network().clock_skew().is_none());

        // With the clock set right meanwhile, and the network known from last time.
        alice.close().await;
        clock.set(0);
        alice.open().await;
        alice.send(&bob, "better now").await;
        let last = bob.receive(1).await;
        assert!(last[0].sent_at.distance(real_time()) < CLOSE);
        assert!(alice.account().network().clock_skew().is_none());
        // And wrong again, with the first request being refused for its time.
        alice.close().await;
        let ms = i64::try_from(by.as_millis()).unwrap();
        clock.set(if slow { -ms } else { ms });
        alice.open().await;
        alice.send(&bob, "worse again").await;
        let last = bob.receive(1).await;
        assert!(last[0].sent_at.distance(real_time()) < CLOSE);

        let (at_alice, at_bob) = (
            alice.until_history(bob.id(), 4).await,
            bob.until_history(alice.id(), 4).await,
        );
        assert_eq!(facts(&at_alice), facts(&at_bob));
        assert!(all_sent(&at_alice));
        alice.assert_tidy();
        bob.assert_tidy();
        row
    };
    assert!(alice.message(row.id).await.outgoing);
}

#[test]
fn a_clock_an_hour_fast() {
    run(wrong_clock(ShiftedClock::fast(HOUR), HOUR, false));
}

#[test]
fn a_clock_an_hour_slow() {
    run(wrong_clock(ShiftedClock::slow(HOUR), HOUR, true));
}

#[test]
fn a_clock_a_day_fast() {
    run(wrong_clock(ShiftedClock::fast(DAY), DAY, false));
}

#[test]
fn a_clock_a_day_slow() {
    run(wrong_clock(ShiftedClock::slow(DAY), DAY, true));
}

/// What is queued while the clock is a day fast and no network tells must not wait that day.
#[test]
fn a_retry_does_not_wait_for_a_wrong_clock() {
    run(async {
        let mut net = Net::start(50).await;
        let clock = ShiftedClock::fast(DAY);
        let device = Device::on(net.seed_url()).with_clock(clock);
        let mut bob = Actor::new(&net, "bob").await;
        let mut alice = Actor::with("alice", rand::random(), device).await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        alice.close().await;
        let all: Vec<usize> = (0..12).collect();
        net.kill(&all);
        alice.open().await;
        let row = alice.write(bob.id(), "queued").await;
        alice.until_postponed(row.id).await;
        net.restart(&all).await;
        alice.until_sent(row.id).await;
        bob.receive(1).await;
        net.shutdown().await;
    });
}

/// Two members of the swarm live in other hours. They refuse requests for their time; the others
/// do not, and nobody's idea of the time suffers.
#[test]
fn nodes_with_wrong_clocks_do_not_stop_anybody() {
    run(async {
        let plain = Net::start(51).await;
        let [members, _] = plain.swarms();
        plain.shutdown().await;
        let (fast, slow) = (members[0], members[3]);
        let net = Net::customised(51, move |index, config| {
            if index == fast {
                config.clock = std::sync::Arc::new(ShiftedClock::fast(HOUR));
            } else if index == slow {
                config.clock = std::sync::Arc::new(ShiftedClock::slow(HOUR));
            }
        })
        .await;
        let mut alice = Actor::in_swarm(&net, "alice", 0).await;
        let mut bob = Actor::in_swarm(&net, "bob", 0).await;
        for i in 0..6 {
            alice.send(&bob, &format!("tick {i}")).await;
            bob.send(&alice, &format!("tock {i}")).await;
        }
        let at_alice = alice.until_history(bob.id(), 12).await;
        let at_bob = bob.until_history(alice.id(), 12).await;
        assert_eq!(facts(&at_alice), facts(&at_bob));
        for row in &at_bob {
            assert!(row.sent_at.distance(real_time()) < DAY);
            assert!(row.sent_at.distance(real_time()) < Duration::from_secs(120));
        }
        for actor in [&alice, &bob] {
            assert!(actor.account().network().clock_skew().is_none());
            actor.assert_tidy();
        }
        net.shutdown().await;
    });
}

/// Timers run by the network's time, whatever the clocks of the devices say.
#[test]
fn timers_are_right_on_devices_with_wrong_clocks() {
    run(async {
        let net = Net::shared().await;
        let fast = Device::on(net.seed_url()).with_clock(ShiftedClock::fast(HOUR));
        let slow = Device::on(net.seed_url()).with_clock(ShiftedClock::slow(HOUR));
        let mut alice = Actor::with("alice", rand::random(), fast).await;
        let mut bob = Actor::with("bob", rand::random(), slow).await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        let alice2 = alice.second_device_with(Device::on(net.seed_url())).await;

        let timer = Expiration::after_send(10);
        bob.account().set_timer(alice.id(), timer).await.unwrap();
        let row = bob.write(alice.id(), "ten seconds").await;
        let counted = |row: &session_store::MessageRow| row.disappears_at.is_some();
        for (device, with) in [(&bob, &alice), (&alice, &bob), (&alice2, &bob)] {
            let found = device
                .until_message(with.id(), row.sent_at, "its time", counted)
                .await;
            let left = found.disappears_at.unwrap().since(found.sent_at);
            assert!(
                left >= Duration::from_secs(9),
                "{}: {left:?}",
                device.name()
            );
            assert!(
                left < Duration::from_secs(30),
                "{}: {left:?}",
                device.name()
            );
        }
        for (device, with) in [(&bob, &alice), (&alice, &bob), (&alice2, &bob)] {
            device
                .until("it is gone", async || {
                    let rows = device.history(with.id()).await;
                    let gone = rows.iter().all(|row| row.body != "ten seconds");
                    gone.then_some(())
                })
                .await;
            let now = real_time();
            assert!(
                now >= row.sent_at.plus(Duration::from_secs(9)),
                "{}",
                device.name()
            );
        }

        // Read at the device whose clock is fast: as long as it takes, on both.
        let timer = Expiration::after_read(3600);
        bob.account().set_timer(alice.id(), timer).await.unwrap();
        let row = bob.write(alice.id(), "an hour").await;
        let there = |_: &session_store::MessageRow| true;
        for device in [&alice, &alice2] {
            device
                .until_message(bob.id(), row.sent_at, "it", there)
                .await;
        }
        let read_at = real_time();
        alice.account().mark_read(bob.id(), None).await.unwrap();
        for device in [&alice, &alice2] {
            let found = device
                .until_message(bob.id(), row.sent_at, "its time", counted)
                .await;
            let at = found.disappears_at.unwrap();
            assert!(at.distance(read_at.plus(HOUR)) < CLOSE, "{}", device.name());
        }
        // A start with the wrong clock does not take it away an hour early.
        for _ in 0..2 {
            alice.restart().await;
            alice.next_poll_road().await;
            let found = alice.until_message(bob.id(), row.sent_at, "still there", there);
            assert_eq!(found.await.body, "an hour");
        }
    });
}
