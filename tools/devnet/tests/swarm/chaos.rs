//! Everything that can go wrong, at random.
//!
//! `cargo xtask chaos` runs this for longer: it sets `SESSION_CHAOS_MINUTES` and
//! `SESSION_CHAOS_SEED`.

use core::time::Duration;
use std::collections::BTreeSet;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use session_devnet::Devnet;

use crate::churn::Load;
use crate::impatient_network;
use crate::people::{count, http};

const NODES: usize = 12;
/// Nodes that are not there at a time.
const MOST_AWAY: usize = 3;
/// Nodes whose clock is wrong at a time.
const MOST_WRONG: usize = 2;
/// How long everybody may take to agree after the last fault.
const SETTLING: Duration = Duration::from_secs(120);

fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().ok().expect("a number in the environment"),
        Err(_) => otherwise,
    }
}

/// What is wrong at the moment.
#[derive(Debug, Default)]
struct Trouble {
    dead: BTreeSet<usize>,
    paused: BTreeSet<usize>,
    full: BTreeSet<usize>,
    /// Their clocks are wrong.
    wrong: BTreeSet<usize>,
    faults: usize,
}

impl Trouble {
    fn away(&self) -> usize {
        self.dead.len() + self.paused.len()
    }

    /// One more thing goes wrong, or is put right.
    async fn grow(&mut self, network: &mut Devnet, random: &mut StdRng) {
        self.faults += 1;
        let node = random.random_range(0..NODES);
        let can_leave =
            self.away() < MOST_AWAY && !self.dead.contains(&node) && !self.paused.contains(&node);
        match random.random_range(0..11) {
            0 | 1 if can_leave => {
                network.kill_node(node).unwrap();
                self.dead.insert(node);
                self.full.remove(&node);
            }
            2 if can_leave => {
                network.stop_node(node).await.unwrap();
                self.dead.insert(node);
                self.full.remove(&node);
            }
            3 if can_leave => {
                network.pause_node(node).unwrap();
                self.paused.insert(node);
            }
            4 => {
                let mut nodes: Vec<usize> = (0..NODES).collect();
                nodes.shuffle(random);
                nodes.truncate(random.random_range(1..NODES));
                network.partition(&[nodes]).unwrap();
            }
            5 => {
                let latency = Duration::from_millis(random.random_range(0..1500));
                network.slow_node(node, latency).unwrap();
            }
            6 => network
                .lose_answers(node, random.random_range(2..6))
                .unwrap(),
            // Most of a swarm must have the right time.
            7 if self.wrong.len() < MOST_WRONG => {
                let hours = random.random_range(-3..=3i64);
                network.skew_clock(node, hours * 3_600_000).unwrap();
                self.wrong.insert(node);
            }
            8 if network.running_node(node).is_some() => {
                network.fill_disk(node).await.unwrap();
                self.full.insert(node);
            }
            _ => self.shrink(network, random).await,
        }
    }

    /// Something is put right.
    async fn shrink(&mut self, network: &mut Devnet, random: &mut StdRng) {
        let pick = |set: &BTreeSet<usize>, random: &mut StdRng| {
            let all: Vec<usize> = set.iter().copied().collect();
            all.choose(random).copied()
        };
        if let Some(node) = pick(&self.dead, random) {
            network.restart_node(node).await.unwrap();
            self.dead.remove(&node);
        }
        if let Some(node) = pick(&self.paused, random) {
            network.resume_node(node).unwrap();
            self.paused.remove(&node);
        }
        if let Some(node) = pick(&self.full, random) {
            network.free_disk(node).await.unwrap();
            self.full.remove(&node);
        }
        network.heal();
        let node = random.random_range(0..NODES);
        network.slow_node(node, Duration::ZERO).unwrap();
        network.lose_answers(node, 0).unwrap();
        if let Some(node) = pick(&self.wrong, random) {
            network.skew_clock(node, 0).unwrap();
            self.wrong.remove(&node);
        }
    }

    /// Everything is put right.
    async fn end(self, network: &mut Devnet) {
        network.heal();
        for node in 0..NODES {
            network.resume_node(node).unwrap();
            network.slow_node(node, Duration::ZERO).unwrap();
            network.lose_answers(node, 0).unwrap();
            network.skew_clock(node, 0).unwrap();
        }
        for node in self.full {
            network.free_disk(node).await.unwrap();
        }
        for node in self.dead {
            network.restart_node(node).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_nothing_acknowledged_is_lost() {
    let seed: u64 = setting("SESSION_CHAOS_SEED", 7);
    let minutes: f64 = setting("SESSION_CHAOS_MINUTES", 0.25);
    let mut random = StdRng::seed_from_u64(seed);
    let mut network = impatient_network(NODES, seed).await;
    let load = Load::start(&network, 4, seed, true);
    load.go_on(50).await;
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut trouble = Trouble::default();
    while Instant::now() < end {
        trouble.grow(&mut network, &mut random).await;
        let pause = Duration::from_millis(random.random_range(50..800));
        tokio::time::sleep(pause).await;
    }
    let faults = trouble.faults;
    let ledger = load.finish().await;
    trouble.end(&mut network).await;

    let http = http();
    let began = Instant::now();
    let counted = loop {
        let counted = count(&network, &http, &ledger).await;
        if counted.settled || began.elapsed() > SETTLING {
            break counted;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!(
        "seed {seed}: {faults} faults; acknowledged {}, deleted {}, doubtful {}, found {}, \
         lost {}, undead {}; settled after {:.1} s",
        ledger.acknowledged(),
        ledger.deleted.len(),
        ledger.doubtful.len(),
        counted.found,
        counted.lost,
        counted.undead,
        began.elapsed().as_secs_f64()
    );
    assert_eq!((counted.lost, counted.undead), (0, 0), "seed {seed}");
    assert!(counted.settled, "seed {seed}: the members do not agree");
    network.shutdown().await.unwrap();
}
