//! The rules of a file server: how long files live, how they are named, how large they may be.
//!
//! Nothing here reads a clock or draws randomness by itself.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rand_core::CryptoRng;
use session_types::{ErrorKind, Timestamp};

use crate::FileId;
use crate::storage::{Content, Kept, Naming, Record, Staged, Storage, StorageError, Swept, Usage};

/// Numbers tried before an upload is given up.
const NUMBER_TRIES: u32 = 25;

/// How files are named (docs/protocol/file-server.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdMode {
    /// By their content, as other servers do: equal files are kept once, and their lives can be
    /// extended.
    #[default]
    Content,
    /// By their content too, with a hash that takes a fifth of the time.
    Blake3,
    /// By random numbers, as the first servers did.
    Numbers,
}

/// What a server grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How files are named.
    pub ids: IdMode,
    /// Size of a file.
    pub max_file_bytes: u64,
    /// Size of all files together.
    pub max_total_bytes: u64,
    /// How long a file lives when the client asks for nothing.
    pub default_ttl: Duration,
    /// The longest life a client may ask for. Without one, what it asks for is ignored.
    pub max_ttl: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ids: IdMode::Content,
            max_file_bytes: 10_223_616,
            max_total_bytes: 100 * 1024 * 1024 * 1024,
            default_ttl: Duration::from_secs(21 * 24 * 3600),
            max_ttl: None,
        }
    }
}

/// Why a request about a file is not fulfilled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A file has one byte at least.
    #[error("the file is empty")]
    Empty,
    /// All files together would become too large, or the disk is full.
    #[error("no space left for files")]
    Full,
    /// All numbers tried were taken.
    #[error("no free number found")]
    NoFreeNumber,
    /// There is no such file, or not any more, or its life cannot be extended.
    #[error("no such file")]
    NotFound,
    /// The storage failed.
    #[error("the storage failed")]
    Storage(#[source] StorageError),
    /// More bytes than a file may have.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The life asked for is not one the server grants.
    #[error("this time to live is not granted")]
    Ttl,
}

impl FilesError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty | Self::NotFound | Self::TooLarge(_) | Self::Ttl => ErrorKind::BadInput,
            Self::Full | Self::NoFreeNumber => ErrorKind::Unreachable,
            Self::Storage(error) => error.kind(),
        }
    }
}

impl From<StorageError> for FilesError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Full => Self::Full,
            error => Self::Storage(error),
        }
    }
}

/// The files of a server.
#[derive(Debug)]
pub struct Files {
    storage: Arc<dyn Storage>,
    rules: Rules,
    /// Bytes of uploads under way.
    arriving: Arc<AtomicU64>,
}

impl Files {
    /// Files kept in `storage` by these rules.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, rules: Rules) -> Self {
        Self {
            storage,
            rules,
            arriving: Arc::default(),
        }
    }

    /// What is granted.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How long a file lives whose client asks for `asked` seconds.
    ///
    /// # Errors
    /// [`FilesError::Ttl`] for more than the longest life.
    pub fn ttl(&self, asked: Option<u64>) -> Result<Duration, FilesError> {
        match (asked.map(Duration::from_secs), self.rules.max_ttl) {
            (Some(asked), Some(max)) if asked > max => Err(FilesError::Ttl),
            (Some(asked), Some(_)) => Ok(asked),
            _ => Ok(self.rules.default_ttl),
        }
    }

    /// The same where a client that asks for too much or too little gets what comes next to it:
    /// from a second to the longest life, which is the usual one unless the operator set another.
    #[must_use]
    pub fn clamped_ttl(&self, asked: Option<u64>) -> Duration {
        let Some(asked) = asked else {
            return self.rules.default_ttl;
        };
        let max = self.rules.max_ttl.unwrap_or(self.rules.default_ttl);
        Duration::from_secs(asked.max(1)).min(max)
    }

    /// Begins an upload. Dropping it undoes it.
    ///
    /// # Errors
    /// [`FilesError`] when `announced` bytes, if it is known how many will come, are refused
    /// already.
    pub fn put(&self, announced: Option<u64>) -> Result<Upload<'_>, FilesError> {
        match announced {
            Some(0) => return Err(FilesError::Empty),
            Some(size) if size > self.rules.max_file_bytes => {
                return Err(FilesError::TooLarge(self.rules.max_file_bytes));
            }
            Some(size) if !self.has_room(size) => return Err(FilesError::Full),
            _ => {}
        }
        Ok(Upload {
            files: self,
            staged: self.storage.stage(self.rules.ids),
            size: Arriving {
                all: Arc::clone(&self.arriving),
                bytes: 0,
            },
        })
    }

    /// What is known about a file.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the storage failed.
    pub async fn info(&self, id: FileId, now: Timestamp) -> Result<Record, FilesError> {
        let found = self.storage.find(id, now).await?;
        found.ok_or(FilesError::NotFound)
    }

    /// The same, and its content.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the storage failed.
    pub async fn get(
        &self,
        id: FileId,
        now: Timestamp,
    ) -> Result<(Record, Box<dyn Content>), FilesError> {
        let found = self.storage.open(id, now).await?;
        found.ok_or(FilesError::NotFound)
    }

    /// Makes a file last for `ttl` from now, if it would not last longer anyway.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], for files named by numbers too, or the storage failed.
    pub async fn extend(
        &self,
        id: FileId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Record, FilesError> {
        if !id.is_extendable() {
            return Err(FilesError::NotFound);
        }
        let extended = self.storage.extend(id, now.plus(ttl), now).await?;
        extended.ok_or(FilesError::NotFound)
    }

    /// Deletes files that have expired; how many.
    ///
    /// # Errors
    /// [`FilesError::Storage`].
    pub async fn expire(&self, now: Timestamp) -> Result<u64, FilesError> {
        let mut all = 0;
        loop {
            match self.storage.remove_expired(now).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// Removes what crashes have left behind.
    ///
    /// # Errors
    /// [`FilesError::Storage`].
    pub async fn sweep(&self) -> Result<Swept, FilesError> {
        Ok(self.storage.sweep().await?)
    }

    /// How much is kept.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.storage.usage()
    }

    /// Ends when everything is written.
    ///
    /// # Errors
    /// [`FilesError::Storage`].
    pub async fn close(&self) -> Result<(), FilesError> {
        Ok(self.storage.close().await?)
    }

    fn has_room(&self, more: u64) -> bool {
        self.usage()
            .bytes
            .saturating_add(self.arriving.load(Ordering::Relaxed))
            .saturating_add(more)
            <= self.rules.max_total_bytes
    }
}

/// A file on its way in.
#[derive(Debug)]
pub struct Upload<'a> {
    files: &'a Files,
    staged: Box<dyn Staged>,
    size: Arriving,
}

impl Upload<'_> {
    /// Adds to the end.
    ///
    /// # Errors
    /// [`FilesError::TooLarge`] or [`FilesError::Full`] as soon as it is so, or the storage failed.
    /// The upload cannot go on then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let max = self.files.rules.max_file_bytes;
        if more > max.saturating_sub(self.size.bytes) {
            return Err(FilesError::TooLarge(max));
        }
        if !self.files.has_room(more) {
            return Err(FilesError::Full);
        }
        self.size.grow(more);
        Ok(self.staged.write(bytes).await?)
    }

    /// Makes it a file. When this returns, the file survives a crash.
    ///
    /// # Errors
    /// [`FilesError::Empty`], [`FilesError::NoFreeNumber`], or the storage failed.
    pub async fn finish(
        mut self,
        ttl: Duration,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Record, FilesError> {
        if self.size.bytes == 0 {
            return Err(FilesError::Empty);
        }
        let expires = now.plus(ttl);
        let tries = match self.files.rules.ids {
            IdMode::Content | IdMode::Blake3 => 1,
            IdMode::Numbers => NUMBER_TRIES,
        };
        for _ in 0..tries {
            let naming = match self.files.rules.ids {
                IdMode::Content | IdMode::Blake3 => Naming::Content,
                IdMode::Numbers => Naming::Given(FileId::random(rng)),
            };
            if let Kept::Stored(record) = self.staged.keep(naming, now, expires).await? {
                return Ok(record);
            }
        }
        Err(FilesError::NoFreeNumber)
    }
}

/// Counts the bytes of one upload among those of all.
#[derive(Debug)]
struct Arriving {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Arriving {
    fn grow(&mut self, more: u64) {
        self.bytes += more;
        self.all.fetch_add(more, Ordering::Relaxed);
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use rand_core::{TryCryptoRng, TryRng};

    use super::*;
    use crate::LocalStorage;

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
    const TTL: Duration = Duration::from_secs(60);

    /// Draws the same number every time, and another one when so many were drawn.
    struct Stuck {
        draws: u32,
    }

    impl TryRng for Stuck {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("numbers have more bits")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.draws = self.draws.saturating_sub(1);
            Ok(if self.draws == 0 { u64::MAX } else { 7 << 11 })
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
            unreachable!("a number is drawn as one")
        }
    }

    impl TryCryptoRng for Stuck {}

    fn files(dir: &std::path::Path, rules: Rules) -> Files {
        Files::new(Arc::new(LocalStorage::open(dir).unwrap()), rules)
    }

    async fn put(files: &Files, content: &'static [u8], draws: u32) -> Result<Record, FilesError> {
        let mut upload = files.put(None)?;
        upload.write(Bytes::from_static(content)).await?;
        upload.finish(TTL, NOW, &mut Stuck { draws }).await
    }

    #[tokio::test]
    async fn a_taken_number_is_drawn_again_25_times() {
        let dir = tempfile::tempdir().unwrap();
        let rules = Rules {
            ids: IdMode::Numbers,
            ..Rules::default()
        };
        let files = files(dir.path(), rules);
        let first = put(&files, b"one", 9).await.unwrap();
        assert_eq!(first.id, FileId::Number(7));
        let none = put(&files, b"two", 26).await;
        assert!(matches!(none, Err(FilesError::NoFreeNumber)));
        let last = put(&files, b"two", 25).await.unwrap();
        assert_eq!(last.id, FileId::Number((1 << 53) - 1));
        assert_eq!((files.usage().files, files.usage().bytes), (2, 6));
        let extended = files.extend(first.id, TTL, NOW).await;
        assert!(matches!(extended, Err(FilesError::NotFound)));
    }

    #[tokio::test]
    async fn space_counts_what_is_arriving_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let rules = Rules {
            max_file_bytes: 8,
            max_total_bytes: 10,
            ..Rules::default()
        };
        let files = files(dir.path(), rules);
        assert!(matches!(files.put(Some(0)), Err(FilesError::Empty)));
        assert!(matches!(files.put(Some(9)), Err(FilesError::TooLarge(8))));
        let mut first = files.put(Some(6)).unwrap();
        first.write(Bytes::from_static(b"123456")).await.unwrap();
        assert!(matches!(files.put(Some(5)), Err(FilesError::Full)));
        let full = put(&files, b"12345", 1).await;
        assert!(matches!(full, Err(FilesError::Full)));
        let large = first.write(Bytes::from_static(b"789")).await;
        assert!(matches!(large, Err(FilesError::TooLarge(8))));
        drop(first);
        put(&files, b"12345", 1).await.unwrap();
        assert!(matches!(files.put(Some(6)), Err(FilesError::Full)));
        files.put(Some(5)).unwrap();
        assert_eq!(files.expire(NOW.plus(TTL)).await.unwrap(), 1);
        files.put(Some(8)).unwrap();
        let empty = files.put(None).unwrap();
        let empty = empty.finish(TTL, NOW, &mut Stuck { draws: 1 }).await;
        assert!(matches!(empty, Err(FilesError::Empty)));
    }
}
