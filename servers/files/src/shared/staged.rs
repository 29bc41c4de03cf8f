//! Uploads under way.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;
use session_types::Timestamp;

use super::Shared;
use super::objects::{Object, Objects};
use crate::IdMode;
use crate::arrival::Arrival;
use crate::hashing::{self, Part as _};
use crate::local::blocking;
use crate::storage::{Kept, Naming, Pending, Record, Staged, StorageError};

/// An upload under way.
#[derive(Debug)]
pub(super) struct SharedStaged {
    shared: Arc<Shared>,
    /// Gone while it is worked on, and once it is kept or has failed.
    part: Option<Box<Part>>,
}

impl SharedStaged {
    pub(super) fn new(shared: Arc<Shared>, ids: IdMode) -> Self {
        let part = Box::new(Part {
            arrival: Arrival::new(ids),
            object: None,
            objects: shared.objects.clone(),
        });
        Self {
            shared,
            part: Some(part),
        }
    }
}

impl Staged for SharedStaged {
    fn write(&mut self, mut bytes: Bytes) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut part = self.part.take().ok_or(StorageError::Closed)?;
            while part.arrival.add(&mut bytes) {
                part = self.shared.hashing.write_down(part).await?;
                if let Some(object) = &mut part.object {
                    object.advance().await?;
                }
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
        part.arrival.close();
        let mut part = self.hashing.hash(part).await?;
        let id = part.arrival.id(naming)?;
        let new = Record {
            id,
            size: part.arrival.size(),
            uploaded,
            expires,
        };
        if naming == Naming::Content
            && let Some(record) = self.keep_again(&new).await?
        {
            return Ok((Kept::Stored(record), None));
        }
        let mut part = blocking(move || {
            part.write_down()?;
            if let Some(Object::Folder(object)) = &part.object {
                object.sync()?;
            }
            Ok(part)
        })
        .await?;
        if let Some(Object::Bucket(object)) = &mut part.object {
            object.finish().await?;
        }
        // Empty content has been written down too.
        let object = part.object.as_mut().ok_or(StorageError::Closed)?;
        let own = object.key();
        let kept = match naming {
            Naming::Given(_) => self.records.add(&new, own).await,
            Naming::Content => self.records.keep(&new, own).await.map(Some),
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
            if !self.records.replace(&new, used, own).await? {
                tracing::debug!("lost content was replaced by another server");
            }
        }
        Ok((Kept::Stored(record), None))
    }

    /// Makes a file that is there count as uploaded again.
    async fn keep_again(self: &Arc<Self>, new: &Record) -> Result<Option<Record>, StorageError> {
        let Some((before, key)) = self.records.find(new.id).await? else {
            return Ok(None);
        };
        if !self.has_content(&before, key).await? {
            return Ok(None);
        }
        self.records.touch(new, key).await
    }
}

/// What has arrived so far, and where it is written down.
pub(super) struct Part {
    arrival: Arrival,
    object: Option<Object>,
    objects: Objects,
}

impl hashing::Part for Part {
    fn arrival(&mut self) -> &mut Arrival {
        &mut self.arrival
    }

    fn write_down(&mut self) -> Result<(), StorageError> {
        let object = match &mut self.object {
            Some(object) => object,
            None => self.object.insert(self.objects.begin()?),
        };
        self.arrival
            .take_hashed()
            .into_iter()
            .try_for_each(|part| object.write(part))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("size", &self.arrival.size())
            .finish_non_exhaustive()
    }
}
