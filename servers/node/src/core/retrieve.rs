//! `retrieve` and `get_expiries`, which change nothing.

use session_registry::NodeList;
use session_storage_rpc::request::GetExpiries;
use session_storage_rpc::response::ExpiriesResponse;
use session_storage_rpc::{Reply, Retrieve, RetrieveResponse, Shared, Tree};
use session_types::Timestamp;

use super::{Core, hard_fork, store_failure};
use crate::store::PageRequest;

impl Core {
    /// Answers `retrieve` (docs/protocol/node-rpc.md section 4).
    pub(super) async fn retrieve(
        &self,
        request: Retrieve,
        nodes: &NodeList,
        now: Timestamp,
    ) -> Reply {
        let page = PageRequest {
            owner: request.owner,
            namespace: request.namespace,
            max_count: request.row_limit().map(u64::from),
            max_size: request.byte_limit(),
            last_hash: request.last_hash,
        };
        let page = match self.store.page(page).await {
            Ok(page) => page,
            Err(error) => return store_failure(&error),
        };
        let more = page.more;
        let messages = Tree::Shared(Shared::new(page));
        let hf = Some(hard_fork(nodes));
        Reply::ok(RetrieveResponse::answer(messages, more, Some(now), hf))
    }

    /// Answers `get_expiries` (docs/protocol/node-rpc.md section 5.6).
    pub(super) async fn expiries(&self, request: GetExpiries) -> Reply {
        // What is no hash at all is not found.
        let hashes = request
            .messages
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        match self.store.expiries(request.owner, hashes).await {
            Ok(found) => {
                let expiries = found.into_iter().collect();
                Reply::ok(ExpiriesResponse { expiries }.to_tree())
            }
            Err(error) => store_failure(&error),
        }
    }
}
