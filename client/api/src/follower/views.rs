//! The lists and timelines that one connection sees of one account.

use core::time::Duration;
use std::collections::BTreeMap;

use session_core::CoreError;
use session_core::view::{
    ConversationItem, ConversationList, DayOf, Direction, Dirty, Filter, Live, Op, Reader,
    Timeline, TimelineItem,
};
use session_types::AccountId;
use tokio::time::Instant;

use crate::notification::{ConversationsDiff, TimelineDiff};
use crate::params::{ConversationsOpened, TimelineAt, TimelineEdges, TimelineOpened};
use crate::{ApiError, Notification};

/// Subscriptions of one connection to one account.
const MOST: usize = 100;

pub(super) struct Views {
    account: AccountId,
    reader: Reader,
    open: BTreeMap<u64, View>,
}

struct View {
    r#gen: u64,
    seq: u64,
    shown: Shown,
    /// It could not be brought up to date the last time.
    stale: bool,
    /// It is to be looked at anew because time has passed.
    due: bool,
    read: Instant,
}

enum Shown {
    List(ConversationList),
    Timeline(Box<Timeline>),
}

impl Views {
    pub(super) fn new(account: AccountId, reader: Reader) -> Self {
        Self {
            account,
            reader,
            open: BTreeMap::new(),
        }
    }

    pub(super) fn has_room(&self) -> Result<(), ApiError> {
        if self.open.len() < MOST {
            return Ok(());
        }
        Err(ApiError::bad_input(
            "api.too_many_subscriptions",
            format!("at most {MOST} subscriptions of an account; close one first"),
        ))
    }

    pub(super) async fn open_list(
        &mut self,
        sub: u64,
        filter: Filter,
        live: &Live,
    ) -> Result<ConversationsOpened, ApiError> {
        let list = ConversationList::open(self.reader.clone(), filter, live).await?;
        let rows = list.rows().to_vec();
        self.open.insert(sub, View::new(Shown::List(list)));
        Ok(ConversationsOpened {
            sub,
            r#gen: 1,
            seq: 0,
            total: rows.len(),
            rows,
        })
    }

    pub(super) async fn list_once(
        &self,
        filter: Filter,
        live: &Live,
    ) -> Result<Vec<ConversationItem>, ApiError> {
        let list = ConversationList::open(self.reader.clone(), filter, live).await?;
        Ok(list.rows().to_vec())
    }

    pub(super) async fn open_timeline(
        &mut self,
        sub: u64,
        at: TimelineAt,
        day_of: DayOf,
        live: &Live,
    ) -> Result<TimelineOpened, ApiError> {
        let TimelineAt {
            conversation,
            around,
        } = at;
        let reader = self.reader.clone();
        let timeline = Timeline::open(reader, conversation, around, live, day_of).await?;
        let opened = TimelineOpened {
            sub,
            r#gen: 1,
            seq: 0,
            people: timeline.people().to_vec(),
            items: timeline.items().to_vec(),
            at_start: timeline.at_start(),
            at_end: timeline.at_end(),
            unread_index: timeline.unread_index(),
        };
        self.open
            .insert(sub, View::new(Shown::Timeline(Box::new(timeline))));
        Ok(opened)
    }

    pub(super) async fn more(
        &mut self,
        sub: u64,
        direction: Direction,
        count: usize,
        live: &Live,
    ) -> Result<(TimelineEdges, Option<Notification>), ApiError> {
        let view = self.open.get_mut(&sub).ok_or_else(unknown)?;
        let Shown::Timeline(timeline) = &mut view.shown else {
            return Err(unknown());
        };
        let people = timeline.people().to_vec();
        let ops = timeline.more(direction, count, live).await?;
        let edges = TimelineEdges {
            at_start: timeline.at_start(),
            at_end: timeline.at_end(),
        };
        Ok((edges, view.timeline_diff(self.account, sub, ops, &people)))
    }

    pub(super) fn close(&mut self, sub: u64) -> Result<(), ApiError> {
        self.open.remove(&sub).map(drop).ok_or_else(unknown)
    }

    /// Whether something that changed is shown.
    pub(super) fn concerns(&self, dirty: &Dirty) -> bool {
        self.open.values().any(|view| view.concerned(dirty))
    }

    /// When a list changes without an event.
    pub(super) fn next_change(&self) -> Option<Instant> {
        let lists = self.open.values().filter(|view| !view.due);
        lists.filter_map(View::next_change).min()
    }

    /// Notes which lists have changed because time has passed.
    pub(super) fn wake(&mut self, now: Instant) {
        for view in self.open.values_mut() {
            view.due |= view.next_change().is_some_and(|at| at <= now);
        }
    }

    /// Brings everything up to date that something which changed concerns.
    pub(super) async fn refresh(&mut self, dirty: &Dirty, live: &Live) -> Vec<Notification> {
        let mut diffs = Vec::new();
        for (sub, view) in &mut self.open {
            if view.stale || view.concerned(dirty) {
                match view.refresh(self.account, *sub, dirty, live).await {
                    Ok(diff) => diffs.extend(diff),
                    // Closing; there is nothing more to show.
                    Err(CoreError::Stopped) => {}
                    Err(error) => {
                        tracing::warn!(kind = ?error.kind(), "a list was not brought up to date");
                        view.stale = true;
                        view.due = false;
                    }
                }
            }
        }
        diffs
    }
}

impl View {
    fn new(shown: Shown) -> Self {
        Self {
            r#gen: 1,
            seq: 0,
            shown,
            stale: false,
            due: false,
            read: Instant::now(),
        }
    }

    fn concerned(&self, dirty: &Dirty) -> bool {
        self.due
            || match &self.shown {
                Shown::List(_) => !dirty.is_empty(),
                Shown::Timeline(timeline) => timeline.concerns(dirty),
            }
    }

    fn next_change(&self) -> Option<Instant> {
        let Shown::List(list) = &self.shown else {
            return None;
        };
        let left = list.next_change()?.since(list.read_at());
        Some(self.read + left.max(Duration::from_millis(100)))
    }

    async fn refresh(
        &mut self,
        account: AccountId,
        sub: u64,
        dirty: &Dirty,
        live: &Live,
    ) -> Result<Option<Notification>, CoreError> {
        let everything = Dirty::everything();
        let dirty = if self.stale { &everything } else { dirty };
        let read = Instant::now();
        let diff = match &mut self.shown {
            Shown::List(list) => {
                let ops = list.refresh(dirty, live).await?;
                let total = list.rows().len();
                self.list_diff(account, sub, ops, total)
            }
            Shown::Timeline(timeline) => {
                let people = timeline.people().to_vec();
                let ops = timeline.refresh(live).await?;
                self.timeline_diff(account, sub, ops, &people)
            }
        };
        self.stale = false;
        self.due = false;
        self.read = read;
        Ok(diff)
    }

    fn count<T>(&mut self, ops: &[Op<T>]) {
        self.seq += 1;
        if matches!(ops.first(), Some(Op::Reset { .. })) {
            self.r#gen += 1;
        }
    }

    fn list_diff(
        &mut self,
        account: AccountId,
        sub: u64,
        ops: Vec<Op<ConversationItem>>,
        total: usize,
    ) -> Option<Notification> {
        if ops.is_empty() {
            return None;
        }
        self.count(&ops);
        Some(Notification::ConversationsDiff(ConversationsDiff {
            account,
            sub,
            r#gen: self.r#gen,
            seq: self.seq,
            ops,
            total,
        }))
    }

    fn timeline_diff(
        &mut self,
        account: AccountId,
        sub: u64,
        ops: Vec<Op<TimelineItem>>,
        people_before: &[session_core::view::Person],
    ) -> Option<Notification> {
        let Shown::Timeline(timeline) = &self.shown else {
            return None;
        };
        let people = timeline.people().to_vec();
        let people = Some(people).filter(|people| people != people_before);
        let (at_start, at_end) = (timeline.at_start(), timeline.at_end());
        let unread_index = timeline.unread_index();
        if ops.is_empty() && people.is_none() {
            return None;
        }
        self.count(&ops);
        Some(Notification::TimelineDiff(TimelineDiff {
            account,
            sub,
            r#gen: self.r#gen,
            seq: self.seq,
            ops,
            at_start,
            at_end,
            unread_index,
            people,
        }))
    }
}

fn unknown() -> ApiError {
    ApiError::bad_input("api.unknown_subscription", "there is no such subscription")
}
