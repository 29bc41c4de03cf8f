//! Files a server makes once and must not lose: keys and certificates.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody on the machine.
    All,
}

/// Writes a file that does not exist yet: into a temporary one beside it, brought to the disk,
/// then given its name, which is brought to the disk as well. After a crash it is whole or not
/// there.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when somebody else made it meanwhile, which is left as it is;
/// other errors when it cannot be written.
pub fn write(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions({
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::Permissions::from_mode(match readers {
            Readers::Owner => 0o600,
            Readers::All => 0o644,
        })
    });
    #[cfg(not(unix))]
    let _ = readers;
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_left_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, b"one", Readers::Owner).unwrap();
        let error = write(&path, b"two", Readers::Owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn readers_are_those_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        for (readers, wanted) in [(Readers::Owner, 0o600), (Readers::All, 0o644)] {
            let path = folder.path().join(format!("{wanted:o}"));
            write(&path, b"x", readers).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, wanted);
        }
    }
}
