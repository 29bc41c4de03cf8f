//! `delete`, `delete_all`, `delete_before` (docs/protocol/node-rpc.md sections 5.1 to 5.3).

use session_storage_rpc::request::{Delete, DeleteAll, DeleteBefore};
use session_storage_rpc::response::{Deleted, DeletedAll, DeletedBefore, HashLists, SwarmAnswer};
use session_storage_rpc::{NamespaceFilter, Reply};
use session_types::Namespace;

use super::Core;
use super::swarm_wide::{Applied, Context, SwarmWide};
use crate::store::{OutgoingCommand, StoreError};

impl SwarmWide for Delete {
    type Result = Deleted;

    async fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<Deleted>, StoreError> {
        let at = context.accepted_earlier().unwrap_or(context.now);
        let deleted = core
            .store
            .delete(self.owner, self.messages.clone(), at, forward)
            .await?;
        Ok(Deleted::signed(core.identity.signing_key(), self, deleted).into())
    }

    fn reply(&self, answer: SwarmAnswer<Deleted>) -> Reply {
        let nothing = answer
            .successes()
            .all(|(_, result)| result.deleted.is_empty());
        let status = match (answer.all_failed(), self.required && nothing) {
            (true, _) => 500,
            (false, true) => 404,
            (false, false) => 200,
        };
        Reply::new(status, answer.to_tree())
    }
}

impl SwarmWide for DeleteAll {
    type Result = DeletedAll;

    async fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<DeletedAll>, StoreError> {
        // A request that waited for this node must not reach what was stored after it.
        let until = context.accepted_earlier();
        let namespace = one(self.namespace);
        let now = context.now;
        let deleted = core
            .store
            .delete_range(self.owner, namespace, until, now, forward)
            .await?;
        let lists = HashLists::new(self.namespace, deleted);
        Ok(DeletedAll::signed(core.identity.signing_key(), self, lists).into())
    }
}

impl SwarmWide for DeleteBefore {
    type Result = DeletedBefore;

    async fn apply(
        &self,
        core: &Core,
        context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<DeletedBefore>, StoreError> {
        let namespace = one(self.namespace);
        let (until, now) = (Some(self.before), context.now);
        let deleted = core
            .store
            .delete_range(self.owner, namespace, until, now, forward)
            .await?;
        let lists = HashLists::new(self.namespace, deleted);
        Ok(DeletedBefore::signed(core.identity.signing_key(), self, lists).into())
    }
}

/// The one namespace, or `None` for all of them.
pub(super) const fn one(filter: NamespaceFilter) -> Option<Namespace> {
    match filter {
        NamespaceFilter::All => None,
        NamespaceFilter::One(namespace) => Some(namespace),
    }
}
