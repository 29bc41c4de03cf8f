//! Paths in use.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use session_types::{Ed25519PublicKey, Timestamp};

use super::diversity::Rules;
use super::outcome::{PathId, Purpose};

/// Destinations remembered per path, to believe what hops say about them.
const MAX_DESTINATIONS: usize = 32;
/// Failures this close together are one.
const BURST: Duration = Duration::from_secs(2);

/// One path and what happened on it.
#[derive(Debug, Clone)]
pub(super) struct Circuit {
    pub(super) purpose: Purpose,
    pub(super) guard: Ed25519PublicKey,
    pub(super) second: Ed25519PublicKey,
    pub(super) third: Ed25519PublicKey,
    pub(super) created_at: Timestamp,
    /// The rules it was built under.
    pub(super) rules: Rules,
    strikes: u32,
    struck_at: Option<Timestamp>,
    /// Requests on the way still report, new ones take another path.
    pub(super) closed: bool,
    destinations: BTreeSet<Ed25519PublicKey>,
}

impl Circuit {
    /// Counts a failure nobody explained and closes the path at `limit`. Requests that were under
    /// way together fail together: such a burst counts once. Returns whether it counted.
    pub(super) fn strike(&mut self, now: Timestamp, limit: u32) -> bool {
        if self.struck_at.is_some_and(|at| now.distance(at) < BURST) {
            return false;
        }
        self.struck_at = Some(now);
        self.strikes += 1;
        self.closed |= self.strikes >= limit;
        true
    }

    /// The path worked.
    pub(super) fn succeeded(&mut self) {
        self.strikes = 0;
        self.struck_at = None;
    }

    pub(super) fn goes_to(&self, key: &Ed25519PublicKey) -> bool {
        self.destinations.contains(key)
    }

    pub(super) fn remember(&mut self, destination: Option<Ed25519PublicKey>) {
        if let Some(key) = destination
            && (self.destinations.len() < MAX_DESTINATIONS || self.destinations.contains(&key))
        {
            self.destinations.insert(key);
        }
    }
}

/// All paths, the newest having the greatest id.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    circuits: BTreeMap<PathId, Circuit>,
    next: u64,
}

impl Circuits {
    pub(super) fn add(
        &mut self,
        purpose: Purpose,
        [guard, second, third]: [Ed25519PublicKey; 3],
        rules: Rules,
        now: Timestamp,
        most: usize,
    ) -> PathId {
        while self.circuits.len() >= most.max(1) {
            let closed = self.circuits.iter().find(|(_, circuit)| circuit.closed);
            let oldest = closed
                .or_else(|| self.circuits.iter().next())
                .map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.circuits.remove(&oldest);
        }
        let id = PathId(self.next);
        self.next += 1;
        let circuit = Circuit {
            purpose,
            guard,
            second,
            third,
            created_at: now,
            rules,
            strikes: 0,
            struck_at: None,
            closed: false,
            destinations: BTreeSet::new(),
        };
        self.circuits.insert(id, circuit);
        id
    }

    pub(super) fn get(&self, id: PathId) -> Option<&Circuit> {
        self.circuits.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PathId) -> Option<&mut Circuit> {
        self.circuits.get_mut(&id)
    }

    /// Open paths of a purpose through a guard.
    pub(super) fn open_for(
        &self,
        purpose: &Purpose,
        guard: &Ed25519PublicKey,
    ) -> impl Iterator<Item = (PathId, &Circuit)> {
        self.circuits
            .iter()
            .filter(move |(_, circuit)| {
                !circuit.closed && circuit.guard == *guard && circuit.purpose == *purpose
            })
            .map(|(id, circuit)| (*id, circuit))
    }

    /// Third hops of open paths of other purposes.
    pub(super) fn thirds_of_others(&self, purpose: &Purpose) -> BTreeSet<Ed25519PublicKey> {
        self.circuits
            .values()
            .filter(|circuit| !circuit.closed && circuit.purpose != *purpose)
            .map(|circuit| circuit.third)
            .collect()
    }

    /// Closes the paths for which `condition` holds.
    pub(super) fn close(&mut self, condition: impl Fn(&Circuit) -> bool) {
        for circuit in self.circuits.values_mut() {
            if condition(circuit) {
                circuit.closed = true;
            }
        }
    }
}
