//! The names of files (docs/protocol/file-server.md section 3).

use core::fmt;
use core::str::FromStr;

use blake2b_simd::{Params, State, many};
use data_encoding::BASE64URL_NOPAD;
use rand_core::CryptoRng;

/// Separates these hashes from all others.
const SALT: &[u8; 16] = b"SessionFileSvr\0\0";
const DIGEST: usize = 33;
const CONTENT_CHARS: usize = 44;
const MAX_DIGITS: usize = 16;
/// Numbers have this many bits, so that JavaScript reads them exactly.
const NUMBER_BITS: u32 = 53;

/// The name of a file.
///
/// | form | length | alphabet | is |
/// |---|---|---|---|
/// | content | 44 | base64url | BLAKE2b with 33 bytes of output and the salt `SessionFileSvr\0\0` over the bytes |
/// | number | 1 to 16 | digits | random, below 2^53 when made here |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileId {
    /// Named by its content. Equal content has equal names.
    Content([u8; DIGEST]),
    /// A number that says nothing.
    Number(u64),
}

impl FileId {
    /// A random number of 53 bits.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        Self::Number(rng.next_u64() >> (u64::BITS - NUMBER_BITS))
    }

    /// Whether the life of such a file may be extended: whoever can name the content has it.
    #[must_use]
    pub const fn is_extendable(&self) -> bool {
        matches!(self, Self::Content(_))
    }

    /// The folder the file is kept in: the first two characters of a content name, the last three
    /// digits of a number.
    #[must_use]
    pub fn prefix(&self) -> String {
        match self {
            Self::Content(_) => self.to_string().chars().take(2).collect(),
            Self::Number(number) => format!("{:03}", number % 1000),
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(digest) => f.write_str(&BASE64URL_NOPAD.encode(digest)),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl fmt::Debug for FileId {
    /// Says nothing that leads to the file: whoever has the name can have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content(_) => "FileId::Content(..)",
            Self::Number(_) => "FileId::Number(..)",
        })
    }
}

/// A text that names no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a file")]
pub struct NotAFileId;

impl FromStr for FileId {
    type Err = NotAFileId;

    /// Numbers have no leading zeros: each file has one name.
    fn from_str(text: &str) -> Result<Self, NotAFileId> {
        if text.len() == CONTENT_CHARS {
            let digest = BASE64URL_NOPAD
                .decode(text.as_bytes())
                .map_err(|_| NotAFileId)?;
            return digest.try_into().map(Self::Content).map_err(|_| NotAFileId);
        }
        let canonical = text == "0" || !text.starts_with('0');
        if text.len() > MAX_DIGITS || !canonical || !text.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(NotAFileId);
        }
        text.parse().map(Self::Number).map_err(|_| NotAFileId)
    }
}

/// Names content as it arrives.
#[derive(Debug, Clone)]
pub struct ContentHasher(State);

impl ContentHasher {
    /// Of no content yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Params::new().hash_length(DIGEST).salt(SALT).to_state())
    }

    /// More content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// How many contents take little longer than one when they are hashed at the same time.
    pub(crate) fn side_by_side() -> usize {
        many::degree()
    }

    /// More content for each.
    pub(crate) fn update_all<'a>(contents: impl Iterator<Item = (&'a mut Self, &'a [u8])>) {
        many::update_many(contents.map(|(Self(state), bytes)| (state, bytes)));
    }

    /// The name of all content so far.
    #[must_use]
    pub fn id(&self) -> FileId {
        let hash = self.0.finalize();
        let mut digest = [0; DIGEST];
        for (to, from) in digest.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        FileId::Content(digest)
    }
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol/file-server.md section 3.
    #[test]
    fn name_of_the_specification() {
        let mut hasher = ContentHasher::new();
        hasher.update(b"hello ");
        hasher.update(b"session");
        let id = hasher.id();
        let text = "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(id.prefix(), "1s");
        assert!(id.is_extendable());
    }

    #[test]
    fn numbers() {
        for (text, prefix) in [
            ("0", "000"),
            ("7", "007"),
            ("1234", "234"),
            ("9007199254740991", "991"),
            ("9999999999999999", "999"),
        ] {
            let id: FileId = text.parse().unwrap();
            assert_eq!(
                (id.to_string().as_str(), id.prefix().as_str()),
                (text, prefix)
            );
            assert!(!id.is_extendable());
        }
        let mut rng = rand::rng();
        for _ in 0..1000 {
            let FileId::Number(number) = FileId::random(&mut rng) else {
                panic!("not a number")
            };
            assert!(number < 1 << 53);
        }
    }

    #[test]
    fn other_texts_name_nothing() {
        for text in [
            "",
            "-1",
            "+1",
            "01",
            "1 ",
            "12345678901234567",
            "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1",
            "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1ss",
            "1ss6oyrLyNUpYT3+AA92msmrHcZSlnEodhWloKTjwe1s",
            "../../../../../../../../../../../../../../..",
            "..",
        ] {
            assert_eq!(text.parse::<FileId>(), Err(NotAFileId), "{text}");
        }
    }

    #[test]
    fn debug_does_not_lead_to_the_file() {
        assert_eq!(format!("{:?}", FileId::Number(7)), "FileId::Number(..)");
        let id = ContentHasher::new().id();
        assert_eq!(format!("{id:?}"), "FileId::Content(..)");
    }
}
