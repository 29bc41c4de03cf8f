//! Files in a folder, records in SQLite.
//!
//! ```text
//! <data>/files.db              records
//! <data>/files.lock            locked while a server runs
//! <data>/files/uploads/        uploads under way
//! <data>/files/<prefix>/<id>   content
//! ```
//!
//! The order of things makes a crash harmless at any point. A file comes into being as: content
//! written and synced under a temporary name, renamed, folder synced, record committed, uploader
//! told. It goes as: record deleted and committed, content deleted. So a record always has its
//! content, and what a crash leaves over is content without a record, which nobody can see and
//! [`Storage::sweep`] removes.
//!
//! Whoever makes or deletes content of a name holds the [lock](Locks) of that name until the
//! record says the same as the folder.

mod content;
pub(crate) mod database;
mod folder;
mod lock;
mod staged;
pub mod verify;
mod writer;

use core::sync::atomic::AtomicU64;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_types::Timestamp;
use tokio::sync::OwnedMutexGuard;
use tokio_util::task::TaskTracker;

use crate::hashing::Hashing;
use crate::storage::{Content, Pending, Record, Staged, Storage, StorageError, Swept, Usage};
use crate::{FileId, IdMode};
pub(crate) use content::LocalContent;
use database::Readers;
use folder::Folder;
pub(crate) use folder::{Subfolders, remove, sync_folder};
pub(crate) use lock::DataLock;
use lock::Locks;
use staged::{LocalStaged, Part};
pub(crate) use writer::Writer;

/// Name of the database in the data folder.
pub(crate) const DATABASE_FILE: &str = "files.db";
/// Name of the folder with content in the data folder.
pub(crate) const CONTENT_FOLDER: &str = "files";

/// Files deleted in one step: what is uploaded again meanwhile waits for it.
const EXPIRY_STEP: usize = 64;

/// Files in a folder, records in SQLite. Clones share them.
#[derive(Debug, Clone)]
pub struct LocalStorage(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: Folder,
    readers: Readers,
    writer: Writer,
    locks: Locks,
    hashing: Arc<Hashing<Part>>,
    usage: Mutex<Usage>,
    /// Names of temporary files that belong to uploads under way.
    uploading: Mutex<HashSet<String>>,
    next_upload: AtomicU64,
    /// Work that goes on when the one who asked for it has gone.
    tasks: TaskTracker,
}

impl LocalStorage {
    /// Opens the storage in a data folder, or makes one there, and removes what uploads a crash
    /// cut short have left. Blocks.
    ///
    /// # Errors
    /// [`StorageError::InUse`] while another process has it open, or it cannot be used.
    pub fn open(data: &Path) -> Result<Self, StorageError> {
        std::fs::create_dir_all(data)?;
        let lock = DataLock::take(data)?;
        let folder = Folder::create(data.join(CONTENT_FOLDER))?;
        let removed = folder.remove_uploads_except(|_| false)?;
        if removed > 0 {
            tracing::info!(removed, "parts of uploads that never ended were removed");
        }
        let path = data.join(DATABASE_FILE);
        let connection = database::open_writable(&path)?;
        let usage = database::usage(&connection)?;
        let writer = Writer::start(connection, lock)?;
        Ok(Self(Arc::new(Shared {
            folder,
            readers: Readers::new(path),
            writer,
            locks: Locks::new(),
            hashing: Hashing::new(),
            usage: Mutex::new(usage),
            uploading: Mutex::default(),
            next_upload: AtomicU64::new(0),
            tasks: TaskTracker::new(),
        })))
    }

    async fn remove_expired_step(self, now: Timestamp) -> Result<u64, StorageError> {
        let shared = Arc::clone(&self.0);
        let expired = blocking(move || {
            shared
                .readers
                .with(|connection| database::expired(connection, now, EXPIRY_STEP))
        })
        .await?;
        let mut guards = Vec::new();
        let mut ids = Vec::new();
        for id in expired {
            // Somebody is just uploading the same again. It stays, or goes next time.
            if self.0.locks.try_add(&mut guards, id) {
                ids.push(id);
            }
        }
        if ids.is_empty() {
            return Ok(0);
        }
        let removed = self
            .0
            .writer
            .write(move |connection| database::remove_expired(connection, &ids, now))
            .await?;
        {
            let mut usage = self.0.usage();
            for record in &removed {
                usage.files = usage.files.saturating_sub(1);
                usage.bytes = usage.bytes.saturating_sub(record.size);
            }
        }
        let shared = Arc::clone(&self.0);
        blocking(move || {
            let _guards = guards;
            for record in &removed {
                if let Err(error) = shared.folder.remove(record.id) {
                    // Without a record nobody sees it; the next sweep tries again.
                    tracing::warn!(%error, "the content of an expired file was not deleted");
                }
            }
            Ok(u64::try_from(removed.len()).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn sweep_all(self) -> Result<Swept, StorageError> {
        let shared = Arc::clone(&self.0);
        let (partial, prefixes) = blocking(move || {
            let partial = shared
                .folder
                .remove_uploads_except(|name| shared.uploading().contains(name))?;
            Ok((partial, shared.folder.prefixes()?))
        })
        .await?;
        let mut swept = Swept {
            partial,
            orphans: 0,
        };
        for prefix in prefixes {
            let shared = Arc::clone(&self.0);
            let suspects = blocking(move || shared.without_record(&prefix)).await?;
            for id in suspects {
                let guard = self.0.locks.lock(id).await;
                let shared = Arc::clone(&self.0);
                let removed = blocking(move || shared.remove_orphan(id, guard)).await?;
                swept.orphans += u64::from(removed);
            }
        }
        Ok(swept)
    }
}

impl Shared {
    fn usage(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uploading(&self) -> MutexGuard<'_, HashSet<String>> {
        self.uploading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The record of a file, expired or not.
    fn record(&self, id: FileId) -> Result<Option<Record>, StorageError> {
        self.readers
            .with(|connection| database::find(connection, id))
    }

    /// Whether the content of a record is there, as far as its length tells.
    fn has_content(&self, record: &Record) -> Result<bool, StorageError> {
        Ok(self.folder.size_of(record.id)? == Some(record.size))
    }

    fn without_record(&self, prefix: &Path) -> Result<Vec<FileId>, StorageError> {
        let mut without = Vec::new();
        for id in self.folder.ids(prefix)? {
            if self.record(id)?.is_none() {
                without.push(id);
            }
        }
        Ok(without)
    }

    fn remove_orphan(&self, id: FileId, _guard: OwnedMutexGuard<()>) -> Result<bool, StorageError> {
        if self.record(id)?.is_some() {
            return Ok(false);
        }
        Ok(self.folder.remove(id)?)
    }

    fn open_content(&self, id: FileId, now: Timestamp) -> Result<OpenFile, StorageError> {
        let live = || -> Result<Option<Record>, StorageError> {
            Ok(self.record(id)?.filter(|record| record.expires > now))
        };
        let Some(record) = live()? else {
            return Ok(None);
        };
        match LocalContent::open(&self.folder.path(id), record.size) {
            Ok(content) => Ok(Some((record, content))),
            // It may have been deleted since.
            Err(StorageError::Damaged) if live()?.is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

type OpenFile = Option<(Record, LocalContent)>;

impl Storage for LocalStorage {
    fn stage(&self, ids: IdMode) -> Box<dyn Staged> {
        Box::new(LocalStaged::new(Arc::clone(&self.0), ids))
    }

    fn find(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<Record>> {
        let shared = Arc::clone(&self.0);
        Box::pin(blocking(move || {
            Ok(shared.record(id)?.filter(|record| record.expires > now))
        }))
    }

    fn open(&self, id: FileId, now: Timestamp) -> Pending<'_, Option<(Record, Box<dyn Content>)>> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let opened = blocking(move || shared.open_content(id, now)).await?;
            Ok(opened.map(|(record, content)| (record, Box::new(content) as Box<dyn Content>)))
        })
    }

    fn extend(
        &self,
        id: FileId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Pending<'_, Option<Record>> {
        Box::pin(
            self.0
                .writer
                .write(move |connection| database::extend(connection, id, expires, now)),
        )
    }

    fn remove_expired(&self, now: Timestamp) -> Pending<'_, u64> {
        // Not to be cut off between the record and the content.
        let task = self.0.tasks.spawn(self.clone().remove_expired_step(now));
        Box::pin(async move { task.await.map_err(|_| StorageError::Closed)? })
    }

    fn sweep(&self) -> Pending<'_, Swept> {
        Box::pin(self.clone().sweep_all())
    }

    fn usage(&self) -> Usage {
        *self.0.usage()
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.0.tasks.close();
            self.0.tasks.wait().await;
            self.0.writer.close().await;
            Ok(())
        })
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StorageError::Closed)?
}

#[cfg(test)]
mod tests;
