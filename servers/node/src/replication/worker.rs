//! The task that repeats deliveries.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use session_registry::NodeList;
use session_types::{Ed25519PublicKey, SwarmId};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::delivery::{self, Delivered};
use super::hello::{self, Hello};
use super::ranges::{overlap, owned_range};
use super::reconcile;
use super::{Event, Replication, Worker, backoff};
use crate::store::SwarmRange;

/// How often the lists are looked through for what an event did not announce.
const SCAN_INTERVAL: Duration = Duration::from_secs(60);

/// A member that comes back is compared with after this time at the latest: first it gets what
/// waits for it, and the members must not all compare at once.
const COMPARE_AFTER: Duration = Duration::from_secs(5);

/// Name of the remembered swarm in the store.
const SWARM_NUMBER: &str = "swarm";

/// A node something waits for.
#[derive(Debug)]
struct Queue {
    failures: u32,
    due: Instant,
    running: bool,
    /// More came in while a delivery was running.
    again: bool,
}

/// A part of swarm space, and the node that is to get the messages of it.
type Give = (Ed25519PublicKey, SwarmRange);

/// What a task reports when it ends.
enum Done {
    Delivery(Ed25519PublicKey, Delivered),
    Hello {
        node: Ed25519PublicKey,
        asked_for_dump: bool,
        confirmed: bool,
    },
    Waiting(Vec<Ed25519PublicKey>),
    DumpsQueued(Vec<Ed25519PublicKey>),
}

struct State {
    shared: Arc<Replication>,
    queues: HashMap<Ed25519PublicKey, Queue>,
    hello: Hello,
    nodes: Arc<NodeList>,
    swarm: Option<SwarmId>,
    tasks: JoinSet<Done>,
}

/// Runs until the node stops. Dropping the future abandons running deliveries; they are repeated
/// after the next start.
pub(crate) async fn run(worker: Worker) {
    let comparing = reconcile::run(Arc::clone(&worker.shared), worker.shutdown.clone());
    tokio::join!(deliver(worker), comparing);
}

async fn deliver(mut worker: Worker) {
    let shared = Arc::clone(&worker.shared);
    let mut changed = shared.registry.changed();
    changed.mark_unchanged();
    let nodes = shared.registry.snapshot();
    let swarm = shared.own_swarm(&nodes);
    let interval = shared.timing.hello_interval;
    let mut state = State {
        hello: Hello::new(interval),
        queues: HashMap::new(),
        tasks: JoinSet::new(),
        nodes,
        swarm,
        shared,
    };
    state.start().await;
    let mut scan = Instant::now();
    let mut watching = true;
    loop {
        let now = Instant::now();
        if scan <= now {
            scan = now + SCAN_INTERVAL;
            state.look_through_lists();
        }
        state.start_due(now);
        state.publish();
        let next = state.next_due().map_or(scan, |due| due.min(scan));
        tokio::select! {
            () = worker.shutdown.cancelled() => break,
            Some(event) = worker.events.recv() => state.note(event),
            Some(ended) = next_ended(&mut state.tasks) => match ended {
                Ok(done) => state.ended(done),
                Err(error) if error.is_panic() => tracing::error!("a delivery task panicked"),
                Err(_) => {}
            },
            () = sleep_until(next) => {}
            outcome = changed.changed(), if watching => match outcome {
                Ok(()) => state.nodes_changed().await,
                // Nobody can change the list any more.
                Err(_) => watching = false,
            },
        }
    }
}

async fn next_ended(tasks: &mut JoinSet<Done>) -> Option<Result<Done, tokio::task::JoinError>> {
    if tasks.is_empty() {
        pending().await
    } else {
        tasks.join_next().await
    }
}

impl State {
    /// Compares with the swarm of the last run and says hello.
    async fn start(&mut self) {
        let store = &self.shared.store;
        let remembered = store.number(SWARM_NUMBER).await.ok().flatten();
        let newcomer = store.lacks_data() || remembered != self.swarm_number();
        let before = remembered
            .map(|number| SwarmId::new(number.cast_unsigned()))
            .filter(|swarm| Some(*swarm) != self.swarm);
        self.queue_doubtful(before).await;
        self.remember_swarm().await;
        self.hello.greet(self.members(), newcomer);
    }

    /// Queues what was on its way when the node ended without notice, for the members of its
    /// swarm and of the one it was in `before`.
    async fn queue_doubtful(&self, before: Option<SwarmId>) {
        let mut members = self.members();
        if let Some(before) = before {
            let others = self.shared.others(&self.nodes, before);
            members.extend(others.map(|node| node.contact.ed25519));
        }
        if let Err(error) = self.shared.store.queue_doubtful(members).await {
            tracing::warn!(%error, "what was on its way before the start was not queued");
        }
    }

    /// Shows how far the greetings are.
    fn publish(&self) {
        let unconfirmed = u64::try_from(self.hello.unconfirmed()).unwrap_or(u64::MAX);
        self.shared.unconfirmed.store(unconfirmed, Ordering::SeqCst);
    }

    fn swarm_number(&self) -> Option<i64> {
        self.swarm.map(|swarm| swarm.get().cast_signed())
    }

    async fn remember_swarm(&self) {
        if let Some(number) = self.swarm_number()
            && let Err(error) = self.shared.store.set_number(SWARM_NUMBER, number).await
        {
            tracing::warn!(%error, "cannot remember the swarm");
        }
    }

    /// The other members of this node's swarm.
    fn members(&self) -> Vec<Ed25519PublicKey> {
        let Some(swarm) = self.swarm else {
            return Vec::new();
        };
        self.shared
            .others(&self.nodes, swarm)
            .map(|node| node.contact.ed25519)
            .collect()
    }

    fn note(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Waiting(node) => {
                let pause = backoff(
                    self.shared.timing.retry_first,
                    self.shared.timing.retry_max,
                    1,
                );
                let queue = self.queues.entry(node).or_insert(Queue {
                    failures: 1,
                    due: now + pause,
                    running: false,
                    again: false,
                });
                queue.again = queue.running;
            }
            Event::Requested(node) => self.deliver_now(node),
            Event::Alive(node) => {
                if self.queues.contains_key(&node) {
                    self.deliver_now(node);
                }
                self.hello.hurry(&node);
                let soon = COMPARE_AFTER.min(self.shared.timing.reconcile_interval);
                let soon = soon.mul_f64(rand::random_range(0.2..=1.0));
                self.shared.reconcile.hurry(node, soon);
            }
        }
    }

    fn deliver_now(&mut self, node: Ed25519PublicKey) {
        let now = Instant::now();
        let queue = self.queues.entry(node).or_insert(Queue {
            failures: 0,
            due: now,
            running: false,
            again: false,
        });
        if queue.running {
            queue.again = true;
        } else {
            queue.failures = 0;
            queue.due = now;
        }
    }

    fn look_through_lists(&mut self) {
        let store = self.shared.store.clone();
        let members = self.members();
        self.tasks.spawn(async move {
            if let Err(error) = store.list_abandoned(&members).await {
                tracing::warn!(%error, "cannot write the delivery lists");
            }
            let mut waiting: HashSet<Ed25519PublicKey> = HashSet::new();
            match store.waiting_peers().await {
                Ok(peers) => waiting.extend(peers),
                Err(error) => tracing::warn!(%error, "cannot read the delivery lists"),
            }
            if let Ok(dumps) = store.dumps().await {
                waiting.extend(dumps.iter().map(|dump| dump.peer));
            }
            Done::Waiting(waiting.into_iter().collect())
        });
    }

    fn next_due(&self) -> Option<Instant> {
        let queues = self
            .queues
            .values()
            .filter(|queue| !queue.running)
            .map(|queue| queue.due);
        queues.chain(self.hello.next_due()).min()
    }

    fn start_due(&mut self, now: Instant) {
        for (node, queue) in &mut self.queues {
            if queue.running || queue.due > now {
                continue;
            }
            queue.running = true;
            queue.again = false;
            let (shared, node) = (Arc::clone(&self.shared), *node);
            self.tasks.spawn(async move {
                Done::Delivery(node, delivery::deliver(&shared, &node).await)
            });
        }
        for (node, wants_dump) in self.hello.take_due(now) {
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn(async move {
                let confirmed = hello::say(&shared, &node, wants_dump).await;
                Done::Hello {
                    node,
                    asked_for_dump: wants_dump,
                    confirmed,
                }
            });
        }
    }

    fn ended(&mut self, done: Done) {
        match done {
            Done::Delivery(node, outcome) => self.delivery_ended(node, outcome),
            Done::Hello {
                node,
                asked_for_dump,
                confirmed,
            } => {
                self.hello.ended(&node, asked_for_dump, confirmed);
                if confirmed && self.queues.contains_key(&node) {
                    self.deliver_now(node);
                }
            }
            Done::Waiting(nodes) | Done::DumpsQueued(nodes) => {
                for node in nodes {
                    if !self.queues.contains_key(&node) {
                        self.deliver_now(node);
                    }
                }
            }
        }
    }

    fn delivery_ended(&mut self, node: Ed25519PublicKey, outcome: Delivered) {
        let Some(queue) = self.queues.get_mut(&node) else {
            return;
        };
        queue.running = false;
        match outcome {
            Delivered::Everything if !queue.again => {
                self.queues.remove(&node);
            }
            Delivered::Everything => {
                queue.failures = 0;
                queue.due = Instant::now();
            }
            Delivered::Failed => {
                queue.failures = queue.failures.saturating_add(1);
                let timing = &self.shared.timing;
                let pause = backoff(timing.retry_first, timing.retry_max, queue.failures);
                queue.due = Instant::now() + pause;
            }
        }
    }

    /// Compares the new list with the old one: greets new members, gives away what other swarms
    /// keep from now on, forgets what waits for nodes that are gone
    /// (docs/protocol/node.md section 5.1).
    async fn nodes_changed(&mut self) {
        let new = self.shared.registry.snapshot();
        let old = std::mem::replace(&mut self.nodes, Arc::clone(&new));
        let old_swarm = std::mem::replace(&mut self.swarm, self.shared.own_swarm(&new));
        let known = Arc::clone(&new);
        self.shared.peers.retain(|node| known.get(node).is_some());

        let moved = old_swarm != self.swarm;
        if moved {
            self.queue_doubtful(None).await;
            self.remember_swarm().await;
        }
        self.hello.greet(self.members(), moved);

        // Rows for nodes that serve no swarm any more will never be wanted.
        let serving: Vec<_> = new
            .nodes()
            .iter()
            .filter(|node| node.serves_swarm())
            .map(|node| node.contact.ed25519)
            .collect();
        if let Err(error) = self.shared.store.forget_peers_except(serving.clone()).await {
            tracing::warn!(%error, "cannot drop delivery lists");
        }
        self.queues
            .retain(|node, queue| queue.running || serving.contains(node));

        let mut dumps = Vec::new();
        if let Some(held) = old_swarm.and_then(|swarm| owned_range(old.swarm_ids(), swarm)) {
            dumps.extend(self.given_away(&old, &new, held));
        }
        if let Some(left) = old_swarm.filter(|_| moved) {
            dumps.extend(self.handed_over(&old, &new, left));
        }
        self.queue_dumps(dumps);
    }

    /// For swarms that keep more of swarm space than before: what this node has held of it.
    fn given_away(&self, old: &NodeList, new: &NodeList, held: SwarmRange) -> Vec<Give> {
        let mut dumps = Vec::new();
        for swarm in new.swarm_ids() {
            let Some(range) = owned_range(new.swarm_ids(), *swarm) else {
                continue;
            };
            let unchanged = owned_range(old.swarm_ids(), *swarm) == Some(range);
            if Some(*swarm) == self.swarm || unchanged || !overlap(range, held) {
                continue;
            }
            let members = self.shared.others(new, *swarm);
            dumps.extend(members.map(|node| (node.contact.ed25519, range)));
        }
        dumps
    }

    /// For the swarm this node has left, when nobody of old is in it any more: everything. As long
    /// as somebody stays, newcomers get it from there.
    fn handed_over(&self, old: &NodeList, new: &NodeList, left: SwarmId) -> Vec<Give> {
        let Some(range) = owned_range(new.swarm_ids(), left) else {
            return Vec::new();
        };
        let members = || new.members(left).map(|node| node.contact.ed25519);
        let before: HashSet<_> = old.members(left).map(|node| node.contact.ed25519).collect();
        if members().any(|node| before.contains(&node)) {
            return Vec::new();
        }
        members().map(|node| (node, range)).collect()
    }

    fn queue_dumps(&mut self, dumps: Vec<Give>) {
        if dumps.is_empty() {
            return;
        }
        let store = self.shared.store.clone();
        self.tasks.spawn(async move {
            let mut queued = Vec::new();
            for (node, range) in dumps {
                match store.queue_dump(node, range).await {
                    Ok(()) => queued.push(node),
                    Err(error) => tracing::warn!(%error, "cannot queue a dump"),
                }
            }
            Done::DumpsQueued(queued)
        });
    }
}
