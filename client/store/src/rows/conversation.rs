//! Conversations.

use core::fmt;

use rusqlite::Row;
use session_config::{Notify, Picture};
use session_messages::Expiration;
use session_types::{AccountId, Timestamp};

use super::sql::read_timer;
use super::{MessageRow, Sql};

/// What the devices of the account agree on about one conversation: a copy of what the configs
/// say, kept for queries.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversationSettings {
    /// The other side; the own account for notes to self.
    pub id: AccountId,
    /// The name the other side gave itself; empty when not known.
    pub name: String,
    /// The name the user gave; empty for none.
    pub nickname: String,
    /// The other side's picture.
    pub picture: Option<Picture>,
    /// The user accepted the other side.
    pub approved: bool,
    /// The other side accepted the user.
    pub approved_me: bool,
    /// Nothing of the other side is taken in.
    pub blocked: bool,
    /// Above 0: pinned, higher first. Below 0: hidden.
    pub priority: i32,
    /// What raises a notification.
    pub notify: Notify,
    /// Until when nothing raises a notification, Unix seconds; 0 for not muted.
    pub muted_until: u64,
    /// When the user's messages disappear.
    pub expiration: Expiration,
    /// When the contact was made, Unix seconds; 0 when not known.
    pub created_at: u64,
    /// The sent time of the newest message that was read.
    pub last_read: Timestamp,
    /// The user marked it as unread.
    pub marked_unread: bool,
}

impl ConversationSettings {
    /// A conversation nothing is known of yet.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: String::new(),
            nickname: String::new(),
            picture: None,
            approved: false,
            approved_me: false,
            blocked: false,
            priority: 0,
            notify: Notify::Default,
            muted_until: 0,
            expiration: Expiration::Off,
            created_at: 0,
            last_read: Timestamp::default(),
            marked_unread: false,
        }
    }

    /// What to call the other side: the nickname, else its own name.
    #[must_use]
    pub fn shown_name(&self) -> Option<&str> {
        [&self.nickname, &self.name]
            .into_iter()
            .map(String::as_str)
            .find(|name| !name.is_empty())
    }

    pub(crate) const COLUMNS: &'static str = "c.id, c.name, c.nickname, c.picture_url, \
         c.picture_key, c.approved, c.approved_me, c.blocked, c.priority, c.notify, \
         c.muted_until, c.timer_kind, c.timer_seconds, c.created_at, c.last_read, \
         c.marked_unread";

    /// How many columns [`Self::COLUMNS`] names.
    pub(crate) const WIDTH: usize = 16;

    pub(crate) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let url: String = row.get(at + 3)?;
        let key: Vec<u8> = row.get(at + 4)?;
        let picture = <[u8; 32]>::try_from(key)
            .ok()
            .and_then(|key| Picture::new(url, key).ok());
        Ok(Self {
            id: row.get::<_, Sql<AccountId>>(at)?.0,
            name: row.get(at + 1)?,
            nickname: row.get(at + 2)?,
            picture,
            approved: row.get(at + 5)?,
            approved_me: row.get(at + 6)?,
            blocked: row.get(at + 7)?,
            priority: row.get(at + 8)?,
            notify: notify_from(row.get(at + 9)?),
            muted_until: row.get::<_, i64>(at + 10)?.unsigned_abs(),
            expiration: read_timer(row, at + 11)?,
            created_at: row.get::<_, i64>(at + 13)?.unsigned_abs(),
            last_read: row.get::<_, Sql<Timestamp>>(at + 14)?.0,
            marked_unread: row.get(at + 15)?,
        })
    }
}

pub(crate) fn notify_number(notify: Notify) -> i64 {
    match notify {
        Notify::Default => 0,
        Notify::All => 1,
        Notify::Off => 2,
        Notify::Mentions => 3,
    }
}

fn notify_from(number: i64) -> Notify {
    match number {
        1 => Notify::All,
        2 => Notify::Off,
        3 => Notify::Mentions,
        _ => Notify::Default,
    }
}

impl fmt::Debug for ConversationSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationSettings")
            .field("id", &self.id)
            .field("approved", &self.approved)
            .field("approved_me", &self.approved_me)
            .field("blocked", &self.blocked)
            .field("priority", &self.priority)
            .field("expiration", &self.expiration)
            .field("last_read", &self.last_read)
            .finish_non_exhaustive()
    }
}

/// One conversation, as a list of conversations shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// What the devices agree on.
    pub settings: ConversationSettings,
    /// What was begun to be written on this device; empty for nothing.
    pub draft: String,
    /// How many files were chosen to go with it.
    pub draft_files: u32,
    /// The newest message by sent time.
    pub last_message: Option<MessageRow>,
    /// Received messages not yet read.
    pub unread: u32,
    /// Those of them that mention the user.
    pub unread_mentions: u32,
    /// [`crate::Blob::mark`] of the other side's picture, when there is one on this device.
    pub picture: Option<u64>,
}

impl ConversationRow {
    /// The other side; the own account for notes to self.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.settings.id
    }

    /// Whether somebody wrote whom the user has neither accepted nor refused.
    #[must_use]
    pub fn is_request(&self) -> bool {
        let settings = &self.settings;
        !settings.approved && !settings.blocked && settings.priority >= 0
    }
}

impl fmt::Debug for ConversationRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationRow")
            .field("settings", &self.settings)
            .field("last_message", &self.last_message)
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}
