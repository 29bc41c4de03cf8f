//! What an account has still to tell the network.

use session_config::{Contacts, ConvoInfoVolatile, SharedConfig as _, UserGroups, UserProfile};
use session_crypto::AccountKeys;
use session_store::Store;
use session_types::Namespace;

use crate::accounts::Unlocked;

/// What is queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Messages, and copies for the own devices.
    pub(super) jobs: u64,
    /// Questions to the own swarm.
    pub(super) tasks: bool,
    /// Contacts and settings.
    pub(super) configs: bool,
}

/// Looks into the database while the account works.
pub(super) struct Pending {
    store: Store,
    keys: AccountKeys,
    seen: Option<i64>,
    left: Left,
}

impl Pending {
    pub(super) fn open(unlocked: &Unlocked) -> anyhow::Result<Self> {
        let store = unlocked.store()?;
        let keys = AccountKeys::from_seed16(*store.identity()?.seed);
        Ok(Self {
            store,
            keys,
            seen: None,
            left: Left::default(),
        })
    }

    /// What is queued now.
    pub(super) fn look(&mut self) -> anyhow::Result<Left> {
        let version = self.store.foreign_changes()?;
        if self.seen != Some(version) {
            self.left = Left {
                jobs: self.store.job_count()?,
                tasks: !self.store.swarm_tasks(1)?.is_empty(),
                configs: self.configs_need_push()?,
            };
            self.seen = Some(version);
        }
        Ok(self.left)
    }

    fn configs_need_push(&self) -> anyhow::Result<bool> {
        let saved = |namespace| -> anyhow::Result<_> {
            let saved = self.store.config(namespace)?.map(|saved| saved.dump);
            Ok(saved.filter(|dump| !dump.is_empty()))
        };
        if let Some(dump) = saved(Namespace::USER_PROFILE)?
            && UserProfile::load(&self.keys, &dump)?.needs_push()
        {
            return Ok(true);
        }
        if let Some(dump) = saved(Namespace::CONTACTS)?
            && Contacts::load(&self.keys, &dump)?.needs_push()
        {
            return Ok(true);
        }
        if let Some(dump) = saved(Namespace::USER_GROUPS)?
            && UserGroups::load(&self.keys, &dump)?.needs_push()
        {
            return Ok(true);
        }
        if let Some(dump) = saved(Namespace::CONVO_INFO_VOLATILE)?
            && ConvoInfoVolatile::load(&self.keys, &dump)?.needs_push()
        {
            return Ok(true);
        }
        Ok(false)
    }
}
