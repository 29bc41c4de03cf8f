//! Starts from what is remembered, with nobody to ask for a list.

use serde_json::Value;
use session_net::{CachedNetwork, NetError, NetworkStatus};

use crate::support::{Client, anybody, devnet, within};

/// Where no seed is.
const NOWHERE: &str = "http://127.0.0.1:1/,http://127.0.0.1:2/";

/// The remembered list, fetched so many days earlier.
fn aged(cached: CachedNetwork, days: u64) -> CachedNetwork {
    let mut pool: Value = serde_json::from_str(&cached.pool.unwrap()).unwrap();
    let fetched = pool["refreshed_at"].as_u64().unwrap();
    pool["refreshed_at"] = (fetched - days * 86_400_000).into();
    CachedNetwork {
        pool: Some(pool.to_string()),
        ..cached
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_list_is_enough_and_the_guard_stays() {
    let devnet = devnet(210).await;
    let client = Client::new(&devnet.seed_url());
    let guard = client.read().await.unwrap().route.guard.ed25519;
    for days in [0, 1, 30] {
        let again = client.again(NOWHERE, aged(client.memory.cached(), days));
        let NetworkStatus::Connecting { .. } = *again.network.watch_status().borrow() else {
            panic!("nothing was sent yet");
        };
        for _ in 0..3 {
            let reply = again.read().await.unwrap();
            assert_eq!(reply.results[0].code, 200);
            assert_eq!(reply.route.guard.ed25519, guard);
        }
        // Mailboxes of others can be found, and the list renewed, without a seed.
        within(again.network.swarm(&anybody())).await.unwrap();
        within(again.network.maintain()).await.unwrap();
        let pool = again.memory.cached().pool;
        assert_eq!(pool.is_some(), days > 0, "renewed when it is old");
        assert_eq!(again.read().await.unwrap().route.guard.ed25519, guard);
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_renewed_is_kept() {
    let devnet = devnet(211).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let cached = aged(client.memory.cached(), 1);
    devnet.shutdown().await.unwrap();
    let again = client.again(NOWHERE, cached);
    let error = within(again.network.maintain()).await.unwrap_err();
    assert!(
        matches!(error, NetError::SeedsUnreachable { .. }),
        "{error:?}"
    );
    assert!(
        again.memory.cached().pool.is_none(),
        "nothing new was learned"
    );
    // The swarm is still known, and asking fails at the guard, not for want of a list.
    assert_eq!(again.network.swarm(&again.owner()).await.unwrap().len(), 6);
    let error = again.read().await.unwrap_err();
    assert_eq!(error.code(), "net.entry_node", "{error:?}");
}

/// What one start leaves behind is all the next one needs, however it ended.
#[tokio::test(flavor = "multi_thread")]
async fn second_hops_survive_a_restart_too() {
    let devnet = devnet(212).await;
    let client = Client::new(&devnet.seed_url());
    let mut middles = std::collections::BTreeSet::new();
    let mut cached = None;
    for _ in 0..8 {
        let again = match cached.take() {
            None => client.again(&devnet.seed_url(), CachedNetwork::default()),
            Some(cached) => client.again(NOWHERE, cached),
        };
        for _ in 0..4 {
            middles.insert(again.read().await.unwrap().route.middle.ed25519);
        }
        let saved = again.memory.cached();
        // A start that changed nothing saved nothing.
        cached = Some(CachedNetwork {
            pool: saved.pool.or(client.memory.cached().pool),
            paths: saved.paths.or(client.memory.cached().paths),
            swarms: saved.swarms,
        });
        if client.memory.cached().pool.is_none() {
            client.memory.remember(cached.as_ref().unwrap());
        }
    }
    assert!(middles.len() <= 4, "{} second hops", middles.len());
    devnet.shutdown().await.unwrap();
}
