//! The JSON-RPC envelope around it: body of `POST /json_rpc`.

use rand_core::Rng;
use serde_json::{Value, json};

use crate::{NodeList, RegistryError};

/// Names of the one call a seed answers.
pub const METHODS: [&str; 3] = [
    "get_n_service_nodes",
    "get_service_nodes",
    "get_all_service_nodes",
];

/// Answers the body of a `POST /json_rpc`.
///
/// The answer always is a JSON-RPC 2.0 object to be sent with status 200 and the header
/// `Content-Type: application/json`, nothing added to it. A request without `id` is answered
/// with a null one; `jsonrpc` need not be there, and the content type of the request means
/// nothing: clients send none of them reliably.
pub fn answer_json_rpc(list: &NodeList, body: &[u8], rng: &mut impl Rng) -> Value {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return error(&Value::Null, -32700, "Parse error");
    };
    let id = request.get("id").unwrap_or(&Value::Null);
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return error(id, -32600, "Invalid Request");
    };
    if !METHODS.contains(&method) {
        return error(id, -32601, "Method not found");
    }
    let params = request.get("params").unwrap_or(&Value::Null);
    match super::answer(list, params, rng) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(RegistryError::BadParameter(name)) => {
            error(id, -32602, &format!("Invalid params: {name}"))
        }
        Err(_) => error(id, -32603, "Internal error"),
    }
}

fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
