//! One message through the whole system: the texts and bytes of docs/protocol/walkthrough.md.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use session_crypto::hash::message_hash;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_storage_rpc::node_list::{
    FieldSet, NodeListAnswer, NodeListQuery, NodeRecord, seed_request_text,
};
use session_storage_rpc::request::GetSwarm;
use session_storage_rpc::response::{RetrievedMessage, Stored, SwarmAnswer};
use session_storage_rpc::{
    AccountSigner, BatchResponse, CheckContext, HardFork, NoAuthMemory, NodeOutcome, Origin, Reply,
    Request, Retrieve, RetrieveResponse, Store, StoreResponse, SwarmResponse,
};
use session_types::{
    AccountId, LegacyPublicKey, MessageHash, Namespace, NodeContact, SwarmId, SwarmPubkey,
    Timestamp, nearest_swarm,
};
use sha2::{Digest as _, Sha256};

const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";
const HASH: &str = "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s";
const HF: HardFork = HardFork::new(19, 4);

/// The stored bytes of docs/protocol/client.md section 4.7.
const DATA: &str = concat!(
    "CAESiQMKABIAGoADCAYogNCV/7wxOAFCsALWQnbaZeuDvGMHHS6/kMh7wkukAD7o+hJFXji01bU3FLhNI1f6TWc2VaO++3vx802c",
    "QjFQvlSwj/YOlhOSZ18bf+rJSut6hRQt2Alws8yVYNeyCrMfcxH+y7zZend2rwdrJwxO5qfCmxpR/Quru1Yrjsc2yOBPFju8EaJI",
    "Dk1n2J4ITckvkEvcllltMgqVnrXYQRlJYbFDmZOG5kS5jvyr1exLdQa8ZK0kBsKdjTp7NkYof4ux/xtndpz4Aft+nI/2HAqt0CL3",
    "bOjWgc+3lmMd0KW1gwEqp9AI3No1ZayzNOaNd89b/pV98ciKbn5dmWk0zbsrEq8zSpARiHLmB8B8DWu5BW1yM5DgMMT2MfHY+TdU",
    "tgKb1gwwcu3ZfCkVEE4WyGALayfkx8xy67OU9zzVWkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAIAA=",
);

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes.as_ref()))
}

fn bob() -> AccountKeys {
    AccountKeys::from_seed16([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
}

fn bob_owner() -> SwarmPubkey {
    BOB.parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn hash() -> MessageHash {
    HASH.parse().unwrap()
}

fn node_key(k: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed([0xa0 + k; 32])
}

fn contact(k: u8) -> NodeContact {
    let key = node_key(k);
    NodeContact {
        ed25519: *key.public(),
        x25519: *key.to_x25519().public(),
        legacy: LegacyPublicKey::new(*key.public().as_bytes()),
        ip: Ipv4Addr::LOCALHOST,
        https_port: 43100 + u16::from(k),
        omq_port: 43200 + u16::from(k),
        swarm: SwarmId::new(if k.is_multiple_of(2) {
            1 << 62
        } else {
            3 << 62
        }),
    }
}

fn store() -> Store {
    let data = BASE64.decode(DATA.as_bytes()).unwrap();
    assert_eq!(data.len(), 398);
    Store::unsigned(bob_owner(), now(), Duration::from_secs(1_209_600), data).unwrap()
}

/// A sub-answer's text, as the result of a one-element batch holds it.
fn only_result(reply: &Reply) -> Value {
    let batch = Reply::batch(vec![reply.clone()]).body.to_json();
    batch["results"][0].clone()
}

#[test]
fn step_1_seed_request_and_answer() {
    let expected = concat!(
        r#"{"jsonrpc":"2.0","method":"get_n_service_nodes","params":{"active_only":true,"#,
        r#""fields":{"public_ip":true,"storage_port":true,"pubkey_x25519":true,"#,
        r#""pubkey_ed25519":true,"requested_unlock_height":true,"height":true}}}"#,
    );
    assert_eq!(seed_request_text(), expected);

    let request: Value = serde_json::from_str(&seed_request_text()).unwrap();
    let query = NodeListQuery::from_json(request.get("params")).unwrap();
    assert!(query.active_only);
    let nodes: Vec<NodeRecord> = (0..7)
        .map(|k| NodeRecord {
            contact: contact(k),
            version: None,
            active: true,
            funded: true,
            requested_unlock_height: 0,
        })
        .collect();
    let answer = NodeListAnswer {
        nodes,
        height: Some(1_500_000),
        ..NodeListAnswer::default()
    };
    let body = answer.to_rpc_body(&query.fields, None);
    assert_eq!(body["jsonrpc"], "2.0");
    assert_eq!(body["result"]["status"], "OK");
    assert_eq!(body["result"]["height"], 1_500_000);
    assert_eq!(
        body["result"]["service_node_states"][0],
        json!({
            "public_ip": "127.0.0.1",
            "storage_port": 43100,
            "pubkey_ed25519": "b533d8ad9fcfbdde0b481c1b334ddc3c53412fd614564e7e5afd020368d382c3",
            "pubkey_x25519": "30dd3d5bd17f04b7d32f524055fc49611f5027c6d4788bcc96110125ad608474",
            "requested_unlock_height": 0,
        })
    );
    let read = NodeListAnswer::from_rpc_body(body.to_string().as_bytes()).unwrap();
    assert_eq!(read.nodes.len(), 7);
    assert_eq!(read.nodes[6].contact.x25519, contact(6).x25519);
    assert_eq!(read.height, Some(1_500_000));

    let everything = answer.to_rpc_body(&FieldSet::all(), None);
    let read = NodeListAnswer::from_rpc_body(everything.to_string().as_bytes()).unwrap();
    assert_eq!(read, answer);
}

#[test]
fn step_2_swarm() {
    let alice: AccountId = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72"
        .parse()
        .unwrap();
    assert_eq!(
        AccountKeys::from_seed16(
            *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
        )
        .account_id(),
        alice
    );
    assert_eq!(
        Request::GetSwarm(GetSwarm::new(alice.into())).to_json_text(),
        format!(r#"{{"jsonrpc":"2.0","method":"get_swarm","params":{{"pubkey":"{alice}"}}}}"#)
    );
    let position = bob_owner().position();
    assert_eq!(position.get(), 0xb364_0e0c_5b14_f5ec);
    let swarms = [SwarmId::new(1 << 62), SwarmId::new(3 << 62)];
    assert_eq!(nearest_swarm(&swarms, position), Some(swarms[1]));

    let ask = Request::batch(vec![Request::GetSwarm(GetSwarm::new(bob_owner()))]).unwrap();
    assert_eq!(
        ask.to_json_text(),
        format!(
            r#"{{"jsonrpc":"2.0","method":"batch","params":{{"requests":[{{"method":"get_swarm","params":{{"pubkey":"{BOB}"}}}}]}}}}"#
        )
    );

    let swarm = SwarmResponse {
        swarm: swarms[1],
        nodes: [3, 1, 5].map(contact).into(),
        t: Some(Timestamp::from_ms(1_700_000_000_020)),
        hf: Some(HF),
    };
    let text = swarm.to_tree().to_json_text();
    let ed = "acf12b4acc1c660a8326aed34039efb728a5e496488240f50a932ab7aba51751";
    let x = "463cd04174d9e8461f207b01bb31b0cc3b95728161ef3806a577252caeacac09";
    let begin = format!(
        concat!(
            r#"{{"hf":[19,4],"snodes":[{{"#,
            r#""address":"iua1s1scdtuyiy3gi5jwyqxxshwkm3rsjnbrb7ek1cimxk7fn7eo.snode","#,
            r#""ip":"127.0.0.1","port":"43103","port_https":43103,"port_omq":43203,"#,
            r#""port_quic":43203,"pubkey_ed25519":"{ed}","pubkey_legacy":"{ed}","#,
            r#""pubkey_x25519":"{x}"}},{{"#
        ),
        ed = ed,
        x = x
    );
    assert!(text.starts_with(&begin), "{text}");
    assert!(
        text.ends_with(r#"}],"swarm":"c000000000000000","t":1700000000020}"#),
        "{text}"
    );
    let read = SwarmResponse::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(read, swarm);

    // A wrong node answers the same with 421, nested in a batch, as text outside of one.
    let wrong = swarm.to_wrong_swarm_reply();
    assert_eq!(only_result(&wrong)["code"], 421);
    let batch =
        BatchResponse::from_json(&Reply::batch(vec![wrong.clone()]).body.to_json()).unwrap();
    assert_eq!(batch.results[0].redirect().unwrap(), swarm);
    assert_eq!(wrong.to_onion_body(false), Value::String(text.clone()));
    let alone = json!({"code": 421, "body": text});
    let batch = BatchResponse::from_json(&json!({"results": [alone]})).unwrap();
    assert_eq!(batch.results[0].redirect().unwrap(), swarm);
}

#[test]
fn step_4_store_request() {
    let text = Request::sequence(vec![Request::Store(store())])
        .unwrap()
        .to_json_text();
    assert_eq!(text.len(), 768);
    assert_eq!(
        sha256(&text),
        "3b4b66fb7ae0185a9f81e58b638ba05eb9e6243e03dbe7fc72698d1c226ff9e4"
    );
    let Request::Sequence(parsed) = Request::from_json_body(text.as_bytes()).unwrap() else {
        panic!("not a sequence")
    };
    assert_eq!(parsed, [Request::Store(store())]);
}

#[test]
fn step_6_checks_hash_and_forwarding() {
    let store = store();
    let context = CheckContext {
        now: now(),
        origin: Origin::Client,
        hf: HF,
        revoked: false,
        memory: &NoAuthMemory,
    };
    Request::Store(store.clone()).check(&context).unwrap();
    assert_eq!(
        message_hash(&store.owner, store.namespace, &store.data),
        hash()
    );

    let forwarded = Request::Store(store.clone()).to_forward_bt().unwrap();
    assert_eq!(forwarded.len(), 503);
    assert_eq!(
        sha256(&forwarded),
        "04f25c0fac18b237830bc0c9133d396fb42724ab3af2d6d0ff92c06a35e88903"
    );
    assert_eq!(
        Request::from_forwarded("store", &forwarded).unwrap(),
        Request::Store(store.clone())
    );

    for k in [1, 5] {
        let stored = Stored::signed(&node_key(k), hash(), store.expiry, false);
        let answer = NodeOutcome::Done(stored.clone()).to_peer_answer();
        assert_eq!(answer.len(), 155);
        let begin = format!("d6:expiryi1701209600000e4:hash43:{HASH}9:signature64:");
        assert!(answer.starts_with(begin.as_bytes()));
        assert_eq!(
            NodeOutcome::from_peer_answer(&answer),
            NodeOutcome::Done(stored.clone())
        );
        stored.verify(node_key(k).public()).unwrap();
        assert!(stored.verify(node_key(3).public()).is_err());
    }
}

fn store_answer() -> StoreResponse {
    let t = Timestamp::from_ms(1_700_000_000_080);
    let expiry = store().expiry;
    let mut swarm = BTreeMap::new();
    for k in [1, 5] {
        let answer =
            NodeOutcome::Done(Stored::signed(&node_key(k), hash(), expiry, false)).to_peer_answer();
        swarm.insert(
            *node_key(k).public(),
            NodeOutcome::from_peer_answer(&answer),
        );
    }
    let own = Stored {
        t: Some(t),
        ..Stored::signed(&node_key(3), hash(), expiry, false)
    };
    swarm.insert(*node_key(3).public(), NodeOutcome::Done(own));
    SwarmAnswer {
        swarm,
        t: Some(t),
        hf: Some(HF),
    }
    .into()
}

#[test]
fn step_7_answer() {
    let reply = Reply::batch(vec![Reply::ok(store_answer().to_tree())]);
    let text = String::from_utf8(reply.to_http_body()).unwrap();
    assert_eq!(text.len(), 890);
    assert_eq!(
        sha256(&text),
        "df46e4987d345364854d7b53320ec107a0ed265f2e9bb1597522e373ebbf968f"
    );

    let wrapped = json!({"body": reply.to_onion_body(false), "status": 200}).to_string();
    assert_eq!(wrapped.len(), 968);
    assert_eq!(
        sha256(&wrapped),
        "f913089a087e6204670a93c2179646ffcc010d6b894d23a4aa046a1241e62158"
    );

    let batch = BatchResponse::from_json(&Value::String(text.clone())).unwrap();
    assert_eq!(batch.to_json().to_string(), text);
    let read = StoreResponse::from_json(batch.results[0].success().unwrap()).unwrap();
    assert_eq!(read, store_answer());
    assert_eq!(read.hash, Some(hash()));
    assert_eq!(read.t, Some(Timestamp::from_ms(1_700_000_000_080)));
    assert_eq!(read.successes().count(), 3);
    for (node, stored) in read.successes() {
        stored.verify(node).unwrap();
    }
}

#[test]
fn step_8_poll() {
    let keys = bob();
    assert_eq!(keys.account_id().to_hex(), BOB);
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let now = Timestamp::from_ms(1_700_000_001_000);
    let retrieve = |namespace, max_size| {
        Retrieve::signed(&signer, Namespace::new(namespace), now).max_size(max_size)
    };
    let requests = [(0, -2), (2, -8), (3, -8), (5, -8), (4, -8)].map(|(n, size)| retrieve(n, size));
    let r0 = Request::Retrieve(requests[0].clone());
    assert_eq!(
        r0.to_json_text().replacen(r#""jsonrpc":"2.0","#, "", 1),
        concat!(
            r#"{"method":"retrieve","params":{"namespace":0,"#,
            r#""pubkey":"05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a","#,
            r#""pubkey_ed25519":"65adc5bfb14b5363f1b50e63a431f6fe08ff5d4e8d362c1e3d4c56c9d044bfb0","#,
            r#""signature":"6Oq1s3zKnNCQv7kr6ptAF1qDCvuuCMitJ5Neb4cgLBv0NYOqIzXNt9l3Igh0vfMUWMNDKDVoREahRcSBv03bAw==","#,
            r#""timestamp":1700000001000,"last_hash":"","max_size":-2}}"#,
        )
    );
    let batch = Request::batch(requests.into_iter().map(Request::Retrieve).collect()).unwrap();
    let text = batch.to_json_text();
    assert_eq!(text.len(), 1893);
    assert_eq!(
        sha256(&text),
        "2756ec88b79d3f3ad29d6e7baf3c7fe77aca5bbcb1fff688048074270f47ada9"
    );

    let Request::Batch(parsed) = Request::from_json_body(text.as_bytes()).unwrap() else {
        panic!("not a batch")
    };
    let context = CheckContext {
        now,
        origin: Origin::Client,
        hf: HF,
        revoked: false,
        memory: &NoAuthMemory,
    };
    for request in &parsed {
        request.check(&context).unwrap();
    }

    let message = RetrievedMessage {
        hash: hash(),
        timestamp: self::now(),
        expiration: store().expiry,
        data: store().data,
    };
    let answer = RetrieveResponse {
        messages: vec![message],
        more: false,
        t: Some(Timestamp::from_ms(1_700_000_001_050)),
        hf: Some(HF),
    };
    let result = only_result(&Reply::ok(answer.clone().into_tree()));
    assert_eq!(
        result.to_string(),
        format!(
            r#"{{"body":{{"hf":[19,4],"messages":[{{"data":"{DATA}","expiration":1701209600000,"hash":"{HASH}","timestamp":1700000000000}}],"more":false,"t":1700000001050}},"code":200}}"#
        )
    );
    assert_eq!(
        RetrieveResponse::from_json(&result["body"]).unwrap(),
        answer
    );

    let next = Request::Retrieve(retrieve(0, -2).after(Some(hash())));
    assert_eq!(next.to_json()["params"]["last_hash"], HASH);
}
