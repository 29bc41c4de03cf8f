//! Nodes testing each other (docs/protocol/node.md section 12.1).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use session_chassis::listener;
use session_chassis::tls::ServerIdentity;
use session_node::{NodeConfig, TestTiming};
use session_registry::{ChainTip, NodeList, RegisteredNode, Registry as _};
use session_types::{LegacyPublicKey, SwarmId};
use tokio_util::sync::CancellationToken;

use crate::support::{Network, SWARM, until};

/// The usual timing, a hundred times as fast: a few dozen handshakes a second, which a machine that
/// does other things as well brings to an end in time.
fn fast(config: &mut NodeConfig) {
    config.timing.testing = TestTiming {
        tick: Duration::from_millis(5),
        interval: Duration::from_millis(100),
        spread: Duration::from_millis(30),
        retest_step: Duration::from_millis(20),
        retest_max: Duration::from_millis(200),
        timeout: Duration::from_secs(2),
        ..TestTiming::default()
    };
}

/// Waits until a node has tested others so often more, with this outcome.
async fn until_tested(network: &Network, index: usize, passed: bool, times: u64) {
    let count = async || {
        let metrics = network.node(index).metrics().await;
        if passed {
            metrics.node_tests_passed
        } else {
            metrics.node_tests_failed
        }
    };
    let before = count().await;
    until("a node has tested others", || async {
        (count().await >= before + times).then_some(())
    })
    .await;
}

fn unreachable(network: &Network) -> Vec<LegacyPublicKey> {
    network.registry.unreachable(network.now())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_for_long_is_named_until_it_is_back() {
    let mut network = Network::start_with(&[(SWARM, 4)], fast).await;
    for index in 0..4 {
        until_tested(&network, index, true, 3).await;
        assert_eq!(network.node(index).metrics().await.node_tests_failed, 0);
    }
    network.kill(2).await;
    for index in [0, 1, 3] {
        until_tested(&network, index, false, 1).await;
    }
    assert!(unreachable(&network).is_empty(), "not for long yet");
    network.clock.advance(Duration::from_secs(66 * 60));
    for index in [0, 1, 3] {
        until_tested(&network, index, false, 1).await;
    }
    assert_eq!(unreachable(&network), [network.contact(2).legacy]);
    // Membership does not change by it.
    let list = network.registry.snapshot();
    assert_eq!(list.members(SwarmId::new(SWARM)).count(), 4);

    network.restart(2).await;
    until("the node counts as reachable again", || async {
        unreachable(&network).is_empty().then_some(())
    })
    .await;
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_out_of_service_are_tested_and_test_nobody() {
    let mut network = Network::start_with(&[(SWARM, 3)], fast).await;
    network.assign(2, SwarmId::UNASSIGNED);
    network.publish();
    until_tested(&network, 0, true, 2).await;
    let before = network.node(2).metrics().await;
    until("it is tested on", || async {
        (network.node(2).metrics().await.pinged >= before.pinged + 5).then_some(())
    })
    .await;
    let now = network.node(2).metrics().await;
    // One test may have been under way.
    assert!(now.node_tests_passed <= before.node_tests_passed + 1);
    assert_eq!(now.node_tests_failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_that_are_switched_off_do_not_take_place() {
    let network = Network::start_with(&[(SWARM, 3)], |config| {
        fast(config);
        config.timing.testing.enabled = config.identity.ed25519().as_bytes()[0] % 2 == 0;
    })
    .await;
    let enabled = |index: usize| network.contact(index).ed25519.as_bytes()[0] % 2 == 0;
    let (on, off): (Vec<_>, Vec<_>) = (0..3).partition(|index| enabled(*index));
    for index in &on {
        until_tested(&network, *index, true, 5).await;
    }
    for index in &off {
        let metrics = network.node(*index).metrics().await;
        assert_eq!(metrics.node_tests_passed + metrics.node_tests_failed, 0);
    }
    assert!(!on.is_empty() && !off.is_empty(), "both kinds of node");
}

/// Remembers what it is asked, and answers with any key.
#[derive(Clone)]
struct Impostor {
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    shown: String,
}

async fn answer(
    State(impostor): State<Impostor>,
    request: axum::extract::Request,
) -> ([(&'static str, String); 1], &'static str) {
    let what = format!("{} {}", request.method(), request.uri().path());
    let headers = request.headers().clone();
    impostor.seen.lock().unwrap().push((what, headers));
    ([("X-Oxen-Snode-Pubkey", impostor.shown)], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_must_show_the_right_key() {
    let mut network = Network::start_with(&[(SWARM, 1)], fast).await;
    let _ = network.add_place(SWARM);
    let right = data_encoding::BASE64.encode(network.contact(1).legacy.as_bytes());
    let wrong = data_encoding::BASE64.encode(network.contact(0).legacy.as_bytes());
    let without_quic = 0;
    let of_another = network.contact(0).omq_port;
    for (shown, quic_port, passes) in [
        (wrong, without_quic, false),
        (right.clone(), of_another, false),
        (right, without_quic, true),
    ] {
        let impostor = Impostor {
            seen: Arc::default(),
            shown,
        };
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(impostor.clone());
        let tls = ServerIdentity::ephemeral().unwrap().server_config();
        let stop = CancellationToken::new();
        let server = listener::serve(socket, Some(tls), router, Default::default(), stop.clone());
        let server = tokio::spawn(server);
        let mut other = network.contact(1).clone();
        other.https_port = port;
        other.omq_port = quic_port;
        let nodes = [network.contact(0).clone(), other]
            .map(|contact| RegisteredNode::active(contact, session_node::REPORTED_VERSION));
        let list = NodeList::new(ChainTip::at_height(port.into()), nodes.into()).unwrap();
        network.registry.replace(list);
        until_tested(&network, 0, passes, 2).await;
        {
            let seen = impostor.seen.lock().unwrap();
            let (what, headers) = seen
                .iter()
                .find(|(what, _)| what.ends_with("/ping_test/v1"))
                .unwrap();
            assert_eq!(what, "POST /ping_test/v1");
            assert_eq!(headers["host"], network.contact(1).legacy.snode_address());
        }
        stop.cancel();
        server.await.unwrap().unwrap();
    }
}
