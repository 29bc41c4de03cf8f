use super::{GroupSettings, UserGroups};
use crate::community::{Community, CommunityServer};
use crate::data::Dict;
use crate::error::ConfigError;

/// A community room the account is in.
///
/// Data: `o` is a dict by base address of the server, with `#` its key and `R` a dict by room in
/// lower case. Beside the [`GroupSettings`] an entry has `n`, the room as its server writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JoinedCommunity {
    /// The room.
    pub community: Community,
    /// What all kinds of groups have.
    pub settings: GroupSettings,
}

impl UserGroups {
    /// Stores a community.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_community(&mut self, joined: &JoinedCommunity) -> Result<(), ConfigError> {
        self.core
            .edit_room(b"o", &joined.community, |entry| {
                joined.settings.store(entry);
                entry.put_text_always(b"n", joined.community.room());
            })
            .map(drop)
    }

    /// Changes the settings of a community, which is joined when not known yet.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn modify_community(
        &mut self,
        community: &Community,
        change: impl FnOnce(&mut GroupSettings),
    ) -> Result<(), ConfigError> {
        let base_url = community.server().base_url();
        let mut settings = self
            .community(base_url, community.room())
            .map(|joined| joined.settings)
            .unwrap_or_default();
        change(&mut settings);
        self.set_community(&JoinedCommunity {
            community: community.clone(),
            settings,
        })
    }

    /// Forgets a community. Whether it was known.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase_community(&mut self, base_url: &str, room: &str) -> Result<bool, ConfigError> {
        self.core
            .erase_room(b"o", base_url, &room.to_ascii_lowercase())
    }

    /// A community, by the canonical base address of its server and its room.
    #[must_use]
    pub fn community(&self, base_url: &str, room: &str) -> Option<JoinedCommunity> {
        let key = room.to_ascii_lowercase();
        let server = self.core.at(&[b"o", base_url.as_bytes()])?.as_dict()?;
        let entry = server.dict(b"R")?.dict(key.as_bytes())?;
        let server = CommunityServer::stored(base_url, server.array(b"#")?);
        Some(JoinedCommunity::read(server, &key, entry))
    }

    /// All communities, by server and room.
    pub fn communities(&self) -> impl Iterator<Item = JoinedCommunity> + '_ {
        self.core.servers(b"o").filter_map(|(server, room, entry)| {
            let room = core::str::from_utf8(room).ok()?;
            Some(JoinedCommunity::read(server, room, entry))
        })
    }
}

impl JoinedCommunity {
    /// A room just joined.
    #[must_use]
    pub fn new(community: Community) -> Self {
        Self {
            community,
            settings: GroupSettings::default(),
        }
    }

    fn read(server: CommunityServer, key: &str, entry: &Dict) -> Self {
        let shown = entry.text(b"n");
        let room = if shown.eq_ignore_ascii_case(key) {
            shown
        } else {
            key.to_owned()
        };
        Self {
            community: Community::stored(server, room),
            settings: GroupSettings::read(entry),
        }
    }
}
