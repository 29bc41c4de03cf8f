use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};
use session_storage_rpc::{Permissions, Request, SubaccountToken};
use session_types::Namespace;

use super::{BOB, bt_refusal, now, parse, refusal, signature_text, store_params, with};

#[test]
fn store_parameters() {
    let base = store_params();
    let Request::Store(store) = parse("store", base.clone()).unwrap() else {
        panic!("no store")
    };
    assert_eq!(store.data, b"hello");
    assert_eq!(store.namespace, Namespace::DEFAULT);
    assert_eq!(store.ttl(), Some(Duration::from_secs(60)));
    assert_eq!(store.sig_timestamp, now());
    assert_eq!(store.auth, None);

    // The spellings and forms clients use.
    let same = [
        with(&base, "data", json!("aGVsbG8")),
        with(&base, "ttl", json!("60000")),
        with(&base, "timestamp", json!("1700000000000")),
        with(
            &with(&base, "ttl", Value::Null),
            "expiry",
            json!(1_700_000_060_000_u64),
        ),
        with(&base, "pubkey", json!(BOB.to_uppercase())),
        with(&with(&base, "pubkey", Value::Null), "pubKey", json!(BOB)),
        with(&base, "unknown", json!([1, 2])),
        with(&base, "namespace", json!(0)),
        with(&base, "subaccount", json!("ignored without a signature")),
    ];
    for params in same {
        assert_eq!(
            parse("store", params.clone()).unwrap(),
            Request::Store(store.clone()),
            "{params}"
        );
    }

    let long = "A".repeat(102_404);
    let cases = [
        ("pubkey", Value::Null, "Required field 'pubkey' missing"),
        (
            "pubKey",
            json!(BOB),
            "Cannot specify both 'pubkey' and 'pubKey'",
        ),
        (
            "pubkey",
            json!(&BOB[..64]),
            "Pubkey must be 66 hex digits (33 bytes) long",
        ),
        (
            "pubkey",
            json!(format!("{}x", &BOB[..65])),
            "Pubkey must be 66 hex digits (33 bytes) long",
        ),
        (
            "pubkey",
            json!(5),
            "Invalid value given for 'pubkey': expected string",
        ),
        (
            "timestamp",
            Value::Null,
            "Required field 'timestamp' missing",
        ),
        (
            "timestamp",
            json!(1.5),
            "Invalid value given for 'timestamp': expected integer",
        ),
        (
            "timestamp",
            json!("1.5"),
            "Invalid value given for 'timestamp': \"1.5\"",
        ),
        (
            "ttl",
            Value::Null,
            "Required field 'expiry' or 'ttl' missing",
        ),
        (
            "expiry",
            json!(1_700_000_060_000_u64),
            "Cannot specify both 'expiry' and 'ttl'",
        ),
        (
            "expiry",
            json!(1_700_000),
            "Invalid timestamp for 'expiry': timestamp must be in milliseconds",
        ),
        (
            "expiry",
            json!("1700000060000"),
            "Invalid value given for 'expiry': expected integer timestamp (in milliseconds)",
        ),
        (
            "expiry",
            json!(-1),
            "Invalid value given for 'expiry': expected integer timestamp (in milliseconds)",
        ),
        (
            "ttl",
            json!("abc"),
            "Invalid value given for 'ttl': \"abc\"",
        ),
        (
            "ttl",
            json!(-5),
            "Invalid value given for 'ttl': expected positive integer",
        ),
        (
            "ttl",
            json!(true),
            "Invalid value given for 'ttl': expected positive integer",
        ),
        ("data", Value::Null, "Required field 'data' missing"),
        (
            "data",
            json!([1]),
            "Invalid value given for 'data': expected string",
        ),
        (
            "data",
            json!("a"),
            "Invalid 'data' value: not base64 encoded",
        ),
        (
            "data",
            json!("a-b_"),
            "Invalid 'data' value: not base64 encoded",
        ),
        (
            "data",
            json!("aGVsbG8=="),
            "Invalid 'data' value: not base64 encoded",
        ),
        (
            "data",
            json!(long),
            "Message body exceeds maximum allowed length of 76800 bytes",
        ),
        (
            "namespace",
            json!(32768),
            "Invalid value given for 'namespace': value out of range",
        ),
        (
            "namespace",
            json!("all"),
            "Invalid value given for 'namespace': expected 16-bit integer",
        ),
        (
            "signature",
            json!("abc"),
            "invalid signature: expected base64 encoded Ed25519 signature",
        ),
        (
            "sig_timestamp",
            json!("1700000000000"),
            "Invalid value given for 'sig_timestamp': expected integer timestamp (in milliseconds)",
        ),
    ];
    for (key, value, text) in cases {
        assert_eq!(
            refusal("store", with(&base, key, value.clone())),
            text,
            "{key}={value}"
        );
    }

    // The largest message, and one byte more.
    let largest = BASE64.encode(&vec![1; 76_800]);
    assert!(parse("store", with(&base, "data", json!(largest))).is_ok());
    let larger = BASE64.encode(&vec![1; 76_801]);
    assert_eq!(
        refusal("store", with(&base, "data", json!(larger))),
        "Message body exceeds maximum allowed length of 76800 bytes"
    );
    // Odd numbers do not overflow, and 33 raw characters are a key.
    let odd = with(
        &with(&base, "ttl", json!(u64::MAX)),
        "timestamp",
        json!(i64::MIN),
    );
    assert!(parse("store", odd).is_ok());
    let raw = with(
        &base,
        "pubkey",
        json!("\u{5}67890123456789012345678901234567"),
    );
    let Request::Store(store) = parse("store", raw).unwrap() else {
        panic!("no store")
    };
    assert_eq!(store.owner.prefix(), 5);
}

#[test]
fn store_parameters_in_bt() {
    let owner = BOB;
    let bt = |data: &str, end: &str| format!("d4:data{data}6:pubkey66:{owner}{end}e").into_bytes();
    let good = bt("2:hi", "9:timestampi1700000000000e3:ttli60000e");
    let Request::Store(store) = Request::from_bt("store", &good).unwrap() else {
        panic!("no store")
    };
    assert_eq!(store.data, b"hi");
    let cases = [
        (
            bt("i1e", ""),
            "Invalid value given for 'data': expected string",
        ),
        (
            bt("2:hi", "9:timestamp13:17000000000003:ttli60000e"),
            "Invalid value given for 'timestamp': expected integer timestamp (in milliseconds)",
        ),
        (
            bt("2:hi", "9:timestampi1700000000000e3:ttl5:60000"),
            "Invalid value given for 'ttl': expected positive integer",
        ),
        (
            bt(
                "2:hi",
                "9:signature2:hi9:timestampi1700000000000e3:ttli60000e",
            ),
            "invalid signature: expected 64-byte Ed25519 signature",
        ),
    ];
    for (params, text) in cases {
        assert_eq!(bt_refusal("store", &params), text);
    }
    let long = format!("76801:{}", "x".repeat(76_801));
    assert_eq!(
        bt_refusal(
            "store",
            &bt(&long, "9:timestampi1700000000000e3:ttli60000e")
        ),
        "Message body exceeds maximum allowed length of 76800 bytes"
    );
    let out_of_range = format!(
        "d4:data2:hi9:namespacei40000e6:pubkey66:{owner}9:timestampi1700000000000e3:ttli60000ee"
    );
    assert_eq!(
        bt_refusal("store", out_of_range.as_bytes()),
        "Invalid value given for 'namespace': expected 16-bit integer"
    );
}

#[test]
fn signatures_and_subaccounts() {
    let base = with(&store_params(), "signature", json!(signature_text()));
    let unpadded = signature_text()[..86].to_owned();
    assert_eq!(
        parse("store", base.clone()).unwrap(),
        parse("store", with(&base, "signature", json!(unpadded))).unwrap()
    );
    let group = with(&base, "pubkey", json!(format!("03{}", &BOB[2..])));
    let token = SubaccountToken::new(3, Permissions::WRITE, &[1; 32].into());
    let member = with(
        &with(&group, "subaccount", json!(BASE64.encode(token.as_bytes()))),
        "subaccount_sig",
        json!(signature_text()),
    );
    let Request::Store(store) = parse("store", member.clone()).unwrap() else {
        panic!("no store")
    };
    let subaccount = store.auth.unwrap().subaccount.unwrap();
    assert_eq!(subaccount.token, token);
    assert_eq!(
        parse("store", with(&member, "subaccount", json!(token.to_hex()))).unwrap(),
        parse("store", member.clone()).unwrap()
    );
    // An empty one is none.
    assert_eq!(
        parse("store", with(&member, "subaccount", json!(""))).unwrap(),
        parse("store", group.clone()).unwrap()
    );
    let cases = [
        (
            with(&group, "pubkey_ed25519", json!("11".repeat(32))),
            "pubkey_ed25519 is only permitted for 05[...] pubkeys",
        ),
        (
            with(&base, "pubkey_ed25519", json!("xx".repeat(32))),
            "invalid pubkey_ed25519: value is not hex",
        ),
        (
            with(&base, "pubkey_ed25519", json!("11".repeat(31))),
            "Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey",
        ),
        (
            with(&member, "subaccount_sig", Value::Null),
            "invalid subaccount: subaccount_sig is required when using subaccount",
        ),
        (
            with(&member, "subaccount", json!("abcd")),
            "invalid subaccount: expected base64 or hex-encoded subaccount token",
        ),
        (
            with(&member, "subaccount_sig", json!("abcd")),
            "invalid subaccount signature: expected base64 encoded Ed25519 signature",
        ),
        (
            with(
                &member,
                "signature",
                json!(format!("{}=A", &signature_text()[..86])),
            ),
            "invalid signature: expected base64 encoded Ed25519 signature",
        ),
    ];
    for (params, text) in cases {
        assert_eq!(refusal("store", params), text);
    }
    assert!(
        parse(
            "store",
            with(&base, "pubkey_ed25519", json!("AB".repeat(32)))
        )
        .is_ok()
    );
}
