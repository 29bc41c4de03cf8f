//! What is new in the database since it was last looked at: messages another command of the
//! account fetched, reactions, deletions, receipts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use session_store::{ConversationRow, MessageId, MessageKind, MessageRow, Store, StoreError};
use session_types::AccountId;

use crate::output::printable;
use crate::show::Teller;

/// The newest messages of a conversation that are watched.
const WATCHED: u32 = 50;
/// Conversations watched from the beginning; others from their first change on.
const CONVERSATIONS: usize = 500;

/// Something that happened.
pub(super) enum Happening {
    /// A message, or a notice in its place.
    Message(Box<MessageRow>),
    /// Somebody put an emoji at a message, or took it back.
    Reaction {
        conversation: AccountId,
        message: MessageId,
        by: AccountId,
        emoji: String,
        present: bool,
    },
    /// An own message was read.
    Read {
        conversation: AccountId,
        message: MessageId,
    },
    /// A message is gone, or only that it was there is left.
    Deleted {
        conversation: AccountId,
        message: MessageId,
        for_everyone: bool,
    },
}

impl Happening {
    /// In words, and for machines.
    pub(super) fn describe(&self, teller: &mut Teller<'_>) -> (String, Value) {
        match self {
            Self::Message(row) => (teller.excerpt(row), json!({ "message_id": row.id })),
            Self::Reaction {
                conversation,
                message,
                by,
                emoji,
                present,
            } => {
                let (name, emoji_shown) = (teller.name(*by), printable(emoji));
                let words = if *present {
                    format!("{name}: {emoji_shown} at message {message}")
                } else {
                    format!("{name} took {emoji_shown} back from message {message}")
                };
                let event = if *present {
                    "reaction"
                } else {
                    "reaction_removed"
                };
                let object = json!({
                    "event": event,
                    "conversation": conversation,
                    "message_id": message,
                    "from": by,
                    "emoji": emoji,
                });
                (words, object)
            }
            Self::Read {
                conversation,
                message,
            } => {
                let name = teller.conversation(*conversation);
                let object = json!({
                    "event": "read", "conversation": conversation, "message_id": message,
                });
                (format!("{name} has read message {message}"), object)
            }
            Self::Deleted {
                conversation,
                message,
                for_everyone,
            } => {
                let name = teller.conversation(*conversation);
                let how = if *for_everyone { " for everyone" } else { "" };
                let object = json!({
                    "event": "deleted",
                    "conversation": conversation,
                    "message_id": message,
                    "for_everyone": for_everyone,
                });
                let words = format!("message {message} with {name} was deleted{how}");
                (words, object)
            }
        }
    }
}

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    kind: MessageKind,
    is_read: bool,
    /// Who, with what.
    reactions: BTreeSet<(AccountId, String)>,
}

/// What is known of a conversation: its newest messages.
type Page = BTreeMap<MessageId, Seen>;

/// What a line in the list of conversations says of its messages.
type Glance = (Option<MessageId>, u32);

/// The database as it was last looked at.
pub(super) struct Watch {
    store: Store,
    version: Option<i64>,
    pages: BTreeMap<AccountId, Page>,
    glances: BTreeMap<AccountId, Glance>,
    /// The highest number of a message so far; those above are new.
    newest: MessageId,
    /// Messages above it that were told already.
    told: BTreeSet<MessageId>,
}

impl Watch {
    pub(super) fn begin(store: Store) -> Result<Self, StoreError> {
        let mut watch = Self {
            version: Some(store.foreign_changes()?),
            store,
            pages: BTreeMap::new(),
            glances: BTreeMap::new(),
            newest: MessageId::new(0),
            told: BTreeSet::new(),
        };
        for row in watch.store.conversations()? {
            watch.glances.insert(row.id(), glance(&row));
            if watch.pages.len() < CONVERSATIONS {
                let page = watch.read(&row.id())?.0;
                watch.newest = page
                    .last_key_value()
                    .map_or(watch.newest, |(id, _)| watch.newest.max(*id));
                watch.pages.insert(row.id(), page);
            }
        }
        Ok(watch)
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    /// How many messages are unread.
    pub(super) fn unread(&self) -> u32 {
        self.glances.values().map(|(_, unread)| unread).sum()
    }

    /// A message was announced; `None` when it was told already.
    pub(super) fn message(&mut self, row: &MessageRow) -> Result<Option<Happening>, StoreError> {
        if !self.told.insert(row.id) {
            return Ok(None);
        }
        // As it is by now: a reaction may have come with it.
        let row = self.store.message(row.id)?;
        Ok(row.map(|row| Happening::Message(Box::new(row))))
    }

    /// Conversations were announced as changed.
    pub(super) fn changed(
        &mut self,
        conversations: &[AccountId],
        removed: &[MessageId],
    ) -> Result<Vec<Happening>, StoreError> {
        let mut happenings = Vec::new();
        for id in conversations {
            self.compare(id, removed, &mut happenings)?;
        }
        Ok(happenings)
    }

    /// Looks whether another process changed something.
    pub(super) fn look_around(&mut self) -> Result<Vec<Happening>, StoreError> {
        let version = self.store.foreign_changes()?;
        if self.version == Some(version) {
            return Ok(Vec::new());
        }
        self.version = Some(version);
        let mut happenings = Vec::new();
        for row in self.store.conversations()? {
            let id = row.id();
            let now = glance(&row);
            if self.glances.insert(id, now) != Some(now) {
                self.compare(&id, &[], &mut happenings)?;
            }
        }
        Ok(happenings)
    }

    fn compare(
        &mut self,
        id: &AccountId,
        removed: &[MessageId],
        happenings: &mut Vec<Happening>,
    ) -> Result<(), StoreError> {
        let (page, rows) = self.read(id)?;
        let known = self.pages.insert(*id, page.clone());
        for row in rows {
            let is_new =
                row.id > self.newest && !known.as_ref().is_some_and(|k| k.contains_key(&row.id));
            // What this device writes itself is no news, here or in another terminal.
            let is_own_notice = row.outgoing && !row.kind.is_written();
            if is_new && !is_own_notice && self.told.insert(row.id) {
                happenings.push(Happening::Message(Box::new(row)));
            }
        }
        let Some(known) = known else {
            return Ok(());
        };
        let oldest = page.first_key_value().map(|(id, _)| *id);
        for (message, before) in known {
            let Some(after) = page.get(&message) else {
                // Gone, or only moved out of what is watched.
                let gone = removed.contains(&message)
                    || (oldest.is_none_or(|oldest| message >= oldest)
                        && self.store.message(message)?.is_none());
                if gone {
                    happenings.push(Happening::Deleted {
                        conversation: *id,
                        message,
                        for_everyone: false,
                    });
                }
                continue;
            };
            compare(*id, message, &before, after, happenings);
        }
        Ok(())
    }

    /// The newest messages of a conversation.
    fn read(&self, id: &AccountId) -> Result<(Page, Vec<MessageRow>), StoreError> {
        let rows = self.store.history(id, WATCHED, None)?;
        let mut page: Page = rows
            .iter()
            .map(|row| {
                let seen = Seen {
                    kind: row.kind,
                    is_read: row.read_at.is_some(),
                    reactions: BTreeSet::new(),
                };
                (row.id, seen)
            })
            .collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        for reaction in self.store.reactions(&ids)? {
            if let Some(seen) = page.get_mut(&reaction.message) {
                seen.reactions.insert((reaction.author, reaction.emoji));
            }
        }
        Ok((page, rows))
    }
}

/// What happened to one message.
fn compare(
    conversation: AccountId,
    message: MessageId,
    before: &Seen,
    after: &Seen,
    happenings: &mut Vec<Happening>,
) {
    if after.kind == MessageKind::Deleted && before.kind != MessageKind::Deleted {
        happenings.push(Happening::Deleted {
            conversation,
            message,
            for_everyone: true,
        });
        return;
    }
    if after.is_read && !before.is_read {
        happenings.push(Happening::Read {
            conversation,
            message,
        });
    }
    let mut reaction = |(by, emoji): &(AccountId, String), present| {
        happenings.push(Happening::Reaction {
            conversation,
            message,
            by: *by,
            emoji: emoji.clone(),
            present,
        });
    };
    for added in after.reactions.difference(&before.reactions) {
        reaction(added, true);
    }
    for taken in before.reactions.difference(&after.reactions) {
        reaction(taken, false);
    }
}

fn glance(row: &ConversationRow) -> Glance {
    (row.last_message.as_ref().map(|last| last.id), row.unread)
}
