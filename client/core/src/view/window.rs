//! Which messages of a conversation a timeline holds, and reading them.

use session_store::{MessageId, MessageRow, Store, StoreError};
use session_types::{AccountId, Timestamp};

/// Messages a window begins with.
pub(super) const PAGE: usize = 60;
/// Items a window holds at most; what is more goes from the far side.
pub(super) const MOST: usize = 600;
/// Of a window around a place, the part before it.
const BEFORE: usize = PAGE / 3;
/// Messages looked through at once for the first unread one or for a date.
const STRIDE: u32 = 1000;

/// Messages side by side, and what lies beside them.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    /// Oldest first.
    pub(super) rows: Vec<MessageRow>,
    /// The message before the first one; none at the start of the conversation.
    pub(super) before: Option<MessageRow>,
    /// The message after the last one; none at the end.
    pub(super) after: Option<MessageRow>,
}

impl Window {
    pub(super) fn at_start(&self) -> bool {
        self.before.is_none()
    }

    pub(super) fn at_end(&self) -> bool {
        self.after.is_none()
    }

    pub(super) fn holds(&self, id: MessageId) -> bool {
        self.rows.iter().any(|row| row.id == id)
    }

    /// The newest messages.
    pub(super) fn at_the_end(store: &Store, conversation: &AccountId) -> Result<Self, StoreError> {
        let rows = store.history(conversation, number(PAGE), None)?;
        Self::around(store, conversation, rows)
    }

    /// The messages around one: a third of them before it.
    pub(super) fn around_message(
        store: &Store,
        conversation: &AccountId,
        message: &MessageRow,
    ) -> Result<Self, StoreError> {
        let mut rows = store.history(conversation, number(BEFORE), Some(message.id))?;
        rows.push(message.clone());
        let after = number(PAGE - rows.len());
        rows.extend(store.history_after(conversation, after, message.id)?);
        if rows.len() < PAGE
            && let Some(first) = rows.first()
        {
            // The conversation ends soon: more of what was before.
            let missing = number(PAGE - rows.len());
            let mut longer = store.history(conversation, missing, Some(first.id))?;
            longer.append(&mut rows);
            rows = longer;
        }
        Self::around(store, conversation, rows)
    }

    /// `count` more messages before or after these.
    pub(super) fn longer(
        mut self,
        store: &Store,
        conversation: &AccountId,
        older: bool,
        count: usize,
    ) -> Result<Self, StoreError> {
        let edge = if older {
            self.rows.first()
        } else {
            self.rows.last()
        };
        let Some(edge) = edge.map(|row| row.id) else {
            return Self::at_the_end(store, conversation);
        };
        if older {
            let mut rows = store.history(conversation, number(count), Some(edge))?;
            rows.append(&mut self.rows);
            self.rows = rows;
        } else {
            let rows = store.history_after(conversation, number(count), edge)?;
            self.rows.extend(rows);
        }
        Self::around(store, conversation, self.rows)
    }

    /// The same place as the database has it now: what is left of the messages, what came
    /// between them, and at the end of the conversation what came after them.
    pub(super) fn again(
        &self,
        store: &Store,
        conversation: &AccountId,
    ) -> Result<Self, StoreError> {
        let Some(first) = self.first_left(store)? else {
            return Self::at_the_end(store, conversation);
        };
        let at_most = number(MOST + PAGE);
        let mut rows = store.history_after(conversation, at_most, first.id)?;
        rows.insert(0, first);
        if self.at_end() {
            if rows.len() > MOST + PAGE {
                // Much has come at once: whoever looks at the end looks at the new end.
                rows = store.history(conversation, number(MOST), None)?;
            }
        } else {
            let last = rows.iter().rposition(|row| self.holds(row.id));
            rows.truncate(last.map_or(1, |last| last + 1));
        }
        if self.at_start()
            && let Some(first) = rows.first()
        {
            let mut earlier = store.history(conversation, number(PAGE), Some(first.id))?;
            earlier.append(&mut rows);
            rows = earlier;
        }
        Self::around(store, conversation, rows)
    }

    /// Lets messages go at one side.
    pub(super) fn shorter(
        mut self,
        store: &Store,
        conversation: &AccountId,
        at_start: bool,
        count: usize,
    ) -> Result<Self, StoreError> {
        let count = count.min(self.rows.len().saturating_sub(1));
        if at_start {
            self.rows.drain(..count);
        } else {
            self.rows.truncate(self.rows.len() - count);
        }
        Self::around(store, conversation, self.rows)
    }

    /// The first message that is still there. One whose time may yet be corrected marks no
    /// place, unless there is no other.
    fn first_left(&self, store: &Store) -> Result<Option<MessageRow>, StoreError> {
        let mut unsure = None;
        for row in &self.rows {
            match store.message(row.id)? {
                Some(found) if !row.time_unsure => return Ok(Some(found)),
                Some(found) => unsure = unsure.or(Some(found)),
                None => {}
            }
        }
        Ok(unsure)
    }

    fn around(
        store: &Store,
        conversation: &AccountId,
        rows: Vec<MessageRow>,
    ) -> Result<Self, StoreError> {
        let before = match rows.first() {
            Some(first) => store.history(conversation, 1, Some(first.id))?.pop(),
            None => None,
        };
        let after = match rows.last() {
            Some(last) => store.history_after(conversation, 1, last.id)?.pop(),
            None => None,
        };
        Ok(Self {
            rows,
            before,
            after,
        })
    }
}

/// The oldest unread message of a conversation.
pub(super) fn first_unread(
    store: &Store,
    conversation: &AccountId,
) -> Result<Option<MessageRow>, StoreError> {
    let row = store.conversation(conversation)?;
    let mut left = row.map_or(0, |row| row.unread);
    let mut first = None;
    back(store, conversation, |row| {
        if left == 0 {
            return false;
        }
        if row.unread {
            left -= 1;
            first = Some(row);
        }
        true
    })?;
    Ok(first)
}

/// The first message written at `time` or later.
pub(super) fn first_since(
    store: &Store,
    conversation: &AccountId,
    time: Timestamp,
) -> Result<Option<MessageRow>, StoreError> {
    let mut first = None;
    back(store, conversation, |row| {
        let later = row.sent_at >= time;
        if later {
            first = Some(row);
        }
        later
    })?;
    Ok(first)
}

/// Looks at messages from the newest to the oldest, until `look` says that it was enough.
fn back(
    store: &Store,
    conversation: &AccountId,
    mut look: impl FnMut(MessageRow) -> bool,
) -> Result<(), StoreError> {
    let mut before = None;
    loop {
        let rows = store.history(conversation, STRIDE, before)?;
        let Some(oldest) = rows.first() else {
            return Ok(());
        };
        before = Some(oldest.id);
        for row in rows.into_iter().rev() {
            if !look(row) {
                return Ok(());
            }
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
