//! Content in a folder, under keys that are never used again.

use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::key::ObjectKey;
use crate::local::{LocalContent, Subfolders, remove, sync_folder};
use crate::storage::StorageError;

/// The folder of content.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    base: PathBuf,
    prefixes: Subfolders,
}

impl Folder {
    /// The folder, made if need be.
    pub(super) fn create(base: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&base)?;
        Ok(Self {
            prefixes: Subfolders::of(base.clone()),
            base,
        })
    }

    fn path(&self, key: ObjectKey) -> PathBuf {
        self.base.join(key.prefix()).join(key.to_string())
    }

    /// Begins content under a key of its own.
    pub(super) fn begin(&self) -> io::Result<FolderObject> {
        let key = ObjectKey::random();
        self.prefixes.with(key.prefix(), |folder| {
            let path = self.path(key);
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).open(&path)?;
            Ok(FolderObject {
                file,
                key,
                path,
                folder: folder.to_path_buf(),
                kept: false,
            })
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
pub(super) struct FolderObject {
    file: File,
    key: ObjectKey,
    path: PathBuf,
    folder: PathBuf,
    kept: bool,
}

impl FolderObject {
    pub(super) const fn key(&self) -> ObjectKey {
        self.key
    }

    pub(super) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)
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

impl Drop for FolderObject {
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
