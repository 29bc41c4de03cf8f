//! Node lists, and messages on their way from node to node
//! (docs/protocol/node.md sections 2 and 5.3; docs/protocol/node-rpc.md section 7.4).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use session_crypto::Ed25519Secret;
use session_encoding::bt;
use session_storage_rpc::bulk::{self, BulkMessage};
use session_storage_rpc::node_list::{
    FieldSet, NodeListAnswer, NodeListQuery, NodeRecord, node_request,
};
use session_storage_rpc::response::OxendResponse;
use session_storage_rpc::{HardFork, OxendEndpoint, ReadError, Request, active_nodes};
use session_types::{
    LegacyPublicKey, MessageHash, Namespace, NodeContact, NodeVersion, SwarmId, SwarmPubkey,
    Timestamp,
};

const HASH: &str = "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s";
const HF: HardFork = HardFork::new(19, 4);

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn key(k: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed([0xa0 + k; 32])
}

fn contact(k: u8) -> NodeContact {
    let key = key(k);
    NodeContact {
        ed25519: *key.public(),
        x25519: *key.to_x25519().public(),
        legacy: LegacyPublicKey::new([k; 32]),
        ip: Ipv4Addr::new(10, 0, 0, k + 1),
        https_port: 43100 + u16::from(k),
        omq_port: 43200 + u16::from(k),
        swarm: SwarmId::new(u64::MAX - 7),
    }
}

fn records() -> NodeListAnswer {
    let nodes = (0..3)
        .map(|k| NodeRecord {
            contact: contact(k),
            version: Some(NodeVersion([2, 11, u16::from(k)])),
            active: k != 2,
            funded: true,
            requested_unlock_height: u64::from(k),
        })
        .collect();
    NodeListAnswer {
        nodes,
        height: Some(9),
        target_height: Some(10),
        block_hash: Some("ab".repeat(32)),
        hard_fork: Some(HF),
        unchanged: false,
    }
}

#[test]
fn node_list_fields() {
    let list = records();
    let states = |fields: Value| {
        let query = NodeListQuery::from_json(Some(&json!({"fields": fields}))).unwrap();
        list.to_result(&query.fields)
    };
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let few = states(json!([
        "public_ip",
        "storage_port",
        "pubkey_x25519",
        "pubkey_ed25519"
    ]));
    assert_eq!(names(&few), ["service_node_states", "status"]);
    assert_eq!(
        names(&few["service_node_states"][0]),
        [
            "pubkey_ed25519",
            "pubkey_x25519",
            "public_ip",
            "storage_port"
        ]
    );
    let dict = states(json!({"height": true, "swarm_id": true, "funded": false, "whatever": true}));
    assert_eq!(names(&dict), ["height", "service_node_states", "status"]);
    assert_eq!(
        dict["service_node_states"][0],
        json!({"swarm_id": u64::MAX - 7})
    );
    let everything = list.to_result(&FieldSet::all());
    assert_eq!(states(json!(["all"])), everything);
    assert_eq!(states(json!({"all": true})), everything);
    assert_eq!(states(Value::Null), everything);
    assert_eq!(
        everything["service_node_states"][0]["swarm"],
        "fffffffffffffff8"
    );
    let without = states(json!(["all", "-swarm", "-height"]));
    assert!(without.get("height").is_none());
    assert!(without["service_node_states"][0].get("swarm").is_none());
    assert!(without["service_node_states"][0].get("swarm_id").is_some());
    assert_eq!(NodeListAnswer::from_result(&everything).unwrap(), list);

    let unchanged = NodeListAnswer {
        unchanged: true,
        nodes: Vec::new(),
        ..records()
    };
    let result = unchanged.to_result(&FieldSet::of(["height"]));
    assert_eq!(
        names(&result),
        ["block_hash", "height", "status", "unchanged"]
    );
    assert!(NodeListAnswer::from_result(&result).unwrap().unchanged);
}

#[test]
fn node_list_queries() {
    let query = |params: Value| NodeListQuery::from_json(Some(&params));
    let all = NodeListQuery::from_json(None).unwrap();
    assert_eq!((all.active_only, all.limit), (false, 0));
    assert_eq!(all.fields, FieldSet::all());
    let list = records();
    let wanted = |params: Value| -> Vec<u64> {
        let query = query(params).unwrap();
        let nodes = list.nodes.iter().filter(|node| query.wants(node));
        nodes.map(|node| node.requested_unlock_height).collect()
    };
    assert_eq!(wanted(json!({})), [0, 1, 2]);
    assert_eq!(wanted(json!({"active_only": true})), [0, 1]);
    let keys = json!({"service_node_pubkeys": [contact(2).legacy.to_hex()]});
    assert_eq!(wanted(keys), [2]);
    for bad in [
        json!({"fields": 5}),
        json!({"fields": [5]}),
        json!({"active_only": "x"}),
        json!({"limit": 1.5}),
        json!({"service_node_pubkeys": ["x"]}),
        json!({"poll_block_hash": 1}),
    ] {
        assert!(query(bad.clone()).is_err(), "{bad}");
    }
    let request = node_request();
    assert_eq!(request.endpoint, OxendEndpoint::GetServiceNodes);
    let query = NodeListQuery::from_json(request.params.as_ref()).unwrap();
    assert!(query.active_only && query.fields.contains("swarm_id"));
    assert!(!query.fields.contains("funded"));
    let answer = OxendResponse {
        result: list.to_result(&query.fields),
        t: Some(now()),
        hf: Some(HF),
    };
    let read = OxendResponse::from_json(&answer.to_tree().to_json()).unwrap();
    assert_eq!(read, answer);
    let nodes = NodeListAnswer::from_result(&read.result).unwrap().nodes;
    assert_eq!(nodes[1].contact, contact(1));
    // The same answer in bt: the swarm id exceeds the signed range.
    let bt = answer.to_tree().to_bt_bytes();
    let bt = bt::parse(&bt).unwrap();
    let states = bt
        .get("result")
        .unwrap()
        .get("service_node_states")
        .unwrap();
    assert_eq!(
        states.as_list().unwrap()[0]
            .get("swarm_id")
            .unwrap()
            .as_u64(),
        Some(u64::MAX - 7)
    );
    let text = Request::OxendRequest(request).params().to_bt_bytes();
    assert!(text.starts_with(b"d8:endpoint17:get_service_nodes6:params"));
}

#[test]
fn unusable_nodes_of_a_list_are_left_out() {
    let mut result = records().to_result(&FieldSet::all());
    let states = &mut result["service_node_states"];
    states[0]["public_ip"] = json!("0.0.0.0");
    states[1]["pubkey_x25519"] = Value::Null;
    let list = NodeListAnswer::from_result(&result).unwrap();
    assert_eq!(list.nodes, records().nodes[2..]);
    result["service_node_states"][2]["storage_port"] = json!(0);
    assert!(
        NodeListAnswer::from_result(&result)
            .unwrap()
            .nodes
            .is_empty()
    );
    assert!(NodeListAnswer::from_result(&json!({"status": "OK"})).is_err());
    assert!(NodeListAnswer::from_rpc_body(b"{}").is_err());
    assert!(NodeListAnswer::from_rpc_body(b"x").is_err());
}

#[test]
fn active_node_records() {
    let nodes: Vec<NodeContact> = (0..2)
        .map(|k| NodeContact {
            legacy: LegacyPublicKey::new(*contact(k).ed25519.as_bytes()),
            ..contact(k)
        })
        .collect();
    let version = NodeVersion([2, 300, 1]);
    let bytes = active_nodes::encode(nodes.iter().map(|node| (node, version)));
    assert_eq!(bytes.len(), 2 * active_nodes::RECORD_LEN);
    assert_eq!(
        bytes[32..51],
        [
            255, 255, 255, 255, 255, 255, 255, 248, 10, 0, 0, 1, 0xa8, 0x5c, 0xa8, 0xc0, 2, 255, 1
        ]
    );
    let read = active_nodes::decode(&bytes).unwrap();
    assert_eq!(read.len(), 2);
    for ((contact, version), node) in read.into_iter().zip(nodes) {
        assert_eq!((contact, version), (node, NodeVersion([2, 255, 1])));
    }
    assert!(active_nodes::decode(&bytes[1..]).is_err());
    // A key that is no point has no X25519 form.
    let mut broken = bytes;
    broken[..32].fill(0xff);
    assert_eq!(active_nodes::decode(&broken).unwrap().len(), 1);
}

fn bulk_message(i: u8) -> BulkMessage {
    BulkMessage {
        owner: SwarmPubkey::new(5, [i; 32]),
        namespace: Namespace::new(-i16::from(i)),
        hash: MessageHash::from_digest(&[i; 32]),
        timestamp: Timestamp::from_ms(12_345_678),
        expiry: Timestamp::from_ms(15_801_678),
        data: vec![i; usize::from(i) * 10],
    }
}

#[test]
fn bulk_data() {
    let all: Vec<BulkMessage> = (0..40).map(bulk_message).collect();
    let one = bulk::encode(&all, bulk::DEFAULT_BATCH_BYTES);
    assert_eq!(one.len(), 1);
    assert_eq!(bulk::decode(&one[0]).unwrap(), all);
    let batches = bulk::encode(&all, 1_000);
    assert!(batches.len() > 5);
    assert!(batches.iter().all(|batch| batch.len() <= 1_000));
    let read: Vec<BulkMessage> = batches
        .iter()
        .flat_map(|batch| bulk::decode(batch).unwrap())
        .collect();
    assert_eq!(read, all);
    // A message that alone exceeds the limit still goes.
    assert_eq!(bulk::encode(&all[..3], 1).len(), 3);
    assert!(bulk::encode(&[], 1_000).is_empty());
    let longest = BulkMessage {
        data: vec![0; 76_800],
        timestamp: Timestamp::from_ms(u64::MAX),
        expiry: Timestamp::from_ms(u64::MAX),
        namespace: Namespace::new(i16::MIN),
        ..bulk_message(1)
    };
    assert!(bulk::encode(&[longest], 0)[0].len() <= 76_800 + 180 + 3);
}

#[test]
fn bulk_shapes() {
    let key = "k".repeat(33);
    let row = |end: &str| format!("\u{1}ll33:{key}43:{HASH}i12345678ei15801678e5:hello{end}ee");
    let message = |text: String| bulk::decode(text.as_bytes()).map(|list| list[0].clone());
    // Releases before 2.11.3 wrote five elements, all of namespace 0.
    let five = message(row("")).unwrap();
    assert_eq!(
        (five.namespace, five.data.as_slice()),
        (Namespace::DEFAULT, b"hello".as_slice())
    );
    assert_eq!(
        message(row("i-11e")).unwrap().namespace,
        Namespace::new(-11)
    );
    // What later releases may add is stepped over.
    assert_eq!(
        message(row("i2e3:new")).unwrap().namespace,
        Namespace::new(2)
    );
    assert_eq!(message(row("i32768e")), Err(ReadError::Field("namespace")));
    assert_eq!(bulk::decode(b""), Err(ReadError::Encoding("bulk data")));
    assert_eq!(bulk::decode(b"\x02le"), Err(ReadError::Version(2)));
    assert_eq!(bulk::decode(b"\x01le"), Ok(Vec::new()));
    for garbage in [
        "\u{1}",
        "\u{1}l",
        "\u{1}lle",
        "\u{1}llee",
        "\u{1}de",
        "\u{1}lelX",
        "\u{1}li1ee",
    ] {
        assert_eq!(
            bulk::decode(garbage.as_bytes()),
            Err(ReadError::Encoding("bulk data")),
            "{garbage}"
        );
    }
    let short = row("").replacen("33:k", "32:", 1);
    assert_eq!(
        bulk::decode(short.as_bytes()),
        Err(ReadError::Field("pubkey"))
    );
    let long = row("").replacen("5:hello", &format!("76801:{}", "x".repeat(76_801)), 1);
    assert_eq!(
        bulk::decode(long.as_bytes()),
        Err(ReadError::TooMany("bytes"))
    );
    assert_eq!(
        bulk::decode(&vec![1; bulk::MAX_BATCH_BYTES + 1]),
        Err(ReadError::TooMany("bytes"))
    );
}
