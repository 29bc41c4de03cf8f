//! Refusals of the requests about the network and of those that hold requests.

use serde_json::{Value, json};
use session_storage_rpc::Method;

use super::Table;
use crate::support::{Network, Person};

pub(super) fn tables(_: &Network, bob: &Person) -> Vec<Table> {
    vec![
        get_swarm(bob),
        oxend_request(),
        list(Method::Batch),
        list(Method::Sequence),
        if_else(),
    ]
}

fn info() -> Value {
    json!({ "method": "info", "params": {} })
}

fn get_swarm(bob: &Person) -> Table {
    let mut table = Table::new(Method::GetSwarm, json!({ "pubkey": bob.account.to_hex() }));
    table.bad_accounts(true, "Pubkey must be 66 hex digits/33 bytes long");
    table
}

fn oxend_request() -> Table {
    let base = json!({ "endpoint": "get_service_nodes", "params": { "limit": 1 } });
    let mut table = Table::new(Method::OxendRequest, base);
    table.invalid(
        json!({ "endpoint": null }),
        "Required field 'endpoint' missing",
    );
    table.invalid(
        json!({ "endpoint": 1 }),
        "Invalid value given for 'endpoint': expected string",
    );
    for bad in ["get_block", "", "GET_SERVICE_NODES", "admin.stop"] {
        let text = format!("Invalid oxend endpoint '{bad}'");
        table.invalid(json!({ "endpoint": bad }), &text);
    }
    table
}

/// `batch` and `sequence` say the same.
fn list(method: Method) -> Table {
    let mut table = Table::new(method, json!({ "requests": vec![info(); 20] }));
    for bad in [Value::Null, json!([]), json!({}), json!("x"), json!(1)] {
        table.invalid(
            json!({ "requests": bad }),
            "Invalid batch request: no valid \"requests\" field",
        );
    }
    let one = |request: Value| json!({ "requests": [info(), request] });
    table.invalid(
        json!({ "requests": vec![info(); 21] }),
        "Invalid batch request: subrequest limit exceeded",
    );
    for bad in [json!(1), json!([]), json!("info")] {
        table.invalid(one(bad), "Invalid batch request: requests must be objects");
    }
    for bad in [
        json!({}),
        json!({ "method": "info" }),
        json!({ "params": {} }),
        json!({ "method": "info", "params": [] }),
        json!({ "method": 1, "params": {} }),
    ] {
        table.invalid(
            one(bad),
            "Invalid batch request: subrequests must have method/params keys",
        );
    }
    table.invalid(
        one(json!({ "method": "ping", "params": {} })),
        "Invalid batch subrequest: invalid method \"ping\"",
    );
    let nested = [
        json!({ "method": "batch", "params": { "requests": [info()] } }),
        json!({ "method": "sequence", "params": { "requests": [info()] } }),
        json!({ "method": "ifelse", "params": { "if": { "height_at_least": 0 }, "then": info() } }),
    ];
    for request in nested {
        table.invalid(
            one(request),
            "Invalid batch subrequest: subrequests may not contain meta-requests",
        );
    }
    // What is wrong inside is told first, without saying where.
    table.invalid(
        one(json!({ "method": "batch", "params": {} })),
        "Invalid batch request: no valid \"requests\" field",
    );
    table.invalid(
        one(json!({ "method": "get_swarm", "params": {} })),
        "Required field 'pubkey' missing",
    );
    table
}

fn if_else() -> Table {
    let base = json!({ "if": { "hf_at_least": [19] }, "then": info() });
    let mut table = Table::new(Method::IfElse, base);
    for bad in [Value::Null, json!(1), json!([])] {
        table.invalid(
            json!({ "if": bad }),
            "Invalid ifelse request: no valid \"if\" field",
        );
    }
    for bad in [
        json!({}),
        json!({ "unknown": 1 }),
        json!({ "hf_before": [] }),
    ] {
        table.invalid(
            json!({ "if": bad }),
            "Invalid ifelse request: must specify at least one \"if\" condition",
        );
    }
    table.invalid(
        json!({ "if": { "height_before": "9" } }),
        "Invalid value given for 'height_before': expected integer",
    );
    table.invalid(
        json!({ "if": { "v_before": "2.9" } }),
        "Invalid value given for 'v_before': expected integer array",
    );
    table.invalid(
        json!({ "then": null }),
        "Invalid ifelse request: at least one of \"then\"/\"else\" required",
    );
    // The branch not taken must be good too.
    for branch in ["then", "else"] {
        let text = format!("Invalid ifelse request: {branch} must be an object");
        table.invalid(json!({ branch: 5 }), &text);
        let text = format!("Invalid ifelse request: {branch} must have method/params keys");
        for bad in [
            json!({}),
            json!({ "method": "info" }),
            json!({ "params": {} }),
        ] {
            table.invalid(json!({ branch: bad }), &text);
        }
        let text = format!("Invalid ifelse request method \"{branch}\"");
        table.invalid(json!({ branch: { "method": "ping", "params": {} } }), &text);
        table.invalid(
            json!({ branch: { "method": "get_swarm", "params": {} } }),
            "Required field 'pubkey' missing",
        );
    }
    table
}
