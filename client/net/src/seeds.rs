//! Asking the seeds for the list of nodes (docs/protocol/paths.md section 1).
//!
//! One after another in random order, each a moment after the one before or as soon as that has
//! failed; the first good answer ends the race. Most of the time a single seed is asked, and none
//! of them sees every start of every client.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rand::seq::SliceRandom as _;
use session_storage_rpc::node_list::{self, NodeListAnswer};
use session_types::NodeContact;
use tokio::time::{Instant, sleep_until};

use crate::NetError;
use crate::http::HttpError;
use crate::network::{Network, lock};
use crate::profile::Seed;

/// Longest seed answer read.
const MAX_SEED_ANSWER: usize = 16 * 1024 * 1024;

/// Why a seed was of no use.
#[derive(Debug)]
pub(crate) enum SeedFailure {
    /// No answer.
    Http(HttpError),
    /// The answer is no list of nodes, for this reason.
    Answer(String),
}

impl SeedFailure {
    /// For a person.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Http(error) => error.to_string(),
            Self::Answer(reason) => reason.clone(),
        }
    }

    /// Whether the seed cannot be blamed.
    fn is_ours(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_ours())
    }
}

impl Network {
    /// Takes the list of the first seed that has a good one.
    ///
    /// # Errors
    /// [`NetError::SeedsUnreachable`] with the reason of each, or the one reason why nothing gets
    /// away from this machine.
    pub(crate) async fn race_seeds(&self) -> Result<(), NetError> {
        let seeds = self.profile.seeds();
        let mut order: Vec<usize> = (0..seeds.len()).collect();
        order.shuffle(&mut rand::rng());
        let mut waiting = order
            .into_iter()
            .filter_map(|index| Some((index, seeds.get(index)?)))
            .peekable();
        let mut running = FuturesUnordered::new();
        let mut failures: Vec<(usize, SeedFailure)> = Vec::new();
        let mut next_at = Instant::now();
        loop {
            let due = running.is_empty() || Instant::now() >= next_at;
            if let Some((index, seed)) = waiting.next_if(|_| due) {
                running.push(async move { (index, self.ask_seed(seed).await) });
                next_at = Instant::now() + self.options.seed_stagger;
            }
            let more = waiting.peek().is_some();
            let (index, answer) = tokio::select! {
                answered = running.next() => match answered {
                    Some(answered) => answered,
                    None if more => continue,
                    None => break,
                },
                () = sleep_until(next_at), if more => continue,
            };
            let taken = answer.and_then(|nodes| {
                let taken = lock(&self.pool).accept_seed(nodes, self.clock.now());
                taken.map_err(|error| SeedFailure::Answer(error.to_string()))
            });
            match taken {
                Ok(_) => return Ok(()),
                Err(failure) => {
                    failures.push((index, failure));
                    // The next one need not wait any longer.
                    next_at = Instant::now();
                }
            }
        }
        Err(self.seeds_error(failures))
    }

    fn seeds_error(&self, mut failures: Vec<(usize, SeedFailure)>) -> NetError {
        failures.sort_by_key(|(index, _)| *index);
        let detail = match failures.as_slice() {
            [] => "no seed is configured".to_owned(),
            [(_, failure)] => failure.reason(),
            several => {
                let reasons = several
                    .iter()
                    .map(|(index, failure)| format!("seed {}: {}", index + 1, failure.reason()));
                reasons.collect::<Vec<_>>().join("; ")
            }
        };
        if !failures.is_empty()
            && failures.iter().all(|(_, failure)| failure.is_ours())
            && let Some((_, SeedFailure::Http(error))) = failures.pop()
        {
            self.note_failure(&NetError::Http(error));
        } else {
            self.note_failure(&NetError::BadReply);
        }
        NetError::SeedsUnreachable { detail }
    }

    /// The usable nodes a seed lists, or why there are none.
    pub(crate) async fn ask_seed(&self, seed: &Seed) -> Result<Vec<NodeContact>, SeedFailure> {
        let body = node_list::seed_request_text().into_bytes();
        let timeout = self.options.seed_timeout;
        let http = &self.carrier.http;
        let reply = http
            .post_to_seed(seed, "json_rpc", body, MAX_SEED_ANSWER, timeout)
            .await
            .map_err(SeedFailure::Http)?;
        if reply.status != 200 {
            let reason = format!("it answers with status {}", reply.status);
            return Err(SeedFailure::Answer(reason));
        }
        if !reply
            .content_type
            .is_some_and(|t| t.starts_with("application/json"))
        {
            let reason = "what answers there is not a seed".to_owned();
            return Err(SeedFailure::Answer(reason));
        }
        let list = NodeListAnswer::from_rpc_body(&reply.body).map_err(|error| {
            SeedFailure::Answer(format!("its answer is not a node list: {error}"))
        })?;
        Ok(list
            .nodes
            .into_iter()
            .map(|record| record.contact)
            .collect())
    }
}
