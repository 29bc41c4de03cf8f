//! What an operator can do with a node's database beside running the node.
//!
//! [`stats()`] and [`verify()`] only read and may be used while the node runs. [`repair()`] and
//! [`compact()`] need the database to themselves and are refused while a node uses it.

mod compact;
mod stats;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use session_types::ErrorKind;

pub use compact::{Compacted, compact};
pub use stats::{ClassStats, Stats, stats};
pub use verify::{Verified, verify};

use super::file::{self, DatabaseFile};
use super::health::means_damage;
use super::{StoreError, schema};
use crate::node::DATABASE_FILE;

/// Why something could not be done with a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// There is none in the folder.
    #[error("there is no database (storage.db) in this folder")]
    Missing,
    /// The file is a database, but not a node's.
    #[error("storage.db in this folder is not the database of a node")]
    Foreign,
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged,
    /// A node uses it.
    #[error("a running node uses the database")]
    InUse,
    /// Somebody else reads it at the moment.
    #[error("another process reads the database")]
    Busy,
    /// There is no space on the disk.
    #[error("there is not enough space on the disk")]
    NoSpace,
    /// The copy does not have what the original has; the original stays.
    #[error("the compacted copy is not complete")]
    Incomplete,
    /// Something else.
    #[error("the database cannot be used")]
    Store(#[source] StoreError),
}

impl MaintenanceError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing | Self::Foreign | Self::InUse | Self::Busy => ErrorKind::BadInput,
            Self::Damaged | Self::NoSpace | Self::Incomplete | Self::Store(_) => {
                ErrorKind::Internal
            }
        }
    }
}

impl From<StoreError> for MaintenanceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse => Self::InUse,
            StoreError::Full => Self::NoSpace,
            StoreError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Self::NoSpace
            }
            error if error.is_damage() => Self::Damaged,
            error => Self::Store(error),
        }
    }
}

impl From<rusqlite::Error> for MaintenanceError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<std::io::Error> for MaintenanceError {
    fn from(error: std::io::Error) -> Self {
        StoreError::Io(error).into()
    }
}

/// How far a long piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Going through the pages of the file. Nobody knows how far it is.
    Structure,
    /// Going through messages.
    Messages {
        /// Looked at.
        done: u64,
        /// In all, when it began.
        total: u64,
    },
    /// Going through everything else.
    Others,
    /// Writing a file.
    Writing {
        /// Bytes written.
        done: u64,
        /// Bytes to expect.
        total: u64,
    },
}

/// What a repair did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Repaired {
    /// Messages in the new database.
    pub messages_saved: u64,
    /// Messages that are known to have been there and could not be saved.
    pub messages_lost: u64,
    /// Rows of other tables in the new database.
    pub others_saved: u64,
    /// The same for those that could not be saved. Of a stretch nothing is known about, one.
    pub others_lost: u64,
}

/// Makes a new database of everything in the node's folder `dir` that can be read and is in
/// order, and sets the old one aside. When something was lost, the node asks the other members of
/// its swarm for what they have at its next start.
///
/// # Errors
/// [`MaintenanceError`], when there is no database, a node uses it, or the disk is full.
pub fn repair(dir: &Path) -> Result<Repaired, MaintenanceError> {
    let path = existing(dir)?;
    let salvaged = DatabaseFile::repair_unused(&path, require_node_database)?;
    Ok(Repaired {
        messages_saved: salvaged.messages.saved,
        messages_lost: salvaged.messages.lost,
        others_saved: salvaged.others.saved,
        others_lost: salvaged.others.lost,
    })
}

/// The database in a node's folder.
fn existing(dir: &Path) -> Result<PathBuf, MaintenanceError> {
    let path = dir.join(DATABASE_FILE);
    if path.is_file() {
        Ok(path)
    } else {
        Err(MaintenanceError::Missing)
    }
}

/// Opens a node's database for reading only.
fn open_to_read(path: &Path) -> Result<Connection, MaintenanceError> {
    if fs::metadata(path)?.len() == 0 {
        return Err(MaintenanceError::Damaged);
    }
    let connection = schema::open_readable(path)?;
    require_node_database(&connection)?;
    Ok(connection)
}

/// Any SQLite file has a version; only a node's has these tables.
fn require_node_database(connection: &Connection) -> Result<(), MaintenanceError> {
    let form = schema::require_known_version(connection)?;
    let tables: u32 = connection.query_row(
        "SELECT COUNT(*) FROM sqlite_schema
         WHERE type = 'table' AND name IN ('owners', 'messages', 'pending_deliveries')",
        [],
        |row| row.get(0),
    )?;
    if tables == 3 && form.is_some() {
        Ok(())
    } else {
        Err(MaintenanceError::Foreign)
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
