//! The node list as a file, for networks without a chain: every operator gives every node the same
//! file.
//!
//! It is what a seed answers (docs/protocol/node.md section 2.3): JSON with a list
//! `service_node_states`, alone or inside `result`. Of each node it needs `pubkey_ed25519`,
//! `pubkey_x25519`, `public_ip` and `storage_port`; `storage_lmq_port` and `swarm_id` may be left
//! out. Where no node has a swarm, all are given one; the same file gives the same swarms.

use std::collections::BTreeSet;

use serde_json::Value;
use session_storage_rpc::node_list::NodeListAnswer;
use session_types::{NodeVersion, SwarmId};

use crate::assignment::{SwarmParams, Swarms, reassign};
use crate::{ChainTip, NodeList, RegisteredNode, RegistryError};

/// From this many nodes on swarms have the public network's sizes.
const LARGE: usize = 50;

/// Version of nodes whose entry names none.
const VERSION: NodeVersion = NodeVersion([2, 11, 0]);

/// Reads a node list.
///
/// # Errors
/// [`RegistryError::File`] for what is no node list, naming the entry, and
/// [`RegistryError::DuplicateKey`].
pub fn read(text: &[u8]) -> Result<NodeList, RegistryError> {
    let bad = |what: String| RegistryError::File(what);
    let mut file: Value =
        serde_json::from_slice(text).map_err(|error| bad(format!("not JSON: {error}")))?;
    if let Some(result) = file.get_mut("result") {
        file = result.take();
    }
    let entries = file
        .get_mut("service_node_states")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| bad("there is no list \"service_node_states\"".to_owned()))?;
    let has_swarm = |entry: &Value| entry.get("swarm_id").or(entry.get("swarm")).is_some();
    let with_swarm = entries.iter().filter(|entry| has_swarm(entry)).count();
    let assign = with_swarm == 0;
    if !assign && with_swarm < entries.len() {
        return Err(bad(format!(
            "{with_swarm} of {} nodes have a swarm; give all of them one, or none",
            entries.len()
        )));
    }
    for (index, entry) in entries.iter_mut().enumerate() {
        let object = entry
            .as_object_mut()
            .ok_or_else(|| bad(format!("node {}: not an object", index + 1)))?;
        if assign {
            let none = SwarmId::UNASSIGNED.get();
            object.insert("swarm_id".to_owned(), Value::from(none));
        }
    }
    // The reader of answers leaves out what it cannot use; here the operator must know.
    for (index, entry) in entries.iter().enumerate() {
        let alone = serde_json::json!({ "service_node_states": [entry] });
        if NodeListAnswer::from_result(&alone).is_ok_and(|answer| answer.nodes.is_empty()) {
            return Err(bad(format!(
                "node {}: pubkey_ed25519, pubkey_x25519, public_ip or storage_port is missing or \
                 wrong",
                index + 1
            )));
        }
    }
    let answer =
        NodeListAnswer::from_result(&file).map_err(|error| bad(format!("not a list: {error}")))?;
    let mut nodes: Vec<RegisteredNode> = answer
        .nodes
        .into_iter()
        .map(|record| RegisteredNode {
            contact: record.contact,
            version: record.version.unwrap_or(VERSION),
            active: record.active,
            funded: record.funded,
            requested_unlock_height: record.requested_unlock_height,
        })
        .collect();
    if assign {
        give_swarms(&mut nodes);
    }
    NodeList::new(ChainTip::at_height(answer.height.unwrap_or(1)), nodes)
}

fn give_swarms(nodes: &mut [RegisteredNode]) {
    let params = if nodes.len() < LARGE {
        SwarmParams::small()
    } else {
        SwarmParams::mainnet()
    };
    // In the order of the keys: the order of the file must not matter.
    let waiting: BTreeSet<_> = nodes.iter().map(|node| node.contact.legacy).collect();
    let mut swarms = Swarms::from([(SwarmId::UNASSIGNED, waiting.into_iter().collect())]);
    reassign(&params, 0, &mut swarms);
    for (swarm, members) in &swarms {
        for node in nodes.iter_mut() {
            if members.contains(&node.contact.legacy) {
                node.contact.swarm = *swarm;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(i: usize) -> String {
        let key = format!("{i:064x}");
        format!(
            r#"{{"pubkey_ed25519":"{key}","pubkey_x25519":"{key}","public_ip":"10.0.0.{i}","storage_port":22021}}"#
        )
    }

    fn file(entries: &[String]) -> String {
        format!(r#"{{"service_node_states":[{}]}}"#, entries.join(","))
    }

    fn swarms(list: &NodeList) -> Vec<(String, SwarmId)> {
        list.nodes()
            .iter()
            .map(|node| (node.contact.ed25519.to_string(), node.contact.swarm))
            .collect()
    }

    #[test]
    fn nodes_without_a_swarm_are_given_one_whatever_their_order() {
        let mut entries: Vec<String> = (1..=12).map(entry).collect();
        let list = read(file(&entries).as_bytes()).unwrap();
        assert_eq!(list.nodes().len(), 12);
        assert_eq!(list.swarm_ids().len(), 2);
        assert!(list.nodes().iter().all(RegisteredNode::serves_swarm));
        entries.reverse();
        let wrapped = format!(r#"{{"jsonrpc":"2.0","result":{}}}"#, file(&entries));
        let again = read(wrapped.as_bytes()).unwrap();
        assert_eq!(swarms(&again), swarms(&list));
    }

    #[test]
    fn given_swarms_stay() {
        let entries: Vec<String> = (1..=4)
            .map(|i| entry(i).replacen('{', r#"{"swarm_id":7,"#, 1))
            .collect();
        let list = read(file(&entries).as_bytes()).unwrap();
        assert_eq!(list.swarm_ids(), [SwarmId::new(7)]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert!(wrong("nodes").contains("not JSON"));
        assert!(wrong("{}").contains("service_node_states"));
        let bad = entry(2).replace("22021", "0");
        assert!(wrong(&file(&[entry(1), bad])).contains("node 2"));
        assert!(wrong(&file(&[entry(1), "7".to_owned()])).contains("node 2"));
        let mixed = entry(2).replacen('{', r#"{"swarm_id":7,"#, 1);
        assert!(wrong(&file(&[entry(1), mixed])).contains("1 of 2"));
        assert!(wrong(&file(&[entry(1), entry(1)])).contains("same primary key"));
    }
}
