//! The node list as seeds and nodes give it: `get_n_service_nodes` at a seed,
//! `get_service_nodes` through `oxend_request` (docs/protocol/node.md section 2).

use core::net::Ipv4Addr;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use session_types::{Ed25519PublicKey, LegacyPublicKey, NodeContact, NodeVersion, SwarmId};

use crate::wire::{DictBuilder, Tree};
use crate::{HardFork, OxendEndpoint, OxendRequest, ReadError};

/// Method name of the request to a seed.
pub const SEED_METHOD: &str = "get_n_service_nodes";

/// What desktop asks a seed for, in its order.
const DESKTOP_FIELDS: [&str; 6] = [
    "public_ip",
    "storage_port",
    "pubkey_x25519",
    "pubkey_ed25519",
    "requested_unlock_height",
    "height",
];

/// Every field of the answer this crate knows, top-level ones included.
const KNOWN_FIELDS: [&str; 17] = [
    "active",
    "block_hash",
    "funded",
    "hardfork",
    "height",
    "pubkey_ed25519",
    "pubkey_x25519",
    "public_ip",
    "requested_unlock_height",
    "service_node_pubkey",
    "snode_revision",
    "storage_lmq_port",
    "storage_port",
    "storage_server_version",
    "swarm",
    "swarm_id",
    "target_height",
];

/// Which fields an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSet(BTreeSet<&'static str>);

impl FieldSet {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(KNOWN_FIELDS.into())
    }

    /// These fields; names that are not known are ignored.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(known).collect())
    }

    /// Whether this field is wanted.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Reads the `fields` parameter: a list of names (`all`, `-name` to leave one out), or a
    /// dictionary of names and `true`; nothing means everything.
    ///
    /// # Errors
    /// [`ReadError`] for anything else.
    pub fn from_json(value: Option<&Value>) -> Result<Self, ReadError> {
        match value {
            None | Some(Value::Null) => Ok(Self::all()),
            Some(Value::Object(map)) => {
                let chosen = map.iter().filter(|(_, on)| on.as_bool() != Some(false));
                Ok(Self::from_names(chosen.map(|(name, _)| name.as_str())))
            }
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names
                    .iter()
                    .map(Value::as_str)
                    .collect::<Option<_>>()
                    .ok_or(ReadError::Field("fields"))?;
                Ok(Self::from_names(names))
            }
            Some(_) => Err(ReadError::Field("fields")),
        }
    }

    fn from_names<'a>(names: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let removed = |name: &'a str| name.strip_prefix('-');
        let added: Vec<&str> = names
            .clone()
            .into_iter()
            .filter(|n| removed(n).is_none())
            .collect();
        let mut set = if added.is_empty() || added.contains(&"all") {
            Self::all()
        } else {
            Self::of(added)
        };
        for name in names.into_iter().filter_map(removed) {
            set.0.remove(name);
        }
        set
    }
}

/// The parameters of a request for the node list (docs/protocol/node.md section 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeListQuery {
    /// Which fields.
    pub fields: FieldSet,
    /// Only nodes that are fully staked and in service.
    pub active_only: bool,
    /// 0: all in their order; above 0: that many, drawn at random; otherwise all, shuffled.
    pub limit: i64,
    /// Only nodes with these primary keys.
    pub service_node_pubkeys: Option<Vec<LegacyPublicKey>>,
    /// Answer `unchanged` when this is the current top block.
    pub poll_block_hash: Option<String>,
}

impl NodeListQuery {
    /// Reads the parameters; nothing means every field of every node.
    ///
    /// # Errors
    /// [`ReadError`] naming a parameter of the wrong type.
    pub fn from_json(params: Option<&Value>) -> Result<Self, ReadError> {
        let get = |key: &str| {
            params
                .and_then(|params| params.get(key))
                .filter(|v| !v.is_null())
        };
        let pubkeys = get("service_node_pubkeys").map(|value| {
            let list = value.as_array()?;
            list.iter()
                .map(|key| key.as_str()?.parse().ok())
                .collect::<Option<Vec<_>>>()
        });
        Ok(Self {
            fields: FieldSet::from_json(get("fields"))?,
            active_only: typed(get("active_only"), Value::as_bool, "active_only")?.unwrap_or(false),
            limit: typed(get("limit"), Value::as_i64, "limit")?.unwrap_or(0),
            service_node_pubkeys: match pubkeys {
                None => None,
                Some(keys) => Some(keys.ok_or(ReadError::Field("service_node_pubkeys"))?),
            },
            poll_block_hash: typed(get("poll_block_hash"), Value::as_str, "poll_block_hash")?
                .map(str::to_owned),
        })
    }

    /// Whether the answer holds this node, as far as its state and key decide.
    #[must_use]
    pub fn wants(&self, node: &NodeRecord) -> bool {
        (!self.active_only || (node.active && node.funded))
            && self
                .service_node_pubkeys
                .as_ref()
                .is_none_or(|keys| keys.contains(&node.contact.legacy))
    }
}

/// The text of the request to a seed, exactly as desktop sends it
/// (docs/protocol/walkthrough.md step 1).
#[must_use]
pub fn seed_request_text() -> String {
    DictBuilder::new()
        .text("jsonrpc", "2.0")
        .text("method", SEED_METHOD)
        .put("params", active_with(&DESKTOP_FIELDS))
        .finish()
        .to_json_text()
}

/// The request to a node for the list, with everything a path needs to know of a node.
#[must_use]
pub fn node_request() -> OxendRequest {
    let params = active_with(&[
        "public_ip",
        "storage_port",
        "storage_lmq_port",
        "pubkey_x25519",
        "pubkey_ed25519",
        "service_node_pubkey",
        "swarm_id",
        "requested_unlock_height",
        "height",
    ]);
    OxendRequest {
        endpoint: OxendEndpoint::GetServiceNodes,
        params: Some(params.to_json()),
    }
}

fn active_with(fields: &[&'static str]) -> Tree {
    let fields = fields
        .iter()
        .map(|name| ((*name).into(), Tree::Bool(true)))
        .collect();
    DictBuilder::new()
        .put("active_only", Tree::Bool(true))
        .put("fields", Tree::Dict(fields))
        .finish()
}

/// One node of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecord {
    /// Keys, address and swarm.
    pub contact: NodeContact,
    /// Version of its storage server.
    pub version: Option<NodeVersion>,
    /// In service.
    pub active: bool,
    /// Fully staked.
    pub funded: bool,
    /// When its stake is unlocked; 0 when that is not asked for.
    pub requested_unlock_height: u64,
}

impl NodeRecord {
    /// The node as an answer with these fields shows it.
    #[must_use]
    pub fn to_json(&self, fields: &FieldSet) -> Value {
        let node = &self.contact;
        let all = [
            ("active", json!(self.active)),
            ("funded", json!(self.funded)),
            ("pubkey_ed25519", json!(node.ed25519)),
            ("pubkey_x25519", json!(node.x25519)),
            ("public_ip", json!(node.ip)),
            (
                "requested_unlock_height",
                json!(self.requested_unlock_height),
            ),
            ("service_node_pubkey", json!(node.legacy)),
            ("storage_lmq_port", json!(node.omq_port)),
            ("storage_port", json!(node.https_port)),
            (
                "storage_server_version",
                self.version.map_or(Value::Null, |v| json!(v)),
            ),
            ("swarm", json!(node.swarm.to_string())),
            ("swarm_id", json!(node.swarm)),
        ];
        let wanted = all
            .into_iter()
            .filter(|(name, v)| fields.contains(name) && !v.is_null());
        Value::Object(
            wanted
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// Reads one node; `None` when its keys, address or HTTPS port are missing or unusable.
    fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let port = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|port| u16::try_from(port).ok())
        };
        let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(true);
        let ip: Ipv4Addr = text("public_ip")?.parse().ok()?;
        if ip.is_unspecified() || ip.is_broadcast() {
            return None;
        }
        let ed25519: Ed25519PublicKey = text("pubkey_ed25519")?.parse().ok()?;
        let swarm = value
            .get("swarm_id")
            .and_then(Value::as_u64)
            .or_else(|| u64::from_str_radix(text("swarm")?, 16).ok());
        Some(Self {
            contact: NodeContact {
                ed25519,
                x25519: text("pubkey_x25519")?.parse().ok()?,
                legacy: text("service_node_pubkey")
                    .and_then(|hex| hex.parse().ok())
                    .unwrap_or(LegacyPublicKey::new(*ed25519.as_bytes())),
                ip,
                https_port: port("storage_port").filter(|port| *port != 0)?,
                omq_port: port("storage_lmq_port").unwrap_or(0),
                swarm: swarm.map_or(SwarmId::UNASSIGNED, SwarmId::new),
            },
            version: value
                .get("storage_server_version")
                .and_then(|v| serde_json::from_value(v.clone()).ok()),
            active: flag("active"),
            funded: flag("funded"),
            requested_unlock_height: value
                .get("requested_unlock_height")
                .and_then(Value::as_u64)
                .unwrap_or(0),
        })
    }
}

/// The node list and what is said about the chain with it
/// (docs/protocol/node.md section 2.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeListAnswer {
    /// The nodes.
    pub nodes: Vec<NodeRecord>,
    /// Height of the newest block.
    pub height: Option<u64>,
    /// Height the chain is believed to have.
    pub target_height: Option<u64>,
    /// Hash of the newest block, hex.
    pub block_hash: Option<String>,
    /// Rules of the network.
    pub hard_fork: Option<HardFork>,
    /// The poll found nothing new; there are no nodes in the answer.
    pub unchanged: bool,
}

impl NodeListAnswer {
    /// The `result` object with these fields.
    #[must_use]
    pub fn to_result(&self, fields: &FieldSet) -> Value {
        let mut result = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                result.insert(key.to_owned(), value);
            }
        };
        let top = |key: &str, value: Option<Value>| value.filter(|_| fields.contains(key));
        let hash = self.block_hash.as_ref().map(|hash| json!(hash));
        put(
            "block_hash",
            if self.unchanged {
                hash
            } else {
                top("block_hash", hash)
            },
        );
        put(
            "hardfork",
            top("hardfork", self.hard_fork.map(|hf| json!(hf.version))),
        );
        put(
            "height",
            top("height", self.height.map(|height| json!(height))),
        );
        if !self.unchanged {
            let nodes = self.nodes.iter().map(|node| node.to_json(fields)).collect();
            put("service_node_states", Some(Value::Array(nodes)));
        }
        put(
            "snode_revision",
            top(
                "snode_revision",
                self.hard_fork.map(|hf| json!(hf.revision)),
            ),
        );
        put("status", Some(json!("OK")));
        put(
            "target_height",
            top(
                "target_height",
                self.target_height.map(|height| json!(height)),
            ),
        );
        put("unchanged", self.unchanged.then_some(Value::Bool(true)));
        Value::Object(result)
    }

    /// The body of a seed's answer.
    #[must_use]
    pub fn to_rpc_body(&self, fields: &FieldSet, id: Option<&Value>) -> Value {
        let mut body = Map::new();
        if let Some(id) = id {
            body.insert("id".to_owned(), id.clone());
        }
        body.insert("jsonrpc".to_owned(), json!("2.0"));
        body.insert("result".to_owned(), self.to_result(fields));
        Value::Object(body)
    }

    /// Reads a seed's answer. Nodes without usable keys or address are left out.
    ///
    /// # Errors
    /// [`ReadError`] when it is not JSON or holds no list of nodes.
    pub fn from_rpc_body(body: &[u8]) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_slice(body).map_err(|_| ReadError::Encoding("json"))?;
        Self::from_result(value.get("result").ok_or(ReadError::Missing("result"))?)
    }

    /// Reads the `result` object.
    ///
    /// # Errors
    /// [`ReadError`] when it holds no list of nodes and is not marked as unchanged.
    pub fn from_result(result: &Value) -> Result<Self, ReadError> {
        let number = |key: &str| result.get(key).and_then(Value::as_u64);
        let small = |key: &str| number(key).and_then(|n| u32::try_from(n).ok());
        let unchanged = result
            .get("unchanged")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let nodes = match result.get("service_node_states") {
            Some(Value::Array(nodes)) => nodes.iter().filter_map(NodeRecord::from_json).collect(),
            None if unchanged => Vec::new(),
            _ => return Err(ReadError::Missing("service_node_states")),
        };
        Ok(Self {
            nodes,
            height: number("height"),
            target_height: number("target_height"),
            block_hash: result
                .get("block_hash")
                .and_then(Value::as_str)
                .map(str::to_owned),
            hard_fork: small("hardfork")
                .map(|version| HardFork::new(version, small("snode_revision").unwrap_or(0))),
            unchanged,
        })
    }
}

fn known(name: &str) -> Option<&'static str> {
    KNOWN_FIELDS.into_iter().find(|field| *field == name)
}

fn typed<'a, T>(
    value: Option<&'a Value>,
    read: impl Fn(&'a Value) -> Option<T>,
    name: &'static str,
) -> Result<Option<T>, ReadError> {
    value
        .map(|value| read(value).ok_or(ReadError::Field(name)))
        .transpose()
}
