use std::collections::BTreeMap;

use super::Value;
use super::writer::{put_bytes, put_int, put_uint};

/// A value that owns its parts, for building requests and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bt {
    /// An integer of the signed range.
    Int(i64),
    /// An integer that may exceed `i64::MAX`.
    UInt(u64),
    /// A string of any bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A dict.
    Dict(BTreeMap<Vec<u8>, Self>),
}

impl Bt {
    /// A dict of these entries; a key given twice keeps its last value.
    pub fn dict<K: AsRef<[u8]>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Dict(
            entries
                .into_iter()
                .map(|(key, value)| (key.as_ref().to_vec(), value.into()))
                .collect(),
        )
    }

    /// A list of these values.
    pub fn list<V: Into<Self>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// A string.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }

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
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The string as UTF-8 text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
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

    /// The dict's entries.
    #[must_use]
    pub fn as_dict(&self) -> Option<&BTreeMap<Vec<u8>, Self>> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The value of a key, if this is a dict that has it.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Self> {
        self.as_dict()?.get(key.as_ref())
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the canonical encoding.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => put_int(out, *value),
            Self::UInt(value) => put_uint(out, *value),
            Self::Bytes(bytes) => put_bytes(out, bytes),
            Self::List(list) => {
                out.push(b'l');
                for value in list {
                    value.encode_into(out);
                }
                out.push(b'e');
            }
            Self::Dict(dict) => {
                out.push(b'd');
                for (key, value) in dict {
                    put_bytes(out, key);
                    value.encode_into(out);
                }
                out.push(b'e');
            }
        }
    }
}

impl From<&Value<'_>> for Bt {
    /// Copies; of a key that stands twice in a hand-made dict the first value is kept.
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Int(value) => Self::Int(*value),
            Value::UInt(value) => Self::UInt(*value),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::List(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Dict(dict) => {
                let mut owned = BTreeMap::new();
                for (key, value) in dict {
                    owned
                        .entry(key.to_vec())
                        .or_insert_with(|| Self::from(value));
                }
                Self::Dict(owned)
            }
        }
    }
}

impl From<Value<'_>> for Bt {
    fn from(value: Value<'_>) -> Self {
        Self::from(&value)
    }
}

impl From<i64> for Bt {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Bt {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Bt {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Bt {
    /// [`Bt::Int`] when it fits, so that equal numbers compare equal.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UInt(value), Self::Int)
    }
}

impl From<&str> for Bt {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Bt {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<&[u8]> for Bt {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Bt {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Bt {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<Self>> for Bt {
    fn from(list: Vec<Self>) -> Self {
        Self::List(list)
    }
}

impl From<BTreeMap<Vec<u8>, Self>> for Bt {
    fn from(dict: BTreeMap<Vec<u8>, Self>) -> Self {
        Self::Dict(dict)
    }
}
