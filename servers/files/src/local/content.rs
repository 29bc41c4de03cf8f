//! Reading the content of a file.

#[cfg(target_os = "linux")]
use core::num::NonZeroU64;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;

use super::blocking;
use crate::buffer::{self, Buffer};
use crate::storage::{Content, Pending, StorageError};

/// So much of a file is brought to memory when its first part is not there.
#[cfg(target_os = "linux")]
const AHEAD: u64 = 2 * 1024 * 1024;

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
        let read = match rest.read_at_hand() {
            None => rest.fetch()?,
            at_hand => at_hand,
        };
        Ok(Self {
            read,
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
        self.file
            .read_exact(buffer.as_mut())
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => StorageError::Damaged,
                _ => error.into(),
            })?;
        Ok(Some(self.took(buffer, length)))
    }

    /// Reads from the disk, and has the system bring what follows.
    fn fetch(&mut self) -> Result<Option<Bytes>, StorageError> {
        #[cfg(target_os = "linux")]
        if let Some(length) = NonZeroU64::new(self.left.min(AHEAD)) {
            use rustix::fs::{Advice, fadvise};
            // Where it is not heeded, reading takes a little longer.
            let _ = fadvise(&self.file, 0, Some(length), Advice::WillNeed);
        }
        self.read()
    }

    /// Reads what the system has in memory, if it can tell.
    #[cfg(target_os = "linux")]
    fn read_at_hand(&mut self) -> Option<Bytes> {
        let length = self.next_length();
        if length == 0 {
            return None;
        }
        let mut buffer = Buffer::take(length);
        let place = io::IoSliceMut::new(buffer.as_mut());
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
        usize::try_from(self.left)
            .unwrap_or(buffer::HALF)
            .min(buffer::HALF)
    }

    fn took(&mut self, mut buffer: Buffer, length: usize) -> Bytes {
        self.left = self
            .left
            .saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        buffer.truncate(length);
        Bytes::from_owner(buffer)
    }
}
