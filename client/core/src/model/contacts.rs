//! People: accepting, blocking, naming, pinning, timers (docs/protocol/client.md sections 5.1
//! and 5.6 to 5.11).

use core::num::NonZeroU32;

use session_config::{Contact, DisappearAfter, Disappearing, Notify, Picture};
use session_messages::{Content, Expiration, Profile, RequestResponse};
use session_store::{ConversationSettings, MessageKind, NewJob, NewMessage};
use session_types::{AccountId, Timestamp};

use super::Tx;
use super::profile::{conversation, seconds};
use super::sending::Outgoing;
use crate::CoreError;

/// Conversations that may be pinned without Pro.
const MAX_PINNED: usize = 5;
/// The timers clients offer, in seconds.
pub(crate) const TIMERS: [u32; 12] = [
    5, 10, 30, 60, 300, 1800, 3600, 21_600, 43_200, 86_400, 604_800, 1_209_600,
];

/// Where content without a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the other side.
    Deliver,
    /// To the other side, when it is convenient.
    Quietly,
    /// To the own other devices.
    Copy,
    /// To both.
    Both,
}

impl Tx<'_> {
    /// What the configs say of a person, or a person nothing is known of.
    pub(crate) fn contact(&self, id: &AccountId) -> Contact {
        self.configs.contacts.get_or_new(id)
    }

    /// Changes what the configs say of a person, and the copy in the database. Tells whether
    /// anything is different now.
    pub(super) fn edit_contact(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut Contact),
    ) -> Result<bool, CoreError> {
        let old = self.configs.contacts.get(id);
        let mut new = old.clone().unwrap_or_else(|| Contact::new(*id));
        change(&mut new);
        if old.is_none() && new.created_seconds == 0 {
            new.created_seconds = seconds(self.now);
        }
        if old.as_ref() == Some(&new) {
            return Ok(false);
        }
        self.configs.contacts.set(&new)?;
        self.project(*id)?;
        Ok(true)
    }

    /// Writes what the configs say of a conversation into the database.
    pub(super) fn project(&mut self, id: AccountId) -> Result<(), CoreError> {
        let known = self.store.conversation_settings(&id)?;
        let mut settings = ConversationSettings::new(id);
        if id == self.own() {
            let profile = &self.configs.profile;
            let timer = u32::try_from(profile.note_to_self_timer_seconds()).unwrap_or(u32::MAX);
            settings.approved = true;
            settings.approved_me = true;
            settings.priority = profile.note_to_self_priority();
            settings.expiration = Expiration::after_send(timer);
        } else if let Some(contact) = self.configs.contacts.get(&id) {
            settings.name = contact.name;
            settings.nickname = contact.nickname;
            settings.picture = contact.picture;
            settings.approved = contact.approved;
            settings.approved_me = contact.approved_me;
            settings.blocked = contact.blocked;
            settings.priority = contact.priority;
            settings.notify = contact.notify;
            settings.muted_until = contact.muted_until_seconds;
            settings.expiration = expiration(contact.disappearing);
            settings.created_at = contact.created_seconds;
        }
        // The config forgets what was read more than 30 days ago; the database does not.
        let state = self.configs.reads.get(&conversation(id));
        settings.last_read = state.map(|state| state.last_read).unwrap_or_default();
        settings.marked_unread = state.is_some_and(|state| state.unread);
        if let Some(known) = &known {
            settings.last_read = settings.last_read.max(known.last_read);
        }
        let was_approved = known.as_ref().is_some_and(|known| known.approved);
        if self.store.save_conversation(&settings)? {
            self.touch(id);
            if settings.approved && !was_approved && !settings.blocked {
                self.follow_acceptance(&id)?;
            }
            if id != self.own() {
                self.follow_picture(&id, settings.picture.as_ref())?;
            }
        }
        Ok(())
    }

    /// Accepts a message request, or a person who has not written yet. Who wrote is told.
    pub(crate) fn accept(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        let contact = self.contact(id);
        if contact.approved {
            return Ok(());
        }
        if contact.approved_me {
            let content = Content::from(RequestResponse).with_profile(self.profile());
            self.queue_content(*id, &content, Way::Deliver)?;
        }
        self.begin_version()?;
        self.edit_contact(id, |contact| {
            contact.approved = true;
            contact.blocked = false;
            contact.priority = contact.priority.max(0);
        })?;
        Ok(())
    }

    /// Refuses a message request: its messages go, its writer is not told.
    pub(crate) fn decline(&mut self, id: &AccountId, block: bool) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        if self.contact(id).approved {
            return Err(CoreError::NoRequest);
        }
        // Hidden, not erased: what other devices still have of the request stays away too.
        self.delete_conversation(id)?;
        if block {
            self.set_blocked(id, true)?;
        }
        Ok(())
    }

    /// Takes in nothing more of a person, or does again.
    pub(crate) fn set_blocked(&mut self, id: &AccountId, blocked: bool) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        self.begin_version()?;
        self.edit_contact(id, |contact| contact.blocked = blocked)?;
        Ok(())
    }

    /// Names a person; an empty name takes the nickname away.
    pub(crate) fn set_nickname(&mut self, id: &AccountId, name: &str) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        self.begin_version()?;
        self.edit_contact(id, |contact| name.trim().clone_into(&mut contact.nickname))?;
        Ok(())
    }

    /// Pins a conversation to the top of the list, or lets it go.
    pub(crate) fn set_pinned(&mut self, id: &AccountId, pinned: bool) -> Result<(), CoreError> {
        if pinned {
            let others = self.store.conversations()?;
            let others = others.iter().filter(|row| row.id() != *id);
            let count = others.filter(|row| row.settings.priority > 0).count();
            if count >= MAX_PINNED {
                return Err(CoreError::TooManyPinned { limit: MAX_PINNED });
            }
        }
        self.begin_version()?;
        self.set_priority(id, i32::from(pinned))
    }

    /// Above 0 pinned, below 0 hidden.
    pub(super) fn set_priority(&mut self, id: &AccountId, priority: i32) -> Result<(), CoreError> {
        if *id == self.own() {
            if self.configs.profile.note_to_self_priority() != priority {
                self.configs.profile.set_note_to_self_priority(priority)?;
            }
            return self.project(*id);
        }
        self.edit_contact(id, |contact| contact.priority = priority)?;
        Ok(())
    }

    /// What raises a notification, and until when nothing does.
    pub(crate) fn set_notifications(
        &mut self,
        id: &AccountId,
        notify: Notify,
        muted_until: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        self.begin_version()?;
        self.edit_contact(id, |contact| {
            contact.notify = notify;
            contact.muted_until_seconds = muted_until.map_or(0, seconds);
        })?;
        Ok(())
    }

    /// Sets when the user's messages in a conversation disappear, and tells the other side.
    pub(crate) fn set_timer(
        &mut self,
        id: &AccountId,
        expiration: Expiration,
        time_unsure: bool,
    ) -> Result<Option<Outgoing>, CoreError> {
        let seconds = expiration.timer().map_or(0, |timer| timer.as_secs());
        if seconds != 0 && !TIMERS.iter().any(|timer| u64::from(*timer) == seconds) {
            return Err(CoreError::BadTimer { seconds });
        }
        if *id == self.own() {
            if matches!(expiration, Expiration::AfterRead(_)) {
                return Err(CoreError::NoteTimer);
            }
            if self.configs.profile.note_to_self_timer_seconds() == seconds {
                return Ok(None);
            }
            self.configs
                .profile
                .set_note_to_self_timer_seconds(seconds)?;
            self.project(*id)?;
        } else {
            let disappearing = disappearing(expiration);
            if self.contact(id).disappearing == disappearing {
                return Ok(None);
            }
            self.begin_version()?;
            self.edit_contact(id, |contact| contact.disappearing = disappearing)?;
        }
        let message = NewMessage {
            expiration,
            ..NewMessage::notice(MessageKind::TimerChange)
        };
        self.send(id, message, time_unsure).map(Some)
    }

    /// Applies the profile that came with a message when it is newer than what is known
    /// (docs/protocol/client.md section 5.8).
    pub(super) fn apply_profile(
        &mut self,
        id: &AccountId,
        profile: &Profile,
    ) -> Result<(), CoreError> {
        if *id == self.own() {
            return Ok(());
        }
        let known = self.contact(id);
        let told = profile.updated_at_secs.unwrap_or_default();
        let newer = told > known.profile_updated_seconds
            || (told == 0 && known.profile_updated_seconds == 0);
        if !newer {
            return Ok(());
        }
        let picture = profile
            .picture
            .as_ref()
            .and_then(|picture| Picture::new(picture.url(), *picture.key()).ok());
        let name = profile.name.as_ref().map(|name| name.as_str().to_owned());
        self.edit_contact(id, |contact| {
            if let Some(name) = name {
                contact.name = name;
            }
            contact.picture = picture;
            contact.profile_updated_seconds = told;
        })?;
        Ok(())
    }

    /// Queues content of which no message is shown.
    pub(super) fn queue_content(
        &mut self,
        to: AccountId,
        content: &Content,
        way: Way,
    ) -> Result<Timestamp, CoreError> {
        let sent_at = self.store.allocate_sent_at(self.now)?;
        let job = NewJob {
            conversation: to,
            content: content.encode(sent_at),
            deliver: way != Way::Copy,
            copy: way != Way::Deliver && way != Way::Quietly,
            quiet: way == Way::Quietly,
            sent_at,
        };
        self.store.queue_job(&job)?;
        self.changes.outbox = true;
        Ok(sent_at)
    }

    pub(super) fn refuse_own(&self, id: &AccountId) -> Result<(), CoreError> {
        if *id == self.own() {
            return Err(CoreError::OwnAccount);
        }
        Ok(())
    }
}

/// The setting as messages carry it.
pub(super) fn expiration(disappearing: Option<Disappearing>) -> Expiration {
    let Some(Disappearing { after, seconds }) = disappearing else {
        return Expiration::Off;
    };
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    match after {
        DisappearAfter::Sending => Expiration::after_send(seconds),
        DisappearAfter::Reading => Expiration::after_read(seconds),
    }
}

fn disappearing(expiration: Expiration) -> Option<Disappearing> {
    let (after, seconds): (_, NonZeroU32) = match expiration {
        Expiration::Off => return None,
        Expiration::AfterSend(seconds) => (DisappearAfter::Sending, seconds),
        Expiration::AfterRead(seconds) => (DisappearAfter::Reading, seconds),
    };
    Some(Disappearing {
        after,
        seconds: u64::from(seconds.get()),
    })
}
