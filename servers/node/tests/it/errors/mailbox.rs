//! Refusals of `store`, `retrieve` and `get_expiries`.

use std::time::Duration;

use serde_json::json;
use session_storage_rpc::request::GetExpiries;
use session_storage_rpc::{Request, Retrieve, Store};
use session_types::{MessageHash, Namespace};

use super::{OFF, Table, early, late};
use crate::support::{DAY, Network, Person, TWO_WEEKS};

const ACCOUNT: &str = "Pubkey must be 66 hex digits (33 bytes) long";

pub(super) fn tables(network: &Network, bob: &Person) -> Vec<Table> {
    vec![
        store(network, bob),
        private_store(network, bob),
        retrieve(network, bob),
        get_expiries(network, bob),
    ]
}

fn store(network: &Network, bob: &Person) -> Table {
    let now = network.now();
    let mut table = Table::of(&Request::Store(
        Store::unsigned(bob.owner(), now, DAY, b"new".to_vec()).unwrap(),
    ));
    let ms = now.as_ms();
    table.base = json!({ "pubkey": bob.account.to_hex(), "timestamp": ms, "ttl": 86_400_000,
        "data": "bmV3" });
    table.bad_accounts(true, ACCOUNT);
    table.bad_namespaces("16-bit integer");
    table.invalid(
        json!({ "timestamp": null }),
        "Required field 'timestamp' missing",
    );
    for bad in [json!(1.5), json!(true)] {
        table.invalid(
            json!({ "timestamp": bad }),
            "Invalid value given for 'timestamp': expected integer",
        );
    }
    table.invalid(
        json!({ "timestamp": "soon" }),
        "Invalid value given for 'timestamp': \"soon\"",
    );
    table.invalid(
        json!({ "ttl": null }),
        "Required field 'expiry' or 'ttl' missing",
    );
    table.invalid(
        json!({ "expiry": ms + 86_400_000 }),
        "Cannot specify both 'expiry' and 'ttl'",
    );
    table.invalid(
        json!({ "ttl": "abc" }),
        "Invalid value given for 'ttl': \"abc\"",
    );
    table.invalid(
        json!({ "ttl": -5 }),
        "Invalid value given for 'ttl': expected positive integer",
    );
    table.invalid(
        json!({ "ttl": null, "expiry": 1_700_000_000 / 10 }),
        "Invalid timestamp for 'expiry': timestamp must be in milliseconds",
    );
    table.invalid(json!({ "data": null }), "Required field 'data' missing");
    table.invalid(
        json!({ "data": "%%%" }),
        "Invalid 'data' value: not base64 encoded",
    );
    table.invalid(
        json!({ "data": 7 }),
        "Invalid value given for 'data': expected string",
    );
    table.invalid(
        json!({ "data": data_encoding::BASE64.encode(&[0; 76_801]) }),
        "Message body exceeds maximum allowed length of 76800 bytes",
    );
    let lifetime = "Provided expiry/TTL is not valid.";
    let fortnight = u64::try_from(TWO_WEEKS.as_millis()).unwrap();
    for ttl in [0, 9_999, fortnight + 1, u64::MAX / 4] {
        table.row(json!({ "ttl": ttl }), 403, lifetime);
    }
    table.row(json!({ "ttl": null, "expiry": ms - 1 }), 403, lifetime);
    let reserved = "namespace -3741 is reserved for testing and cannot store messages";
    table.row(json!({ "namespace": -3741 }), 403, reserved);
    let clock = "Timestamp error: check your clock";
    table.row(json!({ "timestamp": ms + 10_001 }), 406, clock);
    let gone = json!({ "timestamp": ms - 100_000, "ttl": 89_000 });
    table.row(gone, 406, clock);
    for namespace in [2, 11, -1, -11, 32_767] {
        let text = format!("store: signature required to store to namespace {namespace}");
        table.row(json!({ "namespace": namespace }), 401, text);
    }
    // Unsigned fields beside a missing signature are not even looked at, malformed ones beside
    // one that is there are.
    let bad = json!({ "signature": "AAAA" });
    table.invalid(
        bad,
        "invalid signature: expected base64 encoded Ed25519 signature",
    );
    table
}

fn private_store(network: &Network, bob: &Person) -> Table {
    let now = network.now();
    let namespace = Namespace::USER_PROFILE;
    let store = |at, ttl| {
        Request::Store(Store::signed(&bob.signer(), namespace, at, ttl, vec![1]).unwrap())
    };
    let mut table = Table::of(&store(now, 30 * DAY));
    let wrong = "store signature verification failed";
    let forged = bob.key.sign(b"something else").to_base64();
    table.row(json!({ "signature": forged }), 401, wrong);
    table.row(json!({ "namespace": 3 }), 401, wrong);
    table.row(json!({ "namespace": -1 }), 401, wrong);
    table.row(json!({ "pubkey_ed25519": null }), 401, wrong);
    table.bad_subaccounts();
    let far = "store signature timestamp too far from current time";
    table.request(&store(early(network), DAY), 406, far);
    for off in [now.minus(OFF), now.plus(OFF)] {
        table.row(json!({ "sig_timestamp": off.as_ms() }), 406, far);
    }
    let ms = Duration::from_millis(1);
    let lifetime = "Provided expiry/TTL is not valid.";
    table.request(&store(now, 30 * DAY + ms), 403, lifetime);
    table
}

fn retrieve(network: &Network, bob: &Person) -> Table {
    let at = |time| Request::Retrieve(Retrieve::signed(&bob.signer(), Namespace::DEFAULT, time));
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(true, ACCOUNT);
    table.bad_namespaces("16-bit integer");
    table.bad_signatures(network, "retrieve");
    table.bad_subaccounts();
    table.bad_times("timestamp");
    let far = "retrieve timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    let nothing = json!({ "signature": null, "timestamp": null, "pubkey_ed25519": null,
        "namespace": null });
    table.row(nothing, 401, "retrieve: request signature required");
    let hash = MessageHash::from_digest(&[1; 32]).to_string();
    table.invalid(
        json!({ "last_hash": hash, "lastHash": hash }),
        "Cannot specify both 'last_hash' and 'lastHash'",
    );
    table.invalid(
        json!({ "last_hash": &hash[..42] }),
        "Invalid last_hash: expected base64 (43 chars)",
    );
    table.invalid(
        json!({ "last_hash": "!".repeat(43) }),
        "Invalid last_hash: not base64",
    );
    table.invalid(
        json!({ "last_hash": 1 }),
        "Invalid value given for 'last_hash': expected string",
    );
    for field in ["max_count", "max_size"] {
        let text = format!("Invalid value given for '{field}': expected integer");
        for bad in [json!("5"), json!(0.5), json!([])] {
            table.invalid(json!({ field: bad }), &text);
        }
    }
    table.invalid(
        json!({ "max_count": -1 }),
        "Invalid value given for 'max_count': expected positive integer",
    );
    table
}

fn get_expiries(network: &Network, bob: &Person) -> Table {
    let hashes = [MessageHash::from_digest(&[1; 32])];
    let at =
        |time| Request::GetExpiries(GetExpiries::signed(&bob.signer(), &hashes, time).unwrap());
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "get_expiries");
    table.bad_subaccounts();
    table.bad_times("timestamp");
    let far = "get_expiries timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    table.invalid(
        json!({ "messages": null }),
        "Required field 'messages' missing",
    );
    table.invalid(
        json!({ "messages": [] }),
        "messages does not contain any message hashes",
    );
    for bad in [json!([1]), json!(1), json!({})] {
        table.invalid(
            json!({ "messages": bad }),
            "Invalid value given for 'messages': expected string array",
        );
    }
    table
}
