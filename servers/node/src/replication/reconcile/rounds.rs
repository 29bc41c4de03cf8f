//! Asking the other members, one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use session_types::{Ed25519PublicKey, NodeContact};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::super::Replication;
use super::answer::hash_text;
use super::lock;
use super::wire::{Answer, Ask, Digests, FAN, MAX_IDS, Part, Question, new_salt, short_id};
use crate::clock::Clock as _;
use crate::peers::{NodeCommand, PeerError};
use crate::store::{BUCKETS, HeldRow, Stretch, SwarmRange};

/// Pause while something is on its way from or to a member.
const SOON: Duration = Duration::from_secs(1);
/// Postponements after which a comparison takes place whatever comes in.
const MAX_POSTPONED: u32 = 20;
/// A node that does not know the question is asked again after so many rounds.
const UNSUPPORTED_ROUNDS: u32 = 60;
/// Steps of one comparison: more than any number of messages takes, in case an answer makes no
/// progress.
const MAX_STEPS: usize = 10_000;

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Both hold the same.
    Equal,
    /// What differs is on its way, if it has not been sent lately.
    Differed { on_the_way: bool },
    /// Messages come in, here or there; or the other side is not ready.
    Busy,
    /// The other node sees another swarm.
    Mismatch,
    /// The other node does not know the question.
    Unsupported,
    /// No answer, or none that makes sense.
    Failed,
}

/// When a member is asked next.
#[derive(Debug, Clone, Copy)]
struct Plan {
    due: Instant,
    postponed: u32,
}

/// Runs until the node stops.
pub(in super::super) async fn run(shared: Arc<Replication>, shutdown: CancellationToken) {
    let mut changed = shared.registry.changed();
    let mut watching = true;
    let mut plans: HashMap<Ed25519PublicKey, Plan> = HashMap::new();
    loop {
        let next = plan(&shared, &mut plans);
        let due = next.map(|(_, plan)| plan.due);
        if let Some((node, plan)) = next
            && plan.due <= Instant::now()
        {
            let asking = Box::pin(ask(&shared, &node, plan.postponed >= MAX_POSTPONED));
            let Some(outcome) = shutdown.run_until_cancelled(asking).await else {
                return;
            };
            plans.insert(node, after(&shared, plan, outcome));
            continue;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = shared.reconcile.wake.notified() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            outcome = changed.changed(), if watching => watching = outcome.is_ok(),
        }
    }
}

/// Adapts the plans to who the members are and who is to be asked sooner; returns the next one.
fn plan(
    shared: &Replication,
    plans: &mut HashMap<Ed25519PublicKey, Plan>,
) -> Option<(Ed25519PublicKey, Plan)> {
    let nodes = shared.registry.snapshot();
    let members: Vec<Ed25519PublicKey> = match shared.own_swarm(&nodes) {
        Some(swarm) => shared
            .others(&nodes, swarm)
            .filter(|node| node.has_complete_contact())
            .map(|node| node.contact.ed25519)
            .collect(),
        None => Vec::new(),
    };
    let now = Instant::now();
    plans.retain(|node, _| members.contains(node));
    lock(&shared.reconcile.offers).retain(|node, _| members.contains(node));
    let hurried = std::mem::take(&mut *lock(&shared.reconcile.hurried));
    for node in members {
        let plan = plans.entry(node).or_insert(Plan {
            due: now,
            postponed: 0,
        });
        if let Some(wanted) = hurried.get(&node) {
            plan.due = plan.due.min(*wanted);
        }
    }
    let next = plans.iter().min_by_key(|(_, plan)| plan.due)?;
    Some((*next.0, *next.1))
}

/// When the member is asked again.
fn after(shared: &Replication, plan: Plan, outcome: Outcome) -> Plan {
    let interval = shared.timing.reconcile_interval;
    // The members of a swarm must not all ask at the same moment.
    let jittered = |pause: Duration| pause.mul_f64(rand::random_range(0.75..=1.25));
    let (pause, postponed) = match outcome {
        Outcome::Equal | Outcome::Failed | Outcome::Differed { on_the_way: false } => {
            (jittered(interval), 0)
        }
        Outcome::Differed { on_the_way: true } => (jittered(SOON.min(interval)), 0),
        Outcome::Busy => (
            jittered(SOON.min(interval)),
            plan.postponed.saturating_add(1),
        ),
        Outcome::Mismatch => (jittered(shared.timing.hello_interval.min(interval)), 0),
        Outcome::Unsupported => (jittered(interval.saturating_mul(UNSUPPORTED_ROUNDS)), 0),
    };
    Plan {
        due: Instant::now() + pause,
        postponed,
    }
}

/// Compares with one member.
async fn ask(shared: &Replication, member: &Ed25519PublicKey, insists: bool) -> Outcome {
    let nodes = shared.registry.snapshot();
    let (Some(node), Some(range)) = (nodes.get(member), shared.common_arc(&nodes, member)) else {
        return Outcome::Mismatch;
    };
    if shared.peers.is_down(member) {
        return Outcome::Failed;
    }
    if let Err(error) = shared.store.make_sums(range).await {
        tracing::warn!(%error, "what is held cannot be summed up");
        return Outcome::Failed;
    }
    let round = Round {
        shared,
        node: &node.contact,
        range,
        insists,
    };
    let outcome = round.run().await;
    match outcome {
        Ok(outcome) | Err(outcome) => {
            if outcome == Outcome::Equal {
                shared.forget_offers(member);
            }
            tracing::trace!(?outcome, "compared with a member");
            outcome
        }
    }
}

/// One comparison; an `Err` ends it early.
struct Round<'a> {
    shared: &'a Replication,
    node: &'a NodeContact,
    range: SwarmRange,
    insists: bool,
}

impl Round<'_> {
    async fn run(&self) -> Result<Outcome, Outcome> {
        let sums = self.shared.store.sums(self.range).ok_or(Outcome::Busy)?;
        let own = Digests::of(&sums);
        let root = self.put(Ask::Root(own.root()), 1).await?;
        if root.differing == [false] {
            return Ok(Outcome::Equal);
        }
        if self.shared.reconcile.is_receiving() && !self.insists {
            return Ok(Outcome::Busy);
        }
        let groups = self.put(Ask::Groups(own.groups().to_vec()), FAN).await?;
        let groups: Vec<u8> = (0u8..).zip(&groups.differing).filter_map(set).collect();
        let asked = groups.iter().map(|g| (*g, own.group(*g).to_vec()));
        let bits = groups.len() * FAN;
        let buckets = self.put(Ask::Buckets(asked.collect()), bits).await?;
        let numbers = groups.iter().flat_map(|group| {
            let first = u16::from(*group) * 64;
            first..first + 64
        });
        let buckets = numbers.zip(&buckets.differing).filter_map(set).collect();
        self.compare(buckets).await
    }

    /// Compares the messages of these buckets one by one.
    async fn compare(&self, buckets: Vec<u16>) -> Result<Outcome, Outcome> {
        let mut left: Vec<Stretch> = buckets.into_iter().map(Stretch::whole).collect();
        let mut on_the_way = false;
        for _ in 0..MAX_STEPS {
            if left.is_empty() {
                return Ok(Outcome::Differed { on_the_way });
            }
            let (parts, rows, rest) = self.read(&left).await?;
            on_the_way |= self.compare_parts(parts, rows, &rest, &mut left).await?;
        }
        Ok(Outcome::Failed)
    }

    /// Own messages of the first stretches, and the stretches that are left after these.
    async fn read(
        &self,
        left: &[Stretch],
    ) -> Result<(Vec<Stretch>, Vec<Vec<HeldRow>>, Vec<Stretch>), Outcome> {
        let held = self
            .shared
            .store
            .held_rows(self.range, left.to_vec(), MAX_IDS)
            .await
            .map_err(|error| {
                tracing::warn!(%error, "own messages cannot be read");
                Outcome::Failed
            })?;
        let mut parts = Vec::with_capacity(held.len());
        let mut rows = Vec::with_capacity(held.len());
        let mut rest: Vec<Stretch> = left.iter().skip(held.len()).cloned().collect();
        for (stretch, held) in left.iter().zip(held) {
            if held.stopped_at.is_some() {
                rest.insert(
                    0,
                    Stretch {
                        after: held.stopped_at.clone(),
                        ..stretch.clone()
                    },
                );
            }
            parts.push(Stretch {
                until: held.stopped_at.or_else(|| stretch.until.clone()),
                ..stretch.clone()
            });
            rows.push(held.rows);
        }
        Ok((parts, rows, rest))
    }

    /// Has some stretches compared and sees to it that the messages missing on either side go
    /// there. Sets what is left to be compared. Returns whether anything is on its way.
    async fn compare_parts(
        &self,
        stretches: Vec<Stretch>,
        rows: Vec<Vec<HeldRow>>,
        rest: &[Stretch],
        left: &mut Vec<Stretch>,
    ) -> Result<bool, Outcome> {
        let salt = new_salt();
        let parts: Vec<Part> = stretches
            .iter()
            .zip(&rows)
            .map(|(stretch, rows)| Part {
                stretch: stretch.clone(),
                ids: rows
                    .iter()
                    .map(|row| short_id(&salt, &row.element))
                    .collect(),
            })
            .collect();
        let bits = parts.iter().map(|part| part.ids.len()).sum();
        let answer = self.put(Ask::Messages { salt, parts }, bits).await?;

        let mut missing_there = Vec::new();
        let mut bits = answer.differing.iter();
        left.clear();
        let mut parts = stretches.into_iter().zip(rows);
        for (stretch, rows) in parts.by_ref() {
            let stopped = answer
                .stopped_at
                .clone()
                .filter(|hash| stretch.contains(hash));
            let compared = |row: &HeldRow| match &stopped {
                Some(hash) => hash_text(&row.element) <= *hash,
                None => true,
            };
            for (row, missing) in rows.into_iter().zip(bits.by_ref()) {
                if *missing && compared(&row) {
                    missing_there.push(row);
                }
            }
            if let Some(hash) = stopped {
                left.push(Stretch {
                    after: Some(hash),
                    ..stretch
                });
                break;
            }
        }
        left.extend(parts.map(|(stretch, _)| stretch));
        left.extend_from_slice(rest);
        let now = self.shared.clock.now();
        let offered = self
            .shared
            .offer(&self.node.ed25519, missing_there, now)
            .await
            .map_err(|error| {
                tracing::warn!(%error, "messages were not put on a delivery list");
                Outcome::Failed
            })?;
        Ok(offered > 0 || answer.queued > 0)
    }

    /// Puts one question.
    async fn put(&self, ask: Ask, bits: usize) -> Result<Answer, Outcome> {
        let timeout = match ask {
            Ask::Messages { .. } => self.shared.timing.bulk_timeout,
            Ask::Root(_) | Ask::Groups(_) | Ask::Buckets(_) => self.shared.timing.forward_timeout,
        };
        let question = Question {
            range: self.range,
            insists: self.insists,
            ask,
        };
        let body = Bytes::from(question.encode());
        let (asked, sent) = (self.shared.clock.own(), Instant::now());
        let reply = self
            .shared
            .call(self.node, NodeCommand::Reconcile, body, timeout)
            .await;
        let reply = match reply {
            Ok(reply) => reply,
            // Another kind of node: what it says is not signed.
            Err(PeerError::BadAnswer) => return Err(Outcome::Unsupported),
            Err(_) => return Err(Outcome::Failed),
        };
        match reply.status {
            200 => {}
            409 => return Err(Outcome::Mismatch),
            503 => return Err(Outcome::Busy),
            404 => return Err(Outcome::Unsupported),
            500 if reply.body.starts_with(b"Invalid endpoint") => {
                return Err(Outcome::Unsupported);
            }
            _ => return Err(Outcome::Failed),
        }
        let answer = Answer::decode(&reply.body, bits).ok_or(Outcome::Failed)?;
        let others = self.members();
        let clock = &self.shared.clock;
        clock.compare(
            self.node.ed25519,
            asked,
            sent.elapsed(),
            answer.time,
            others,
        );
        Ok(answer)
    }

    /// How many other members there are.
    fn members(&self) -> usize {
        let nodes = self.shared.registry.snapshot();
        self.shared
            .own_swarm(&nodes)
            .map_or(0, |swarm| self.shared.others(&nodes, swarm).count())
    }
}

/// The number of a set bit.
fn set<T>((number, bit): (T, &bool)) -> Option<T> {
    bit.then_some(number)
}

/// Every group and bucket has a number.
const _: () = assert!(FAN * FAN == BUCKETS as usize);
