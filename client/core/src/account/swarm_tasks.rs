//! What the own swarm is asked about messages it holds: to delete them, to keep them no longer
//! than until they disappear, or how long it keeps them (docs/protocol/client.md sections 5.5
//! and 5.6).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use session_net::{NetError, Purpose};
use session_storage_rpc::request::{Delete, Expire, GetExpiries};
use session_storage_rpc::response::{
    Expired, ExpiriesResponse, NewExpiry, SubResponse, SwarmAnswer,
};
use session_storage_rpc::{AccountSigner, ExpireMode, Request};
use session_store::{MessageId, SwarmTask, SwarmTaskKind};
use session_types::{MessageHash, SwarmPubkey, Timestamp};

use super::Shared;
use crate::CoreError;

/// Tasks taken up at once.
const AT_ONCE: u32 = 200;
/// Sub-requests of one batch: 20 are allowed, one deletes and one asks.
const MOST_TIMES: usize = 18;
/// A task no swarm has done for this long is about something that expired.
const TOO_OLD: Duration = Duration::from_secs(15 * 24 * 3600);

/// Tasks as one batch asks them.
#[derive(Default)]
struct Plan {
    delete: Vec<MessageHash>,
    shorten: BTreeMap<Timestamp, Vec<MessageHash>>,
    ask: Vec<MessageHash>,
}

/// Does the tasks that are queued. True when there are more.
pub(super) async fn run(shared: &Shared) -> Result<bool, CoreError> {
    let queued = shared
        .model
        .read(|store| store.swarm_tasks(AT_ONCE))
        .await?;
    if queued.is_empty() {
        return Ok(false);
    }
    let all = queued.len();
    let (plan, taken) = plan(queued, shared.network.now());
    let owner = SwarmPubkey::from(shared.id());
    if !plan.is_empty() {
        let reply = shared
            .network
            .ask_swarm(owner, Purpose::OwnSwarm, |now, _member| {
                let signer = AccountSigner::new(shared.id(), shared.keys.ed25519());
                let mut requests = Vec::new();
                if !plan.delete.is_empty() {
                    let delete = Delete::signed(&signer, plan.delete.clone())?;
                    requests.push(Request::Delete(delete));
                }
                for (time, hashes) in &plan.shorten {
                    let expire =
                        Expire::signed(&signer, hashes.clone(), *time, ExpireMode::Shorten)?;
                    requests.push(Request::Expire(expire));
                }
                if !plan.ask.is_empty() {
                    let ask = GetExpiries::signed(&signer, &plan.ask, now)?;
                    requests.push(Request::GetExpiries(ask));
                }
                Ok(Request::batch(requests)?)
            })
            .await?;
        let known = plan.read(&reply.results)?;
        record(shared, &taken, known).await?;
    } else {
        record(shared, &taken, BTreeMap::new()).await?;
    }
    Ok(taken.len() < all || all >= AT_ONCE as usize)
}

fn plan(queued: Vec<SwarmTask>, now: Timestamp) -> (Plan, Vec<SwarmTask>) {
    let mut plan = Plan::default();
    let mut taken = Vec::new();
    for task in queued {
        let hash = task.hash.clone();
        if now.since(task.created_at) <= TOO_OLD {
            match task.kind {
                SwarmTaskKind::Delete => plan.delete.push(hash),
                SwarmTaskKind::AskExpiry => plan.ask.push(hash),
                SwarmTaskKind::Shorten(time) => {
                    if plan.shorten.len() >= MOST_TIMES && !plan.shorten.contains_key(&time) {
                        continue;
                    }
                    plan.shorten.entry(time).or_default().push(hash);
                }
            }
        }
        taken.push(task);
    }
    (plan, taken)
}

/// Until when the swarm keeps a message; `None` when it has it no more.
type Known = BTreeMap<MessageHash, Option<Timestamp>>;

impl Plan {
    fn is_empty(&self) -> bool {
        self.delete.is_empty() && self.shorten.is_empty() && self.ask.is_empty()
    }

    /// What the answers say about each message asked about.
    fn read(&self, results: &[SubResponse]) -> Result<Known, CoreError> {
        let mut results = results.iter();
        let mut next = || -> Result<&serde_json::Value, CoreError> {
            let answer = results.next().ok_or(NetError::BadReply)?;
            Ok(answer.success().map_err(NetError::from)?)
        };
        let mut known = Known::new();
        if !self.delete.is_empty() {
            next()?;
        }
        for (time, hashes) in &self.shorten {
            let answer: SwarmAnswer<Expired> =
                SwarmAnswer::from_json(next()?).map_err(|_| NetError::BadReply)?;
            let there = shortened(&answer, *time);
            for hash in hashes {
                known.insert(hash.clone(), there.get(hash).copied());
            }
        }
        if !self.ask.is_empty() {
            let answer = ExpiriesResponse::from_json(next()?).map_err(|_| NetError::BadReply)?;
            for hash in &self.ask {
                known.insert(hash.clone(), answer.expiries.get(hash).copied());
            }
        }
        Ok(known)
    }
}

/// Until when the members keep what they have: the earliest any of them says.
fn shortened(answer: &SwarmAnswer<Expired>, asked: Timestamp) -> BTreeMap<MessageHash, Timestamp> {
    let mut there: BTreeMap<MessageHash, Timestamp> = BTreeMap::new();
    let mut note = |hash: &MessageHash, time: Timestamp| {
        let kept = there.entry(hash.clone()).or_insert(time);
        *kept = time.min(*kept);
    };
    for (_, member) in answer.successes() {
        for (index, hash) in member.updated.iter().enumerate() {
            let time = match &member.expiry {
                NewExpiry::One(time) => *time,
                NewExpiry::Each(times) => times.get(index).copied().unwrap_or(asked),
            };
            note(hash, time);
        }
        for (hash, time) in member.unchanged.iter().flatten() {
            note(hash, *time);
        }
    }
    there
}

async fn record(shared: &Shared, taken: &[SwarmTask], known: Known) -> Result<(), CoreError> {
    let ids: Vec<i64> = taken.iter().map(|task| task.id).collect();
    let mut seen = BTreeSet::new();
    let times: Vec<(MessageId, Option<Timestamp>)> = taken
        .iter()
        .filter(|task| task.kind != SwarmTaskKind::Delete)
        .filter_map(|task| {
            let message = task.message?;
            let time = known.get(&task.hash)?;
            seen.insert(message).then_some((message, *time))
        })
        .collect();
    shared
        .model
        .write(shared.network.now(), move |tx| {
            for (message, time) in times {
                tx.swarm_expiry(message, time)?;
            }
            Ok(tx.store.swarm_tasks_done(&ids)?)
        })
        .await
}
