//! Learning who the nodes are: from the seeds, then from what three nodes agree on
//! (docs/protocol/paths.md sections 1 and 2).

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use session_onion::paths::Purpose;
use session_onion::pool::{ANSWERS, Draw, RefreshFrom, SMALLEST};
use session_storage_rpc::Request;
use session_storage_rpc::node_list::{self, NodeListAnswer};
use session_storage_rpc::response::{BatchResponse, OxendResponse};
use session_types::NodeContact;

use crate::NetError;
use crate::exchange::Exchange;
use crate::network::{ConnectStep, Network, lock};

/// How often other nodes are asked about a seed's list when the first ones cannot be reached.
const CONFIRMATIONS: usize = 3;
/// Time after a first question to the seeds because no path worked; it doubles with each further
/// one until a path works.
const SEED_PAUSE: Duration = Duration::from_secs(2);
/// The longest it becomes.
const LONGEST_SEED_PAUSE: Duration = Duration::from_secs(300);

/// Through which nodes other nodes are asked for their list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Roads {
    /// Through the guard, so that refreshing tells nobody else where we are.
    Guarded,
    /// Through any: no guard may be chosen from a list that only a seed has vouched for.
    Random,
}

/// A node to be asked for its list.
struct Trip {
    target: NodeContact,
    /// `None`: the path manager chooses.
    hops: Option<[NodeContact; 3]>,
}

impl Network {
    /// Makes sure that there is a node list to work with.
    pub(crate) async fn ensure_pool(&self) -> Result<(), NetError> {
        if self.has_pool() {
            return Ok(());
        }
        let _one_at_a_time = self.refresh.lock().await;
        if self.has_pool() {
            return Ok(());
        }
        self.ask_seeds().await
    }

    /// Whether paths can be built. Not yet while a first list is being confirmed.
    pub(crate) fn has_pool(&self) -> bool {
        self.ready.load(Ordering::Acquire) && lock(&self.pool).len() >= SMALLEST
    }

    /// Refreshes the node list when it is due. To be called every few minutes.
    ///
    /// # Errors
    /// [`NetError`] when neither nodes nor seeds gave a list; the old one stays.
    pub async fn maintain(&self) -> Result<(), NetError> {
        let now = self.clock.now();
        let from = {
            let mut pool = lock(&self.pool);
            if !pool.refresh_due(now) {
                return Ok(());
            }
            pool.refresh_attempted(now);
            pool.refresh_from()
        };
        let _one_at_a_time = self.refresh.lock().await;
        if from == RefreshFrom::Nodes && self.ask_nodes(Roads::Guarded).await {
            return Ok(());
        }
        self.ask_seeds().await
    }

    /// No path could be built: perhaps the remembered list is of a network that has moved on.
    pub(crate) async fn paths_exhausted(&self) {
        {
            let mut tries = lock(&self.seed_tries);
            let doublings = tries.count.saturating_sub(1).min(16);
            let pause = SEED_PAUSE
                .saturating_mul(1 << doublings)
                .min(LONGEST_SEED_PAUSE);
            if tries.last.is_some_and(|at| at.elapsed() < pause) {
                return;
            }
            tries.count += 1;
            tries.last = Some(Instant::now());
        }
        let _one_at_a_time = self.refresh.lock().await;
        if let Err(error) = self.ask_seeds().await {
            tracing::debug!(kind = ?error.kind(), "the seeds did not help");
        }
    }

    async fn ask_seeds(&self) -> Result<(), NetError> {
        self.connecting(ConnectStep::AskingSeeds);
        if let Err(error) = self.race_seeds().await {
            self.seeds_failed();
            return Err(error);
        }
        // One seed could lie about some nodes: take what nodes agree on, so that the guard is not
        // chosen from a single answer.
        self.connecting(ConnectStep::ConfirmingList);
        self.confirm_list().await;
        Ok(())
    }

    /// Replaces a seed's list by what nodes agree on, if they can be asked.
    async fn confirm_list(&self) {
        let begun = Instant::now();
        for _ in 0..CONFIRMATIONS {
            if self.ask_nodes(Roads::Random).await {
                return;
            }
            if begun.elapsed() > self.options.request_timeout {
                break;
            }
        }
        tracing::info!("the node list is known from a seed only");
        self.pool_changed();
    }

    /// Asks three random nodes and takes what two of them agree on.
    async fn ask_nodes(&self, roads: Roads) -> bool {
        let trips: Vec<Trip> = {
            let pool = lock(&self.pool);
            let mut rng = rand::rng();
            let subnets = pool.subnet_rule();
            let mut draw = |count, exclude: &BTreeSet<_>| -> Vec<NodeContact> {
                let drawn = pool.draw(count, Draw { exclude, subnets }, &mut rng);
                drawn.into_iter().cloned().collect()
            };
            let targets = draw(ANSWERS, &BTreeSet::new());
            targets
                .into_iter()
                .filter_map(|target| {
                    let hops = match roads {
                        Roads::Guarded => None,
                        Roads::Random => {
                            let hops = draw(3, &BTreeSet::from([target.ed25519]));
                            Some(hops.try_into().ok()?)
                        }
                    };
                    Some(Trip { target, hops })
                })
                .collect()
        };
        let mut asked: FuturesUnordered<_> =
            trips.iter().map(|trip| self.node_list_of(trip)).collect();
        let mut answers = Vec::new();
        while let Some(answer) = asked.next().await {
            answers.extend(answer);
        }
        drop(asked);
        let taken = lock(&self.pool).accept_agreement(answers, self.clock.now());
        match taken {
            Ok(_) => {
                self.pool_changed();
                true
            }
            Err(error) => {
                tracing::info!(%error, "the asked nodes did not agree on a node list");
                false
            }
        }
    }

    async fn node_list_of(&self, trip: &Trip) -> Option<Vec<NodeContact>> {
        let question = Request::OxendRequest(node_list::node_request());
        let payload = Request::batch(vec![question]).ok()?.to_json_text();
        let payload = payload.as_bytes();
        let reply = match &trip.hops {
            None => {
                let answer = self.exchange_once(&trip.target, &[], &Purpose::Lookup, payload, 1);
                answer.await.ok()?.0
            }
            Some(hops) => {
                let exchange = Exchange {
                    carrier: &self.carrier,
                    cipher: self.options.cipher,
                    timeout: self.options.request_timeout,
                    hops,
                    destination: &trip.target,
                };
                let sent = self.clock.local();
                let (reply, ..) = exchange.run(payload, 1).await.ok()?;
                self.learn_time(&trip.target, &reply, sent);
                reply
            }
        };
        let body = serde_json::from_str(&reply.body).ok()?;
        let results = BatchResponse::from_json(&body).ok()?.results;
        let answer = OxendResponse::from_json(results.first()?.success().ok()?).ok()?;
        let list = NodeListAnswer::from_result(&answer.result).ok()?;
        Some(
            list.nodes
                .into_iter()
                .map(|record| record.contact)
                .collect(),
        )
    }
}
