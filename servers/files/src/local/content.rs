//! Reading the content of a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;

use super::blocking;
use crate::storage::{Content, Pending, StorageError};

/// Bytes read at a time.
const CHUNK: u64 = 256 * 1024;

/// The content of a file, the first part of it read already.
#[derive(Debug)]
pub(super) struct LocalContent {
    read: Option<Bytes>,
    /// Gone while a part is being read.
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    file: File,
    left: u64,
}

impl LocalContent {
    /// Opens the file and reads its first part. Blocks.
    pub(super) fn open(path: &Path, size: u64) -> Result<Self, StorageError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StorageError::Damaged);
            }
            Err(error) => return Err(error.into()),
        };
        if file.metadata()?.len() != size {
            return Err(StorageError::Damaged);
        }
        let mut rest = Rest { file, left: size };
        Ok(Self {
            read: rest.read()?,
            rest: Some(rest),
        })
    }
}

impl Rest {
    fn read(&mut self) -> Result<Option<Bytes>, StorageError> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = self.left.min(CHUNK);
        let mut part = Vec::with_capacity(usize::try_from(wanted).unwrap_or_default());
        let read = (&self.file).take(wanted).read_to_end(&mut part)?;
        if u64::try_from(read).ok() != Some(wanted) {
            return Err(StorageError::Damaged);
        }
        self.left -= wanted;
        Ok(Some(part.into()))
    }
}

impl Content for LocalContent {
    fn next(&mut self) -> Pending<'_, Option<Bytes>> {
        Box::pin(async move {
            if let Some(part) = self.read.take() {
                return Ok(Some(part));
            }
            match self.rest.take() {
                None => Err(StorageError::Closed),
                Some(rest) if rest.left == 0 => {
                    self.rest = Some(rest);
                    Ok(None)
                }
                Some(mut rest) => {
                    let (part, rest) = blocking(move || Ok((rest.read()?, rest))).await?;
                    self.rest = Some(rest);
                    Ok(part)
                }
            }
        })
    }
}
