//! QUIC to the guard, and what happens without it.

use core::time::Duration;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use session_devnet::Devnet;
use session_net::{NetError, NetworkOptions, PathStatus, Purpose, Transport, Wire};
use session_storage_rpc::{AccountSigner, Request, Retrieve, Store};
use session_types::{Namespace, limits};

use crate::support::{Client, customised, devnet, within};
use crate::udp_relay::Relays;

/// Does not wait long for QUIC.
fn hasty(options: &mut NetworkOptions) {
    options.quic_connect_timeout = Duration::from_millis(500);
}

/// The node that is the guard of a client.
fn guard_of(devnet: &Devnet, client: &Client) -> usize {
    let PathStatus::Connected { guard, .. } = client.network.status() else {
        panic!("not connected");
    };
    let nodes = devnet.nodes();
    let found = nodes
        .iter()
        .position(|node| node.contact.ed25519 == guard.ed25519);
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_everything() {
    let (devnet, relays) = Relays::network(180).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    assert_eq!(client.wire(), Some(Wire::Quic));
    let (before, over_https) = (client.network.traffic(), client.over_https());
    let reading = (0..24).map(async |_| client.read().await.unwrap());
    let replies = futures_util::future::join_all(reading).await;
    assert!(replies.iter().all(|reply| reply.results[0].code == 200));
    let after = client.network.traffic();
    assert!(after.quic_requests >= before.quic_requests + 24);
    assert_eq!(client.over_https(), over_https);
    // What the counters say passes through the wire: more than the requests, not much more.
    let payload: usize = replies.iter().map(|reply| reply.route.request_bytes).sum();
    let sent = usize::try_from(after.bytes_out - before.bytes_out).unwrap();
    assert!(
        (payload..payload * 2).contains(&sent),
        "{sent} bytes for {payload}"
    );
    let payload: usize = replies.iter().map(|reply| reply.route.response_bytes).sum();
    let received = usize::try_from(after.bytes_in - before.bytes_in).unwrap();
    assert!(
        (payload..payload * 2).contains(&received),
        "{received} bytes for {payload}"
    );
    assert!(relays.datagrams() > 0);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn https_only_means_https_only() {
    let devnet = devnet(181).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        options.transport = Transport::HttpsOnly;
    });
    for _ in 0..5 {
        client.read().await.unwrap();
        assert_eq!(client.wire(), Some(Wire::Https));
    }
    let traffic = client.network.traffic();
    assert_eq!(traffic.quic_requests, 0);
    assert!(
        traffic.bytes_out > 5 * 1000 && traffic.bytes_in > 5 * 100,
        "{traffic:?}"
    );
    devnet.shutdown().await.unwrap();
}

/// Nodes that listen at no UDP port at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_without_quic_is_asked_over_https() {
    let devnet = customised(182, |_, config| config.quic = None).await;
    let client = Client::new_tuned(&devnet.seed_url(), hasty);
    for _ in 0..5 {
        let reply = client.read().await.unwrap();
        assert_eq!(reply.route.attempts, 1);
        assert_eq!(client.wire(), Some(Wire::Https));
    }
    devnet.shutdown().await.unwrap();
}

/// Nodes whose UDP port takes everything and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_udp_port_is_tried_once() {
    let swallowing: Arc<Mutex<Vec<UdpSocket>>> = Arc::default();
    let sockets = Arc::clone(&swallowing);
    let devnet = customised(183, move |_, config| {
        sockets.lock().unwrap().extend(config.quic.take());
    })
    .await;
    let arrived = || -> usize {
        let sockets = swallowing.lock().unwrap();
        let mut buffer = [0; 2048];
        sockets
            .iter()
            .map(|socket| {
                socket.set_nonblocking(true).unwrap();
                core::iter::from_fn(|| socket.recv_from(&mut buffer).ok()).count()
            })
            .sum()
    };
    let client = Client::new_tuned(&devnet.seed_url(), hasty);
    assert_eq!(client.read().await.unwrap().route.attempts, 1);
    assert!(arrived() > 0, "QUIC was tried");
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(client.read().await.unwrap().route.attempts, 1);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "each time anew");
    assert_eq!(arrived(), 0, "it is remembered");
    assert_eq!(client.wire(), Some(Wire::Https));
    devnet.shutdown().await.unwrap();
}

/// The answer gets lost on the way, and with it everything else: it is asked for over HTTPS. When
/// the guard can be reached again so is QUIC used again.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_the_middle_of_a_request_is_bridged_and_comes_back() {
    let (devnet, relays) = Relays::network(184).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        hasty(options);
        options.quic_retry_after = Duration::from_secs(1);
    });
    client.read().await.unwrap();
    assert_eq!(client.wire(), Some(Wire::Quic));
    let guard = guard_of(&devnet, &client);
    devnet.slow_node(guard, Duration::from_millis(700)).unwrap();
    let sent = client.network.traffic().quic_requests;
    let reading = client.read();
    let cutting = async {
        while client.network.traffic().quic_requests == sent {
            tokio::task::yield_now().await;
        }
        relays.close(true);
    };
    let (reply, ()) = within(futures_util::future::join(reading, cutting)).await;
    let reply = reply.unwrap();
    assert_eq!((reply.results[0].code, reply.route.attempts), (200, 1));
    assert_eq!(client.wire(), Some(Wire::Https));
    devnet.slow_node(guard, Duration::ZERO).unwrap();

    // A new connection cannot be opened either; that is remembered.
    for _ in 0..3 {
        assert_eq!(client.read().await.unwrap().route.attempts, 1);
        assert_eq!(client.wire(), Some(Wire::Https));
    }
    relays.close(false);
    let back = async {
        while client.wire() != Some(Wire::Quic) {
            client.read().await.unwrap();
        }
    };
    within(back).await;
    assert_eq!(guard_of(&devnet, &client), guard);
    devnet.shutdown().await.unwrap();
}

/// A process that is gone says nothing over UDP. It must not take the whole time of a request to
/// notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_killed_in_the_middle_of_a_request_is_noticed() {
    let mut devnet = devnet(185).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        options.request_timeout = Duration::from_secs(30);
    });
    client.read().await.unwrap();
    assert_eq!(client.wire(), Some(Wire::Quic));
    let guard = guard_of(&devnet, &client);
    devnet.pause_node(guard).unwrap();
    let sent = client.network.traffic().quic_requests;
    let begun = Instant::now();
    let reading = client.read();
    let killing = async {
        while client.network.traffic().quic_requests == sent {
            tokio::task::yield_now().await;
        }
        devnet.kill_node(guard).unwrap();
    };
    let (reply, ()) = within(futures_util::future::join(reading, killing)).await;
    let reply = reply.unwrap();
    assert_eq!(reply.results[0].code, 200);
    assert!(reply.route.attempts >= 2);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    devnet.shutdown().await.unwrap();
}

/// A guard that is slow but there is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_guard_is_not_taken_for_dead() {
    let devnet = devnet(186).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let guard = guard_of(&devnet, &client);
    // Both ways: three seconds until it passes the request on, three until it does.
    devnet.slow_node(guard, Duration::from_secs(3)).unwrap();
    let over_https = client.over_https();
    let reply = client.read().await.unwrap();
    assert_eq!(reply.route.attempts, 1);
    assert!(reply.route.elapsed >= Duration::from_secs(6));
    assert_eq!(client.wire(), Some(Wire::Quic));
    assert_eq!(client.over_https(), over_https);
    devnet.shutdown().await.unwrap();
}

/// A guard that is there and does not answer would not do so over HTTPS either.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_hesitates_is_not_asked_twice() {
    let devnet = devnet(177).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        options.request_timeout = Duration::from_secs(4);
    });
    client.read().await.unwrap();
    devnet.pause_node(guard_of(&devnet, &client)).unwrap();
    let over_https = client.over_https();
    let begun = Instant::now();
    let reply = client.read().await.unwrap();
    assert!(reply.route.attempts >= 2 && begun.elapsed() >= Duration::from_secs(4));
    assert_eq!(client.over_https(), over_https);
    devnet.shutdown().await.unwrap();
}

/// Somebody else answers at the port that the list names.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_not_spoken_to() {
    let (devnet, relays) = Relays::shifted(187, 1).await;
    let client = Client::new(&devnet.seed_url());
    for _ in 0..3 {
        assert_eq!(client.read().await.unwrap().route.attempts, 1);
        assert_eq!(client.wire(), Some(Wire::Https));
    }
    assert!(relays.datagrams() > 0);
    assert_eq!(client.network.traffic().quic_requests, 0);
    devnet.shutdown().await.unwrap();
}

/// Each start uses a new key and socket; what was remembered of the guard is used at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_start_goes_over_quic_at_once() {
    let devnet = devnet(188).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let again = client.again(&devnet.seed_url(), client.memory.cached());
    again.read().await.unwrap();
    assert_eq!((again.wire(), again.over_https()), (Some(Wire::Quic), 0));
    devnet.shutdown().await.unwrap();
}

/// A node that was restarted has closed the connection; a new one is opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_guard_is_connected_to_again() {
    let mut devnet = devnet(189).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let guard = guard_of(&devnet, &client);
    for _ in 0..2 {
        devnet.restart_node(guard).await.unwrap();
        assert_eq!(client.read().await.unwrap().route.attempts, 1);
        assert_eq!(client.wire(), Some(Wire::Quic));
        assert_eq!(guard_of(&devnet, &client), guard);
    }
    devnet.shutdown().await.unwrap();
}

/// What a node gives at most is longer than a message of a stream may be.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_long_for_quic_comes_over_https() {
    let devnet = devnet(178).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        options.request_timeout = Duration::from_secs(30);
    });
    for part in 0..4u8 {
        let build = |now, _: &_| {
            let stores = (0..20u8).map(|i| {
                let data = vec![part ^ i; limits::MAX_MESSAGE_SIZE - usize::from(i) - 1];
                let hour = Duration::from_secs(3600);
                Ok(Request::Store(Store::unsigned(
                    client.owner(),
                    now,
                    hour,
                    data,
                )?))
            });
            Ok(Request::batch(stores.collect::<Result<_, NetError>>()?)?)
        };
        let asked = client
            .network
            .ask_swarm(client.owner(), Purpose::OwnSwarm, build);
        let reply = within(asked).await.unwrap();
        assert!(reply.results.iter().all(|result| result.code == 200));
        assert_eq!(client.wire(), Some(Wire::Quic));
    }
    let (before, over_https) = (client.network.traffic(), client.over_https());
    let everything = |now, _: &_| {
        let signer = AccountSigner::new(client.keys.account_id(), client.keys.ed25519());
        let retrieve = Retrieve::signed(&signer, Namespace::DEFAULT, now).max_size(-1);
        Ok(Request::batch(vec![Request::Retrieve(retrieve)])?)
    };
    let asked = client
        .network
        .ask_swarm(client.owner(), Purpose::OwnSwarm, everything);
    let reply = within(asked).await.unwrap();
    assert!(reply.route.response_bytes > 10_000_000);
    assert_eq!((reply.results[0].code, reply.route.attempts), (200, 1));
    assert_eq!(client.wire(), Some(Wire::Https));
    assert_eq!(client.over_https(), over_https + 1);
    let after = client.network.traffic();
    assert_eq!(after.quic_requests, before.quic_requests + 1);
    assert!(after.bytes_in - before.bytes_in > 10_000_000);
    // The connection is not to blame.
    let again = within(client.network.swarm(&crate::support::anybody())).await;
    assert_eq!(again.unwrap().len(), 6);
    assert_eq!(client.wire(), Some(Wire::Quic));
    devnet.shutdown().await.unwrap();
}
