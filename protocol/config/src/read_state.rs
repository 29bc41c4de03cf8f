//! How far each conversation was read (docs/protocol/config.md section 11.3).

use core::fmt;
use core::time::Duration;

use session_crypto::AccountKeys;
use session_types::{AccountId, GroupId, Namespace, SwarmPubkey, Timestamp, network_prefix};

use crate::community::Community;
use crate::contacts::{account_id, is_blinded};
use crate::data::{Dict, Value};
use crate::engine::{Core, Kind};
use crate::error::ConfigError;
use crate::shared::shared_config;
use crate::wrap;

const KIND: Kind = Kind {
    name: "ConvoInfoVolatile",
    namespace: Namespace::CONVO_INFO_VOLATILE,
    domain: "ConvoInfoVolatile",
    wrap: Some(wrap::Kind(3)),
};

/// Reading further back than this is not worth a push.
const WORTH_STORING: Duration = Duration::from_secs(30 * 24 * 3600);

/// What was read before this is dropped at the next push.
const WORTH_KEEPING: Duration = Duration::from_secs(45 * 24 * 3600);

/// How far an account has read each of its conversations.
///
/// | Key | Keys inside | Content |
/// |---|---|---|
/// | `1` | 33-byte account id | contacts |
/// | `g` | 33-byte group id | groups |
/// | `C` | 33-byte id | legacy groups |
/// | `b` | 33-byte blinded id | people in communities |
/// | `o` | base address, then `R`, then room | communities; the server's key is at `#` |
pub struct ConvoInfoVolatile {
    core: Core,
}

shared_config!(ConvoInfoVolatile {
    fn before_push(&mut self, now: Timestamp) -> Result<(), ConfigError> {
        self.prune(now)
    }
});

/// Whose messages were read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Conversation {
    /// A conversation with one person, or with oneself.
    Account(AccountId),
    /// A person known by a blinded id only.
    Blinded(SwarmPubkey),
    /// A room of a community.
    Community(Community),
    /// A group.
    Group(GroupId),
    /// A legacy group, by its id.
    LegacyGroup(AccountId),
}

/// How far a conversation was read.
///
/// | Key | Stored | Field |
/// |---|---|---|
/// | `r` | unix ms | `last_read` |
/// | `u` | flag | `unread` |
/// | `e`, `g` | ms, 32 bytes | `pro_proof`, for `1` and `b` only |
/// | `y` | flag | for `b` only: whether the id begins with 15, not 25 |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadState {
    /// The sent time of the newest message that was read; zero for none.
    pub last_read: Timestamp,
    /// The user marked the conversation as unread.
    pub unread: bool,
    /// The newest Pro proof of the person: when it expires, and the handle to revoke it.
    pub pro_proof: Option<(Timestamp, [u8; 32])>,
}

impl ConvoInfoVolatile {
    /// An account's conversations before anything is known of them.
    #[must_use]
    pub fn new(account: &AccountKeys) -> Self {
        Self {
            core: Core::of_account(&KIND, account),
        }
    }

    /// The state as it was saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are no dump.
    pub fn load(account: &AccountKeys, dump: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::new(account);
        config.core.load(dump)?;
        Ok(config)
    }

    /// Stores how far a conversation was read. A time of more than 30 days ago is only stored when
    /// it is before the one known.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for a [`Conversation::Blinded`] that is none.
    pub fn set(
        &mut self,
        conversation: &Conversation,
        state: ReadState,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        if let Conversation::Blinded(id) = conversation
            && !is_blinded(*id)
        {
            return Err(ConfigError::Invalid {
                field: "blinded id",
            });
        }
        let store = |entry: &mut Dict| state.store(entry, conversation, now);
        match conversation {
            Conversation::Community(community) => self.core.edit_room(b"o", community, store),
            _ => match conversation.path() {
                Some((kind, id)) => self.core.edit(&[kind, &id], store),
                None => Ok(false),
            },
        }
        .map(drop)
    }

    /// Tells that everything up to this sent time was read. Never moves backwards.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn mark_read(
        &mut self,
        conversation: &Conversation,
        up_to: Timestamp,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let mut state = self.get(conversation).unwrap_or_default();
        state.last_read = state.last_read.max(up_to);
        state.unread = false;
        self.set(conversation, state, now)
    }

    /// Sets or clears the mark that the user puts on a conversation to come back to it.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn mark_unread(
        &mut self,
        conversation: &Conversation,
        unread: bool,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let mut state = self.get(conversation).unwrap_or_default();
        state.unread = unread;
        self.set(conversation, state, now)
    }

    /// Forgets a conversation. Whether it was known.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn erase(&mut self, conversation: &Conversation) -> Result<bool, ConfigError> {
        match conversation {
            Conversation::Community(community) => {
                let base_url = community.server().base_url();
                self.core.erase_room(b"o", base_url, &community.room_key())
            }
            _ => match conversation.path() {
                Some((kind, id)) => self.core.put(&[kind, &id], None),
                None => Ok(false),
            },
        }
    }

    /// How far a conversation was read, if anything is known of it.
    #[must_use]
    pub fn get(&self, conversation: &Conversation) -> Option<ReadState> {
        let entry = match conversation {
            Conversation::Community(community) => self.core.at(&[
                b"o",
                community.server().base_url().as_bytes(),
                b"R",
                community.room_key().as_bytes(),
            ]),
            _ => {
                let (kind, id) = conversation.path()?;
                self.core.at(&[kind, &id])
            }
        };
        Some(ReadState::read(entry?.as_dict()?))
    }

    /// All conversations something is known of.
    pub fn iter(&self) -> impl Iterator<Item = (Conversation, ReadState)> + '_ {
        let kinds: [(&[u8], FromKey); 4] = [
            (b"1", |id| account_id(id).map(Conversation::Account)),
            (b"C", |id| account_id(id).map(Conversation::LegacyGroup)),
            (b"b", blinded),
            (b"g", |id| group_id(id).map(Conversation::Group)),
        ];
        let direct = kinds.into_iter().flat_map(|(kind, conversation)| {
            self.core
                .data()
                .dict(kind)
                .into_iter()
                .flat_map(Dict::iter)
                .filter_map(move |(id, entry)| {
                    let entry = entry.as_dict()?;
                    Some((conversation(id)?, ReadState::read(entry)))
                })
        });
        let rooms = self.core.servers(b"o").filter_map(|(server, room, entry)| {
            let room = core::str::from_utf8(room).ok()?.to_owned();
            let community = Community::stored(server, room);
            Some((Conversation::Community(community), ReadState::read(entry)))
        });
        direct.chain(rooms)
    }

    /// Forgets what was read long ago. Groups stay, as in the reference.
    fn prune(&mut self, now: Timestamp) -> Result<(), ConfigError> {
        let limit = now.minus(WORTH_KEEPING);
        let old: Vec<Conversation> = self
            .iter()
            .filter(|(conversation, state)| {
                state.last_read < limit
                    && !state.unread
                    && !matches!(conversation, Conversation::Group(_))
                    && state.pro_proof.is_none_or(|(expiry, _)| expiry <= limit)
            })
            .map(|(conversation, _)| conversation)
            .collect();
        for conversation in &old {
            self.erase(conversation)?;
        }
        Ok(())
    }
}

impl Conversation {
    fn path(&self) -> Option<(&'static [u8], [u8; 33])> {
        match self {
            Self::Account(id) => Some((b"1", id.to_bytes())),
            Self::Blinded(id) => Some((b"b", id.to_bytes())),
            Self::Community(_) => None,
            Self::Group(id) => Some((b"g", id.to_bytes())),
            Self::LegacyGroup(id) => Some((b"C", id.to_bytes())),
        }
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account(_) => "Account(..)",
            Self::Blinded(_) => "Blinded(..)",
            Self::Community(_) => "Community(..)",
            Self::Group(_) => "Group(..)",
            Self::LegacyGroup(_) => "LegacyGroup(..)",
        })
    }
}

impl ReadState {
    fn read(entry: &Dict) -> Self {
        let expiry = entry
            .int(b"e")
            .and_then(|expiry| u64::try_from(expiry).ok());
        Self {
            last_read: Timestamp::from_ms(entry.positive(b"r")),
            unread: entry.flag(b"u"),
            pro_proof: expiry.map(Timestamp::from_ms).zip(entry.array(b"g")),
        }
    }

    fn store(&self, entry: &mut Dict, conversation: &Conversation, now: Timestamp) {
        let known = entry.positive(b"r");
        let new = self.last_read.as_ms();
        if new < known || self.last_read > now.minus(WORTH_STORING) {
            entry.put_positive(b"r", new);
        }
        entry.put_flag(b"u", self.unread);
        if matches!(
            conversation,
            Conversation::Account(_) | Conversation::Blinded(_)
        ) && Self::read(entry).pro_proof != self.pro_proof
        {
            match &self.pro_proof {
                Some((expiry, handle)) => {
                    entry.insert(b"e", Value::Int(expiry.as_ms_i64()));
                    entry.insert(b"g", Value::from(handle.as_slice()));
                }
                None => {
                    entry.remove(b"e");
                    entry.remove(b"g");
                }
            }
        }
        if let Conversation::Blinded(id) = conversation
            && !entry.is_empty()
        {
            entry.put_flag(b"y", id.prefix() == network_prefix::BLINDED_15);
        }
    }
}

/// Reads a conversation's key in one of the dicts.
type FromKey = fn(&[u8]) -> Option<Conversation>;

fn group_id(key: &[u8]) -> Option<GroupId> {
    GroupId::try_from(SwarmPubkey::try_from(key).ok()?).ok()
}

fn blinded(key: &[u8]) -> Option<Conversation> {
    let id = SwarmPubkey::try_from(key).ok()?;
    is_blinded(id).then_some(Conversation::Blinded(id))
}
