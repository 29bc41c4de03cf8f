//! Seed answers (docs/protocol/node.md sections 2.2 to 2.4, paths.md section 1.3).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "helpers of tests"
)]

use std::net::Ipv4Addr;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::{Value, json};
use session_registry::seed::{self, answer_json_rpc};
use session_registry::{ChainTip, NodeList, RegisteredNode, RegistryError};
use session_types::{
    Ed25519PublicKey, LegacyPublicKey, NodeContact, NodeVersion, SwarmId, X25519PublicKey,
};

fn node(n: u8) -> RegisteredNode {
    let contact = NodeContact {
        ed25519: Ed25519PublicKey::new([n; 32]),
        x25519: X25519PublicKey::new([n + 100; 32]),
        legacy: LegacyPublicKey::new([n; 32]),
        ip: Ipv4Addr::new(192, 0, 2, n),
        https_port: 22_021,
        omq_port: 22_020,
        swarm: SwarmId::new(0xbfff_ffff_ffff_ffff),
    };
    RegisteredNode::active(contact, NodeVersion([2, 11, 0]))
}

/// Nodes 1 to 9; 7 is decommissioned, 8 not funded.
fn list() -> NodeList {
    let mut nodes: Vec<_> = (1..=9).map(node).collect();
    nodes[6].active = false;
    nodes[6].contact.swarm = SwarmId::UNASSIGNED;
    nodes[7].active = false;
    nodes[7].funded = false;
    NodeList::new(ChainTip::at_height(1234), nodes).unwrap()
}

fn ask(list: &NodeList, params: Value) -> Value {
    seed::answer(list, &params, &mut ChaCha8Rng::seed_from_u64(1)).unwrap()
}

/// Last octets of the addresses, in order.
fn octets(answer: &Value) -> Vec<u8> {
    let states = answer["service_node_states"].as_array().unwrap();
    states
        .iter()
        .map(|state| {
            let ip: Ipv4Addr = state["public_ip"].as_str().unwrap().parse().unwrap();
            ip.octets()[3]
        })
        .collect()
}

/// What Session Desktop sends.
fn desktop_request() -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "get_n_service_nodes",
        "params": {
            "active_only": true,
            "fields": {
                "public_ip": true, "storage_port": true, "pubkey_x25519": true,
                "pubkey_ed25519": true, "requested_unlock_height": true, "height": true
            }
        }
    })
}

/// The rule by which Session Desktop takes or refuses an answer as a whole.
fn desktop_accepts(answer: &Value) -> bool {
    let Some(states) = answer["result"]["service_node_states"].as_array() else {
        return false;
    };
    answer["result"]["height"].is_u64()
        && !states.is_empty()
        && states.iter().all(|state| {
            state["public_ip"].is_string()
                && state["storage_port"].is_u64()
                && state["pubkey_x25519"].is_string()
                && state["pubkey_ed25519"].is_string()
                && state["requested_unlock_height"].is_u64()
        })
}

fn json_rpc(list: &NodeList, body: &str) -> Value {
    answer_json_rpc(list, body.as_bytes(), &mut ChaCha8Rng::seed_from_u64(1))
}

#[test]
fn desktop_request_answered_exactly() {
    let one = NodeList::new(ChainTip::at_height(1234), vec![node(1)]).unwrap();
    let answer = json_rpc(&one, &desktop_request().to_string());
    assert!(desktop_accepts(&answer));
    assert_eq!(
        answer,
        json!({
            "id": null,
            "jsonrpc": "2.0",
            "result": {
                "height": 1234,
                "service_node_states": [{
                    "pubkey_ed25519": "01".repeat(32),
                    "pubkey_x25519": "65".repeat(32),
                    "public_ip": "192.0.2.1",
                    "requested_unlock_height": 0,
                    "storage_port": 22021,
                }],
                "status": "OK",
            },
        })
    );
}

/// One incomplete element would make desktop throw away the whole answer.
#[test]
fn incomplete_nodes_are_left_out_of_every_answer() {
    let spoil: [fn(&mut NodeContact); 5] = [
        |c| c.ip = Ipv4Addr::UNSPECIFIED,
        |c| c.ip = Ipv4Addr::BROADCAST,
        |c| c.https_port = 0,
        |c| c.ed25519 = Ed25519PublicKey::new([0; 32]),
        |c| c.x25519 = X25519PublicKey::new([0; 32]),
    ];
    for change in spoil {
        let mut nodes: Vec<_> = (1..=9).map(node).collect();
        change(&mut nodes[4].contact);
        let list = NodeList::new(ChainTip::at_height(1234), nodes).unwrap();
        let desktop = json_rpc(&list, &desktop_request().to_string());
        assert!(desktop_accepts(&desktop));
        assert_eq!(octets(&desktop["result"]), [1, 2, 3, 4, 6, 7, 8, 9]);
        assert_eq!(octets(&ask(&list, json!({}))), [1, 2, 3, 4, 6, 7, 8, 9]);
        let limited = ask(&list, json!({ "limit": -1 }));
        assert_eq!(limited["service_node_states"].as_array().unwrap().len(), 8);
        let by_key = json!({ "service_node_pubkeys": [nodes_key(5)] });
        assert_eq!(ask(&list, by_key)["service_node_states"], json!([]));
    }
}

fn nodes_key(n: u8) -> String {
    LegacyPublicKey::new([n; 32]).to_hex()
}

#[test]
fn android_request_with_fields_as_a_list() {
    let params = json!({
        "active_only": true,
        "fields": ["public_ip", "storage_port", "pubkey_x25519", "pubkey_ed25519"],
    });
    let answer = ask(&list(), params);
    assert_eq!(octets(&answer), [1, 2, 3, 4, 5, 6, 9]);
    let state = answer["service_node_states"][0].as_object().unwrap();
    assert_eq!(
        state.keys().collect::<Vec<_>>(),
        [
            "pubkey_ed25519",
            "pubkey_x25519",
            "public_ip",
            "storage_port"
        ]
    );
    assert_eq!(
        answer.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["service_node_states", "status"]
    );
}

#[test]
fn everything_when_nothing_is_asked_for() {
    let expected = json!({
        "service_node_pubkey": nodes_key(1),
        "pubkey_ed25519": nodes_key(1),
        "pubkey_x25519": nodes_key(101),
        "public_ip": "192.0.2.1",
        "storage_port": 22021,
        "storage_lmq_port": 22020,
        "swarm_id": 0xbfff_ffff_ffff_ffffu64,
        "swarm": "bfffffffffffffff",
        "storage_server_version": [2, 11, 0],
        "funded": true,
        "active": true,
        "requested_unlock_height": 0,
    });
    let ways = [
        json!({}),
        Value::Null,
        json!({ "fields": ["all"] }),
        json!({ "fields": { "all": true, "height": true } }),
        json!({ "fields": null }),
    ];
    for params in ways {
        let answer = ask(&list(), params.clone());
        assert_eq!(answer["service_node_states"][0], expected, "{params}");
        assert_eq!(octets(&answer), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let tops = [
            "height",
            "target_height",
            "block_hash",
            "hardfork",
            "snode_revision",
            "status",
        ];
        for name in tops {
            assert!(answer.get(name).is_some(), "{name} for {params}");
        }
        assert_eq!(
            (&answer["hardfork"], &answer["snode_revision"]),
            (&json!(19), &json!(4))
        );
        assert!(answer.get("unchanged").is_none());
    }
    let decommissioned = &ask(&list(), json!({}))["service_node_states"][6];
    assert_eq!(decommissioned["swarm_id"], json!(u64::MAX));
    assert_eq!(decommissioned["active"], json!(false));
}

#[test]
fn fields_can_be_taken_away_and_unknown_ones_are_ignored() {
    let answer = ask(
        &list(),
        json!({ "fields": ["all", "-swarm_id", "-height", "-nonsense"] }),
    );
    assert!(answer.get("height").is_none());
    assert!(answer.get("block_hash").is_some());
    let state = answer["service_node_states"][0].as_object().unwrap();
    assert!(!state.contains_key("swarm_id"));
    assert_eq!(state.len(), 11);

    let answer = ask(
        &list(),
        json!({ "fields": ["public_ip", "operator_fee"], "colour": 5 }),
    );
    assert_eq!(
        answer["service_node_states"][0],
        json!({ "public_ip": "192.0.2.1" })
    );

    let answer = ask(
        &list(),
        json!({ "fields": { "public_ip": true, "swarm_id": false } }),
    );
    assert_eq!(
        answer["service_node_states"][0],
        json!({ "public_ip": "192.0.2.1" })
    );
}

#[test]
fn limits_give_samples_and_orders() {
    let list = list();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut ask =
        |limit: i64| octets(&seed::answer(&list, &json!({ "limit": limit }), &mut random).unwrap());
    let all: Vec<u8> = (1..=9).collect();
    assert_eq!(ask(0), all);
    for limit in [-1, 9, 10, i64::MAX, i64::MIN] {
        let mut found = ask(limit);
        assert_ne!(found, all, "shuffled for {limit}");
        found.sort_unstable();
        assert_eq!(found, all);
    }
    let mut seen = [0u32; 9];
    for _ in 0..900 {
        let mut found = ask(3);
        assert_eq!(found.len(), 3);
        for octet in &found {
            seen[usize::from(octet - 1)] += 1;
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 3, "no node twice");
    }
    assert!(
        seen.iter().all(|count| (220..380).contains(count)),
        "{seen:?}"
    );
}

#[test]
fn nodes_by_primary_key() {
    let keys = json!([nodes_key(3).to_uppercase(), nodes_key(8), nodes_key(200)]);
    assert_eq!(
        octets(&ask(&list(), json!({ "service_node_pubkeys": keys }))),
        [3, 8]
    );
    assert_eq!(
        octets(&ask(
            &list(),
            json!({ "service_node_pubkeys": keys, "active_only": true })
        )),
        [3]
    );
    assert_eq!(
        octets(&ask(&list(), json!({ "service_node_pubkeys": [] }))).len(),
        9
    );
}

#[test]
fn polling_by_block_hash() {
    let list = list();
    let hash = ask(&list, json!({}))["block_hash"]
        .as_str()
        .unwrap()
        .to_owned();
    for hash in [hash.clone(), hash.to_uppercase()] {
        let answer = ask(
            &list,
            json!({ "poll_block_hash": hash, "fields": ["public_ip"] }),
        );
        assert_eq!(answer, json!({ "status": "OK", "unchanged": true }));
    }
    let other = json!({ "poll_block_hash": "00".repeat(32), "fields": ["public_ip"] });
    let answer = ask(&list, other);
    assert_eq!(
        answer["block_hash"],
        json!(hash),
        "always there when polled and changed"
    );
    assert_eq!(answer["unchanged"], json!(false));
    assert_eq!(octets(&answer).len(), 9);
}

#[test]
fn wrong_types_are_refused() {
    let cases = [
        ("fields", json!("public_ip")),
        ("fields", json!([1])),
        ("fields", json!({ "public_ip": "yes" })),
        ("active_only", json!(1)),
        ("limit", json!("5")),
        ("limit", json!(1.5)),
        ("service_node_pubkeys", json!("aa")),
        ("service_node_pubkeys", json!(["aa"])),
        ("poll_block_hash", json!(7)),
    ];
    for (name, value) in cases {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let params = json!({ name: value });
        let error = seed::answer(&list(), &params, &mut random).unwrap_err();
        assert_eq!(error, RegistryError::BadParameter(name), "{params}");
        let body = json!({ "id": 1, "method": "get_service_nodes", "params": params });
        let answer = json_rpc(&list(), &body.to_string());
        assert_eq!(answer["error"]["code"], json!(-32602));
    }
}

#[test]
fn json_rpc_envelope() {
    for method in seed::METHODS {
        let body = json!({ "jsonrpc": "2.0", "id": "abc", "method": method });
        let answer = json_rpc(&list(), &body.to_string());
        assert_eq!(answer["id"], json!("abc"));
        assert_eq!(answer["jsonrpc"], json!("2.0"));
        assert_eq!(octets(&answer["result"]).len(), 9);
    }
    let refused = [
        ("", -32700),
        ("{", -32700),
        ("\u{0}", -32700),
        ("[]", -32600),
        ("5", -32600),
        ("{}", -32600),
        (r#"{"method":7}"#, -32600),
        (r#"{"method":"stop_daemon"}"#, -32601),
    ];
    for (body, code) in refused {
        let answer = json_rpc(&list(), body);
        assert_eq!(answer["error"]["code"], json!(code), "{body:?}");
        assert!(answer.get("result").is_none());
    }
}
