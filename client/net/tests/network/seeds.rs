//! Seeds that cannot be reached, talk nonsense, or lie.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use session_devnet::Devnet;
use session_net::NetError;
use session_types::{Ed25519PublicKey, ErrorKind, X25519PublicKey};

use crate::fake_seed::{FakeSeed, Manner};
use crate::support::{Client, anybody, devnet, within};

/// What a client says about a seed.
async fn complaint(seed_url: &str) -> String {
    let client = Client::new(seed_url);
    let begun = Instant::now();
    let error = within(client.network.swarm(&anybody())).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(error.code(), "net.seeds_unreachable");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.kind().is_retryable());
    let NetError::SeedsUnreachable { detail } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "no seed of this network answers ({detail}); check the network address and your \
             connection"
        )
    );
    detail.clone()
}

async fn complaint_about(manner: Manner) -> String {
    let seed = FakeSeed::start(manner).await;
    complaint(seed.url()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_does_not_answer_is_named_as_the_reason() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    assert_eq!(
        complaint(&format!("http://{address}/")).await,
        "cannot connect"
    );
    assert_eq!(
        complaint("http://no-such-host.invalid/").await,
        "cannot connect"
    );
    assert_eq!(complaint_about(Manner::HangsUp).await, "connection broke");
    assert_eq!(complaint_about(Manner::Silent).await, "no answer in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_node_list_is_refused() {
    let answers = |status, type_, body: &str| Manner::Answers(status, type_, body.to_owned());
    let json_type = "application/json";
    for (manner, expected) in [
        (
            answers("404 Not Found", json_type, "{}"),
            "it answers with status 404",
        ),
        (
            answers("302 Found", json_type, "{}"),
            "it answers with status 302",
        ),
        (
            answers("200 OK", "text/html", "<h1>Welcome to nginx!</h1>"),
            "what answers there is not a seed",
        ),
        (
            answers("200 OK", json_type, "<h1>Welcome to nginx!</h1>"),
            "its answer is not a node list: answer is not valid json",
        ),
        (
            answers("200 OK", json_type, "{\"error\":\"no such method\"}"),
            "its answer is not a node list: answer has no field result",
        ),
        (
            answers("200 OK", json_type, "{\"result\":{\"height\":5}}"),
            "its answer is not a node list: answer has no field service_node_states",
        ),
        (
            answers(
                "200 OK",
                json_type,
                "{\"result\":{\"service_node_states\":[]}}",
            ),
            "0 usable nodes, 4 needed",
        ),
    ] {
        assert_eq!(complaint_about(manner).await, expected);
    }
    let endless = complaint_about(Manner::Endless).await;
    assert!(
        endless == "answer larger than 16777216 bytes" || endless == "no answer in time",
        "{endless}"
    );
}

/// What a real seed says.
pub(crate) fn true_list(devnet: &Devnet) -> Value {
    let nodes: Vec<Value> = devnet
        .nodes()
        .into_iter()
        .map(|node| {
            json!({
                "public_ip": node.contact.ip,
                "storage_port": node.contact.https_port,
                "pubkey_x25519": node.contact.x25519,
                "pubkey_ed25519": node.contact.ed25519,
                "requested_unlock_height": 0,
            })
        })
        .collect();
    json!({ "jsonrpc": "2.0", "result": { "service_node_states": nodes, "height": 7 } })
}

fn nodes_of(list: &mut Value) -> &mut Vec<Value> {
    list["result"]["service_node_states"]
        .as_array_mut()
        .unwrap()
}

/// Asks the swarm of somebody and lets the client read its own mailbox.
async fn works(seed: &FakeSeed) -> Client {
    let client = Client::new(seed.url());
    assert_eq!(
        within(client.network.swarm(&anybody()))
            .await
            .unwrap()
            .len(),
        6
    );
    assert_eq!(client.read().await.unwrap().results[0].code, 200);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_entries_do_not_spoil_a_list() {
    let devnet = devnet(80).await;
    let mut list = true_list(&devnet);
    let nodes = nodes_of(&mut list);
    nodes[0].as_object_mut().unwrap().remove("pubkey_x25519");
    nodes[1]["public_ip"] = json!("0.0.0.0");
    nodes[2]["storage_port"] = json!(0);
    nodes[3]["pubkey_ed25519"] = json!("not hex");
    nodes.insert(0, json!(null));
    nodes.push(json!("a text"));
    let seed = FakeSeed::listing(&list).await;
    works(&seed).await;

    // With the keys of all nodes missing nothing is left.
    for node in nodes_of(&mut list) {
        if let Some(node) = node.as_object_mut() {
            node.remove("pubkey_ed25519");
        }
    }
    let seed = FakeSeed::listing(&list).await;
    assert_eq!(complaint(seed.url()).await, "0 usable nodes, 4 needed");
    devnet.shutdown().await.unwrap();
}

/// A seed that adds nodes of its own, and gives a real one another key, is corrected by what the
/// nodes agree on.
#[tokio::test(flavor = "multi_thread")]
async fn a_lying_seed_is_outvoted_by_nodes() {
    let devnet = devnet(81).await;
    let mut list = true_list(&devnet);
    let invented = Ed25519PublicKey::new([0x77; 32]);
    let foreign_key = X25519PublicKey::new([0x99; 32]);
    let nodes = nodes_of(&mut list);
    let mut extra = nodes[5].clone();
    extra["pubkey_ed25519"] = json!(invented);
    nodes.push(extra);
    nodes[4]["pubkey_x25519"] = json!(foreign_key);
    let seed = FakeSeed::listing(&list).await;
    // Which nodes are asked is left to chance: when false ones are among them each time, the
    // seed's list is all there is.
    for _ in 0..64 {
        let client = works(&seed).await;
        let pool = client.memory.cached().pool.unwrap();
        let false_entries =
            pool.contains(&invented.to_string()) || pool.contains(&foreign_key.to_string());
        assert_eq!(false_entries, !pool.contains("agreement"), "{pool}");
        if !false_entries {
            devnet.shutdown().await.unwrap();
            return;
        }
    }
    panic!("the seed is believed each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_ask_the_seed_once() {
    let devnet = devnet(93).await;
    let seed = FakeSeed::listing(&true_list(&devnet)).await;
    let client = Client::new(seed.url());
    let asking = (0..16).map(async |i| {
        if i % 2 == 0 {
            client.read().await.unwrap();
        } else {
            within(client.network.swarm(&anybody())).await.unwrap();
        }
    });
    futures_util::future::join_all(asking).await;
    assert_eq!(seed.connections(), 1);
    // From now on it is not needed.
    client.network.maintain().await.unwrap();
    let again = client.again(seed.url(), client.memory.cached());
    again.read().await.unwrap();
    assert_eq!(seed.connections(), 1);
    devnet.shutdown().await.unwrap();
}

/// While nothing works the seed is asked again, more and more rarely.
#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_not_pestered() {
    let devnet = devnet(94).await;
    let seed = FakeSeed::listing(&true_list(&devnet)).await;
    let client = Client::new(seed.url());
    client.read().await.unwrap();
    devnet.shutdown().await.unwrap();
    for _ in 0..20 {
        client.read().await.unwrap_err();
    }
    let asked = seed.connections();
    assert!((2..=6).contains(&asked), "asked {asked} times");
}
