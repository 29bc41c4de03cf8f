//! What is known of an open account: its lists, the open conversation, the network.

use std::collections::BTreeMap;

use session_api::notification::{ConversationsDiff, TimelineDiff};
use session_api::params::{NetworkReport, NetworkState, SettingsResult, TimelineOpened};
use session_core::view::{ConversationItem, Filter, Op, Person, RequestState, TimelineItem, apply};
use session_types::AccountId;

use super::chat::Chat;
use super::compose::Composer;

/// Changes kept for a list that is not there yet.
const EARLY: usize = 64;

/// A list that is told of by changes.
#[derive(Debug)]
pub(crate) struct Feed<T> {
    sub: Option<u64>,
    seq: u64,
    pub(crate) items: Vec<T>,
    /// Changes that came before the list itself.
    early: Vec<(u64, u64, Vec<Op<T>>)>,
}

/// A change was lost: the list is to be opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self {
            sub: None,
            seq: 0,
            items: Vec::new(),
            early: Vec::new(),
        }
    }
}

impl<T: Clone> Feed<T> {
    pub(crate) const fn sub(&self) -> Option<u64> {
        self.sub
    }

    /// The list itself. What came before it and belongs after it is applied.
    pub(crate) fn open(&mut self, sub: u64, seq: u64, items: Vec<T>) -> Result<(), Lost> {
        self.sub = Some(sub);
        self.seq = seq;
        self.items = items;
        for (of, at, ops) in core::mem::take(&mut self.early) {
            if of == sub && at > seq {
                self.change(of, at, &ops)?;
            }
        }
        Ok(())
    }

    /// Applies a change; says whether it was for this list.
    pub(crate) fn change(&mut self, sub: u64, seq: u64, ops: &[Op<T>]) -> Result<bool, Lost> {
        let Some(own) = self.sub else {
            if self.early.len() < EARLY {
                self.early.push((sub, seq, ops.to_vec()));
            }
            return Ok(false);
        };
        if own != sub {
            return Ok(false);
        }
        if seq != self.seq + 1 || apply(&mut self.items, ops).is_err() {
            self.sub = None;
            return Err(Lost);
        }
        self.seq = seq;
        Ok(true)
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// An open account.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) own: AccountId,
    pub(crate) name: String,
    pub(crate) chats: Feed<ConversationItem>,
    pub(crate) requests: Feed<ConversationItem>,
    /// The row the keys are at.
    pub(crate) row: Row,
    pub(crate) chat: Option<Chat>,
    pub(crate) composers: BTreeMap<AccountId, Composer>,
    pub(crate) network: Option<NetworkState>,
    pub(crate) report: Option<NetworkReport>,
    pub(crate) settings: Option<SettingsResult>,
}

/// A row of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Row {
    #[default]
    First,
    Requests,
    Chat(AccountId),
}

impl Desk {
    pub(crate) fn new(own: AccountId, name: String) -> Self {
        Self {
            own,
            name,
            chats: Feed::default(),
            requests: Feed::default(),
            row: Row::First,
            chat: None,
            composers: BTreeMap::new(),
            network: None,
            report: None,
            settings: None,
        }
    }

    /// What others call the user, or what stands for it.
    pub(crate) fn called(&self) -> String {
        if self.name.is_empty() {
            self.own.short()
        } else {
            crate::text::one_line(&self.name)
        }
    }

    /// Rows in the order in which they are shown.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let requests = (!self.requests.items.is_empty()).then_some(Row::Requests);
        let chats = self.chats.items.iter().map(|item| Row::Chat(item.id));
        requests.into_iter().chain(chats).collect()
    }

    /// Where the keys are among the rows.
    pub(crate) fn row_index(&self) -> usize {
        let rows = self.rows();
        let at = rows.iter().position(|row| *row == self.row);
        at.unwrap_or(0)
    }

    pub(crate) fn go_to_row(&mut self, index: usize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        if let Some(row) = rows.get(index.min(last)) {
            self.row = *row;
        }
    }

    /// The row of a conversation, in whichever list it is.
    pub(crate) fn conversation(&self, id: AccountId) -> Option<&ConversationItem> {
        let all = self.chats.items.iter().chain(&self.requests.items);
        all.into_iter().find(|item| item.id == id)
    }

    pub(crate) fn open_conversation(&self) -> Option<&ConversationItem> {
        self.conversation(self.chat.as_ref()?.id)
    }

    /// Whether the open conversation is one that has to be accepted first.
    pub(crate) fn is_request(&self) -> bool {
        let open = self.open_conversation();
        open.is_some_and(|item| item.request == RequestState::Incoming)
    }

    /// Unread messages in all conversations that are not muted.
    pub(crate) fn unread(&self) -> u32 {
        let loud = self.chats.items.iter().filter(|item| !item.muted);
        loud.map(|item| item.unread).sum()
    }

    /// Messages seen to wait for the network.
    pub(crate) fn waiting(&self) -> usize {
        use session_core::view::{Delivery, ItemContent};
        let waits =
            |state: &Delivery| matches!(state, Delivery::Waiting { .. } | Delivery::Sending);
        let open = self.chat.as_ref().map(|chat| chat.id);
        let elsewhere = self.chats.items.iter().filter(|item| Some(item.id) != open);
        let elsewhere = elsewhere.filter_map(|item| item.last.as_ref());
        let here = self.chat.iter().flat_map(|chat| &chat.feed.items);
        elsewhere.filter(|last| waits(&last.state)).count()
            + here
                .filter(|item| match &item.content {
                    ItemContent::Message(message) => waits(&message.state),
                    _ => false,
                })
                .count()
    }

    pub(crate) fn list(&mut self, filter: Filter) -> &mut Feed<ConversationItem> {
        match filter {
            Filter::Requests => &mut self.requests,
            _ => &mut self.chats,
        }
    }

    /// Applies a change of a list; the list it was lost from is said.
    pub(crate) fn change_list(&mut self, diff: &ConversationsDiff) -> Option<Filter> {
        for filter in [Filter::Chats, Filter::Requests] {
            match self.list(filter).change(diff.sub, diff.seq, &diff.ops) {
                Ok(_) => {}
                Err(Lost) => return Some(filter),
            }
        }
        None
    }

    /// Applies a change of the open conversation.
    pub(crate) fn change_chat(&mut self, diff: TimelineDiff) -> Result<(), Lost> {
        let Some(chat) = &mut self.chat else {
            return Ok(());
        };
        chat.change(diff)
    }

    pub(crate) fn composer(&mut self, id: AccountId) -> &mut Composer {
        self.composers.entry(id).or_default()
    }
}

/// A part of a conversation as it was opened.
pub(crate) struct Opened {
    pub(crate) feed: (u64, u64, Vec<TimelineItem>),
    pub(crate) people: Vec<Person>,
    pub(crate) edges: (bool, bool),
    pub(crate) unread: Option<usize>,
}

impl From<TimelineOpened> for Opened {
    fn from(opened: TimelineOpened) -> Self {
        Self {
            feed: (opened.sub, opened.seq, opened.items),
            people: opened.people,
            edges: (opened.at_start, opened.at_end),
            unread: opened.unread_index,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(at: usize, item: u8) -> Vec<Op<u8>> {
        vec![Op::Splice {
            at,
            remove: 0,
            insert: vec![item],
        }]
    }

    #[test]
    fn changes_that_come_before_the_list_are_not_lost() {
        let mut feed = Feed::default();
        assert_eq!(feed.change(7, 3, &insert(0, 3)), Ok(false));
        assert_eq!(feed.change(7, 4, &insert(0, 4)), Ok(false));
        assert_eq!(feed.change(8, 1, &insert(0, 9)), Ok(false));
        feed.open(7, 3, vec![3]).unwrap();
        assert_eq!(feed.items, [4, 3]);
        assert_eq!(feed.change(7, 5, &insert(2, 5)), Ok(true));
        assert_eq!(feed.items, [4, 3, 5]);
    }

    #[test]
    fn a_lost_change_is_noticed() {
        let mut feed = Feed::default();
        feed.open(1, 0, vec![1]).unwrap();
        assert_eq!(feed.change(2, 9, &insert(0, 1)), Ok(false));
        assert_eq!(feed.change(1, 2, &insert(0, 1)), Err(Lost));
        assert_eq!(feed.sub(), None);
        feed.open(3, 0, vec![]).unwrap();
        assert_eq!(feed.change(3, 1, &insert(5, 1)), Err(Lost));
    }
}
