//! Where a network keeps its data.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::DevnetError;

/// The folder of a network: a temporary one, or one that is kept and locked while it is used.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    holder: Holder,
}

#[derive(Debug)]
enum Holder {
    Kept { _lock: File },
    Temporary(TempDir),
}

/// What is written down about a kept network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// Of this description.
    version: u32,
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    /// Of the seed, then of the nodes, then of the file server if there is one.
    pub(crate) ports: Vec<u16>,
}

impl Saved {
    pub(crate) fn new(seed: u64, nodes: usize, ports: Vec<u16>) -> Self {
        Self {
            version: VERSION,
            seed,
            nodes,
            ports,
        }
    }
}

impl Folder {
    /// A folder that is removed with its content when dropped.
    pub(crate) fn temporary() -> Result<Self, DevnetError> {
        let dir = tempfile::Builder::new()
            .prefix("session-devnet-")
            .tempdir()
            .map_err(|source| DevnetError::Folder {
                action: "create",
                path: std::env::temp_dir(),
                source,
            })?;
        Ok(Self {
            path: dir.path().to_owned(),
            holder: Holder::Temporary(dir),
        })
    }

    /// Opens or makes a folder that stays, with what is written down in it.
    pub(crate) fn kept(path: &Path) -> Result<(Self, Option<Saved>), DevnetError> {
        fs::create_dir_all(path).map_err(failed("create", path))?;
        let path = path.canonicalize().map_err(failed("read", path))?;
        let saved_path = path.join(SAVED_FILE);
        let lock_path = path.join(LOCK_FILE);
        let is_foreign =
            || -> io::Result<bool> {
                Ok(!saved_path.exists()
                    && !lock_path.exists()
                    && fs::read_dir(&path)?.next().is_some())
            };
        if is_foreign().map_err(failed("read", &path))? {
            return Err(DevnetError::FolderForeign(path));
        }
        let lock = File::create(&lock_path).map_err(failed("lock", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DevnetError::FolderInUse(path)),
            Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
        }
        let saved = match fs::read(&saved_path) {
            Ok(bytes) => Some(
                serde_json::from_slice::<Saved>(&bytes)
                    .ok()
                    .filter(|saved| saved.version == VERSION)
                    .ok_or(DevnetError::SavedUnreadable(saved_path))?,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed("read", &saved_path)(source)),
        };
        Ok((
            Self {
                path,
                holder: Holder::Kept { _lock: lock },
            },
            saved,
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Folder of one node.
    pub(crate) fn of_node(&self, index: usize) -> PathBuf {
        self.path.join(format!("node-{index:02}"))
    }

    /// Folder of the file server.
    pub(crate) fn of_files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Writes the description, whole or not at all.
    pub(crate) fn save(&self, saved: &Saved) -> Result<(), DevnetError> {
        let path = self.path.join(SAVED_FILE);
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            serde_json::to_writer_pretty(&mut file, saved)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(failed("write", &path))
    }

    /// Removes a temporary folder now, so that a failure is seen. A kept one is unlocked.
    pub(crate) fn close(self) -> Result<(), DevnetError> {
        match self.holder {
            Holder::Kept { .. } => Ok(()),
            Holder::Temporary(dir) => dir.close().map_err(failed("remove", &self.path)),
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> DevnetError {
    let path = path.to_owned();
    move |source| DevnetError::Folder {
        action,
        path: path.clone(),
        source,
    }
}

const VERSION: u32 = 1;
const SAVED_FILE: &str = "devnet.json";
const LOCK_FILE: &str = "devnet.lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_folders_remember_and_lock() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/network");
        let saved = Saved::new(u64::MAX, 3, vec![1, 2, 3, 4]);
        {
            let (folder, before) = Folder::kept(&path).unwrap();
            assert_eq!(before, None);
            folder.save(&saved).unwrap();
            assert!(matches!(
                Folder::kept(&path),
                Err(DevnetError::FolderInUse(_))
            ));
            folder.close().unwrap();
        }
        let (_folder, after) = Folder::kept(&path).unwrap();
        assert_eq!(after, Some(saved));
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(
            Folder::kept(dir.path()),
            Err(DevnetError::FolderForeign(_))
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let dir = tempfile::tempdir().unwrap();
        for content in ["", "{}", r#"{"version":2,"seed":1,"nodes":1,"ports":[]}"#] {
            fs::write(dir.path().join(SAVED_FILE), content).unwrap();
            assert!(matches!(
                Folder::kept(dir.path()),
                Err(DevnetError::SavedUnreadable(_))
            ));
        }
    }

    #[test]
    fn temporary_folders_go() {
        let folder = Folder::temporary().unwrap();
        let path = folder.path().to_owned();
        fs::create_dir(folder.of_node(0)).unwrap();
        folder.close().unwrap();
        assert!(!path.exists());
    }
}
