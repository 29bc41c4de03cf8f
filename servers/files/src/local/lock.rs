//! Who may touch what.

use core::hash::{BuildHasher as _, BuildHasherDefault};
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::DefaultHasher;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::FileId;
use crate::storage::StorageError;

/// Names that fall on the same lock wait for each other, which is rare.
const LOCKS: usize = 1024;

/// A lock for each name. Held while content is made or deleted, until the record agrees with it.
#[derive(Debug)]
pub(super) struct Locks(Vec<Arc<Mutex<()>>>);

impl Locks {
    pub(super) fn new() -> Self {
        Self((0..LOCKS).map(|_| Arc::default()).collect())
    }

    pub(super) async fn lock(&self, id: FileId) -> OwnedMutexGuard<()> {
        self.of(id).lock_owned().await
    }

    /// Locks a name too, unless somebody else holds its lock.
    pub(super) fn try_add(&self, held: &mut Vec<OwnedMutexGuard<()>>, id: FileId) -> bool {
        let lock = self.of(id);
        if held
            .iter()
            .any(|guard| Arc::ptr_eq(OwnedMutexGuard::mutex(guard), &lock))
        {
            return true;
        }
        match lock.try_lock_owned() {
            Ok(guard) => {
                held.push(guard);
                true
            }
            Err(_) => false,
        }
    }

    fn of(&self, id: FileId) -> Arc<Mutex<()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::new().hash_one(id);
        let count = u64::try_from(self.0.len()).unwrap_or(1).max(1);
        let index = usize::try_from(hash % count).unwrap_or_default();
        self.0.get(index).cloned().unwrap_or_default()
    }
}

/// Keeps other processes out of a data folder.
#[derive(Debug)]
pub(crate) struct DataLock(
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")] File,
);

impl DataLock {
    pub(crate) fn take(data: &Path) -> Result<Self, StorageError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(data.join("files.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse),
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                tracing::warn!("this file system knows no locks: start nothing twice");
                Ok(Self(file))
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
