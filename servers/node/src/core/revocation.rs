//! `revoke_subaccount`, `unrevoke_subaccount`, `revoked_subaccounts`
//! (docs/protocol/node-rpc.md section 6).

use session_registry::NodeList;
use session_storage_rpc::Reply;
use session_storage_rpc::request::{RevokeSubaccount, RevokedSubaccounts, UnrevokeSubaccount};
use session_storage_rpc::response::{Revoked, RevokedSubaccountsResponse, Unrevoked};
use session_types::Timestamp;

use super::swarm_wide::{Applied, Context, SwarmWide};
use super::{Core, hard_fork, store_failure};
use crate::store::{OutgoingCommand, StoreError};

impl SwarmWide for RevokeSubaccount {
    type Result = Revoked;

    async fn apply(
        &self,
        core: &Core,
        _context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<Revoked>, StoreError> {
        let tokens = self.revoke.clone();
        core.store
            .revoke(self.owner, tokens, self.timestamp, forward)
            .await?;
        Ok(Revoked::signed(core.identity.signing_key(), self).into())
    }
}

impl SwarmWide for UnrevokeSubaccount {
    type Result = Unrevoked;

    async fn apply(
        &self,
        core: &Core,
        _context: &Context,
        forward: OutgoingCommand,
    ) -> Result<Applied<Unrevoked>, StoreError> {
        let tokens = self.unrevoke.clone();
        let count = core
            .store
            .unrevoke(self.owner, tokens, self.timestamp, forward)
            .await?;
        Ok(Unrevoked::signed(core.identity.signing_key(), self, count).into())
    }
}

impl Core {
    /// Answers `revoked_subaccounts`.
    pub(super) async fn revoked(
        &self,
        request: RevokedSubaccounts,
        nodes: &NodeList,
        now: Timestamp,
    ) -> Reply {
        match self.store.revoked(request.owner).await {
            Ok(revoked) => {
                let hf = Some(hard_fork(nodes));
                Reply::ok(
                    RevokedSubaccountsResponse {
                        revoked,
                        t: Some(now),
                        hf,
                    }
                    .to_tree(),
                )
            }
            Err(error) => store_failure(&error),
        }
    }
}
