//! What a node says about the network: `get_swarm`, `info`, `oxend_request`, `active_nodes_bin`
//! (docs/protocol/node-rpc.md section 7).

use serde_json::{Value, json};
use session_registry::NodeList;
use session_storage_rpc::request::GetSwarm;
use session_storage_rpc::response::{InfoResponse, OxendResponse};
use session_storage_rpc::{OxendEndpoint, OxendRequest, Reply, RpcError, Tree};
use session_types::Timestamp;

use super::names::NameQuery;
use super::{Core, hard_fork, swarm_response};

impl Core {
    pub(super) fn get_swarm(&self, request: &GetSwarm, nodes: &NodeList, now: Timestamp) -> Reply {
        Reply::ok(swarm_response(&request.owner, nodes, now).to_tree())
    }

    pub(super) fn info(&self, nodes: &NodeList, now: Timestamp) -> Reply {
        let response = InfoResponse {
            version: Some(self.version.0),
            timestamp: now,
            t: Some(now),
            hf: Some(hard_fork(nodes)),
        };
        Reply::ok(response.to_tree())
    }

    pub(super) async fn oxend(
        &self,
        request: OxendRequest,
        nodes: &NodeList,
        now: Timestamp,
    ) -> Reply {
        let params = request.params.unwrap_or(Value::Null);
        let result = match request.endpoint {
            OxendEndpoint::GetServiceNodes => {
                session_registry::seed::answer(nodes, &params, &mut rand::rng())
                    .map_err(|error| RpcError::new(400, error.to_string()))
            }
            OxendEndpoint::OnsResolve => self.resolve_name(&params).await,
        };
        match result {
            Ok(result) => {
                let hf = Some(hard_fork(nodes));
                Reply::ok(
                    OxendResponse {
                        result,
                        t: Some(now),
                        hf,
                    }
                    .to_tree(),
                )
            }
            Err(error) => error.into(),
        }
    }

    /// The result of `ons_resolve`: the encrypted value of a name, or an empty object.
    async fn resolve_name(&self, params: &Value) -> Result<Value, RpcError> {
        let query = NameQuery::from_json(params)
            .ok_or_else(|| RpcError::new(400, "invalid ons_resolve parameters"))?;
        match self.names.resolve(query).await {
            Ok(Some(record)) => Ok(record.to_json()),
            Ok(None) => Ok(json!({})),
            Err(error) => {
                tracing::warn!(%error, "a name could not be looked up");
                Err(RpcError::new(400, "Unknown oxend error"))
            }
        }
    }
}

/// The compact list of active nodes.
pub(super) fn active_nodes(nodes: &NodeList) -> Reply {
    let active = nodes
        .nodes()
        .iter()
        .filter(|node| node.serves_swarm() && node.has_complete_contact())
        .map(|node| (&node.contact, node.version));
    Reply::ok(Tree::Blob(session_storage_rpc::active_nodes::encode(
        active,
    )))
}
