//! What was begun to be written.

use core::fmt;

use rusqlite::Row;

use super::file::{FileInfo, read_blob};
use super::{DraftFileId, MessageId};
use crate::Blob;

/// What was begun to be written in a conversation on this device.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DraftRow {
    /// The text; may be empty.
    pub text: String,
    /// The message it answers. It may be gone by now.
    pub reply_to: Option<MessageId>,
    /// Files chosen to go with it, in their order.
    pub files: Vec<DraftFileRow>,
}

impl fmt::Debug for DraftRow {
    /// Says nothing of the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DraftRow")
            .field("reply_to", &self.reply_to)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// One file of a draft, as it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFileRow {
    /// Its number.
    pub id: DraftFileId,
    /// What is to be said of it.
    pub info: FileInfo,
    /// To be sent byte by byte as it is.
    pub as_file: bool,
    /// Its content.
    pub blob: Blob,
}

impl DraftFileRow {
    pub(crate) const COLUMNS: &'static str = "d.id, d.name, d.mime, d.caption, d.width, d.height, \
         d.voice, d.as_file, d.blob, d.blob_key, d.blob_size, d.blob_disk";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |at: usize| -> rusqlite::Result<Option<String>> {
            Ok(Some(row.get::<_, String>(at)?).filter(|text| !text.is_empty()))
        };
        let (width, height): (u32, u32) = (row.get(4)?, row.get(5)?);
        let blob = read_blob(row, 8)?;
        let blob = blob.ok_or(rusqlite::Error::IntegralValueOutOfRange(8, 0))?;
        Ok(Self {
            id: row.get(0)?,
            info: FileInfo {
                name: text(1)?,
                mime: text(2)?,
                caption: text(3)?,
                size: Some(blob.size()),
                dimensions: (width > 0 && height > 0).then_some((width, height)),
                is_voice_message: row.get(6)?,
            },
            as_file: row.get(7)?,
            blob,
        })
    }
}

/// One file that a draft is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftFile {
    /// One it has.
    Kept {
        /// Which.
        id: DraftFileId,
        /// To be sent byte by byte as it is.
        as_file: bool,
    },
    /// A new one.
    New {
        /// What is to be said of it.
        info: FileInfo,
        /// To be sent byte by byte as it is.
        as_file: bool,
        /// Its content.
        blob: Blob,
    },
}
