use core::fmt;

use data_encoding::HEXLOWER;
use session_types::{SwarmPubkey, network_prefix};

use super::Contacts;
use crate::community::{Community, CommunityServer};
use crate::data::Dict;
use crate::error::ConfigError;
use crate::fields::{MAX_NAME, truncated};
use crate::picture::Picture;

/// A person the user writes to without knowing the account id, only a blinded id in a community.
///
/// Data: `b` is a dict by base address of the server, with `#` its key and `R` a dict by the 64 hex
/// digits of the blinded id.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `n` | always | `name` |
/// | `p`, `q` | both or none | `picture` |
/// | `t` | seconds | `profile_updated_seconds` |
/// | `+` | unless 0 | `priority` |
/// | `y` | flag | whether `id` begins with 15, not 25 |
/// | `j` | seconds | `created_seconds` |
/// | `f` | set of bit positions | `pro_features` |
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlindedContact {
    /// The blinded id, with prefix 15 or 25.
    pub id: SwarmPubkey,
    /// The server on which the id is valid.
    pub server: CommunityServer,
    /// The name the person chose; cut to 100 bytes when stored.
    pub name: String,
    /// The person's picture.
    pub picture: Option<Picture>,
    /// When name and picture were last changed, unix seconds; 0 when not known.
    pub profile_updated_seconds: u64,
    /// Above 0: pinned, higher first. Below 0: hidden.
    pub priority: i32,
    /// When the contact was made, unix seconds; 0 when not known.
    pub created_seconds: u64,
    /// The Pro features the person's profile shows, as bits.
    pub pro_features: u64,
}

impl Contacts {
    /// Stores a blinded contact.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the id is no blinded one.
    pub fn set_blinded(&mut self, contact: &BlindedContact) -> Result<(), ConfigError> {
        if !is_blinded(contact.id) {
            return Err(ConfigError::Invalid {
                field: "blinded id",
            });
        }
        let name = HEXLOWER.encode(contact.id.key());
        let room = Community::stored(contact.server.clone(), name);
        self.core
            .edit_room(b"b", &room, |entry| contact.store(entry))
            .map(drop)
    }

    /// Forgets a blinded contact. Whether there was one.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase_blinded(&mut self, base_url: &str, id: SwarmPubkey) -> Result<bool, ConfigError> {
        self.core
            .erase_room(b"b", base_url, &HEXLOWER.encode(id.key()))
    }

    /// A blinded contact.
    #[must_use]
    pub fn blinded(&self, base_url: &str, id: SwarmPubkey) -> Option<BlindedContact> {
        self.iter_blinded()
            .find(|contact| contact.server.base_url() == base_url && contact.id == id)
    }

    /// All blinded contacts, by server.
    pub fn iter_blinded(&self) -> impl Iterator<Item = BlindedContact> + '_ {
        self.core
            .servers(b"b")
            .filter_map(|(server, name, entry)| BlindedContact::read(server, name, entry))
    }
}

impl BlindedContact {
    /// A contact nothing is known of.
    #[must_use]
    pub fn new(id: SwarmPubkey, server: CommunityServer) -> Self {
        Self {
            id,
            server,
            name: String::new(),
            picture: None,
            profile_updated_seconds: 0,
            priority: 0,
            created_seconds: 0,
            pro_features: 0,
        }
    }

    fn read(server: CommunityServer, name: &[u8], entry: &Dict) -> Option<Self> {
        let key = HEXLOWER.decode(name).ok()?.try_into().ok()?;
        let prefix = if entry.flag(b"y") {
            network_prefix::BLINDED_15
        } else {
            network_prefix::BLINDED_25
        };
        Some(Self {
            id: SwarmPubkey::new(prefix, key),
            server,
            name: entry.text(b"n"),
            picture: entry.picture(b"p", b"q"),
            profile_updated_seconds: entry.seconds(b"t"),
            priority: entry.priority(),
            created_seconds: entry.seconds(b"j"),
            pro_features: entry.bits(b"f"),
        })
    }

    fn store(&self, entry: &mut Dict) {
        entry.put_text_always(b"n", truncated(&self.name, MAX_NAME));
        entry.put_picture(b"p", b"q", self.picture.as_ref());
        entry.put_seconds(b"t", self.profile_updated_seconds);
        entry.put_priority(self.priority);
        entry.put_flag(b"y", self.id.prefix() == network_prefix::BLINDED_15);
        entry.put_seconds(b"j", self.created_seconds);
        entry.put_bits(b"f", self.pro_features);
    }
}

impl fmt::Debug for BlindedContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindedContact").finish_non_exhaustive()
    }
}

/// Whether an id is one of a community.
pub(crate) fn is_blinded(id: SwarmPubkey) -> bool {
    matches!(
        id.prefix(),
        network_prefix::BLINDED_15 | network_prefix::BLINDED_25
    )
}
