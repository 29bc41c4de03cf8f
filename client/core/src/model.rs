//! What an account knows and decides, without a network: the database and the shared configs,
//! changed together.
//!
//! Everything a person or the network does to an account is a method of [`Tx`]: one transaction
//! that changes rows and configs or neither. What others have to hear of it is gathered in
//! [`Changes`]. The time is an argument; the only randomness is in the sealing of messages, which
//! is not done here.

mod configs;
mod contacts;
mod deleting;
mod drafts;
mod files;
mod profile;
mod reading;
mod receiving;
mod sending;
mod sync;
#[cfg(test)]
mod tests;
mod undoing;

use std::collections::BTreeSet;

use session_crypto::AccountKeys;
use session_store::{FileId, MessageId, MessageRow, Store, StoreError};
use session_types::{AccountId, Timestamp};

use crate::CoreError;

pub(crate) use configs::CONFIG_NAMESPACES;
use configs::Configs;
pub(crate) use drafts::Begun;
pub(crate) use files::MOST_FILES;
pub(crate) use profile::settings;
pub(crate) use receiving::Fetched;
pub(crate) use sending::{OwnFile, Written, content_of};
pub(crate) use undoing::{Undoable, listed, undoable};

/// An account's database and configs. Lives on one thread.
pub(crate) struct Model {
    store: Store,
    keys: AccountKeys,
    configs: Configs,
    /// The state of the database, as far as other processes change it, that `configs` belongs to.
    version: i64,
}

/// What a transaction changed, for those who show it or work on it.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Conversations whose messages or settings are other ones now.
    pub(crate) conversations: BTreeSet<AccountId>,
    /// Messages that were not there before and that somebody else, or another device, wrote.
    pub(crate) received: Vec<MessageRow>,
    /// People who begin or stop to type.
    pub(crate) typing: Vec<(AccountId, bool)>,
    /// Messages whose writers deleted them, or that were removed.
    pub(crate) removed: Vec<MessageId>,
    /// Name, picture or settings of the account itself.
    pub(crate) profile: bool,
    /// There is something new in the outbox.
    pub(crate) outbox: bool,
    /// There is something to ask of the own swarm.
    pub(crate) tasks: bool,
    /// The configs hold something the swarm does not have.
    pub(crate) configs: bool,
    /// A message got a time to disappear.
    pub(crate) disappearing: bool,
    /// There are files or pictures to be fetched or uploaded.
    pub(crate) files: bool,
    /// Files that somebody has just asked for.
    pub(crate) wanted: Vec<FileId>,
    /// Files that are not asked for any more.
    pub(crate) left: Vec<FileId>,
}

/// One transaction.
pub(crate) struct Tx<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) configs: &'a mut Configs,
    pub(crate) changes: Changes,
    /// Network time.
    pub(crate) now: Timestamp,
}

impl Model {
    /// The account in a database. What the database says of itself, name and conversations of an
    /// earlier version, becomes part of the configs when there are none yet.
    pub(crate) fn open(store: Store) -> Result<Self, CoreError> {
        let identity = store.identity()?;
        let keys = AccountKeys::from_seed16(*identity.seed);
        let version = store.foreign_changes()?;
        let configs = Configs::load(&store, &keys)?;
        let mut model = Self {
            store,
            keys,
            configs,
            version,
        };
        if model.configs.are_new() {
            let now = identity.created_at;
            model.write(now, |tx| tx.begin(&identity.display_name))?;
        }
        Ok(model)
    }

    /// The database, for reading.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The database, for what is no part of the account: the network's state, settings of front
    /// ends.
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// What the devices of the account agree on.
    pub(crate) fn configs(&self) -> &Configs {
        &self.configs
    }

    /// Loads the configs again when another process has changed the database, for those who only
    /// read them.
    pub(crate) fn follow(&mut self) -> Result<(), CoreError> {
        // Asked before loading: what changes in between is loaded the next time.
        let current = self.store.foreign_changes()?;
        if current != self.version {
            self.configs = Configs::load(&self.store, &self.keys)?;
            self.version = current;
        }
        Ok(())
    }

    /// Runs one transaction. Undone as a whole when it fails.
    pub(crate) fn write<R>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, CoreError>,
    ) -> Result<(R, Changes), CoreError> {
        let Self {
            store,
            keys,
            configs,
            version,
        } = self;
        let done = store.atomically(|store| {
            // Another process may have changed the configs; inside the transaction none can.
            let current = store.foreign_changes()?;
            if current != *version {
                *configs = Configs::load(store, keys)?;
                *version = current;
            }
            let mut tx = Tx {
                store,
                configs: &mut *configs,
                changes: Changes::default(),
                now,
            };
            let result = work(&mut tx)?;
            let mut changes = tx.changes;
            configs.save(store, now)?;
            changes.configs = configs.need_push();
            Ok::<_, CoreError>((result, changes))
        });
        if done.is_ok()
            && let Err(error) = store.remove_dropped_blobs()
        {
            // Tried again after the next one.
            tracing::warn!(code = error.code(), "files that are not used any more stay");
        }
        if done.is_err() {
            // What the failed transaction did to the configs was not saved.
            match Configs::load(store, keys) {
                Ok(saved) => *configs = saved,
                // Loaded again at the next transaction.
                Err(_) => *version = version.wrapping_sub(1),
            }
        }
        done
    }
}

impl Tx<'_> {
    /// The account's id.
    pub(crate) fn own(&self) -> AccountId {
        self.store.account_id()
    }

    /// Notes that a conversation is another one now.
    pub(crate) fn touch(&mut self, conversation: AccountId) {
        self.changes.conversations.insert(conversation);
    }

    pub(crate) fn message(&self, id: MessageId) -> Result<MessageRow, CoreError> {
        Ok(self.store.message(id)?.ok_or(StoreError::UnknownMessage)?)
    }
}
