//! What a seed answers to those who ask for the node list
//! (docs/protocol/node.md sections 2.2 to 2.4, paths.md section 1.3).
//!
//! Clients refuse the whole list when one element misses one field, so nodes whose contact is
//! incomplete are left out here, whatever was asked for.

mod json_rpc;

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use rand_core::Rng;
use serde_json::{Map, Value, json};
use session_types::LegacyPublicKey;

pub use json_rpc::{METHODS, answer_json_rpc};

use crate::{NodeList, RegisteredNode, RegistryError};

/// Answers the parameters of `get_n_service_nodes`, `get_service_nodes` or
/// `get_all_service_nodes`, which are one call; the answer is what belongs into `result`.
///
/// `rng` is used for a random order when a limit is asked for.
///
/// # Errors
/// [`RegistryError::BadParameter`] when a parameter has the wrong type.
pub fn answer(list: &NodeList, params: &Value, rng: &mut impl Rng) -> Result<Value, RegistryError> {
    NodeQuery::from_json(params).map(|query| query.answer(list, rng))
}

/// A question for the node list.
///
/// | name | type | meaning |
/// |---|---|---|
/// | `fields` | list of names, or object of name to bool | what to return; `all` means everything, `-name` in a list takes one away; absent: everything |
/// | `active_only` | bool, false | only nodes that are fully staked and not decommissioned |
/// | `limit` | integer, 0 | positive and below the number of nodes: a random sample of that many; 0: all in the order of the list; else: all in random order |
/// | `service_node_pubkeys` | list of 64 hex digits | only nodes with these primary keys; empty: all |
/// | `poll_block_hash` | 64 hex digits | when it is the newest block's: the answer is `unchanged` and has no nodes |
///
/// Unknown parameters and unknown field names are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeQuery {
    fields: Fields,
    active_only: bool,
    limit: i64,
    primary_keys: BTreeSet<LegacyPublicKey>,
    poll_block_hash: Option<String>,
}

impl NodeQuery {
    /// Reads the parameters of a request. Anything but an object asks for everything.
    ///
    /// # Errors
    /// [`RegistryError::BadParameter`] when a known parameter has the wrong type.
    pub fn from_json(params: &Value) -> Result<Self, RegistryError> {
        let given = |name: &str| params.get(name).filter(|value| !value.is_null());
        let mut query = Self::default();
        if let Some(fields) = given("fields") {
            query.fields = Fields::from_json(fields)?;
        }
        if let Some(active_only) = given("active_only") {
            query.active_only = active_only
                .as_bool()
                .ok_or(RegistryError::BadParameter("active_only"))?;
        }
        if let Some(limit) = given("limit") {
            query.limit = limit.as_i64().ok_or(RegistryError::BadParameter("limit"))?;
        }
        if let Some(keys) = given("service_node_pubkeys") {
            query.primary_keys =
                primary_keys(keys).ok_or(RegistryError::BadParameter("service_node_pubkeys"))?;
        }
        if let Some(hash) = given("poll_block_hash") {
            let hash = hash
                .as_str()
                .ok_or(RegistryError::BadParameter("poll_block_hash"))?;
            query.poll_block_hash = Some(hash.to_ascii_lowercase());
        }
        Ok(query)
    }

    /// The answer of `list` to this question.
    #[must_use]
    pub fn answer(&self, list: &NodeList, rng: &mut impl Rng) -> Value {
        let tip = list.tip();
        let block_hash = HEXLOWER.encode(&tip.block_hash);
        let unchanged = self
            .poll_block_hash
            .as_ref()
            .map(|hash| *hash == block_hash);

        let mut out = Map::new();
        let mut top = |name: &str, value: Value| {
            if self.fields.wants(name) {
                out.insert(name.to_owned(), value);
            }
        };
        top("height", tip.height.into());
        top("target_height", tip.height.into());
        top("block_hash", block_hash.as_str().into());
        top("hardfork", tip.hardfork.major.into());
        top("snode_revision", tip.hardfork.revision.into());
        out.insert("status".to_owned(), "OK".into());
        if let Some(unchanged) = unchanged {
            out.insert("unchanged".to_owned(), unchanged.into());
            if unchanged {
                return Value::Object(out);
            }
            out.insert("block_hash".to_owned(), block_hash.into());
        }
        let states = self
            .select(list, rng)
            .into_iter()
            .map(|node| self.state(node))
            .collect();
        out.insert("service_node_states".to_owned(), Value::Array(states));
        Value::Object(out)
    }

    fn select<'a>(&self, list: &'a NodeList, rng: &mut impl Rng) -> Vec<&'a RegisteredNode> {
        let mut chosen: Vec<&RegisteredNode> = list
            .nodes()
            .iter()
            .filter(|node| node.has_complete_contact())
            .filter(|node| !self.active_only || (node.active && node.funded))
            .filter(|node| {
                self.primary_keys.is_empty() || self.primary_keys.contains(&node.contact.legacy)
            })
            .collect();
        if self.limit != 0 {
            shuffle(&mut chosen, rng);
            if let Ok(limit) = usize::try_from(self.limit) {
                chosen.truncate(limit);
            }
        }
        chosen
    }

    fn state(&self, node: &RegisteredNode) -> Value {
        let contact = &node.contact;
        let all = [
            ("service_node_pubkey", json!(contact.legacy)),
            ("pubkey_ed25519", json!(contact.ed25519)),
            ("pubkey_x25519", json!(contact.x25519)),
            ("public_ip", json!(contact.ip)),
            ("storage_port", json!(contact.https_port)),
            ("storage_lmq_port", json!(contact.omq_port)),
            ("swarm_id", json!(contact.swarm)),
            ("swarm", json!(contact.swarm.to_string())),
            ("storage_server_version", json!(node.version)),
            ("funded", json!(node.funded)),
            ("active", json!(node.active)),
            (
                "requested_unlock_height",
                json!(node.requested_unlock_height),
            ),
        ];
        all.into_iter()
            .filter(|(name, _)| self.fields.wants(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// Which fields an answer shall have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Fields {
    #[default]
    All,
    AllBut(BTreeSet<String>),
    These(BTreeSet<String>),
}

impl Fields {
    fn from_json(value: &Value) -> Result<Self, RegistryError> {
        let wrong = || RegistryError::BadParameter("fields");
        match value {
            Value::Array(names) => {
                let mut selected = BTreeSet::new();
                let mut removed = BTreeSet::new();
                for name in names {
                    let name = name.as_str().ok_or_else(wrong)?;
                    match name.strip_prefix('-') {
                        Some(name) => removed.insert(name.to_owned()),
                        None => selected.insert(name.to_owned()),
                    };
                }
                Ok(if selected.contains("all") {
                    Self::AllBut(removed)
                } else {
                    Self::These(&selected - &removed)
                })
            }
            Value::Object(names) => {
                let mut selected = BTreeSet::new();
                for (name, wanted) in names {
                    if wanted.as_bool().ok_or_else(wrong)? {
                        selected.insert(name.clone());
                    }
                }
                Ok(if selected.contains("all") {
                    Self::All
                } else {
                    Self::These(selected)
                })
            }
            _ => Err(wrong()),
        }
    }

    fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(removed) => !removed.contains(name),
            Self::These(selected) => selected.contains(name),
        }
    }
}

fn primary_keys(value: &Value) -> Option<BTreeSet<LegacyPublicKey>> {
    value
        .as_array()?
        .iter()
        .map(|key| key.as_str()?.parse().ok())
        .collect()
}

/// Fisher and Yates, from the end.
fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        let range = last as u128 + 1;
        let drawn = (u128::from(rng.next_u64()) * range) >> 64;
        if let Ok(other) = usize::try_from(drawn) {
            items.swap(last, other);
        }
    }
}
