//! Deletions on this device that can still be undone: not shown any more, and removed when their
//! time has come. Which ones these are is in the database: neither a restart nor a crash brings a
//! message back that nobody brought back, and none is lost that can still be brought back.

use core::time::Duration;
use std::collections::BTreeMap;

use session_store::{ConversationRow, MessageId, MessageState, Store, StoreError};
use session_types::Timestamp;

use super::Tx;
use crate::{CoreError, DeleteFor};

/// Where they are kept.
const KEY: &str = "undoable deletions";
/// How many wait at a time; more are removed at once.
const MOST: usize = 1000;

/// Messages that are to be removed, each with the time of it.
pub(crate) type Undoable = BTreeMap<MessageId, Timestamp>;

/// The deletions that can still be undone.
pub(crate) fn undoable(store: &Store) -> Result<Undoable, StoreError> {
    let Some(kept) = store.setting(KEY)? else {
        return Ok(Undoable::new());
    };
    let pairs: Vec<(i64, u64)> = serde_json::from_str(&kept).unwrap_or_default();
    let undoable = pairs.into_iter();
    Ok(undoable
        .map(|(id, at)| (MessageId::new(id), Timestamp::from_ms(at)))
        .collect())
}

/// A row of the list without what is to be removed.
pub(crate) fn listed(
    store: &Store,
    undoable: &Undoable,
    mut row: ConversationRow,
) -> Result<ConversationRow, StoreError> {
    let is_gone = |id: &MessageId| undoable.contains_key(id);
    if row
        .last_message
        .as_ref()
        .is_some_and(|last| is_gone(&last.id))
    {
        let most = u32::try_from(undoable.len() + 1).unwrap_or(u32::MAX);
        let rows = store.history(&row.id(), most, None)?;
        row.last_message = rows.into_iter().rev().find(|row| !is_gone(&row.id));
    }
    Ok(row)
}

impl Tx<'_> {
    /// Deletes a message on this device, so that it can be brought back for a while. False when it
    /// went for good: what is still to be sent must not go out meanwhile.
    pub(crate) fn delete_undoably(
        &mut self,
        message: MessageId,
        period: Duration,
    ) -> Result<bool, CoreError> {
        let row = self.message(message)?;
        let mut undoable = undoable(self.store)?;
        let rests = matches!(row.state, MessageState::Sent | MessageState::Received);
        if !rests || undoable.len() >= MOST {
            self.delete(message, DeleteFor::ThisDevice)?;
            return Ok(false);
        }
        undoable.insert(message, self.now.plus(period));
        self.keep_undoable(&undoable)?;
        self.changes.disappearing = true;
        self.touch(row.conversation);
        Ok(true)
    }

    /// Brings a message back. False when it is gone for good.
    pub(crate) fn undelete(&mut self, message: MessageId) -> Result<bool, CoreError> {
        let mut undoable = undoable(self.store)?;
        let was_there = undoable.remove(&message).is_some();
        let row = self.store.message(message)?;
        if was_there {
            self.keep_undoable(&undoable)?;
        }
        if let Some(row) = &row {
            self.touch(row.conversation);
        }
        Ok(was_there && row.is_some())
    }

    /// Removes for good what was to be removed by this time. Returns when the next is due.
    pub(crate) fn remove_undoable(
        &mut self,
        until: Timestamp,
    ) -> Result<Option<Timestamp>, CoreError> {
        let mut undoable = undoable(self.store)?;
        let due: Vec<MessageId> = undoable
            .iter()
            .filter(|(_, at)| **at <= until)
            .map(|(id, _)| *id)
            .collect();
        for id in &due {
            undoable.remove(id);
            match self.delete(*id, DeleteFor::ThisDevice) {
                // It went in another way meanwhile.
                Err(CoreError::Store(StoreError::UnknownMessage)) => {}
                done => done?,
            }
        }
        if !due.is_empty() {
            self.keep_undoable(&undoable)?;
        }
        Ok(undoable.into_values().min())
    }

    fn keep_undoable(&mut self, undoable: &Undoable) -> Result<(), CoreError> {
        if undoable.is_empty() {
            return Ok(self.store.remove_setting(KEY)?);
        }
        let pairs: Vec<(i64, u64)> = undoable
            .iter()
            .map(|(id, at)| (id.get(), at.as_ms()))
            .collect();
        let kept = serde_json::to_string(&pairs).map_err(|_| CoreError::Interrupted)?;
        Ok(self.store.set_setting(KEY, &kept)?)
    }
}
