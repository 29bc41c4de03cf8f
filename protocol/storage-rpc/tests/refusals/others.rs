use serde_json::{Value, json};

use super::{BOB, HASH, bt_refusal, parse, refusal, signature_text, with};

#[test]
fn other_refusals() {
    let group = format!("03{}", &BOB[2..]);
    let base = json!({"pubkey": group, "signature": signature_text(),
        "timestamp": 1_700_000_000_000_u64});
    let messages = with(&base, "messages", json!([HASH]));
    let expiry = with(&messages, "expiry", json!(1_700_000_000_000_u64));
    let tokens = json!(vec!["11".repeat(36); 51]);
    let cases = [
        ("delete", base.clone(), "Required field 'messages' missing"),
        (
            "delete",
            with(&base, "messages", json!([])),
            "messages does not contain any message hashes",
        ),
        (
            "delete",
            with(&base, "messages", json!(["abc"])),
            "invalid message hash: abc",
        ),
        (
            "delete",
            with(&base, "messages", json!([1])),
            "Invalid value given for 'messages': expected string array",
        ),
        (
            "delete",
            with(&messages, "signature", Value::Null),
            "Required field 'signature' missing",
        ),
        (
            "delete",
            with(&messages, "required", json!(1)),
            "Invalid value given for 'required': expected boolean",
        ),
        (
            "delete_all",
            with(&base, "timestamp", Value::Null),
            "Required field 'timestamp' missing",
        ),
        (
            "delete_all",
            with(&base, "namespace", json!("x")),
            "Invalid value given for 'namespace': expected integer or \"all\"",
        ),
        (
            "delete_all",
            with(&base, "namespace", json!(-40_000)),
            "Invalid value given for 'namespace': value out of range",
        ),
        (
            "delete_before",
            base.clone(),
            "Required field 'before' missing",
        ),
        (
            "expire_all",
            base.clone(),
            "Required field 'expiry' missing",
        ),
        (
            "expire",
            messages.clone(),
            "Required field 'expiry' missing",
        ),
        (
            "expire",
            with(&messages, "expiry", json!([])),
            "'expiry' does not contain any expiration timestamps",
        ),
        (
            "expire",
            with(&messages, "expiry", json!([1, 2])),
            "'expiry' must be a single expiry, or the same length as 'messages'",
        ),
        (
            "expire",
            with(&messages, "expiry", json!([-1])),
            "Invalid value given for 'expiry': expected timestamp array",
        ),
        (
            "expire",
            with(
                &with(&expiry, "extend", json!(true)),
                "shorten",
                json!(true),
            ),
            "cannot specify both 'shorten' and 'extend'",
        ),
        (
            "get_expiries",
            with(&base, "messages", json!([])),
            "messages does not contain any message hashes",
        ),
        (
            "revoke_subaccount",
            base.clone(),
            "Required field 'revoke' missing",
        ),
        (
            "revoke_subaccount",
            with(&base, "revoke", tokens.clone()),
            "invalid revoke: cannot revoke more than 50 subaccounts at once",
        ),
        (
            "revoke_subaccount",
            with(&base, "revoke", json!("abc")),
            "invalid revoke: expected base64 or hex-encoded subaccount tag",
        ),
        (
            "unrevoke_subaccount",
            with(&base, "unrevoke", json!("abc")),
            "invalid unrevoke: expected base64 or hex-encoded subaccount tag",
        ),
        (
            "get_swarm",
            json!({"pubkey": "05"}),
            "Pubkey must be 66 hex digits/33 bytes long",
        ),
        (
            "oxend_request",
            json!({}),
            "Required field 'endpoint' missing",
        ),
        (
            "oxend_request",
            json!({"endpoint": "get_info"}),
            "Invalid oxend endpoint 'get_info'",
        ),
    ];
    for (method, params, text) in cases {
        assert_eq!(refusal(method, params.clone()), text, "{method} {params}");
    }
    // Any number of tokens may be let in again; any text may be asked for.
    assert!(parse("unrevoke_subaccount", with(&base, "unrevoke", tokens)).is_ok());
    assert!(parse("get_expiries", with(&base, "messages", json!("all"))).is_ok());
    assert_eq!(
        bt_refusal(
            "revoke_subaccount",
            format!(
                "d6:pubkey66:{group}6:revokel2:hie9:signature64:{}9:timestampi1ee",
                "x".repeat(64)
            )
            .as_bytes()
        ),
        "invalid revoke subaccount: invalid subaccount tag length"
    );
    assert_eq!(
        bt_refusal(
            "oxend_request",
            b"d8:endpoint17:get_service_nodes6:params1:{e"
        ),
        "oxend_request params field does not contain valid json"
    );
    assert!(parse("get_snodes_for_pubkey", json!({"pubKey": BOB})).is_ok());
}
