//! Swarms whose nodes and connections fail. Whatever a node acknowledged must be found in the
//! end, and what was deleted must not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod chaos;
mod churn;
mod faults;
mod partition;
mod people;

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use session_devnet::{Devnet, DevnetOptions};
use session_node::NodeConfig;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long a node waits for another's answer here.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(1);

/// A network whose nodes try again soon.
async fn impatient_network(nodes: usize, seed: u64) -> Devnet {
    network_that_forwards_within(FORWARD_TIMEOUT, nodes, seed).await
}

/// The same, but with so much time for another's answer: a member that is only busy must not be
/// given up.
async fn network_that_forwards_within(timeout: Duration, nodes: usize, seed: u64) -> Devnet {
    let customise = move |_: usize, config: &mut NodeConfig| {
        let timing = &mut config.timing;
        timing.forward_timeout = timeout;
        timing.bulk_timeout = Duration::from_secs(5);
        timing.retry_first = Duration::from_millis(50);
        timing.retry_max = Duration::from_millis(500);
        timing.hello_interval = Duration::from_millis(100);
        timing.reconcile_interval = Duration::from_millis(500);
        config.limits.rate.refill_per_second = 100_000;
        config.limits.rate.capacity = 100_000;
    };
    let options = DevnetOptions {
        nodes,
        seed: Some(seed),
        customise: Some(Arc::new(customise)),
        ..DevnetOptions::default()
    };
    Devnet::start(options, |_| ()).await.unwrap()
}

/// Asks again until the answer is the wanted one.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
