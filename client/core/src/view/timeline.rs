//! The messages of one conversation.

use core::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_store::{MessageId, Store, StoreError};
use session_types::{AccountId, Timestamp};

use super::build::{Divider, Source};
use super::diff::{Op, diff};
use super::item::TimelineItem;
use super::schema::{MessageNumber, Milliseconds};
use super::window::{MOST, Window, first_since, first_unread};
use super::{Dirty, Live, Person, Reader};
use crate::CoreError;
use crate::model::Model;

/// Messages that can be asked for at once.
const MOST_AT_ONCE: usize = 200;

/// Tells on which day a moment is where the reader is: `2026-11-21`.
pub type DayOf = Arc<dyn Fn(Timestamp) -> String + Send + Sync>;

/// Where a timeline opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "at", rename_all = "snake_case", deny_unknown_fields)]
pub enum Around {
    /// At the newest message.
    #[default]
    End,
    /// At the first unread message; at the end when there is none.
    Unread,
    /// At a message.
    Message {
        /// Its number.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
    },
    /// At the first message of a time or later; at the end when there is none.
    Time {
        /// The time.
        #[schemars(with = "Milliseconds")]
        time: Timestamp,
    },
}

/// Which way a timeline grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the beginning.
    Older,
    /// Towards the end.
    Newer,
}

/// A part of a conversation as it is shown: at most 600 items.
pub struct Timeline {
    reader: Reader,
    conversation: AccountId,
    day_of: DayOf,
    window: Window,
    divider: Option<Divider>,
    /// The newest message that was here at opening: a newer own one takes the divider away.
    newest: Option<MessageId>,
    people: Vec<Person>,
    items: Vec<TimelineItem>,
    unread_index: Option<usize>,
}

impl Timeline {
    /// Reads a conversation around a place.
    ///
    /// # Errors
    /// [`session_store::StoreError::UnknownMessage`] when the message named is not in this
    /// conversation, or a database error.
    pub async fn open(
        reader: Reader,
        conversation: AccountId,
        around: Around,
        live: &Live,
        day_of: DayOf,
    ) -> Result<Self, CoreError> {
        let mut timeline = Self {
            reader,
            conversation,
            day_of,
            window: Window::default(),
            divider: None,
            newest: None,
            people: Vec::new(),
            items: Vec::new(),
            unread_index: None,
        };
        let live = live.clone();
        let day_of = Arc::clone(&timeline.day_of);
        let read = timeline.reader.read(move |model, _| {
            let store = model.store();
            let divider = divider(store, &conversation)?;
            let window = place(store, &conversation, around, divider)?;
            let newest = store.history(&conversation, 1, None)?.pop();
            let made = fit(model, &conversation, window, true, divider, &live, &day_of)?;
            Ok((made, divider, newest.map(|row| row.id)))
        });
        let (made, divider, newest) = read.await?;
        timeline.divider = divider;
        timeline.newest = newest;
        timeline.take(made);
        Ok(timeline)
    }

    /// Whose conversation it is.
    #[must_use]
    pub fn conversation(&self) -> AccountId {
        self.conversation
    }

    /// The other side and the account itself, by name.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// What is shown, oldest first.
    #[must_use]
    pub fn items(&self) -> &[TimelineItem] {
        &self.items
    }

    /// Whether the conversation begins with the first item.
    #[must_use]
    pub fn at_start(&self) -> bool {
        self.window.at_start()
    }

    /// Whether it ends with the last one.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.window.at_end()
    }

    /// Where the separator before what was new at opening is.
    #[must_use]
    pub fn unread_index(&self) -> Option<usize> {
        self.unread_index
    }

    /// Whether something that changed may be shown here.
    #[must_use]
    pub fn concerns(&self, dirty: &Dirty) -> bool {
        dirty.everything
            || dirty.conversations.contains(&self.conversation)
            || dirty.messages.iter().any(|id| self.window.holds(*id))
    }

    /// Shows up to `count` more messages on one side; what is too much goes on the other.
    ///
    /// # Errors
    /// A database error; the timeline is as it was.
    pub async fn more(
        &mut self,
        direction: Direction,
        count: usize,
        live: &Live,
    ) -> Result<Vec<Op<TimelineItem>>, CoreError> {
        let count = count.clamp(1, MOST_AT_ONCE);
        let older = direction == Direction::Older;
        let conversation = self.conversation;
        self.change(live, !older, move |window, store| {
            window.longer(store, &conversation, older, count)
        })
        .await
    }

    /// Brings the timeline up to date.
    ///
    /// # Errors
    /// A database error; the timeline is as it was.
    pub async fn refresh(&mut self, live: &Live) -> Result<Vec<Op<TimelineItem>>, CoreError> {
        let conversation = self.conversation;
        self.change(live, true, move |window, store| {
            window.again(store, &conversation)
        })
        .await
    }

    async fn change<F>(
        &mut self,
        live: &Live,
        cut_start: bool,
        work: F,
    ) -> Result<Vec<Op<TimelineItem>>, CoreError>
    where
        F: FnOnce(Window, &Store) -> Result<Window, StoreError> + Send + 'static,
    {
        let window = self.window.clone();
        let (conversation, newest) = (self.conversation, self.newest);
        let divider = self.divider;
        let live = live.clone();
        let day_of = Arc::clone(&self.day_of);
        let read = self.reader.read(move |model, _| {
            let window = work(window, model.store())?;
            // Whoever writes has seen what was new.
            let wrote = |new: &Divider| {
                window.rows.iter().any(|row| {
                    row.outgoing
                        && newest.is_none_or(|newest| row.id > newest)
                        && (row.sent_at, row.id) > (new.sent_at, new.message)
                })
            };
            let divider = divider.filter(|new| !wrote(new));
            let made = fit(
                model,
                &conversation,
                window,
                cut_start,
                divider,
                &live,
                &day_of,
            )?;
            Ok((made, divider))
        });
        let (made, divider) = read.await?;
        self.divider = divider;
        let ops = diff(&self.items, &made.items);
        self.take(made);
        Ok(ops)
    }

    fn take(&mut self, made: Made) {
        let Made {
            window,
            people,
            items,
            unread_index,
        } = made;
        self.window = window;
        self.people = people;
        self.items = items;
        self.unread_index = unread_index;
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline")
            .field("conversation", &self.conversation)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}

/// A state of a timeline.
struct Made {
    window: Window,
    people: Vec<Person>,
    items: Vec<TimelineItem>,
    unread_index: Option<usize>,
}

/// Makes items of messages, of no more messages than fit.
fn fit(
    model: &Model,
    conversation: &AccountId,
    mut window: Window,
    cut_start: bool,
    divider: Option<Divider>,
    live: &Live,
    day_of: &DayOf,
) -> Result<Made, CoreError> {
    let store = model.store();
    let own_name = model.configs().profile.name();
    let own = Person::new(
        store.account_id(),
        Some(own_name.as_str()).filter(|name| !name.is_empty()),
    )
    .pictured(store)?;
    if window.rows.len() > MOST {
        let surplus = window.rows.len() - MOST;
        window = window.shorter(store, conversation, cut_start, surplus)?;
    }
    let settings = store.conversation_settings(conversation)?;
    let name = settings.as_ref().and_then(|settings| settings.shown_name());
    let mut people = vec![own.clone()];
    if *conversation != own.id {
        people.push(Person::new(*conversation, name).pictured(store)?);
    }
    loop {
        let source = Source::read(store, conversation, own.clone(), window)?;
        let (items, unread_index) = source.items(divider, live, day_of);
        window = source.window;
        let surplus = items.len().saturating_sub(MOST);
        if surplus == 0 {
            return Ok(Made {
                window,
                people,
                items,
                unread_index,
            });
        }
        // Separators take room as well.
        window = window.shorter(store, conversation, cut_start, surplus)?;
    }
}

/// Where what is new begins.
fn divider(store: &Store, conversation: &AccountId) -> Result<Option<Divider>, StoreError> {
    let row = store.conversation(conversation)?;
    let count = row.map_or(0, |row| row.unread);
    if count == 0 {
        return Ok(None);
    }
    let first = first_unread(store, conversation)?;
    Ok(first.map(|first| Divider {
        sent_at: first.sent_at,
        message: first.id,
        count,
    }))
}

/// The window to begin with.
fn place(
    store: &Store,
    conversation: &AccountId,
    around: Around,
    divider: Option<Divider>,
) -> Result<Window, StoreError> {
    let message = match around {
        Around::End => None,
        Around::Unread => match divider {
            Some(divider) => store.message(divider.message)?,
            None => None,
        },
        Around::Message { message_id } => {
            let found = store.message(message_id)?;
            let here = found.filter(|row| row.conversation == *conversation);
            Some(here.ok_or(StoreError::UnknownMessage)?)
        }
        Around::Time { time } => first_since(store, conversation, time)?,
    };
    match message {
        Some(message) => Window::around_message(store, conversation, &message),
        None => Window::at_the_end(store, conversation),
    }
}
