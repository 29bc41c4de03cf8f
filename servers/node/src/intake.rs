//! What every transport hands its requests through: who may ask, how much at a time, and what
//! is then done. Transports add nothing but their framing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use session_chassis::limit::RateLimiter;
use session_storage_rpc::{Reply, Request, RpcError, Tree};
use session_types::Ed25519PublicKey;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::NodeLimits;
use crate::core::{AnswerMemory, Core, Origin};
use crate::peers::NodeCommand;
use crate::relay::{OnionAnswer, Relay};
use crate::tasks;

/// How long a request waits for its share of the memory for answers. Clients wait ten seconds in
/// all.
pub(crate) const MEMORY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a request is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is too much to do at the moment.
    Busy,
    /// Something broke.
    Failed,
    /// The client's address is not an IPv4 one.
    NotIpv4,
    /// The node does not serve at the moment, for this reason.
    NotReady(&'static str),
    /// The address asks too often.
    RateLimited,
}

/// The way in for all transports of a node.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) core: Arc<Core>,
    relay: Relay,
    rate: RateLimiter,
    requests: Semaphore,
    /// Bytes of request bodies in memory.
    pub(crate) body_memory: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new(core: Arc<Core>, relay: Relay, limits: &NodeLimits) -> Self {
        Self {
            core,
            relay,
            rate: RateLimiter::new(limits.rate),
            requests: Semaphore::new(limits.max_requests),
            body_memory: Arc::new(Semaphore::new(
                limits.max_body_memory.min(Semaphore::MAX_PERMITS),
            )),
        }
    }

    /// Whether a direct client request from this address is looked at now.
    pub(crate) fn admit(&self, address: Option<IpAddr>) -> Result<(), Refused> {
        if let Some(reason) = self.core.not_ready() {
            return Err(Refused::NotReady(reason));
        }
        let Some(IpAddr::V4(address)) = address.map(|address| address.to_canonical()) else {
            return Err(Refused::NotIpv4);
        };
        if self.rate.allow(address, Instant::now()) {
            Ok(())
        } else {
            self.core.counters.rate_limited.one();
            Err(Refused::RateLimited)
        }
    }

    /// Answers an admitted client request, `bytes` long before `parse` reads it. The answer's
    /// share of memory is to be held until it has been written.
    pub(crate) async fn client(
        &self,
        bytes: usize,
        parse: impl FnOnce() -> Result<Request, RpcError> + Send + 'static,
    ) -> Result<(Reply, AnswerMemory), Refused> {
        let _place = self.requests.try_acquire().map_err(|_| self.busy())?;
        match tasks::compute(bytes, parse).await {
            Some(Ok(request)) => {
                let memory = self.core.reserve_answer_memory(&request);
                let memory = timeout(MEMORY_TIMEOUT, memory)
                    .await
                    .map_err(|_| self.busy())?;
                Ok((self.core.handle(request, Origin::Client).await, memory))
            }
            Some(Err(error)) => Ok((error.into(), AnswerMemory::none(&self.core.answer_memory))),
            None => Err(Refused::Failed),
        }
    }

    /// Answers an onion request, from a client or another node.
    pub(crate) async fn onion(&self, body: Bytes) -> Result<OnionAnswer, Refused> {
        let _place = self.requests.try_acquire().map_err(|_| self.busy())?;
        Ok(self.relay.handle(body).await)
    }

    /// Answers what another node, whose identity is proven, asks of this one.
    pub(crate) async fn node(
        &self,
        command: NodeCommand,
        caller: &Ed25519PublicKey,
        body: &[u8],
    ) -> Reply {
        let core = &self.core;
        core.replication.heard_from(caller);
        let (status, text) = match command {
            NodeCommand::StorageCc => return core.handle_forwarded(body).await,
            NodeCommand::Data => core.receive_bulk(body).await,
            NodeCommand::DataReady => core.replication.answer_hello(caller, body).await,
        };
        Reply::new(status, Tree::Text(text.to_owned()))
    }

    pub(crate) fn busy(&self) -> Refused {
        self.core.counters.refused_busy.one();
        Refused::Busy
    }
}
