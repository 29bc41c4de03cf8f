//! What can go wrong with the database.

use session_types::ErrorKind;

use super::health::means_damage;

/// Why the database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store was closed while the request waited.
    #[error("the store is closed")]
    Closed,
    /// The database has reached its size limit, or the disk is full.
    #[error("the database is full")]
    Full,
    /// Another process, or another node of this one, uses the database.
    #[error("the database is in use by another process")]
    InUse,
    /// The data directory or the writer thread could not be created.
    #[error("cannot set up the database")]
    Io(#[source] std::io::Error),
    /// The transaction the change belonged to was rolled back.
    #[error("the change was not committed")]
    NotCommitted,
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}")]
    NewerSchema {
        /// What the file says.
        found: u32,
        /// The newest schema this version knows.
        known: u32,
    },
    /// SQLite reported an error.
    #[error("database error")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse => ErrorKind::BadInput,
            _ => ErrorKind::Internal,
        }
    }

    /// Whether the file itself is not in order.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite(error) if means_damage(error))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}
