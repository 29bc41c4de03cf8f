//! What a node acknowledged is there after `kill -9`, at whatever moment it comes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use session_crypto::AccountKeys;
use session_node::clock::{Clock as _, SystemClock};
use session_storage_rpc::{AccountSigner, Request, Retrieve, RetrieveResponse, Store};
use session_types::{Namespace, SwarmPubkey};

/// Rounds in the ordinary run; `SESSION_KILL_ROUNDS` asks for more.
const ROUNDS: usize = 5;
const WRITERS: usize = 4;
/// Of the messages: longer than thousands of rounds take.
const LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);

struct NodeProcess {
    child: Child,
    url: String,
}

impl NodeProcess {
    fn start(folder: &Path) -> Self {
        let (child, address) = support::start("node", folder);
        Self {
            url: format!("https://{address}/storage_rpc/v1"),
            child,
        }
    }

    /// SIGKILL: no handler runs, nothing is flushed by the program.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .build()
        .unwrap()
}

/// Stores until the node goes away; returns the acknowledged hashes.
async fn write(
    url: String,
    owner: SwarmPubkey,
    seed: u64,
    acknowledged: Arc<AtomicUsize>,
) -> BTreeSet<String> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let client = client();
    let mut hashes = BTreeSet::new();
    loop {
        let mut data = vec![0; 200];
        rng.fill_bytes(&mut data);
        let store = Store::unsigned(owner, SystemClock.now(), LIFETIME, data).unwrap();
        let body = Request::Store(store).to_json_text();
        let Ok(reply) = client.post(&url).body(body).send().await else {
            return hashes;
        };
        let status = reply.status();
        let Ok(text) = reply.text().await else {
            return hashes;
        };
        if status == 429 {
            continue;
        }
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        hashes.insert(answer["hash"].as_str().unwrap().to_owned());
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

async fn stored(url: &str, keys: &AccountKeys) -> BTreeSet<String> {
    let client = client();
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let mut found = BTreeSet::new();
    let mut last = None;
    loop {
        let request = Retrieve::signed(&signer, Namespace::DEFAULT, SystemClock.now()).after(last);
        let body = Request::Retrieve(request).to_json_text();
        let text = client
            .post(url)
            .body(body)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer = RetrieveResponse::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        found.extend(answer.messages.iter().map(|m| m.hash.to_string()));
        last = answer.messages.last().map(|m| m.hash.clone());
        if !answer.more {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_messages_survive_kill_9() {
    let rounds = std::env::var("SESSION_KILL_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(ROUNDS);
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let keys = AccountKeys::generate(&mut rng);
    let owner = SwarmPubkey::from(keys.account_id());
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        let node = NodeProcess::start(folder.path());
        let count = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let count = Arc::clone(&count);
                tokio::spawn(write(node.url.clone(), owner, rng.random(), count))
            })
            .collect();
        // The blow falls after a random number of acknowledgements, in the middle of others.
        let blow = rng.random_range(1..120);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while count.load(Ordering::Relaxed) < blow {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the node stores nothing"
            );
            tokio::task::yield_now().await;
        }
        node.kill();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        let node = NodeProcess::start(folder.path());
        let found = stored(&node.url, &keys).await;
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "round {round}, seed {seed}: lost {lost:?}");
        node.kill();
    }
    println!(
        "{} acknowledged in {rounds} rounds, 0 lost",
        acknowledged.len()
    );
    assert!(acknowledged.len() >= rounds);
}
