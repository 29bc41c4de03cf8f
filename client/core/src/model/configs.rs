//! The four configs of an account, loaded, saved, merged and pushed together
//! (docs/protocol/config.md).

use session_config::{
    ConfigError, Contacts, ConvoInfoVolatile, Incoming, Merged, Push, SharedConfig, UserGroups,
    UserProfile,
};
use session_crypto::AccountKeys;
use session_store::{Store, StoreError};
use session_types::{MessageHash, Namespace, Timestamp};

use crate::CoreError;

/// Where the configs are stored, in the order they are merged (docs/protocol/client.md
/// section 1.4).
pub(crate) const CONFIG_NAMESPACES: [Namespace; 4] = [
    Namespace::USER_PROFILE,
    Namespace::CONTACTS,
    Namespace::USER_GROUPS,
    Namespace::CONVO_INFO_VOLATILE,
];

/// The configs of an account.
pub(crate) struct Configs {
    pub(crate) profile: UserProfile,
    pub(crate) contacts: Contacts,
    pub(crate) groups: UserGroups,
    pub(crate) reads: ConvoInfoVolatile,
    new: bool,
}

/// One config to be stored.
#[derive(Debug)]
pub(crate) struct ConfigPush {
    pub(crate) namespace: Namespace,
    pub(crate) push: Push,
}

impl Configs {
    /// As they were saved.
    pub(crate) fn load(store: &Store, keys: &AccountKeys) -> Result<Self, CoreError> {
        let mut new = true;
        let mut dump = |namespace| -> Result<_, StoreError> {
            let saved = store.config(namespace)?;
            let saved = saved
                .map(|saved| saved.dump)
                .filter(|dump| !dump.is_empty());
            new &= saved.is_none();
            Ok(saved)
        };
        let profile = match dump(Namespace::USER_PROFILE)? {
            Some(dump) => UserProfile::load(keys, &dump)?,
            None => UserProfile::new(keys),
        };
        let contacts = match dump(Namespace::CONTACTS)? {
            Some(dump) => Contacts::load(keys, &dump)?,
            None => Contacts::new(keys),
        };
        let groups = match dump(Namespace::USER_GROUPS)? {
            Some(dump) => UserGroups::load(keys, &dump)?,
            None => UserGroups::new(keys),
        };
        let reads = match dump(Namespace::CONVO_INFO_VOLATILE)? {
            Some(dump) => ConvoInfoVolatile::load(keys, &dump)?,
            None => ConvoInfoVolatile::new(keys),
        };
        Ok(Self {
            profile,
            contacts,
            groups,
            reads,
            new,
        })
    }

    /// Whether nothing was ever saved.
    pub(crate) fn are_new(&self) -> bool {
        self.new
    }

    /// Saves what changed.
    pub(crate) fn save(&mut self, store: &mut Store, now: Timestamp) -> Result<(), CoreError> {
        fn one(
            store: &mut Store,
            config: &mut impl SharedConfig,
            now: Timestamp,
        ) -> Result<(), StoreError> {
            if config.needs_dump() {
                store.save_config(config.namespace(), &config.dump(now))?;
            }
            Ok(())
        }
        one(store, &mut self.profile, now)?;
        one(store, &mut self.contacts, now)?;
        one(store, &mut self.groups, now)?;
        one(store, &mut self.reads, now)?;
        Ok(())
    }

    /// Whether one of them holds something the swarm does not have.
    pub(crate) fn need_push(&self) -> bool {
        self.profile.needs_push()
            || self.contacts.needs_push()
            || self.groups.needs_push()
            || self.reads.needs_push()
    }

    /// Takes in messages of one namespace.
    pub(crate) fn merge(
        &mut self,
        namespace: Namespace,
        incoming: &[Incoming<'_>],
        now: Timestamp,
    ) -> Result<Merged, ConfigError> {
        match namespace {
            Namespace::USER_PROFILE => self.profile.merge(incoming, now),
            Namespace::CONTACTS => self.contacts.merge(incoming, now),
            Namespace::USER_GROUPS => self.groups.merge(incoming, now),
            Namespace::CONVO_INFO_VOLATILE => self.reads.merge(incoming, now),
            _ => Ok(Merged::default()),
        }
    }

    /// What is to be stored now.
    pub(crate) fn pushes(&mut self, now: Timestamp) -> Result<Vec<ConfigPush>, ConfigError> {
        fn one(
            pushes: &mut Vec<ConfigPush>,
            config: &mut impl SharedConfig,
            now: Timestamp,
        ) -> Result<(), ConfigError> {
            if config.needs_push() {
                pushes.push(ConfigPush {
                    namespace: config.namespace(),
                    push: config.push(now)?,
                });
            }
            Ok(())
        }
        let mut pushes = Vec::new();
        one(&mut pushes, &mut self.profile, now)?;
        one(&mut pushes, &mut self.contacts, now)?;
        one(&mut pushes, &mut self.groups, now)?;
        one(&mut pushes, &mut self.reads, now)?;
        Ok(pushes)
    }

    /// The messages of a push are stored under these hashes.
    pub(crate) fn confirm(&mut self, namespace: Namespace, seqno: i64, hashes: &[&str]) {
        match namespace {
            Namespace::USER_PROFILE => self.profile.confirm_pushed(seqno, hashes),
            Namespace::CONTACTS => self.contacts.confirm_pushed(seqno, hashes),
            Namespace::USER_GROUPS => self.groups.confirm_pushed(seqno, hashes),
            Namespace::CONVO_INFO_VOLATILE => self.reads.confirm_pushed(seqno, hashes),
            _ => {}
        }
    }

    /// Stored messages that may be deleted without a push.
    pub(crate) fn take_obsolete(&mut self) -> Vec<String> {
        let mut all = self.profile.obsolete_hashes();
        all.extend(self.contacts.obsolete_hashes());
        all.extend(self.groups.obsolete_hashes());
        all.extend(self.reads.obsolete_hashes());
        all
    }

    /// Stored messages that must not expire.
    pub(crate) fn active_hashes(&self) -> Vec<MessageHash> {
        let mut all = self.profile.active_hashes();
        all.extend(self.contacts.active_hashes());
        all.extend(self.groups.active_hashes());
        all.extend(self.reads.active_hashes());
        parsed(all)
    }
}

pub(crate) fn parsed(hashes: impl IntoIterator<Item = String>) -> Vec<MessageHash> {
    hashes
        .into_iter()
        .filter_map(|hash| hash.parse().ok())
        .collect()
}
