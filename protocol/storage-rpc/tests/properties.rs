//! Nothing that arrives makes a reader panic, and what is written can be read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use session_storage_rpc::bulk::{self, BulkMessage};
use session_storage_rpc::node_list::{NodeListAnswer, NodeListQuery};
use session_storage_rpc::response::{
    DeletedAll, Expired, ExpiriesResponse, InfoResponse, Stored, SwarmAnswer, Unrevoked,
};
use session_storage_rpc::{
    BatchResponse, Method, NodeOutcome, Request, RetrieveResponse, Store, StoreResponse,
    SwarmResponse, active_nodes,
};
use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp};

/// Keys the readers look for, so that random objects reach the code behind them.
const KEYS: [&str; 27] = [
    "method",
    "params",
    "requests",
    "pubkey",
    "pubKey",
    "data",
    "timestamp",
    "ttl",
    "expiry",
    "namespace",
    "signature",
    "subaccount",
    "subaccount_sig",
    "messages",
    "last_hash",
    "max_size",
    "if",
    "then",
    "else",
    "swarm",
    "snodes",
    "results",
    "code",
    "body",
    "hash",
    "t",
    "hf",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,70}".prop_map(Value::from),
        "[0-9a-f]{66}".prop_map(Value::from),
        "[A-Za-z0-9+/]{86}".prop_map(Value::from),
        "[A-Za-z0-9+/]{43}".prop_map(Value::from),
        proptest::sample::select(Method::ALL.map(Method::name).to_vec()).prop_map(Value::from),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((proptest::sample::select(KEYS.to_vec()), inner), 0..8).prop_map(|entries| entries
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

fn read_everything(value: &Value) {
    for method in Method::ALL {
        if let Ok(request) = Request::from_json(method.name(), value) {
            let _ = request.to_forward_bt();
            let again = Request::from_json(method.name(), &request.to_json()["params"]);
            assert_eq!(again.as_ref(), Ok(&request));
        }
    }
    let _ = BatchResponse::from_json(value);
    let _ = ExpiriesResponse::from_json(value);
    let _ = InfoResponse::from_json(value);
    let _ = NodeListAnswer::from_result(value);
    let _ = NodeListQuery::from_json(Some(value));
    let _ = RetrieveResponse::from_json(value);
    let _ = StoreResponse::from_json(value);
    let _ = SwarmAnswer::<DeletedAll>::from_json(value);
    let _ = SwarmAnswer::<Expired>::from_json(value);
    let _ = SwarmResponse::from_json(value);
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Request::from_json_body(&bytes);
        for method in Method::ALL {
            let _ = Request::from_params(method.name(), &bytes);
            let _ = Request::from_forwarded(method.name(), &bytes);
        }
        let _ = bulk::decode(&bytes);
        let _ = active_nodes::decode(&bytes);
        let _ = NodeListAnswer::from_rpc_body(&bytes);
        let _ = NodeOutcome::<Stored>::from_peer_answer(&bytes);
        let _ = NodeOutcome::<Unrevoked>::from_peer_answer(&bytes);
    }

    #[test]
    fn any_json(value in tree()) {
        read_everything(&value);
    }

    #[test]
    fn mutated_store(
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        data in vec(any::<u8>(), 0..50),
    ) {
        let owner = SwarmPubkey::new(5, [7; 32]);
        let now = Timestamp::from_ms(1_700_000_000_000);
        let store = Store::unsigned(owner, now, core::time::Duration::from_secs(60), data).unwrap();
        let request = Request::Store(store);
        let mut bt = request.to_forward_bt().unwrap();
        prop_assert_eq!(Request::from_forwarded("store", &bt), Ok(request));
        let at = at.index(bt.len());
        if let Some(slot) = bt.get_mut(at) {
            *slot = byte;
        }
        if let Ok(changed) = Request::from_forwarded("store", &bt) {
            // Whatever was understood is passed on as it was understood.
            let again = changed.to_forward_bt().unwrap();
            prop_assert_eq!(Request::from_forwarded("store", &again), Ok(changed));
        }
    }

    #[test]
    fn bulk_round_trip(
        rows in vec((any::<u8>(), any::<[u8; 32]>(), any::<i16>(), 0..u64::MAX / 2, vec(any::<u8>(), 0..400)), 0..30),
        limit in 0usize..3000,
    ) {
        let messages: Vec<BulkMessage> = rows
            .into_iter()
            .map(|(prefix, key, namespace, time, data)| BulkMessage {
                owner: SwarmPubkey::new(prefix, key),
                namespace: Namespace::new(namespace),
                hash: MessageHash::from_digest(&key),
                timestamp: Timestamp::from_ms(time),
                expiry: Timestamp::from_ms(time / 2),
                data,
            })
            .collect();
        let batches = bulk::encode(&messages, limit);
        let mut read = Vec::new();
        for batch in &batches {
            let part = bulk::decode(batch).unwrap();
            prop_assert!(part.len() == 1 || batch.len() <= limit + 3);
            read.extend(part);
        }
        prop_assert_eq!(read, messages);
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels| {
        let mut request = json!({"method": "info", "params": {}});
        for _ in 0..levels {
            request =
                json!({"method": "ifelse", "params": {"if": {"v_before": 1}, "then": request}});
        }
        Request::from_json_body(request.to_string().as_bytes())
    };
    assert!(nested(20).is_ok());
    assert!(nested(100).is_err());
    let bt = format!("{}{}", "d1:a".repeat(100_000), "i1e").into_bytes();
    assert!(Request::from_params("info", &bt).is_err());
}
