//! Delivering everything that waits for one node.

use bytes::Bytes;
use session_encoding::bt::{Value, parse_lenient};
use session_registry::{NodeList, RegisteredNode};
use session_storage_rpc::bulk;
use session_types::Ed25519PublicKey;

use super::{Replication, encode_command};
use crate::peers::NodeCommand;
use crate::store::{Dump, StoreError, StoredMessage};

/// Size of one push; larger ones would keep other traffic waiting.
const BATCH_BYTES: usize = bulk::DEFAULT_BATCH_BYTES;
/// Commands read at a time.
const COMMANDS: u32 = 100;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// Nothing waits any more.
    Everything,
    /// The node is not there or does not take what is sent.
    Failed,
}

/// Sends what waits for a node until nothing is left or something fails.
pub(super) async fn deliver(shared: &Replication, node: &Ed25519PublicKey) -> Delivered {
    match try_deliver(shared, node).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(%error, "cannot read what waits for another node");
            Delivered::Failed
        }
    }
}

async fn try_deliver(
    shared: &Replication,
    key: &Ed25519PublicKey,
) -> Result<Delivered, StoreError> {
    let nodes = shared.registry.snapshot();
    let Some(node) = nodes.get(key).filter(|node| node.has_complete_contact()) else {
        return Ok(Delivered::Failed);
    };
    // Commands first: a message stored after the deletion of its like must survive.
    if !deliver_commands(shared, node).await? || !deliver_messages(shared, &nodes, node).await? {
        return Ok(Delivered::Failed);
    }
    for dump in shared.store.dumps().await? {
        if dump.peer == *key && !deliver_dump(shared, &nodes, node, dump).await? {
            return Ok(Delivered::Failed);
        }
    }
    Ok(Delivered::Everything)
}

async fn deliver_commands(shared: &Replication, node: &RegisteredNode) -> Result<bool, StoreError> {
    loop {
        let commands = shared
            .store
            .waiting_commands(node.contact.ed25519, COMMANDS)
            .await?;
        if commands.is_empty() {
            return Ok(true);
        }
        for command in commands {
            let accepted = Some(command.accepted);
            let body = encode_command(&command.method, &command.params, accepted);
            let timeout = shared.timing.forward_timeout;
            let reply = shared
                .call(&node.contact, NodeCommand::StorageCc, body.into(), timeout)
                .await;
            // A refusal is final, except that the node may not know yet which swarm it is in, or
            // its database may be full.
            if !reply.is_ok_and(|reply| !reply.is_temporary() && !is_query_failure(&reply.body)) {
                return Ok(false);
            }
            shared.store.command_done(command.id).await?;
        }
    }
}

/// Whether a node says that its database failed.
fn is_query_failure(body: &[u8]) -> bool {
    parse_lenient(body).is_ok_and(|result| {
        let flag = result.get("query_failure").and_then(Value::as_i64);
        flag.is_some_and(|flag| flag != 0)
    })
}

async fn deliver_messages(
    shared: &Replication,
    nodes: &NodeList,
    node: &RegisteredNode,
) -> Result<bool, StoreError> {
    let key = node.contact.ed25519;
    loop {
        let waiting = shared.store.waiting_messages(key, BATCH_BYTES).await?;
        if waiting.is_empty() {
            return Ok(true);
        }
        let ids = waiting.iter().map(|(id, _)| *id).collect();
        let messages = waiting.into_iter().map(|(_, message)| message).collect();
        if !push(shared, nodes, node, messages).await {
            return Ok(false);
        }
        shared.store.delivered(key, ids).await?;
    }
}

async fn deliver_dump(
    shared: &Replication,
    nodes: &NodeList,
    node: &RegisteredNode,
    mut dump: Dump,
) -> Result<bool, StoreError> {
    loop {
        let (messages, reached) = shared.store.dump_page(dump, BATCH_BYTES).await?;
        if !push(shared, nodes, node, messages).await {
            return Ok(false);
        }
        shared.store.dump_reached(dump, reached).await?;
        if !dump.advance(reached) {
            return Ok(true);
        }
    }
}

/// Pushes messages in one batch, leaving out those the node's swarm does not keep. Returns
/// whether the node took them.
async fn push(
    shared: &Replication,
    nodes: &NodeList,
    node: &RegisteredNode,
    messages: Vec<StoredMessage>,
) -> bool {
    let wanted: Vec<StoredMessage> = messages
        .into_iter()
        .filter(|message| nodes.swarm_of(&message.owner) == Some(node.contact.swarm))
        .collect();
    for batch in bulk::encode(&wanted, usize::MAX) {
        let timeout = shared.timing.bulk_timeout;
        let reply = shared
            .call(
                &node.contact,
                NodeCommand::Data,
                Bytes::from(batch),
                timeout,
            )
            .await;
        if !reply.is_ok_and(|reply| reply.status == 200) {
            return false;
        }
    }
    shared.counters.bulk_delivered.add(wanted.len());
    true
}
