//! The configs on their way to the own swarm (docs/protocol/paths.md section 7.4).

use session_config::SharedConfig as _;
use session_types::{MessageHash, Namespace, Timestamp};

use super::Tx;
use super::configs::{ConfigPush, parsed};
use crate::CoreError;

/// Where the hashes of obsolete configs are kept.
const OBSOLETE: &str = "obsolete_configs";

impl Tx<'_> {
    /// Before the user changes what is known about people: what changed so far becomes a version
    /// of its own, also when it was not stored yet. Without this, a change that takes back an
    /// earlier one of the same version, as declining a request that has just arrived, would leave
    /// no trace, and another device's copy of the earlier one would win.
    pub(super) fn begin_version(&mut self) -> Result<(), CoreError> {
        if self.configs.contacts.needs_push() {
            let push = self.configs.contacts.push(self.now)?;
            self.keep_obsolete(push.obsolete)?;
        }
        Ok(())
    }

    /// Adds to the stored messages that may be deleted once what is newer is stored. Kept on
    /// disk, because the configs name each of them only once.
    fn keep_obsolete(&mut self, hashes: Vec<String>) -> Result<Vec<MessageHash>, CoreError> {
        let mut all = self.obsolete()?;
        let known = all.len();
        all.extend(parsed(hashes));
        all.sort();
        all.dedup();
        if all.len() != known {
            self.save_obsolete(&all)?;
        }
        Ok(all)
    }

    fn obsolete(&self) -> Result<Vec<MessageHash>, CoreError> {
        let kept = self.store.setting(OBSOLETE)?.unwrap_or_default();
        Ok(parsed(kept.split(',').map(str::to_owned)))
    }

    fn save_obsolete(&mut self, hashes: &[MessageHash]) -> Result<(), CoreError> {
        let names: Vec<_> = hashes.iter().map(MessageHash::as_str).collect();
        Ok(self.store.set_setting(OBSOLETE, &names.join(","))?)
    }

    /// The swarm was asked to delete these.
    pub(crate) fn obsolete_deleted(&mut self, deleted: &[MessageHash]) -> Result<(), CoreError> {
        let mut all = self.obsolete()?;
        all.retain(|hash| !deleted.contains(hash));
        self.save_obsolete(&all)
    }

    /// What is to be stored, and which stored messages may go.
    pub(crate) fn config_pushes(
        &mut self,
    ) -> Result<(Vec<ConfigPush>, Vec<MessageHash>), CoreError> {
        let pushes = self.configs.pushes(self.now)?;
        let mut obsolete = self.configs.take_obsolete();
        for push in &pushes {
            obsolete.extend(push.push.obsolete.iter().cloned());
        }
        let obsolete = self.keep_obsolete(obsolete)?;
        Ok((pushes, obsolete))
    }

    /// The swarm has the messages of a push.
    pub(crate) fn config_stored(
        &mut self,
        namespace: Namespace,
        seqno: i64,
        hashes: &[MessageHash],
        expires_at: Timestamp,
    ) -> Result<(), CoreError> {
        let names: Vec<_> = hashes.iter().map(MessageHash::as_str).collect();
        self.configs.confirm(namespace, seqno, &names);
        for hash in hashes {
            self.store.remember_seen(namespace, hash, expires_at)?;
        }
        Ok(())
    }
}
