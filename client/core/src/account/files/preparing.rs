//! A file of the user becomes what is sent of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use session_store::FileInfo;

use super::{FileSource, LONGEST, NewFile};
use crate::CoreError;
use crate::media;

/// Names are cut to this many bytes, as file systems have them.
const LONGEST_NAME: usize = 255;
/// Types by the ends of names, for what is no picture.
const TYPES: [(&str, &str); 16] = [
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("md", "text/markdown"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("zip", "application/zip"),
];

/// Reads a file and takes out of it what is not to be sent.
pub(super) fn prepared(file: NewFile) -> Result<(FileInfo, Vec<u8>), CoreError> {
    let NewFile {
        source,
        name,
        mime,
        is_voice_message,
        caption,
    } = file;
    let (content, path_name) = match source {
        FileSource::Path(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into());
            (read(&path)?, name)
        }
        FileSource::Bytes(bytes) => (bytes, None),
    };
    let name = name
        .or(path_name)
        .and_then(|name: String| shown_name(&name));
    let (content, mime, dimensions) = match media::cleaned(content)? {
        Ok(picture) => (
            picture.bytes,
            Some(picture.mime.to_owned()),
            Some(picture.dimensions),
        ),
        Err(content) => (content, mime.or_else(|| type_of(name.as_deref())), None),
    };
    let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if size > LONGEST {
        return Err(CoreError::FileTooLarge { limit: LONGEST });
    }
    let info = FileInfo {
        name,
        mime: mime.or_else(|| Some("application/octet-stream".to_owned())),
        size: Some(size),
        caption: caption.filter(|caption| !caption.trim().is_empty()),
        dimensions,
        is_voice_message,
    };
    Ok((info, content))
}

/// Not more of it than can be sent, however long it is.
fn read(path: &Path) -> Result<Vec<u8>, CoreError> {
    let unreadable = |error: std::io::Error| CoreError::FileUnreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    // Looked at first: opening a pipe would wait for whoever writes into it.
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        return Err(CoreError::FileUnreadable {
            path: path.to_owned(),
            reason: "it is not a file".to_owned(),
        });
    }
    let file = File::open(path).map_err(unreadable)?;
    // A picture may be longer before what is beside it is taken out.
    let longest = LONGEST * 2;
    let mut content = Vec::new();
    file.take(longest + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > longest {
        return Err(CoreError::FileTooLarge { limit: LONGEST });
    }
    Ok(content)
}

/// The last part of what may be a path, without what would confuse a reader.
fn shown_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut shown: String = last.chars().filter(|c| !c.is_control()).collect();
    while shown.len() > LONGEST_NAME {
        shown.pop();
    }
    let shown = shown.trim().to_owned();
    (!shown.is_empty()).then_some(shown)
}

fn type_of(name: Option<&str>) -> Option<String> {
    let (_, end) = name?.rsplit_once('.')?;
    let end = end.to_ascii_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == end)?;
    Some(found.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types() {
        for (name, shown, mime) in [
            ("/home/me/notes.TXT", Some("notes.TXT"), "text/plain"),
            ("C:\\Users\\me\\a.pdf", Some("a.pdf"), "application/pdf"),
            ("..", Some(".."), "application/octet-stream"),
            ("a\u{7}b\n.zip", Some("ab.zip"), "application/zip"),
            ("/", None, "application/octet-stream"),
        ] {
            let file = NewFile::named(name, b"x".to_vec());
            let (info, content) = prepared(file).unwrap();
            assert_eq!(info.name.as_deref(), shown);
            assert_eq!(info.mime.as_deref(), Some(mime));
            assert_eq!((info.size, content.as_slice()), (Some(1), &b"x"[..]));
        }
        let long = NewFile::named("ä".repeat(300), Vec::new());
        assert_eq!(prepared(long).unwrap().0.name.unwrap().len(), 254);
    }

    #[test]
    fn what_is_too_long_or_no_file_is_refused() {
        let long = NewFile::named("a", vec![0; 10_000_001]);
        assert!(matches!(
            prepared(long),
            Err(CoreError::FileTooLarge { limit: 10_000_000 })
        ));
        prepared(NewFile::named("a", vec![0; 10_000_000])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none")] {
            assert!(matches!(
                prepared(NewFile::at(path)),
                Err(CoreError::FileUnreadable { .. })
            ));
        }
        let huge = folder.path().join("huge");
        File::create(&huge).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(
            prepared(NewFile::at(huge)),
            Err(CoreError::FileTooLarge { .. })
        ));
    }
}
