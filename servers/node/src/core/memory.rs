//! What the node remembers of the accounts it serves, so that it need not work it out again.

use std::fmt;

use quick_cache::sync::Cache;
use session_storage_rpc::{AuthFact, AuthMemory};

/// Facts kept, about 200 bytes each. A device asks every few seconds, so a node that serves more
/// accounts than this works out the keys of the quiet ones again.
const MAX_FACTS: usize = 20_000;

/// A bounded memory of which keys and tokens belong to which mailboxes.
pub(crate) struct KnownAuth(Cache<AuthFact, ()>);

impl Default for KnownAuth {
    fn default() -> Self {
        Self(Cache::new(MAX_FACTS))
    }
}

impl AuthMemory for KnownAuth {
    fn knows(&self, fact: &AuthFact) -> bool {
        self.0.get(fact).is_some()
    }

    fn remember(&self, fact: AuthFact) {
        self.0.insert(fact, ());
    }
}

impl fmt::Debug for KnownAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownAuth").finish_non_exhaustive()
    }
}
