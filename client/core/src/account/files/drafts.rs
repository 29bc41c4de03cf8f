//! Drafts: what was begun to be written, with copies of the files that were chosen.

use session_store::{Blobs, DraftFile, DraftFileId, DraftFileRow, MessageId};
use session_types::AccountId;

use super::{FileSource, Kept, NewFile, blocking, preparing};
use crate::CoreError;
use crate::account::Account;
use crate::media::{self, Picture};
use crate::model::Begun;
use crate::view::Draft;

/// What is kept of what was begun to be written.
#[derive(Clone, Default)]
pub struct NewDraft {
    /// The text.
    pub text: String,
    /// The message it answers; left out when that cannot be answered.
    pub reply_to: Option<MessageId>,
    /// The files that go with it, in their order; `None`: those it has. One that it has already is
    /// named by [`FileSource::Draft`]: of such a one only [`NewFile::as_file`] is looked at.
    pub files: Option<Vec<NewFile>>,
}

impl From<&str> for NewDraft {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

impl core::fmt::Debug for NewDraft {
    /// Says nothing of the text.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewDraft")
            .field("reply_to", &self.reply_to)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Keeps what was begun to be written, on this device, and returns it. Copies of files are on
    /// disk then: neither paths nor contents are needed any more.
    ///
    /// # Errors
    /// [`CoreError::TooManyFiles`], [`CoreError::FileTooLarge`], [`CoreError::FileUnreadable`],
    /// [`session_store::StoreError::UnknownFile`], or a database error; then the draft is as it
    /// was.
    pub async fn set_draft(
        &self,
        id: AccountId,
        draft: impl Into<NewDraft>,
    ) -> Result<Draft, CoreError> {
        let NewDraft {
            text,
            reply_to,
            files,
        } = draft.into();
        let blobs = self.shared.model.read(|store| Ok(store.blobs())).await?;
        let (files, kept) = match files {
            None => (None, None),
            Some(files) => {
                let (files, kept) = blocking(move || copied(blobs, files)).await?;
                (Some(files), Some(kept))
            }
        };
        let begun = Begun {
            text,
            reply_to,
            files,
        };
        self.change(move |tx| tx.set_draft(&id, begun)).await?;
        if let Some(kept) = kept {
            kept.belong();
        }
        self.draft(id).await
    }

    /// What was begun to be written in a conversation.
    ///
    /// # Errors
    /// A database error.
    pub async fn draft(&self, id: AccountId) -> Result<Draft, CoreError> {
        self.shared
            .model
            .call(move |model| Draft::read(model, &id))
            .await
    }

    /// The content of a file of a draft, as it was chosen.
    ///
    /// # Errors
    /// [`session_store::StoreError::UnknownFile`], [`session_store::StoreError::FileDamaged`].
    pub async fn draft_content(
        &self,
        conversation: AccountId,
        id: DraftFileId,
    ) -> Result<Vec<u8>, CoreError> {
        let row = self
            .shared
            .model
            .read(move |store| store.draft_file(&conversation, id))
            .await?;
        self.content(Some(row.blob)).await
    }

    /// A picture among the files of a draft, at most `side` pixels wide and high.
    ///
    /// # Errors
    /// As [`Self::draft_content`]; [`CoreError::BadImage`], [`CoreError::ImageTooLarge`].
    pub async fn draft_thumbnail(
        &self,
        conversation: AccountId,
        id: DraftFileId,
        side: u32,
    ) -> Result<Picture, CoreError> {
        let content = self.draft_content(conversation, id).await?;
        blocking(move || media::thumbnail(&content, side)).await
    }
}

/// Brings copies of new files to the folder.
fn copied(blobs: Blobs, files: Vec<NewFile>) -> Result<(Vec<DraftFile>, Kept), CoreError> {
    let mut kept = Kept::new(blobs);
    let mut wanted = Vec::new();
    for file in files {
        if let FileSource::Draft(id) = file.source {
            let as_file = file.as_file;
            wanted.push(DraftFile::Kept { id, as_file });
            continue;
        }
        let as_file = file.as_file;
        let (info, content) = preparing::chosen(file)?;
        let blob = kept.write(info.clone(), &content)?;
        wanted.push(DraftFile::New {
            info,
            as_file,
            blob,
        });
    }
    Ok((wanted, kept))
}

/// A file of a draft, to be sent. What is said of it anew counts.
pub(super) fn taken_up(
    blobs: &Blobs,
    file: NewFile,
    row: &DraftFileRow,
) -> Result<NewFile, CoreError> {
    let info = row.info.clone();
    Ok(NewFile {
        source: FileSource::Bytes(blobs.read(&row.blob)?),
        name: file.name.or(info.name),
        mime: file.mime.or(info.mime),
        is_voice_message: file.is_voice_message || info.is_voice_message,
        as_file: file.as_file || row.as_file,
        caption: file.caption.or(info.caption),
    })
}
