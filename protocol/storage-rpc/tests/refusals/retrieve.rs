use serde_json::{Value, json};
use session_storage_rpc::{Request, Retrieve};
use session_types::Namespace;

use super::{BOB, HASH, parse, refusal, signature_text, with};

#[test]
fn retrieve_parameters() {
    let owner = json!({"pubkey": BOB});
    let Request::Retrieve(plain) = parse("retrieve", owner.clone()).unwrap() else {
        panic!("no retrieve")
    };
    assert_eq!((plain.namespace, plain.auth), (Namespace::DEFAULT, None));
    // Naming a namespace that needs a signature asks for one; so does any part of a signature.
    for (key, value) in [
        ("namespace", json!(0)),
        ("namespace", json!(2)),
        ("timestamp", json!(1_700_000_000_000_u64)),
        ("pubkey_ed25519", json!("11".repeat(32))),
    ] {
        assert_eq!(
            refusal("retrieve", with(&owner, key, value)),
            "Required field 'signature' missing"
        );
    }
    for namespace in [-10, -1, -21] {
        assert!(parse("retrieve", with(&owner, "namespace", json!(namespace))).is_ok());
    }
    let signed = with(&owner, "signature", json!(signature_text()));
    assert_eq!(
        refusal("retrieve", signed),
        "Required field 'timestamp' missing"
    );

    let cases = [
        (
            "last_hash",
            json!("abc"),
            "Invalid last_hash: expected base64 (43 chars)",
        ),
        (
            "lastHash",
            json!("!".repeat(43)),
            "Invalid last_hash: not base64",
        ),
        (
            "last_hash",
            json!(7),
            "Invalid value given for 'last_hash': expected string",
        ),
        (
            "max_count",
            json!(-1),
            "Invalid value given for 'max_count': expected positive integer",
        ),
        (
            "max_count",
            json!("5"),
            "Invalid value given for 'max_count': expected integer",
        ),
        (
            "max_size",
            json!(1.0),
            "Invalid value given for 'max_size': expected integer",
        ),
        (
            "reverse_direction",
            json!(1),
            "Invalid value given for 'reverse_direction': expected boolean",
        ),
    ];
    for (key, value, text) in cases {
        assert_eq!(refusal("retrieve", with(&owner, key, value)), text);
    }
    let both = with(
        &with(&owner, "last_hash", json!(HASH)),
        "lastHash",
        json!(HASH),
    );
    assert_eq!(
        refusal("retrieve", both),
        "Cannot specify both 'last_hash' and 'lastHash'"
    );
    let Request::Retrieve(old) = parse("retrieve", with(&owner, "lastHash", json!(HASH))).unwrap()
    else {
        panic!("no retrieve")
    };
    assert_eq!(old.last_hash.unwrap().as_str(), HASH);
}

#[test]
fn retrieve_limits() {
    let owner = json!({"pubkey": BOB});
    let limit = |count: Value, size: Value| {
        let params = with(&with(&owner, "max_count", count), "max_size", size);
        let Request::Retrieve(retrieve) = parse("retrieve", params).unwrap() else {
            panic!("no retrieve")
        };
        (retrieve.row_limit(), retrieve.byte_limit())
    };
    let none = Value::Null;
    assert_eq!(limit(none.clone(), none.clone()), (None, 1_560_000));
    assert_eq!(limit(json!(0), json!(0)), (None, 1_560_000));
    assert_eq!(limit(json!(5), none.clone()), (Some(5), 7_800_000));
    assert_eq!(limit(json!(5), json!(0)), (Some(5), 7_800_000));
    assert_eq!(limit(none.clone(), json!(-2)), (None, 3_900_000));
    assert_eq!(limit(none.clone(), json!(-8)), (None, 975_000));
    assert_eq!(limit(none.clone(), json!(i64::MIN)), (None, 0));
    assert_eq!(limit(none.clone(), json!(500)), (None, 500));
    assert_eq!(limit(none, json!(i64::MAX)), (None, 7_800_000));
    // 16 messages of 70,000 bytes fit the default.
    assert_eq!(1_560_000 / Retrieve::row_cost(43, 70_000), 16);
}
