//! Reading the content of a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use super::blocking;
use crate::storage::{Content, Pending, StorageError};

/// Bytes read at a time.
const CHUNK: u64 = 256 * 1024;

/// The content of a file, the first part of it read already.
#[derive(Debug)]
pub(crate) struct LocalContent {
    read: Option<Bytes>,
    /// Gone while a part is being read.
    rest: Option<Rest>,
}

#[derive(Debug)]
struct Rest {
    file: File,
    left: u64,
    buffer: BytesMut,
}

/// Buffers of downloads that have ended: memory the system has given once need not be asked for
/// again for each part.
static SPARE: Mutex<Vec<BytesMut>> = Mutex::new(Vec::new());

/// How many there may be.
const MAX_SPARE: usize = 16;

fn spare() -> MutexGuard<'static, Vec<BytesMut>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Rest {
    fn drop(&mut self) {
        let mut spare = spare();
        if spare.len() < MAX_SPARE {
            spare.push(core::mem::take(&mut self.buffer));
        }
    }
}

impl LocalContent {
    /// Opens the file and reads its first part. Blocks.
    pub(crate) fn open(path: &Path, size: u64) -> Result<Self, StorageError> {
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
        let buffer = spare().pop().unwrap_or_default();
        let mut rest = Rest {
            file,
            left: size,
            buffer,
        };
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
        let length = usize::try_from(wanted).unwrap_or_default();
        // What of it is still being sent is left alone.
        self.buffer.reserve(length);
        self.buffer.resize(length, 0);
        self.file
            .read_exact(&mut self.buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => StorageError::Damaged,
                _ => error.into(),
            })?;
        self.left -= wanted;
        Ok(Some(self.buffer.split().freeze()))
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
