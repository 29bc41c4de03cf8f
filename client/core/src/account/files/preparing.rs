//! A file of the user becomes what is sent of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use session_store::{FileInfo, StoreError};

use super::{FileSource, LONGEST, NewFile};
use crate::CoreError;
use crate::media::{self, Picture};

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
    ready(opened(file)?)
}

/// Reads a file that may be sent later. It stays as it is; only a picture too long to be kept so
/// is made ready at once.
pub(super) fn chosen(file: NewFile) -> Result<(FileInfo, Vec<u8>), CoreError> {
    let file = opened(file)?;
    if length(&file.content) > LONGEST {
        return ready(file);
    }
    let Opened { info, content, .. } = file;
    let shown = media::mime_of(&content).map(str::to_owned);
    let info = FileInfo {
        mime: shown
            .or(info.mime)
            .or_else(|| type_of(info.name.as_deref())),
        size: Some(length(&content)),
        dimensions: media::dimensions(&content),
        ..info
    };
    Ok((info, content))
}

/// A file with its content at hand.
struct Opened {
    /// What its owner says of it.
    info: FileInfo,
    content: Vec<u8>,
    as_file: bool,
}

fn opened(file: NewFile) -> Result<Opened, CoreError> {
    let (content, path_name) = content(file.source)?;
    let name = file.name.or(path_name);
    let info = FileInfo {
        name: name.and_then(|name| shown_name(&name)),
        mime: file.mime,
        caption: file.caption.filter(|caption| !caption.trim().is_empty()),
        is_voice_message: file.is_voice_message,
        ..FileInfo::default()
    };
    Ok(Opened {
        info,
        content,
        as_file: file.as_file,
    })
}

fn ready(file: Opened) -> Result<(FileInfo, Vec<u8>), CoreError> {
    let Opened {
        info,
        content,
        as_file,
    } = file;
    let named = |mime: Option<String>| mime.or_else(|| type_of(info.name.as_deref()));
    let (content, mime, dimensions) = if as_file {
        let mime = named(info.mime).filter(|mime| !is_shown(mime));
        (content, mime, None)
    } else {
        match media::cleaned(content)? {
            Ok(picture) => (
                picture.bytes,
                Some(picture.mime.to_owned()),
                Some(picture.dimensions),
            ),
            Err(content) => (content, named(info.mime), None),
        }
    };
    let size = length(&content);
    if size > LONGEST {
        return Err(CoreError::FileTooLarge { limit: LONGEST });
    }
    let info = FileInfo {
        mime: mime.or_else(|| Some("application/octet-stream".to_owned())),
        size: Some(size),
        dimensions,
        is_voice_message: info.is_voice_message && !as_file,
        ..info
    };
    Ok((info, content))
}

fn length(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

/// The content, and its name if it has one by itself.
fn content(source: FileSource) -> Result<(Vec<u8>, Option<String>), CoreError> {
    Ok(match source {
        FileSource::Path(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into());
            (read(&path)?, name)
        }
        FileSource::Bytes(bytes) => (bytes, None),
        // Taken up before, by whoever knows the draft.
        FileSource::Draft(_) => return Err(StoreError::UnknownFile.into()),
    })
}

/// Whether clients show or play such a file instead of offering it.
fn is_shown(mime: &str) -> bool {
    let kind = mime.split('/').next().unwrap_or_default();
    ["image", "video", "audio"]
        .iter()
        .any(|shown| kind.trim().eq_ignore_ascii_case(shown))
}

/// A picture that was made here.
pub(super) fn own_picture(picture: Picture) -> (FileInfo, Vec<u8>) {
    let info = FileInfo {
        mime: Some(picture.mime.to_owned()),
        size: u64::try_from(picture.bytes.len()).ok(),
        dimensions: Some(picture.dimensions),
        ..FileInfo::default()
    };
    (info, picture.bytes)
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
    if length(&content) > longest {
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
    fn a_file_that_is_to_stay_one_is_not_touched() {
        let picture = image::DynamicImage::new_rgb8(4, 4);
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        // Behind its end: what is taken out of a picture.
        let bytes = [png.into_inner(), b"where it was taken".to_vec()].concat();
        for mime in [None, Some("image/png"), Some("IMAGE/png")] {
            let file = NewFile {
                mime: mime.map(str::to_owned),
                as_file: true,
                is_voice_message: true,
                ..NewFile::named("tea.png", bytes.clone())
            };
            let (info, content) = prepared(file).unwrap();
            assert_eq!(content, bytes);
            assert_eq!(info.mime.as_deref(), Some("application/octet-stream"));
            assert_eq!((info.dimensions, info.is_voice_message), (None, false));
        }
        let text = NewFile {
            as_file: true,
            ..NewFile::named("notes.txt", b"x".to_vec())
        };
        assert_eq!(
            prepared(text).unwrap().0.mime.as_deref(),
            Some("text/plain")
        );
        let shown = prepared(NewFile::named("tea.png", bytes.clone())).unwrap();
        assert_eq!(shown.0.mime.as_deref(), Some("image/png"));
        assert!(shown.1.len() < bytes.len());
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
