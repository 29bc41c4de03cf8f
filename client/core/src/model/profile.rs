//! The account itself: its name and the settings of its devices.

use session_messages::{Name, Profile, ProfilePicture};
use session_types::Timestamp;

use super::Tx;
use super::configs::Configs;
use crate::{CoreError, Settings};

/// Names of settings in the database.
const READ_RECEIPTS: &str = "read_receipts";
const TYPING: &str = "typing";
const LINK_PREVIEWS: &str = "link_previews";
const DIRECT_FILES: &str = "direct_files";
const RECOVERY_SAVED: &str = "recovery_saved";
const RECOVERY_HIDDEN: &str = "recovery_hidden";

impl Tx<'_> {
    /// The first transaction of a database: what it says of itself becomes part of the configs.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), CoreError> {
        if !name.is_empty() {
            // A name the account has on other devices is newer than one given at restoring.
            self.configs.profile.set_name(name, self.now)?;
        }
        for row in self.store.conversations()? {
            let id = row.id();
            if id == self.own() {
                continue;
            }
            let messages = self.store.history(&id, 200, None)?;
            let wrote = messages.iter().any(|message| message.outgoing);
            let was_written_to = messages.iter().any(|message| !message.outgoing);
            let last_read = messages
                .iter()
                .filter(|message| !message.unread)
                .map(|message| message.sent_at)
                .max();
            self.edit_contact(&id, |contact| {
                contact.approved |= wrote;
                contact.approved_me |= was_written_to;
                if contact.name.is_empty() {
                    contact.name.clone_from(&row.settings.name);
                }
            })?;
            if let Some(last_read) = last_read {
                self.configs
                    .reads
                    .mark_read(&conversation(id), last_read, self.now)?;
            }
            self.project(id)?;
        }
        Ok(())
    }

    /// Changes the name shown to others.
    pub(crate) fn set_name(&mut self, name: &str) -> Result<(), CoreError> {
        let name = Name::new(name)?;
        if self.configs.profile.name() != name.as_str() {
            let at = self.profile_time();
            self.configs.profile.set_name(name.as_str(), at)?;
            self.store.set_display_name(name.as_str())?;
            self.changes.profile = true;
        }
        Ok(())
    }

    /// When a change of the profile is said to be made: others take only what is newer, by the
    /// second, than what they have.
    pub(super) fn profile_time(&self) -> Timestamp {
        let last = self.configs.profile.updated_seconds();
        let next = Timestamp::from_ms(last.saturating_add(1).saturating_mul(1000));
        if last == 0 {
            self.now
        } else {
            self.now.max(next)
        }
    }

    /// The profile as it goes out with messages.
    pub(super) fn profile(&self) -> Profile {
        self.configs.profile_to_send()
    }

    /// What this device tells others about its user.
    pub(crate) fn settings(&self) -> Result<Settings, CoreError> {
        settings(self.store)
    }

    /// Changes what this device tells others about its user.
    pub(crate) fn set_settings(&mut self, new: Settings) -> Result<(), CoreError> {
        let flag = |on| if on { "1" } else { "0" };
        self.store
            .set_setting(READ_RECEIPTS, flag(new.read_receipts))?;
        self.store.set_setting(TYPING, flag(new.typing))?;
        self.store
            .set_setting(LINK_PREVIEWS, flag(new.link_previews))?;
        self.store
            .set_setting(DIRECT_FILES, flag(new.direct_files))?;
        self.store
            .set_setting(RECOVERY_SAVED, flag(new.recovery_saved))?;
        self.store
            .set_setting(RECOVERY_HIDDEN, flag(new.recovery_hidden))?;
        self.changes.profile = true;
        Ok(())
    }

    /// Has files go to that server, nothing being the network's.
    pub(crate) fn set_file_server(&mut self, server: Option<&str>) -> Result<(), CoreError> {
        self.store.set_file_server(server)?;
        self.changes.profile = true;
        Ok(())
    }

    /// After a merge: the name in the database follows.
    pub(super) fn adopt_profile(&mut self) -> Result<(), CoreError> {
        let name = self.configs.profile.name();
        if self.store.identity()?.display_name != name {
            self.store.set_display_name(&name)?;
        }
        self.changes.profile = true;
        let own = self.own();
        let picture = self.configs.profile.picture();
        self.follow_picture(&own, picture.as_ref())?;
        let profile = &self.configs.profile;
        let says_nothing =
            profile.note_to_self_priority() <= 0 && profile.note_to_self_timer_seconds() == 0;
        if says_nothing && self.store.conversation_settings(&own)?.is_none() {
            // There is no conversation with oneself as long as nobody began one.
            return Ok(());
        }
        self.project(own)
    }
}

impl Configs {
    /// The profile as it goes out with messages.
    pub(crate) fn profile_to_send(&self) -> Profile {
        let config = &self.profile;
        let picture = config
            .picture()
            .and_then(|picture| ProfilePicture::new(picture.url(), *picture.key()).ok());
        Profile {
            name: Name::new(config.name()).ok(),
            picture,
            updated_at_secs: Some(config.updated_seconds()).filter(|seconds| *seconds != 0),
        }
    }
}

/// Reads the settings; what was never set is off, as in other clients.
pub(crate) fn settings(store: &session_store::Store) -> Result<Settings, CoreError> {
    let is_on = |name| -> Result<bool, CoreError> {
        Ok(store.setting(name)?.is_some_and(|value| value == "1"))
    };
    Ok(Settings {
        read_receipts: is_on(READ_RECEIPTS)?,
        typing: is_on(TYPING)?,
        link_previews: is_on(LINK_PREVIEWS)?,
        direct_files: is_on(DIRECT_FILES)?,
        recovery_saved: is_on(RECOVERY_SAVED)?,
        recovery_hidden: is_on(RECOVERY_HIDDEN)?,
    })
}

/// The name of a conversation with one person in the config of read states.
pub(super) fn conversation(id: session_types::AccountId) -> session_config::Conversation {
    session_config::Conversation::Account(id)
}

/// Unix seconds.
pub(super) fn seconds(time: Timestamp) -> u64 {
    time.as_ms() / 1000
}
