//! What waits to be sent to a bucket.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::Body;

use super::PART;
use crate::local::blocking;

/// So much stays in memory: a small file never touches the disk.
const MEMORY: u64 = 256 * 1024;

/// Bytes read at a time.
const CHUNK: u64 = 256 * 1024;

/// The next part, in memory as long as it is short, else in a file without a name; and what has
/// come after it.
#[derive(Debug, Default)]
pub(super) struct Spool {
    waiting: VecDeque<Bytes>,
    waiting_bytes: u64,
    file: Option<Arc<Mutex<File>>>,
    written: u64,
}

impl Spool {
    /// Adds to the end. Blocks.
    pub(super) fn write(&mut self, bytes: Bytes, folder: &Path) -> io::Result<()> {
        self.waiting_bytes = self.waiting_bytes.saturating_add(length(&bytes));
        self.waiting.push_back(bytes);
        if self.waiting_bytes > MEMORY || self.written > 0 {
            self.write_down(folder)?;
        }
        Ok(())
    }

    /// Writes down what belongs to the next part. Blocks.
    pub(super) fn write_down(&mut self, folder: &Path) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile_in(folder)?;
                self.file.insert(Arc::new(Mutex::new(file)))
            }
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.written))?;
        while let Some(mut bytes) = self.waiting.pop_front() {
            let room = PART.saturating_sub(self.written);
            if length(&bytes) > room {
                let rest = bytes.split_off(usize::try_from(room).unwrap_or(usize::MAX));
                self.waiting.push_front(rest);
            }
            file.write_all(&bytes)?;
            self.written = self.written.saturating_add(length(&bytes));
            self.waiting_bytes = self.waiting_bytes.saturating_sub(length(&bytes));
            if self.written >= PART {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a whole part, or more.
    pub(super) const fn has_part(&self) -> bool {
        self.written >= PART
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0 && self.waiting.is_empty()
    }

    /// Length of the next part as it is now.
    pub(super) const fn length(&self) -> u64 {
        if self.written > 0 {
            self.written
        } else {
            self.waiting_bytes
        }
    }

    /// The next part as it is now. All of it was written down, or nothing.
    pub(super) fn body(&self) -> Body {
        match &self.file {
            Some(file) if self.written > 0 => file_body(Arc::clone(file), self.written),
            _ => {
                let parts: Vec<_> = self.waiting.iter().cloned().collect();
                let frames = parts
                    .into_iter()
                    .map(|part| Ok::<_, io::Error>(Frame::data(part)));
                Body::wrap(StreamBody::new(stream::iter(frames)))
            }
        }
    }

    /// The next part has been sent.
    pub(super) fn sent(&mut self) {
        if self.written > 0 {
            self.written = 0;
        } else {
            self.waiting.clear();
            self.waiting_bytes = 0;
        }
    }
}

/// The first bytes of a file, read as they are sent.
fn file_body(file: Arc<Mutex<File>>, size: u64) -> Body {
    let read = move |position: u64| {
        let file = Arc::clone(&file);
        async move {
            let wanted = size.saturating_sub(position).min(CHUNK);
            if wanted == 0 {
                return Ok::<_, crate::storage::StorageError>(None);
            }
            let read = move || {
                let mut buffer = vec![0; usize::try_from(wanted).unwrap_or_default()];
                // A request that was given up may still be reading: it has its own position.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(position))?;
                file.read_exact(&mut buffer)?;
                Ok(Bytes::from(buffer))
            };
            let part = blocking(read).await?;
            Ok(Some((Frame::data(part), position.saturating_add(wanted))))
        }
    };
    Body::wrap(StreamBody::new(stream::try_unfold(0, read)))
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
