//! Messages another member pushes (docs/protocol/node.md section 5.3).

use session_crypto::hash::message_hash;
use session_storage_rpc::bulk;
use session_types::{Namespace, limits};

use super::Core;
use crate::store::StoredMessage;

/// How much later than the longest lifetime a pushed message may expire: clocks differ.
const EXPIRY_SLACK: std::time::Duration = std::time::Duration::from_secs(3600);

impl Core {
    /// Stores what is new of a batch. Returns status and text: 200 only when everything that
    /// this node keeps is committed.
    ///
    /// Hashes are computed again, so a member cannot plant data under a foreign hash. Messages
    /// of other swarms are not taken; the batch is then refused as a whole for the time being
    /// (409), because one of both nodes does not know the current list yet.
    pub(crate) async fn receive_bulk(&self, body: &[u8]) -> (u16, &'static str) {
        let Ok(rows) = bulk::decode(body) else {
            return (400, "Failed to parse messages");
        };
        let now = self.clock.now();
        let nodes = self.registry.snapshot();
        let own_swarm = self.own_swarm(&nodes);
        let received = rows.len();
        let (mut own, mut foreign) = (Vec::with_capacity(received), 0usize);
        for row in rows {
            if own_swarm.is_none() || nodes.swarm_of(&row.owner) != own_swarm {
                foreign += 1;
            } else if row.expiry > now && is_genuine(&row) {
                let latest = now.plus(limits::MAX_TTL_PRIVATE).plus(EXPIRY_SLACK);
                own.push(StoredMessage {
                    expiry: row.expiry.min(latest),
                    ..row
                });
            }
        }
        self.counters
            .bulk_refused
            .add(received - own.len() - foreign);
        match self.store.insert_bulk(own).await {
            Ok(new) => {
                self.counters.bulk_received.add(new);
                if new > 0 {
                    self.replication.reconcile.received();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "pushed messages were not stored");
                return (500, "Failed to store messages");
            }
        }
        if foreign > 0 {
            (409, "swarm mismatch")
        } else {
            (200, "OK")
        }
    }
}

/// Whether the hash belongs to the message.
fn is_genuine(row: &StoredMessage) -> bool {
    row.namespace != TESTING && message_hash(&row.owner, row.namespace, &row.data) == row.hash
}

/// Holds no messages anywhere.
const TESTING: Namespace = Namespace::new(-3741);
