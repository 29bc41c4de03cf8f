//! Parameters: defaults, limits, and the texts of refusals
//! (docs/protocol/node-rpc.md sections 1, 3 to 7 and 9).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::string_slice
)]

#[path = "refusals/meta.rs"]
mod meta;
#[path = "refusals/others.rs"]
mod others;
#[path = "refusals/retrieve.rs"]
mod retrieve;
#[path = "refusals/store.rs"]
mod store;

use data_encoding::BASE64;
use serde_json::{Value, json};
use session_storage_rpc::{Request, RpcError};
use session_types::Timestamp;

const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";
const HASH: &str = "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s";

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn parse(method: &str, params: Value) -> Result<Request, RpcError> {
    Request::from_json(method, &params)
}

/// The text of a 400 after `invalid request: `.
#[track_caller]
fn refusal(method: &str, params: Value) -> String {
    let error = parse(method, params).unwrap_err();
    assert_eq!(error.status, 400, "{error}");
    error
        .text
        .strip_prefix("invalid request: ")
        .unwrap()
        .to_owned()
}

#[track_caller]
fn bt_refusal(method: &str, params: &[u8]) -> String {
    let error = Request::from_bt(method, params).unwrap_err();
    assert_eq!(error.status, 400, "{error}");
    error
        .text
        .strip_prefix("invalid request: ")
        .unwrap()
        .to_owned()
}

/// `base` with one more or one other field; null removes it.
fn with(base: &Value, key: &str, value: Value) -> Value {
    let mut out = base.clone();
    if value.is_null() {
        out.as_object_mut().unwrap().remove(key);
    } else {
        out[key] = value;
    }
    out
}

fn store_params() -> Value {
    json!({"pubkey": BOB, "timestamp": 1_700_000_000_000_u64, "ttl": 60_000, "data": "aGVsbG8="})
}

fn signature_text() -> String {
    BASE64.encode(&[7; 64])
}
