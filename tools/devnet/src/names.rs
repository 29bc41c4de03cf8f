//! Registered names, which on the real network live on a chain.

use core::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use session_crypto::name::SessionName;
use session_node::{NameError, NameQuery, NameRecord, NameResolver};
use session_types::AccountId;

/// The kind of names that stand for accounts.
const ACCOUNTS: u64 = 0;

/// Whose the names of a private network are. All clones are one register; to be given to nodes by
/// [`DevnetOptions::customise`](crate::DevnetOptions::customise).
#[derive(Clone, Default)]
pub struct Names(Arc<RwLock<Vec<(SessionName, AccountId)>>>);

impl Names {
    /// Registers a name. What was registered under it before is forgotten.
    pub fn register(&self, name: SessionName, owner: AccountId) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.retain(|(known, _)| *known != name);
        names.push((name, owner));
    }

    fn record(&self, query: NameQuery) -> Option<NameRecord> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_meant =
            |name: &SessionName| query.kind == ACCOUNTS && query.name_hash == name.hash();
        let (name, owner) = names.iter().find(|(name, _)| is_meant(name))?;
        let (encrypted_value, nonce) = name.encrypt(owner, &mut rand::rng());
        Some(NameRecord {
            encrypted_value,
            nonce: Some(nonce.to_vec()),
        })
    }
}

impl NameResolver for Names {
    fn resolve(
        &self,
        query: NameQuery,
    ) -> Pin<Box<dyn Future<Output = Result<Option<NameRecord>, NameError>> + Send + '_>> {
        Box::pin(ready(Ok(self.record(query))))
    }
}

impl fmt::Debug for Names {
    /// Says nothing of whose they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}
