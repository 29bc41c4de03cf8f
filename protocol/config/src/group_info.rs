//! What a group is (docs/protocol/config.md section 11.6).

use session_crypto::Ed25519Secret;
use session_types::{GroupId, Namespace};
use zeroize::Zeroizing;

use crate::data::Dict;
use crate::engine::{Core, Kind};
use crate::error::ConfigError;
use crate::fields::{MAX_NAME, truncated};
use crate::picture::Picture;
use crate::shared::shared_config;

const KIND: Kind = Kind {
    name: "GroupInfo",
    namespace: Namespace::GROUP_INFO,
    domain: "groups::Info",
    wrap: None,
};

/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 2000;

/// Name, picture and settings of a group. Admins change them, all members read them.
///
/// | Key | Stored | Meaning |
/// |---|---|---|
/// | `n` | unless empty | name |
/// | `o` | unless empty | description |
/// | `p`, `q` | both or none | picture |
/// | `c` | seconds | when it was made |
/// | `E` | above 0 | seconds after which messages disappear |
/// | `d` | seconds | older messages are to be deleted |
/// | `D` | seconds | attachments of older messages are to be deleted |
/// | `!` | flag | the group is no more |
pub struct GroupInfo {
    pub(crate) core: Core,
    id: GroupId,
}

shared_config!(GroupInfo);

impl GroupInfo {
    /// A group nothing is known of, for a member or, with its key, for an admin.
    ///
    /// Nothing can be pushed or merged before the encryption keys are there, see
    /// `GroupKeys`.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the key is not the group's.
    pub fn new(id: GroupId, admin: Option<&Ed25519Secret>) -> Result<Self, ConfigError> {
        Ok(Self {
            core: Core::of_group(&KIND, *id.ed25519(), admin)?,
            id,
        })
    }

    /// Sets the encryption keys, newest first. [`GroupKeys`](crate::GroupKeys) does it whenever
    /// they change.
    pub fn set_encryption_keys(&mut self, keys: &[[u8; 32]]) {
        self.core
            .set_keys(keys.iter().map(|key| Zeroizing::new(*key)).collect());
    }

    /// Makes a member's config that of an admin, who has just got the group's key.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the key is not the group's.
    pub fn set_admin(&mut self, admin: &Ed25519Secret) -> Result<(), ConfigError> {
        self.core.set_signer(admin)
    }

    /// The state as it was saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the key is not the group's or the bytes are no dump.
    pub fn load(
        id: GroupId,
        admin: Option<&Ed25519Secret>,
        dump: &[u8],
    ) -> Result<Self, ConfigError> {
        let mut config = Self::new(id, admin)?;
        config.core.load(dump)?;
        Ok(config)
    }

    /// The group.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The name, empty when there is none.
    #[must_use]
    pub fn name(&self) -> String {
        self.core.data().text(b"n")
    }

    /// Changes the name, which is cut to 100 bytes.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_name(&mut self, name: &str) -> Result<(), ConfigError> {
        self.edit(|data| data.put_text(b"n", truncated(name, MAX_NAME)))
    }

    /// The description, empty when there is none.
    #[must_use]
    pub fn description(&self) -> String {
        self.core.data().text(b"o")
    }

    /// Changes the description, which is cut to 2000 bytes. Some clients show no more than 600.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_description(&mut self, description: &str) -> Result<(), ConfigError> {
        self.edit(|data| data.put_text(b"o", truncated(description, MAX_DESCRIPTION)))
    }

    /// The picture.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        self.core.data().picture(b"p", b"q")
    }

    /// Changes or removes the picture.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_picture(&mut self, picture: Option<&Picture>) -> Result<(), ConfigError> {
        self.edit(|data| data.put_picture(b"p", b"q", picture))
    }

    /// When the group was made, unix seconds; 0 when not known.
    #[must_use]
    pub fn created_seconds(&self) -> u64 {
        self.core.data().seconds(b"c")
    }

    /// Sets when the group was made.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_created_seconds(&mut self, created: u64) -> Result<(), ConfigError> {
        self.edit(|data| data.put_seconds(b"c", created))
    }

    /// After how many seconds messages disappear once they are sent; 0 for never.
    #[must_use]
    pub fn timer_seconds(&self) -> u64 {
        self.core.data().positive(b"E")
    }

    /// Sets after how many seconds messages disappear; 0 for never.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_timer_seconds(&mut self, timer: u64) -> Result<(), ConfigError> {
        self.edit(|data| data.put_positive(b"E", timer))
    }

    /// Messages sent before this, unix seconds, are to be deleted; 0 for none.
    #[must_use]
    pub fn delete_before_seconds(&self) -> u64 {
        self.core.data().seconds(b"d")
    }

    /// Lets all members delete the messages sent before this, unix seconds.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_delete_before_seconds(&mut self, before: u64) -> Result<(), ConfigError> {
        self.edit(|data| data.put_seconds(b"d", before))
    }

    /// Attachments of messages sent before this, unix seconds, are to be deleted; 0 for none.
    #[must_use]
    pub fn delete_attachments_before_seconds(&self) -> u64 {
        self.core.data().seconds(b"D")
    }

    /// Lets all members delete the attachments of messages sent before this, unix seconds.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set_delete_attachments_before_seconds(
        &mut self,
        before: u64,
    ) -> Result<(), ConfigError> {
        self.edit(|data| data.put_seconds(b"D", before))
    }

    /// Whether the group is no more.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.core.data().flag(b"!")
    }

    /// Ends the group for all. Cannot be undone.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn destroy(&mut self) -> Result<(), ConfigError> {
        self.edit(|data| data.put_flag(b"!", true))
    }

    fn edit(&mut self, change: impl FnOnce(&mut Dict)) -> Result<(), ConfigError> {
        self.core.edit_root(change).map(drop)
    }
}
