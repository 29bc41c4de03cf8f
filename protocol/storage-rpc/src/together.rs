//! The signatures of one batch's retrieves, checked in one go where one key made several: what a
//! device asks when it looks whether there is anything new (docs/decisions/0013).

use session_crypto::Ed25519Verifier;
use session_types::{Ed25519PublicKey, Signature};

use crate::auth::{AuthFact, AuthMemory, request_key};
use crate::{Request, signing};

/// A memory that also knows signatures of a batch that were found good together.
///
/// Only of retrieves: they tell something to who asks and change nothing.
#[derive(Debug)]
pub struct CheckedTogether<'a> {
    memory: &'a (dyn AuthMemory + Sync),
    good: Vec<Signed>,
}

/// A signature, what it is of, and whose.
#[derive(Debug, PartialEq, Eq)]
struct Signed {
    key: Ed25519PublicKey,
    text: String,
    signature: Signature,
}

impl<'a> CheckedTogether<'a> {
    /// Checks the signatures of these requests that one key made several of.
    ///
    /// Where one of them is wrong, none is known, and each is checked for itself when its request
    /// is. Whether the key may do what is asked is not looked at here.
    #[must_use]
    pub fn retrieves<'r>(
        requests: impl IntoIterator<Item = &'r Request>,
        memory: &'a (dyn AuthMemory + Sync),
    ) -> Self {
        let mut by_key: Vec<(Ed25519PublicKey, Vec<Signed>)> = Vec::new();
        for request in requests {
            let Request::Retrieve(retrieve) = request else {
                continue;
            };
            let Some(signed) = &retrieve.auth else {
                continue;
            };
            let key = request_key(&retrieve.owner, &signed.auth);
            let of_key = Signed {
                key,
                text: signing::retrieve(retrieve.namespace, signed.timestamp),
                signature: signed.auth.signature,
            };
            match by_key.iter_mut().find(|(known, _)| *known == key) {
                Some((_, all)) => all.push(of_key),
                None => by_key.push((key, vec![of_key])),
            }
        }
        let mut checked = Self {
            memory,
            good: Vec::new(),
        };
        for (key, all) in by_key.into_iter().filter(|(_, all)| all.len() > 1) {
            checked.check(&key, all);
        }
        checked
    }

    fn check(&mut self, key: &Ed25519PublicKey, all: Vec<Signed>) {
        let known = self.memory.key(key);
        let Some(verifier) = known.or_else(|| Ed25519Verifier::new(key).ok()) else {
            return;
        };
        let signed: Vec<_> = all
            .iter()
            .map(|signed| (signed.text.as_bytes(), &signed.signature))
            .collect();
        if verifier.verify_together(&signed).is_err() {
            return;
        }
        if known.is_none() {
            self.memory.remember_key(verifier);
        }
        self.good.extend(all);
    }
}

impl AuthMemory for CheckedTogether<'_> {
    fn knows(&self, fact: &AuthFact) -> bool {
        self.memory.knows(fact)
    }

    fn remember(&self, fact: AuthFact) {
        self.memory.remember(fact);
    }

    fn key(&self, key: &Ed25519PublicKey) -> Option<Ed25519Verifier> {
        self.memory.key(key)
    }

    fn remember_key(&self, key: Ed25519Verifier) {
        self.memory.remember_key(key);
    }

    fn is_good(&self, key: &Ed25519PublicKey, signed: &[u8], signature: &Signature) -> bool {
        self.good.iter().any(|good| {
            good.signature == *signature && good.key == *key && good.text.as_bytes() == signed
        })
    }
}
