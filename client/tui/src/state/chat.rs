//! The open conversation: its items, which part of them is seen, which one the keys are at.

use std::collections::BTreeSet;

use session_api::notification::TimelineDiff;
use session_core::view::{Direction, ItemContent, MessageItem, Person, TimelineItem};
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use super::desk::{Feed, Lost, Opened};

/// Which part of a conversation is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its end, whatever comes.
    End,
    /// From an item on, of which so many lines are above.
    Top { item: String, above: usize },
}

/// The open conversation.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) id: AccountId,
    pub(crate) feed: Feed<TimelineItem>,
    pub(crate) people: Vec<Person>,
    pub(crate) at_start: bool,
    pub(crate) at_end: bool,
    pub(crate) anchor: Anchor,
    /// The item the keys are at.
    pub(crate) selected: Option<String>,
    /// Items chosen together.
    pub(crate) marked: BTreeSet<String>,
    /// The side that was asked for more.
    pub(crate) asked: Option<Direction>,
    /// Messages that came below what is seen.
    pub(crate) new_below: usize,
    /// Up to where others were told that it was read.
    pub(crate) read_up_to: Option<Timestamp>,
    /// Where to go once it is there.
    pub(crate) target: Option<MessageId>,
    /// What was found in it, the newest first, and which one is seen.
    pub(crate) hits: Vec<MessageId>,
    pub(crate) hit: usize,
    pub(crate) loaded: bool,
}

/// How many lines each item takes.
pub(crate) trait Heights {
    fn of(&self, item: &TimelineItem) -> usize;
}

impl<F: Fn(&TimelineItem) -> usize> Heights for F {
    fn of(&self, item: &TimelineItem) -> usize {
        self(item)
    }
}

/// A line: of which item, and which one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) index: usize,
    pub(crate) line: usize,
}

impl Chat {
    pub(crate) fn new(id: AccountId) -> Self {
        Self {
            id,
            feed: Feed::default(),
            people: Vec::new(),
            at_start: false,
            at_end: false,
            anchor: Anchor::End,
            selected: None,
            marked: BTreeSet::new(),
            asked: None,
            new_below: 0,
            read_up_to: None,
            target: None,
            hits: Vec::new(),
            hit: 0,
            loaded: false,
        }
    }

    /// Takes what was opened.
    pub(crate) fn open(&mut self, opened: Opened) -> Result<(), Lost> {
        let (sub, seq, items) = opened.feed;
        self.feed.open(sub, seq, items)?;
        self.people = opened.people;
        (self.at_start, self.at_end) = opened.edges;
        let was_loaded = core::mem::replace(&mut self.loaded, true);
        self.asked = None;
        if was_loaded && let Anchor::Top { item, .. } = &self.anchor {
            // Opened anew after a change was lost: what was read stays where it is.
            if self.feed.items.iter().any(|known| known.id == *item) {
                return Ok(());
            }
        }
        let unread = opened.unread.and_then(|at| self.feed.items.get(at));
        if let Some(item) = unread {
            self.anchor = Anchor::Top {
                item: item.id.clone(),
                above: 0,
            };
        } else {
            self.anchor = Anchor::End;
        }
        Ok(())
    }

    /// Takes a change. What is seen stays where it is.
    pub(crate) fn change(&mut self, diff: TimelineDiff) -> Result<(), Lost> {
        let before: Vec<String> = self.feed.items.iter().map(|item| item.id.clone()).collect();
        let newest = self.newest();
        if !self.feed.change(diff.sub, diff.seq, &diff.ops)? {
            return Ok(());
        }
        (self.at_start, self.at_end) = (diff.at_start, diff.at_end);
        if let Some(people) = diff.people {
            self.people = people;
        }
        self.asked = None;
        if let Anchor::Top { item, .. } = &self.anchor
            && let Some(neighbour) = self.neighbour(item, &before)
        {
            self.anchor = Anchor::Top {
                item: neighbour,
                above: 0,
            };
        }
        if let Some(item) = &self.selected
            && let Some(neighbour) = self.neighbour(item, &before)
        {
            self.selected = Some(neighbour);
        }
        self.marked
            .retain(|id| self.feed.items.iter().any(|item| item.id == *id));
        if self.anchor != Anchor::End {
            let news = self.feed.items.iter().filter_map(message);
            self.new_below += news
                .filter(|message| !message.mine && Some(message.message_id) > newest)
                .count();
        }
        Ok(())
    }

    /// Of an item that is gone: the one nearest to where it was.
    fn neighbour(&self, gone: &str, before: &[String]) -> Option<String> {
        let is_here = |id: &str| self.feed.items.iter().any(|item| item.id == id);
        if is_here(gone) {
            return None;
        }
        let at = before.iter().position(|id| id == gone)?;
        let (above, below) = before.split_at_checked(at)?;
        let mut near = below.iter().chain(above.iter().rev());
        near.find(|id| is_here(id)).cloned()
    }

    fn newest(&self) -> Option<MessageId> {
        let messages = self.feed.items.iter().filter_map(message);
        messages.map(|message| message.message_id).max()
    }

    pub(crate) fn index(&self, id: &str) -> Option<usize> {
        self.feed.items.iter().position(|item| item.id == id)
    }

    pub(crate) fn selected_item(&self) -> Option<&TimelineItem> {
        let id = self.selected.as_ref()?;
        self.feed.items.iter().find(|item| item.id == *id)
    }

    pub(crate) fn selected_message(&self) -> Option<&MessageItem> {
        message(self.selected_item()?)
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<&TimelineItem> {
        let mut items = self.feed.items.iter();
        items.find(|item| item.message_id() == Some(id))
    }

    /// What somebody is called here.
    pub(crate) fn person(&self, id: AccountId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    fn end(&self) -> Spot {
        Spot {
            index: self.feed.items.len(),
            line: 0,
        }
    }

    fn up(&self, mut spot: Spot, mut lines: usize, heights: &impl Heights) -> Spot {
        while lines > 0 {
            let step = spot.line.min(lines);
            spot.line -= step;
            lines -= step;
            if lines == 0 {
                break;
            }
            let Some(above) = spot.index.checked_sub(1) else {
                break;
            };
            let Some(item) = self.feed.items.get(above) else {
                break;
            };
            spot = Spot {
                index: above,
                line: heights.of(item),
            };
        }
        spot
    }

    fn down(&self, mut spot: Spot, mut lines: usize, heights: &impl Heights) -> Spot {
        while let Some(item) = self.feed.items.get(spot.index) {
            let left = heights.of(item).saturating_sub(spot.line);
            if lines < left {
                spot.line += lines;
                return spot;
            }
            lines -= left;
            spot = Spot {
                index: spot.index + 1,
                line: 0,
            };
            if lines == 0 {
                return spot;
            }
        }
        self.end()
    }

    /// The first line that is seen in so many rows.
    pub(crate) fn top(&self, rows: usize, heights: &impl Heights) -> Spot {
        let last = self.up(self.end(), rows, heights);
        match &self.anchor {
            Anchor::End => last,
            Anchor::Top { item, above } => match self.index(item) {
                Some(index) => {
                    let most = self
                        .feed
                        .items
                        .get(index)
                        .map_or(0, |item| heights.of(item).saturating_sub(1));
                    let line = (*above).min(most);
                    Spot { index, line }.min(last)
                }
                None => last,
            },
        }
    }

    fn set_top(&mut self, top: Spot, rows: usize, heights: &impl Heights) {
        let last = self.up(self.end(), rows, heights);
        let item = self.feed.items.get(top.index);
        self.anchor = match item {
            Some(item) if top < last => Anchor::Top {
                item: item.id.clone(),
                above: top.line,
            },
            // There may be more that is not here yet.
            Some(item) if !self.at_end => Anchor::Top {
                item: item.id.clone(),
                above: top.line,
            },
            _ => Anchor::End,
        };
        if self.anchor == Anchor::End {
            self.new_below = 0;
        }
    }

    /// Scrolls by lines.
    pub(crate) fn scroll(&mut self, up: bool, lines: usize, rows: usize, heights: &impl Heights) {
        let top = self.top(rows, heights);
        let to = if up {
            self.up(top, lines, heights)
        } else {
            self.down(top, lines, heights)
        };
        self.set_top(to, rows, heights);
    }

    /// Brings an item into view; it moves as little as possible.
    pub(crate) fn show(&mut self, id: &str, rows: usize, heights: &impl Heights) {
        let Some(index) = self.index(id) else { return };
        let Some(item) = self.feed.items.get(index) else {
            return;
        };
        let top = self.top(rows, heights);
        let height = heights.of(item);
        let first = Spot { index, line: 0 };
        if first < top {
            if top.index != index || height <= rows {
                self.set_top(first, rows, heights);
            }
            return;
        }
        let after = Spot {
            index: index + 1,
            line: 0,
        };
        let lowest = self.up(after, rows, heights);
        if lowest > top {
            self.set_top(lowest.min(first), rows, heights);
        }
    }

    /// Brings an item to the upper third.
    pub(crate) fn show_at_third(&mut self, id: &str, rows: usize, heights: &impl Heights) {
        if let Some(index) = self.index(id) {
            let top = self.up(Spot { index, line: 0 }, rows / 3, heights);
            self.set_top(top, rows, heights);
        }
    }

    /// The items of which something is seen in so many rows.
    pub(crate) fn seen(&self, rows: usize, heights: &impl Heights) -> (usize, usize) {
        let top = self.top(rows, heights);
        let bottom = self.down(top, rows, heights);
        let end = if bottom.line > 0 {
            bottom.index + 1
        } else {
            bottom.index
        };
        (top.index, end.min(self.feed.items.len()))
    }

    /// Moves the keys to the next item that can be chosen. False when there is none.
    pub(crate) fn step(&mut self, up: bool) -> bool {
        let can = |item: &&TimelineItem| item.message_id().is_some();
        let items = &self.feed.items;
        let at = self.selected.as_deref().and_then(|id| self.index(id));
        let next = match (at, up) {
            (None, _) => items.iter().rev().find(can),
            (Some(at), true) => items
                .get(..at)
                .and_then(|above| above.iter().rev().find(can)),
            (Some(at), false) => items.get(at + 1..).and_then(|below| below.iter().find(can)),
        };
        let next = next.map(|item| item.id.clone());
        let found = next.is_some();
        if found {
            self.selected = next;
        }
        found
    }

    pub(crate) fn go_to_end(&mut self) {
        self.anchor = Anchor::End;
        self.new_below = 0;
    }
}

/// The message an item shows.
pub(crate) fn message(item: &TimelineItem) -> Option<&MessageItem> {
    match &item.content {
        ItemContent::Message(message) => Some(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use session_core::view::Op;

    use super::*;

    fn day(n: usize) -> TimelineItem {
        TimelineItem {
            id: format!("d{n}"),
            rev: 0,
            content: ItemContent::Day {
                date: format!("2026-01-{n:02}"),
            },
        }
    }

    fn chat(days: core::ops::Range<usize>) -> Chat {
        let mut chat = Chat::new(AccountId::from_x25519([1; 32].into()));
        chat.open(Opened {
            feed: (1, 0, days.map(day).collect()),
            people: Vec::new(),
            edges: (false, true),
            unread: None,
        })
        .unwrap();
        chat
    }

    fn diff(seq: u64, ops: Vec<Op<TimelineItem>>) -> TimelineDiff {
        TimelineDiff {
            account: AccountId::from_x25519([2; 32].into()),
            sub: 1,
            r#gen: 0,
            seq,
            ops,
            at_start: false,
            at_end: true,
            unread_index: None,
            people: None,
        }
    }

    /// Item n has n % 3 + 1 lines.
    fn heights(item: &TimelineItem) -> usize {
        let n: usize = item.id.trim_start_matches('d').parse().unwrap();
        n % 3 + 1
    }

    fn first_line(chat: &Chat, rows: usize) -> (String, usize) {
        let top = chat.top(rows, &heights);
        (chat.feed.items[top.index].id.clone(), top.line)
    }

    #[test]
    fn the_end_is_seen_until_one_scrolls() {
        let mut chat = chat(10..40);
        // 39 has 1 line, 38 has 3, 37 has 2.
        assert_eq!(first_line(&chat, 5), ("d37".into(), 1));
        chat.scroll(true, 3, 5, &heights);
        assert_eq!(first_line(&chat, 5), ("d35".into(), 2));
        chat.scroll(false, 2, 5, &heights);
        assert_eq!(first_line(&chat, 5), ("d37".into(), 0));
        chat.scroll(false, 1, 5, &heights);
        assert_eq!(chat.anchor, Anchor::End);
        chat.scroll(true, 1000, 5, &heights);
        assert_eq!(first_line(&chat, 5), ("d10".into(), 0));
    }

    #[test]
    fn what_is_read_stays_where_it_is() {
        let mut chat = chat(10..40);
        chat.scroll(true, 20, 5, &heights);
        let seen = first_line(&chat, 5);
        let older = Op::Splice {
            at: 0,
            remove: 0,
            insert: (0..10).map(day).collect(),
        };
        let newer = Op::Splice {
            at: 40,
            remove: 0,
            insert: vec![day(41), day(42)],
        };
        let gone = Op::Splice {
            at: 12,
            remove: 1,
            insert: vec![],
        };
        chat.change(diff(1, vec![older, newer, gone])).unwrap();
        assert_eq!(first_line(&chat, 5), seen);
        let at = chat.index(&seen.0).unwrap();
        let gone = Op::Splice {
            at,
            remove: 1,
            insert: vec![],
        };
        let next = chat.feed.items[at + 1].id.clone();
        chat.change(diff(2, vec![gone])).unwrap();
        assert_eq!(first_line(&chat, 5), (next, 0));
    }

    #[test]
    fn the_end_follows_what_comes() {
        let mut chat = chat(0..3);
        let newer = Op::Splice {
            at: 3,
            remove: 0,
            insert: vec![day(5)],
        };
        chat.change(diff(1, vec![newer])).unwrap();
        assert_eq!(chat.anchor, Anchor::End);
        assert_eq!(first_line(&chat, 3), ("d5".into(), 0));
        assert_eq!(chat.seen(5, &heights), (2, 4));
        assert_eq!(chat.seen(500, &heights), (0, 4));
    }

    #[test]
    fn an_item_is_brought_into_view() {
        let mut chat = chat(0..60);
        chat.show("d3", 6, &heights);
        assert_eq!(first_line(&chat, 6), ("d3".into(), 0));
        chat.show("d5", 6, &heights);
        assert_eq!(first_line(&chat, 6), ("d3".into(), 0));
        chat.show("d8", 6, &heights);
        assert_eq!(first_line(&chat, 6), ("d6".into(), 0));
        chat.show_at_third("d20", 6, &heights);
        assert_eq!(first_line(&chat, 6), ("d19".into(), 0));
        chat.show("d59", 6, &heights);
        assert_eq!(chat.anchor, Anchor::End);
        chat.show("nothing", 6, &heights);
    }
}
