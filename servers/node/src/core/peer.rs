//! Requests other members of the swarm pass on (docs/protocol/node.md section 10).

use std::sync::Arc;
use std::time::Duration;

use session_storage_rpc::{Reply, Request, RpcError};

use super::{Core, Origin};
use crate::replication::decode_command;

/// How old a command may be that waited for this node.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Core {
    /// Carries out a passed-on request. It is checked once more and goes nowhere else.
    pub(crate) async fn handle_forwarded(self: &Arc<Self>, body: &[u8]) -> Reply {
        let Some(command) = decode_command(body) else {
            return RpcError::new(400, "Invalid forwarded request").into();
        };
        let now = self.clock.now();
        if command
            .accepted
            .is_some_and(|accepted| accepted < now.minus(MAX_AGE))
        {
            return RpcError::new(406, "forwarded request too old").into();
        }
        match Request::from_forwarded(command.method, command.params) {
            Ok(request) => {
                self.handle(
                    request,
                    Origin::Peer {
                        accepted: command.accepted,
                    },
                )
                .await
            }
            Err(error) => error.into(),
        }
    }
}
