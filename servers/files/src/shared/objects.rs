//! Content in a folder, under keys that are never used again.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use data_encoding::HEXLOWER;

use crate::local::{LocalContent, remove, sync_folder};
use crate::storage::StorageError;

/// The key of content: 16 random bytes, written as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectKey([u8; 16]);

impl ObjectKey {
    fn random() -> Self {
        Self(rand::random())
    }

    /// The folder it is in.
    fn prefix(self) -> String {
        self.to_string().chars().take(2).collect()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKey(..)")
    }
}

impl FromStr for ObjectKey {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        let bytes = HEXLOWER.decode(text.as_bytes());
        let bytes = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(StorageError::Damaged)
    }
}

/// The folder of content.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    base: PathBuf,
}

impl Objects {
    /// The folder, made if need be.
    pub(super) fn create(base: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&base)?;
        Ok(Self { base })
    }

    fn path(&self, key: ObjectKey) -> PathBuf {
        self.base.join(key.prefix()).join(key.to_string())
    }

    /// Begins content under a key of its own.
    pub(super) fn begin(&self) -> io::Result<Object> {
        let key = ObjectKey::random();
        let path = self.path(key);
        let folder = self.base.join(key.prefix());
        match fs::create_dir(&folder) {
            Ok(()) => sync_folder(&self.base)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Object {
            file,
            key,
            path,
            folder,
            kept: false,
        })
    }

    /// Opens content and reads its first part.
    pub(super) fn open(&self, key: ObjectKey, size: u64) -> Result<LocalContent, StorageError> {
        LocalContent::open(&self.path(key), size)
    }

    /// Length of content, if it is there.
    pub(super) fn size_of(&self, key: ObjectKey) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(key)) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes content; whether there was any.
    pub(super) fn remove(&self, key: ObjectKey) -> io::Result<bool> {
        remove(&self.path(key))
    }

    /// The folders that have content.
    pub(super) fn prefixes(&self) -> io::Result<Vec<PathBuf>> {
        let mut prefixes = Vec::new();
        for entry in fs::read_dir(&self.base)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                prefixes.push(entry.path());
            }
        }
        Ok(prefixes)
    }

    /// Content in one of them that was not written to for so long. What has another name is
    /// somebody else's.
    pub(super) fn older_than(&self, prefix: &Path, age: Duration) -> io::Result<Vec<ObjectKey>> {
        let mut keys = Vec::new();
        let now = SystemTime::now();
        for entry in fs::read_dir(prefix)? {
            let entry = entry?;
            let key = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            let Some(key) = key.filter(|key| self.path(*key) == entry.path()) else {
                continue;
            };
            let written = match entry.metadata() {
                Ok(metadata) => metadata.modified()?,
                // Another server has just deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if now.duration_since(written).is_ok_and(|since| since >= age) {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}

/// Content on its way in, deleted in the end unless it is kept.
pub(super) struct Object {
    file: File,
    key: ObjectKey,
    path: PathBuf,
    folder: PathBuf,
    kept: bool,
}

impl Object {
    pub(super) const fn key(&self) -> ObjectKey {
        self.key
    }

    pub(super) fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Brings it to the disk, with its name.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        sync_folder(&self.folder)
    }

    /// From now on it stays.
    pub(super) const fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let path = core::mem::take(&mut self.path);
        let remove = move || {
            if let Err(error) = remove(&path) {
                tracing::warn!(%error, "an upload that was given up waits for a sweep");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
