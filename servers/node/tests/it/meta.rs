//! Requests about the network and requests that hold requests: cases 30, 31, 33.

use serde_json::{Value, json};
use session_storage_rpc::{Request, Retrieve, Store, active_nodes};
use session_types::{Namespace, NodeVersion};

use crate::support::{DAY, Network, SWARM};

const SMALL: &[(u64, usize)] = &[(SWARM, 2)];

fn info() -> Value {
    json!({ "method": "info", "params": {} })
}

fn bad() -> Value {
    let pubkey = format!("05{}", "00".repeat(32));
    json!({ "method": "retrieve", "params": { "pubkey": pubkey } })
}

/// Signatures of one device's batch are checked together; what is said of each stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_in_a_batch_fails_alone() {
    let network = Network::start(SMALL).await;
    let (anna, boris) = (network.person(SWARM), network.person(SWARM));
    let now = network.now();
    let store = Store::unsigned(anna.owner(), now, DAY, b"hello".to_vec()).unwrap();
    network.ask(0, Request::Store(store)).await.ok();
    let of = |number| Retrieve::signed(&anna.signer(), Namespace::new(number), now);
    for wrong in [None, Some(0), Some(2)] {
        let mut requests = [0, 2, 3, 4].map(of);
        if let Some(wrong) = wrong {
            // Another namespace than the one that was signed.
            requests[wrong].namespace = Namespace::new(5);
        }
        let theirs = Retrieve::signed(&boris.signer(), Namespace::DEFAULT, now);
        let all = requests.into_iter().chain([theirs]);
        let answer = network.batch(0, all.map(Request::Retrieve).collect()).await;
        let codes: Vec<_> = answer.results.iter().map(|result| result.code).collect();
        let mut expected = [200; 5];
        if let Some(wrong) = wrong {
            expected[wrong] = 401;
        }
        assert_eq!(codes, expected);
        let body = answer.results[0].body.to_string();
        assert_eq!(body.contains("aGVsbG8="), wrong != Some(0), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_30_batch_runs_all_and_sequence_stops() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let requests = json!({ "requests": [info(), bad(), info()] });
    let batch = network.call(0, "batch", requests.clone()).await.ok();
    assert_eq!(
        batch.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["results"]
    );
    let codes = |answer: &Value| -> Vec<u64> {
        let results = answer["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["code"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(codes(&batch), [200, 401, 200]);
    assert_eq!(
        batch["results"][1]["body"],
        "retrieve: request signature required"
    );
    assert_eq!(batch["results"][0]["body"]["hf"], json!([19, 4]));
    let sequence = network.call(0, "sequence", requests).await.ok();
    assert_eq!(codes(&sequence), [200, 401]);

    // A sequence sees its own effects.
    let now = network.now();
    let store = Store::unsigned(bob.owner(), now, DAY, b"seen".to_vec()).unwrap();
    let retrieve = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, now);
    let sequence =
        Request::sequence(vec![Request::Store(store), Request::Retrieve(retrieve)]).unwrap();
    let answer = network.ask(0, sequence).await.ok();
    assert_eq!(
        answer["results"][1]["body"]["messages"][0]["data"],
        "c2Vlbg=="
    );

    let refused = |requests: Value| {
        let network = &network;
        async move {
            network
                .call(0, "batch", json!({ "requests": requests }))
                .await
        }
    };
    let text = |what: &str| format!("invalid request: {what}");
    refused(vec![info(); 21].into()).await.expect_text(
        400,
        &text("Invalid batch request: subrequest limit exceeded"),
    );
    refused(vec![info(); 20].into()).await.ok();
    refused(json!([{ "method": "batch", "params": { "requests": [info()] } }]))
        .await
        .expect_text(
            400,
            &text("Invalid batch subrequest: subrequests may not contain meta-requests"),
        );
    refused(json!([{ "method": "nothing", "params": {} }]))
        .await
        .expect_text(
            400,
            &text("Invalid batch subrequest: invalid method \"nothing\""),
        );
    refused(json!([])).await.expect_text(
        400,
        &text("Invalid batch request: no valid \"requests\" field"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_ifelse() {
    let network = Network::start(SMALL).await;
    let condition = |condition: Value, then: Value, otherwise: Value| {
        let network = &network;
        async move {
            let params = json!({ "if": condition, "then": then, "else": otherwise });
            network.call(0, "ifelse", params).await
        }
    };
    let answer = condition(json!({ "hf_at_least": [19, 3] }), info(), bad())
        .await
        .ok();
    assert_eq!(answer["condition"], true);
    assert_eq!(answer["result"]["code"], 200);
    assert_eq!(
        (&answer["hf"], &answer["v"]),
        (&json!([19, 4]), &json!([2, 11, 3]))
    );
    assert_eq!(answer["height"], 1);
    let answer = condition(json!({ "v_before": [2, 9] }), info(), bad())
        .await
        .ok();
    assert_eq!(
        (&answer["condition"], &answer["result"]["code"]),
        (&json!(false), &json!(401))
    );
    // Every condition must hold; heights beyond 32 bits are compared in full.
    let both = json!({ "hf_at_least": 19, "height_at_least": 1_000_000_000_000_000u64 });
    let answer = condition(both, info(), Value::Null).await.ok();
    assert_eq!(answer["condition"], false);
    assert!(answer.get("result").is_none());
    let nested = json!({ "method": "ifelse", "params": {
        "if": { "height_before": 2 },
        "then": { "method": "batch", "params": { "requests": [info()] } },
    } });
    let answer = condition(json!({ "v_at_least": [2] }), nested, Value::Null)
        .await
        .ok();
    let inner = &answer["result"]["body"]["result"]["body"]["results"][0];
    assert_eq!(inner["code"], 200);
    condition(json!({ "v_at_least": [2] }), Value::Null, Value::Null)
        .await
        .expect_text(
            400,
            "invalid request: Invalid ifelse request: at least one of \"then\"/\"else\" required",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_33_what_the_chain_is_asked() {
    let network = Network::start(SMALL).await;
    network
        .call(0, "oxend_request", json!({ "endpoint": "get_block" }))
        .await
        .expect_text(400, "invalid request: Invalid oxend endpoint 'get_block'");
    let fields = json!({ "public_ip": true, "storage_port": true, "pubkey_ed25519": true,
        "pubkey_x25519": true, "height": true, "made_up": true });
    let params = json!({ "endpoint": "get_service_nodes",
        "params": { "active_only": true, "fields": fields } });
    let answer = network.call(0, "oxend_request", params).await.ok();
    let result = &answer["result"];
    assert_eq!(
        (&result["height"], &result["status"]),
        (&json!(1), &json!("OK"))
    );
    let nodes = result["service_node_states"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    let ports: Vec<u64> = nodes
        .iter()
        .map(|n| n["storage_port"].as_u64().unwrap())
        .collect();
    for index in 0..2 {
        assert!(ports.contains(&network.contact(index).https_port.into()));
    }
    assert!(nodes[0].get("swarm_id").is_none());
    assert!(answer["t"].is_u64() && answer["hf"].is_array());

    let hash = "00".repeat(32);
    let params = json!({ "endpoint": "ons_resolve", "params": { "type": 0, "name_hash": hash } });
    let answer = network.call(0, "oxend_request", params).await.ok();
    assert_eq!(answer["result"], json!({}));
    let params = json!({ "endpoint": "ons_resolve", "params": { "type": 0 } });
    assert_eq!(network.call(0, "oxend_request", params).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn info_and_the_compact_node_list() {
    let network = Network::start(SMALL).await;
    let answer = network.call(0, "info", json!({})).await.ok();
    let now = network.now().as_ms();
    let expected = json!({ "version": [2, 11, 3], "timestamp": now, "t": now, "hf": [19, 4] });
    assert_eq!(answer, expected);

    let response = network
        .http
        .post(network.url(0, "/storage_rpc/v1"))
        .body(r#"{"method":"active_nodes_bin","params":{}}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    let bytes = response.bytes().await.unwrap();
    let listed = active_nodes::decode(&bytes).unwrap();
    assert_eq!(listed.len(), 2);
    for (contact, version) in listed {
        assert_eq!(version, NodeVersion([2, 11, 3]));
        assert!((0..2).any(|index| *network.contact(index) == contact));
    }
    let batch = json!({ "requests": [{ "method": "active_nodes_bin", "params": {} }] });
    let answer = network.call(0, "batch", batch).await.ok();
    let text = answer["results"][0]["body"].as_str().unwrap();
    assert_eq!(
        data_encoding::BASE64.decode(text.as_bytes()).unwrap(),
        bytes
    );
}
