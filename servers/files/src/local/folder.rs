//! The folder with the content of files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::FileId;

/// Where uploads under way are.
const UPLOADS: &str = "uploads";

/// The folder with the content of files.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    base: PathBuf,
    prefixes: Subfolders,
}

impl Folder {
    /// A folder that is there already.
    pub(super) fn existing(base: PathBuf) -> Self {
        Self {
            prefixes: Subfolders::of(base.clone()),
            base,
        }
    }

    /// The same, made if need be.
    pub(super) fn create(base: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(base.join(UPLOADS))?;
        sync_folder(&base)?;
        if let Some(parent) = base.parent() {
            sync_folder(parent)?;
        }
        Ok(Self::existing(base))
    }

    /// Where the content of a file is.
    pub(super) fn path(&self, id: FileId) -> PathBuf {
        self.base.join(id.prefix()).join(id.to_string())
    }

    /// Where an upload goes at first.
    pub(super) fn upload_path(&self, name: &str) -> PathBuf {
        self.base.join(UPLOADS).join(name)
    }

    /// Puts an upload that is on the disk in its place. When this returns, the name is on the
    /// disk too.
    pub(super) fn put(&self, upload: &Path, id: FileId) -> io::Result<()> {
        self.prefixes.with(id.prefix(), |folder| {
            fs::rename(upload, folder.join(id.to_string()))?;
            sync_folder(folder)
        })
    }

    /// Length of the content of a file, if it is there.
    pub(super) fn size_of(&self, id: FileId) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(id)) {
            Ok(found) => Ok(found.is_file().then_some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the content of a file; whether there was any.
    pub(super) fn remove(&self, id: FileId) -> io::Result<bool> {
        remove(&self.path(id))
    }

    /// Deletes uploads, but those whose names are `wanted`; how many.
    pub(super) fn remove_uploads_except(&self, wanted: impl Fn(&str) -> bool) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(self.base.join(UPLOADS))? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(&wanted) {
                removed += u64::from(remove(&entry.path())?);
            }
        }
        Ok(removed)
    }

    /// The folders that have content.
    pub(super) fn prefixes(&self) -> io::Result<Vec<PathBuf>> {
        let mut prefixes = Vec::new();
        for entry in fs::read_dir(&self.base)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != UPLOADS {
                prefixes.push(entry.path());
            }
        }
        Ok(prefixes)
    }

    /// The files in one of them. What has another name is somebody else's.
    pub(super) fn ids(&self, prefix: &Path) -> io::Result<Vec<FileId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(prefix)? {
            let entry = entry?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.parse::<FileId>().ok());
            ids.extend(id.filter(|id| self.path(*id) == entry.path()));
        }
        Ok(ids)
    }
}

/// The folders in a folder, made when there is something to be put in them.
#[derive(Debug, Clone)]
pub(crate) struct Subfolders {
    base: PathBuf,
    /// Those whose names this process has brought to the disk: that one is there does not mean that
    /// it will be after a crash.
    synced: Arc<Mutex<BTreeSet<String>>>,
}

impl Subfolders {
    pub(crate) fn of(base: PathBuf) -> Self {
        Self {
            base,
            synced: Arc::default(),
        }
    }

    /// Puts something in one of them; its own name is on the disk by then.
    pub(crate) fn with<T>(
        &self,
        name: String,
        put: impl Fn(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let folder = self.base.join(&name);
        if self.synced().contains(&name) {
            match put(&folder) {
                // Somebody has removed it since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => return done,
            }
        }
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(&self.base)?,
        }
        self.synced().insert(name);
        put(&folder)
    }

    fn synced(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deletes a file; whether it was there.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
