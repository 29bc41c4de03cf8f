//! Requests that hold other requests: `batch`, `sequence`, `ifelse`
//! (docs/protocol/node-rpc.md section 9).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::join_all;
use session_storage_rpc::request::IfElse;
use session_storage_rpc::response::IfElseResponse;
use session_storage_rpc::{CheckedTogether, Reply, Request};

use super::{Core, Origin, hard_fork};

impl Core {
    /// Runs all requests side by side.
    pub(super) async fn batch(self: &Arc<Self>, requests: Vec<Request>, origin: Origin) -> Reply {
        let nodes = self.registry.snapshot();
        // Others are refused before anybody looks at their signatures.
        let here = requests.iter().filter(|request| {
            request
                .owner()
                .is_some_and(|owner| self.keeps(owner, &nodes))
        });
        let known = &CheckedTogether::retrieves(here, &self.known_auth);
        let replies = join_all(requests.into_iter().map(async |request| match request {
            Request::Batch(_) | Request::Sequence(_) | Request::IfElse(_) => {
                self.boxed(request, origin).await
            }
            single => self.handle_single(single, origin, known).await,
        }))
        .await;
        Reply::batch(replies)
    }

    /// Runs requests one after the other, up to the first that fails.
    pub(super) async fn sequence(
        self: &Arc<Self>,
        requests: Vec<Request>,
        origin: Origin,
    ) -> Reply {
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            let reply = self.boxed(request, origin).await;
            let go_on = reply.is_success();
            replies.push(reply);
            if !go_on {
                break;
            }
        }
        Reply::batch(replies)
    }

    /// Runs one of two requests.
    pub(super) async fn if_else(self: &Arc<Self>, request: IfElse, origin: Origin) -> Reply {
        let nodes = self.registry.snapshot();
        let (height, hf) = (nodes.height(), hard_fork(&nodes));
        let holds = request.condition.holds(height, hf, self.version.0);
        let branch = if holds {
            request.then
        } else {
            request.otherwise
        };
        let result = match branch {
            Some(request) => Some(self.boxed(request, origin).await),
            None => None,
        };
        IfElseResponse::reply(hf, self.version.0, height, holds, result)
    }

    /// Requests hold requests: the future's size must be cut somewhere.
    fn boxed<'a>(
        self: &'a Arc<Self>,
        request: Request,
        origin: Origin,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(self.handle(request, origin))
    }
}
