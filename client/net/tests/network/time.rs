//! Clocks that disagree.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use session_devnet::Devnet;
use session_net::{CachedNetwork, Clock, NetError, Purpose, SystemClock};
use session_node::NodeMetrics;
use session_types::{ErrorKind, Timestamp};

use crate::support::{Client, customised, devnet, keys_beside, within};

const HOUR: Duration = Duration::from_secs(3600);
const CLOSE: Duration = Duration::from_secs(10);

/// The right time moved forward or back.
#[derive(Debug, Clone, Copy)]
enum Shifted {
    Fast(Duration),
    Slow(Duration),
}

impl Shifted {
    fn read(self) -> Timestamp {
        match self {
            Self::Fast(by) => SystemClock.now().plus(by),
            Self::Slow(by) => SystemClock.now().minus(by),
        }
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl session_node::clock::Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

/// What all nodes have counted.
async fn sum(devnet: &Devnet, of: impl Fn(&NodeMetrics) -> u64) -> u64 {
    let mut sum = 0;
    for index in 0..12 {
        let node = devnet.running_node(index).unwrap();
        sum += of(&node.metrics().await);
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_is_passed_over_and_changes_nothing() {
    let skewed = [Shifted::Fast(HOUR), Shifted::Slow(HOUR)];
    let devnet = customised(86, move |index, config| {
        if let Some(clock) = skewed.get(index) {
            config.clock = Arc::new(*clock);
            // As a node of another make.
            config.follow_swarm_time = false;
        }
    })
    .await;
    for index in 0..skewed.len() {
        let client = Client::with(
            &devnet.seed_url(),
            keys_beside(&devnet, index),
            CachedNetwork::default(),
            Box::new(SystemClock),
        );
        let members = within(client.network.swarm(&client.owner())).await.unwrap();
        let node = devnet.nodes()[index].contact.clone();
        assert!(members.iter().any(|member| member.ed25519 == node.ed25519));
        let mut questions: Vec<u64> = Vec::new();
        for _ in 0..3 {
            let asked = client.network.ask_member(
                client.owner(),
                &node,
                Purpose::OwnSwarm,
                client.reading(),
            );
            let error = within(asked).await.unwrap_err();
            assert!(matches!(error, NetError::Clock), "{error:?}");
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::Clock, "net.clock")
            );
            questions.push(sum(&devnet, |metrics| metrics.other_requests).await);
            assert!(client.network.now().distance(SystemClock.now()) < CLOSE);
        }
        // Others are asked for the time once, not at each refusal.
        assert_eq!(questions, [questions[0]; 3]);
        for _ in 0..10 {
            let reply = client.read().await.unwrap();
            assert_eq!(reply.results[0].code, 200);
            assert_ne!(reply.route.destination.ed25519, node.ed25519);
        }
        assert!(client.network.clock_skew().is_none());
        assert!(client.network.now().distance(SystemClock.now()) < CLOSE);
    }
    devnet.shutdown().await.unwrap();
}

/// With everything remembered, the first thing a client does is a request whose time is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_wrong_clock_corrects_itself_when_it_is_refused() {
    let devnet = devnet(87).await;
    let url = devnet.seed_url();
    let client = Client::new(&url);
    client.read().await.unwrap();
    for (clock, slow) in [(Shifted::Fast(HOUR), false), (Shifted::Slow(HOUR), true)] {
        let keys = session_crypto::AccountKeys::from_seed16(*client.keys.seed16().unwrap());
        let cached = client.memory.cached();
        assert!(cached.pool.is_some() && !cached.swarms.is_empty());
        let late = Client::with(&url, keys, cached, Box::new(clock));
        assert!(late.network.now().distance(SystemClock.now()) > CLOSE);
        let reply = late.read().await.unwrap();
        assert_eq!(reply.results[0].code, 200);
        assert_eq!(reply.route.attempts, 2, "refused once, then right");
        assert!(late.network.now().distance(SystemClock.now()) < CLOSE);
        let skew = late.network.clock_skew().unwrap();
        assert_eq!(skew.slow, slow);
        assert!(skew.by.abs_diff(HOUR) < CLOSE);
    }
    devnet.shutdown().await.unwrap();
}

/// The right time, until it is moved by so many milliseconds.
#[derive(Debug, Clone, Default)]
struct Movable(Arc<AtomicI64>);

impl Clock for Movable {
    fn now(&self) -> Timestamp {
        let moved = SystemClock.now().as_ms_i64() + self.0.load(Ordering::SeqCst);
        Timestamp::from_ms(moved.try_into().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_wrong_meanwhile_is_corrected_anew() {
    let devnet = devnet(95).await;
    let clock = Movable::default();
    let keys = session_crypto::AccountKeys::from_seed16(rand::random());
    let cached = CachedNetwork::default();
    let client = Client::with(&devnet.seed_url(), keys, cached, Box::new(clock.clone()));
    // Several nodes have told the time before.
    for _ in 0..20 {
        client.read().await.unwrap();
    }
    clock.0.store(3_600_000, Ordering::SeqCst);
    assert!(client.network.now().distance(SystemClock.now()) > CLOSE);
    assert_eq!(client.read().await.unwrap().results[0].code, 200);
    assert!(client.network.now().distance(SystemClock.now()) < CLOSE);
    assert!(!client.network.clock_skew().unwrap().slow);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_learned_before_it_is_needed_or_not_waited_for() {
    let devnet = devnet(88).await;
    let clock = || Box::new(Shifted::Slow(HOUR));
    let keys = || session_crypto::AccountKeys::from_seed16(rand::random());
    let none = CachedNetwork::default;
    // Once along with the node list, once with a node list that is there already.
    let client = Client::with(&devnet.seed_url(), keys(), none(), clock());
    assert!(within(client.network.learn_time_within(Duration::from_secs(30))).await);
    assert!(client.network.now().distance(SystemClock.now()) < CLOSE);
    let cached = client.memory.cached();
    let client = Client::with(&devnet.seed_url(), keys(), cached, clock());
    assert!(client.network.now().distance(SystemClock.now()) > CLOSE);
    assert!(within(client.network.learn_time_within(Duration::from_secs(30))).await);
    assert!(client.network.now().distance(SystemClock.now()) < CLOSE);
    // Again and again costs nothing.
    let before = sum(&devnet, |metrics| metrics.onion_hops).await;
    for _ in 0..10 {
        assert!(client.network.learn_time_within(Duration::ZERO).await);
    }
    assert_eq!(sum(&devnet, |metrics| metrics.onion_hops).await, before);
    devnet.shutdown().await.unwrap();

    let silent = crate::fake_seed::FakeSeed::start(crate::fake_seed::Manner::Silent).await;
    let alone = Client::with(silent.url(), keys(), none(), Box::new(SystemClock));
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assert!(!within(alone.network.learn_time_within(Duration::from_secs(1))).await);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "each time anew");
}
