//! Where the current list comes from.

use core::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::NodeList;

/// A source of the node list.
pub trait Registry: Send + Sync + Debug {
    /// The list as it is now. Cheap; hold the result for one request, not for ever.
    fn snapshot(&self) -> Arc<NodeList>;

    /// A counter that moves whenever [`Registry::snapshot`] would give another list.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// A list that changes only when its owner replaces it.
#[derive(Debug)]
pub struct StaticRegistry {
    list: RwLock<Arc<NodeList>>,
    version: watch::Sender<u64>,
}

impl StaticRegistry {
    /// Shows `list` until it is replaced.
    #[must_use]
    pub fn new(list: NodeList) -> Self {
        Self {
            list: RwLock::new(Arc::new(list)),
            version: watch::Sender::new(0),
        }
    }

    /// Shows `list` from now on and tells those who watch. A list of other nodes should come
    /// with another block hash, see [`crate::ChainTip`].
    pub fn replace(&self, list: NodeList) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
        self.version
            .send_modify(|version| *version = version.wrapping_add(1));
    }
}

impl Registry for StaticRegistry {
    fn snapshot(&self) -> Arc<NodeList> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChainTip;

    #[test]
    fn replacing_shows_the_new_list_and_wakes_watchers() {
        let registry = StaticRegistry::new(NodeList::empty(ChainTip::at_height(1)));
        let mut watcher = registry.changed();
        let before = registry.snapshot();
        assert!(!watcher.has_changed().unwrap());
        registry.replace(NodeList::empty(ChainTip::at_height(2)));
        assert!(watcher.has_changed().unwrap());
        assert_eq!(*watcher.borrow_and_update(), 1);
        assert_eq!(registry.snapshot().height(), 2);
        assert_eq!(before.height(), 1, "a snapshot never changes");
    }
}
