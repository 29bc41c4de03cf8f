use serde_json::Value;
use session_types::SwarmPubkey;

use super::owner_tree;
use crate::RpcError;
use crate::fields::{Fields, PubkeySpelling, require};
use crate::json;
use crate::wire::{DictBuilder, Reader, Tree};

/// `get_swarm`: which nodes hold a mailbox (docs/protocol/node-rpc.md section 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSwarm {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
}

impl GetSwarm {
    /// Asks about this mailbox.
    #[must_use]
    pub const fn new(owner: SwarmPubkey) -> Self {
        Self { owner }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        Ok(Self {
            owner: fields.owner(PubkeySpelling::BothSlash)?,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        DictBuilder::new()
            .put("pubkey", owner_tree(&self.owner))
            .finish()
    }
}

/// What may be asked through `oxend_request` (docs/protocol/node.md section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OxendEndpoint {
    /// The node list.
    GetServiceNodes,
    /// A registered name.
    OnsResolve,
}

impl OxendEndpoint {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetServiceNodes => "get_service_nodes",
            Self::OnsResolve => "ons_resolve",
        }
    }
}

/// `oxend_request` (docs/protocol/node-rpc.md section 7.3).
#[derive(Debug, Clone, PartialEq)]
pub struct OxendRequest {
    /// What is asked.
    pub endpoint: OxendEndpoint,
    /// Handed on unchanged; see [`crate::node_list::NodeListQuery`] for the node list's.
    pub params: Option<Value>,
}

impl OxendRequest {
    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let name = require("endpoint", fields.raw("endpoint")?)?;
        let endpoint = [OxendEndpoint::GetServiceNodes, OxendEndpoint::OnsResolve]
            .into_iter()
            .find(|endpoint| endpoint.name().as_bytes() == name)
            .ok_or_else(|| {
                let name = String::from_utf8_lossy(name);
                RpcError::invalid(format!("Invalid oxend endpoint '{name}'"))
            })?;
        let params = match fields.reader().get("params") {
            None => None,
            Some(Reader::Json(value)) => Some(value.clone()),
            Some(Reader::Bt(_)) => {
                let text = require("params", fields.raw("params")?)?;
                let value = json::parse(text).ok_or_else(|| {
                    RpcError::invalid("oxend_request params field does not contain valid json")
                })?;
                Some(value).filter(|value| !value.is_null())
            }
        };
        Ok(Self { endpoint, params })
    }

    pub(crate) fn write(&self) -> Tree {
        DictBuilder::new()
            .text("endpoint", self.endpoint.name())
            .put_some("params", self.params.clone().map(Tree::JsonText))
            .finish()
    }
}
