//! The people an account knows (docs/protocol/config.md section 11.2).

use core::fmt;

use session_crypto::AccountKeys;
use session_types::{AccountId, Namespace, SwarmPubkey};

use crate::data::Dict;
use crate::engine::{Core, Kind};
use crate::error::ConfigError;
use crate::fields::{Disappearing, MAX_NAME, Notify, truncated, within};
use crate::picture::Picture;
use crate::shared::shared_config;
use crate::wrap;

mod blinded;

pub use blinded::BlindedContact;
pub(crate) use blinded::is_blinded;

const KIND: Kind = Kind {
    name: "Contacts",
    namespace: Namespace::CONTACTS,
    domain: "Contacts",
    wrap: Some(wrap::Kind(2)),
};

/// The contacts of an account.
///
/// Data: `c` is a dict by 33-byte account id; the fields are those of [`Contact`]. `b` holds
/// [`BlindedContact`]s.
pub struct Contacts {
    core: Core,
}

shared_config!(Contacts);

/// A person.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `n` | always | `name` |
/// | `N` | unless empty | `nickname` |
/// | `p`, `q` | both or none | `picture` |
/// | `t` | seconds | `profile_updated_seconds` |
/// | `a`, `A`, `b` | flags | `approved`, `approved_me`, `blocked` |
/// | `+` | unless 0 | `priority` |
/// | `@` | 1, 2 | `notify` |
/// | `!` | seconds | `muted_until_seconds` |
/// | `e`, `E` | both or none | `disappearing` |
/// | `j` | seconds | `created_seconds` |
/// | `f` | set of bit positions | `pro_features` |
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// Who it is.
    pub id: AccountId,
    /// The name the person chose; cut to 100 bytes when stored.
    pub name: String,
    /// The name the user gave, at most 100 bytes; empty for none.
    pub nickname: String,
    /// The person's picture.
    pub picture: Option<Picture>,
    /// When name and picture were last changed, unix seconds; 0 when not known.
    pub profile_updated_seconds: u64,
    /// The user accepted the person.
    pub approved: bool,
    /// The person accepted the user.
    pub approved_me: bool,
    /// The user wants to hear nothing from the person.
    pub blocked: bool,
    /// Above 0: pinned, higher first. Below 0: hidden.
    pub priority: i32,
    /// What raises a notification; mentions are the same as all here.
    pub notify: Notify,
    /// Until when nothing raises a notification, unix seconds.
    pub muted_until_seconds: u64,
    /// When the user's messages to the person disappear.
    pub disappearing: Option<Disappearing>,
    /// When the contact was made, unix seconds; 0 when not known.
    pub created_seconds: u64,
    /// The Pro features the person's profile shows, as bits.
    pub pro_features: u64,
}

impl Contacts {
    /// An account's contacts before anything is known of them.
    #[must_use]
    pub fn new(account: &AccountKeys) -> Self {
        Self {
            core: Core::of_account(&KIND, account),
        }
    }

    /// The contacts as they were saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are no dump.
    pub fn load(account: &AccountKeys, dump: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::new(account);
        config.core.load(dump)?;
        Ok(config)
    }

    /// Stores a contact. Fields this version does not know stay as they are.
    ///
    /// # Errors
    /// [`ConfigError::TooLong`] for the nickname.
    pub fn set(&mut self, contact: &Contact) -> Result<(), ConfigError> {
        within(&contact.nickname, MAX_NAME, "nickname")?;
        let id = contact.id.to_bytes();
        self.core
            .edit(&[b"c", &id], |entry| contact.store(entry))
            .map(drop)
    }

    /// Changes a contact, who is made when not known yet.
    ///
    /// # Errors
    /// [`ConfigError::TooLong`] for the nickname.
    pub fn modify(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut Contact),
    ) -> Result<(), ConfigError> {
        let mut contact = self.get_or_new(id);
        change(&mut contact);
        contact.id = *id;
        self.set(&contact)
    }

    /// Gives a contact another name, or none when it is empty.
    ///
    /// # Errors
    /// [`ConfigError::TooLong`] above 100 bytes.
    pub fn set_nickname(&mut self, id: &AccountId, nickname: &str) -> Result<(), ConfigError> {
        self.modify(id, |contact| nickname.clone_into(&mut contact.nickname))
    }

    /// Blocks or unblocks a contact.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_blocked(&mut self, id: &AccountId, blocked: bool) -> Result<(), ConfigError> {
        self.modify(id, |contact| contact.blocked = blocked)
    }

    /// Tells that the user accepts the person.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_approved(&mut self, id: &AccountId, approved: bool) -> Result<(), ConfigError> {
        self.modify(id, |contact| contact.approved = approved)
    }

    /// Tells that the person accepts the user.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_approved_me(&mut self, id: &AccountId, approved: bool) -> Result<(), ConfigError> {
        self.modify(id, |contact| contact.approved_me = approved)
    }

    /// Forgets a contact. Whether there was one.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase(&mut self, id: &AccountId) -> Result<bool, ConfigError> {
        self.core.put(&[b"c", &id.to_bytes()], None)
    }

    /// A contact.
    #[must_use]
    pub fn get(&self, id: &AccountId) -> Option<Contact> {
        let entry = self.core.at(&[b"c", &id.to_bytes()])?.as_dict()?;
        Some(Contact::read(*id, entry))
    }

    /// A contact, or one without anything but the id.
    #[must_use]
    pub fn get_or_new(&self, id: &AccountId) -> Contact {
        self.get(id).unwrap_or_else(|| Contact::new(*id))
    }

    /// All contacts, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = Contact> + '_ {
        self.entries().map(|(id, entry)| Contact::read(id, entry))
    }

    /// How many contacts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether there are no contacts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }

    fn entries(&self) -> impl Iterator<Item = (AccountId, &Dict)> {
        self.core
            .data()
            .dict(b"c")
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| Some((account_id(key)?, value.as_dict()?)))
    }
}

impl Contact {
    /// A contact nothing is known of.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: String::new(),
            nickname: String::new(),
            picture: None,
            profile_updated_seconds: 0,
            approved: false,
            approved_me: false,
            blocked: false,
            priority: 0,
            notify: Notify::Default,
            muted_until_seconds: 0,
            disappearing: None,
            created_seconds: 0,
            pro_features: 0,
        }
    }

    fn read(id: AccountId, entry: &Dict) -> Self {
        Self {
            id,
            name: entry.text(b"n"),
            nickname: entry.text(b"N"),
            picture: entry.picture(b"p", b"q"),
            profile_updated_seconds: entry.seconds(b"t"),
            approved: entry.flag(b"a"),
            approved_me: entry.flag(b"A"),
            blocked: entry.flag(b"b"),
            priority: entry.priority(),
            notify: without_mentions(entry.notify()),
            muted_until_seconds: entry.seconds(b"!"),
            disappearing: entry.disappearing(),
            created_seconds: entry.seconds(b"j"),
            pro_features: entry.bits(b"f"),
        }
    }

    fn store(&self, entry: &mut Dict) {
        entry.put_text_always(b"n", truncated(&self.name, MAX_NAME));
        entry.put_text(b"N", &self.nickname);
        entry.put_picture(b"p", b"q", self.picture.as_ref());
        entry.put_seconds(b"t", self.profile_updated_seconds);
        entry.put_flag(b"a", self.approved);
        entry.put_flag(b"A", self.approved_me);
        entry.put_flag(b"b", self.blocked);
        entry.put_priority(self.priority);
        let notify = without_mentions(self.notify);
        if without_mentions(entry.notify()) != notify {
            entry.put_notify(notify);
        }
        entry.put_seconds(b"!", self.muted_until_seconds);
        entry.put_disappearing(self.disappearing);
        entry.put_seconds(b"j", self.created_seconds);
        entry.put_bits(b"f", self.pro_features);
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

/// In a conversation of two every message is for the user.
fn without_mentions(notify: Notify) -> Notify {
    match notify {
        Notify::Mentions => Notify::All,
        other => other,
    }
}

/// The account id a key stands for.
pub(crate) fn account_id(key: &[u8]) -> Option<AccountId> {
    AccountId::try_from(SwarmPubkey::try_from(key).ok()?).ok()
}
