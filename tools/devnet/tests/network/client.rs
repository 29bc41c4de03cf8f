//! Requests as clients send them.

use std::sync::LazyLock;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use session_devnet::{Devnet, DevnetNode};
use session_types::SwarmPubkey;

use crate::within;

/// What Session Desktop asks a seed.
pub(crate) static DESKTOP_REQUEST: LazyLock<String> = LazyLock::new(|| {
    json!({
        "jsonrpc": "2.0",
        "method": "get_n_service_nodes",
        "params": {
            "active_only": true,
            "fields": {
                "public_ip": true, "storage_port": true, "pubkey_x25519": true,
                "pubkey_ed25519": true, "requested_unlock_height": true, "height": true
            }
        }
    })
    .to_string()
});

/// A client that takes any certificate, as those of nodes do.
pub(crate) fn http() -> Client {
    // Fails when another test did it before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .build()
        .unwrap()
}

/// The seed's `result`.
pub(crate) async fn ask_seed(network: &Devnet, request: &Value) -> Value {
    let url = format!("{}json_rpc", network.seed_url());
    let answer = within(http().post(url).body(request.to_string()).send())
        .await
        .unwrap();
    let answer: Value = serde_json::from_slice(&within(answer.bytes()).await.unwrap()).unwrap();
    answer["result"].clone()
}

/// `POST /storage_rpc/v1`; `None` when the node cannot be reached.
pub(crate) async fn rpc(
    http: &Client,
    node: &DevnetNode,
    method: &str,
    params: &Value,
) -> Option<(StatusCode, Value)> {
    let url = format!("{}/storage_rpc/v1", node.contact.https_base());
    let body = json!({ "method": method, "params": params }).to_string();
    let answer = within(http.post(url).body(body).send()).await.ok()?;
    let status = answer.status();
    let bytes = within(answer.bytes()).await.ok()?;
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    Some((status, value))
}

/// An owner whose swarm is that of the node with index 0, so that tests know a member.
pub(crate) fn owner_with(network: &Devnet, index: usize) -> SwarmPubkey {
    (0u8..=255)
        .map(|n| {
            let mut key = [0; 32];
            key[0] = n;
            SwarmPubkey::new(5, key)
        })
        .find(|owner| network.swarm_of(owner).contains(&index))
        .unwrap()
}

fn hex(owner: &SwarmPubkey) -> String {
    data_encoding::HEXLOWER.encode(&owner.to_bytes())
}

fn now() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// Parameters of a `store` into namespace −10, which needs no signature to write or to read.
pub(crate) fn store_params(owner: &SwarmPubkey, data: &[u8]) -> Value {
    json!({
        "pubkey": hex(owner),
        "namespace": -10,
        "timestamp": now(),
        "ttl": 3_600_000,
        "data": data_encoding::BASE64.encode(data),
    })
}

/// What a node holds for an owner in namespace −10; `None` when it does not answer with 200.
pub(crate) async fn held(
    http: &Client,
    node: &DevnetNode,
    owner: &SwarmPubkey,
) -> Option<Vec<Vec<u8>>> {
    let params = json!({ "pubkey": hex(owner), "namespace": -10 });
    let (status, answer) = rpc(http, node, "retrieve", &params).await?;
    if status != StatusCode::OK {
        return None;
    }
    let messages = answer["messages"].as_array()?;
    messages
        .iter()
        .map(|message| {
            data_encoding::BASE64
                .decode(message["data"].as_str()?.as_bytes())
                .ok()
        })
        .collect()
}

/// `get_swarm` parameters.
pub(crate) fn swarm_params(owner: &SwarmPubkey) -> Value {
    json!({ "pubkey": hex(owner) })
}
