//! Requests made before the clock starts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use session_crypto::AccountKeys;
use session_types::NodeContact;

use crate::measure::Outcome;
use crate::onion::{self, Opener};
use crate::requests::{self, Accounts, Case, MIXTURE};
use crate::transport::{Answer, Endpoint, Target};

/// Memory for prepared requests, roughly.
const MAX_BYTES: usize = 1_000_000_000;

/// What is to be prepared.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) case: Case,
    /// Requests wanted over all guards, where each must be another one.
    pub(super) count: usize,
    pub(super) message_bytes: usize,
    pub(super) ttl: Duration,
}

/// Requests for one of the nodes, in turn.
pub(crate) struct Supply {
    requests: Vec<Prepared>,
    taken: AtomicUsize,
}

/// A request, and what its answer must be.
pub(super) struct Prepared {
    body: Bytes,
    /// What opens the answer if that is encrypted.
    opener: Option<Opener>,
    expected: &'static [u8],
}

impl Supply {
    /// Requests that enter the network at node `guard` of `targets`.
    pub(super) fn prepare(
        order: &Order,
        accounts: &Accounts,
        targets: &[Target],
        guard: usize,
    ) -> anyhow::Result<Self> {
        let path = path(order.case, targets, guard)?;
        let share = order.count.div_ceil(targets.len().max(1));
        let most = MAX_BYTES / (order.message_bytes * 4 / 3 + 700) / targets.len().max(1);
        let wanted = share.min(most).max(1);
        let different = match order.case {
            Case::Info | Case::Handshake | Case::Resumption => 1,
            case if case.writes() => wanted,
            case => accounts.of(case).len(),
        };
        let cases: &[Case] = match &order.case {
            Case::Mixed => &MIXTURE,
            case => core::slice::from_ref(case),
        };
        let mut requests = Vec::new();
        for (turn, case) in cases.iter().cycle().take(different).enumerate() {
            let accounts = accounts.of(*case);
            // Shifted with each round, so that every account meets every case.
            let place = (turn + turn / cases.len()) % accounts.len().max(1);
            let Some(account) = accounts.get(place) else {
                break;
            };
            requests.push(Prepared::new(*case, order, account, &path)?);
        }
        anyhow::ensure!(!requests.is_empty(), "too few accounts");
        Ok(Self {
            requests,
            taken: AtomicUsize::new(0),
        })
    }

    /// The next request; after the last one they start again.
    pub(super) fn next(&self) -> Option<&Prepared> {
        let turn = self.taken.fetch_add(1, Ordering::Relaxed);
        self.requests.get(turn % self.requests.len().max(1))
    }

    /// How many were taken more than once.
    pub(super) fn repeated(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed);
        taken.saturating_sub(self.requests.len())
    }
}

impl Prepared {
    fn new(
        case: Case,
        order: &Order,
        account: &AccountKeys,
        path: &[&NodeContact],
    ) -> anyhow::Result<Self> {
        let plain = match case {
            Case::Info | Case::Handshake | Case::Resumption | Case::Mixed => requests::info(),
            Case::RelayedHop => requests::padded_info(),
            Case::Store | Case::OnionStore | Case::OnionStore3 => {
                requests::store(account, order.message_bytes, order.ttl)?
            }
            Case::Retrieve | Case::OnionRetrieve3 => requests::retrieve(account),
            Case::Batch => requests::batch(account)?,
            Case::IdlePoll => requests::idle_poll(account)?,
        };
        let (body, opener) = match case.hops() {
            None => (plain, None),
            Some(hops) => {
                let path = path.get(..hops).unwrap_or(path);
                let (body, opener) = onion::wrap(path, &plain)?;
                (body.into(), Some(opener))
            }
        };
        Ok(Self {
            body,
            opener,
            expected: case.expected(),
        })
    }

    pub(super) fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub(super) const fn endpoint(&self) -> Endpoint {
        match self.opener {
            None => Endpoint::Storage,
            Some(_) => Endpoint::Onion,
        }
    }

    /// Whether the answer is the one that must come.
    pub(super) fn judge(&self, answer: &Answer) -> Outcome {
        let outer = Outcome::of_status(answer.status);
        let Some(opener) = &self.opener else {
            return match outer {
                Outcome::Good if !contains(&answer.body, self.expected) => Outcome::WrongAnswer,
                outcome => outcome,
            };
        };
        if outer != Outcome::Good {
            return outer;
        }
        let Some((status, text)) = opener.open(&answer.body) else {
            return Outcome::WrongAnswer;
        };
        match Outcome::of_status(status) {
            Outcome::Good if !contains(text.as_bytes(), self.expected) => Outcome::WrongAnswer,
            outcome => outcome,
        }
    }
}

/// The nodes an onion request that enters at `guard` passes; empty for direct requests.
fn path(case: Case, targets: &[Target], guard: usize) -> anyhow::Result<Vec<&NodeContact>> {
    let Some(hops) = case.hops() else {
        return Ok(Vec::new());
    };
    let nodes: Vec<_> = targets
        .iter()
        .cycle()
        .skip(guard)
        .take(hops.min(targets.len()))
        .filter_map(|target| target.contact.as_ref())
        .collect();
    anyhow::ensure!(
        nodes.len() == hops,
        "{} needs {hops} nodes whose keys are known: --nodes {hops}, or that many targets with keys",
        case.name()
    );
    Ok(nodes)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // An empty needle would panic, and must not pass for a check.
    !needle.is_empty()
        && haystack
            .windows(needle.len())
            .any(|window| window == needle)
}
