//! What is found when something is wrong.

use core::time::Duration;
use std::time::Instant;

use futures_util::StreamExt as _;
use session_crypto::AccountKeys;
use session_net::{
    CachedNetwork, Clock, NetworkStatus, Step, StepName, StepOutcome, SystemClock, Transport,
};
use session_types::Timestamp;

use crate::fake_seed::{FakeSeed, Manner};
use crate::support::{Client, devnet, within};

async fn steps(client: &Client) -> Vec<Step> {
    within(client.network.diagnose_all()).await
}

fn outcomes(steps: &[Step]) -> Vec<(StepName, StepOutcome)> {
    steps.iter().map(|step| (step.name, step.outcome)).collect()
}

fn step(steps: &[Step], name: StepName) -> &Step {
    steps.iter().find(|step| step.name == name).unwrap()
}

/// What is not in order comes with something to do about it; nothing tells who or where.
fn check(steps: &[Step], client: &Client) {
    let shown = serde_json::to_string(steps).unwrap();
    for step in steps {
        let advised = step.outcome != StepOutcome::Ok;
        assert_eq!(step.advice.is_some(), advised, "{step:?}");
        assert!(!step.detail.is_empty());
    }
    for secret in ["127.0.0.1", &client.keys.account_id().to_string()] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let again: Vec<Step> = serde_json::from_str(&shown).unwrap();
    assert_eq!(outcomes(&again), outcomes(steps));
}

const INSIDE: [StepName; 6] = [
    StepName::NodeList,
    StepName::GuardQuic,
    StepName::GuardHttps,
    StepName::Path,
    StepName::Clock,
    StepName::OwnSwarm,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_network() {
    let devnet = devnet(230).await;
    let client = Client::new(&devnet.seed_url());
    // Before the first request and after it; told one after another.
    for _ in 0..2 {
        let mut stream = core::pin::pin!(client.network.diagnose());
        let mut found = Vec::new();
        while let Some(step) = within(stream.next()).await {
            found.push(step);
        }
        let names: Vec<_> = found.iter().map(|step| step.name).collect();
        assert_eq!(names[0], StepName::Seed);
        assert_eq!(names[1..], INSIDE);
        for step in &found {
            assert_eq!(step.outcome, StepOutcome::Ok, "{step:?}");
        }
        check(&found, &client);
        assert_eq!(found[0].detail, "it lists 12 nodes");
        assert!(
            step(&found, StepName::NodeList)
                .detail
                .starts_with("12 nodes, ")
        );
        assert!(
            step(&found, StepName::OwnSwarm)
                .detail
                .starts_with("6 nodes")
        );
        client.read().await.unwrap();
    }
    let https = Client::new_tuned(&devnet.seed_url(), |options| {
        options.transport = Transport::HttpsOnly;
    });
    let found = steps(&https).await;
    assert_eq!(
        step(&found, StepName::GuardQuic).detail,
        "not used with these settings"
    );
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_seeds() {
    let devnet = devnet(231).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let hanging_up = FakeSeed::start(Manner::HangsUp).await;
    let urls = format!("http://127.0.0.1:1/,{}", hanging_up.url());
    // With a list of nodes everything else works.
    let again = client.again(&urls, client.memory.cached());
    let found = steps(&again).await;
    check(&found, &again);
    for (index, detail) in ["cannot connect", "connection broke"].iter().enumerate() {
        let seed = &found[index];
        assert_eq!((seed.name, seed.number), (StepName::Seed, Some(index + 1)));
        assert_eq!(seed.outcome, StepOutcome::Warn);
        assert_eq!(seed.detail, *detail);
    }
    for step in &found[2..] {
        assert_eq!(step.outcome, StepOutcome::Ok, "{step:?}");
    }
    // Without one nothing does, and each step says so.
    let newcomer = Client::new(&urls);
    let found = steps(&newcomer).await;
    check(&found, &newcomer);
    assert_eq!(found.len(), 2 + INSIDE.len());
    for step in &found {
        assert_eq!(step.outcome, StepOutcome::Failed, "{step:?}");
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_guard() {
    let mut devnet = devnet(232).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let status = client.network.watch_status().borrow().clone();
    let NetworkStatus::Connected { guard, .. } = status else {
        panic!("{status:?}");
    };
    let nodes = devnet.nodes();
    let index = nodes
        .iter()
        .position(|node| node.contact.ed25519 == guard.ed25519)
        .unwrap();
    devnet.kill_node(index).unwrap();
    let again = client.again(&devnet.seed_url(), client.memory.cached());
    let begun = Instant::now();
    let found = steps(&again).await;
    assert!(begun.elapsed() < Duration::from_secs(40));
    check(&found, &again);
    assert_eq!(
        step(&found, StepName::GuardHttps).outcome,
        StepOutcome::Failed
    );
    assert_eq!(step(&found, StepName::GuardQuic).outcome, StepOutcome::Warn);
    // Another guard stands in.
    assert_eq!(step(&found, StepName::Path).outcome, StepOutcome::Warn);
    for name in [StepName::Seed, StepName::NodeList, StepName::OwnSwarm] {
        assert_eq!(step(&found, name).outcome, StepOutcome::Ok, "{name}");
    }
    devnet.shutdown().await.unwrap();
}

/// An hour fast or slow.
#[derive(Debug)]
struct Off(bool);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        let hour = Duration::from_secs(3600);
        let now = SystemClock.now();
        if self.0 {
            now.minus(hour)
        } else {
            now.plus(hour)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_an_hour_off() {
    let devnet = devnet(233).await;
    for slow in [false, true] {
        let keys = AccountKeys::from_seed16(rand::random());
        let none = CachedNetwork::default();
        let client = Client::with(&devnet.seed_url(), keys, none, Box::new(Off(slow)));
        let found = steps(&client).await;
        check(&found, &client);
        let clock = step(&found, StepName::Clock);
        assert_eq!(clock.outcome, StepOutcome::Warn);
        let words = if slow { "slow" } else { "fast" };
        assert!(clock.detail.ends_with(words), "{clock:?}");
        assert!(
            clock.detail.starts_with("59 min") || clock.detail.starts_with("60 min"),
            "{clock:?}"
        );
        assert!(clock.advice.as_ref().unwrap().contains("clock"));
        for name in [StepName::Path, StepName::OwnSwarm] {
            assert_eq!(step(&found, name).outcome, StepOutcome::Ok, "{name}");
        }
    }
    devnet.shutdown().await.unwrap();
}
