//! A real network of twelve nodes on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod client;
mod faults;
mod files;
mod keeping;
#[cfg(target_os = "linux")]
mod learning;
mod seed;
mod storing;

use core::time::Duration;

use session_devnet::{Devnet, DevnetOptions, DevnetProgress};

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(60);

/// A network with keys from `seed`.
async fn network(seed: u64) -> Devnet {
    let options = DevnetOptions {
        seed: Some(seed),
        ..DevnetOptions::default()
    };
    within(Devnet::start(options, |_| ())).await.unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the deadline of the test")
}

/// Asks again until the answer is the wanted one.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_in_order() {
    let mut steps = Vec::new();
    let options = DevnetOptions {
        nodes: 12,
        seed: Some(3),
        ..DevnetOptions::default()
    };
    let network = within(Devnet::start(options, |step| steps.push(step)))
        .await
        .unwrap();
    let mut expected = vec![DevnetProgress::Prepared {
        nodes: 12,
        swarms: 2,
    }];
    expected.extend((1..=12).map(|running| DevnetProgress::NodeStarted { running, nodes: 12 }));
    expected.push(DevnetProgress::Ready);
    assert_eq!(steps, expected);
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_complete() {
    let network = network(4).await;
    let info = serde_json::to_value(network.describe()).unwrap();
    let seed_url = network.seed_url();
    assert_eq!(info["seed_url"], seed_url);
    assert_eq!(info["network_seed"], 4);
    assert_eq!(
        info["desktop_command"],
        format!("LOCAL_DEVNET_SEED_URL={seed_url} NODE_APP_INSTANCE=devnet session-desktop")
    );
    assert!(std::path::Path::new(info["data_dir"].as_str().unwrap()).is_dir());
    let nodes = info["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 12);
    for (index, (shown, node)) in nodes.iter().zip(network.nodes()).enumerate() {
        let contact = node.contact;
        assert!(node.running);
        assert_eq!(node.index, index);
        let expected = serde_json::json!({
            "index": index,
            "ed25519": contact.ed25519,
            "x25519": contact.x25519,
            "ip": "127.0.0.1",
            "https_port": contact.https_port,
            "swarm": format!("{:x}", contact.swarm.get()),
        });
        assert_eq!(shown, &expected);
    }
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_networks_are_refused() {
    for nodes in [0, Devnet::MAX_NODES + 1] {
        let options = DevnetOptions {
            nodes,
            ..DevnetOptions::default()
        };
        let error = Devnet::start(options, |_| ()).await.unwrap_err();
        assert!(
            error.to_string().starts_with("a network has between 1 and"),
            "{error}"
        );
    }
    let mut network = network(5).await;
    assert_eq!(
        network.kill_node(12).unwrap_err().to_string(),
        "there is no node 12"
    );
    assert!(network.stop_node(12).await.is_err());
    assert!(network.restart_node(12).await.is_err());
    network.shutdown().await.unwrap();
}
