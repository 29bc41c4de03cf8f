//! Deleting messages and conversations (docs/protocol/client.md section 5.5).

use session_messages::{Content, UnsendRequest};
use session_store::{Effect, MessageId, MessageKind, SwarmTaskKind};
use session_types::AccountId;

use super::Tx;
use super::contacts::Way;
use super::profile::conversation;
use crate::{CoreError, DeleteFor};

impl Tx<'_> {
    /// Deletes a message for those named.
    pub(crate) fn delete(&mut self, message: MessageId, whom: DeleteFor) -> Result<(), CoreError> {
        let row = self.message(message)?;
        let own = self.own();
        let note = row.conversation == own;
        match whom {
            DeleteFor::ThisDevice => {}
            DeleteFor::MyDevices if note => {}
            DeleteFor::MyDevices => return Err(CoreError::OnlyInNotes),
            DeleteFor::Everyone if note => return Err(CoreError::OnlyForOwnDevices),
            DeleteFor::Everyone if !row.outgoing => return Err(CoreError::NotYours),
            DeleteFor::Everyone if !row.kind.is_written() => return Err(CoreError::NotYours),
            DeleteFor::Everyone => {}
        }
        // What nobody can have yet needs no request to forget it.
        let known_to_others = self.store.was_tried(message)?;
        if whom != DeleteFor::ThisDevice && known_to_others {
            let request = UnsendRequest {
                sent_at: row.sent_at,
                author: row.sender,
            };
            let content = Content::from(request);
            let way = if note { Way::Copy } else { Way::Both };
            self.queue_content(row.conversation, &content, way)?;
            if let Some(hash) = &row.hash {
                self.store
                    .queue_swarm_task(SwarmTaskKind::Delete, hash, None, self.now)?;
                self.changes.tasks = true;
            }
        }
        if whom == DeleteFor::Everyone && known_to_others {
            self.store.cancel_jobs(message)?;
            let deletion = Effect::Deletion;
            self.store
                .apply_effect(&row.sender, row.sent_at, &own, &deletion, self.now)?;
        } else {
            self.store.remove_message(message, self.now)?;
        }
        self.changes.removed.push(message);
        self.touch(row.conversation);
        Ok(())
    }

    /// Somebody asks to forget a message of theirs. Only the writer may: the sender of the
    /// request is its author.
    pub(super) fn unsent(
        &mut self,
        author: &AccountId,
        request: &UnsendRequest,
    ) -> Result<(), CoreError> {
        let own = self.own();
        let found = self.store.message_by_sender(author, request.sent_at)?;
        let (effect, now) = (Effect::Deletion, self.now);
        let Some(row) = found else {
            // It may still come.
            self.store
                .apply_effect(author, request.sent_at, author, &effect, now)?;
            return Ok(());
        };
        if let Some(hash) = &row.hash {
            self.store
                .queue_swarm_task(SwarmTaskKind::Delete, hash, None, now)?;
            self.changes.tasks = true;
        }
        if row.conversation == own || !row.kind.is_written() {
            if row.kind != MessageKind::Deleted {
                self.store.remove_message(row.id, now)?;
            }
        } else {
            self.store.cancel_jobs(row.id)?;
            self.store
                .apply_effect(author, request.sent_at, author, &effect, now)?;
        }
        self.changes.removed.push(row.id);
        self.touch(row.conversation);
        Ok(())
    }

    /// Removes all messages of a conversation from this device.
    pub(crate) fn clear(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.store.clear_conversation(id, self.now)?;
        self.touch(*id);
        Ok(())
    }

    /// Removes a conversation from all own devices; the person stays a contact.
    pub(crate) fn delete_conversation(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.store.clear_conversation(id, self.now)?;
        self.store.clear_draft(id)?;
        self.configs.reads.erase(&conversation(*id))?;
        self.begin_version()?;
        self.set_priority(id, -1)?;
        self.touch(*id);
        Ok(())
    }

    /// Forgets a person, with the conversation, on all own devices.
    pub(crate) fn delete_contact(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.refuse_own(id)?;
        self.begin_version()?;
        self.configs.contacts.erase(id)?;
        self.forget(id)
    }

    /// What a contact that is gone leaves behind.
    pub(super) fn forget(&mut self, id: &AccountId) -> Result<(), CoreError> {
        self.configs.reads.erase(&conversation(*id))?;
        self.store.remove_conversation(id, self.now)?;
        self.touch(*id);
        Ok(())
    }
}
