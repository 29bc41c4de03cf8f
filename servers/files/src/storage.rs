//! What a file server needs of the place where it keeps files.
//!
//! [`crate::LocalStorage`] is SQLite and a folder, for one process; [`crate::SharedStorage`] is
//! PostgreSQL and a folder or an object store, for several, and SQLite with an object store for
//! one. Another one has to promise the same:
//!
//! - what [`Staged::keep`] has acknowledged survives a crash of the server, whole;
//! - what was staged and not kept is gone, at the latest after [`Storage::sweep`];
//! - a file is gone for everybody from the moment it has expired, and a name that is used again
//!   while its former file is being deleted gets the new one;
//! - no call holds up another for longer than a transaction takes.
//!
//! # Several processes on one storage
//!
//! Nothing above this trait remembers anything about a file, so several servers may share a
//! storage that several processes may open, such as a PostgreSQL database with content in an
//! object store. For one of those the promises come down to this:
//!
//! | what | on one machine | shared |
//! |---|---|---|
//! | record and content agree | a lock for each name, held from the rename to the commit | content under a key of its own for each upload, never used again; the record names the key, so a record that is replaced or deleted never concerns the content of another |
//! | content before record | write, sync, rename, sync, commit | the upload to the object store is complete, then `INSERT … ON CONFLICT (id) DO UPDATE SET uploaded, expires = GREATEST(…) RETURNING` commits; when another upload was first, the content just stored is deleted again |
//! | [`Naming::Given`] | lock and look | `ON CONFLICT DO NOTHING`: no row, [`Kept::Taken`] |
//! | [`Storage::remove_expired`] | one server | every server at any time: `DELETE … WHERE id IN (SELECT … WHERE expires <= now FOR UPDATE SKIP LOCKED LIMIT n) RETURNING` gives each file to one of them, which deletes the content afterwards |
//! | [`Storage::sweep`] | names of uploads under way are in memory | content without a record that is older than an upload may take, since another process may be about to commit |
//! | [`Storage::usage`] | counted | read now and then; the quota may be exceeded by what arrives meanwhile |
//! | a name that is its content | the hash is known at the end | the same: the key does not depend on it |
//!
//! Deleting a file and [`Content`] that is still being read need not exclude each other: a
//! download may break off.

use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;

use bytes::Bytes;
use session_types::{ErrorKind, Timestamp};

use crate::{FileId, IdMode};

/// A result that is being worked on.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// What is known about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: FileId,
    /// Its length in bytes.
    pub size: u64,
    /// When it was uploaded last.
    pub uploaded: Timestamp,
    /// From when on it is gone.
    pub expires: Timestamp,
}

/// Files and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many files.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
}

/// How a file is to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By its content. If there is such a file, it counts as uploaded again, and expires at the
    /// later of both times.
    Content,
    /// By this name, unless it is taken.
    Given(FileId),
}

/// What became of a staged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is there, and will be after a crash.
    Stored(Record),
    /// The name is taken; another one may be tried.
    Taken,
}

/// What a look for leftovers removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Uploads that never ended, parts of which were left.
    pub partial: u64,
    /// Content without a record.
    pub orphans: u64,
}

/// A place where files are kept.
pub trait Storage: Debug + Send + Sync + 'static {
    /// Begins a file that will be named in this way. Nothing is done until it is written to.
    fn stage(&self, ids: IdMode) -> Box<dyn Staged>;

    /// What is known about a file that has not expired.
    fn find(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<Record>>;

    /// The same, and its content.
    fn open(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<(Record, Box<dyn Content>)>>;

    /// Makes a file that has not expired last until `expires` at least.
    fn extend(&self, id: FileId, expires: Timestamp, now: Timestamp)
    -> Pending<'_, Option<Record>>;

    /// Deletes some of the files that have expired; how many. None: there are none left, but for
    /// those somebody is uploading again.
    fn remove_expired(&self, now: Timestamp) -> Pending<'_, u64>;

    /// Removes what crashes have left behind.
    fn sweep(&self) -> Pending<'_, Swept>;

    /// How much is kept.
    fn usage(&self) -> Usage;

    /// Ends when everything is written.
    fn close(&self) -> Pending<'_, ()>;
}

/// A file on its way in. Dropping it undoes it.
pub trait Staged: Send + Sync + Debug {
    /// Adds to the end.
    fn write(&mut self, bytes: Bytes) -> Pending<'_, ()>;

    /// Makes it a file with a name of the kind it was begun for. After [`Kept::Taken`] it may be called again; after anything
    /// else it may not.
    fn keep(
        &mut self,
        naming: Naming,
        uploaded: Timestamp,
        expires: Timestamp,
    ) -> Pending<'_, Kept>;
}

/// The content of a file, from its beginning to its end.
pub trait Content: Send + Debug {
    /// The next bytes, at most about 256 KiB; none at the end.
    fn next(&mut self) -> Pending<'_, Option<Bytes>>;
}

/// Why the storage did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// It has been closed.
    #[error("the storage is closed")]
    Closed,
    /// The content of a file is shorter than its record says.
    #[error("the content of a file is not complete")]
    Damaged,
    /// The database server took too long.
    #[error("the database server did not answer in time")]
    DatabaseTimeout,
    /// There is no space left.
    #[error("there is no space left for files")]
    Full,
    /// Another process uses it.
    #[error("the folder is in use by another process")]
    InUse,
    /// The system reported an error.
    #[error("cannot use the folder of files")]
    Io(#[source] std::io::Error),
    /// It was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}")]
    NewerSchema {
        /// What the file says.
        found: u32,
        /// The newest schema this version knows.
        known: u32,
    },
    /// A file that was begun for a name of another kind has no name by its content.
    #[error("the content was not hashed")]
    NotHashed,
    /// The object store cannot be reached, or broke off.
    #[error("the object store cannot be reached")]
    ObjectStore(#[source] reqwest::Error),
    /// What the object store answers cannot be understood.
    #[error("the answer of the object store cannot be read")]
    ObjectStoreAnswer,
    /// The object store refused what it was asked for.
    #[error("the object store refused: {status} {code}")]
    ObjectStoreRefused {
        /// The HTTP status.
        status: u16,
        /// Its own word for it, such as `NoSuchBucket`; may be empty.
        code: String,
    },
    /// The transaction was rolled back.
    #[error("the change was not committed")]
    NotCommitted,
    /// The database server reported an error, or cannot be reached.
    #[error("the database server failed")]
    Postgres(#[source] tokio_postgres::Error),
    /// SQLite reported an error.
    #[error("database error")]
    Sqlite(#[source] rusqlite::Error),
}

impl StorageError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse | Self::NewerSchema { .. } => ErrorKind::BadInput,
            _ => ErrorKind::Internal,
        }
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}
