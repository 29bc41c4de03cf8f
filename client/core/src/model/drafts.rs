//! What was begun to be written.

use session_store::{DraftFile, MessageId};
use session_types::AccountId;

use super::{MOST_FILES, Tx};
use crate::CoreError;

/// What is kept of a draft.
#[derive(Debug, Clone, Default)]
pub(crate) struct Begun {
    /// The text.
    pub(crate) text: String,
    /// The message it answers.
    pub(crate) reply_to: Option<MessageId>,
    /// The files that go with it; `None`: those it has.
    pub(crate) files: Option<Vec<DraftFile>>,
}

impl Tx<'_> {
    /// Keeps what was begun to be written. What it answers is left out when it cannot be answered:
    /// that is no reason to lose a text.
    pub(crate) fn set_draft(&mut self, id: &AccountId, begun: Begun) -> Result<(), CoreError> {
        let Begun {
            text,
            reply_to,
            files,
        } = begun;
        if let Some(files) = &files
            && files.len() > MOST_FILES
        {
            return Err(CoreError::TooManyFiles {
                found: files.len(),
                limit: MOST_FILES,
            });
        }
        if self.store.conversation_settings(id)?.is_none() {
            self.project(*id)?;
        }
        let reply_to = reply_to.filter(|answered| self.quotable(id, *answered).is_ok());
        let mut is_new = self.store.set_draft(id, &text)?;
        is_new |= self.store.set_draft_reply(id, reply_to)?;
        if let Some(files) = files {
            is_new |= self.store.set_draft_files(id, &files)?;
        }
        if is_new {
            self.touch(*id);
        }
        Ok(())
    }
}
