//! Everything through a proxy, and nothing beside it.

use std::net::SocketAddr;

use session_devnet::Devnet;
use session_net::{
    NetError, NetworkOptions, NetworkStatus, OfflineReason, StepName, StepOutcome, Wire,
};

use crate::fake_seed::{FakeSeed, Manner};
use crate::proxy_server::{Kind, ProxyServer};
use crate::support::{Client, anybody, devnet, within};

const NAME: &str = "seed.of.the.proxy.invalid:1280";
const URL: &str = "http://seed.of.the.proxy.invalid:1280/";

fn through(proxy: &str) -> impl FnOnce(&mut NetworkOptions) + use<> {
    let proxy = proxy.parse().unwrap();
    move |options| options.proxy = Some(proxy)
}

fn address_of(seed_url: &str) -> SocketAddr {
    let rest = seed_url.strip_prefix("http://").unwrap();
    rest.trim_end_matches('/').parse().unwrap()
}

/// Layers peeled by all nodes.
async fn hops(devnet: &Devnet) -> u64 {
    let mut hops = 0;
    for index in 0..12 {
        hops += devnet
            .running_node(index)
            .unwrap()
            .metrics()
            .await
            .onion_hops;
    }
    hops
}

async fn everything_goes_through(kind: Kind, scheme: &str, seed: u64) {
    let devnet = devnet(seed).await;
    // The proxy alone knows where the seed is.
    let names = [(NAME, address_of(&devnet.seed_url()))];
    let proxy = ProxyServer::start(kind, Some(("ali ce", "se:c@ret")), &names).await;
    let at = proxy.address();
    let url = format!("{scheme}://ali%20ce:se%3Ac%40ret@{at}");
    let client = Client::new_tuned(URL, through(&url));
    for _ in 0..5 {
        assert_eq!(client.read().await.unwrap().results[0].code, 200);
    }
    assert_eq!(client.wire(), Some(Wire::Https));
    assert_eq!(client.network.traffic().quic_requests, 0);
    let targets = proxy.targets();
    assert_eq!(targets.iter().filter(|target| *target == NAME).count(), 1);
    let nodes: Vec<String> = devnet
        .nodes()
        .iter()
        .map(|node| format!("{}:{}", node.contact.ip, node.contact.https_port))
        .collect();
    let (to_nodes, elsewhere): (Vec<_>, Vec<_>) = targets
        .iter()
        .filter(|target| *target != NAME)
        .partition(|target| nodes.contains(target));
    assert!(!to_nodes.is_empty() && elsewhere.is_empty(), "{targets:?}");
    assert_eq!(proxy.refused(), 0);

    // With the proxy gone nothing moves, whatever is known of the network.
    let cached = client.memory.cached();
    drop(proxy);
    let seed = FakeSeed::start(Manner::HangsUp).await;
    let before = hops(&devnet).await;
    let again = client.again_tuned(seed.url(), cached, through(&url));
    for client in [&client, &again] {
        let error = client.read().await.unwrap_err();
        assert_eq!(error.code(), "net.proxy", "{error:?}");
        assert!(error.kind().is_retryable());
        let status = client.network.watch_status().borrow().clone();
        let NetworkStatus::Offline { reason, .. } = status else {
            panic!("{status:?}");
        };
        assert_eq!(reason, OfflineReason::ProxyUnreachable);
        client.network.maintain().await.ok();
        let shown = format!("{error:?} {error} {:?}", client.network);
        for secret in ["ali ce", "ali%20", "se:c", "se%3A", &at.to_string()] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
    let newcomer = Client::new_tuned(seed.url(), through(&url));
    let error = within(newcomer.network.swarm(&anybody()))
        .await
        .unwrap_err();
    let NetError::SeedsUnreachable { detail } = error else {
        panic!("{error:?}");
    };
    assert_eq!(detail, "the proxy does not answer");
    for client in [&client, &again, &newcomer] {
        let steps = within(client.network.diagnose_all()).await;
        let failed = |name| {
            let step = steps.iter().find(|step| step.name == name).unwrap();
            step.outcome == StepOutcome::Failed
        };
        assert!(
            failed(StepName::Proxy) && failed(StepName::Path),
            "{steps:?}"
        );
    }
    assert_eq!((hops(&devnet).await, seed.connections()), (before, 0));
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn socks5_carries_everything_or_nothing_is_sent() {
    Box::pin(everything_goes_through(Kind::Socks5, "socks5", 190)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_proxy_carries_everything_or_nothing_is_sent() {
    Box::pin(everything_goes_through(Kind::Http, "http", 191)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_named_as_the_reason() {
    let names = [(NAME, "127.0.0.1:1".parse().unwrap())];
    let proxy = ProxyServer::start(Kind::Socks5, Some(("alice", "right")), &names).await;
    let at = proxy.address();
    for (url, detail) in [
        (
            format!("socks5://alice:wrong@{at}"),
            "the proxy refuses the user name and password",
        ),
        (
            format!("socks5://{at}"),
            "the proxy refuses the user name and password",
        ),
        // The proxy is all right, the seed is not.
        (format!("socks5://alice:right@{at}"), "cannot connect"),
    ] {
        let client = Client::new_tuned(URL, through(&url));
        let error = within(client.network.swarm(&anybody())).await.unwrap_err();
        let NetError::SeedsUnreachable { detail: found } = error else {
            panic!("{error:?}");
        };
        assert_eq!(found, detail, "{url}");
        let steps = within(client.network.diagnose_all()).await;
        assert_eq!(steps[0].name, StepName::Proxy);
        let expected = if detail == "cannot connect" {
            StepOutcome::Ok
        } else {
            StepOutcome::Failed
        };
        assert_eq!(steps[0].outcome, expected, "{steps:?}");
    }
    // Something else that listens there.
    let seed = FakeSeed::start(Manner::HangsUp).await;
    let url = format!("socks5://{}", address_of(seed.url()));
    let client = Client::new_tuned(URL, through(&url));
    let steps = within(client.network.diagnose_all()).await;
    assert_eq!(steps[0].outcome, StepOutcome::Failed);
    assert!(steps[0].advice.is_some());
}
