//! What stays and what does not.

use std::net::SocketAddr;

use session_chassis::listener;
use session_devnet::{Devnet, DevnetError, DevnetNode, DevnetOptions};
use tokio::net::TcpStream;

use crate::client::{held, http, owner_with, rpc, store_params};
use crate::{network, until, within};

fn addresses(network: &Devnet) -> Vec<SocketAddr> {
    let seed = network.seed_url();
    let seed = seed
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix('/')
        .unwrap();
    let of_node = |node: DevnetNode| SocketAddr::from((node.contact.ip, node.contact.https_port));
    core::iter::once(seed.parse().unwrap())
        .chain(network.nodes().into_iter().map(of_node))
        .collect()
}

/// Thirteen free ports in a row, within a range that no other test uses and no network chooses
/// by itself.
fn free_base_port(range: core::ops::Range<u16>) -> u16 {
    (0..1000)
        .map(|_| rand::random_range(range.start..range.end - 13))
        .find(|base| {
            (*base..*base + 13)
                .all(|port| listener::bind(SocketAddr::from(([127, 0, 0, 1], port))).is_ok())
        })
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_seeds_give_equal_networks() {
    let keys_and_swarms = |network: &Devnet| -> Vec<_> {
        network
            .nodes()
            .into_iter()
            .map(|n| {
                (
                    n.contact.ed25519,
                    n.contact.x25519,
                    n.contact.legacy,
                    n.contact.swarm,
                )
            })
            .collect()
    };
    let mut seen = Vec::new();
    for seed in [40, 40, 41] {
        let network = network(seed).await;
        seen.push(keys_and_swarms(&network));
        network.shutdown().await.unwrap();
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].iter().zip(&seen[2]).all(|(a, b)| a.0 != b.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_folder_is_the_same_network_again() {
    let parent = tempfile::tempdir().unwrap();
    let data_dir = parent.path().join("network");
    let options = DevnetOptions {
        data_dir: Some(data_dir.clone()),
        ..DevnetOptions::default()
    };
    let start =
        async |options: &DevnetOptions| within(Devnet::start(options.clone(), |_| ())).await;

    let first = start(&options).await.unwrap();
    let info = first.describe();
    let owner = owner_with(&first, 0);
    let http = http();
    rpc(
        &http,
        &first.nodes()[0],
        "store",
        &store_params(&owner, b"kept"),
    )
    .await
    .unwrap();
    assert!(matches!(
        start(&options).await,
        Err(DevnetError::FolderInUse(_))
    ));
    first.shutdown().await.unwrap();
    assert!(data_dir.join("node-11").is_dir());

    let second = start(&options).await.unwrap();
    assert_eq!(
        second.describe(),
        info,
        "the same seed, keys, swarms and ports"
    );
    let found = held(&http, &second.nodes()[0], &owner).await.unwrap();
    assert_eq!(found, [b"kept"]);
    second.shutdown().await.unwrap();

    let other = DevnetOptions {
        nodes: 13,
        ..options.clone()
    };
    let error = start(&other).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the folder holds a network with number of nodes 12, not 13"
    );
    let other = DevnetOptions {
        seed: Some(info.network_seed ^ 1),
        ..options.clone()
    };
    assert!(matches!(
        start(&other).await,
        Err(DevnetError::SavedDiffers { what: "seed", .. })
    ));

    // A port that is no longer free is replaced; everything else stays.
    let taken =
        listener::bind(SocketAddr::from(([127, 0, 0, 1], info.nodes[4].https_port))).unwrap();
    let third = start(&options).await.unwrap();
    let again = third.describe();
    assert_eq!(again.seed_url, info.seed_url);
    for (new, old) in again.nodes.iter().zip(&info.nodes) {
        assert_eq!(new.ed25519, old.ed25519);
        assert_eq!(new.https_port == old.https_port, new.index != 4);
    }
    drop(taken);
    third.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_follow_the_one_given() {
    let base = free_base_port(32_000..32_300);
    let options = DevnetOptions {
        base_port: Some(base),
        seed: Some(42),
        ..DevnetOptions::default()
    };
    let network = within(Devnet::start(options.clone(), |_| ()))
        .await
        .unwrap();
    let ports: Vec<u16> = addresses(&network).iter().map(SocketAddr::port).collect();
    assert_eq!(ports, (base..=base + 12).collect::<Vec<_>>());

    let error = within(Devnet::start(options, |_| ())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port {base} on 127.0.0.1 is already in use by another program")
    );
    network.shutdown().await.unwrap();
}

/// The last node cannot start: those before it must be gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_leaves_nothing_running() {
    let parent = tempfile::tempdir().unwrap();
    let data_dir = parent.path().join("network");
    let base = free_base_port(32_300..32_700);
    let options = DevnetOptions {
        base_port: Some(base),
        data_dir: Some(data_dir.clone()),
        ..DevnetOptions::default()
    };
    // A file where the last node wants a folder.
    within(Devnet::start(options.clone(), |_| ()))
        .await
        .unwrap()
        .shutdown()
        .await
        .unwrap();
    std::fs::remove_dir_all(data_dir.join("node-11")).unwrap();
    std::fs::write(data_dir.join("node-11"), "").unwrap();
    let error = within(Devnet::start(options.clone(), |_| ()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, DevnetError::Node { index: 11, .. }),
        "{error:?}"
    );
    for port in base..=base + 12 {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        until(async || TcpStream::connect(address).await.err()).await;
    }
    // Nothing holds the folder any more either.
    std::fs::remove_file(data_dir.join("node-11")).unwrap();
    within(Devnet::start(options, |_| ()))
        .await
        .unwrap()
        .shutdown()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_network_ends_it() {
    let network = network(44).await;
    let addresses = addresses(&network);
    let path = network.describe().data_dir;
    assert!(path.is_dir());
    drop(network);
    for address in addresses {
        until(async || TcpStream::connect(address).await.err()).await;
    }
    until(async || (!path.exists()).then_some(())).await;
}
