//! What the node remembers of the accounts it serves, so that it need not work it out again.

use std::fmt;

use quick_cache::sync::Cache;
use session_crypto::Ed25519Verifier;
use session_storage_rpc::{AuthFact, AuthMemory};
use session_types::Ed25519PublicKey;

/// Facts kept, about 200 bytes each. A device asks every few seconds, so a node that serves more
/// accounts than this works out the keys of the quiet ones again.
const MAX_FACTS: usize = 20_000;

/// Decoded keys kept, about 300 bytes each.
const MAX_KEYS: usize = 10_000;

/// A bounded memory of which keys and tokens belong to which mailboxes, and of keys that sign
/// requests.
pub(crate) struct KnownAuth {
    facts: Cache<AuthFact, ()>,
    keys: Cache<Ed25519PublicKey, Ed25519Verifier>,
}

impl Default for KnownAuth {
    fn default() -> Self {
        Self {
            facts: Cache::new(MAX_FACTS),
            keys: Cache::new(MAX_KEYS),
        }
    }
}

impl AuthMemory for KnownAuth {
    fn knows(&self, fact: &AuthFact) -> bool {
        self.facts.get(fact).is_some()
    }

    fn remember(&self, fact: AuthFact) {
        self.facts.insert(fact, ());
    }

    fn key(&self, key: &Ed25519PublicKey) -> Option<Ed25519Verifier> {
        self.keys.get(key)
    }

    fn remember_key(&self, key: Ed25519Verifier) {
        self.keys.insert(key.key(), key);
    }
}

impl fmt::Debug for KnownAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownAuth").finish_non_exhaustive()
    }
}
