//! The four steps of docs/protocol/node.md section 4.4.

use session_types::{LegacyPublicKey, SwarmId};

use super::mersenne::Mersenne;
use super::{SwarmParams, Swarms, next_swarm_id};

/// Runs all steps once.
pub(super) fn run(params: &SwarmParams, random: Mersenne, swarms: &mut Swarms) {
    let waiting = swarms.remove(&SwarmId::UNASSIGNED).unwrap_or_default();
    if swarms.is_empty() {
        swarms.insert(SwarmId::new(0), Vec::new());
    }
    let mut round = Round {
        params,
        random,
        swarms,
    };
    round.assign(waiting, params.fill_percentile);
    round.fill_needy();
    round.create();
    round.dissolve();
}

struct Round<'a> {
    params: &'a SwarmParams,
    random: Mersenne,
    swarms: &'a mut Swarms,
}

impl Round<'_> {
    /// Step 1: each node goes to one of the small swarms.
    fn assign(&mut self, nodes: Vec<LegacyPublicKey>, percentile: usize) {
        for node in nodes {
            let by_size = self.by_size();
            let size = size_at(&by_size, percentile);
            let candidates = by_size.partition_point(|(candidate, _)| *candidate <= size);
            let chosen = self.random.uniform(candidates);
            if let Some((_, swarm)) = by_size.get(chosen) {
                self.swarms.entry(*swarm).or_default().push(node);
            }
            self.create();
        }
    }

    /// Step 2: large swarms give members to those below the minimum, as long as it suffices.
    fn fill_needy(&mut self) {
        // Sizes as they were before anything moved: that is what the algorithm looks at.
        let by_size = self.by_size();
        let rich = size_at(&by_size, self.params.steal_percentile) as u64;
        let threshold = rich.wrapping_sub(1).max(self.params.min_size as u64);
        for (size, needy) in by_size {
            if size >= self.params.min_size {
                return;
            }
            while let Some(deficit) = self.deficit(needy) {
                let donors = self.pool(|len| len as u64 > threshold);
                let excess: usize = self
                    .swarms
                    .values()
                    .filter(|members| members.len() as u64 > threshold)
                    .map(|members| members.len().saturating_sub(self.params.min_size))
                    .sum();
                if excess < deficit {
                    return;
                }
                let Some(node) = self.take_from(&donors) else {
                    return;
                };
                self.swarms.entry(needy).or_default().push(node);
            }
        }
    }

    /// Step 3: new swarms out of excess members.
    fn create(&mut self) {
        if self
            .swarms
            .values()
            .any(|members| members.len() < self.params.min_size)
        {
            return;
        }
        while self.excess() >= self.params.new_size + self.params.margin * self.swarms.len() {
            let mut members = Vec::with_capacity(self.params.new_size);
            for _ in 0..self.params.new_size {
                let min_size = self.params.min_size;
                let donors = self.pool(|len| len > min_size);
                members.extend(self.take_from(&donors));
            }
            let ids: Vec<SwarmId> = self.swarms.keys().copied().collect();
            self.swarms.insert(next_swarm_id(&ids), members);
        }
    }

    /// Step 4: swarms that are still too small end, unless it is the last one.
    fn dissolve(&mut self) {
        while self.swarms.len() > 1 {
            let min_size = self.params.min_size;
            let small = self
                .swarms
                .iter()
                .find(|(_, members)| members.len() < min_size);
            let Some(id) = small.map(|(id, _)| *id) else {
                return;
            };
            let members = self.swarms.remove(&id).unwrap_or_default();
            self.assign(members, self.params.dissolve_percentile);
        }
    }

    /// How many members a swarm lacks; `None` when it lacks none.
    fn deficit(&self, swarm: SwarmId) -> Option<usize> {
        let size = self.swarms.get(&swarm).map_or(0, Vec::len);
        self.params
            .min_size
            .checked_sub(size)
            .filter(|deficit| *deficit > 0)
    }

    /// Members above the minimum, over all swarms.
    fn excess(&self) -> usize {
        self.swarms
            .values()
            .map(|m| m.len().saturating_sub(self.params.min_size))
            .sum()
    }

    /// Swarms with their sizes, by size and then id.
    fn by_size(&self) -> Vec<(usize, SwarmId)> {
        let mut sizes: Vec<_> = self
            .swarms
            .iter()
            .map(|(id, members)| (members.len(), *id))
            .collect();
        sizes.sort_unstable();
        sizes
    }

    /// Every member of the swarms whose size qualifies, in the order of ids and members.
    fn pool(&self, qualifies: impl Fn(usize) -> bool) -> Vec<(SwarmId, usize)> {
        self.swarms
            .iter()
            .filter(|(_, members)| qualifies(members.len()))
            .flat_map(|(id, members)| (0..members.len()).map(move |at| (*id, at)))
            .collect()
    }

    /// Draws one of the pool out of its swarm.
    fn take_from(&mut self, pool: &[(SwarmId, usize)]) -> Option<LegacyPublicKey> {
        let chosen = self.random.uniform(pool.len());
        let (id, at) = pool.get(chosen)?;
        let members = self.swarms.get_mut(id)?;
        (*at < members.len()).then(|| members.remove(*at))
    }
}

/// The size at a percentile of a list sorted by size.
fn size_at(by_size: &[(usize, SwarmId)], percentile: usize) -> usize {
    let index = percentile * by_size.len().saturating_sub(1) / 100;
    by_size.get(index).map_or(0, |(size, _)| *size)
}
