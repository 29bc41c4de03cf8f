//! What was read, receipts, and messages that disappear (docs/protocol/client.md sections 5.2,
//! 5.6 and 5.13).

use session_messages::{Content, Expiration, ReadReceipt};
use session_store::{MessageId, MessageRow, SwarmTaskKind};
use session_types::{AccountId, MessageHash, Timestamp};

use super::Tx;
use super::contacts::Way;
use super::profile::conversation;
use crate::CoreError;

/// Messages removed in one transaction when their time has come.
const REMOVED_AT_ONCE: u32 = 100;
/// Times in one receipt.
const RECEIPT_TIMES: usize = 256;

impl Tx<'_> {
    /// The user has seen a conversation up to a sent time, or all of it.
    pub(crate) fn mark_read(
        &mut self,
        id: &AccountId,
        up_to: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        let newest = self.store.newest_received(id)?;
        let up_to = match (up_to, newest) {
            (Some(up_to), Some(newest)) => Some(up_to.min(newest)),
            (_, newest) => newest,
        };
        if let Some(up_to) = up_to {
            let read = self.read(id, up_to)?;
            self.start_timers(&read)?;
            self.send_receipts(id, &read)?;
        }
        self.set_unread_mark(id, false)
    }

    /// Everything in a conversation is read, because the user wrote in it.
    pub(super) fn read_up_to_newest(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.mark_read(id, None)
    }

    /// The user wrote at another device: all that came before is read.
    pub(super) fn read_elsewhere(
        &mut self,
        id: &AccountId,
        up_to: Timestamp,
    ) -> Result<(), CoreError> {
        let read = self.read(id, up_to)?;
        self.ask_expiries(&read)
    }

    /// Marks rows as read and tells the other devices. Returns what was not read before.
    fn read(&mut self, id: &AccountId, up_to: Timestamp) -> Result<Vec<MessageRow>, CoreError> {
        let rows = self.store.mark_read(id, up_to)?;
        let known = self.store.conversation_settings(id)?;
        let last_read = known.map(|known| known.last_read).unwrap_or_default();
        if up_to > last_read {
            self.configs
                .reads
                .mark_read(&conversation(*id), up_to, self.now)?;
            self.project(*id)?;
            // The config does not take a time of more than 30 days ago.
            if let Some(mut settings) = self.store.conversation_settings(id)?
                && settings.last_read < up_to
            {
                settings.last_read = up_to;
                self.store.save_conversation(&settings)?;
            }
        }
        if !rows.is_empty() {
            self.touch(*id);
        }
        Ok(rows)
    }

    /// Sets or clears the mark that brings the user back to a conversation.
    pub(crate) fn set_unread_mark(
        &mut self,
        id: &AccountId,
        unread: bool,
    ) -> Result<(), CoreError> {
        let name = conversation(*id);
        let state = self.configs.reads.get(&name);
        if state.is_some_and(|state| state.unread) != unread {
            self.configs.reads.mark_unread(&name, unread, self.now)?;
            self.project(*id)?;
        }
        Ok(())
    }

    /// After a merge: what other devices read is read here.
    pub(super) fn adopt_read_state(&mut self, id: &AccountId) -> Result<(), CoreError> {
        let known = self.store.conversation_settings(id)?;
        if known.is_none() && *id != self.own() {
            // Nothing is known of this person yet, or no more.
            return Ok(());
        }
        let name = conversation(*id);
        let mut state = self.configs.reads.get(&name).unwrap_or_default();
        let is_shown = known.as_ref().is_none_or(|known| known.priority >= 0);
        let here = known.map(|known| known.last_read).unwrap_or_default();
        if here > state.last_read && is_shown {
            // Of two devices that read at once, the one that read less may have won.
            self.configs.reads.mark_read(&name, here, self.now)?;
            self.configs
                .reads
                .mark_unread(&name, state.unread, self.now)?;
            state.last_read = here;
        }
        let rows = self.store.mark_read(id, state.last_read)?;
        if !rows.is_empty() {
            self.touch(*id);
        }
        self.ask_expiries(&rows)?;
        self.project(*id)
    }

    /// Messages that disappear after reading begin to now; the own swarm is told, and through it
    /// the other devices.
    fn start_timers(&mut self, read: &[MessageRow]) -> Result<(), CoreError> {
        for row in read {
            if let Expiration::AfterRead(_) = row.expiration {
                self.start_timer(row.id, row.expiration, row.hash.as_ref())?;
            }
        }
        Ok(())
    }

    pub(super) fn start_timer(
        &mut self,
        message: MessageId,
        expiration: Expiration,
        hash: Option<&MessageHash>,
    ) -> Result<(), CoreError> {
        let Some(timer) = expiration.timer() else {
            return Ok(());
        };
        let at = self.now.plus(timer);
        self.store.set_disappears_at(message, at)?;
        if let Some(hash) = hash {
            let shorten = SwarmTaskKind::Shorten(at);
            self.store
                .queue_swarm_task(shorten, hash, Some(message), self.now)?;
            self.changes.tasks = true;
        }
        self.changes.disappearing = true;
        Ok(())
    }

    /// Read at another device, which has told the swarm when they disappear.
    fn ask_expiries(&mut self, read: &[MessageRow]) -> Result<(), CoreError> {
        for row in read {
            if let (Expiration::AfterRead(_), Some(hash)) = (row.expiration, &row.hash) {
                let ask = SwarmTaskKind::AskExpiry;
                self.store
                    .queue_swarm_task(ask, hash, Some(row.id), self.now)?;
                self.changes.tasks = true;
            }
        }
        Ok(())
    }

    /// Tells the writer of messages that they were read, if both sides want that.
    fn send_receipts(&mut self, id: &AccountId, read: &[MessageRow]) -> Result<(), CoreError> {
        let contact = self.contact(id);
        let welcome = contact.approved && contact.approved_me && !contact.blocked;
        if *id == self.own() || !welcome || !self.settings()?.read_receipts {
            return Ok(());
        }
        let times: Vec<_> = read
            .iter()
            .filter(|row| row.kind.is_written() && !row.outgoing)
            .map(|row| row.sent_at)
            .collect();
        for times in times.chunks(RECEIPT_TIMES) {
            let content = Content::from(ReadReceipt::new(times.to_vec())?);
            self.queue_content(*id, &content, Way::Quietly)?;
        }
        Ok(())
    }

    /// Removes messages whose time has come. True when there are more.
    pub(crate) fn remove_disappeared(&mut self) -> Result<bool, CoreError> {
        let gone = self.store.remove_disappeared(self.now, REMOVED_AT_ONCE)?;
        let more = gone.len() >= REMOVED_AT_ONCE as usize;
        for (message, conversation) in gone {
            self.changes.removed.push(message);
            self.touch(conversation);
        }
        Ok(more)
    }

    /// The own swarm keeps a message until this time, or no longer has it: it disappears then.
    pub(crate) fn swarm_expiry(
        &mut self,
        message: MessageId,
        expiry: Option<Timestamp>,
    ) -> Result<(), CoreError> {
        let at = expiry.unwrap_or(self.now);
        if self.store.set_disappears_at(message, at)? {
            self.changes.disappearing = true;
        }
        Ok(())
    }
}
