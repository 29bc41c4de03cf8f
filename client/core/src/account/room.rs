//! The room that files take on this device.

use session_store::FilesUsage;
use session_types::{AccountId, Timestamp};

use super::Account;
use crate::CoreError;

impl Account {
    /// How much room files take on this device, in all or those of one conversation.
    ///
    /// # Errors
    /// A database error.
    pub async fn files_usage(
        &self,
        conversation: Option<AccountId>,
    ) -> Result<FilesUsage, CoreError> {
        self.shared
            .model
            .read(move |store| store.files_usage(conversation.as_ref()))
            .await
    }

    /// How much room [`Self::drop_copies`] would free.
    ///
    /// # Errors
    /// A database error.
    pub async fn droppable_copies(
        &self,
        conversation: Option<AccountId>,
        before: Option<Timestamp>,
    ) -> Result<FilesUsage, CoreError> {
        self.shared
            .model
            .read(move |store| store.droppable_copies(conversation.as_ref(), before))
            .await
    }

    /// Removes the copies of files that came, in all conversations or in one, of messages of any
    /// time or sent before one, from this device. They can be asked for again as long as their
    /// server has them. Returns how many went, and the room they took.
    ///
    /// # Errors
    /// A database error.
    pub async fn drop_copies(
        &self,
        conversation: Option<AccountId>,
        before: Option<Timestamp>,
    ) -> Result<FilesUsage, CoreError> {
        self.change(move |tx| {
            let (dropped, touched) = tx.store.drop_copies(conversation.as_ref(), before)?;
            for conversation in touched {
                tx.touch(conversation);
            }
            Ok(dropped)
        })
        .await
    }
}
