//! Where content is: a folder, or a bucket of an object store.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::bucket::{Bucket, BucketObject};
use super::folder::{Folder, FolderObject};
use super::key::ObjectKey;
use crate::buffer::Buffer;
use crate::local::blocking;
use crate::storage::{Content, StorageError};

/// Content deleted at the same time.
const AT_ONCE: usize = 16;

/// Where content is. Clones are the same place.
#[derive(Debug, Clone)]
pub(super) enum Objects {
    Bucket(Arc<Bucket>),
    Folder(Folder),
}

impl Objects {
    /// Begins content under a key of its own. Blocks.
    pub(super) fn begin(&self) -> Result<Object, StorageError> {
        Ok(match self {
            Self::Bucket(bucket) => Object::Bucket(Arc::clone(bucket).begin()),
            Self::Folder(folder) => Object::Folder(folder.begin()?),
        })
    }

    /// Opens content, [`StorageError::Damaged`] when it is not there or not so long.
    pub(super) async fn open(
        &self,
        key: ObjectKey,
        size: u64,
    ) -> Result<Box<dyn Content>, StorageError> {
        Ok(match self {
            Self::Bucket(bucket) => Box::new(Arc::clone(bucket).read(key, size).await?),
            Self::Folder(folder) => {
                let folder = folder.clone();
                Box::new(blocking(move || folder.open(key, size)).await?)
            }
        })
    }

    /// Length of content, if it is there.
    pub(super) async fn size_of(&self, key: ObjectKey) -> Result<Option<u64>, StorageError> {
        match self {
            Self::Bucket(bucket) => bucket.size_of(key).await,
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || Ok(folder.size_of(key)?)).await
            }
        }
    }

    /// Deletes content; how much of it there was. Goes on after what cannot be deleted, whose
    /// error it returns in the end.
    pub(super) async fn remove(&self, keys: Vec<ObjectKey>) -> Result<u64, StorageError> {
        let mut removed = 0;
        let mut failed = None;
        let mut note = |result: Result<bool, StorageError>| match result {
            Ok(was_there) => removed += u64::from(was_there),
            Err(error) => failed = Some(error),
        };
        match self {
            Self::Bucket(bucket) => {
                let mut results = stream::iter(keys)
                    .map(|key| bucket.remove(key))
                    .buffer_unordered(AT_ONCE);
                while let Some(result) = results.next().await {
                    note(result.map(|()| true));
                }
            }
            Self::Folder(folder) => {
                let folder = folder.clone();
                let removing = move || {
                    let remove = |key| folder.remove(key).map_err(Into::into);
                    Ok(keys.into_iter().map(remove).collect::<Vec<_>>())
                };
                blocking(removing).await?.into_iter().for_each(note);
            }
        }
        failed.map_or(Ok(removed), Err)
    }

    /// Removes parts of uploads that crashes have left, if they are so old; how many uploads.
    pub(super) async fn remove_parts(&self, age: Duration) -> Result<u64, StorageError> {
        match self {
            Self::Bucket(bucket) => bucket.abort_older_than(age).await,
            // A part is a file like all others there.
            Self::Folder(_) => Ok(0),
        }
    }

    /// All content, step by step.
    pub(super) fn list(&self) -> Listing {
        Listing {
            objects: self.clone(),
            position: Position::Begin,
        }
    }
}

/// A walk through all content.
#[derive(Debug)]
pub(super) struct Listing {
    objects: Objects,
    position: Position,
}

#[derive(Debug)]
enum Position {
    Begin,
    Folders(Vec<PathBuf>),
    /// The bucket goes on here.
    Token(String),
    End,
}

impl Listing {
    /// Of the next step what was not written to for so long; None at the end.
    pub(super) async fn next(
        &mut self,
        age: Duration,
    ) -> Result<Option<Vec<ObjectKey>>, StorageError> {
        let position = core::mem::replace(&mut self.position, Position::End);
        match (&self.objects, position) {
            (_, Position::End) => Ok(None),
            (Objects::Bucket(bucket), position) => {
                let token = match position {
                    Position::Token(token) => Some(token),
                    _ => None,
                };
                let (keys, next) = bucket.list(token.as_deref(), age).await?;
                if let Some(next) = next {
                    self.position = Position::Token(next);
                }
                Ok(Some(keys))
            }
            (Objects::Folder(folder), position) => {
                let folder = folder.clone();
                let step = move || {
                    let mut left = match position {
                        Position::Folders(left) => left,
                        _ => folder.prefixes()?,
                    };
                    let Some(prefix) = left.pop() else {
                        return Ok(None);
                    };
                    Ok(Some((folder.older_than(&prefix, age)?, left)))
                };
                let Some((keys, left)) = blocking(step).await? else {
                    return Ok(None);
                };
                self.position = Position::Folders(left);
                Ok(Some(keys))
            }
        }
    }
}

/// Content on its way in, deleted in the end unless it is kept.
pub(super) enum Object {
    Bucket(BucketObject),
    Folder(FolderObject),
}

impl Object {
    pub(super) const fn key(&self) -> ObjectKey {
        match self {
            Self::Bucket(object) => object.key(),
            Self::Folder(object) => object.key(),
        }
    }

    /// Adds to the end. Blocks.
    pub(super) fn write(&mut self, part: Buffer) -> Result<(), StorageError> {
        match self {
            Self::Bucket(object) => object.write(Bytes::from_owner(part)),
            Self::Folder(object) => Ok(object.write(part.as_ref())?),
        }
    }

    /// Sends off what is enough for a part.
    pub(super) async fn advance(&mut self) -> Result<(), StorageError> {
        match self {
            Self::Bucket(object) => object.advance().await,
            Self::Folder(_) => Ok(()),
        }
    }

    /// From now on it stays.
    pub(super) const fn keep(&mut self) {
        match self {
            Self::Bucket(object) => object.keep(),
            Self::Folder(object) => object.keep(),
        }
    }
}
