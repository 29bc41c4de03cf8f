//! How nodes are spread over swarms (docs/protocol/node.md section 4).
//!
//! The result depends on nothing but the parameters, the seed and the swarms given, so every
//! party that knows them arrives at the same swarms. Ties between swarms of equal size are
//! broken by the lower id.

mod mersenne;
mod steps;

use std::collections::BTreeMap;

use session_types::{LegacyPublicKey, SwarmId};

/// Members of each swarm. [`SwarmId::UNASSIGNED`] holds nodes that wait for a swarm.
pub type Swarms = BTreeMap<SwarmId, Vec<LegacyPublicKey>>;

/// Sizes and percentiles of the assignment (docs/protocol/node.md section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmParams {
    /// A swarm below this size is filled up or dissolved; members above it are excess.
    pub min_size: usize,
    /// Excess every existing swarm keeps before a new one is made of it.
    pub margin: usize,
    /// Members a new swarm starts with.
    pub new_size: usize,
    /// New nodes go to swarms of at most the size found here, in percent of the sorted sizes.
    pub fill_percentile: usize,
    /// The same for members of a dissolved swarm.
    pub dissolve_percentile: usize,
    /// Swarms of at least about the size found here give members to needy ones.
    pub steal_percentile: usize,
}

impl SwarmParams {
    /// The public network's values: swarms of 5 to about 10.
    #[must_use]
    pub const fn mainnet() -> Self {
        Self {
            min_size: 5,
            margin: 2,
            new_size: 7,
            fill_percentile: 25,
            dissolve_percentile: 0,
            steal_percentile: 75,
        }
    }

    /// Values for networks of a few nodes: the second swarm appears with the tenth node, and
    /// twelve nodes make two swarms of six.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            min_size: 3,
            new_size: 5,
            ..Self::mainnet()
        }
    }
}

/// Gives every node of the unassigned group a swarm and evens sizes out: fills small swarms
/// from large ones, makes new swarms of excess members and dissolves those that stay too small.
///
/// The last swarm is never dissolved, so no node is ever left without one.
pub fn reassign(params: &SwarmParams, seed: u64, swarms: &mut Swarms) {
    if swarms.is_empty() {
        return;
    }
    steps::run(params, mersenne::Mersenne::new(seed), swarms);
}

/// Swarms of a network that begins with these nodes, by node. `nodes` should be in the order of
/// their keys: the outcome depends on it.
#[must_use]
pub fn assign_new(
    params: &SwarmParams,
    seed: u64,
    nodes: &[LegacyPublicKey],
) -> BTreeMap<LegacyPublicKey, SwarmId> {
    let mut swarms = Swarms::from([(SwarmId::UNASSIGNED, nodes.to_vec())]);
    reassign(params, seed, &mut swarms);
    swarms
        .into_iter()
        .flat_map(|(swarm, members)| members.into_iter().map(move |node| (node, swarm)))
        .collect()
}

/// The id of the next swarm: the middle of the largest gap, the first of equal ones
/// (docs/protocol/node.md section 4.5). `sorted` must be ascending.
#[must_use]
pub fn next_swarm_id(sorted: &[SwarmId]) -> SwarmId {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return SwarmId::new(0);
    };
    let max = SwarmId::MAX.get();
    let inner = sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .map(|(left, right)| (left.get(), right.get().saturating_sub(left.get())));
    // With one swarm the ring from it to itself is 2^64 − 1 long, which still fits.
    let around = (
        last.get(),
        max.saturating_sub(last.get())
            .saturating_add(first.get())
            .saturating_add(1),
    );
    let (left, gap) = inner.chain([around]).fold((0, 0), |best, candidate| {
        if candidate.1 > best.1 {
            candidate
        } else {
            best
        }
    });
    let half = gap / 2;
    let room = max.saturating_sub(left);
    SwarmId::new(if half > room {
        half - room - 1
    } else {
        left + half
    })
}
