//! Answers: what nodes write in both encodings, and what clients make of answers that are not
//! quite like that (docs/protocol/node-rpc.md; docs/protocol/node.md sections 2, 5.3 and 10).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use session_crypto::Ed25519Secret;
use session_encoding::bt;
use session_storage_rpc::response::{
    Deleted, DeletedAll, ExpiriesResponse, HashLists, IfElseResponse, InfoResponse, NodeFailure,
    RevokedSubaccountsResponse, Stored, SwarmAnswer,
};
use session_storage_rpc::{
    BatchResponse, HardFork, NodeOutcome, Permissions, ReadError, Reply, RetrieveResponse,
    RpcError, StoreResponse, SubaccountToken, SwarmResponse, Tree, status_kind,
};
use session_types::{
    ErrorKind, LegacyPublicKey, MessageHash, Namespace, NodeContact, SwarmId, Timestamp,
};

const HASH: &str = "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s";
const HF: HardFork = HardFork::new(19, 4);

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn hash() -> MessageHash {
    HASH.parse().unwrap()
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

#[test]
fn failures_in_a_swarm_answer() {
    let outcomes: [NodeOutcome<Stored>; 5] = [
        NodeOutcome::Failed(NodeFailure::timeout()),
        RpcError::new(406, "Timestamp error: check your clock").into(),
        NodeOutcome::Failed(NodeFailure::bad_peer_response()),
        NodeOutcome::Failed(NodeFailure::query_failure(Some("disk full".into()))),
        NodeOutcome::Done(Stored::signed(&key(4), hash(), now(), true)),
    ];
    let swarm = outcomes
        .into_iter()
        .zip(0..)
        .map(|(outcome, k)| (*key(k).public(), outcome))
        .collect();
    let answer = SwarmAnswer {
        swarm,
        t: Some(now()),
        hf: Some(HF),
    };
    assert!(!answer.all_failed());
    let json = answer.to_tree().to_json();
    let entry = |k: u8| &json["swarm"][key(k).public().to_hex()];
    assert_eq!(*entry(0), json!({"failed": true, "timeout": true}));
    assert_eq!(
        *entry(1),
        json!({"failed": true, "code": "406", "reason": "Timestamp error: check your clock"})
    );
    assert_eq!(
        *entry(2),
        json!({"failed": true, "bad_peer_response": true})
    );
    assert_eq!(
        *entry(3),
        json!({"failed": true, "query_failure": true, "reason": "disk full"})
    );
    assert_eq!(entry(4)["already"], true);
    assert_eq!(SwarmAnswer::from_json(&json).unwrap(), answer);
    let store = StoreResponse::from(answer.clone());
    assert_eq!(store.hash, Some(hash()));
    assert_eq!(
        StoreResponse::from_json(&store.to_tree().to_json()).unwrap(),
        store
    );
    // Between nodes the same outcomes are bt.
    for outcome in answer.swarm.values() {
        assert_eq!(
            NodeOutcome::from_peer_answer(&outcome.to_peer_answer()),
            *outcome
        );
    }
}

#[test]
fn tolerant_reading_of_swarm_answers() {
    let node = |k: u8| key(k).public().to_hex();
    let json = json!({
        "swarm": {
            node(0): {"failed": 1, "code": 503, "reason": "Server busy"},
            node(1): {"failed": true, "code": "503"},
            node(2): {"failed": 0, "hash": HASH, "already": 1},
            node(3): {"hash": "short"},
            node(4): 17,
            "no key": {"hash": HASH},
        }
    });
    let answer = SwarmAnswer::<Stored>::from_json(&json).unwrap();
    assert_eq!((answer.t, answer.hf), (None, None));
    assert_eq!(answer.swarm.len(), 5);
    let failure = |k: u8| match &answer.swarm[key(k).public()] {
        NodeOutcome::Failed(failure) => failure.clone(),
        NodeOutcome::Done(_) => panic!("no failure"),
    };
    assert_eq!(failure(0), NodeFailure::refused(503, "Server busy"));
    assert_eq!(failure(1).code, Some(503));
    assert!(failure(3).bad_peer_response && failure(4).bad_peer_response);
    let stored = answer.swarm[key(2).public()].done().unwrap();
    assert!(stored.already && stored.signature.is_none());
    assert!(stored.verify(key(2).public()).is_err());

    let bare = StoreResponse::from_json(&json!({"hash": HASH, "t": 5})).unwrap();
    assert_eq!(
        (bare.hash, bare.t),
        (Some(hash()), Some(Timestamp::from_ms(5)))
    );
    assert_eq!(
        StoreResponse::from_json(&json!({})),
        Err(ReadError::Missing("hash"))
    );
    assert_eq!(
        StoreResponse::from_json(&json!("busy")),
        Err(ReadError::Encoding("json"))
    );
    assert_eq!(ReadError::Missing("hash").kind(), ErrorKind::BadPeer);
    for garbage in [b"".as_slice(), b"d", b"i1e", b"de", b"d4:hash2:hie", b"400"] {
        let outcome = NodeOutcome::<Stored>::from_peer_answer(garbage);
        assert_eq!(
            outcome,
            NodeOutcome::Failed(NodeFailure::bad_peer_response())
        );
    }
}

#[test]
fn lists_by_namespace() {
    let request = json!({"deleted": {"0": [HASH], "-11": []}, "signature": "x"});
    let swarm = json!({"swarm": {key(0).public().to_hex(): request}});
    let answer = SwarmAnswer::<DeletedAll>::from_json(&swarm).unwrap();
    // A signature that is none makes the whole entry unreadable.
    assert!(answer.all_failed());
    let mut lists = BTreeMap::new();
    lists.insert(Namespace::new(0), vec![hash()]);
    lists.insert(Namespace::new(-11), Vec::new());
    let deleted = DeletedAll {
        deleted: HashLists::ByNamespace(lists),
        signature: None,
    };
    let outcome = NodeOutcome::Done(deleted);
    assert_eq!(
        outcome.to_peer_answer(),
        format!("d7:deletedd3:-11le1:0l43:{HASH}eee").into_bytes()
    );
    assert_eq!(
        NodeOutcome::from_peer_answer(&outcome.to_peer_answer()),
        outcome
    );
    let one = NodeOutcome::Done(Deleted {
        deleted: vec![hash()],
        signature: None,
    });
    assert_eq!(NodeOutcome::from_peer_answer(&one.to_peer_answer()), one);
}

#[test]
fn replies() {
    let text = Reply::from(RpcError::invalid("x"));
    let object = Reply::ok(
        InfoResponse {
            version: Some([2, 11, 0]),
            timestamp: now(),
            t: Some(now()),
            hf: Some(HF),
        }
        .to_tree(),
    );
    let binary = Reply::ok(Tree::Blob(vec![0, 1, 255]));
    assert_eq!(text.to_http_body(), b"invalid request: x");
    assert_eq!(
        (text.content_type(), text.is_success()),
        ("text/plain", false)
    );
    let info = r#"{"hf":[19,4],"t":1700000000000,"timestamp":1700000000000,"version":[2,11,0]}"#;
    assert_eq!(object.to_http_body(), info.as_bytes());
    assert_eq!(
        (object.content_type(), object.is_success()),
        ("application/json", true)
    );
    assert_eq!(binary.to_http_body(), [0, 1, 255]);
    assert_eq!(binary.content_type(), "application/octet-stream");
    assert_eq!(object.to_onion_body(false), json!(info));
    assert_eq!(
        object.to_onion_body(true),
        serde_json::from_str::<Value>(info).unwrap()
    );
    assert_eq!(text.to_onion_body(true), json!("invalid request: x"));
    assert_eq!(binary.to_onion_body(false), json!("AAH/"));

    let batch = Reply::batch(vec![text, object, binary]);
    let json = String::from_utf8(batch.to_http_body()).unwrap();
    assert_eq!(
        json,
        format!(
            r#"{{"results":[{{"body":"invalid request: x","code":400}},{{"body":{info},"code":200}},{{"body":"AAH/","code":200}}]}}"#
        )
    );
    let bt = batch.body.to_bt_bytes();
    let bt = bt::parse(&bt).unwrap();
    let results = bt.get("results").unwrap().as_list().unwrap();
    assert_eq!(
        results[2].get("body").unwrap().as_bytes(),
        Some([0, 1, 255].as_slice())
    );
    assert_eq!(
        results[1].get("body").unwrap().get("t").unwrap().as_i64(),
        Some(1_700_000_000_000)
    );

    let read = BatchResponse::from_json(&serde_json::from_str(&json).unwrap()).unwrap();
    let refusal = read.results[0].success().unwrap_err();
    assert_eq!(refusal, RpcError::new(400, "invalid request: x"));
    assert_eq!(refusal.kind(), ErrorKind::BadInput);
    let info = InfoResponse::from_json(read.results[1].success().unwrap()).unwrap();
    assert_eq!(info.timestamp, now());
    assert!(read.results[0].redirect().is_none());
    for bad in [
        json!({}),
        json!({"results": [{}]}),
        json!({"results": [{"code": 70000}]}),
    ] {
        assert!(BatchResponse::from_json(&bad).is_err(), "{bad}");
    }
    let text_code = json!({"results": [{"code": "404"}]});
    assert_eq!(
        BatchResponse::from_json(&text_code).unwrap().results[0].code,
        404
    );
}

#[test]
fn kinds_of_statuses() {
    let table = [
        (400, ErrorKind::BadInput),
        (401, ErrorKind::Unauthorised),
        (403, ErrorKind::Unauthorised),
        (406, ErrorKind::Clock),
        (421, ErrorKind::BadPeer),
        (425, ErrorKind::Clock),
        (429, ErrorKind::Unreachable),
        (503, ErrorKind::Unreachable),
    ];
    for (status, kind) in table {
        assert_eq!(status_kind(status), kind, "{status}");
    }
}

#[test]
fn messages() {
    let message = json!({"hash": HASH, "timestamp": 5, "expiration": 6, "data": "aGk="});
    let read =
        |messages: Value| RetrieveResponse::from_json(&json!({"messages": messages, "more": 1}));
    let answer = read(json!([message])).unwrap();
    assert!(answer.more);
    assert_eq!(answer.messages[0].data, b"hi");
    let bt = answer.into_tree().to_bt_bytes();
    let bt = bt::parse(&bt).unwrap();
    let first = &bt.get("messages").unwrap().as_list().unwrap()[0];
    assert_eq!(
        first.get("data").unwrap().as_bytes(),
        Some(b"hi".as_slice())
    );
    for field in ["hash", "timestamp", "expiration", "data"] {
        let mut broken = message.clone();
        broken.as_object_mut().unwrap().remove(field);
        assert_eq!(read(json!([broken])), Err(ReadError::Missing(field)));
    }
    let mut broken = message;
    broken["data"] = json!("***");
    assert_eq!(read(json!([broken])), Err(ReadError::Field("data")));
    assert_eq!(
        RetrieveResponse::from_json(&json!({})),
        Err(ReadError::Missing("messages"))
    );

    let expiries = ExpiriesResponse {
        expiries: [(hash(), now())].into(),
    };
    let json = expiries.to_tree().to_json();
    assert_eq!(json, json!({"expiries": {HASH: 1_700_000_000_000_u64}}));
    assert_eq!(ExpiriesResponse::from_json(&json).unwrap(), expiries);

    let token = SubaccountToken::new(3, Permissions::READ, key(0).public());
    let revoked = RevokedSubaccountsResponse {
        revoked: vec![token],
        t: Some(now()),
        hf: Some(HF),
    };
    let json = revoked.to_tree().to_json();
    assert_eq!(
        RevokedSubaccountsResponse::from_json(&json).unwrap(),
        revoked
    );
    assert_eq!(json["revoked_subaccounts"][0].as_str().unwrap().len(), 48);
}

#[test]
fn ifelse_answer() {
    let inner = Reply::new(
        421,
        SwarmResponse {
            swarm: SwarmId::new(0xab),
            nodes: vec![contact(1)],
            t: None,
            hf: None,
        }
        .to_tree(),
    );
    let reply = IfElseResponse::reply(HF, [2, 11, 0], 77, true, Some(inner));
    let read = IfElseResponse::from_json(&reply.body.to_json()).unwrap();
    assert_eq!(
        (read.hf, read.version, read.height),
        (Some(HF), Some([2, 11, 0]), Some(77))
    );
    assert!(read.condition);
    let swarm = read.result.unwrap().redirect().unwrap();
    assert_eq!((swarm.swarm, swarm.nodes.len()), (SwarmId::new(0xab), 1));
    let reply = IfElseResponse::reply(HF, [2, 11, 0], 77, false, None);
    assert_eq!(
        IfElseResponse::from_json(&reply.body.to_json())
            .unwrap()
            .result,
        None
    );
}

#[test]
fn tolerant_reading_of_swarms() {
    let ed = contact(0).ed25519.to_hex();
    let x = contact(0).x25519.to_hex();
    let node = json!({"ip": "10.0.0.1", "port": "22021", "pubkey_ed25519": ed, "pubkey_x25519": x});
    let swarm = |nodes: Value| SwarmResponse::from_json(&json!({"snodes": nodes})).unwrap();
    let read = swarm(json!([node]));
    assert_eq!(read.swarm, SwarmId::UNASSIGNED);
    assert_eq!(read.nodes[0].https_port, 22021);
    assert_eq!(
        read.nodes[0].legacy.as_bytes(),
        read.nodes[0].ed25519.as_bytes()
    );
    for (field, value) in [
        ("ip", json!("0.0.0.0")),
        ("ip", json!("example.org")),
        ("port", json!("70000")),
        ("port", json!(0)),
        ("pubkey_ed25519", json!("abc")),
        ("pubkey_x25519", Value::Null),
    ] {
        let mut broken = node.clone();
        broken[field] = value;
        assert!(swarm(json!([broken])).nodes.is_empty(), "{field}");
    }
    let mut both = node;
    both["port_https"] = json!(443);
    assert_eq!(swarm(json!([both])).nodes[0].https_port, 443);
    let none = json!({"snodes": [], "swarm": "ffffffffffffffff"});
    assert_eq!(
        SwarmResponse::from_json(&none).unwrap().swarm,
        SwarmId::UNASSIGNED
    );
    assert!(SwarmResponse::from_json(&json!({"t": 5})).is_err());
}
