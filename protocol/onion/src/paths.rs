//! Which nodes a request goes through: a state machine without clock, network or threads.
//!
//! Ask [`PathManager::path`] for a path, send a request through it, tell
//! [`PathManager::report`] how it went. The manager keeps one guard for months and a few second
//! hops for weeks, and gives every purpose its own third hop. What must survive a restart is in
//! [`PathManager::persisted`].
//!
//! The rules come from docs/protocol/traffic-analysis.md section 3 (M-01 to M-04), the
//! accounting of failures from docs/protocol/paths.md sections 3.3 and 3.4. Networks with fewer
//! than 50 nodes, where there is no crowd to hide in, use other constants
//! ([`PathConfig::small`]) and may relax the diversity rules:
//!
//! | step | given up | where |
//! |---|---|---|
//! | 1 | distinct /16 networks | anywhere |
//! | 2 | a third hop not shared with another purpose | anywhere |
//! | 3 | third hop and guard outside the destination's swarm | small networks |
//! | 4 | third hop and guard outside the user's own swarm | small networks |
//! | 5 | hops that have not failed lately | anywhere |
//! | 6 | distinct operators | small networks |
//!
//! What always holds: the three hops are distinct, and the destination is none of them.

mod circuits;
mod config;
mod diversity;
mod guards;
mod health;
mod outcome;
mod second_hops;

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::{IndexedRandom, SliceRandom};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use session_types::{Ed25519PublicKey, NodeContact, Timestamp};

use circuits::{Circuit, Circuits};
pub use config::{Limits, PathConfig};
pub use diversity::Operator;
use diversity::{Diversity, Rules};
use guards::{Choice, Guards};
use health::NodeHealth;
pub use outcome::{Outcome, Path, PathError, PathId, PathRequest, PathStatus, Purpose};
use second_hops::Surroundings;

/// Hops of a path, the destination not counted.
pub const HOPS: usize = 3;

/// What must survive a restart: guards, second hops, and how many new guards there were lately.
///
/// Serialises with serde; a form this version does not know is best replaced by the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersistedPaths(Guards);

/// Chooses paths and learns from what happens on them.
#[derive(Debug)]
pub struct PathManager {
    config: PathConfig,
    nodes: BTreeMap<Ed25519PublicKey, NodeContact>,
    diversity: Diversity,
    guards: Guards,
    health: NodeHealth,
    circuits: Circuits,
    /// The guard sample must be looked after before the next path.
    refill: bool,
    dirty: bool,
}

impl PathManager {
    /// A manager that knows no nodes yet.
    #[must_use]
    pub fn new(config: PathConfig, persisted: PersistedPaths) -> Self {
        Self {
            config,
            nodes: BTreeMap::new(),
            diversity: Diversity::default(),
            guards: persisted.0,
            health: NodeHealth::default(),
            circuits: Circuits::default(),
            refill: true,
            dirty: false,
        }
    }

    /// Takes a fresh node list. Strikes are forgotten; paths over vanished nodes are closed.
    pub fn set_pool(&mut self, pool: &[NodeContact], now: Timestamp, rng: &mut dyn CryptoRng) {
        self.nodes = pool
            .iter()
            .map(|node| (node.ed25519, node.clone()))
            .collect();
        self.health.clear_all();
        let nodes = &self.nodes;
        self.circuits.close(|circuit| {
            [&circuit.guard, &circuit.second, &circuit.third]
                .into_iter()
                .any(|key| !nodes.contains_key(key))
        });
        self.refill = true;
        self.refill_guards(now, rng);
    }

    /// Says which nodes hold the user's own mailbox: guard and third hop must not be among them,
    /// or one node could tie the user's address to the account.
    pub fn set_own_swarm(&mut self, members: &[Ed25519PublicKey]) {
        let members: BTreeSet<Ed25519PublicKey> = members.iter().copied().collect();
        if members != self.diversity.own_swarm {
            self.circuits.close(|circuit| {
                circuit.rules.own_swarm
                    && (members.contains(&circuit.guard) || members.contains(&circuit.third))
            });
            self.diversity.own_swarm = members;
            self.refill = true;
        }
    }

    /// Says who runs which node. Nodes left out count as run by strangers.
    pub fn set_operators(&mut self, operators: BTreeMap<Ed25519PublicKey, BTreeSet<Operator>>) {
        self.diversity.set_operators(operators);
    }

    /// Changes the rules from now on.
    pub fn set_config(&mut self, config: PathConfig) {
        self.config = config;
        self.refill = true;
    }

    /// A path for a request: the one already in use for this purpose, or a new one.
    ///
    /// While guards fail this still answers, with the one most worth trying: the caller learns
    /// by trying, and [`Self::status`] says what to tell people.
    ///
    /// # Errors
    /// [`PathError`] when no path can be made from the nodes known.
    pub fn path(
        &mut self,
        request: &PathRequest<'_>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Path, PathError> {
        self.enough_nodes(request.destination.as_ref())?;
        self.close_old(now);
        self.refill_guards(now, rng);
        let swarm: BTreeSet<Ed25519PublicKey> = request.destination_swarm.iter().copied().collect();
        // Who may be guard, from strict to lenient: outside both swarms, outside the own one, any.
        let levels: &[(bool, bool)] = if self.limits().relax {
            &[(true, true), (false, true), (false, false)]
        } else {
            &[(true, true)]
        };
        let mut error = PathError::NoGuard;
        for desperate in [false, true] {
            for (avoid_destination, avoid_own) in levels {
                let mut useless: BTreeSet<Ed25519PublicKey> = BTreeSet::new();
                loop {
                    let (config, nodes) = (&self.config, &self.nodes);
                    let own = &self.diversity.own_swarm;
                    let choice = self.guards.choose(
                        config,
                        config.limits(nodes.len()),
                        now,
                        desperate,
                        |key| nodes.contains_key(key) && !(*avoid_own && own.contains(key)),
                        |key| {
                            Some(*key) != request.destination
                                && !useless.contains(key)
                                && !(*avoid_destination && swarm.contains(key))
                        },
                    );
                    let guard = match choice {
                        Choice::Guard(guard) => guard,
                        Choice::Limited(until) => {
                            error = PathError::GuardLimit { until };
                            break;
                        }
                        Choice::Nobody => break,
                    };
                    if let Some(path) = self.through(guard, request, &swarm, now, rng) {
                        return Ok(path);
                    }
                    error = PathError::NoPath;
                    useless.insert(guard);
                }
            }
        }
        Err(error)
    }

    /// Takes note of how a request over a path went.
    pub fn report(&mut self, id: PathId, outcome: Outcome, now: Timestamp) {
        let Some(circuit) = self.circuits.get(id).cloned() else {
            return;
        };
        match outcome {
            Outcome::Success | Outcome::DestinationFault => {
                if let Some(circuit) = self.circuits.get_mut(id) {
                    circuit.succeeded();
                }
                self.health.clear(&circuit.second);
                self.health.clear(&circuit.third);
                let eligible = eligible(&self.nodes, &self.diversity);
                let limits = self.config.limits(self.nodes.len());
                self.dirty |=
                    self.guards
                        .succeeded(&circuit.guard, &self.config, limits, now, eligible);
            }
            // Requests that were under way when the path was closed say nothing new.
            _ if circuit.closed => {}
            Outcome::GuardUnreachable => self.guard_failed(&circuit.guard, now),
            Outcome::NodeNotFound(key) | Outcome::NodeUnreachable(key) => {
                let in_path = key == circuit.second || key == circuit.third;
                if in_path || circuit.goes_to(&key) {
                    self.guards.answered(&circuit.guard, now);
                    self.blame(key, matches!(outcome, Outcome::NodeNotFound(_)), now);
                } else {
                    // Nobody asked for this node: whoever says so is not to be believed.
                    self.unclear_failure(id, &circuit, now);
                }
            }
            Outcome::Timeout | Outcome::BadReply | Outcome::PathError(_) => {
                self.unclear_failure(id, &circuit, now);
            }
        }
    }

    /// Closes the paths of a purpose, or all of them, so that new ones are made. The guards stay.
    pub fn renew(&mut self, purpose: Option<&Purpose>) {
        self.circuits
            .close(|circuit| purpose.is_none_or(|purpose| circuit.purpose == *purpose));
    }

    /// How the client stands to the network.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> PathStatus {
        let (have, need) = (self.nodes.len(), HOPS);
        if have < need {
            return PathStatus::NoNodes { have, need };
        }
        let limits = self.limits();
        if self.guards.all_given_up(
            &self.config,
            limits,
            now,
            eligible(&self.nodes, &self.diversity),
        ) && let Some(until) = self.guards.limited_until(&self.config, limits, now)
        {
            return PathStatus::GuardLimit { until };
        }
        if let Some(since) = self.guards.offline_since() {
            return PathStatus::Offline { since };
        }
        let may_be_guard = eligible(&self.nodes, &self.diversity);
        let working = self.guards.working(&self.config, may_be_guard);
        let connected = working.and_then(|(key, backup)| {
            let guard = self.nodes.get(&key)?.clone();
            let guard_since = self.guards.confirmed_at(&key)?;
            Some(PathStatus::Connected {
                guard,
                guard_since,
                backup,
            })
        });
        connected.unwrap_or(PathStatus::Connecting)
    }

    /// What must survive a restart.
    #[must_use]
    pub fn persisted(&self) -> PersistedPaths {
        PersistedPaths(self.guards.clone())
    }

    /// Whether [`Self::persisted`] has changed since this was last asked.
    pub fn take_dirty(&mut self) -> bool {
        core::mem::take(&mut self.dirty)
    }

    /// The guards that requests have gone through, in the order of preference.
    pub fn confirmed_guards(&self) -> impl Iterator<Item = Ed25519PublicKey> {
        self.guards.confirmed().map(|guard| guard.key)
    }

    fn limits(&self) -> &Limits {
        self.config.limits(self.nodes.len())
    }

    fn enough_nodes(&self, destination: Option<&Ed25519PublicKey>) -> Result<(), PathError> {
        let in_pool = destination.is_some_and(|key| self.nodes.contains_key(key));
        let (have, need) = (self.nodes.len(), HOPS + usize::from(in_pool));
        if have < need {
            Err(PathError::NoNodes { have, need })
        } else {
            Ok(())
        }
    }

    fn close_old(&mut self, now: Timestamp) {
        let config = &self.config;
        self.circuits.close(|circuit| {
            let age = if circuit.purpose.polls() {
                config.poll_path_age
            } else {
                config.send_path_age
            };
            now.since(circuit.created_at) >= age || circuit.created_at > now.plus(age)
        });
    }

    fn refill_guards(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        if core::mem::take(&mut self.refill) || self.guards.refill_due(now) {
            self.dirty |= self.guards.refill(
                &self.nodes,
                &self.diversity.own_swarm,
                &self.config,
                now,
                rng,
            );
        }
    }

    /// A path through this guard: an open one of the purpose, or a new one.
    fn through(
        &mut self,
        guard: Ed25519PublicKey,
        request: &PathRequest<'_>,
        swarm: &BTreeSet<Ed25519PublicKey>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<Path> {
        let reused = self
            .circuits
            .open_for(&request.purpose, &guard)
            .find(|(_, circuit)| self.suits(circuit, request.destination, swarm, now))
            .map(|(id, _)| id);
        let id = match reused {
            Some(id) => id,
            None => self.open(guard, request, swarm, now, rng)?,
        };
        let circuit = self.circuits.get_mut(id)?;
        circuit.remember(request.destination);
        let contact = |key| self.nodes.get(key).cloned();
        let hops = [
            contact(&circuit.guard)?,
            contact(&circuit.second)?,
            contact(&circuit.third)?,
        ];
        Some(Path { id, hops })
    }

    /// Whether an open path may carry a request to this destination.
    fn suits(
        &self,
        circuit: &Circuit,
        destination: Option<Ed25519PublicKey>,
        swarm: &BTreeSet<Ed25519PublicKey>,
        now: Timestamp,
    ) -> bool {
        let hops = [circuit.second, circuit.third];
        hops.iter().all(|key| {
            Some(*key) != destination && (!circuit.rules.health || self.health.usable(key, now))
        }) && !(circuit.rules.destination_swarm && swarm.contains(&circuit.third))
    }

    /// Makes a new path through this guard, under the strictest rules that allow one.
    fn open(
        &mut self,
        guard: Ed25519PublicKey,
        request: &PathRequest<'_>,
        swarm: &BTreeSet<Ed25519PublicKey>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<PathId> {
        let seconds = self.second_hops(guard, now, rng)?;
        let guard = self.nodes.get(&guard)?;
        let taken = self.circuits.thirds_of_others(&request.purpose);
        let mut found = None;
        let lately = self.limits().avoid_for;
        let healthy = |key: &Ed25519PublicKey| {
            self.health.usable(key, now) && !self.guards.failed_lately(key, now, lately)
        };
        'rules: for rules in Rules::ladder(self.limits().relax) {
            let usable = |node: &NodeContact| {
                Some(node.ed25519) != request.destination
                    && (!rules.health || healthy(&node.ed25519))
                    && self.diversity.compatible(node, guard, rules)
            };
            for second in seconds.iter().filter_map(|key| self.nodes.get(key)) {
                if !usable(second) {
                    continue;
                }
                let thirds: Vec<&NodeContact> = self
                    .nodes
                    .values()
                    .filter(|node| usable(node) && self.diversity.compatible(node, second, rules))
                    .filter(|node| {
                        let key = &node.ed25519;
                        !(rules.isolation && taken.contains(key)
                            || rules.destination_swarm && swarm.contains(key)
                            || rules.own_swarm && self.diversity.own_swarm.contains(key))
                    })
                    .collect();
                if let Some(third) = thirds.choose(rng) {
                    found = Some(([guard.ed25519, second.ed25519, third.ed25519], rules));
                    break 'rules;
                }
            }
        }
        let (hops, rules) = found?;
        let most = self.config.max_paths;
        Some(
            self.circuits
                .add(request.purpose.clone(), hops, rules, now, most),
        )
    }

    /// The guard's second hops in random order, after looking after them.
    fn second_hops(
        &mut self,
        guard: Ed25519PublicKey,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<Ed25519PublicKey>> {
        let contact = self.nodes.get(&guard)?;
        let around = Surroundings {
            pool: &self.nodes,
            health: &self.health,
            diversity: &self.diversity,
            config: &self.config,
            limits: self.config.limits(self.nodes.len()),
            now,
        };
        let second_hops = &mut self.guards.get_mut(&guard)?.second_hops;
        let upkeep = second_hops.keep_up(contact, around, rng);
        let mut keys: Vec<Ed25519PublicKey> = second_hops.keys().copied().collect();
        keys.shuffle(rng);
        self.dirty |= upkeep.changed;
        if upkeep.exhausted && !keys.iter().any(|key| self.health.usable(key, now)) {
            // It has lost more second hops than any honest guard does.
            self.guard_failed(&guard, now);
            return None;
        }
        Some(keys)
    }

    fn guard_failed(&mut self, guard: &Ed25519PublicKey, now: Timestamp) {
        let eligible = eligible(&self.nodes, &self.diversity);
        let limits = self.config.limits(self.nodes.len());
        self.guards
            .failed(guard, &self.config, limits, now, eligible);
        self.circuits.close(|circuit| circuit.guard == *guard);
        self.forgive_if_offline();
    }

    /// A hop named this node as unknown or unreachable.
    fn blame(&mut self, key: Ed25519PublicKey, unknown: bool, now: Timestamp) {
        let limits = self.config.limits(self.nodes.len());
        if self.nodes.contains_key(&key) {
            if unknown {
                self.health.drop_node(key, now.plus(limits.drop_for));
            } else {
                let pauses = (limits.avoid_for, limits.drop_for);
                self.health
                    .unreachable(key, now, self.config.node_strikes, pauses);
            }
        }
        self.circuits
            .close(|circuit| circuit.second == key || circuit.third == key);
    }

    /// Something on the path failed, and nobody says what.
    fn unclear_failure(&mut self, id: PathId, circuit: &Circuit, now: Timestamp) {
        let limits = self.config.limits(self.nodes.len());
        let counted = self
            .circuits
            .get_mut(id)
            .is_some_and(|circuit| circuit.strike(now, limits.path_strikes));
        if !counted {
            return;
        }
        for key in [circuit.second, circuit.third] {
            self.health
                .strike(key, now, self.config.node_strikes, limits.drop_for);
        }
        let eligible = eligible(&self.nodes, &self.diversity);
        self.guards
            .failed_unclearly(&circuit.guard, &self.config, limits, now, eligible);
        self.forgive_if_offline();
    }

    /// While nobody answers, failures say nothing about nodes.
    fn forgive_if_offline(&mut self) {
        if self.guards.offline_since().is_some() {
            self.health.clear_all();
        }
    }
}

/// Who may be a guard: a node of the pool outside the own swarm; on a network that has none
/// outside, any node.
fn eligible(
    nodes: &BTreeMap<Ed25519PublicKey, NodeContact>,
    diversity: &Diversity,
) -> impl Fn(&Ed25519PublicKey) -> bool {
    let own = &diversity.own_swarm;
    let others = nodes.keys().any(|key| !own.contains(key));
    move |key| nodes.contains_key(key) && !(others && own.contains(key))
}
