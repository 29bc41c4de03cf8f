//! The list of conversations.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_store::ConversationRow;
use session_types::{AccountId, Timestamp};

use super::conversation::{ConversationItem, RequestState};
use super::diff::{Op, diff};
use super::person::{folded, is_taken};
use super::{Dirty, Live, Reader};
use crate::CoreError;
use crate::model::{listed, undoable};

/// When more than this many conversations have changed, all are read anew.
const MANY: usize = 50;

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Those a person goes on with: neither requests nor hidden ones.
    #[default]
    Chats,
    /// Of people whom the user has neither accepted nor refused.
    Requests,
    /// Hidden ones.
    Hidden,
    /// With blocked people.
    Blocked,
    /// All.
    All,
}

impl Filter {
    fn takes(self, item: &ConversationItem) -> bool {
        let request = item.request == RequestState::Incoming;
        match self {
            Self::Chats => !request && !item.hidden && !declined(item),
            Self::Requests => request,
            Self::Hidden => item.hidden,
            Self::Blocked => item.blocked,
            Self::All => true,
        }
    }
}

/// Blocked without anything ever having been said.
fn declined(item: &ConversationItem) -> bool {
    item.blocked && item.last.is_none() && item.draft.is_none() && item.draft_files == 0
}

/// The list of conversations as it is shown.
#[derive(Debug)]
pub struct ConversationList {
    reader: Reader,
    filter: Filter,
    known: BTreeMap<AccountId, ConversationRow>,
    rows: Vec<ConversationItem>,
    /// When the database was read last.
    now: Timestamp,
}

impl ConversationList {
    /// Reads the list.
    ///
    /// # Errors
    /// A database error.
    pub async fn open(reader: Reader, filter: Filter, live: &Live) -> Result<Self, CoreError> {
        let mut list = Self {
            reader,
            filter,
            known: BTreeMap::new(),
            rows: Vec::new(),
            now: Timestamp::default(),
        };
        list.read(&Dirty::everything()).await?;
        list.rows = list.build(live);
        Ok(list)
    }

    /// Pinned ones first, then by the time something last happened.
    #[must_use]
    pub fn rows(&self) -> &[ConversationItem] {
        &self.rows
    }

    /// Brings the list up to date with what changed.
    ///
    /// # Errors
    /// A database error; the list is as it was.
    pub async fn refresh(
        &mut self,
        dirty: &Dirty,
        live: &Live,
    ) -> Result<Vec<Op<ConversationItem>>, CoreError> {
        self.read(dirty).await?;
        let rows = self.build(live);
        let ops = diff(&self.rows, &rows);
        self.rows = rows;
        Ok(ops)
    }

    /// When the list changes without an event: a mute ends.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.rows.iter().filter_map(|row| row.muted_until).min()
    }

    /// The time when the list was read, of the clock of [`Self::next_change`].
    #[must_use]
    pub fn read_at(&self) -> Timestamp {
        self.now
    }

    async fn read(&mut self, dirty: &Dirty) -> Result<(), CoreError> {
        if dirty.everything || dirty.conversations.len() + dirty.messages.len() > MANY {
            let read = self.reader.read(|model, now| {
                let store = model.store();
                let undoable = undoable(store)?;
                let rows = store.conversations()?.into_iter();
                let rows = rows.map(|row| listed(store, &undoable, row));
                Ok((rows.collect::<Result<Vec<_>, _>>()?, now))
            });
            let (rows, now) = read.await?;
            self.known = rows.into_iter().map(|row| (row.id(), row)).collect();
            self.now = now;
            return Ok(());
        }
        let Dirty {
            mut conversations,
            messages,
            ..
        } = dirty.clone();
        let read = self.reader.read(move |model, now| {
            let store = model.store();
            for message in messages {
                conversations.extend(store.message(message)?.map(|row| row.conversation));
            }
            let undoable = undoable(store)?;
            let mut rows = Vec::new();
            for id in conversations {
                let row = store.conversation(&id)?;
                let row = row.map(|row| listed(store, &undoable, row)).transpose()?;
                rows.push((id, row));
            }
            Ok((rows, now))
        });
        let (rows, now) = read.await?;
        for (id, row) in rows {
            match row {
                Some(row) => drop(self.known.insert(id, row)),
                None => drop(self.known.remove(&id)),
            }
        }
        self.now = now;
        Ok(())
    }

    fn build(&self, live: &Live) -> Vec<ConversationItem> {
        build(&self.known, self.reader.own(), self.filter, live, self.now)
    }
}

/// The rows that are shown, in their order.
fn build(
    known: &BTreeMap<AccountId, ConversationRow>,
    own: AccountId,
    filter: Filter,
    live: &Live,
    now: Timestamp,
) -> Vec<ConversationItem> {
    let fold = |row: &ConversationRow| row.settings.shown_name().map(folded).unwrap_or_default();
    let named: Vec<(&ConversationRow, String)> =
        known.values().map(|row| (row, fold(row))).collect();
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, name) in &named {
        *names.entry(name).or_default() += 1;
    }
    let is_ambiguous = |name: &str| {
        let alike = names.get(name).is_some_and(|count| *count > 1);
        !name.is_empty() && (alike || is_taken(name))
    };
    let mut items: Vec<(i32, ConversationItem)> = named
        .iter()
        .map(|(row, name)| {
            let item = ConversationItem::new(row, own, is_ambiguous(name), live, now);
            (row.settings.priority.max(0), item)
        })
        .filter(|(_, item)| filter.takes(item))
        .collect();
    items.sort_by(|(a_priority, a), (b_priority, b)| {
        b_priority
            .cmp(a_priority)
            .then(b.time.cmp(&a.time))
            .then(a.id.cmp(&b.id))
    });
    items.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use session_store::ConversationSettings;

    use super::*;

    fn id(byte: u8) -> AccountId {
        AccountId::from_x25519([byte; 32].into())
    }

    fn row(byte: u8, change: impl FnOnce(&mut ConversationSettings)) -> ConversationRow {
        let mut settings = ConversationSettings::new(id(byte));
        settings.approved = true;
        settings.approved_me = true;
        settings.created_at = u64::from(byte);
        change(&mut settings);
        ConversationRow {
            settings,
            draft: String::new(),
            draft_files: 0,
            last_message: None,
            unread: 0,
            unread_mentions: 0,
            picture: None,
        }
    }

    fn shown(rows: Vec<ConversationRow>, filter: Filter) -> Vec<ConversationItem> {
        let known = rows.into_iter().map(|row| (row.id(), row)).collect();
        build(
            &known,
            id(9),
            filter,
            &Live::default(),
            Timestamp::from_ms(10_000),
        )
    }

    #[test]
    fn each_conversation_is_where_it_belongs() {
        let rows = || {
            vec![
                row(1, |_| ()),
                row(2, |s| s.approved = false),
                row(3, |s| s.priority = -1),
                row(4, |s| {
                    s.blocked = true;
                    s.approved = false;
                }),
                row(5, |s| s.approved_me = false),
                row(6, |s| s.priority = 1),
                row(9, |_| ()),
            ]
        };
        let ids = |filter| -> Vec<u8> {
            shown(rows(), filter)
                .iter()
                .map(|item| item.id.to_bytes()[1])
                .collect()
        };
        assert_eq!(ids(Filter::Chats), [6, 9, 5, 1]);
        assert_eq!(ids(Filter::Requests), [2]);
        assert_eq!(ids(Filter::Hidden), [3]);
        assert_eq!(ids(Filter::Blocked), [4]);
        assert_eq!(ids(Filter::All).len(), 7);
        let all = shown(rows(), Filter::All);
        let of = |byte| all.iter().find(|item| item.id == id(byte)).unwrap();
        assert_eq!(of(5).request, RequestState::Outgoing);
        assert_eq!(of(9).request, RequestState::None);
        assert_eq!(of(9).kind, super::super::ConversationKind::NoteToSelf);
    }

    #[test]
    fn a_draft_to_a_stranger_is_a_chat() {
        let mut stranger = row(1, |s| {
            s.approved = false;
            s.approved_me = false;
        });
        stranger.draft = " I will\nwrite ".into();
        let rows = shown(vec![stranger], Filter::Chats);
        assert_eq!(rows[0].draft.as_ref().unwrap().as_str(), "I will write");
        assert_eq!(rows[0].request, RequestState::None);
    }

    #[test]
    fn equal_names_are_told_apart_and_mutes_end() {
        let rows = shown(
            vec![
                row(1, |s| s.name = "Anna".into()),
                row(2, |s| s.nickname = "anna ".into()),
                row(3, |s| {
                    s.name = "Bob".into();
                    s.muted_until = 11;
                }),
                row(4, |s| s.muted_until = 10),
            ],
            Filter::All,
        );
        let ambiguous: Vec<bool> = rows.iter().map(|row| row.ambiguous).collect();
        assert_eq!(ambiguous, [false, false, true, true]);
        assert!(!rows[0].muted && rows[0].muted_until.is_none());
        assert!(rows[1].muted);
        assert_eq!(rows[1].muted_until, Some(Timestamp::from_ms(11_000)));
    }
}
