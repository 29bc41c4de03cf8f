//! What every transport hands its requests through: who may ask, how much at a time, and what
//! is then done. Transports add nothing but their framing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use session_chassis::limit::RateLimiter;
use session_quic::Budget;
use session_storage_rpc::{Reply, Request, RpcError, Tree};
use session_types::Ed25519PublicKey;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::config::NodeLimits;
use crate::core::{AnswerMemory, AnswerPool, Core, Origin, expected_answer_bytes};
use crate::edge::Edge;
use crate::peers::NodeCommand;
use crate::per_address::PerAddress;
use crate::pressure::{Place, Pressure};
use crate::relay::{OnionAnswer, OnionForm, Relay};
use crate::tasks;

/// How long a request waits for its share of the memory for answers. Clients wait ten seconds in
/// all.
pub(crate) const MEMORY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a place among those that are worked on.
const SECOND_CHANCE: Duration = Duration::from_millis(30);

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
    edge: Option<Arc<dyn Edge>>,
    relay: Relay,
    rate: RateLimiter,
    pub(crate) pressure: Pressure,
    body_memory: Arc<Semaphore>,
    body_memory_per_address: PerAddress,
    answer_memory: AnswerPool,
    answer_memory_per_address: PerAddress,
}

impl Intake {
    pub(crate) fn new(
        core: Arc<Core>,
        relay: Relay,
        limits: &NodeLimits,
        answer_memory: AnswerPool,
        edge: Option<Arc<dyn Edge>>,
    ) -> Self {
        Self {
            core,
            edge,
            relay,
            rate: RateLimiter::new(limits.rate),
            pressure: Pressure::new(limits.max_requests),
            body_memory: Arc::new(Semaphore::new(
                limits.max_body_memory.min(Semaphore::MAX_PERMITS),
            )),
            body_memory_per_address: PerAddress::new(limits.max_body_memory_per_ip),
            answer_memory,
            answer_memory_per_address: PerAddress::new(AnswerPool::units_of(
                limits.max_answer_memory_per_ip,
            )),
        }
    }

    /// The memory that request bodies from this address may take.
    pub(crate) fn body_budget(&self, address: Option<IpAddr>) -> Budget {
        let budget = Budget::new(Arc::clone(&self.body_memory), 1);
        match address {
            Some(address) => budget.and(self.body_memory_per_address.of(address), 1),
            None => budget,
        }
    }

    /// The memory that answers to this address may take; nothing of it is taken yet.
    fn answer_memory(&self, address: Option<IpAddr>) -> AnswerMemory {
        // The own pool first: whoever has used up his own does not wait among the others.
        let own = address.map(|address| {
            let pools = &self.answer_memory_per_address;
            AnswerPool::of_units(pools.of(address), pools.permits())
        });
        AnswerMemory::of(own.into_iter().chain([self.answer_memory.clone()]))
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
        address: Option<IpAddr>,
        bytes: usize,
        parse: impl FnOnce() -> Result<Request, RpcError> + Send + 'static,
    ) -> Result<(Reply, AnswerMemory), Refused> {
        self.pass(None).await;
        let _place = self.place().await?;
        let mut memory = self.answer_memory(address);
        match tasks::compute(bytes, parse).await {
            Some(Ok(request)) => {
                let reserving = memory.reserve(expected_answer_bytes(&request));
                timeout(MEMORY_TIMEOUT, reserving)
                    .await
                    .map_err(|_| self.busy())?;
                Ok((self.core.handle(request, Origin::Client).await, memory))
            }
            Some(Err(error)) => Ok((error.into(), memory)),
            None => Err(Refused::Failed),
        }
    }

    /// Answers an onion request, from a client or another node.
    pub(crate) async fn onion(
        &self,
        address: Option<IpAddr>,
        form: OnionForm,
        body: Bytes,
    ) -> Result<OnionAnswer, Refused> {
        self.pass(None).await;
        let _place = self.place().await?;
        let memory = self.answer_memory(address);
        Ok(self.relay.handle(form, body, memory).await)
    }

    /// A place among the requests that are worked on. One there is none for waits a little before
    /// it is refused: a connection that asks again at once could otherwise keep the node busy
    /// with nothing but refusing, which costs as much as half the work.
    async fn place(&self) -> Result<Place<'_>, Refused> {
        if let Some(place) = self.pressure.enter() {
            return Ok(place);
        }
        sleep(SECOND_CHANCE).await;
        self.pressure.enter().ok_or_else(|| self.busy())
    }

    /// Waits as long as a test wants to hold the request up.
    async fn pass(&self, from: Option<&Ed25519PublicKey>) {
        if let Some(edge) = &self.edge {
            edge.incoming(from).await;
        }
    }

    /// Answers what another node, whose identity is proven, asks of this one.
    pub(crate) async fn node(
        &self,
        command: NodeCommand,
        caller: &Ed25519PublicKey,
        body: &[u8],
    ) -> Reply {
        self.pass(Some(caller)).await;
        let core = &self.core;
        core.replication.heard_from(caller);
        let (status, text) = match command {
            NodeCommand::StorageCc => return core.handle_forwarded(body).await,
            NodeCommand::Data => core.receive_bulk(body).await,
            NodeCommand::DataReady => core.replication.answer_hello(caller, body).await,
            NodeCommand::Reconcile => return core.replication.answer_reconcile(caller, body).await,
        };
        Reply::new(status, Tree::Text(text.to_owned()))
    }

    pub(crate) fn busy(&self) -> Refused {
        self.core.counters.refused_busy.one();
        Refused::Busy
    }
}
