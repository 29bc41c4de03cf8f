//! Deletions on this device that can still be undone.

use core::time::Duration;

use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use super::Account;
use crate::CoreError;

/// The longest time in which a deletion can be undone.
const LONGEST: Duration = Duration::from_secs(60);

impl Account {
    /// Deletes a message on this device. Within `period`, a minute at most,
    /// [`Self::undelete`] brings it back; until then timelines, lists and searches leave it out.
    /// False when it went for good at once: one that is still to be sent must not go out
    /// meanwhile.
    ///
    /// Whatever becomes of the program, the message goes when the time is over: at the next start
    /// if it does not run then, and when the account is closed at once.
    ///
    /// # Errors
    /// [`session_store::StoreError::UnknownMessage`], or a database error.
    pub async fn delete_undoably(
        &self,
        message: MessageId,
        period: Duration,
    ) -> Result<bool, CoreError> {
        let period = period.min(LONGEST);
        self.change(move |tx| tx.delete_undoably(message, period))
            .await
    }

    /// Brings a message back that was deleted on this device. False when it is gone for good.
    ///
    /// # Errors
    /// A database error.
    pub async fn undelete(&self, message: MessageId) -> Result<bool, CoreError> {
        self.change(move |tx| tx.undelete(message)).await
    }

    /// How many messages that somebody wrote there are on this device, in all or in one conversation.
    ///
    /// # Errors
    /// A database error.
    pub async fn message_count(&self, conversation: Option<AccountId>) -> Result<u64, CoreError> {
        self.shared
            .model
            .read(move |store| store.message_count(conversation.as_ref()))
            .await
    }

    /// Nothing can be undone any more.
    pub(super) async fn finish_deletions(&self) {
        let all = Timestamp::from_ms(u64::MAX);
        if let Err(error) = self.change(move |tx| tx.remove_undoable(all)).await {
            // Removed at the next start.
            tracing::debug!(kind = ?error.kind(), "deleted messages stay for now");
        }
    }
}
