//! The groups and communities an account is in (docs/protocol/config.md section 11.4).

use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_types::{GroupId, Namespace, SwarmPubkey, Timestamp};
use zeroize::Zeroizing;

use crate::data::Dict;
use crate::engine::{Core, Kind};
use crate::error::ConfigError;
use crate::fields::{MAX_NAME, Notify, truncated};
use crate::shared::shared_config;
use crate::wrap;

mod legacy;
mod rooms;

pub use legacy::LegacyGroup;
pub use rooms::JoinedCommunity;

const KIND: Kind = Kind {
    name: "UserGroups",
    namespace: Namespace::USER_GROUPS,
    domain: "UserGroups",
    wrap: Some(wrap::Kind(4)),
};

/// The groups, communities and legacy groups of an account.
///
/// Data: `g` is a dict of [`Group`]s by 33-byte group id, `o` holds [`JoinedCommunity`]s, `C`
/// [`LegacyGroup`]s.
pub struct UserGroups {
    core: Core,
}

shared_config!(UserGroups);

/// What all kinds of groups have.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `+` | unless 0 | `priority` |
/// | `j` | seconds | `joined_seconds` |
/// | `@` | 1, 2, 3 | `notify` |
/// | `!` | seconds | `muted_until_seconds` |
/// | `i` | flag | `invited` |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSettings {
    /// Above 0: pinned, higher first. Below 0: hidden.
    pub priority: i32,
    /// When the account joined, unix seconds; 0 when not known.
    pub joined_seconds: u64,
    /// What raises a notification.
    pub notify: Notify,
    /// Until when nothing raises a notification, unix seconds.
    pub muted_until_seconds: u64,
    /// There is an invitation that was not answered yet.
    pub invited: bool,
}

/// A group.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `K` | always: 32 bytes or none | `admin_seed` |
/// | `s` | 100 bytes, only without `K` | `auth_data` |
/// | `n` | unless empty | `name` |
/// | `r` | 1, 2 | `removed` |
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name in the invitation, or as last seen; cut to 100 bytes when stored.
    pub name: String,
    /// The seed of the group's key, for an admin.
    pub admin_seed: Option<Zeroizing<[u8; 32]>>,
    /// What lets a member into the group's swarm.
    pub auth_data: Option<Zeroizing<[u8; 100]>>,
    /// Whether the account is out of the group.
    pub removed: Removed,
    /// What all kinds of groups have.
    pub settings: GroupSettings,
}

/// Why an account is no longer in a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removed {
    /// It still is.
    #[default]
    No,
    /// An admin removed it.
    Kicked,
    /// There is no such group any more.
    Destroyed,
}

impl UserGroups {
    /// An account's groups before anything is known of them.
    #[must_use]
    pub fn new(account: &AccountKeys) -> Self {
        Self {
            core: Core::of_account(&KIND, account),
        }
    }

    /// The groups as they were saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are no dump.
    pub fn load(account: &AccountKeys, dump: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::new(account);
        config.core.load(dump)?;
        Ok(config)
    }

    /// Makes a new group with the account as its admin, and gives its key.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn create_group(
        &mut self,
        name: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Ed25519Secret, ConfigError> {
        let key = Ed25519Secret::generate(rng);
        let mut group = Group::new(GroupId::from_ed25519(*key.public()));
        name.clone_into(&mut group.name);
        group.admin_seed = Some(Zeroizing::new(*key.seed()));
        group.settings.joined_seconds = now.as_secs();
        self.set_group(&group)?;
        Ok(key)
    }

    /// Stores a group. Fields this version does not know stay as they are.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the admin seed is not the group's.
    pub fn set_group(&mut self, group: &Group) -> Result<(), ConfigError> {
        if let Some(seed) = &group.admin_seed
            && !is_seed_of(seed, &group.id)
        {
            return Err(ConfigError::WrongKey);
        }
        self.core
            .edit(&[b"g", &group.id.to_bytes()], |entry| group.store(entry))
            .map(drop)
    }

    /// Changes a group, which is made when not known yet.
    ///
    /// # Errors
    /// As [`Self::set_group`].
    pub fn modify_group(
        &mut self,
        id: &GroupId,
        change: impl FnOnce(&mut Group),
    ) -> Result<(), ConfigError> {
        let mut group = self.group(id).unwrap_or_else(|| Group::new(*id));
        change(&mut group);
        group.id = *id;
        self.set_group(&group)
    }

    /// Forgets a group. Whether it was known.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase_group(&mut self, id: &GroupId) -> Result<bool, ConfigError> {
        self.core.put(&[b"g", &id.to_bytes()], None)
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<Group> {
        let entry = self.core.at(&[b"g", &id.to_bytes()])?.as_dict()?;
        Some(Group::read(*id, entry))
    }

    /// All groups, by their ids.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.core
            .data()
            .dict(b"g")
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, entry)| {
                let id = GroupId::try_from(SwarmPubkey::try_from(&**key).ok()?).ok()?;
                Some(Group::read(id, entry.as_dict()?))
            })
    }
}

impl Group {
    /// A group nothing is known of.
    #[must_use]
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            name: String::new(),
            admin_seed: None,
            auth_data: None,
            removed: Removed::No,
            settings: GroupSettings::default(),
        }
    }

    /// An admin removed the account: its keys are of no use any more.
    pub fn mark_kicked(&mut self) {
        self.admin_seed = None;
        self.auth_data = None;
        if self.removed != Removed::Destroyed {
            self.removed = Removed::Kicked;
        }
    }

    /// The account was invited again.
    pub fn mark_invited(&mut self) {
        if self.removed == Removed::Kicked {
            self.removed = Removed::No;
        }
    }

    /// The group is no more.
    pub fn mark_destroyed(&mut self) {
        self.admin_seed = None;
        self.auth_data = None;
        self.removed = Removed::Destroyed;
    }

    /// The group's key, for an admin.
    #[must_use]
    pub fn admin_key(&self) -> Option<Ed25519Secret> {
        let seed = self.admin_seed.as_ref()?;
        Some(Ed25519Secret::from_seed(**seed))
    }

    fn read(id: GroupId, entry: &Dict) -> Self {
        let removed = match entry.number(b"r") {
            1 => Removed::Kicked,
            2 => Removed::Destroyed,
            _ => Removed::No,
        };
        Self {
            id,
            name: entry.text(b"n"),
            admin_seed: entry
                .array::<32>(b"K")
                .map(Zeroizing::new)
                .filter(|seed| is_seed_of(seed, &id)),
            auth_data: entry.array::<100>(b"s").map(Zeroizing::new),
            removed,
            settings: GroupSettings::read(entry),
        }
    }

    fn store(&self, entry: &mut Dict) {
        self.settings.store(entry);
        match &self.admin_seed {
            Some(seed) => entry.put_bytes(b"K", Some(seed.as_slice())),
            None => {
                entry.put_bytes(b"K", Some(b""));
                entry.put_bytes(b"s", self.auth_data.as_ref().map(|data| data.as_slice()));
            }
        }
        entry.put_text(b"n", truncated(&self.name, MAX_NAME));
        let removed = match self.removed {
            Removed::No => 0,
            Removed::Kicked => 1,
            Removed::Destroyed => 2,
        };
        if Self::read(self.id, entry).removed != self.removed {
            entry.put_number(b"r", removed);
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl GroupSettings {
    fn read(entry: &Dict) -> Self {
        Self {
            priority: entry.priority(),
            joined_seconds: entry.seconds(b"j"),
            notify: entry.notify(),
            muted_until_seconds: entry.seconds(b"!"),
            invited: entry.flag(b"i"),
        }
    }

    fn store(&self, entry: &mut Dict) {
        entry.put_priority(self.priority);
        entry.put_seconds(b"j", self.joined_seconds);
        entry.put_notify(self.notify);
        entry.put_seconds(b"!", self.muted_until_seconds);
        entry.put_flag(b"i", self.invited);
    }
}

fn is_seed_of(seed: &[u8; 32], id: &GroupId) -> bool {
    Ed25519Secret::from_seed(*seed).public() == id.ed25519()
}
