//! The seed as clients see it (docs/protocol/paths.md sections 1.3 and 9.2).

use std::net::Ipv4Addr;

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use session_devnet::Devnet;
use session_registry::{NodeList, RegisteredNode, Registry as _};
use session_types::{Ed25519PublicKey, NodeContact, X25519PublicKey};

use crate::client::{DESKTOP_REQUEST, ask_seed, http};
use crate::{network, within};

/// Session Desktop takes an answer as a whole or not at all: every element needs all five
/// fields with these types.
fn assert_desktop_accepts(answer: &Value, nodes: usize) {
    let result = &answer["result"];
    assert!(result["height"].is_u64(), "{result}");
    let states = result["service_node_states"].as_array().unwrap();
    assert_eq!(states.len(), nodes);
    for state in states {
        let ip: Ipv4Addr = state["public_ip"].as_str().unwrap().parse().unwrap();
        assert_eq!(ip, Ipv4Addr::LOCALHOST);
        assert!((1..=65_535).contains(&state["storage_port"].as_u64().unwrap()));
        for key in ["pubkey_ed25519", "pubkey_x25519"] {
            let text = state[key].as_str().unwrap();
            assert_eq!(text.len(), 64);
            assert!(
                text.bytes()
                    .all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
            );
        }
        assert!(state["requested_unlock_height"].is_u64());
        assert_eq!(
            state.as_object().unwrap().len(),
            5,
            "nothing that was not asked for"
        );
    }
}

async fn desktop_answer(network: &Devnet, content_type: Option<&str>) -> Value {
    let url = format!("{}json_rpc", network.seed_url());
    let mut request = http()
        .post(url)
        .body(DESKTOP_REQUEST.clone())
        .header(header::USER_AGENT, "WhatsApp")
        .header(header::ACCEPT_LANGUAGE, "en-us");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let answer = within(request.send()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let types: Vec<_> = answer
        .headers()
        .get_all(header::CONTENT_TYPE)
        .iter()
        .collect();
    assert_eq!(types, ["application/json"]);
    let body = within(answer.bytes()).await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["jsonrpc"], "2.0");
    assert!(answer.as_object().unwrap().contains_key("id"));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn desktop_gets_a_list_it_accepts_whatever_content_type_it_sends() {
    let network = network(10).await;
    for content_type in [
        None,
        Some("text/plain;charset=UTF-8"),
        Some("application/json"),
        Some("x/y"),
    ] {
        let answer = desktop_answer(&network, content_type).await;
        assert_desktop_accepts(&answer, 12);
    }
    // The list is the network.
    let answer = desktop_answer(&network, None).await;
    for node in network.nodes() {
        let contact = &node.contact;
        let states = answer["result"]["service_node_states"].as_array().unwrap();
        let state = states
            .iter()
            .find(|s| s["pubkey_ed25519"] == json!(contact.ed25519))
            .unwrap();
        assert_eq!(state["pubkey_x25519"], json!(contact.x25519));
        assert_eq!(state["storage_port"], json!(contact.https_port));
    }
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_swarms_of_at_least_five() {
    let network = network(11).await;
    let answer = ask_seed(
        &network,
        &json!({ "method": "get_service_nodes", "params": {} }),
    )
    .await;
    let mut sizes = std::collections::BTreeMap::<u64, usize>::new();
    for state in answer["service_node_states"].as_array().unwrap() {
        *sizes
            .entry(state["swarm_id"].as_u64().unwrap())
            .or_default() += 1;
    }
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes.values().all(|size| *size >= 5), "{sizes:?}");
    assert_eq!(answer["hardfork"], 19);
    network.shutdown().await.unwrap();
}

/// A list that holds nodes whose proof is not known yet, one kind of gap at a time.
#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_misses_a_field_is_never_answered() {
    let network = network(12).await;
    let whole = network.registry().snapshot();
    let spoil: [fn(&mut NodeContact); 5] = [
        |c| c.ip = Ipv4Addr::UNSPECIFIED,
        |c| c.ip = Ipv4Addr::BROADCAST,
        |c| c.https_port = 0,
        |c| c.ed25519 = Ed25519PublicKey::new([0; 32]),
        |c| c.x25519 = X25519PublicKey::new([0; 32]),
    ];
    for change in spoil {
        let mut nodes: Vec<RegisteredNode> = whole.nodes().to_vec();
        change(&mut nodes[3].contact);
        let legacy = nodes[3].contact.legacy;
        let list = NodeList::new(whole.tip().clone(), nodes).unwrap();
        network.registry().replace(list);

        assert_desktop_accepts(&desktop_answer(&network, None).await, 11);
        let all = ask_seed(&network, &json!({ "method": "get_n_service_nodes" })).await;
        let states = all["service_node_states"].as_array().unwrap();
        assert_eq!(states.len(), 11);
        assert!(
            states
                .iter()
                .all(|state| state["service_node_pubkey"] != json!(legacy))
        );
    }
    network.registry().replace((*whole).clone());
    assert_desktop_accepts(&desktop_answer(&network, None).await, 12);
    network.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_are_refused() {
    let network = network(13).await;
    let http = http();
    let send = async |method: Method, path: &str, body: Vec<u8>| {
        let url = format!("{}{path}", network.seed_url());
        within(http.request(method, url).body(body).send())
            .await
            .unwrap()
    };
    assert_eq!(send(Method::GET, "json_rpc", vec![]).await.status(), 405);
    assert_eq!(send(Method::POST, "", vec![]).await.status(), 404);
    assert_eq!(
        send(Method::POST, "json_rpc", vec![b' '; (1 << 20) + 1])
            .await
            .status(),
        413
    );
    let answer = send(Method::POST, "json_rpc", b"not json".to_vec()).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["error"]["code"], -32700);
    drop(http);
    network.shutdown().await.unwrap();
}
