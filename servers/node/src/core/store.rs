//! `store` (docs/protocol/node-rpc.md section 3).

use session_crypto::hash::message_hash;
use session_storage_rpc::response::{Stored, SwarmAnswer};
use session_storage_rpc::{Reply, Store, StoreResponse};

use super::swarm_wide::{Applied, Context, SwarmWide};
use super::{Core, Origin};
use crate::monitor::NewMessage;
use crate::store::{OutgoingCommand, StoreError, StoredMessage};

impl SwarmWide for Store {
    type Result = Stored;

    async fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<Stored>, StoreError> {
        let hash = message_hash(&self.owner, self.namespace, &self.data);
        let message = StoredMessage {
            owner: self.owner,
            namespace: self.namespace,
            hash: hash.clone(),
            timestamp: self.timestamp,
            expiry: self.expiry,
            data: self.data.clone(),
        };
        // The message itself waits for the others, not the request: repeated later the request
        // would fail its time check.
        let (inserted, sending) = match context.origin {
            Origin::Client => core.store.insert(message, forward.outbox).await?,
            Origin::Peer { .. } => {
                let inserted = core.store.insert_forwarded(message, context.now).await?;
                (inserted, None)
            }
        };
        if !inserted.already {
            let message = NewMessage {
                owner: &self.owner,
                hash: &hash,
                namespace: self.namespace,
                timestamp: self.timestamp,
                expiry: inserted.expiry,
                data: &self.data,
            };
            core.monitor.stored(message, context.now);
        }
        core.replication.follow(&self.owner, &hash).await?;
        let key = core.identity.signing_key();
        let mut result = Stored::signed(key, hash, inserted.expiry, inserted.already);
        if context.origin == Origin::Client {
            result.t = Some(context.now);
        }
        Ok(Applied { result, sending })
    }

    fn reply(&self, answer: SwarmAnswer<Stored>) -> Reply {
        let status = if answer.all_failed() { 500 } else { 200 };
        Reply::new(status, StoreResponse::from(answer).to_tree())
    }
}
