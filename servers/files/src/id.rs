//! The names of files (docs/protocol/file-server.md section 3).

use core::fmt;
use core::str::FromStr;

use blake2b_simd::{Params, State, many};
use data_encoding::BASE64URL_NOPAD;
use rand_core::CryptoRng;

/// Separates these hashes from all others.
const SALT: &[u8; 16] = b"SessionFileSvr\0\0";
/// The same for BLAKE3.
const CONTEXT: &str = "session-files 2026-11 names of files";
const DIGEST: usize = 33;
const CONTENT_CHARS: usize = 44;
const MAX_DIGITS: usize = 16;
/// Numbers have this many bits, so that JavaScript reads them exactly.
const NUMBER_BITS: u32 = 53;

/// The name of a file.
///
/// | form | length | alphabet | is |
/// |---|---|---|---|
/// | content | 44 | base64url | 33 bytes of a hash of the bytes, [`ContentHasher`] |
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

/// Names content as it arrives, by a hash of 33 bytes.
///
/// | hash | separated by |
/// |---|---|
/// | BLAKE2b | the salt `SessionFileSvr\0\0` |
/// | BLAKE3, key derivation mode | the context `session-files 2026-11 names of files` |
///
/// A name does not say which hash made it: whoever checks content tries both.
#[derive(Debug, Clone)]
pub struct ContentHasher(Hash);

#[derive(Debug, Clone)]
enum Hash {
    Blake2b(Box<State>),
    Blake3(Box<blake3::Hasher>),
}

impl ContentHasher {
    /// Names as other servers do, of no content yet.
    #[must_use]
    pub fn blake2b() -> Self {
        let state = Params::new().hash_length(DIGEST).salt(SALT).to_state();
        Self(Hash::Blake2b(Box::new(state)))
    }

    /// Names in a fifth of the time, of no content yet.
    #[must_use]
    pub fn blake3() -> Self {
        Self(Hash::Blake3(Box::new(blake3::Hasher::new_derive_key(
            CONTEXT,
        ))))
    }

    /// More content.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hash::Blake2b(state) => {
                state.update(bytes);
            }
            Hash::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// Whether bytes are best hashed as they come: it takes little longer than copying them, and
    /// the processor has them at hand.
    pub(crate) const fn is_quick(&self) -> bool {
        matches!(self.0, Hash::Blake3(_))
    }

    /// How many contents take little longer than one when they are hashed at the same time.
    pub(crate) fn side_by_side() -> usize {
        many::degree()
    }

    /// More content for each.
    pub(crate) fn update_all<'a>(contents: impl Iterator<Item = (&'a mut Self, &'a [u8])>) {
        many::update_many(contents.filter_map(|(hasher, bytes)| match &mut hasher.0 {
            Hash::Blake2b(state) => Some((&mut **state, bytes)),
            Hash::Blake3(hasher) => {
                hasher.update(bytes);
                None
            }
        }));
    }

    /// The name of all content so far.
    #[must_use]
    pub fn id(&self) -> FileId {
        let mut digest = [0; DIGEST];
        match &self.0 {
            Hash::Blake2b(state) => {
                let hash = state.finalize();
                for (to, from) in digest.iter_mut().zip(hash.as_bytes()) {
                    *to = *from;
                }
            }
            Hash::Blake3(hasher) => hasher.finalize_xof().fill(&mut digest),
        }
        FileId::Content(digest)
    }
}

/// Whether content has the name it should, by whichever hash that was made.
#[derive(Debug)]
pub(crate) struct ContentCheck {
    id: FileId,
    /// None for numbers, which say nothing about content.
    hashers: Vec<ContentHasher>,
}

impl ContentCheck {
    pub(crate) fn new(id: FileId) -> Self {
        let hashers = match id {
            FileId::Content(_) => vec![ContentHasher::blake2b(), ContentHasher::blake3()],
            FileId::Number(_) => Vec::new(),
        };
        Self { id, hashers }
    }

    /// Whether any content will do.
    pub(crate) const fn needs_nothing(&self) -> bool {
        self.hashers.is_empty()
    }

    /// More content.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    /// Whether all of it has the name.
    pub(crate) fn is_right(&self) -> bool {
        self.needs_nothing() || self.hashers.iter().any(|hasher| hasher.id() == self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol/file-server.md section 3.
    #[test]
    fn name_of_the_specification() {
        let mut hasher = ContentHasher::blake2b();
        hasher.update(b"hello ");
        hasher.update(b"session");
        let id = hasher.id();
        let text = "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(id.prefix(), "1s");
        assert!(id.is_extendable());
    }

    /// Nobody else names so; a change would leave files behind that `verify` takes for damaged.
    #[test]
    fn names_by_blake3_stay_what_they_are() {
        let mut hasher = ContentHasher::blake3();
        hasher.update(b"hello ");
        hasher.update(b"session");
        let id = hasher.id();
        assert_eq!(
            id.to_string(),
            "8r23E1xpDhDc8TvWGu2oQn63LPfJ3m17oPXxLc-XkTnp"
        );
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.is_extendable());
    }

    #[test]
    fn content_is_checked_by_either_hash() {
        for mut hasher in [ContentHasher::blake2b(), ContentHasher::blake3()] {
            hasher.update(b"content");
            for (content, is_right) in [(&b"content"[..], true), (b"contend", false), (b"", false)]
            {
                let mut check = ContentCheck::new(hasher.id());
                assert!(!check.needs_nothing());
                check.update(content);
                assert_eq!(check.is_right(), is_right);
            }
        }
        let check = ContentCheck::new(FileId::Number(7));
        assert!(check.needs_nothing() && check.is_right());
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
        let id = ContentHasher::blake2b().id();
        assert_eq!(format!("{id:?}"), "FileId::Content(..)");
    }
}
