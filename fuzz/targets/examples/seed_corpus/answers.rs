//! What nodes answer and tell each other.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::json;
use session_fuzz::actors::{NOW, alice, group_admin, node};
use session_storage_rpc::bulk::{self, BulkMessage};
use session_storage_rpc::monitor::{Notification, Registration};
use session_storage_rpc::node_list::{FieldSet, NodeListAnswer, NodeRecord, seed_request_text};
use session_storage_rpc::request::{Delete, DeleteAll, Expire};
use session_storage_rpc::response::{
    Deleted, DeletedAll, Expired, ExpiriesResponse, HashLists, NodeFailure, NodeResult,
    RetrievedMessage, Stored, SwarmAnswer,
};
use session_storage_rpc::stream::StreamMessage;
use session_storage_rpc::{
    AccountSigner, ExpireMode, GroupAdminSigner, HardFork, NamespaceFilter, NodeOutcome, Reply,
    RequestSigner as _, RetrieveResponse, RpcError, StoreResponse, SwarmResponse, Tree,
    active_nodes,
};
use session_types::{
    LegacyPublicKey, MessageHash, Namespace, NodeContact, NodeVersion, SwarmId, SwarmPubkey,
};

use crate::Seeds;

const HF: HardFork = HardFork::new(19, 4);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn add(seeds: &mut Seeds) {
    swarm_wide(seeds);
    others(seeds);
    lists(seeds);
    streams(seeds);
    subscriptions(seeds);
    batches(seeds);
}

fn hash(byte: u8) -> MessageHash {
    MessageHash::from_digest(&[byte; 32])
}

fn swarm_wide(seeds: &mut Seeds) {
    let alice = alice();
    let signer = AccountSigner::new(alice.account_id(), alice.ed25519());
    let own = node(1);
    let later = NOW.plus(DAY);
    let delete = Delete::signed(&signer, vec![hash(1), hash(2)]).unwrap();
    answer(seeds, Deleted::signed(&own, &delete, vec![hash(1)]));
    for filter in [
        NamespaceFilter::All,
        NamespaceFilter::One(Namespace::DEFAULT),
    ] {
        let delete = DeleteAll::signed(&signer, filter, NOW);
        let rows = [
            (Namespace::DEFAULT, hash(1)),
            (Namespace::new(-10), hash(2)),
        ];
        answer(
            seeds,
            DeletedAll::signed(&own, &delete, HashLists::new(filter, rows)),
        );
    }
    let hashes = vec![hash(1), hash(2)];
    let expire = Expire::signed(&signer, hashes, later, ExpireMode::Extend).unwrap();
    let (updated, unchanged) = ([(hash(1), later)].into(), [(hash(2), NOW)].into());
    answer(
        seeds,
        Expired::signed(&own, &expire, later, updated, unchanged),
    );
    let stored = Stored::signed(&own, hash(1), later, true);
    answer(seeds, stored.clone());
    let swarm = BTreeMap::from([
        (*own.public(), NodeOutcome::Done(stored)),
        (
            *node(2).public(),
            NodeOutcome::Failed(NodeFailure::timeout()),
        ),
        (
            *node(3).public(),
            RpcError::new(406, "check your clock").into(),
        ),
        (
            *node(4).public(),
            NodeOutcome::Failed(NodeFailure::query_failure(None)),
        ),
    ]);
    let whole = SwarmAnswer {
        swarm,
        t: Some(NOW),
        hf: Some(HF),
    };
    json(seeds, &StoreResponse::from(whole).to_tree());
    seeds.add("rpc_peer_answers", &[b"de"]);
    seeds.add("rpc_peer_answers", &[b"d5:counti3ee"]);
}

fn answer<T: NodeResult>(seeds: &mut Seeds, result: T) {
    let outcome = NodeOutcome::Done(result);
    seeds.add("rpc_peer_answers", &[&outcome.to_peer_answer()]);
    let swarm = BTreeMap::from([(*node(1).public(), outcome)]);
    let whole = SwarmAnswer {
        swarm,
        t: Some(NOW),
        hf: Some(HF),
    };
    json(seeds, &whole.to_tree());
}

fn json(seeds: &mut Seeds, tree: &Tree) {
    seeds.add("rpc_responses", &[tree.to_json_text().as_bytes()]);
}

fn others(seeds: &mut Seeds) {
    let message = RetrievedMessage {
        hash: hash(1),
        timestamp: NOW,
        expiration: NOW.plus(DAY),
        data: b"hello".to_vec(),
    };
    let retrieved = RetrieveResponse {
        messages: vec![message],
        more: true,
        t: Some(NOW),
        hf: Some(HF),
    };
    let retrieved = retrieved.into_tree();
    json(seeds, &retrieved);
    let swarm = SwarmResponse {
        swarm: SwarmId::new(7),
        nodes: vec![contact(1), contact(2)],
        t: Some(NOW),
        hf: Some(HF),
    };
    json(seeds, &swarm.to_tree());
    let expiries = ExpiriesResponse {
        expiries: [(hash(1), NOW)].into(),
    };
    json(seeds, &expiries.to_tree());
    let replies = vec![
        Reply::ok(retrieved),
        swarm.to_wrong_swarm_reply(),
        RpcError::new(401, "no").into(),
    ];
    let batch = Reply::batch(replies);
    seeds.add("rpc_responses", &[&batch.to_http_body()]);
    json(seeds, &batch.into_tree());
    for value in [
        json!({"version": [2, 8, 0], "timestamp": 1_700_000_000_000u64, "t": 1, "hf": [19, 4]}),
        json!({"result": {"block_hash": "ab"}, "t": 5}),
        json!({"condition": true, "height": 5, "hf": [19, 4], "v": [2, 8, 0], "result": {"code": 200, "body": {}}}),
        json!({"revoked_subaccounts": ["AwMAAAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"]}),
        json!("{\"expiries\":{}}"),
    ] {
        seeds.add("rpc_responses", &[value.to_string().as_bytes()]);
    }
}

fn contact(number: u8) -> NodeContact {
    let key = node(number);
    NodeContact {
        ed25519: *key.public(),
        x25519: *key.to_x25519().public(),
        legacy: LegacyPublicKey::new([number; 32]),
        ip: Ipv4Addr::new(10, 0, 0, number),
        https_port: 22021,
        omq_port: 22020,
        swarm: SwarmId::new(u64::from(number) << 60),
    }
}

fn lists(seeds: &mut Seeds) {
    let nodes: Vec<NodeRecord> = (1..4)
        .map(|number| NodeRecord {
            contact: contact(number),
            version: Some(NodeVersion([2, 8, number.into()])),
            active: true,
            funded: number != 3,
            requested_unlock_height: 0,
        })
        .collect();
    let answer = NodeListAnswer {
        nodes,
        height: Some(1_800_000),
        target_height: Some(1_800_000),
        block_hash: Some("ab".repeat(32)),
        hard_fork: Some(HF),
        unchanged: false,
    };
    let some = FieldSet::of([
        "pubkey_ed25519",
        "pubkey_x25519",
        "public_ip",
        "storage_port",
    ]);
    for fields in [FieldSet::all(), some] {
        let body = answer.to_rpc_body(&fields, None);
        seeds.add("node_list", &[body.to_string().as_bytes()]);
    }
    seeds.add("node_list", &[seed_request_text().as_bytes()]);
    for text in [
        r#"{"result":{"unchanged":true,"block_hash":"ab"}}"#,
        r#"{"fields":["all","-swarm"],"limit":-1,"service_node_pubkeys":[],"result":{"service_node_states":[]}}"#,
    ] {
        seeds.add("node_list", &[text.as_bytes()]);
    }
    for count in 0..4 {
        let nodes = answer.nodes.iter().take(count);
        let records = active_nodes::encode(
            nodes.map(|node| (&node.contact, node.version.unwrap_or(NodeVersion([0; 3])))),
        );
        seeds.add("active_nodes", &[&records]);
        seeds.add("active_nodes", &[&records, &[0xff; 51]]);
    }
}

/// Messages of a QUIC stream, behind the size of the pieces they arrive in.
fn streams(seeds: &mut Seeds) {
    let command = StreamMessage::Command {
        id: 0,
        endpoint: "info".to_owned(),
        body: b"de".to_vec(),
    };
    let reply = StreamMessage::Reply {
        id: 0,
        body: b"[200,{}]".to_vec(),
    };
    let error = StreamMessage::Error {
        id: -1,
        body: b"421 Misdirected Request\n\nli421edee".to_vec(),
    };
    let [command, reply, error] = [command, reply, error].map(|message| message.encode().unwrap());
    for (size, messages) in [
        (255, vec![&command]),
        (1, vec![&command, &reply]),
        (7, vec![&reply, &error, &command]),
    ] {
        let parts: Vec<&[u8]> = messages.iter().map(|message| message.as_slice()).collect();
        seeds.add("stream_messages", &[&[size], &parts.concat()]);
    }
    seeds.add("stream_messages", &[&[3], b"10000000:l"]);
    seeds.add("stream_messages", &[&[9], b"2:le"]);
}

/// Registrations of an account and a group, an answer, notifications.
fn subscriptions(seeds: &mut Seeds) {
    let alice = alice();
    let own = AccountSigner::new(alice.account_id(), alice.ed25519());
    let admin = group_admin();
    let group = GroupAdminSigner::new(&admin);
    let namespaces = |values: &[i16]| values.iter().copied().map(Namespace::new).collect();
    let first = Registration::signed(&own, namespaces(&[-10, 0, 5]), false, NOW).encode();
    let second = Registration::signed(&group, namespaces(&[11]), true, NOW).encode();
    seeds.add("monitor", &[&first]);
    seeds.add("monitor", &[&second]);
    seeds.add("monitor", &[b"l", &first, &second, b"e"]);
    seeds.add("monitor", &[b"d7:errcodei4e5:error3:olde"]);
    let mut notification = Notification {
        owner: own.owner(),
        hash: hash(3),
        namespace: Namespace::DEFAULT,
        timestamp: NOW,
        expiry: NOW.plus(DAY),
        data: None,
    };
    seeds.add("monitor", &[&notification.encode()]);
    notification.data = Some(b"data".to_vec());
    seeds.add("monitor", &[&notification.encode()]);
}

fn batches(seeds: &mut Seeds) {
    let message = |number: u8| BulkMessage {
        owner: SwarmPubkey::new(5, [number; 32]),
        namespace: Namespace::new(i16::from(number) - 5),
        hash: hash(number),
        timestamp: NOW,
        expiry: NOW.plus(DAY),
        data: vec![number; usize::from(number) * 3],
    };
    for count in 1..8 {
        let messages: Vec<BulkMessage> = (0..count).map(message).collect();
        for batch in bulk::encode(&messages, 1000) {
            seeds.add("rpc_bulk", &[&batch]);
        }
    }
    seeds.add("rpc_bulk", &[b"\x01le"]);
    seeds.add("rpc_bulk", &[b"\x02le"]);
}
