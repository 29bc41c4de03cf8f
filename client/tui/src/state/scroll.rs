//! Moving through a conversation, and what follows from what is seen: more is fetched, messages
//! are read.

use session_api::params::{MarkReadParams, MoreParams, SearchParams};
use session_core::view::{Around, Delivery, Direction, FileStatus, ItemContent};
use session_store::MessageId;

use super::chat::{Anchor, Chat};
use super::desk::Row;
use super::start::Start;
use super::{Pane, State};
use crate::effect::{Effect, Then};
use crate::timeline::View;

/// Items that are still to come when more are asked for.
const AHEAD: usize = 30;
/// Items asked for at once.
const MORE: usize = 60;

impl State {
    /// Works with the open conversation, how it is shown, and in how many rows.
    fn with_chat<R>(&mut self, work: impl FnOnce(&mut Chat, &View, usize) -> R) -> Option<R> {
        let areas = self.areas();
        let rows = usize::from(areas.messages.height);
        let mut chat = self.desk_mut()?.chat.take()?;
        let view = View::new(self, &chat, &areas);
        let result = work(&mut chat, &view, rows);
        self.desk_mut()?.chat = Some(chat);
        Some(result)
    }

    pub(crate) fn step_message(&mut self, up: bool) {
        self.with_chat(|chat, view, rows| {
            let heights = |item: &_| view.height(item);
            // One that is longer than the screen is read to its end first.
            if let Some(id) = chat.selected.clone()
                && let Some(index) = chat.index(&id)
            {
                let top = chat.top(rows, &heights);
                let height = chat.feed.items.get(index).map_or(0, heights);
                let above = if top.index == index { top.line } else { 0 };
                let is_long = height > rows;
                if is_long && up && top.index == index && top.line > 0 {
                    return chat.scroll(true, 1, rows, &heights);
                }
                if is_long && !up && top.index == index && above + rows < height {
                    return chat.scroll(false, 1, rows, &heights);
                }
            }
            if chat.step(up) {
                if let Some(id) = chat.selected.clone() {
                    chat.show(&id, rows, &heights);
                }
            } else {
                chat.scroll(up, rows.div_ceil(2), rows, &heights);
            }
        });
    }

    pub(crate) fn show_selected(&mut self) {
        self.with_chat(|chat, view, rows| {
            if let Some(id) = chat.selected.clone() {
                chat.show(&id, rows, &|item: &_| view.height(item));
            }
        });
    }

    pub(crate) fn scroll_page(&mut self, up: bool) {
        self.with_chat(|chat, view, rows| {
            let heights = |item: &_| view.height(item);
            chat.scroll(up, rows.saturating_sub(2).max(1), rows, &heights);
            let (from, to) = chat.seen(rows, &heights);
            let seen = chat.feed.items.get(from..to).unwrap_or_default();
            let can = |item: &&session_core::view::TimelineItem| item.message_id().is_some();
            let next = if up {
                seen.iter().find(can)
            } else {
                seen.iter().rev().find(can)
            };
            chat.selected = next.map(|item| item.id.clone());
        });
    }

    pub(crate) fn jump_to_oldest(&mut self) {
        self.with_chat(|chat, _, _| {
            if let Some(first) = chat.feed.items.first() {
                chat.anchor = Anchor::Top {
                    item: first.id.clone(),
                    above: 0,
                };
            }
            let first = chat
                .feed
                .items
                .iter()
                .find(|item| item.message_id().is_some());
            chat.selected = first.map(|item| item.id.clone());
        });
    }

    pub(crate) fn jump_to_newest(&mut self) {
        let Some((_, id)) = self.here() else { return };
        let at_end = self.chat().is_some_and(|chat| chat.at_end || !chat.loaded);
        if !at_end {
            return self.open_chat(id, Some(Around::End), self.pane);
        }
        if let Some(chat) = self.chat_mut() {
            chat.go_to_end();
            if chat.selected.is_some() {
                chat.selected = None;
                chat.step(true);
            }
        }
    }

    /// Brings an item into view and takes the keys there.
    pub(crate) fn go_to_item(&mut self, id: &str) {
        self.pane = Pane::Messages;
        self.with_chat(|chat, view, rows| {
            chat.selected = Some(id.to_owned());
            chat.show_at_third(id, rows, &|item: &_| view.height(item));
        });
    }

    /// What was waited for when the conversation was opened.
    pub(crate) fn arrive(&mut self) {
        self.with_chat(|chat, view, rows| {
            let heights = |item: &_| view.height(item);
            if let Some(target) = chat.target.take()
                && let Some(id) = chat.message(target).map(|item| item.id.clone())
            {
                chat.show_at_third(&id, rows, &heights);
                chat.selected = Some(id);
            } else if let Anchor::Top { item, .. } = chat.anchor.clone() {
                // The line before what is new.
                chat.show_at_third(&item, rows, &heights);
            }
        });
    }

    pub(crate) fn has_hits(&self) -> bool {
        self.chat().is_some_and(|chat| !chat.hits.is_empty())
    }

    /// Looks for words in the open conversation.
    pub(crate) fn find_here(&mut self, words: &str) {
        let Some((account, within)) = self.here() else {
            return;
        };
        if words.is_empty() {
            return;
        }
        let params = SearchParams {
            account,
            words: words.into(),
            within: Some(within),
            limit: 100,
        };
        self.call("messages.search", params, Then::Found(words.to_owned()));
    }

    /// Takes what was found in the open conversation, the newest first.
    pub(crate) fn take_hits(&mut self, hits: Vec<MessageId>, words: &str) {
        let count = hits.len();
        let Some(chat) = self.chat_mut() else { return };
        chat.hits = hits;
        chat.hit = 0;
        match chat.hits.first().copied() {
            None => self.say(format!("Nothing with “{words}” here.")),
            Some(first) => {
                self.go_to_hit(first);
                let found = if count == 1 {
                    "1 message".into()
                } else {
                    format!("{count} messages")
                };
                self.say(format!("{found} with “{words}”; n and N go on."));
            }
        }
    }

    fn go_to_hit(&mut self, message: MessageId) {
        let Some((_, conversation)) = self.here() else {
            return;
        };
        let Some(chat) = self.chat_mut() else { return };
        let (hits, hit) = (core::mem::take(&mut chat.hits), chat.hit);
        self.open_at(conversation, message);
        // It may have been opened anew.
        if let Some(chat) = self.chat_mut() {
            chat.hits = hits;
            chat.hit = hit;
        }
    }

    pub(crate) fn next_hit(&mut self, newer: bool) {
        let Some(chat) = self.chat_mut() else { return };
        let next = if newer {
            chat.hit.checked_sub(1)
        } else {
            Some(chat.hit + 1)
        };
        let found = next.and_then(|at| chat.hits.get(at).copied().map(|hit| (at, hit)));
        let count = chat.hits.len();
        match found {
            Some((at, hit)) => {
                chat.hit = at;
                self.go_to_hit(hit);
                self.say(format!("{} of {count}", at + 1));
            }
            None => self.say("No more."),
        }
    }

    /// Does what follows from what is seen now.
    pub(crate) fn settle(&mut self) {
        if !self.dirty {
            return;
        }
        if let Some(desk) = self.desk_mut() {
            let rows = desk.rows();
            if !rows.contains(&desk.row) {
                let open = desk.chat.as_ref().map(|chat| Row::Chat(chat.id));
                desk.row = open
                    .filter(|row| rows.contains(row))
                    .or_else(|| rows.first().copied())
                    .unwrap_or_default();
            }
        }
        if !matches!(self.start, Start::Ready) || self.areas().main.is_none() {
            return;
        }
        let is_accepting = self
            .chat()
            .is_some_and(|chat| Some(chat.id) == self.accepting);
        if self.bar().is_none() || !is_accepting {
            self.accepting = None;
        }
        if self.pane == Pane::Composer && self.bar().is_some() && !is_accepting {
            self.focus_messages();
        }
        if self.pane == Pane::Messages
            && let Some(chat) = self.chat_mut()
            && chat.selected_item().is_none()
        {
            chat.selected = None;
            chat.step(true);
        }
        self.fetch_more();
        self.mark_read();
        self.want_pictures();
    }

    fn fetch_more(&mut self) {
        let Some((account, _)) = self.here() else {
            return;
        };
        let wanted = self.with_chat(|chat, view, rows| {
            let sub = chat.feed.sub()?;
            if chat.asked.is_some() {
                return None;
            }
            let (from, to) = chat.seen(rows, &|item: &_| view.height(item));
            let direction = if from < AHEAD && !chat.at_start {
                Direction::Older
            } else if to + AHEAD > chat.feed.items.len() && !chat.at_end {
                Direction::Newer
            } else {
                return None;
            };
            chat.asked = Some(direction);
            Some((sub, direction))
        });
        if let Some(Some((sub, direction))) = wanted {
            let params = MoreParams {
                account,
                sub,
                direction,
                count: MORE,
            };
            self.call("timeline.more", params, Then::More(account));
        }
    }

    fn mark_read(&mut self) {
        let Some((account, conversation)) = self.here() else {
            return;
        };
        let Some(desk) = self.desk() else { return };
        let Some(item) = desk.open_conversation() else {
            return;
        };
        let is_new = item.unread > 0 || item.marked_unread;
        if !is_new || desk.is_request() || !self.has_focus || self.page.is_some() {
            return;
        }
        let was_marked = item.marked_unread;
        let up_to = self.with_chat(|chat, view, rows| {
            let (from, to) = chat.seen(rows, &|item: &_| view.height(item));
            let seen = chat.feed.items.get(from..to)?;
            let newest = seen
                .iter()
                .filter_map(|item| match &item.content {
                    ItemContent::Message(message) => Some((&message.state, message.sent_at)),
                    ItemContent::Notice(notice) => Some((&notice.state, notice.sent_at)),
                    _ => None,
                })
                .filter(|(state, _)| **state == Delivery::Received)
                .map(|(_, sent_at)| sent_at)
                .max()
                .or_else(|| was_marked.then_some(session_types::Timestamp::from_ms(1)))?;
            if chat.read_up_to.is_some_and(|told| told >= newest) {
                return None;
            }
            chat.read_up_to = Some(newest);
            let is_end = chat.anchor == Anchor::End && chat.at_end;
            Some(if is_end { None } else { Some(newest) })
        });
        if let Some(Some(up_to)) = up_to {
            let params = MarkReadParams {
                account,
                conversation,
                up_to,
            };
            self.call("conversations.mark_read", params, Then::Quiet);
        }
    }

    /// Asks for small pictures of files that are seen.
    fn want_pictures(&mut self) {
        if !self.images || self.desk().is_none_or(super::desk::Desk::is_request) {
            return;
        }
        let wanted = self.with_chat(|chat, view, rows| {
            let (from, to) = chat.seen(rows, &|item: &_| view.height(item));
            let seen = chat.feed.items.get(from..to).unwrap_or_default();
            let mut wanted = Vec::new();
            for item in seen {
                let ItemContent::Message(message) = &item.content else {
                    continue;
                };
                for file in &message.files {
                    if file.state == FileStatus::Here {
                        wanted.extend(view.picture(message, file).map(|picture| picture.file));
                    }
                }
            }
            wanted
        });
        for file in wanted.unwrap_or_default() {
            if !self.pictures.contains_key(&file) {
                // Asked for once.
                self.pictures.insert(file.clone(), false);
                self.effect(Effect::Picture(file));
            }
        }
    }
}
