//! Contents that were brought beside the calls, until a call takes them.

use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;

use crate::ApiError;

/// Bytes of one content: as long as a file may be.
pub const MOST_UPLOADED: usize = 10_000_000;
/// Bytes of all that wait.
const MOST_WAITING: usize = 64_000_000;
/// How long one waits.
const LIFE: Duration = Duration::from_secs(3600);

/// What waits, the oldest first. Never written to a disk in the clear.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<Vec<Upload>>);

struct Upload {
    handle: String,
    content: Vec<u8>,
    at: Instant,
}

impl Uploads {
    /// Keeps a content; a call names it by what this returns.
    pub(crate) fn put(&self, content: Vec<u8>) -> Result<String, ApiError> {
        if content.len() > MOST_UPLOADED {
            return Err(ApiError::bad_input(
                "core.file_too_large",
                format!("a file has at most {MOST_UPLOADED} bytes"),
            ));
        }
        let handle = HEXLOWER.encode(&rand::random::<[u8; 16]>());
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|upload| upload.at.elapsed() < LIFE);
        let taken: usize = waiting.iter().map(|upload| upload.content.len()).sum();
        if taken + content.len() > MOST_WAITING {
            return Err(ApiError::bad_input(
                "api.uploads_full",
                "too much was uploaded and not sent",
            ));
        }
        waiting.push(Upload {
            handle: handle.clone(),
            content,
            at: Instant::now(),
        });
        Ok(handle)
    }

    /// Gives a content away.
    pub(crate) fn take(&self, handle: &str) -> Result<Vec<u8>, ApiError> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.iter().position(|upload| upload.handle == handle);
        match found.map(|at| waiting.remove(at)) {
            Some(upload) if upload.at.elapsed() < LIFE => Ok(upload.content),
            _ => Err(ApiError::bad_input(
                "api.unknown_upload",
                "what was uploaded is not here any more; upload it again",
            )),
        }
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_taken_once() {
        let uploads = Uploads::default();
        let one = uploads.put(vec![1]).unwrap();
        let two = uploads.put(vec![2]).unwrap();
        assert_ne!(one, two);
        assert_eq!(uploads.take(&two).unwrap(), [2]);
        for gone in [two.as_str(), "", "x"] {
            assert_eq!(uploads.take(gone).unwrap_err().code(), "api.unknown_upload");
        }
        assert_eq!(uploads.take(&one).unwrap(), [1]);
    }

    #[test]
    fn there_is_room_for_some() {
        let uploads = Uploads::default();
        let long = uploads.put(vec![0; MOST_UPLOADED + 1]).unwrap_err();
        assert_eq!(long.code(), "core.file_too_large");
        let kept: Vec<_> = (0..6)
            .map(|_| uploads.put(vec![0; MOST_UPLOADED]).unwrap())
            .collect();
        let full = uploads.put(vec![0; MOST_UPLOADED]).unwrap_err();
        assert_eq!(full.code(), "api.uploads_full");
        assert_eq!(uploads.take(&kept[0]).unwrap().len(), MOST_UPLOADED);
        uploads.put(vec![0; MOST_UPLOADED]).unwrap();
    }
}
