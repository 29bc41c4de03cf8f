//! What front ends keep for themselves: one small text beside the accounts.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::ApiError;

/// Its file.
const NAME: &str = "preferences.json";
/// Bytes of it.
const LONGEST: usize = 16 * 1024;

/// The text; empty when there is none, or none that front ends could have kept.
pub(crate) fn read(folder: &Path) -> Result<String, ApiError> {
    let file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(_) => return Err(unreadable()),
    };
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    file.take(most)
        .read_to_end(&mut text)
        .map_err(|_| unreadable())?;
    Ok(String::from_utf8(text).unwrap_or_default())
}

/// Writes it beside the old one, which stays until the new one is complete.
pub(crate) fn write(folder: &Path, text: &str) -> Result<(), ApiError> {
    if text.len() > LONGEST {
        return Err(ApiError::bad_input(
            "api.preferences_too_long",
            format!("preferences have at most {LONGEST} bytes"),
        ));
    }
    let written = || {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        // Nobody else can read it.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(folder.join(NAME)).map_err(io::Error::from)
    };
    written()
        .map(drop)
        .map_err(|_| ApiError::internal("preferences cannot be written"))
}

fn unreadable() -> ApiError {
    ApiError::internal("preferences cannot be read")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_text_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("not made yet");
        assert_eq!(read(&folder).unwrap(), "");
        write(&folder, "one").unwrap();
        write(&folder, "two").unwrap();
        assert_eq!(read(&folder).unwrap(), "two");
        let long = write(&folder, &"x".repeat(LONGEST + 1)).unwrap_err();
        assert_eq!(long.code(), "api.preferences_too_long");
        write(&folder, &"x".repeat(LONGEST)).unwrap();
        assert_eq!(read(&folder).unwrap().len(), LONGEST);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::write(folder.join(NAME), [0xff]).unwrap();
        assert_eq!(read(&folder).unwrap(), "");
    }
}
