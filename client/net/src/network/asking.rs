//! Requests with their retries.

use std::collections::BTreeSet;

use session_onion::packet::NodeReply;
use session_onion::paths::{Outcome, PathId, PathRequest, PathStatus, Purpose};
use session_storage_rpc::{BatchResponse, Request, SubResponse, SwarmResponse};
use session_types::{Ed25519PublicKey, NodeContact, SwarmPubkey, Timestamp};

use super::{Network, SeedTries, SwarmReply, lock};
use crate::exchange::Exchange;
use crate::{NetError, Route};

/// What one try led to.
pub(super) enum Tried {
    Answered(Box<SwarmReply>),
    /// Another path, the same node.
    TryAgain(NetError),
    /// Another node.
    TryAnother(NetError),
    /// Trying again changes nothing.
    Final(NetError),
}

impl Network {
    /// Asks a random member of `owner`'s swarm, and others over other paths until one answers.
    ///
    /// `build` makes the `batch` or `sequence` anew for each try, with the network's time and the
    /// member's key, because signatures hold the time.
    ///
    /// # Errors
    /// [`NetError`]: `Refused` and what `build` returns at once, the rest after
    /// [`super::NetworkOptions::attempts`] tries.
    pub async fn ask_swarm<F>(
        &self,
        owner: SwarmPubkey,
        purpose: Purpose,
        build: F,
    ) -> Result<SwarmReply, NetError>
    where
        F: Fn(Timestamp, &Ed25519PublicKey) -> Result<Request, NetError> + Send + Sync,
    {
        self.ask_others(owner, purpose, &[], build).await
    }

    /// As [`Network::ask_swarm`], but none of the members in `except`. For an answer that is to
    /// be had independently of theirs.
    ///
    /// # Errors
    /// As [`Network::ask_swarm`]; [`NetError::NoSwarm`] when there are no other members.
    pub async fn ask_others<F>(
        &self,
        owner: SwarmPubkey,
        purpose: Purpose,
        except: &[Ed25519PublicKey],
        build: F,
    ) -> Result<SwarmReply, NetError>
    where
        F: Fn(Timestamp, &Ed25519PublicKey) -> Result<Request, NetError> + Send + Sync,
    {
        let mut failed = BTreeSet::new();
        let mut last = NetError::NoSwarm;
        for attempt in 1..=self.options.attempts {
            let members = self.swarm(&owner).await?;
            let (failing, fresh): (Vec<&NodeContact>, Vec<&NodeContact>) = members
                .iter()
                .filter(|member| !except.contains(&member.ed25519))
                .partition(|member| failed.contains(&member.ed25519));
            let candidates = if fresh.is_empty() {
                // When all of them failed the first failures may be over.
                failed.clear();
                failing
            } else {
                fresh
            };
            let Some(member) = self.choose(&candidates) else {
                return Err(NetError::NoSwarm);
            };
            let keys = keys_of(&members);
            match self
                .try_once(&owner, &member, &keys, &purpose, &build, attempt)
                .await
            {
                Tried::Answered(reply) => return Ok(*reply),
                Tried::TryAgain(error) => last = error,
                Tried::TryAnother(error) => {
                    failed.insert(member.ed25519);
                    last = error;
                }
                Tried::Final(error) => return Err(error),
            }
        }
        if matches!(last, NetError::Clock) {
            self.time_accepted(false);
        }
        Err(NetError::Exhausted {
            attempts: self.options.attempts,
            last: Box::new(last),
        })
    }

    /// Asks this member of `owner`'s swarm, over up to two paths.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::WrongSwarm`] when the node is no longer a member.
    pub async fn ask_member<F>(
        &self,
        owner: SwarmPubkey,
        member: &NodeContact,
        purpose: Purpose,
        build: F,
    ) -> Result<SwarmReply, NetError>
    where
        F: Fn(Timestamp, &Ed25519PublicKey) -> Result<Request, NetError> + Send + Sync,
    {
        let keys = keys_of(&self.swarm(&owner).await?);
        let mut last = NetError::NoSwarm;
        for attempt in 1..=2 {
            match self
                .try_once(&owner, member, &keys, &purpose, &build, attempt)
                .await
            {
                Tried::Answered(reply) => return Ok(*reply),
                Tried::TryAgain(error) => last = error,
                Tried::TryAnother(error) | Tried::Final(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Asks any node something that concerns no swarm, once.
    pub(crate) async fn ask_node(
        &self,
        node: &NodeContact,
        destination_swarm: &[Ed25519PublicKey],
        purpose: Purpose,
        request: &Request,
    ) -> Result<SwarmReply, NetError> {
        self.ensure_pool().await?;
        let payload = request.to_json_text().into_bytes();
        let (reply, route) = self
            .exchange(node, destination_swarm, &purpose, &payload, 1)
            .await
            .map_err(|f| f.1)?;
        if reply.status != 200 {
            return Err(NetError::Refused {
                status: reply.status,
                text: reply.body,
            });
        }
        let results = batch_results(&reply)?;
        Ok(SwarmReply { results, route })
    }

    async fn try_once<F>(
        &self,
        owner: &SwarmPubkey,
        member: &NodeContact,
        swarm: &[Ed25519PublicKey],
        purpose: &Purpose,
        build: &F,
        attempt: u32,
    ) -> Tried
    where
        F: Fn(Timestamp, &Ed25519PublicKey) -> Result<Request, NetError> + Send + Sync,
    {
        if let Err(error) = self.ensure_pool().await {
            return Tried::Final(error);
        }
        let request = match build(self.clock.now(), &member.ed25519) {
            Ok(request) => request,
            Err(error) => return Tried::Final(error),
        };
        let payload = request.to_json_text().into_bytes();
        let tried = match self
            .exchange(member, swarm, purpose, &payload, attempt)
            .await
        {
            Ok((reply, route)) => self.read(owner, member, reply, route).await,
            // Another path leads through the same gap.
            Err((_, error)) if error.is_ours() => Tried::Final(error),
            Err((true, error)) => Tried::TryAnother(error),
            Err((false, error)) => Tried::TryAgain(error),
        };
        match &tried {
            Tried::Answered(_) => {
                self.note_answer(&member.ed25519, true);
                self.time_accepted(true);
                if *lock(&self.own) == Some(*owner) {
                    self.own_swarm_answers();
                }
            }
            Tried::TryAnother(NetError::WrongSwarm) => {}
            Tried::TryAnother(_) => self.note_answer(&member.ed25519, false),
            Tried::TryAgain(_) | Tried::Final(_) => {}
        }
        tried
    }

    /// One try over a path of the path manager; when no path works the seeds are asked for a new
    /// node list. The error says whether the destination is to blame.
    async fn exchange(
        &self,
        destination: &NodeContact,
        swarm: &[Ed25519PublicKey],
        purpose: &Purpose,
        payload: &[u8],
        attempt: u32,
    ) -> Result<(NodeReply, Route), (bool, NetError)> {
        let outcome = self
            .exchange_once(destination, swarm, purpose, payload, attempt)
            .await;
        if let Err((_, error)) = &outcome
            && (matches!(error, NetError::NoPath(_)) || self.cut_off())
        {
            self.paths_exhausted().await;
        }
        outcome
    }

    /// One try over a path of the path manager.
    pub(crate) async fn exchange_once(
        &self,
        destination: &NodeContact,
        swarm: &[Ed25519PublicKey],
        purpose: &Purpose,
        payload: &[u8],
        attempt: u32,
    ) -> Result<(NodeReply, Route), (bool, NetError)> {
        let path = {
            let request = PathRequest {
                purpose: purpose.clone(),
                destination: Some(destination.ed25519),
                destination_swarm: swarm,
            };
            lock(&self.paths).path(&request, self.clock.now(), &mut rand::rng())
        };
        let path = path.map_err(|error| (false, error.into()))?;
        let exchange = Exchange {
            carrier: &self.carrier,
            cipher: self.options.cipher,
            timeout: self.options.request_timeout,
            hops: &path.hops,
            destination,
        };
        let sent = self.clock.local();
        match exchange.run(payload, attempt).await {
            Ok((reply, route, wire)) => {
                self.report(path.id, Outcome::Success);
                self.answered_over(&route, wire);
                *lock(&self.seed_tries) = SeedTries::default();
                self.learn_time(destination, &reply, sent);
                Ok((reply, route))
            }
            Err(failed) => {
                // A hop is believed only about nodes it was asked to pass this request to.
                let [guard, middle, exit] = &path.hops;
                if let Some(Outcome::NodeNotFound(key)) = failed.outcome
                    && [middle, exit, destination]
                        .iter()
                        .any(|node| node.ed25519 == key)
                {
                    lock(&self.pool).remove(&key);
                }
                if let Some(Outcome::GuardUnreachable | Outcome::Timeout) = failed.outcome {
                    self.guard_tried(guard);
                }
                if let Some(outcome) = failed.outcome {
                    self.report(path.id, outcome);
                }
                self.note_failure(&failed.error);
                Err((failed.blames_destination, failed.error))
            }
        }
    }

    /// Whether no guard works, so that the node list may be of a network that has moved on.
    pub(super) fn cut_off(&self) -> bool {
        matches!(
            self.path_status(),
            PathStatus::Offline { .. } | PathStatus::GuardLimit { .. }
        )
    }

    pub(super) fn report(&self, path: PathId, outcome: Outcome) {
        lock(&self.paths).report(path, outcome, self.clock.now());
        self.save_paths();
    }

    /// Decides what the destination's answer means (docs/protocol/paths.md section 3.3).
    async fn read(
        &self,
        owner: &SwarmPubkey,
        member: &NodeContact,
        reply: NodeReply,
        route: Route,
    ) -> Tried {
        match reply.status {
            200 => {}
            421 => {
                let answer = serde_json::from_str(&reply.body).ok();
                return self.wrong_swarm(owner, member, answer.as_ref());
            }
            406 | 425 => return self.wrong_time(member).await,
            status @ 500.. => {
                return Tried::TryAnother(NetError::Refused {
                    status,
                    text: reply.body,
                });
            }
            status => {
                return Tried::Final(NetError::Refused {
                    status,
                    text: reply.body,
                });
            }
        }
        let Ok(results) = batch_results(&reply) else {
            return Tried::TryAnother(NetError::BadReply);
        };
        if let Some(wrong) = results.iter().find(|r| r.code == 421) {
            return self.wrong_swarm(owner, member, Some(&wrong.body));
        }
        if results.iter().any(|r| matches!(r.code, 406 | 425)) {
            return self.wrong_time(member).await;
        }
        if let Some(broken) = results.iter().find(|r| r.code >= 500) {
            let text = broken
                .success()
                .err()
                .map(|error| error.text)
                .unwrap_or_default();
            return Tried::TryAnother(NetError::Refused {
                status: broken.code,
                text,
            });
        }
        Tried::Answered(Box::new(SwarmReply { results, route }))
    }

    fn wrong_swarm(
        &self,
        owner: &SwarmPubkey,
        member: &NodeContact,
        body: Option<&serde_json::Value>,
    ) -> Tried {
        let answer = body.and_then(|body| SwarmResponse::from_json(body).ok());
        if !answer.is_some_and(|answer| self.learn_swarm(owner, answer)) {
            self.forget_member(owner, &member.ed25519);
        }
        Tried::TryAnother(NetError::WrongSwarm)
    }
}

fn keys_of(nodes: &[NodeContact]) -> Vec<Ed25519PublicKey> {
    nodes.iter().map(|node| node.ed25519).collect()
}

pub(super) fn batch_results(reply: &NodeReply) -> Result<Vec<SubResponse>, NetError> {
    let body = serde_json::from_str(&reply.body).map_err(|_| NetError::BadReply)?;
    Ok(BatchResponse::from_json(&body)
        .map_err(|_| NetError::BadReply)?
        .results)
}
