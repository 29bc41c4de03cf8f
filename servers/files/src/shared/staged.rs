//! Uploads under way.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;
use session_types::Timestamp;

use super::Shared;
use super::objects::Object;
use crate::IdMode;
use crate::id::ContentHasher;
use crate::local::blocking;
use crate::storage::{Kept, Naming, Pending, Record, Staged, StorageError};

/// Bytes kept in memory before they are written.
const BUFFER: usize = 128 * 1024;

/// An upload under way.
#[derive(Debug)]
pub(super) struct SharedStaged {
    shared: Arc<Shared>,
    /// Gone while it is worked on, and once it is kept or has failed.
    part: Option<Box<Part>>,
}

impl SharedStaged {
    pub(super) fn new(shared: Arc<Shared>, ids: IdMode) -> Self {
        Self {
            shared,
            part: Some(Box::new(Part {
                hasher: match ids {
                    IdMode::Content => Some(ContentHasher::new()),
                    IdMode::Numbers => None,
                },
                size: 0,
                waiting: Vec::new(),
                waiting_bytes: 0,
                object: None,
            })),
        }
    }
}

impl Staged for SharedStaged {
    fn write(&mut self, bytes: Bytes) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut part = self.part.take().ok_or(StorageError::Closed)?;
            part.add(bytes);
            if part.waiting_bytes >= BUFFER {
                let shared = Arc::clone(&self.shared);
                part = blocking(move || {
                    part.hash();
                    part.write_down(&shared)?;
                    Ok(part)
                })
                .await?;
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

impl Shared {
    async fn keep(
        self: Arc<Self>,
        mut part: Box<Part>,
        naming: Naming,
        uploaded: Timestamp,
        expires: Timestamp,
    ) -> Result<(Kept, Option<Box<Part>>), StorageError> {
        let id = match naming {
            Naming::Given(id) => id,
            Naming::Content => {
                part.hash();
                let hasher = part.hasher.as_ref().ok_or(StorageError::NotHashed)?;
                hasher.id()
            }
        };
        let new = Record {
            id,
            size: part.size,
            uploaded,
            expires,
        };
        if naming == Naming::Content
            && let Some(record) = self.keep_again(&new).await?
        {
            return Ok((Kept::Stored(record), None));
        }
        let shared = Arc::clone(&self);
        let mut part = blocking(move || {
            part.write_down(&shared)?;
            if let Some(object) = &part.object {
                object.sync()?;
            }
            Ok(part)
        })
        .await?;
        // Empty content has been written down too.
        let object = part.object.as_mut().ok_or(StorageError::Closed)?;
        let own = object.key();
        let kept = match naming {
            Naming::Given(_) => self.database.add(&new, own).await,
            Naming::Content => self.database.keep(&new, own).await.map(Some),
        };
        let (record, used) = match kept {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok((Kept::Taken, Some(part))),
            Err(error) => {
                // Nobody knows whether it was committed; if not, a sweep removes the content.
                object.keep();
                return Err(error);
            }
        };
        if used == own {
            object.keep();
            let mut counted = self.counted();
            counted.usage.files = counted.usage.files.saturating_add(1);
            counted.usage.bytes = counted.usage.bytes.saturating_add(record.size);
        } else if !self.has_content(&record, used).await? {
            // There was a record whose content is lost.
            object.keep();
            if !self.database.replace(&new, used, own).await? {
                tracing::debug!("lost content was replaced by another server");
            }
        }
        Ok((Kept::Stored(record), None))
    }

    /// Makes a file that is there count as uploaded again.
    async fn keep_again(self: &Arc<Self>, new: &Record) -> Result<Option<Record>, StorageError> {
        let Some((before, key)) = self.database.find(new.id).await? else {
            return Ok(None);
        };
        if !self.has_content(&before, key).await? {
            return Ok(None);
        }
        self.database.touch(new, key).await
    }
}

/// What has arrived so far.
struct Part {
    /// None where names say nothing about content.
    hasher: Option<ContentHasher>,
    size: u64,
    /// Not yet written down; all of it or nothing of it is hashed.
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    object: Option<Object>,
}

impl Part {
    fn add(&mut self, bytes: Bytes) {
        self.size = self
            .size
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push(bytes);
    }

    fn hash(&mut self) {
        if let Some(hasher) = &mut self.hasher {
            for bytes in &self.waiting {
                hasher.update(bytes);
            }
        }
    }

    fn write_down(&mut self, shared: &Shared) -> Result<(), StorageError> {
        let object = match &mut self.object {
            Some(object) => object,
            None => self.object.insert(shared.objects.begin()?),
        };
        for bytes in self.waiting.drain(..) {
            object.write(&bytes)?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
