use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use session_types::AccountId;
use zeroize::Zeroizing;

use super::{GroupSettings, UserGroups};
use crate::contacts::account_id;
use crate::data::{Dict, Scalar, Value};
use crate::error::ConfigError;
use crate::fields::{MAX_NAME, truncated};

/// A group of the time before groups had their own swarm. Kept for its history.
///
/// Data: `C` is a dict by 33-byte id, which begins 05 like an account's.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `n` | always | `name` |
/// | `k`, `K` | both or none | `keys` |
/// | `m` | set of 33-byte ids | members who are not admins |
/// | `a` | set of 33-byte ids | admins |
/// | `E` | above 0 | `timer_seconds` |
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegacyGroup {
    /// Its id.
    pub id: AccountId,
    /// Its name; cut to 100 bytes when stored.
    pub name: String,
    /// The public and secret X25519 key its messages are encrypted with.
    pub keys: Option<([u8; 32], Zeroizing<[u8; 32]>)>,
    /// Who is in it, and whether as an admin.
    pub members: BTreeMap<AccountId, bool>,
    /// After how many seconds messages that were read disappear; 0 for never.
    pub timer_seconds: u64,
    /// What all kinds of groups have.
    pub settings: GroupSettings,
}

impl UserGroups {
    /// Stores a legacy group. Fields this version does not know stay as they are.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_legacy_group(&mut self, group: &LegacyGroup) -> Result<(), ConfigError> {
        self.core
            .edit(&[b"C", &group.id.to_bytes()], |entry| group.store(entry))
            .map(drop)
    }

    /// Changes a legacy group, which is made when not known yet.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn modify_legacy_group(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut LegacyGroup),
    ) -> Result<(), ConfigError> {
        let mut group = self
            .legacy_group(id)
            .unwrap_or_else(|| LegacyGroup::new(*id));
        change(&mut group);
        group.id = *id;
        self.set_legacy_group(&group)
    }

    /// Forgets a legacy group. Whether it was known.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase_legacy_group(&mut self, id: &AccountId) -> Result<bool, ConfigError> {
        self.core.put(&[b"C", &id.to_bytes()], None)
    }

    /// A legacy group.
    #[must_use]
    pub fn legacy_group(&self, id: &AccountId) -> Option<LegacyGroup> {
        let entry = self.core.at(&[b"C", &id.to_bytes()])?.as_dict()?;
        Some(LegacyGroup::read(*id, entry))
    }

    /// All legacy groups, by their ids.
    pub fn legacy_groups(&self) -> impl Iterator<Item = LegacyGroup> + '_ {
        self.core
            .data()
            .dict(b"C")
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, entry)| Some(LegacyGroup::read(account_id(key)?, entry.as_dict()?)))
    }
}

impl LegacyGroup {
    /// A group nothing is known of.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: String::new(),
            keys: None,
            members: BTreeMap::new(),
            timer_seconds: 0,
            settings: GroupSettings::default(),
        }
    }

    fn read(id: AccountId, entry: &Dict) -> Self {
        let secret = entry.array(b"K").map(Zeroizing::new);
        let admins = ids(entry.set(b"a")).map(|id| (id, true));
        let members = ids(entry.set(b"m")).map(|id| (id, false));
        Self {
            id,
            name: entry.text(b"n"),
            keys: entry.array(b"k").zip(secret),
            // Who is in both sets is an ordinary member.
            members: admins.chain(members).collect(),
            timer_seconds: entry.positive(b"E"),
            settings: GroupSettings::read(entry),
        }
    }

    fn store(&self, entry: &mut Dict) {
        self.settings.store(entry);
        entry.put_text_always(b"n", truncated(&self.name, MAX_NAME));
        let known = Self::read(self.id, entry);
        if known.keys != self.keys {
            let public = self.keys.as_ref().map(|(public, _)| public);
            let secret = self.keys.as_ref().map(|(_, secret)| secret);
            entry.put_bytes(b"k", public.map(|public| public.as_slice()));
            entry.put_bytes(b"K", secret.map(|secret| secret.as_slice()));
        }
        if known.members != self.members {
            self.store_members(entry, b"m", false);
            self.store_members(entry, b"a", true);
        }
        entry.put_positive(b"E", self.timer_seconds);
    }

    /// Stores one of the two sets; what in it is no id stays.
    fn store_members(&self, entry: &mut Dict, key: &[u8], admins: bool) {
        let unknown = entry
            .set(key)
            .iter()
            .filter(|member| id(member).is_none())
            .cloned();
        let wanted = self
            .members
            .iter()
            .filter(|(_, admin)| **admin == admins)
            .map(|(id, _)| Scalar::Bytes(id.to_bytes().as_slice().into()));
        let members: BTreeSet<Scalar> = unknown.chain(wanted).collect();
        match Value::set(members) {
            Some(set) => entry.insert(key, set),
            None => entry.remove(key),
        }
    }
}

impl fmt::Debug for LegacyGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyGroup").finish_non_exhaustive()
    }
}

fn id(member: &Scalar) -> Option<AccountId> {
    match member {
        Scalar::Bytes(bytes) => account_id(bytes),
        Scalar::Int(_) => None,
    }
}

fn ids(members: &[Scalar]) -> impl Iterator<Item = AccountId> {
    members.iter().filter_map(id)
}
