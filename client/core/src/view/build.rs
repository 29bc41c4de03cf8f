//! Rows of the database become items of a timeline.

use core::time::Duration;
use std::collections::BTreeMap;

use session_store::{
    FileRow, FileState, MessageId, MessageKind, MessageRow, MessageState, QuoteRef, ReactionRow,
    Store, StoreError,
};
use session_types::{AccountId, Timestamp};

use super::excerpt::excerpt;
use super::item::{
    Delivery, FileStatus, FileView, InvitationView, ItemContent, MessageItem, Notice, NoticeItem,
    PreviewView, QuoteState, QuoteView, ReactionView, TimelineItem,
};
use super::spans::{mentioned, spans};
use super::timeline::DayOf;
use super::window::Window;
use super::{Live, Person, Text, Timer};
use crate::model::{Undoable, undoable};

/// Messages of one person with less time between them are a run.
const RUN: Duration = Duration::from_secs(3 * 60);

/// A window with all that its messages refer to.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) window: Window,
    /// The account itself.
    pub(super) own: Person,
    /// The user's own setting in the conversation.
    timer: Timer,
    reactions: BTreeMap<MessageId, Vec<ReactionRow>>,
    files: BTreeMap<MessageId, Vec<FileRow>>,
    previews: BTreeMap<MessageId, FileRow>,
    quotes: BTreeMap<(AccountId, Timestamp), (MessageRow, Option<FileRow>)>,
    names: BTreeMap<AccountId, Text>,
    /// Deleted for now.
    undoable: Undoable,
}

/// Where what was new at opening begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divider {
    pub(super) sent_at: Timestamp,
    pub(super) message: MessageId,
    pub(super) count: u32,
}

impl Source {
    /// Reads what the messages of a window refer to.
    pub(super) fn read(
        store: &Store,
        conversation: &AccountId,
        own: Person,
        window: Window,
    ) -> Result<Self, StoreError> {
        let settings = store.conversation_settings(conversation)?;
        let mut source = Self {
            own,
            timer: settings
                .map(|settings| settings.expiration.into())
                .unwrap_or_default(),
            reactions: BTreeMap::new(),
            files: BTreeMap::new(),
            previews: BTreeMap::new(),
            quotes: BTreeMap::new(),
            names: BTreeMap::new(),
            undoable: undoable(store)?,
            window,
        };
        let ids: Vec<_> = source.window.rows.iter().map(|row| row.id).collect();
        for reaction in store.reactions(&ids)? {
            let of_message = source.reactions.entry(reaction.message).or_default();
            of_message.push(reaction);
        }
        let rows = core::mem::take(&mut source.window.rows);
        for row in &rows {
            if row.details.attachments > 0 {
                source.files.insert(row.id, store.files_of(row.id)?);
            }
            if row.details.preview.is_some()
                && let Some(image) = store.preview_image(row.id)?
            {
                source.previews.insert(row.id, image);
            }
            if let Some(QuoteRef { author, sent_at }) = row.details.quote {
                source.name(store, author)?;
                let known = source.quotes.contains_key(&(author, sent_at));
                if !known && let Some(original) = store.message_by_sender(&author, sent_at)? {
                    let file = match original.details.attachments {
                        0 => None,
                        _ => store.files_of(original.id)?.into_iter().next(),
                    };
                    source.quotes.insert((author, sent_at), (original, file));
                }
            }
            for id in mentioned(&row.body) {
                source.name(store, id)?;
            }
        }
        source.window.rows = rows;
        Ok(source)
    }

    /// Learns what somebody is called.
    fn name(&mut self, store: &Store, id: AccountId) -> Result<(), StoreError> {
        if id == self.own.id || self.names.contains_key(&id) {
            return Ok(());
        }
        let settings = store.conversation_settings(&id)?;
        let name = settings.as_ref().and_then(|settings| settings.shown_name());
        self.names.insert(id, Person::new(id, name).name);
        Ok(())
    }

    fn called(&self, id: &AccountId) -> (Text, bool) {
        let me = *id == self.own.id;
        let name = if me {
            Some(&self.own.name)
        } else {
            self.names.get(id)
        };
        (name.cloned().unwrap_or_else(|| id.short().into()), me)
    }

    /// The items of the timeline, and where among them the divider is.
    pub(super) fn items(
        &self,
        divider: Option<Divider>,
        live: &Live,
        day_of: &DayOf,
    ) -> (Vec<TimelineItem>, Option<usize>) {
        let mut items: Vec<TimelineItem> = Vec::new();
        let mut unread_index = None;
        let shown = |row: &&MessageRow| !self.undoable.contains_key(&row.id);
        let rows: Vec<&MessageRow> = self.window.rows.iter().filter(shown).collect();
        let mut day = None;
        let mut divider = divider;
        let mut previous = self.window.before.as_ref();
        for (index, row) in rows.iter().copied().enumerate() {
            let today = day_of(row.sent_at);
            if day.as_ref() != Some(&today) {
                let date = today.clone();
                items.push(TimelineItem::new(ItemContent::Day { date }));
                day = Some(today);
            }
            let mut divided = false;
            if let Some(new) =
                divider.take_if(|new| (row.sent_at, row.id) >= (new.sent_at, new.message))
            {
                unread_index = Some(items.len());
                divided = true;
                let count = new.count;
                items.push(TimelineItem::new(ItemContent::Unread { count }));
            }
            let next = rows.get(index + 1).copied();
            let next = next.or(self.window.after.as_ref());
            let next_divided =
                next.is_some_and(|next| divider.is_some_and(|new| new.message == next.id));
            let first = divided || previous.is_none_or(|before| !is_run(before, row, day_of));
            let last = next_divided || next.is_none_or(|after| !is_run(row, after, day_of));
            items.push(TimelineItem::new(self.content(row, first, last, live)));
            previous = Some(row);
        }
        (items, unread_index)
    }

    fn content(&self, row: &MessageRow, first: bool, last: bool, live: &Live) -> ItemContent {
        let notice = match row.kind {
            MessageKind::Text | MessageKind::Invitation => {
                return ItemContent::Message(Box::new(self.message(row, first, last, live)));
            }
            MessageKind::Deleted => {
                return ItemContent::Deleted {
                    message_id: row.id,
                    author: row.sender,
                    mine: row.outgoing,
                    sent_at: row.sent_at,
                };
            }
            MessageKind::TimerChange => {
                let timer = row.expiration.into();
                Notice::TimerChanged {
                    timer,
                    differs: !row.outgoing && timer != self.timer,
                }
            }
            MessageKind::RequestAccepted => Notice::RequestAccepted,
            MessageKind::Screenshot => Notice::Screenshot,
            MessageKind::MediaSaved => Notice::MediaSaved {
                of: row.details.saved,
            },
        };
        ItemContent::Notice(NoticeItem {
            message_id: row.id,
            author: row.sender,
            mine: row.outgoing,
            sent_at: row.sent_at,
            notice,
            state: delivery(row, live),
        })
    }

    fn message(&self, row: &MessageRow, first: bool, last: bool, live: &Live) -> MessageItem {
        let details = &row.details;
        MessageItem {
            message_id: row.id,
            author: row.sender,
            mine: row.outgoing,
            sent_at: row.sent_at,
            time_unsure: row.time_unsure,
            first_in_run: first,
            last_in_run: last,
            spans: spans(&row.body, |id| self.called(id)),
            mentions_me: row.mentions_me,
            quote: details.quote.map(|quote| self.quote(quote, row)),
            preview: details.preview.as_ref().map(|preview| PreviewView {
                url: preview.url.as_str().into(),
                title: preview.title.as_deref().map(Text::from),
                image: self
                    .previews
                    .get(&row.id)
                    .map(|file| FileView::of(file, live.moved(file.message, file.index))),
            }),
            invitation: details.invitation.as_ref().map(|room| InvitationView {
                url: room.url.as_str().into(),
                name: room.name.as_str().into(),
            }),
            attachments: details.attachments,
            files: self
                .files
                .get(&row.id)
                .into_iter()
                .flatten()
                .map(|file| FileView::of(file, live.moved(file.message, file.index)))
                .collect(),
            reactions: self.reactions(row.id),
            state: delivery(row, live),
            timer: row.expiration.into(),
            disappears_at: row.disappears_at,
        }
    }

    fn quote(&self, quote: QuoteRef, row: &MessageRow) -> QuoteView {
        let (name, mine) = self.called(&quote.author);
        let original = self
            .quotes
            .get(&(quote.author, quote.sent_at))
            // What others wrote elsewhere is nothing that this writer could have answered.
            .filter(|(original, _)| original.conversation == row.conversation);
        let original = match original {
            None => QuoteState::NotFound,
            Some((original, file)) => match original.kind {
                MessageKind::Deleted => QuoteState::Deleted,
                _ => QuoteState::Found {
                    message_id: original.id,
                    excerpt: excerpt(&original.body),
                    attachments: original.details.attachments,
                    file: file.as_ref().map(|file| Box::new(FileView::of(file, None))),
                },
            },
        };
        QuoteView {
            author: quote.author,
            name,
            mine,
            original,
        }
    }

    fn reactions(&self, message: MessageId) -> Vec<ReactionView> {
        let mut grouped: Vec<ReactionView> = Vec::new();
        for reaction in self.reactions.get(&message).into_iter().flatten() {
            let mine = reaction.author == self.own.id;
            match grouped
                .iter_mut()
                .find(|group| group.emoji == reaction.emoji)
            {
                Some(group) => {
                    group.count += 1;
                    group.mine |= mine;
                    group.who.push(reaction.author);
                }
                None => grouped.push(ReactionView {
                    emoji: reaction.emoji.clone(),
                    count: 1,
                    mine,
                    who: vec![reaction.author],
                }),
            }
        }
        grouped
    }
}

impl FileView {
    /// A file as far as the database says, and of one on its way the bytes that have moved and
    /// all there are to move.
    #[must_use]
    pub fn of(file: &FileRow, moved: Option<(u64, u64)>) -> Self {
        let info = &file.info;
        let text = |text: &Option<String>| text.as_deref().map(Text::from);
        let here = file.blob.as_ref().map(session_store::Blob::size);
        let sound = file.sound.as_ref();
        Self {
            index: file.index,
            name: text(&info.name),
            mime: text(&info.mime),
            size: here.or(info.size),
            caption: text(&info.caption),
            width: info.dimensions.map(|(width, _)| width),
            height: info.dimensions.map(|(_, height)| height),
            voice: info.is_voice_message,
            waveform: sound
                .map(|sound| sound.waveform.clone())
                .unwrap_or_default(),
            duration_ms: sound.map(|sound| sound.duration_ms),
            unheard: file.is_unheard,
            state: match (&file.state, moved) {
                (FileState::Queued, Some((done, total))) => FileStatus::Moving { done, total },
                (state, _) => FileStatus::from(state),
            },
        }
    }
}

impl From<&FileState> for FileStatus {
    /// Of what is on its way the database does not say how far it is.
    fn from(state: &FileState) -> Self {
        match state {
            FileState::Remote => Self::Remote,
            FileState::Queued => Self::Waiting,
            FileState::Here => Self::Here,
            FileState::Failed { reason } => Self::Failed {
                reason: reason.clone(),
            },
            FileState::Gone { reason } => Self::Gone {
                reason: reason.clone(),
            },
        }
    }
}

/// Whether two messages, one after the other, are of one run.
fn is_run(before: &MessageRow, after: &MessageRow, day_of: &DayOf) -> bool {
    before.kind.is_written()
        && after.kind.is_written()
        && before.sender == after.sender
        && after.sent_at.since(before.sent_at) < RUN
        && day_of(before.sent_at) == day_of(after.sent_at)
}

impl Delivery {
    /// Where a message stands, as far as the database says.
    #[must_use]
    pub fn of(row: &MessageRow) -> Self {
        delivery(row, &Live::default())
    }
}

/// Where a message stands.
pub(super) fn delivery(row: &MessageRow, live: &Live) -> Delivery {
    match (&row.state, row.read_at) {
        (MessageState::Received, _) => Delivery::Received,
        (MessageState::Failed { reason }, _) => Delivery::Failed {
            reason: reason.clone(),
        },
        (MessageState::Sending, _) => live.waits(row.id).unwrap_or(Delivery::Sending),
        (MessageState::Sent, Some(at)) => Delivery::Read { at },
        (MessageState::Sent, None) => Delivery::Sent,
    }
}
