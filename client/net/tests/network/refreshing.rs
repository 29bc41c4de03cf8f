//! Keeping the node list fresh, and finding the network again.

use serde_json::Value;
use session_devnet::Devnet;
use session_net::{CachedNetwork, Clock as _, PathStatus, SystemClock};

use crate::support::{Client, devnet};

/// A cache whose node list was fetched three hours ago.
fn aged(cached: CachedNetwork) -> CachedNetwork {
    let mut pool: Value = serde_json::from_str(&cached.pool.unwrap()).unwrap();
    let fetched = pool["refreshed_at"].as_u64().unwrap();
    assert!(SystemClock.now().as_ms().abs_diff(fetched) < 60_000);
    pool["refreshed_at"] = (fetched - 3 * 3_600_000).into();
    CachedNetwork {
        pool: Some(pool.to_string()),
        ..cached
    }
}

async fn hops(devnet: &Devnet, index: usize) -> u64 {
    let node = devnet.running_node(index).unwrap();
    node.metrics().await.onion_hops
}

/// Asking three nodes for their list must not show our address to three more nodes.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_list_is_refreshed_through_the_guard() {
    let devnet = devnet(89).await;
    let url = devnet.seed_url();
    let client = Client::new(&url);
    client.read().await.unwrap();
    let PathStatus::Connected { guard, .. } = client.network.status() else {
        panic!("not connected");
    };
    let nodes = devnet.nodes();
    let guard = nodes
        .iter()
        .position(|node| node.contact.ed25519 == guard.ed25519)
        .unwrap();
    client.network.maintain().await.unwrap();

    let mut rounds = 0;
    for _ in 0..4 {
        // The seed is not needed any more.
        let again = client.again("http://127.0.0.1:1/", aged(client.memory.cached()));
        let before = hops(&devnet, guard).await;
        again.network.maintain().await.unwrap();
        let after = hops(&devnet, guard).await;
        assert!(after >= before + 3, "{before} to {after}");
        let pool: Value = serde_json::from_str(&again.memory.cached().pool.unwrap()).unwrap();
        assert_eq!(pool["source"], "agreement");
        assert_eq!(pool["nodes"].as_array().unwrap().len(), 12);
        let fetched = pool["refreshed_at"].as_u64().unwrap();
        assert!(SystemClock.now().as_ms().abs_diff(fetched) < 60_000);
        // Fresh again: nothing is asked.
        let before = hops(&devnet, guard).await;
        again.network.maintain().await.unwrap();
        assert_eq!(hops(&devnet, guard).await, before);
        rounds += 1;
    }
    assert_eq!(rounds, 4);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_a_network_that_is_gone_is_replaced() {
    let old = devnet(90).await;
    let client = Client::new(&old.seed_url());
    client.read().await.unwrap();
    old.shutdown().await.unwrap();
    // Once with other keys, once with the same keys at other ports.
    for seed in [91, 90] {
        let new = devnet(seed).await;
        let again = client.again(&new.seed_url(), client.memory.cached());
        let reply = again.read().await.unwrap();
        assert_eq!(reply.results[0].code, 200);
        let nodes = new.nodes();
        let guard = &reply.route.guard;
        assert!(nodes.iter().any(|node| node.contact == *guard), "{guard:?}");
        new.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_stays_over_restarts() {
    let devnet = devnet(92).await;
    let url = devnet.seed_url();
    let mut client = Client::new(&url);
    let guard = client.read().await.unwrap().route.guard.ed25519;
    for _ in 0..5 {
        client = client.again(&url, client.memory.cached());
        for _ in 0..3 {
            assert_eq!(client.read().await.unwrap().route.guard.ed25519, guard);
        }
        // A start that changes nothing saves nothing; what was known stays known.
        let saved = client.memory.cached();
        if saved.paths.is_none() {
            break;
        }
    }
    devnet.shutdown().await.unwrap();
}
