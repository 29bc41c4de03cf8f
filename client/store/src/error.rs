//! Everything that can go wrong with a client database.

use std::io;
use std::path::{Path, PathBuf};

use session_types::ErrorKind;

use crate::keyring::KeyringError;

/// Why a client database refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is an account of this id already; it was not touched.
    #[error("this account exists on this device already")]
    AlreadyExists,
    /// Another process kept the database locked for too long.
    #[error("the database is busy with another process")]
    Busy,
    /// The database engine refused.
    #[error("database failure")]
    Database(#[source] rusqlite::Error),
    /// A value in the database cannot be what it should be.
    #[error("the database holds a bad value: {0}")]
    Damaged(&'static str),
    /// There is no room for what was to be written.
    #[error("the disk is full")]
    DiskFull,
    /// The copy of a file is not what was written.
    #[error("the copy of this file is damaged")]
    FileDamaged,
    /// The copy of a file was taken away.
    #[error("the copy of this file is missing")]
    FileMissing,
    /// A file is longer than any that can be sent.
    #[error("the file is too long")]
    FileTooLong,
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `create` …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `key.json` is not a key file this version understands.
    #[error("{} is not a usable key file: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system keyring works but holds no key for this account any more.
    #[error("the system keyring no longer holds the key of this account")]
    KeyMissing,
    /// The system keyring cannot be used; a passphrase or a key file can be chosen instead.
    #[error("the system keyring cannot be used")]
    KeyringUnavailable(#[source] KeyringError),
    /// The database was written by a newer version of this program.
    #[error("the database has schema {found}, this version knows schemas up to {supported}")]
    NewerSchema {
        /// What the database has.
        found: u32,
        /// The newest this version knows.
        supported: u32,
    },
    /// The file is not the database its key file belongs to, or its beginning is lost.
    #[error("{} is not a database of this account, or it is damaged", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A folder or file cannot be written.
    #[error("no permission to write {}", path.display())]
    NotWritable {
        /// The folder or file.
        path: PathBuf,
    },
    /// The key is protected by a passphrase and none was given, or an empty one.
    #[error("a passphrase is needed")]
    PassphraseRequired,
    /// A passphrase was given although the chosen way of keeping the key uses none.
    #[error("a passphrase was given, but the key is not to be kept by passphrase")]
    PassphraseUnused,
    /// The system has no random bytes to give.
    #[error("no randomness available")]
    Randomness,
    /// No account of this id is on this device.
    #[error("no such account on this device")]
    UnknownAccount,
    /// A message has no such file.
    #[error("no such file in this message")]
    UnknownFile,
    /// No message has this id.
    #[error("no such message")]
    UnknownMessage,
    /// The passphrase or key does not open the database.
    #[error("wrong passphrase or key")]
    WrongKey,
}

impl StoreError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyExists
            | Self::NotWritable { .. }
            | Self::PassphraseRequired
            | Self::PassphraseUnused
            | Self::FileTooLong
            | Self::UnknownAccount
            | Self::UnknownFile
            | Self::UnknownMessage => ErrorKind::BadInput,
            Self::Busy | Self::KeyringUnavailable(_) => ErrorKind::Unreachable,
            Self::WrongKey => ErrorKind::Unauthorised,
            Self::Damaged(_)
            | Self::Database(_)
            | Self::DiskFull
            | Self::FileDamaged
            | Self::FileMissing
            | Self::Io { .. }
            | Self::KeyFile { .. }
            | Self::KeyMissing
            | Self::NewerSchema { .. }
            | Self::NotADatabase { .. }
            | Self::Randomness => ErrorKind::Internal,
        }
    }

    /// Whether the disk, or what is on it, is the reason: whatever is to be written next will
    /// probably fail as well.
    #[must_use]
    pub const fn is_of_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Damaged(_)
                | Self::Database(_)
                | Self::DiskFull
                | Self::Io { .. }
                | Self::NotWritable { .. }
        )
    }

    /// A stable name for front ends and scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyExists => "store.already_exists",
            Self::Busy => "store.busy",
            Self::Damaged(_) => "store.damaged",
            Self::Database(_) => "store.database",
            Self::DiskFull => "store.disk_full",
            Self::FileDamaged => "store.file_damaged",
            Self::FileMissing => "store.file_missing",
            Self::FileTooLong => "store.file_too_long",
            Self::Io { .. } => "store.io",
            Self::KeyFile { .. } => "store.key_file",
            Self::KeyMissing => "store.key_missing",
            Self::KeyringUnavailable(_) => "store.keyring_unavailable",
            Self::NewerSchema { .. } => "store.newer_schema",
            Self::NotADatabase { .. } => "store.not_a_database",
            Self::NotWritable { .. } => "store.not_writable",
            Self::PassphraseRequired => "store.passphrase_required",
            Self::PassphraseUnused => "store.passphrase_unused",
            Self::Randomness => "store.randomness",
            Self::UnknownAccount => "store.unknown_account",
            Self::UnknownFile => "store.unknown_file",
            Self::UnknownMessage => "store.unknown_message",
            Self::WrongKey => "store.wrong_key",
        }
    }

    /// The error of a file operation; a lack of permission has its own variant.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                if action != "read" =>
            {
                Self::NotWritable {
                    path: path.to_owned(),
                }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io {
                action,
                path: path.to_owned(),
                source,
            },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        if matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
        ) {
            return Self::Damaged("a value of a row");
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged("a page of the file"),
            _ => Self::Database(error),
        }
    }
}

impl From<KeyringError> for StoreError {
    fn from(error: KeyringError) -> Self {
        Self::KeyringUnavailable(error)
    }
}
