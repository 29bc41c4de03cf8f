//! Writing: texts, answers, files, previews of links.

use session_store::{MessageId, OutgoingRow};
use session_types::AccountId;

use super::files::{Kept, NewFile, file_server_known, kept_files};
use super::{Account, previews};
use crate::CoreError;
use crate::model::{MOST_FILES, Written};

/// What a message is made of.
#[derive(Clone, Default)]
pub struct Composed {
    /// The text; may be empty when there are files.
    pub text: String,
    /// The message of the same conversation that this one answers.
    pub reply_to: Option<MessageId>,
    /// Files that go with it.
    pub files: Vec<NewFile>,
    /// Whether what [`Account::preview`] found of the text's first link goes with it.
    pub preview: bool,
    /// Whether the draft of the conversation stays; else it is what is sent, and is forgotten.
    pub keeps_draft: bool,
}

impl Composed {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl core::fmt::Debug for Composed {
    /// Says nothing of the text.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Composed")
            .field("reply_to", &self.reply_to)
            .field("files", &self.files.len())
            .field("preview", &self.preview)
            .field("keeps_draft", &self.keeps_draft)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Queues a message on disk and returns its row. From then on it is sent, retried, or reported
    /// as failed, across restarts. To the own account id: Note to Self. Whom it goes to counts as
    /// accepted.
    ///
    /// The message gets the network's time. While that is not known yet this waits for it, two
    /// seconds at most; a message without it is stamped when the network is there.
    ///
    /// When this returns, copies of all files are on disk, pictures without what cameras write
    /// beside them; from then on they are uploaded, and then the message is sent, in the order of
    /// the conversation.
    ///
    /// # Errors
    /// [`CoreError::EmptyMessage`], [`CoreError::MessageTooLong`], [`CoreError::Blocked`],
    /// [`CoreError::CannotReply`], [`CoreError::NoPreview`], or a database error; with files also
    /// [`CoreError::TooManyFiles`], [`CoreError::FileTooLarge`], [`CoreError::FileUnreadable`],
    /// [`CoreError::ImageTooLarge`], [`CoreError::BadImage`], [`CoreError::NoFileServer`], of a
    /// file of the draft [`session_store::StoreError::UnknownFile`]. Then nothing is queued.
    pub async fn send(&self, to: AccountId, message: Composed) -> Result<OutgoingRow, CoreError> {
        let Composed {
            text,
            reply_to,
            files,
            preview,
            keeps_draft,
        } = message;
        if files.len() > MOST_FILES {
            return Err(CoreError::TooManyFiles {
                found: files.len(),
                limit: MOST_FILES,
            });
        }
        let card = if preview {
            Some(previews::of_text(&self.shared, &text).ok_or(CoreError::NoPreview)?)
        } else {
            None
        };
        let has_image = card.as_ref().is_some_and(|card| card.image.is_some());
        if has_image || !files.is_empty() {
            file_server_known(&self.shared)?;
        }
        let image = card.as_ref().and_then(|card| card.image.clone());
        let kept = if files.is_empty() && image.is_none() {
            None
        } else {
            Some(kept_files(&self.shared, to, files, image).await?)
        };
        let mut files = kept.as_ref().map(Kept::files).unwrap_or_default();
        let image = has_image.then(|| files.pop()).flatten();
        let written = Written {
            text,
            reply_to,
            files,
            preview: card.map(|card| (card.to_row(), image)),
            keeps_draft,
        };
        let row = self
            .stamped(move |tx, unsure| tx.send_written(&to, written, unsure))
            .await?;
        if let Some(kept) = kept {
            kept.belong();
        }
        Ok(row)
    }

    /// [`Self::send`] of a text.
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub async fn send_text(&self, to: AccountId, text: &str) -> Result<OutgoingRow, CoreError> {
        self.send(to, Composed::text(text)).await
    }

    /// [`Self::send`] of a text as an answer to a message of the same conversation.
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub async fn reply(
        &self,
        to: AccountId,
        answered: MessageId,
        text: &str,
    ) -> Result<OutgoingRow, CoreError> {
        let message = Composed {
            reply_to: Some(answered),
            ..Composed::text(text)
        };
        self.send(to, message).await
    }

    /// [`Self::send`] of files with a text, which may be empty.
    ///
    /// # Errors
    /// Those of [`Self::send`]; [`CoreError::EmptyMessage`] without files.
    pub async fn send_files(
        &self,
        to: AccountId,
        files: Vec<NewFile>,
        text: &str,
    ) -> Result<OutgoingRow, CoreError> {
        if files.is_empty() {
            return Err(CoreError::EmptyMessage);
        }
        let message = Composed {
            files,
            ..Composed::text(text)
        };
        self.send(to, message).await
    }
}
