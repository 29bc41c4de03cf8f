//! Uploads under way.

use core::fmt;
use core::sync::atomic::Ordering;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use session_types::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::{Shared, blocking, database, folder};
use crate::arrival::Arrival;
use crate::hashing::{self, Part as _};
use crate::storage::{Kept, Naming, Pending, Record, Staged, StorageError};
use crate::{FileId, IdMode};

/// An upload under way.
#[derive(Debug)]
pub(super) struct LocalStaged {
    shared: Arc<Shared>,
    /// Gone while it is worked on, and once it is kept or has failed.
    part: Option<Box<Part>>,
}

impl LocalStaged {
    pub(super) fn new(shared: Arc<Shared>, ids: IdMode) -> Self {
        let part = Box::new(Part {
            arrival: Arrival::new(ids),
            file: None,
            shared: Arc::clone(&shared),
        });
        Self {
            shared,
            part: Some(part),
        }
    }
}

impl Staged for LocalStaged {
    fn write(&mut self, mut bytes: Bytes) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut part = self.part.take().ok_or(StorageError::Closed)?;
            while part.arrival.add(&mut bytes) {
                part = self.shared.hashing.write_down(part).await?;
            }
            self.part = Some(part);
            Ok(())
        })
    }

    fn keep(
        &mut self,
        naming: Naming,
        uploaded: Timestamp,
        expires: Timestamp,
    ) -> Pending<'_, Kept> {
        Box::pin(async move {
            let part = self.part.take().ok_or(StorageError::Closed)?;
            // Not to be cut off between content and record when the uploader goes away.
            let keeping = Arc::clone(&self.shared).keep(part, naming, uploaded, expires);
            let kept = self.shared.tasks.spawn(keeping).await;
            let (kept, part) = kept.map_err(|_| StorageError::Closed)??;
            self.part = part;
            Ok(kept)
        })
    }
}

/// What was to be done with content, and what is left of the upload.
enum Placed {
    /// It is there, with or without a record.
    There { was_recorded: bool },
    /// Another file has the name.
    Taken(Box<Part>),
}

impl Shared {
    async fn keep(
        self: Arc<Self>,
        mut part: Box<Part>,
        naming: Naming,
        uploaded: Timestamp,
        expires: Timestamp,
    ) -> Result<(Kept, Option<Box<Part>>), StorageError> {
        part.arrival.close();
        let part = self.hashing.hash(part).await?;
        let id = part.arrival.id(naming)?;
        let new = Record {
            id,
            size: part.arrival.size(),
            uploaded,
            expires,
        };
        let guard = self.locks.lock(id).await;
        let shared = Arc::clone(&self);
        let placed = blocking(move || shared.place(part, new, naming)).await?;
        let was_recorded = match placed {
            Placed::Taken(part) => return Ok((Kept::Taken, Some(part))),
            Placed::There { was_recorded } => was_recorded,
        };
        let kept = self
            .writer
            .write(move |connection| database::keep(connection, &new))
            .await;
        match kept {
            Ok((record, is_new)) => {
                if is_new {
                    let mut usage = self.usage();
                    usage.files = usage.files.saturating_add(1);
                    usage.bytes = usage.bytes.saturating_add(record.size);
                }
                drop(guard);
                Ok((Kept::Stored(record), None))
            }
            Err(error) => {
                if !was_recorded {
                    let undone = blocking(move || self.unplace(id, guard)).await;
                    if let Err(error) = undone {
                        tracing::warn!(%error, "content without a record waits for the next sweep");
                    }
                }
                Err(error)
            }
        }
    }

    /// Brings content to its place and to the disk, unless it is there.
    fn place(
        self: &Arc<Self>,
        mut part: Box<Part>,
        new: Record,
        naming: Naming,
    ) -> Result<Placed, StorageError> {
        let before = self.record(new.id)?;
        match (&before, naming) {
            (Some(_), Naming::Given(_)) => return Ok(Placed::Taken(part)),
            (Some(before), Naming::Content) if self.has_content(before)? => {}
            _ => {
                part.write_down()?;
                if let Some(temporary) = &mut part.file {
                    temporary.file.sync_all()?;
                    self.folder.put(&temporary.path, new.id)?;
                    temporary.placed = true;
                }
            }
        }
        Ok(Placed::There {
            was_recorded: before.is_some(),
        })
    }

    fn unplace(&self, id: FileId, _guard: OwnedMutexGuard<()>) -> Result<(), StorageError> {
        if self.record(id)?.is_none() {
            self.folder.remove(id)?;
        }
        Ok(())
    }
}

/// What has arrived so far, and where it is written down.
pub(super) struct Part {
    arrival: Arrival,
    file: Option<Temporary>,
    shared: Arc<Shared>,
}

impl hashing::Part for Part {
    fn arrival(&mut self) -> &mut Arrival {
        &mut self.arrival
    }

    fn write_down(&mut self) -> Result<(), StorageError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(Temporary::create(&self.shared)?),
        };
        for part in self.arrival.take_hashed() {
            file.file.write_all(part.as_ref())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("size", &self.arrival.size())
            .finish_non_exhaustive()
    }
}

/// A file in the folder of uploads, deleted in the end unless it was put in its place.
struct Temporary {
    file: File,
    name: String,
    path: PathBuf,
    placed: bool,
    shared: Arc<Shared>,
}

impl Temporary {
    fn create(shared: &Arc<Shared>) -> Result<Self, StorageError> {
        let number = shared.next_upload.fetch_add(1, Ordering::Relaxed);
        let name = format!("{number}.part");
        let path = shared.folder.upload_path(&name);
        // Before there is a file: it must not look like one a crash has left.
        shared.uploading().insert(name.clone());
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        match created {
            Ok(file) => Ok(Self {
                file,
                name,
                path,
                placed: false,
                shared: Arc::clone(shared),
            }),
            Err(error) => {
                shared.uploading().remove(&name);
                Err(error.into())
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let (shared, name) = (Arc::clone(&self.shared), core::mem::take(&mut self.name));
        if self.placed {
            shared.uploading().remove(&name);
            return;
        }
        let path = core::mem::take(&mut self.path);
        let remove = move || {
            if let Err(error) = folder::remove(&path) {
                tracing::warn!(%error, "an upload that was given up waits for the next sweep");
            }
            shared.uploading().remove(&name);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
