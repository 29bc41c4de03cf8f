//! Reading the content of a file.

use core::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::blocking;
use crate::storage::{Content, Pending, StorageError};

/// Bytes read at a time.
const CHUNK: usize = 128 * 1024;

/// So little has memory of its own.
const SMALL: usize = 16 * 1024;

/// The content of a file, the first part of it read already.
#[derive(Debug)]
pub(crate) struct LocalContent {
    read: Option<Bytes>,
    /// Gone while a part is being read.
    rest: Option<Rest>,
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
        let mut rest = Rest { file, left: size };
        Ok(Self {
            read: rest.read()?,
            rest: Some(rest),
        })
    }
}

impl Content for LocalContent {
    fn next(&mut self) -> Pending<'_, Option<Bytes>> {
        Box::pin(async move {
            if let Some(part) = self.read.take() {
                return Ok(Some(part));
            }
            let mut rest = self.rest.take().ok_or(StorageError::Closed)?;
            let at_hand = rest.read_at_hand();
            if at_hand.is_some() || rest.left == 0 {
                self.rest = Some(rest);
                return Ok(at_hand);
            }
            let (part, rest) = blocking(move || Ok((rest.read()?, rest))).await?;
            self.rest = Some(rest);
            Ok(part)
        })
    }
}

/// What is not read yet.
#[derive(Debug)]
struct Rest {
    file: File,
    left: u64,
}

impl Rest {
    fn read(&mut self) -> Result<Option<Bytes>, StorageError> {
        let length = self.next_length();
        if length == 0 {
            return Ok(None);
        }
        let mut buffer = Buffer::take(length);
        let place = buffer.place(length);
        self.file
            .read_exact(place)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => StorageError::Damaged,
                _ => error.into(),
            })?;
        Ok(Some(self.took(buffer, length)))
    }

    /// Reads what the system has in memory, if it can tell.
    #[cfg(target_os = "linux")]
    fn read_at_hand(&mut self) -> Option<Bytes> {
        let length = self.next_length();
        if length == 0 {
            return None;
        }
        let mut buffer = Buffer::take(length);
        let place = io::IoSliceMut::new(buffer.place(length));
        let now = rustix::io::ReadWriteFlags::NOWAIT;
        // From where reading has come to, which moves on.
        let read = rustix::io::preadv2(&self.file, &mut [place], u64::MAX, now).ok()?;
        // At the end of a file that has become shorter, reading tells what is wrong with it.
        (read > 0).then(|| self.took(buffer, read))
    }

    #[cfg(not(target_os = "linux"))]
    fn read_at_hand(&mut self) -> Option<Bytes> {
        None
    }

    fn next_length(&self) -> usize {
        usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK)
    }

    fn took(&mut self, mut buffer: Buffer, length: usize) -> Bytes {
        self.left = self
            .left
            .saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        buffer.length = length;
        Bytes::from_owner(buffer)
    }
}

/// Memory for a part, kept for another one when it was sent: memory the system has given once need
/// not be asked for again, nor filled with zeros.
struct Buffer {
    memory: Box<[u8]>,
    length: usize,
}

impl Buffer {
    fn take(length: usize) -> Self {
        let memory = match length {
            ..=SMALL => vec![0; length].into(),
            _ => spare().pop().unwrap_or_else(|| vec![0; CHUNK].into()),
        };
        Self { memory, length: 0 }
    }

    /// Where so many bytes go.
    fn place(&mut self, length: usize) -> &mut [u8] {
        self.memory.get_mut(..length).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.memory.len() < CHUNK {
            return;
        }
        let mut spare = spare();
        if spare.len() < MAX_SPARE {
            spare.push(core::mem::take(&mut self.memory));
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").finish_non_exhaustive()
    }
}

static SPARE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// How many there may be.
const MAX_SPARE: usize = 32;

fn spare() -> MutexGuard<'static, Vec<Box<[u8]>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}
