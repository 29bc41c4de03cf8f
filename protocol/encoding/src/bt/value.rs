use super::cursor::{Cursor, Form, Integer, MAX_DEPTH, deeper};
use super::{Bt, BtError};

/// A value that borrows its strings from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer of the signed range.
    Int(i64),
    /// An integer above `i64::MAX`; smaller ones are read as [`Self::Int`].
    UInt(u64),
    /// A string of any bytes.
    Bytes(&'a [u8]),
    /// A list.
    List(Vec<Self>),
    /// A dict, keys ascending and each once, whatever the input looked like.
    Dict(Vec<(&'a [u8], Self)>),
}

/// How large a value may become while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lists and dicts inside each other; never more than 64, whatever is set here.
    pub depth: usize,
    /// Values altogether, the inner ones included.
    pub items: usize,
}

impl Default for Limits {
    /// 64 levels, a million values.
    fn default() -> Self {
        Self {
            depth: MAX_DEPTH,
            items: 1_000_000,
        }
    }
}

/// Reads a whole input as one canonical value.
///
/// # Errors
/// [`BtError`] for anything but exactly one value in canonical form within [`Limits::default`].
pub fn parse(input: &[u8]) -> Result<Value<'_>, BtError> {
    parse_with(input, Form::Canonical, Limits::default())
}

/// Reads a whole input as the reference decoder does: leading zeros, `-0`, and dict keys in any
/// order are accepted; of a repeated key the first value counts.
///
/// # Errors
/// [`BtError`] for anything but exactly one value within [`Limits::default`].
pub fn parse_lenient(input: &[u8]) -> Result<Value<'_>, BtError> {
    parse_with(input, Form::Lenient, Limits::default())
}

/// Reads a whole input within the caller's limits.
///
/// # Errors
/// [`BtError`] for anything but exactly one value of that form within the limits.
pub fn parse_with(input: &[u8], form: Form, limits: Limits) -> Result<Value<'_>, BtError> {
    let (value, rest) = parse_prefix(input, form, limits)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(BtError::Trailing)
    }
}

/// Reads one value and gives back what follows it.
///
/// # Errors
/// [`BtError`] when the input does not begin with a value of that form within the limits.
pub fn parse_prefix(
    input: &[u8],
    form: Form,
    limits: Limits,
) -> Result<(Value<'_>, &[u8]), BtError> {
    let mut cursor = Cursor::new(input, form);
    let mut items = limits.items;
    // Depth is counted from here so that `deeper` stops at the caller's limit.
    let depth = MAX_DEPTH.saturating_sub(limits.depth);
    let value = read(&mut cursor, depth, &mut items)?;
    Ok((value, cursor.rest()))
}

fn read<'a>(
    cursor: &mut Cursor<'a>,
    depth: usize,
    items: &mut usize,
) -> Result<Value<'a>, BtError> {
    *items = items.checked_sub(1).ok_or(BtError::Items)?;
    match cursor.peek()? {
        b'i' => Ok(match cursor.integer()? {
            Integer::Signed(value) => Value::Int(value),
            Integer::Large(value) => Value::UInt(value),
        }),
        b'0'..=b'9' => cursor.bytes().map(Value::Bytes),
        b'l' => {
            let depth = deeper(depth)?;
            cursor.advance();
            let mut list = Vec::new();
            while !cursor.accept(b'e')? {
                list.push(read(cursor, depth, items)?);
            }
            Ok(Value::List(list))
        }
        b'd' => {
            let depth = deeper(depth)?;
            cursor.advance();
            let mut dict: Vec<(&[u8], Value<'_>)> = Vec::new();
            let mut ascending = true;
            while !cursor.accept(b'e')? {
                let previous = dict.last().map(|(key, _)| *key);
                let key = cursor.key(previous)?;
                ascending &= previous.is_none_or(|p| p < key);
                dict.push((key, read(cursor, depth, items)?));
            }
            if !ascending {
                // Both are stable: the first of equal keys stays.
                dict.sort_by_key(|(key, _)| *key);
                dict.dedup_by_key(|(key, _)| *key);
            }
            Ok(Value::Dict(dict))
        }
        _ => Err(cursor.unexpected()),
    }
}

impl<'a> Value<'a> {
    /// The integer, if it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::UInt(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The integer, if it is one and not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::UInt(value) => Some(*value),
            _ => None,
        }
    }

    /// The string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The string as UTF-8 text.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The list's values.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dict's entries, ascending.
    #[must_use]
    pub fn as_dict(&self) -> Option<&[(&'a [u8], Self)]> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The value of a key, if this is a dict that has it.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Self> {
        let dict = self.as_dict()?;
        let index = dict
            .binary_search_by_key(&key.as_ref(), |(key, _)| *key)
            .ok()?;
        dict.get(index).map(|(_, value)| value)
    }

    /// The canonical encoding. Not for what is signed: use the bytes it was read from.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Bt::from(self).encode()
    }
}
