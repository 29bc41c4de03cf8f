//! The nodes are real: they store, replicate and know each other.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::json;

use crate::client::{held, http, owner_with, rpc, store_params, swarm_params};
use crate::{network, until, within};

#[tokio::test(flavor = "multi_thread")]
async fn every_node_answers_as_itself() {
    let network = network(20).await;
    let http = http();
    for node in network.nodes() {
        let url = format!("{}/ping_test/v1", node.contact.https_base());
        let answer = within(http.post(url).send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let shown = answer.headers()["x-oxen-snode-pubkey"].to_str().unwrap();
        assert_eq!(
            shown,
            data_encoding::BASE64.encode(node.contact.legacy.as_bytes())
        );
    }
    // Each has a certificate of its own.
    let data_dir = network.describe().data_dir;
    let certificates: BTreeSet<Vec<u8>> = (0..12)
        .map(|index| std::fs::read(data_dir.join(format!("node-{index:02}/cert.pem"))).unwrap())
        .collect();
    assert_eq!(certificates.len(), 12);
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_every_member_and_nobody_else() {
    let network = network(21).await;
    let http = http();
    let nodes = network.nodes();
    let owner = owner_with(&network, 0);
    let members = network.swarm_of(&owner);
    assert!(members.len() >= 5);

    let (status, answer) = rpc(&http, &nodes[0], "store", &store_params(&owner, b"hello"))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::OK, "{answer}");
    for index in &members {
        until(async || {
            held(&http, &nodes[*index], &owner)
                .await
                .filter(|held| held == &[b"hello"])
        })
        .await;
    }
    for node in nodes.iter().filter(|node| !members.contains(&node.index)) {
        let params = json!({ "pubkey": swarm_params(&owner)["pubkey"], "namespace": -10 });
        let (status, answer) = rpc(&http, node, "retrieve", &params).await.unwrap();
        assert_eq!(status.as_u16(), 421);
        let named: BTreeSet<_> = answer["snodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|snode| snode["pubkey_ed25519"].as_str().unwrap().to_owned())
            .collect();
        let expected = members
            .iter()
            .map(|index| nodes[*index].contact.ed25519.to_hex())
            .collect();
        assert_eq!(named, expected);
    }
    network.shutdown().await.unwrap();
}
