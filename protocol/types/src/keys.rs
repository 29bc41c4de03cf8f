//! Public keys and signatures as opaque bytes. The mathematics is in `session-crypto`.

use core::fmt;
use core::str::FromStr;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::ParseError;

/// Decodes exactly `N` bytes of hex, upper or lower case.
pub(crate) fn hex_array<const N: usize>(text: &str) -> Result<[u8; N], ParseError> {
    if text.len() != 2 * N {
        return Err(ParseError::Length {
            expected: 2 * N,
            found: text.chars().count(),
            unit: "hex digits",
        });
    }
    let mut out = [0u8; N];
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut out)
        .map_err(|_| ParseError::Alphabet("hex"))?;
    Ok(out)
}

macro_rules! key_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = 32;

            /// Wraps 32 bytes; whether they are a point is not checked here.
            #[must_use]
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Lower-case hex, 64 digits.
            #[must_use]
            pub fn to_hex(&self) -> String {
                HEXLOWER.encode(&self.0)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = ParseError;

            fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
                <[u8; 32]>::try_from(bytes).map(Self).map_err(|_| ParseError::Length {
                    expected: 32,
                    found: bytes.len(),
                    unit: "bytes",
                })
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            /// 64 hex digits, upper or lower case.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                hex_array(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.to_hex())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_hex())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

key_type! {
    /// An Ed25519 public key: what signs requests, answers and messages, and names a node.
    Ed25519PublicKey
}
key_type! {
    /// An X25519 public key: what onion layers and sealed messages are encrypted to.
    X25519PublicKey
}
key_type! {
    /// A node's older primary key. Equal to its Ed25519 key on new nodes; shown in `.snode` names.
    LegacyPublicKey
}

impl LegacyPublicKey {
    /// The node's `.snode` name: base32z of the key without padding, then `.snode`
    /// (docs/protocol/node.md section 1.1).
    #[must_use]
    pub fn snode_address(&self) -> String {
        let mut name = base32z(&self.0);
        name.push_str(".snode");
        name
    }
}

/// z-base-32, most significant bit first, last group padded with zeros on the right.
fn base32z(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let mut buffer = 0u32;
    let mut bits = 0u32;
    let mut push = |index: u32| {
        if let Some(&letter) = ALPHABET.get((index & 31) as usize) {
            out.push(char::from(letter));
        }
    };
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(buffer << (5 - bits));
    }
    out
}

/// An Ed25519 signature, 64 bytes: R then S.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Length in bytes.
    pub const LEN: usize = 64;

    /// Wraps 64 bytes; nothing is verified.
    #[must_use]
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Padded base64, 88 characters: the JSON form.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// Reads base64 with padding (88 characters) or without (86).
    ///
    /// # Errors
    /// [`ParseError`] when the text is not base64 of exactly 64 bytes.
    pub fn from_base64(text: &str) -> Result<Self, ParseError> {
        let unpadded = text.strip_suffix("==").unwrap_or(text);
        if unpadded.len() != 86 {
            return Err(ParseError::Length {
                expected: 88,
                found: text.chars().count(),
                unit: "characters",
            });
        }
        let mut out = [0u8; 66];
        let slot = out.get_mut(..64).unwrap_or_default();
        BASE64_NOPAD
            .decode_mut(unpadded.as_bytes(), slot)
            .map_err(|_| ParseError::Alphabet("base64"))?;
        Self::try_from(&*slot)
    }
}

impl TryFrom<&[u8]> for Signature {
    type Error = ParseError;

    fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
        <[u8; 64]>::try_from(bytes)
            .map(Self)
            .map_err(|_| ParseError::Length {
                expected: 64,
                found: bytes.len(),
                unit: "bytes",
            })
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", HEXLOWER.encode(&self.0))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_base64(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snode_address_of_walkthrough_node() {
        let key: LegacyPublicKey =
            "acf12b4acc1c660a8326aed34039efb728a5e496488240f50a932ab7aba51751"
                .parse()
                .unwrap();
        assert_eq!(
            key.snode_address(),
            "iua1s1scdtuyiy3gi5jwyqxxshwkm3rsjnbrb7ek1cimxk7fn7eo.snode"
        );
    }

    #[test]
    fn hex_is_case_insensitive_and_length_checked() {
        let key: Ed25519PublicKey = "AB".repeat(32).parse().unwrap();
        assert_eq!(key.to_hex(), "ab".repeat(32));
        assert!("ab".repeat(31).parse::<Ed25519PublicKey>().is_err());
        assert!("zz".repeat(32).parse::<Ed25519PublicKey>().is_err());
        assert!("é".repeat(32).parse::<Ed25519PublicKey>().is_err());
    }

    #[test]
    fn signature_base64_with_and_without_padding() {
        let signature = Signature::new([7; 64]);
        let text = signature.to_base64();
        assert_eq!(text.len(), 88);
        assert_eq!(Signature::from_base64(&text).unwrap(), signature);
        assert_eq!(
            Signature::from_base64(text.get(..86).unwrap()).unwrap(),
            signature
        );
        assert!(Signature::from_base64(text.get(..85).unwrap()).is_err());
        assert!(Signature::from_base64(&"!".repeat(88)).is_err());
    }
}
