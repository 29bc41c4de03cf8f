//! The folder of files beside the database: each encrypted with a key of its own that only the
//! database holds (docs/decisions/0010-files-beside-the-database.md).
//!
//! A file is written whole and brought to disk before the database speaks of it, and removed
//! after the database has ceased to. What a crash leaves between the two is a file that nothing
//! refers to; [`crate::Store::sweep_blobs`] removes such files.

use core::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use session_crypto::attachment::{self, DerivedKey};
use zeroize::Zeroizing;

use crate::secret::random;
use crate::{StoreError, files};

/// The folder beside the database.
const FOLDER: &str = "files";
/// Files of another process may be younger than the rows that speak of them.
const YOUNG: Duration = Duration::from_secs(3600);
/// Nothing longer is ever written.
const LONGEST: u64 = 11 * 1024 * 1024;

/// Name of a file in the folder: 32 hex digits that say nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobName(String);

impl BlobName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 52 bits of the name.
    pub(crate) fn mark(&self) -> u64 {
        let digits = self.0.get(..13).unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or_default()
    }
}

/// A file in the folder, and what opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    pub(crate) name: BlobName,
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) size: u64,
    pub(crate) on_disk: u64,
}

impl Blob {
    /// How long the content is.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// A number that is another one for each content, exact in JavaScript.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.name.mark()
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// The folder. Its methods block; they need no database and may run anywhere.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// The one of the database at this path.
    pub(crate) fn beside(database: &Path) -> Self {
        Self {
            folder: database.with_file_name(FOLDER),
        }
    }

    /// Encrypts a content with a new key and writes it. On disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::NotWritable`], …: then nothing is left behind.
    pub fn write(&self, content: &[u8]) -> Result<Blob, StoreError> {
        files::create_private_dir(&self.folder)?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let drawn = Zeroizing::new(random::<56>()?);
        let key = DerivedKey::drawn(&drawn, size).map_err(|_| StoreError::FileTooLong)?;
        let sealed =
            attachment::encrypt_with(&key, content).map_err(|_| StoreError::FileTooLong)?;
        let name = BlobName(HEXLOWER.encode(&random::<16>()?));
        let path = self.path(&name);
        let mut file = files::create_private_file(&path)?;
        let written = file.write_all(&sealed).and_then(|()| file.sync_all());
        let written = written
            .map_err(|error| StoreError::io("write", &path, error))
            .and_then(|()| files::sync_dir(&self.folder));
        if let Err(error) = written {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Blob {
            name,
            key: Zeroizing::new(*key.key()),
            size,
            on_disk: u64::try_from(sealed.len()).unwrap_or(u64::MAX),
        })
    }

    /// Reads a content.
    ///
    /// # Errors
    /// [`StoreError::FileMissing`] when somebody took the file away,
    /// [`StoreError::FileDamaged`] when it is not what was written.
    pub fn read(&self, blob: &Blob) -> Result<Vec<u8>, StoreError> {
        let path = self.path(&blob.name);
        let sealed = match files::read_bounded(&path, LONGEST) {
            Ok(sealed) => sealed.ok_or(StoreError::FileDamaged)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::FileMissing);
            }
            Err(error) => return Err(StoreError::io("read", &path, error)),
        };
        attachment::decrypt(&blob.key, &sealed).map_err(|_| StoreError::FileDamaged)
    }

    /// Removes a file that no row speaks of.
    ///
    /// # Errors
    /// [`StoreError::NotWritable`], [`StoreError::Io`]. That it is not there is no error.
    pub fn remove(&self, blob: &Blob) -> Result<(), StoreError> {
        self.remove_named(&blob.name)
    }

    pub(crate) fn remove_named(&self, name: &BlobName) -> Result<(), StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Names of all files that are not from just now. What is named otherwise is not ours.
    pub(crate) fn old_names(&self) -> Result<Vec<BlobName>, StoreError> {
        let unreadable = |error| StoreError::io("read", &self.folder, error);
        let folder = match fs::read_dir(&self.folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut names = Vec::new();
        for entry in folder {
            let entry = entry.map_err(unreadable)?;
            let Some(name) = entry.file_name().to_str().and_then(BlobName::parse) else {
                continue;
            };
            let written = entry.metadata().and_then(|data| data.modified());
            let age = written.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            if age.is_ok_and(|age| age >= YOUNG) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        self.folder.join(name.as_str())
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(folder: &tempfile::TempDir) -> Blobs {
        Blobs::beside(&folder.path().join("account.db"))
    }

    fn count(folder: &tempfile::TempDir) -> usize {
        fs::read_dir(folder.path().join(FOLDER)).unwrap().count()
    }

    #[test]
    fn what_is_written_is_read_and_nothing_of_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        for content in [&b""[..], b"private words", &[7; 100_000]] {
            let blob = blobs.write(content).unwrap();
            assert_eq!(blob.size(), content.len() as u64);
            assert_eq!(blobs.read(&blob).unwrap(), content);
            let path = blobs.path(&blob.name);
            let sealed = fs::read(&path).unwrap();
            assert_eq!(sealed.len() as u64, blob.on_disk);
            assert!(!sealed.windows(13).any(|part| part == b"private words"));
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
                assert_eq!((mode(&path), mode(&blobs.folder)), (0o600, 0o700));
            }
            blobs.remove(&blob).unwrap();
            blobs.remove(&blob).unwrap();
            assert!(matches!(blobs.read(&blob), Err(StoreError::FileMissing)));
        }
        // The same content twice are two files that have nothing in common.
        let (one, two) = (blobs.write(b"x").unwrap(), blobs.write(b"x").unwrap());
        assert_ne!(one, two);
        assert_ne!(one.key, two.key);
    }

    #[test]
    fn damage_is_noticed_and_too_much_refused() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        let blob = blobs.write(b"content").unwrap();
        let path = blobs.path(&blob.name);
        let whole = fs::read(&path).unwrap();
        for at in [0, 30, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert!(matches!(blobs.read(&blob), Err(StoreError::FileDamaged)));
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(blobs.read(&blob), Err(StoreError::FileDamaged)));
        let huge = fs::File::create(&path).unwrap();
        huge.set_len(1 << 40).unwrap();
        assert!(matches!(blobs.read(&blob), Err(StoreError::FileDamaged)));
        let before = count(&folder);
        let long = vec![0; usize::try_from(attachment::MAX_SIZE).unwrap() + 1];
        assert!(matches!(blobs.write(&long), Err(StoreError::FileTooLong)));
        assert_eq!(count(&folder), before);
    }

    #[test]
    fn names_are_ours_only() {
        for text in [
            "",
            "../../x",
            &"A".repeat(32),
            &"0".repeat(31),
            &"g".repeat(32),
        ] {
            assert_eq!(BlobName::parse(text), None, "{text}");
        }
        assert!(BlobName::parse(&"0f".repeat(16)).is_some());
    }

    #[test]
    fn debug_shows_neither_key_nor_name() {
        let folder = tempfile::tempdir().unwrap();
        let blob = blobs(&folder).write(b"abc").unwrap();
        assert_eq!(format!("{blob:?}"), "Blob { size: 3, .. }");
    }
}
