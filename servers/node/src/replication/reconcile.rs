//! Comparing what members hold, so that nothing stays lost whatever went wrong before.
//!
//! Every now and then, at the start and when a member comes back, a node asks each other member
//! whether both hold the same messages: one digest when they do. Otherwise they narrow down which
//! buckets differ (docs/protocol/node.md section 17.1) and compare the messages in these one by
//! one. Whoever has what the other lacks puts it on the other's delivery list; from there it goes
//! out like everything else that was missed, in bulk, and is checked like it: a deletion or an
//! expiry set by a client is not undone.
//!
//! Only that a message is there is compared, not its expiry: members cut lifetimes at slightly
//! different moments, and changes of it are commands that wait for whoever missed them.

mod answer;
mod offers;
mod rounds;
mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_registry::NodeList;
use session_types::Ed25519PublicKey;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Replication, owned_range};
use crate::store::SwarmRange;
use offers::Offers;

pub(super) use rounds::run;

/// Pushed messages arrived so lately that more of them may be under way.
const COMING_IN: Duration = Duration::from_secs(1);

/// What comparing needs to remember.
#[derive(Debug, Default)]
pub(crate) struct Reconcile {
    offers: Mutex<HashMap<Ed25519PublicKey, Offers>>,
    /// Members to be asked sooner than planned.
    hurried: Mutex<HashMap<Ed25519PublicKey, Instant>>,
    wake: Notify,
    last_new: Mutex<Option<Instant>>,
}

impl Reconcile {
    /// Notes that another member has pushed something that was missing here.
    pub(crate) fn received(&self) {
        *lock(&self.last_new) = Some(Instant::now());
    }

    /// Whether missing messages are coming in at the moment; comparing now would have them sent
    /// twice.
    fn is_receiving(&self) -> bool {
        lock(&self.last_new).is_some_and(|last| last.elapsed() < COMING_IN)
    }

    /// A member is to be asked soon.
    pub(super) fn hurry(&self, node: Ed25519PublicKey, after: Duration) {
        lock(&self.hurried).insert(node, Instant::now() + after);
        self.wake.notify_one();
    }
}

impl Replication {
    /// The arc of this node's swarm, when `other` is a member of it.
    fn common_arc(&self, nodes: &NodeList, other: &Ed25519PublicKey) -> Option<SwarmRange> {
        let swarm = self.own_swarm(nodes)?;
        let other = nodes.get(other).filter(|node| node.serves_swarm())?;
        if other.contact.swarm != swarm {
            return None;
        }
        owned_range(nodes.swarm_ids(), swarm)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
