//! The encryption keys of a group (docs/protocol/config.md section 12).
//!
//! Unlike the other configs these are not merged: each message brings keys, and a member keeps the
//! keys of the last 60 days.

use core::cmp::Ordering;
use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use session_crypto::hash::blake2b_keyed;
use session_crypto::{AccountKeys, Ed25519Secret, X25519Secret, ed25519_to_x25519};
use session_types::{AccountId, GroupId, Timestamp, X25519PublicKey};
use zeroize::Zeroizing;

use crate::error::{ConfigError, Malformed};
use crate::group_info::GroupInfo;
use crate::group_members::GroupMembers;

mod dump;
mod kicked;
mod load;
mod rekey;
mod subaccount;

pub use subaccount::{Access, AuthData, MemberSignature, SubaccountToken};

const MEMBER_KEY: &[u8] = b"SessionGroupKeyMemberKey";
const KEY_GENERATION: &[u8] = b"SessionGroupKeyGen";
const KEY_SEED: &[u8] = b"SessionGroupKeySeed";
const ADMIN_KEY: &[u8] = b"SessionGroupKeyAdminKey";

/// The number of copies in a key message is a multiple of this, to hide the number of members.
const COPIES: usize = 45;

/// How long a key is kept after a newer one replaced it.
const KEEP: Duration = Duration::from_secs(60 * 24 * 3600);

/// The encryption keys of a group, as one member knows them.
///
/// Feed every message of the group's keys namespace to [`load_message`](Self::load_message), before
/// [`GroupInfo`] and [`GroupMembers`] are merged.
pub struct GroupKeys {
    id: GroupId,
    /// The member's own key.
    account: AccountKeys,
    /// The group's own key, for an admin.
    admin: Option<Admin>,
    /// The key that copies for this member are encrypted with; `None` for keys that cannot be used.
    own_copy_key: Option<Zeroizing<[u8; 32]>>,
    /// By generation, then time, then key.
    keys: Vec<Key>,
    /// Storage hashes that brought keys, by generation.
    active: BTreeMap<i64, BTreeSet<String>>,
    pending: Option<Pending>,
    needs_dump: bool,
}

struct Admin {
    key: Ed25519Secret,
    x25519: X25519Secret,
    /// The key for each member's copy. It never changes, and finding it is what takes time.
    copy_keys: BTreeMap<AccountId, Option<Zeroizing<[u8; 32]>>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Key {
    generation: i64,
    time: Timestamp,
    key: Zeroizing<[u8; 32]>,
}

/// A key that was made here and is not stored yet.
struct Pending {
    generation: i64,
    key: Zeroizing<[u8; 32]>,
    message: Vec<u8>,
}

impl GroupKeys {
    /// A group whose keys are not known yet, for a member or, with its key, for an admin.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the key is not the group's.
    pub fn new(
        account: &AccountKeys,
        id: GroupId,
        admin: Option<&Ed25519Secret>,
    ) -> Result<Self, ConfigError> {
        let account = AccountKeys::from_seed32(*account.ed25519().seed());
        let own = account.x25519();
        let own_copy_key = ed25519_to_x25519(id.ed25519())
            .ok()
            .and_then(|group| copy_key(own, &group, &group, own.public()));
        let mut keys = Self {
            id,
            account,
            admin: None,
            own_copy_key,
            keys: Vec::new(),
            active: BTreeMap::new(),
            pending: None,
            needs_dump: false,
        };
        if let Some(admin) = admin {
            keys.set_admin(admin)?;
        }
        Ok(keys)
    }

    /// The group.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// Whether this is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// Makes a member an admin, who has just got the group's seed, in all three configs.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the seed is not the group's; then nothing is changed.
    pub fn load_admin_key(
        &mut self,
        seed: &[u8; 32],
        info: &mut GroupInfo,
        members: &mut GroupMembers,
    ) -> Result<(), ConfigError> {
        let key = Ed25519Secret::from_seed(*seed);
        self.set_admin(&key)?;
        info.set_admin(&key)?;
        members.set_admin(&key)
    }

    fn set_admin(&mut self, key: &Ed25519Secret) -> Result<(), ConfigError> {
        if key.public() != self.id.ed25519() {
            return Err(ConfigError::WrongKey);
        }
        self.admin = Some(Admin {
            key: Ed25519Secret::from_seed(*key.seed()),
            x25519: key.to_x25519(),
            copy_keys: BTreeMap::new(),
        });
        Ok(())
    }

    fn admin(&self) -> Result<&Admin, ConfigError> {
        self.admin.as_ref().ok_or(ConfigError::ReadOnly)
    }

    /// The key to encrypt messages with: the newest, be it stored yet or not.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`] before the first is loaded.
    pub fn encryption_key(&self) -> Result<&[u8; 32], ConfigError> {
        self.keys().next().ok_or(ConfigError::NoKey)
    }

    /// All keys that messages may be encrypted with, the newest first.
    pub fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        let pending = self.pending.as_ref().map(|pending| &*pending.key);
        let stored = self.keys.iter().rev().map(|key| &*key.key);
        pending.into_iter().chain(stored)
    }

    /// The generation of the newest key that is stored; 0 also when there is none.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.keys.last().map_or(0, |key| key.generation)
    }

    /// The message of [`rekey`](Self::rekey) that is not stored yet.
    #[must_use]
    pub fn pending_message(&self) -> Option<&[u8]> {
        self.pending
            .as_ref()
            .map(|pending| pending.message.as_slice())
    }

    /// Whether two admins made a new key at the same time, so that another one is needed.
    #[must_use]
    pub fn needs_rekey(&self) -> bool {
        match self.keys.as_slice() {
            [.., before, last] => self.is_admin() && before.generation == last.generation,
            _ => false,
        }
    }

    /// The storage hashes whose time in the swarm should be extended.
    #[must_use]
    pub fn active_hashes(&self) -> BTreeSet<String> {
        self.active.values().flatten().cloned().collect()
    }

    /// Whether there is something that was not saved yet.
    #[must_use]
    pub fn needs_dump(&self) -> bool {
        self.needs_dump
    }

    /// Gives the keys to configs that were loaded apart from this one.
    pub fn share_keys(&self, info: &mut GroupInfo, members: &mut GroupMembers) {
        let keys = || self.keys().map(|key| Zeroizing::new(*key)).collect();
        info.core.set_keys(keys());
        members.core.set_keys(keys());
    }

    fn insert(&mut self, key: Key, hash: &str) {
        let generation = key.generation;
        let known = self
            .keys
            .iter()
            .any(|own| own.generation == generation && own.key == key.key);
        if !known {
            if let [oldest, .., newest] = self.keys.as_slice()
                && key < *oldest
                && generation < oldest.generation
                && newest.time.since(oldest.time) > KEEP
            {
                return;
            }
            let place = self.keys.partition_point(|own| *own < key);
            self.keys.insert(place, key);
        }
        self.active
            .entry(generation)
            .or_default()
            .insert(hash.to_owned());
        if !known {
            self.expire();
        }
    }

    /// Drops generations that were replaced more than 60 days before the newest key.
    fn expire(&mut self) {
        let Some(newest) = self.keys.last().map(|key| key.time) else {
            self.active.clear();
            return;
        };
        while let Some(first) = self.keys.first().map(|key| key.generation) {
            let second = self.keys.iter().find(|key| key.generation > first);
            let successor = second.map(|key| key.generation);
            // When the first generation was replaced.
            let replaced = self
                .keys
                .iter()
                .filter(|key| Some(key.generation) == successor)
                .map(|key| key.time)
                .min();
            match replaced {
                Some(replaced) if newest.since(replaced) > KEEP => {
                    self.keys.retain(|key| key.generation > first);
                }
                _ => break,
            }
        }
        if let Some(first) = self.keys.first().map(|key| key.generation) {
            self.active.retain(|generation, _| *generation >= first);
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = (self.generation, self.time).cmp(&(other.generation, other.time));
        order.then_with(|| self.key.as_slice().cmp(other.key.as_slice()))
    }
}

/// What only the group's seed gives.
fn seed_hash(group: &Ed25519Secret, label: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(blake2b_keyed(label, &[group.seed()]))
}

/// The key for the copy of a member, from either side.
fn copy_key(
    own: &X25519Secret,
    other: &X25519PublicKey,
    group: &X25519PublicKey,
    member: &X25519PublicKey,
) -> Option<Zeroizing<[u8; 32]>> {
    let shared = own.diffie_hellman(other).ok()?;
    Some(Zeroizing::new(blake2b_keyed(
        MEMBER_KEY,
        &[shared.as_bytes(), group.as_bytes(), member.as_bytes()],
    )))
}

impl Admin {
    /// The key for a member's copy; `None` for an id that is no usable key.
    fn copy_key(&mut self, member: &AccountId) -> Option<&[u8; 32]> {
        let x25519 = &self.x25519;
        self.copy_keys
            .entry(*member)
            .or_insert_with(|| {
                let public = member.x25519();
                copy_key(x25519, public, x25519.public(), public)
            })
            .as_deref()
    }
}

impl fmt::Debug for GroupKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupKeys")
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

/// Shortens the conversion of reading errors.
type Read<T> = Result<T, Malformed>;
