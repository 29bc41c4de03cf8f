//! `expire` and `expire_all` (docs/protocol/node-rpc.md sections 5.4 and 5.5).

use session_storage_rpc::request::{Expire, ExpireAll};
use session_storage_rpc::response::{Expired, ExpiredAll, HashLists};

use super::Core;
use super::delete::one;
use super::swarm_wide::{Applied, Context, SwarmWide};
use crate::store::{OutgoingCommand, StoreError};

impl SwarmWide for Expire {
    type Result = Expired;

    async fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<Expired>, StoreError> {
        let cap = |expiry| Self::capped(expiry, context.now);
        let changes = self
            .targets()
            .map(|(hash, at)| (hash.clone(), cap(at)))
            .collect();
        let mode = self.effective_mode();
        let done = core
            .store
            .expire(self.owner, changes, mode, context.now, forward)
            .await?;
        let capped = cap(self.expiry.first().copied().unwrap_or_default());
        let key = core.identity.signing_key();
        Ok(Expired::signed(key, self, capped, done.updated, done.unchanged).into())
    }
}

impl SwarmWide for ExpireAll {
    type Result = ExpiredAll;

    async fn apply(
        &self,
        core: &Core,
        _context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<ExpiredAll>, StoreError> {
        let namespace = one(self.namespace);
        let updated = core
            .store
            .expire_range(self.owner, namespace, self.expiry, forward)
            .await?;
        let lists = HashLists::new(self.namespace, updated);
        Ok(ExpiredAll::signed(core.identity.signing_key(), self, lists).into())
    }
}
