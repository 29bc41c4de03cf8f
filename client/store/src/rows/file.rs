//! Files of messages, and pictures of people.

use core::fmt;

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use session_messages::{Attachment, AttachmentKey};
use session_types::{AccountId, Timestamp};
use zeroize::Zeroizing;

use super::{FileId, MessageId, Sql};
use crate::blobs::{Blob, BlobName};

/// Where the content of a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FileState {
    /// At its server; nobody has asked for it yet.
    Remote,
    /// Waits for its transfer or is under way: up when it was written here, else down.
    Queued,
    /// On this device, and where it was written here, at its server too.
    Here,
    /// The transfer was given up; it can be asked for again.
    Failed {
        /// Why, for a person.
        reason: String,
    },
    /// It cannot be had any more.
    Gone {
        /// Why, for a person.
        reason: String,
    },
}

impl FileState {
    pub(crate) const REMOTE: i64 = 0;
    pub(crate) const QUEUED: i64 = 1;
    pub(crate) const HERE: i64 = 2;
    pub(crate) const FAILED: i64 = 3;
    pub(crate) const GONE: i64 = 4;

    pub(crate) fn columns(&self) -> (i64, &str) {
        match self {
            Self::Remote => (Self::REMOTE, ""),
            Self::Queued => (Self::QUEUED, ""),
            Self::Here => (Self::HERE, ""),
            Self::Failed { reason } => (Self::FAILED, reason),
            Self::Gone { reason } => (Self::GONE, reason),
        }
    }

    /// Reads state and reason, the first of the two being column `at`.
    fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(match row.get(at)? {
            Self::REMOTE => Self::Remote,
            Self::QUEUED => Self::Queued,
            Self::HERE => Self::Here,
            Self::FAILED => Self::Failed {
                reason: row.get(at + 1)?,
            },
            Self::GONE => Self::Gone {
                reason: row.get(at + 1)?,
            },
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(at, other)),
        })
    }
}

/// What the writer of a message says of a file.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name, not to be used as a path.
    pub name: Option<String>,
    /// Its MIME type.
    pub mime: Option<String>,
    /// How long it is.
    pub size: Option<u64>,
    /// A text shown with it.
    pub caption: Option<String>,
    /// Width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
    /// Recorded in the client.
    pub is_voice_message: bool,
}

impl FileInfo {
    /// What a pointer says.
    #[must_use]
    pub fn of(pointer: &Attachment) -> Self {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            name: some(&pointer.file_name),
            mime: some(&pointer.content_type),
            size: pointer.size.map(u64::from),
            caption: some(&pointer.caption),
            dimensions: pointer.dimensions.filter(|(w, h)| *w > 0 && *h > 0),
            is_voice_message: pointer.is_voice_message,
        }
    }
}

impl fmt::Debug for FileInfo {
    /// Names and captions are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileInfo")
            .field("size", &self.size)
            .field("dimensions", &self.dimensions)
            .field("is_voice_message", &self.is_voice_message)
            .finish_non_exhaustive()
    }
}

/// Where a file is at its server, and what opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The address.
    pub url: String,
    /// What opens it.
    pub key: AttachmentKey,
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pointer")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// How a sound goes, of one that is on this device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// How loud it is from beginning to end, in equal parts, 0 to 255 each.
    pub waveform: Vec<u8>,
    /// How long it lasts, in milliseconds.
    pub duration_ms: u32,
}

/// A file to be kept with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewFile {
    /// Of a message that came: it is at its server.
    Remote {
        /// What its writer says of it.
        info: FileInfo,
        /// Where it is.
        pointer: Pointer,
    },
    /// Of a message written here: it is still to be uploaded.
    Own {
        /// What is said of it.
        info: FileInfo,
        /// The copy on this device.
        blob: Blob,
        /// How it goes, when it is a sound.
        sound: Option<Sound>,
    },
}

/// One file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its id in this database.
    pub id: FileId,
    /// The message it belongs to.
    pub message: MessageId,
    /// The conversation that message is in.
    pub conversation: AccountId,
    /// Its place among the files of the message, from 0.
    pub index: u32,
    /// What the writer says of it.
    pub info: FileInfo,
    /// Where it is; nothing as long as it is not uploaded.
    pub pointer: Option<Pointer>,
    /// Where its content is.
    pub state: FileState,
    /// Transfers that failed since it was asked for.
    pub attempts: u32,
    /// The copy on this device.
    pub blob: Option<Blob>,
    /// How it goes, when it is a sound and that is known.
    pub sound: Option<Sound>,
    /// A voice message of somebody else that was not played on this device yet.
    pub is_unheard: bool,
}

impl FileRow {
    /// The columns [`Self::read`] expects, of `files f JOIN messages m`.
    pub(crate) const COLUMNS: &'static str = "f.id, f.message, m.conversation, f.position, f.name, \
         f.mime, f.caption, f.size, f.width, f.height, f.voice, f.url, f.key, f.digest, f.state, \
         f.reason, f.attempts, f.blob, f.blob_key, f.blob_size, f.blob_disk, f.waveform, f.duration, \
         f.voice = 1 AND f.heard = 0 AND m.outgoing = 0";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |at: usize| -> rusqlite::Result<Option<String>> {
            Ok(Some(row.get::<_, String>(at)?).filter(|text| !text.is_empty()))
        };
        let (width, height): (u32, u32) = (row.get(8)?, row.get(9)?);
        Ok(Self {
            id: row.get(0)?,
            message: row.get(1)?,
            conversation: row.get::<_, Sql<AccountId>>(2)?.0,
            index: row.get(3)?,
            info: FileInfo {
                name: text(4)?,
                mime: text(5)?,
                caption: text(6)?,
                size: u64::try_from(row.get::<_, i64>(7)?).ok(),
                dimensions: (width > 0 && height > 0).then_some((width, height)),
                is_voice_message: row.get(10)?,
            },
            pointer: read_pointer(row, 11)?,
            state: FileState::read(row, 14)?,
            attempts: row.get(16)?,
            blob: read_blob(row, 17)?,
            sound: read_sound(row, 21)?,
            is_unheard: row.get(23)?,
        })
    }

    /// The pointer that goes out with the message; nothing as long as it is not uploaded.
    #[must_use]
    pub fn attachment(&self) -> Option<Attachment> {
        let pointer = self.pointer.as_ref()?;
        let mut attachment = Attachment::new(&*pointer.url, pointer.key.clone()).ok()?;
        attachment.content_type.clone_from(&self.info.mime);
        attachment.size = self.info.size.and_then(|size| u32::try_from(size).ok());
        attachment.file_name.clone_from(&self.info.name);
        attachment.is_voice_message = self.info.is_voice_message;
        attachment.dimensions = self.info.dimensions;
        attachment.caption.clone_from(&self.info.caption);
        Some(attachment)
    }
}

/// The columns of a pointer: address, key, digest.
pub(crate) fn pointer_columns(pointer: &Pointer) -> (&str, &[u8], &[u8]) {
    let (key, digest): (&[u8], &[u8]) = match &pointer.key {
        AttachmentKey::Legacy { key, digest } => (key.as_slice(), digest),
        AttachmentKey::Plain => (&[], &[]),
        AttachmentKey::Stream { key } => (key.as_slice(), &[]),
    };
    (&pointer.url, key, digest)
}

fn read_pointer(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Pointer>> {
    let url: String = row.get(at)?;
    if url.is_empty() {
        return Ok(None);
    }
    let bad = |at: usize| rusqlite::Error::IntegralValueOutOfRange(at, 0);
    let key = Zeroizing::new(row.get::<_, Vec<u8>>(at + 1)?);
    let key = match key.len() {
        0 => AttachmentKey::Plain,
        32 => AttachmentKey::Stream {
            key: Zeroizing::new(key.as_slice().try_into().map_err(|_| bad(at + 1))?),
        },
        _ => AttachmentKey::Legacy {
            key: Zeroizing::new(key.as_slice().try_into().map_err(|_| bad(at + 1))?),
            digest: row
                .get::<_, Vec<u8>>(at + 2)?
                .try_into()
                .map_err(|_| bad(at + 2))?,
        },
    };
    Ok(Some(Pointer { url, key }))
}

pub(super) fn read_blob(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Blob>> {
    let name: String = row.get(at)?;
    if name.is_empty() {
        return Ok(None);
    }
    let bad = |at: usize| rusqlite::Error::IntegralValueOutOfRange(at, 0);
    let key = Zeroizing::new(row.get::<_, Vec<u8>>(at + 1)?);
    let number = |at: usize| -> rusqlite::Result<u64> {
        u64::try_from(row.get::<_, i64>(at)?).map_err(|_| bad(at))
    };
    Ok(Some(Blob {
        name: BlobName::parse(&name).ok_or_else(|| bad(at))?,
        key: Zeroizing::new(key.as_slice().try_into().map_err(|_| bad(at + 1))?),
        size: number(at + 2)?,
        on_disk: number(at + 3)?,
    }))
}

fn read_sound(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Sound>> {
    let duration_ms: u32 = row.get(at + 1)?;
    if duration_ms == 0 {
        return Ok(None);
    }
    Ok(Some(Sound {
        waveform: row.get(at)?,
        duration_ms,
    }))
}

/// Whether files come by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoDownload {
    /// From people who are accepted, and what the account itself sent from another device.
    #[default]
    Accepted,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl AutoDownload {
    pub(crate) const fn number(self) -> i64 {
        self as i64
    }

    pub(crate) const fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Always,
            2 => Self::Never,
            _ => Self::Accepted,
        }
    }
}

/// The picture of a person as it is kept on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureRow {
    /// Whose.
    pub owner: AccountId,
    /// The address of the picture this is; empty for an own one that is not uploaded yet.
    pub url: String,
    /// Its MIME type.
    pub mime: String,
    /// Where its content is.
    pub state: FileState,
    /// Transfers that failed.
    pub attempts: u32,
    /// Of the own one: when it was uploaded, or its time at the server was extended.
    pub renewed_at: Timestamp,
    /// The copy on this device.
    pub blob: Option<Blob>,
}

impl PictureRow {
    pub(crate) const COLUMNS: &'static str = "p.owner, p.url, p.mime, p.state, p.reason, \
         p.attempts, p.renewed_at, p.blob, p.blob_key, p.blob_size, p.blob_disk";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            owner: row.get::<_, Sql<AccountId>>(0)?.0,
            url: row.get(1)?,
            mime: row.get(2)?,
            state: FileState::read(row, 3)?,
            attempts: row.get(5)?,
            renewed_at: row.get::<_, Sql<Timestamp>>(6)?.0,
            blob: read_blob(row, 7)?,
        })
    }
}

/// How much room the copies of a conversation's files take, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesUsage {
    /// How many there are.
    pub files: u64,
    /// What they take on the disk.
    pub bytes: u64,
}
