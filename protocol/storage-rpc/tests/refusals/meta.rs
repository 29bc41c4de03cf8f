use serde_json::{Value, json};
use session_storage_rpc::{HardFork, Request};

use super::{bt_refusal, parse, refusal};

#[test]
fn batches() {
    let info = json!({"method": "info", "params": {}});
    let batch = |requests: Value| refusal("batch", json!({"requests": requests}));
    let cases = [
        (
            json!([]),
            "Invalid batch request: no valid \"requests\" field",
        ),
        (
            json!({}),
            "Invalid batch request: no valid \"requests\" field",
        ),
        (
            json!(vec![info.clone(); 21]),
            "Invalid batch request: subrequest limit exceeded",
        ),
        (
            json!([5]),
            "Invalid batch request: requests must be objects",
        ),
        (
            json!([{"method": "info"}]),
            "Invalid batch request: subrequests must have method/params keys",
        ),
        (
            json!([{"method": "info", "params": []}]),
            "Invalid batch request: subrequests must have method/params keys",
        ),
        (
            json!([info, {"method": "x\"y", "params": {}}]),
            "Invalid batch subrequest: invalid method \"x\"y\"",
        ),
        (
            json!([{"method": "batch", "params": {"requests": [info]}}]),
            "Invalid batch subrequest: subrequests may not contain meta-requests",
        ),
        (
            json!([{"method": "batch", "params": {}}]),
            "Invalid batch request: no valid \"requests\" field",
        ),
        (
            json!([{"method": "get_swarm", "params": {}}]),
            "Required field 'pubkey' missing",
        ),
    ];
    for (requests, text) in cases {
        assert_eq!(batch(requests), text);
    }
    assert_eq!(
        refusal("sequence", json!({})),
        "Invalid batch request: no valid \"requests\" field"
    );
    let twenty = parse("batch", json!({"requests": vec![info; 20]})).unwrap();
    assert_eq!(twenty, Request::Batch(vec![Request::Info; 20]));

    let cases: [(&[u8], &str); 6] = [
        (b"de", "Invalid batch request: no valid \"requests\" field"),
        (
            b"d8:requestslee",
            "Invalid batch request: empty \"requests\" list",
        ),
        (
            b"d8:requestsli1eee",
            "Invalid batch request: requests must be dicts",
        ),
        (
            b"d8:requestsldeee",
            "Invalid batch request: subrequests must have a method",
        ),
        (
            b"d8:requestsld6:method4:infoeee",
            "Invalid batch request: subrequests must have a params dict",
        ),
        (
            b"d8:requestsld6:method1:x6:paramsdeeee",
            "Invalid batch subrequest: invalid method \"x\"",
        ),
    ];
    for (params, text) in cases {
        assert_eq!(bt_refusal("batch", params), text);
    }
    assert!(Request::batch(vec![Request::Info; 21]).is_err());
    assert!(Request::batch(Vec::new()).is_err());
    assert!(Request::sequence(vec![Request::Batch(vec![Request::Info])]).is_err());
}

#[test]
fn conditions() {
    let info = json!({"method": "info", "params": {}});
    let ifelse = |params: Value| refusal("ifelse", params);
    let cases = [
        (json!({}), "Invalid ifelse request: no valid \"if\" field"),
        (
            json!({"if": {}, "then": info}),
            "Invalid ifelse request: must specify at least one \"if\" condition",
        ),
        (
            json!({"if": {"hf_before": []}, "then": info}),
            "Invalid ifelse request: must specify at least one \"if\" condition",
        ),
        (
            json!({"if": {"hf_before": "x"}, "then": info}),
            "Invalid value given for 'hf_before': expected integer array",
        ),
        (
            json!({"if": {"height_before": 5}}),
            "Invalid ifelse request: at least one of \"then\"/\"else\" required",
        ),
        (
            json!({"if": {"height_before": 5}, "then": 1}),
            "Invalid ifelse request: then must be an object",
        ),
        (
            json!({"if": {"height_before": 5}, "else": {"method": "info"}}),
            "Invalid ifelse request: else must have method/params keys",
        ),
        (
            json!({"if": {"height_before": 5}, "else": {"method": "x", "params": {}}}),
            "Invalid ifelse request method \"else\"",
        ),
    ];
    for (params, text) in cases {
        assert_eq!(ifelse(params), text);
    }
    let holds = |condition: Value| {
        let params = json!({"if": condition, "then": info});
        let Request::IfElse(ifelse) = parse("ifelse", params).unwrap() else {
            panic!("no ifelse")
        };
        ifelse
            .condition
            .holds(100, HardFork::new(19, 4), [2, 11, 3])
    };
    let table = [
        (json!({"height_at_least": 100}), true),
        (json!({"height_at_least": 101}), false),
        (json!({"height_before": 101}), true),
        (json!({"height_before": 100}), false),
        (json!({"hf_at_least": 19}), true),
        (json!({"hf_at_least": [19, 4]}), true),
        (json!({"hf_at_least": [19, 5]}), false),
        (json!({"hf_before": [19, 5, 7]}), true),
        (json!({"v_at_least": [2, 9]}), true),
        (json!({"v_at_least": [2, 11, 4]}), false),
        (json!({"v_before": [3]}), true),
        (json!({"v_before": [2, 11]}), false),
        (json!({"v_before": [3], "height_before": 5}), false),
    ];
    for (condition, expected) in table {
        assert_eq!(holds(condition.clone()), expected, "{condition}");
    }
    // Meta requests may nest here.
    let nested = json!({"if": {"height_before": 5}, "else":
        {"method": "ifelse", "params": {"if": {"v_before": 2}, "then":
            {"method": "batch", "params": {"requests": [info]}}}}});
    assert!(parse("ifelse", nested).is_ok());
}
