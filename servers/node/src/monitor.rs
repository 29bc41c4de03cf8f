//! Who wants to hear of new messages at once (docs/protocol/node.md section 11).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_quic::{CloseCode, Peer};
use session_registry::NodeList;
use session_storage_rpc::monitor::{
    self, ENDED, ErrorCode, LIFETIME, MonitorRequest, NOTIFY, Notification, Refusal, Registration,
};
use session_types::{Namespace, SwarmId, SwarmPubkey, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::core::swarm_response;

/// Accounts one connection may watch: a push server watches many.
const MAX_PER_CONNECTION: usize = 20_000;
/// Subscriptions in all.
const MAX_IN_ALL: usize = 200_000;
/// Bytes of notifications waiting to be read by those they are for.
const MAX_WAITING: usize = 64 * 1024 * 1024;
/// Registrations that are verified at once; more go to a thread of their own.
const FEW: usize = 4;

/// What a subscriber hears on.
pub(crate) trait Ear: Send + Sync + 'static {
    /// Tells subscribers apart.
    fn number(&self) -> u64;
    /// Sends a command without waiting; `false` when there is no room for it.
    fn push(&self, endpoint: &str, body: Vec<u8>, hold: Box<dyn std::any::Any + Send>) -> bool;
    /// It reads too slowly.
    fn give_up(&self);
}

impl Ear for Peer {
    fn number(&self) -> u64 {
        self.number
    }

    fn push(&self, endpoint: &str, body: Vec<u8>, hold: Box<dyn std::any::Any + Send>) -> bool {
        Self::push(self, endpoint, body, Some(hold))
    }

    fn give_up(&self) {
        self.close(CloseCode::Busy);
    }
}

/// The subscriptions of a node.
pub(crate) struct Monitor {
    table: Mutex<Table>,
    /// How many there are, so that a node without any loses no time.
    total: AtomicUsize,
    waiting: Arc<Semaphore>,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    per_connection: usize,
    in_all: usize,
    waiting: usize,
}

#[derive(Default)]
struct Table {
    by_owner: HashMap<SwarmPubkey, Vec<Subscription>>,
    by_ear: HashMap<u64, HashSet<SwarmPubkey>>,
}

struct Subscription {
    ear: Arc<dyn Ear>,
    /// Ascending.
    namespaces: Vec<Namespace>,
    with_data: bool,
    until: Timestamp,
}

/// A message that has been stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewMessage<'a> {
    pub(crate) owner: &'a SwarmPubkey,
    pub(crate) hash: &'a session_types::MessageHash,
    pub(crate) namespace: Namespace,
    pub(crate) timestamp: Timestamp,
    pub(crate) expiry: Timestamp,
    pub(crate) data: &'a [u8],
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new(Limits {
            per_connection: MAX_PER_CONNECTION,
            in_all: MAX_IN_ALL,
            waiting: MAX_WAITING,
        })
    }
}

impl Monitor {
    fn new(limits: Limits) -> Self {
        Self {
            table: Mutex::default(),
            total: AtomicUsize::new(0),
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            limits,
        }
    }

    /// Answers a `monitor` command. `wrong` says which swarm an account is in if not in this
    /// node's.
    pub(crate) async fn register(
        &self,
        ear: &Arc<impl Ear>,
        body: &[u8],
        now: Timestamp,
        wrong: impl Fn(&SwarmPubkey) -> Option<session_storage_rpc::SwarmResponse>,
    ) -> Vec<u8> {
        let request = match MonitorRequest::decode(body) {
            Ok(request) => request,
            Err(refusal) => return monitor::encode_refusal(&refusal),
        };
        let MonitorRequest {
            registrations,
            list,
        } = request;
        let verify = move || {
            let verified = registrations.into_iter().map(|registration| {
                registration.and_then(|registration| {
                    registration.verify(now)?;
                    Ok(registration)
                })
            });
            verified.collect::<Vec<_>>()
        };
        let verified = if body.len() < FEW * 128 {
            verify()
        } else {
            // It does not panic; if it did, nobody would be registered.
            spawn_blocking(verify).await.unwrap_or_default()
        };
        let answers: Vec<_> = verified
            .into_iter()
            .map(|verified| {
                let registration = verified?;
                match wrong(&registration.owner) {
                    Some(swarm) => Err(Refusal::wrong_swarm(swarm)),
                    None => self.add(ear, registration, now),
                }
            })
            .collect();
        MonitorRequest::encode_answers(list, &answers)
    }

    fn add(
        &self,
        ear: &Arc<impl Ear>,
        registration: Registration,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Registration {
            owner,
            with_data,
            namespaces,
            ..
        } = registration;
        let until = now.plus(LIFETIME);
        let mut table = self.lock();
        let Table { by_owner, by_ear } = &mut *table;
        let number = ear.number();
        let known = by_owner
            .get_mut(&owner)
            .and_then(|all| all.iter_mut().find(|one| one.ear.number() == number));
        if let Some(known) = known {
            known.namespaces.extend(namespaces);
            known.namespaces.sort_unstable();
            known.namespaces.dedup();
            known.with_data |= with_data;
            known.until = until;
            return Ok(());
        }
        let owners = by_ear.entry(number).or_default();
        if owners.len() >= self.limits.per_connection
            || self.total.load(Ordering::Relaxed) >= self.limits.in_all
        {
            if owners.is_empty() {
                by_ear.remove(&number);
            }
            let text = "too many subscriptions";
            return Err(Refusal::new(ErrorCode::BadArguments, text));
        }
        owners.insert(owner);
        by_owner.entry(owner).or_default().push(Subscription {
            ear: Arc::clone(ear) as Arc<dyn Ear>,
            namespaces,
            with_data,
            until,
        });
        self.total.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Tells everybody who wants to hear of it.
    pub(crate) fn stored(&self, message: NewMessage<'_>, now: Timestamp) {
        if self.total.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (mut bare, mut whole) = (None, None);
        let table = self.lock();
        let Some(subscriptions) = table.by_owner.get(message.owner) else {
            return;
        };
        for one in subscriptions {
            if one.until < now || one.namespaces.binary_search(&message.namespace).is_err() {
                continue;
            }
            let body = if one.with_data { &mut whole } else { &mut bare };
            let body = body
                .get_or_insert_with(|| message.encode(one.with_data))
                .clone();
            self.push(&one.ear, NOTIFY, body);
        }
    }

    /// Tells whoever watches an account that this node does not serve any more, and forgets it.
    pub(crate) fn swarm_changed(&self, nodes: &NodeList, own: Option<SwarmId>, now: Timestamp) {
        if self.total.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut table = self.lock();
        let gone: Vec<SwarmPubkey> = table
            .by_owner
            .keys()
            .filter(|owner| own.is_none() || nodes.swarm_of(owner) != own)
            .copied()
            .collect();
        for owner in gone {
            let Some(subscriptions) = table.by_owner.remove(&owner) else {
                continue;
            };
            let body = monitor::encode_ended(&owner, swarm_response(&owner, nodes, now));
            self.total.fetch_sub(subscriptions.len(), Ordering::Relaxed);
            for one in subscriptions {
                forget(&mut table.by_ear, one.ear.number(), &owner);
                self.push(&one.ear, ENDED, body.clone());
            }
        }
    }

    /// Forgets a subscriber.
    pub(crate) fn gone(&self, number: u64) {
        let mut table = self.lock();
        let Some(owners) = table.by_ear.remove(&number) else {
            return;
        };
        for owner in owners {
            self.keep(&mut table, &owner, |one| one.ear.number() != number);
        }
    }

    /// Forgets what was not renewed.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let mut table = self.lock();
        let expired: Vec<(SwarmPubkey, u64)> = table
            .by_owner
            .iter()
            .flat_map(|(owner, all)| all.iter().map(|one| (*owner, one)))
            .filter(|(_, one)| one.until < now)
            .map(|(owner, one)| (owner, one.ear.number()))
            .collect();
        for (owner, number) in expired {
            self.keep(&mut table, &owner, |one| one.ear.number() != number);
            forget(&mut table.by_ear, number, &owner);
        }
    }

    /// How many subscriptions there are.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    fn keep(&self, table: &mut Table, owner: &SwarmPubkey, keep: impl Fn(&Subscription) -> bool) {
        let Some(subscriptions) = table.by_owner.get_mut(owner) else {
            return;
        };
        let before = subscriptions.len();
        subscriptions.retain(keep);
        let removed = before - subscriptions.len();
        if subscriptions.is_empty() {
            table.by_owner.remove(owner);
        }
        self.total.fetch_sub(removed, Ordering::Relaxed);
    }

    /// Never waits: whoever does not keep up loses the connection, and with it nothing but time,
    /// because messages stay in the mailbox.
    fn push(&self, ear: &Arc<dyn Ear>, endpoint: &str, body: Vec<u8>) {
        let bytes = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let share = Arc::clone(&self.waiting).try_acquire_many_owned(bytes);
        let pushed = share.is_ok_and(|share| ear.push(endpoint, body, Box::new(share)));
        if !pushed {
            ear.give_up();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor")
            .field("total", &self.total())
            .finish_non_exhaustive()
    }
}

impl NewMessage<'_> {
    fn encode(&self, with_data: bool) -> Vec<u8> {
        Notification {
            owner: *self.owner,
            hash: self.hash.clone(),
            namespace: self.namespace,
            timestamp: self.timestamp,
            expiry: self.expiry,
            data: with_data.then(|| self.data.to_vec()),
        }
        .encode()
    }
}

fn forget(by_ear: &mut HashMap<u64, HashSet<SwarmPubkey>>, number: u64, owner: &SwarmPubkey) {
    if let Some(owners) = by_ear.get_mut(&number) {
        owners.remove(owner);
        if owners.is_empty() {
            by_ear.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests;
