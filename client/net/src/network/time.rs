//! Keeping to the network's time (docs/protocol/paths.md section 6).

use core::time::Duration;
use std::time::Instant;

use futures_util::future::join_all;
use session_onion::packet::NodeReply;
use session_onion::paths::Purpose;
use session_onion::pool::{Draw, SubnetRule};
use session_storage_rpc::Request;
use session_types::{NodeContact, Timestamp};

use super::asking::{Tried, batch_results};
use super::{Network, lock};
use crate::NetError;

/// Nodes asked for the time at once.
const ASKED: usize = 3;
/// Time between two such questions: a node whose own clock is wrong must not make us ask at each
/// contact.
const PAUSE: Duration = Duration::from_secs(20);
/// A correction by more than this makes times noted before it useless.
const JUMP_MS: u64 = 30_000;

impl Network {
    /// Makes sure that the network's time is known, as far as finding out takes no longer than
    /// `patience`. Returns whether it is; after a failure the network is not asked again
    /// for a while.
    ///
    /// Cancel-safe.
    pub async fn learn_time_within(&self, patience: Duration) -> bool {
        if !self.clock.is_known() {
            let asking = async {
                let mut asked = self.time_asked.lock().await;
                if self.clock.is_known() || recent(*asked) {
                    return;
                }
                *asked = Some(Instant::now());
                // A first node list comes from nodes that tell the time along with it.
                if self.ensure_pool().await.is_ok() && !self.clock.is_known() {
                    self.ask_time().await;
                }
            };
            // Whoever runs out of patience goes on with this machine's time.
            let _ = tokio::time::timeout(patience, asking).await;
        }
        self.clock.is_known()
    }

    /// `member` refused our time: we are wrong, or it is. Ask others, then try another member.
    pub(super) async fn wrong_time(&self, member: &NodeContact) -> Tried {
        let mut asked = self.time_asked.lock().await;
        if !recent(*asked) {
            *asked = Some(Instant::now());
            let answers = self.ask_time().await;
            // One answer alone may be the liar's.
            if answers > 1 {
                self.clock.keep_newest(answers);
                self.forget_noted_times();
            }
        }
        tracing::debug!(swarm = %member.swarm, "a node refused our time");
        Tried::TryAnother(NetError::Clock)
    }

    /// Asks random nodes what time it is. Returns how many answered.
    pub(crate) async fn ask_time(&self) -> usize {
        if self.ensure_pool().await.is_err() {
            return 0;
        }
        let nodes: Vec<NodeContact> = {
            let how = Draw {
                exclude: &self.guard().into_iter().collect(),
                subnets: SubnetRule::Any,
            };
            let pool = lock(&self.pool);
            let drawn = pool.draw(ASKED, how, &mut rand::rng());
            drawn.into_iter().cloned().collect()
        };
        let Ok(question) = Request::batch(vec![Request::Info]) else {
            return 0;
        };
        // What is asked does not matter: every answer tells the time.
        let asking = nodes
            .iter()
            .map(|node| self.ask_node(node, &[], Purpose::Lookup, &question));
        let answers = join_all(asking).await;
        answers.iter().filter(|answer| answer.is_ok()).count()
    }

    /// Every answer tells the node's time.
    pub(crate) fn learn_time(&self, node: &NodeContact, reply: &NodeReply, sent: Timestamp) {
        let received = self.clock.local();
        let Ok(results) = batch_results(reply) else {
            return;
        };
        let time = results
            .iter()
            .find_map(|r| r.body.get("t").and_then(|t| t.as_u64()));
        if let Some(t) = time {
            let before = self.clock.offset_ms();
            let t = Timestamp::from_ms(t);
            self.clock.observe(node.ed25519, sent, received, t);
            if self.clock.offset_ms().abs_diff(before) > JUMP_MS {
                self.forget_noted_times();
            }
        }
    }

    /// The path manager noted until when nodes are to be left alone, by a time that was wrong.
    fn forget_noted_times(&self) {
        let nodes: Vec<NodeContact> = lock(&self.pool).nodes().cloned().collect();
        lock(&self.paths).set_pool(&nodes, self.clock.now(), &mut rand::rng());
    }
}

fn recent(asked: Option<Instant>) -> bool {
    asked.is_some_and(|at| at.elapsed() < PAUSE)
}
