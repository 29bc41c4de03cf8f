//! Requests with their retries.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom as _;
use session_onion::packet::NodeReply;
use session_onion::paths::{Outcome, PathId, PathRequest, Purpose};
use session_storage_rpc::request::GetSwarm;
use session_storage_rpc::{BatchResponse, Request, SubResponse, SwarmResponse};
use session_types::{Ed25519PublicKey, NodeContact, SwarmPubkey, Timestamp};

use super::{Network, SwarmReply, lock};
use crate::exchange::Exchange;
use crate::{NetError, Route};

/// What one try led to.
enum Tried {
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
        let mut failed = BTreeSet::new();
        let mut last = NetError::NoSwarm;
        for attempt in 1..=self.options.attempts {
            let members = self.swarm(&owner).await?;
            let candidates: Vec<&NodeContact> = members
                .iter()
                .filter(|m| !failed.contains(&m.ed25519))
                .collect();
            // When all of them failed the first failures may be over.
            let member = match candidates.choose(&mut rand::rng()) {
                Some(member) => (*member).clone(),
                None => {
                    failed.clear();
                    let Some(member) = members.choose(&mut rand::rng()) else {
                        continue;
                    };
                    member.clone()
                }
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
    pub(super) async fn ask_node(
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
        match self
            .exchange(member, swarm, purpose, &payload, attempt)
            .await
        {
            Ok((reply, route)) => self.read(owner, member, reply, route).await,
            Err((true, error)) => Tried::TryAnother(error),
            Err((false, error)) => Tried::TryAgain(error),
        }
    }

    /// One try over a path of the path manager. The error says whether the destination is to
    /// blame.
    async fn exchange(
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
        let path = match path {
            Ok(path) => path,
            Err(error) => {
                self.paths_exhausted().await;
                return Err((false, error.into()));
            }
        };
        let exchange = Exchange {
            http: &self.http,
            cipher: self.options.cipher,
            timeout: self.options.request_timeout,
            hops: &path.hops,
            destination,
        };
        let sent = self.clock.local();
        match exchange.run(payload, attempt).await {
            Ok((reply, route)) => {
                self.report(path.id, Outcome::Success);
                self.learn_time(&reply, sent);
                Ok((reply, route))
            }
            Err(failed) => {
                if let Outcome::NodeNotFound(key) = failed.outcome {
                    lock(&self.pool).remove(&key);
                }
                self.report(path.id, failed.outcome);
                Err((failed.blames_destination, failed.error))
            }
        }
    }

    fn report(&self, path: PathId, outcome: Outcome) {
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
            406 | 425 => return self.wrong_time().await,
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
            return self.wrong_time().await;
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

    /// A node refused our time: ask three others what time it is, then try again.
    async fn wrong_time(&self) -> Tried {
        self.clock.reset();
        let nodes: Vec<NodeContact> = {
            let pool = lock(&self.pool);
            let all: Vec<_> = pool.nodes().cloned().collect();
            all.sample(&mut rand::rng(), 3).cloned().collect()
        };
        for node in nodes {
            // The answer's time is learned on the way; the question itself does not matter.
            let Some(owner) = *lock(&self.own) else { break };
            let Ok(request) = Request::batch(vec![Request::GetSwarm(GetSwarm::new(owner))]) else {
                break;
            };
            if let Err(error) = self.ask_node(&node, &[], Purpose::Lookup, &request).await {
                tracing::debug!(kind = ?error.kind(), "a node did not tell the time");
            }
        }
        Tried::TryAgain(NetError::Clock)
    }

    /// Every answer tells the node's time (docs/protocol/paths.md section 6).
    pub(crate) fn learn_time(&self, reply: &NodeReply, sent: Timestamp) {
        let received = self.clock.local();
        let Ok(results) = batch_results(reply) else {
            return;
        };
        let time = results
            .iter()
            .find_map(|r| r.body.get("t").and_then(|t| t.as_u64()));
        if let Some(t) = time {
            self.clock.observe(sent, received, Timestamp::from_ms(t));
        }
    }
}

fn keys_of(nodes: &[NodeContact]) -> Vec<Ed25519PublicKey> {
    nodes.iter().map(|node| node.ed25519).collect()
}

fn batch_results(reply: &NodeReply) -> Result<Vec<SubResponse>, NetError> {
    let body = serde_json::from_str(&reply.body).map_err(|_| NetError::BadReply)?;
    Ok(BatchResponse::from_json(&body)
        .map_err(|_| NetError::BadReply)?
        .results)
}
