//! Swarms whose members change while clients store.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use session_devnet::Devnet;
use session_registry::{Registry as _, StaticRegistry};
use session_types::SwarmId;
use tokio::task::JoinHandle;

use crate::people::{Ledger, Person, Place, delete, http, places, store, until_all_agree};
use crate::{impatient_network, until};

/// How many people messages are stored for.
const PEOPLE: u64 = 12;

/// Clients that store, and may delete, until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    stored: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Ledger>>,
}

impl Load {
    pub(crate) fn start(network: &Devnet, clients: u64, seed: u64, deleting: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stored = Arc::new(AtomicUsize::new(0));
        let clients = (0..clients)
            .map(|client| {
                let work = Client {
                    registry: Arc::clone(network.registry()),
                    places: places(network),
                    keys: network.nodes().iter().map(|n| n.contact.ed25519).collect(),
                    stop: Arc::clone(&stop),
                    stored: Arc::clone(&stored),
                    number: client,
                    deleting,
                };
                let random = rand::rngs::StdRng::seed_from_u64(seed ^ client);
                tokio::spawn(work.run(random))
            })
            .collect();
        Self {
            stop,
            stored,
            clients,
        }
    }

    /// Waits until so many more messages have been stored.
    pub(crate) async fn go_on(&self, more: usize) {
        let goal = self.stored.load(Ordering::SeqCst) + more;
        until("clients have stored more", async || {
            (self.stored.load(Ordering::SeqCst) >= goal).then_some(())
        })
        .await;
    }

    pub(crate) async fn finish(self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut ledger = Ledger::default();
        for client in self.clients {
            ledger.merge(client.await.unwrap());
        }
        ledger
    }
}

struct Client {
    registry: Arc<StaticRegistry>,
    places: Vec<Place>,
    keys: Vec<session_types::Ed25519PublicKey>,
    stop: Arc<AtomicBool>,
    stored: Arc<AtomicUsize>,
    number: u64,
    deleting: bool,
}

impl Client {
    async fn run(self, mut random: rand::rngs::StdRng) -> Ledger {
        let http = http();
        let people: Vec<Person> = (0..PEOPLE).map(Person::number).collect();
        let mut ledger = Ledger::default();
        let mut kept = Vec::new();
        for message in 0u64.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let number = random.random_range(0..PEOPLE);
            let person = &people[usize::try_from(number).unwrap()];
            let Some(place) = self.member_for(person, &mut random) else {
                continue;
            };
            let data = [self.number, message].map(u64::to_be_bytes).concat();
            let size = random.random_range(20..8000);
            let data = [data, vec![5; size]].concat();
            match store(&http, place, person, data).await {
                Some(hash) => {
                    ledger
                        .stored
                        .entry(number)
                        .or_default()
                        .insert(hash.clone());
                    self.stored.fetch_add(1, Ordering::SeqCst);
                    kept.push((number, hash));
                }
                // Whoever asks a node that is down asks another one next.
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
            if self.deleting && kept.len() > 20 && random.random_bool(0.1) {
                let (number, hash) = kept.swap_remove(random.random_range(0..kept.len()));
                let person = &people[usize::try_from(number).unwrap()];
                if let Some(place) = self.member_for(person, &mut random)
                    && delete(&http, place, person, vec![hash.clone()]).await
                {
                    ledger.deleted.insert(hash);
                } else {
                    ledger.doubtful.insert(hash);
                }
            }
        }
        ledger
    }

    fn member_for(&self, person: &Person, random: &mut rand::rngs::StdRng) -> Option<&Place> {
        let nodes = self.registry.snapshot();
        let swarm = nodes.swarm_of(&person.owner())?;
        let members: Vec<_> = nodes.members(swarm).map(|n| n.contact.ed25519).collect();
        let chosen = members.choose(random)?;
        let index = self.keys.iter().position(|key| key == chosen)?;
        self.places.get(index)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_and_swarms_that_end_lose_nothing() {
    let mut network = impatient_network(12, 60).await;
    let swarm_of = |network: &Devnet, index: usize| network.nodes()[index].contact.swarm;
    let left = swarm_of(&network, 0);
    let right = (0..12)
        .map(|n| swarm_of(&network, n))
        .find(|s| *s != left)
        .unwrap();
    let in_right: Vec<usize> = (0..12)
        .filter(|n| swarm_of(&network, *n) == right)
        .collect();
    let load = Load::start(&network, 3, 60, false);
    load.go_on(40).await;
    // One leaves, one changes sides, the first comes back.
    network.assign(&[(0, SwarmId::UNASSIGNED)]).unwrap();
    load.go_on(30).await;
    network.assign(&[(in_right[0], left)]).unwrap();
    load.go_on(30).await;
    network.assign(&[(0, right)]).unwrap();
    load.go_on(30).await;
    // A member dies and misses that its swarm is dissolved.
    network.kill_node(in_right[1]).unwrap();
    load.go_on(20).await;
    let dissolved: Vec<_> = (0..12)
        .filter(|n| swarm_of(&network, *n) == right)
        .map(|n| (n, left))
        .collect();
    network.assign(&dissolved).unwrap();
    load.go_on(40).await;
    network.restart_node(in_right[1]).await.unwrap();
    // A new one, elsewhere.
    let new = SwarmId::new(left.get() ^ (1 << 63) ^ 12345);
    let founders: Vec<_> = (0..12).filter(|n| n % 2 == 0).map(|n| (n, new)).collect();
    network.assign(&founders).unwrap();
    load.go_on(40).await;
    let ledger = load.finish().await;
    let found = until_all_agree(&network, &http(), &ledger).await;
    let acknowledged = ledger.acknowledged();
    println!(
        "acknowledged {acknowledged}, found {found}, lost {}",
        acknowledged - found
    );
    assert!(acknowledged >= 230);
    assert_eq!(found, acknowledged);
    network.shutdown().await.unwrap();
}
