//! How message hashes are written down, and the keys they are looked up by.
//!
//! A hash is text: 43 characters of base64. The file holds the 32 bytes it stands for. A text with
//! spare bits at its end stands for no bytes of its own and is kept as text; no node computes one.
//!
//! The key of a hash is its first eight characters as a number, so the order of keys is the order
//! of texts, which members of a swarm compare by (docs/protocol/node.md section 17.1). Two hashes
//! may share a key: whoever looks one up compares the hash as well.

use data_encoding::BASE64_NOPAD;
use rusqlite::Row;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use session_types::{MessageHash, ParseError};

use super::schema::Form;

/// Characters of a hash its key is made of.
const KEY_CHARACTERS: usize = 8;

/// Bits of a key. SQLite writes signed numbers of that length in six bytes.
const KEY_BITS: u32 = 48;

/// A hash as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    Digest([u8; 32]),
    Text(String),
}

impl Stored {
    /// How a file of this form holds the hash.
    pub(super) fn new(form: Form, hash: &str) -> Self {
        match form {
            Form::One => None,
            Form::Two => digest(hash).map(Self::Digest),
        }
        .unwrap_or_else(|| Self::Text(hash.to_owned()))
    }

    /// Whether a column holds this hash.
    pub(super) fn is(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Digest(digest), ValueRef::Blob(bytes)) => digest.as_slice() == bytes,
            (Self::Text(text), ValueRef::Text(bytes)) => text.as_bytes() == bytes,
            _ => false,
        }
    }
}

impl ToSql for Stored {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Digest(digest) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(digest))),
            Self::Text(text) => text.to_sql(),
        }
    }
}

/// The bytes a hash stands for, unless it has spare bits.
pub(super) fn digest(hash: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let exact = BASE64_NOPAD.decode_len(hash.len()) == Ok(digest.len())
        && BASE64_NOPAD
            .decode_mut(hash.as_bytes(), &mut digest)
            .is_ok();
    exact.then_some(digest)
}

/// The text of a hash in a column.
pub(super) fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Blob(bytes) => {
            let digest: &[u8; 32] = bytes.try_into().ok()?;
            Some(BASE64_NOPAD.encode(digest))
        }
        ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    }
}

/// Reads the text of a hash.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let value = row.get_ref(column)?;
    text_of(value).ok_or_else(|| {
        let kind = value.data_type();
        rusqlite::Error::InvalidColumnType(column, "hash".to_owned(), kind)
    })
}

/// Reads a hash.
pub(super) fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageHash> {
    text(row, column)?.parse().map_err(|error: ParseError| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
    })
}

/// The key of a hash, or the least one of hashes that begin like this.
pub(super) fn key(hash: &str) -> i64 {
    number(hash, 0)
}

/// The greatest key of hashes that begin like this.
pub(super) fn last_key(beginning: &str) -> i64 {
    number(beginning, 63)
}

fn number(text: &str, absent: u8) -> i64 {
    let mut characters = text.bytes();
    let mut number = 0i64;
    for _ in 0..KEY_CHARACTERS {
        let place = characters.next().map_or(absent, place);
        number = (number << 6) | i64::from(place);
    }
    number - (1 << (KEY_BITS - 1))
}

/// The place of a character among those of base64, in the order of their codes.
const fn place(character: u8) -> u8 {
    match character {
        ..=b'.' => 0,
        b'/' => 1,
        b'0'..=b'9' => character - b'0' + 2,
        b':'..=b'@' => 12,
        b'A'..=b'Z' => character - b'A' + 12,
        b'['..=b'`' => 38,
        b'a'..=b'z' => character - b'a' + 38,
        b'{'.. => 63,
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn keys_have_the_order_of_the_texts() {
        let mut generator = rand::rngs::StdRng::seed_from_u64(1);
        let mut texts: Vec<String> = (0..2_000)
            .map(|_| BASE64_NOPAD.encode(&generator.random::<[u8; 32]>()))
            .collect();
        texts.extend(["+", "/", "0", "9", "A", "Z", "a", "z"].map(|c| c.repeat(43)));
        texts.sort_unstable();
        for pair in texts.windows(2) {
            let beginning = pair[0].split_at(2).0;
            assert!(key(&pair[0]) <= key(&pair[1]), "{pair:?}");
            assert!((key(beginning)..=last_key(beginning)).contains(&key(&pair[0])));
            assert!(pair[1].starts_with(beginning) || last_key(beginning) < key(&pair[1]));
        }
        assert_eq!(key(""), -(1 << 47));
        assert_eq!(last_key(""), (1 << 47) - 1);
        assert_eq!(last_key("A~"), last_key("Az"));
    }

    #[test]
    fn every_hash_comes_back_as_it_was() {
        let mut generator = rand::rngs::StdRng::seed_from_u64(2);
        for _ in 0..1_000 {
            let bytes: [u8; 32] = generator.random();
            let text = BASE64_NOPAD.encode(&bytes);
            let stored = Stored::new(Form::Two, &text);
            assert_eq!(stored, Stored::Digest(bytes));
            assert_eq!(text_of(ValueRef::Blob(&bytes)), Some(text.clone()));
            assert!(stored.is(ValueRef::Blob(&bytes)));
            assert!(!stored.is(ValueRef::Text(text.as_bytes())));
            assert_eq!(Stored::new(Form::One, &text), Stored::Text(text));
        }
        let spare = format!("{}B", "A".repeat(42));
        let stored = Stored::new(Form::Two, &spare);
        assert_eq!(stored, Stored::Text(spare.clone()));
        assert_eq!(text_of(ValueRef::Text(spare.as_bytes())), Some(spare));
        assert_eq!(text_of(ValueRef::Blob(&[1; 31])), None);
        assert_eq!(text_of(ValueRef::Integer(1)), None);
    }
}
