//! The name a stored message has in its swarm.

use core::fmt;
use core::str::FromStr;

use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::ParseError;

/// A message hash: BLAKE2b-256 of owner, namespace and data as unpadded base64, 43 characters
/// (docs/protocol/node.md section 9.1). Held as text, because signatures cover the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageHash(String);

impl MessageHash {
    /// Length of the text.
    pub const LEN: usize = 43;

    /// The hash text of a 32-byte digest.
    #[must_use]
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        Self(BASE64_NOPAD.encode(digest))
    }

    /// The 43 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for MessageHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageHash {
    type Err = ParseError;

    /// 43 characters of the base64 alphabet. The two spare bits of the last character are not
    /// looked at, as on the reference node.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() != Self::LEN {
            return Err(ParseError::Length {
                expected: Self::LEN,
                found: text.chars().count(),
                unit: "characters",
            });
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
        {
            return Err(ParseError::Alphabet("base64"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHash({})", self.0)
    }
}

impl Serialize for MessageHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MessageHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_alphabet_only() {
        assert!(
            "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s"
                .parse::<MessageHash>()
                .is_ok()
        );
        assert!(
            "to7q0Q2EY6ErAJeZFI-OGep/MTzqmhJiFw3EmXuAu/s"
                .parse::<MessageHash>()
                .is_err()
        );
        assert!("short".parse::<MessageHash>().is_err());
    }
}
