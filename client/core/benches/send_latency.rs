//! What sending costs a person: time from pressing return until the recipient's swarm has stored
//! the message, and requests and bytes to the guard, over a private network in this process.
//!
//! `cargo bench -p session-core --bench send_latency`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results and stops at the first surprise"
)]

use std::time::{Duration, Instant};

use session_core::{Account, AccountOptions, Event};
use session_crypto::AccountKeys;
use session_devnet::{Devnet, DevnetOptions};
use session_net::{Clock as _, SystemClock};
use session_store::{KeyKeeping, NewAccount, Profile};
use zeroize::Zeroizing;

const MESSAGES: usize = 100;

#[tokio::main]
async fn main() {
    let started = Instant::now();
    let network = Devnet::start(DevnetOptions::default(), |_| {})
        .await
        .unwrap();
    println!(
        "network of 12 nodes up    {:>8.1} ms",
        ms(started.elapsed())
    );
    let home = tempfile::tempdir().unwrap();
    let keys = AccountKeys::generate(&mut rand::rng());
    let bob = AccountKeys::generate(&mut rand::rng()).account_id();
    let profile = Profile::new(home.path());
    let new = NewAccount {
        seed: Zeroizing::new(*keys.seed16().unwrap()),
        account_id: keys.account_id(),
        display_name: "Alice".to_owned(),
        network: network.seed_url(),
        file_server: None,
        created_at: SystemClock.now(),
    };
    drop(profile.create(&new, KeyKeeping::File, None).unwrap());

    let (account, took) = open(&profile, &keys).await;
    println!("account opened            {:>8.1} ms", ms(took));
    let mut events = account.subscribe();
    let first = send(&account, &mut events, bob).await;
    println!("first message, cold       {:>8.1} ms", ms(first.0));
    account.close().await;

    let (account, took) = open(&profile, &keys).await;
    println!("account opened again      {:>8.1} ms", ms(took));
    let mut events = account.subscribe();
    let again = send(&account, &mut events, bob).await;
    println!("first message after that  {:>8.1} ms", ms(again.0));

    let mut times = Vec::new();
    let (mut requests, mut up, mut down) = (0, 0, 0);
    for _ in 0..MESSAGES {
        let (took, cost) = send(&account, &mut events, bob).await;
        times.push(took);
        requests += cost.requests;
        up += cost.up;
        down += cost.down;
    }
    times.sort_unstable();
    let at = |percent: usize| ms(*times.get((MESSAGES - 1) * percent / 100).unwrap());
    println!("{MESSAGES} messages, one after another, each with its copy to the own swarm:");
    println!(
        "  stored by the swarm     p50 {:.1} ms, p99 {:.1} ms",
        at(50),
        at(99)
    );
    println!(
        "  each: {:.2} requests, {} bytes to the guard, {} bytes back",
        f64::from(requests) / MESSAGES as f64,
        up / MESSAGES,
        down / MESSAGES
    );
    account.close().await;
    network.shutdown().await.unwrap();
}

async fn open(profile: &Profile, keys: &AccountKeys) -> (Account, Duration) {
    let started = Instant::now();
    let store = profile.open(keys.account_id(), None).unwrap();
    let network = store.identity().unwrap().network.parse().unwrap();
    let options = AccountOptions {
        poll_every: None,
        ..AccountOptions::default()
    };
    let account = Account::open(store, network, Box::new(SystemClock), options)
        .await
        .unwrap();
    (account, started.elapsed())
}

/// What a message and its copy cost.
struct Cost {
    requests: u32,
    up: usize,
    down: usize,
}

async fn send(
    account: &Account,
    events: &mut tokio::sync::broadcast::Receiver<Event>,
    to: session_types::AccountId,
) -> (Duration, Cost) {
    let started = Instant::now();
    account
        .send_text(to, "Is the tea ready? I am on my way.")
        .await
        .unwrap();
    let mut took = Duration::ZERO;
    let mut cost = Cost {
        requests: 0,
        up: 0,
        down: 0,
    };
    loop {
        let (route, last) = match events.recv().await.unwrap() {
            Event::MessageSent(sent) => {
                took = started.elapsed();
                (sent.route, false)
            }
            Event::SyncCopyStored { route, .. } => (*route, true),
            _ => continue,
        };
        cost.requests += route.attempts;
        cost.up += route.request_bytes;
        cost.down += route.response_bytes;
        if last {
            return (took, cost);
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
