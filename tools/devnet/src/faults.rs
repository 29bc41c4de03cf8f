//! Making a network fail while it runs.
//!
//! Stopping and killing nodes is done for real ([`Devnet::stop_node`], [`Devnet::kill_node`]).
//! What loopback sockets do not do by themselves happens at the edge of the nodes
//! ([`session_node::edge`]): their own code does not know of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_node::clock::{Clock, SystemClock};
use session_node::edge::{Edge, Held, Passage};
use session_types::{Ed25519PublicKey, Timestamp};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::{Devnet, DevnetError};

/// More than any database grows to here.
const FREE: u64 = 10 * 1024 * 1024 * 1024;

/// What is wrong with one node.
#[derive(Debug, Clone, Copy, Default)]
struct NodeFaults {
    paused: bool,
    latency: Duration,
    /// Every so many answers to it are lost; 0 for none.
    lose_every: u32,
    exchanges: u32,
    /// Nodes of different groups do not hear each other.
    group: usize,
}

/// What is wrong with a network; shared by the edges of its nodes.
#[derive(Debug)]
pub(crate) struct Faults {
    nodes: Mutex<HashMap<Ed25519PublicKey, NodeFaults>>,
    clocks: Vec<Arc<WrongClock>>,
    changed: watch::Sender<()>,
}

/// The machine's clock, wrong by as much as wanted.
#[derive(Debug, Default)]
struct WrongClock {
    ahead_ms: AtomicI64,
}

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 {
            SystemClock.now().minus(by)
        } else {
            SystemClock.now().plus(by)
        }
    }
}

/// The edge of one node.
#[derive(Debug)]
struct NodeEdge {
    own: Ed25519PublicKey,
    faults: Arc<Faults>,
}

impl Faults {
    pub(crate) fn new(nodes: usize) -> Arc<Self> {
        Arc::new(Self {
            nodes: Mutex::default(),
            clocks: (0..nodes).map(|_| Arc::default()).collect(),
            changed: watch::Sender::new(()),
        })
    }

    pub(crate) fn edge(self: &Arc<Self>, own: Ed25519PublicKey) -> Arc<dyn Edge> {
        Arc::new(NodeEdge {
            own,
            faults: Arc::clone(self),
        })
    }

    pub(crate) fn clock(&self, index: usize) -> Arc<dyn Clock> {
        match self.clocks.get(index) {
            Some(clock) => Arc::clone(clock) as _,
            None => Arc::new(SystemClock),
        }
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Ed25519PublicKey, NodeFaults>)) {
        change(&mut self.lock());
        self.changed.send_replace(());
    }

    fn of(&self, node: &Ed25519PublicKey) -> NodeFaults {
        self.lock().get(node).copied().unwrap_or_default()
    }

    /// Waits while the node is paused, and as long as it is slow afterwards.
    async fn hold(&self, node: &Ed25519PublicKey) {
        let mut faults = self.of(node);
        if faults.paused {
            let mut changed = self.changed.subscribe();
            // Looked at again after subscribing: it may have been changed in between.
            faults = self.of(node);
            while faults.paused {
                if changed.changed().await.is_err() {
                    return;
                }
                faults = self.of(node);
            }
        }
        // To sleep no time at all takes a millisecond.
        if !faults.latency.is_zero() {
            sleep(faults.latency).await;
        }
    }

    fn passage(&self, from: &Ed25519PublicKey, to: &Ed25519PublicKey) -> Passage {
        let mut nodes = self.lock();
        let there = nodes.get(to).copied().unwrap_or_default();
        let here = nodes.entry(*from).or_default();
        here.exchanges = here.exchanges.wrapping_add(1);
        if here.group != there.group {
            Passage::Lost
        } else if here.lose_every > 0 && here.exchanges.is_multiple_of(here.lose_every) {
            Passage::AnswerLost
        } else {
            Passage::Through
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ed25519PublicKey, NodeFaults>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edge for NodeEdge {
    fn outgoing<'a>(&'a self, to: &'a Ed25519PublicKey) -> Held<'a, Passage> {
        Box::pin(async move {
            self.faults.hold(&self.own).await;
            self.faults.passage(&self.own, to)
        })
    }

    fn incoming<'a>(&'a self, _from: Option<&'a Ed25519PublicKey>) -> Held<'a, ()> {
        Box::pin(self.faults.hold(&self.own))
    }
}

impl Devnet {
    /// Lets a node answer nothing, as if its process were held. Requests that come in wait, and
    /// so does what it sends.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn pause_node(&self, index: usize) -> Result<(), DevnetError> {
        self.change_node(index, |faults| faults.paused = true)
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn resume_node(&self, index: usize) -> Result<(), DevnetError> {
        self.change_node(index, |faults| faults.paused = false)
    }

    /// Makes every request to or from a node take so much longer; zero ends it.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn slow_node(&self, index: usize, latency: Duration) -> Result<(), DevnetError> {
        self.change_node(index, |faults| faults.latency = latency)
    }

    /// Lets every so-manieth answer of another node to this one get lost; zero ends it.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn lose_answers(&self, index: usize, every: u32) -> Result<(), DevnetError> {
        self.change_node(index, |faults| faults.lose_every = every)
    }

    /// Cuts the network into groups that do not hear each other. Nodes not named make one more
    /// group. Clients still reach every node.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn partition(&self, groups: &[Vec<usize>]) -> Result<(), DevnetError> {
        self.heal();
        for (number, group) in (1usize..).zip(groups) {
            for index in group {
                self.change_node(*index, |faults| faults.group = number)?;
            }
        }
        Ok(())
    }

    /// Lets all nodes hear each other again.
    pub fn heal(&self) {
        self.faults().change(|nodes| {
            for faults in nodes.values_mut() {
                faults.group = 0;
            }
        });
    }

    /// Sets a node's clock ahead, or with a negative number back, by milliseconds; zero sets it
    /// right.
    ///
    /// # Errors
    /// [`DevnetError::NoSuchNode`].
    pub fn skew_clock(&self, index: usize, ahead_ms: i64) -> Result<(), DevnetError> {
        let clock = self.faults().clocks.get(index);
        let clock = clock.ok_or(DevnetError::NoSuchNode(index))?;
        clock.ahead_ms.store(ahead_ms, Ordering::SeqCst);
        Ok(())
    }

    /// Leaves a running node no room for its database to grow.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub async fn fill_disk(&self, index: usize) -> Result<(), DevnetError> {
        self.limit_database(index, 0).await
    }

    /// Gives a running node room again.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub async fn free_disk(&self, index: usize) -> Result<(), DevnetError> {
        self.limit_database(index, FREE).await
    }

    async fn limit_database(&self, index: usize, bytes: u64) -> Result<(), DevnetError> {
        let node = self
            .running_node(index)
            .ok_or(DevnetError::NoSuchNode(index))?;
        let limited = node.limit_database(bytes).await;
        limited.map_err(|source| DevnetError::Node {
            index,
            source: source.into(),
        })
    }

    fn change_node(
        &self,
        index: usize,
        change: impl FnOnce(&mut NodeFaults),
    ) -> Result<(), DevnetError> {
        let key = self.key_of(index)?;
        self.faults()
            .change(|nodes| change(nodes.entry(key).or_default()));
        Ok(())
    }
}
