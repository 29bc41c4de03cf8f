//! Nodes that stop, die and come back.

use reqwest::StatusCode;
use session_devnet::Devnet;

use crate::client::{held, http, owner_with, rpc, store_params, swarm_params};
use crate::{network, until};

fn running(network: &Devnet) -> Vec<bool> {
    network
        .nodes()
        .into_iter()
        .map(|node| node.running)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_goes_comes_back_as_the_same_with_its_data_and_what_it_missed() {
    let mut network = network(30).await;
    let http = http();
    let nodes = network.nodes();
    let owner = owner_with(&network, 0);
    let members = network.swarm_of(&owner);
    let (first, second) = (members[0], members[1]);
    let info = network.describe();

    for (round, killed) in [(0u8, false), (1, true)] {
        let before = format!("before {round}");
        let (status, _) = rpc(
            &http,
            &nodes[second],
            "store",
            &store_params(&owner, before.as_bytes()),
        )
        .await
        .unwrap();
        assert_eq!(status, StatusCode::OK);
        until(async || {
            held(&http, &nodes[first], &owner)
                .await
                .filter(|held| held.contains(&before.clone().into_bytes()))
        })
        .await;

        if killed {
            network.kill_node(first).unwrap();
        } else {
            network.stop_node(first).await.unwrap();
        }
        assert_eq!(
            running(&network)
                .iter()
                .filter(|running| !**running)
                .count(),
            1
        );
        assert!(!running(&network)[first]);
        let params = swarm_params(&owner);
        assert!(
            rpc(&http, &nodes[first], "get_swarm", &params)
                .await
                .is_none()
        );
        assert!(
            network.swarm_of(&owner).contains(&first),
            "still on the list"
        );

        let missed = format!("missed {round}");
        let (status, answer) = rpc(
            &http,
            &nodes[second],
            "store",
            &store_params(&owner, missed.as_bytes()),
        )
        .await
        .unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");

        network.restart_node(first).await.unwrap();
        assert!(running(&network)[first]);
        until(async || {
            held(&http, &nodes[first], &owner).await.filter(|held| {
                [&before, &missed]
                    .iter()
                    .all(|text| held.contains(&text.as_bytes().to_vec()))
            })
        })
        .await;
    }
    assert_eq!(network.describe(), info, "same keys, ports and swarms");

    // What already is as wished stays so.
    network.kill_node(first).unwrap();
    network.kill_node(first).unwrap();
    network.stop_node(first).await.unwrap();
    network.restart_node(first).await.unwrap();
    network.restart_node(first).await.unwrap();
    assert!(running(&network).into_iter().all(|running| running));
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_ends_cleanly_with_nodes_down() {
    let mut network = network(31).await;
    for index in 0..6 {
        network.kill_node(index).unwrap();
    }
    let path = network.describe().data_dir;
    network.shutdown().await.unwrap();
    assert!(!path.exists());
}
