//! Answering a member that compares.

use std::collections::HashSet;

use session_storage_rpc::{Reply, Tree};
use session_types::{Ed25519PublicKey, Timestamp};
use tokio::time::Instant;

use super::super::{Event, Replication};
use super::lock;
use super::wire::{Answer, Ask, Digest, Digests, Part, Question, Salt, ShortId, short_id};
use crate::clock::Clock as _;
use crate::store::{Element, HeldRow, StoreError, SwarmRange};

/// Most rows of this node looked at for one question.
const MAX_ROWS: usize = 131_072;

impl Replication {
    /// Compares with what another member says it holds.
    pub(crate) async fn answer_reconcile(&self, caller: &Ed25519PublicKey, body: &[u8]) -> Reply {
        let refused = |status, text: &str| Reply::new(status, Tree::Text(text.to_owned()));
        let Some(question) = Question::decode(body) else {
            return refused(400, "Failed to parse the question");
        };
        let arc = self.common_arc(&self.registry.snapshot(), caller);
        if arc != Some(question.range) {
            return refused(409, "swarm mismatch");
        }
        let Some(sums) = self.store.sums(question.range) else {
            return refused(503, "not ready to compare");
        };
        let is_root = matches!(question.ask, Ask::Root(_));
        if !is_root && !question.insists && self.reconcile.is_receiving() {
            return refused(503, "messages are coming in");
        }
        let own = Digests::of(&sums);
        let mut answer = Answer {
            differing: Vec::new(),
            stopped_at: None,
            queued: 0,
            time: self.clock.own(),
        };
        match question.ask {
            Ask::Root(digest) => answer.differing.push(digest != own.root()),
            Ask::Groups(digests) => compare(&mut answer.differing, &digests, own.groups()),
            Ask::Buckets(groups) => {
                for (group, digests) in groups {
                    compare(&mut answer.differing, &digests, own.group(group));
                }
            }
            Ask::Messages { salt, parts } => {
                let compared = self
                    .compare_messages(caller, question.range, &salt, parts, &mut answer)
                    .await;
                if let Err(error) = compared {
                    tracing::warn!(%error, "messages were not compared");
                    return refused(500, "request failed");
                }
            }
        }
        if answer.differing == [false] && is_root {
            self.forget_offers(caller);
        }
        Reply::ok(Tree::Blob(answer.encode()))
    }

    async fn compare_messages(
        &self,
        caller: &Ed25519PublicKey,
        range: SwarmRange,
        salt: &Salt,
        parts: Vec<Part>,
        answer: &mut Answer,
    ) -> Result<(), StoreError> {
        let stretches = parts.iter().map(|part| part.stretch.clone()).collect();
        let held = self.store.held_rows(range, stretches, MAX_ROWS).await?;
        let mut missing_there = Vec::new();
        for (part, held) in parts.iter().zip(held) {
            let there: HashSet<&ShortId> = part.ids.iter().collect();
            let mut here = HashSet::with_capacity(held.rows.len());
            for row in held.rows {
                let id = short_id(salt, &row.element);
                if !there.contains(&id) {
                    missing_there.push(row);
                }
                here.insert(id);
            }
            let missing = part.ids.iter().map(|id| !here.contains(id));
            answer.differing.extend(missing);
            answer.stopped_at = held.stopped_at;
        }
        let now = self.clock.now();
        let offered = self.offer(caller, missing_there, now).await?;
        answer.queued = u64::try_from(offered).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Puts messages that a member lacks on its delivery list. Returns how many.
    pub(super) async fn offer(
        &self,
        member: &Ed25519PublicKey,
        mut rows: Vec<HeldRow>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        {
            let mut offers = lock(&self.reconcile.offers);
            let offers = offers.entry(*member).or_default();
            let (at, pause) = (Instant::now(), self.timing.reconcile_interval);
            rows.retain(|row| row.expiry > now && offers.take(&row.element, at, pause));
        }
        if rows.is_empty() {
            return Ok(0);
        }
        // Those that have waited longest first.
        let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        self.store.queue_for(*member, &ids).await?;
        self.counters.reconciled.add(ids.len());
        self.tell(Event::Requested(*member));
        Ok(ids.len())
    }

    pub(super) fn forget_offers(&self, member: &Ed25519PublicKey) {
        if let Some(offers) = lock(&self.reconcile.offers).get_mut(member) {
            offers.clear();
        }
    }
}

fn compare(differing: &mut Vec<bool>, theirs: &[Digest], own: &[Digest]) {
    differing.extend(theirs.iter().zip(own).map(|(theirs, own)| theirs != own));
}

/// The text of the hash an element stands for, to compare places.
pub(super) fn hash_text(element: &Element) -> String {
    session_types::MessageHash::from_digest(element)
        .as_str()
        .to_owned()
}
