//! What is told about the connection.

use core::time::Duration;

use session_crypto::AccountKeys;
use session_net::{ConnectStep, NetError, NetworkStatus, OfflineReason, PathStatus, Purpose, Wire};
use session_storage_rpc::{AccountSigner, Request, Retrieve};
use session_types::{Namespace, Timestamp};

use crate::fake_seed::{FakeSeed, Manner};
use crate::support::{Client, anybody, devnet, within};

fn reason(client: &Client) -> Option<OfflineReason> {
    match *client.network.watch_status().borrow() {
        NetworkStatus::Offline { reason, .. } => Some(reason),
        _ => None,
    }
}

/// Guards that were tried in vain.
fn tried(client: &Client) -> usize {
    match *client.network.watch_status().borrow() {
        NetworkStatus::Connecting { guards_tried, .. }
        | NetworkStatus::Offline { guards_tried, .. } => guards_tried,
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_connection_can_be_watched() {
    let devnet = devnet(220).await;
    let client = Client::new(&devnet.seed_url());
    let mut watch = client.network.watch_status();
    let step = ConnectStep::AskingSeeds;
    assert_eq!(
        *watch.borrow_and_update(),
        NetworkStatus::Connecting {
            step,
            guards_tried: 0
        }
    );
    let reading = client.read();
    let watching = async {
        let mut steps = vec![step];
        loop {
            watch.changed().await.unwrap();
            match watch.borrow_and_update().clone() {
                NetworkStatus::Connecting { step, .. } => steps.push(step),
                connected => return (steps, connected),
            }
        }
    };
    let (reply, (steps, connected)) = within(futures_util::future::join(reading, watching)).await;
    let route = reply.unwrap().route;
    assert!(steps.is_sorted_by_key(|step| *step as u8), "{steps:?}");
    let NetworkStatus::Connected {
        guard,
        backup: false,
        middle: Some(_),
        exit: Some(_),
        wire: Some(_),
        ..
    } = connected
    else {
        panic!("{connected:?}");
    };
    assert_eq!(guard, route.guard);
    // The first request that was answered asked for the swarm; this is the last one.
    let last = watch.borrow_and_update().clone();
    let NetworkStatus::Connected {
        middle: Some(middle),
        exit: Some(exit),
        ..
    } = last
    else {
        panic!("{last:?}");
    };
    assert_eq!((&*middle, &*exit), (&route.middle, &route.exit));
    assert_eq!(client.wire(), Some(Wire::Quic));
    // Nothing new, nothing told.
    watch.borrow_and_update();
    drop(client.network.watch_status());
    assert!(!watch.has_changed().unwrap());
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_has_its_name() {
    // No seed.
    let seed = FakeSeed::start(Manner::HangsUp).await;
    let client = Client::new(seed.url());
    within(client.network.swarm(&anybody())).await.unwrap_err();
    assert_eq!(reason(&client), Some(OfflineReason::SeedsUnreachable));

    // No way to send anything: there is no connecting to everybody.
    let client = Client::new("http://255.255.255.255:1/");
    let error = within(client.network.swarm(&anybody())).await.unwrap_err();
    let NetError::SeedsUnreachable { detail } = error else {
        panic!("{error:?}");
    };
    assert_eq!(detail, "this computer has no network connection");
    assert_eq!(reason(&client), Some(OfflineReason::NoNetwork));
    assert!(matches!(
        client.network.status(),
        PathStatus::Offline { .. }
    ));

    // No guard, and then again one.
    let mut devnet = devnet(221).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    assert_eq!(reason(&client), None);
    for index in 0..12 {
        devnet.kill_node(index).unwrap();
    }
    let gone = async {
        while reason(&client) != Some(OfflineReason::GuardsUnreachable) {
            client.read().await.unwrap_err();
        }
    };
    within(gone).await;
    assert!(tried(&client) >= 1, "{:?}", client.network.watch_status());
    for index in 0..12 {
        devnet.restart_node(index).await.unwrap();
    }
    let back = async { while client.read().await.is_err() {} };
    within(back).await;
    assert_eq!(reason(&client), None);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_refused_for_good_is_told() {
    let devnet = devnet(222).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let hour = Duration::from_secs(3600);
    let late = |now: Timestamp, _: &_| {
        let keys: &AccountKeys = &client.keys;
        let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
        let retrieve = Retrieve::signed(&signer, Namespace::DEFAULT, now.minus(hour));
        Ok(Request::batch(vec![Request::Retrieve(retrieve)])?)
    };
    let asked = client
        .network
        .ask_swarm(client.owner(), Purpose::OwnSwarm, late);
    let error = within(asked).await.unwrap_err();
    assert_eq!(error.code(), "net.clock");
    assert_eq!(reason(&client), Some(OfflineReason::ClockWrong));
    client.read().await.unwrap();
    assert_eq!(reason(&client), None);
    devnet.shutdown().await.unwrap();
}
