//! Ids of accounts and groups, and the more general owners of a mailbox in a swarm.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::keys::hex_array;
use crate::{Ed25519PublicKey, ParseError, SwarmPosition, X25519PublicKey};

/// First bytes of 33-byte identifiers (docs/protocol/crypto.md section 0.1).
pub mod network_prefix {
    /// Unblinded Ed25519 key inside a community.
    pub const UNBLINDED: u8 = 0x00;
    /// Group: Ed25519 key.
    pub const GROUP: u8 = 0x03;
    /// Account: X25519 key.
    pub const ACCOUNT: u8 = 0x05;
    /// Version-blinded Ed25519 key.
    pub const VERSION_BLINDED: u8 = 0x07;
    /// Blinded community id, older form.
    pub const BLINDED_15: u8 = 0x15;
    /// Blinded community id, newer form.
    pub const BLINDED_25: u8 = 0x25;
}

/// The public name of an account: `05` and its X25519 public key, 66 hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(X25519PublicKey);

impl AccountId {
    /// Length of the text form.
    pub const HEX_LEN: usize = 66;

    /// The account that owns this X25519 key.
    #[must_use]
    pub const fn from_x25519(key: X25519PublicKey) -> Self {
        Self(key)
    }

    /// The X25519 public key messages to this account are sealed to.
    #[must_use]
    pub const fn x25519(&self) -> &X25519PublicKey {
        &self.0
    }

    /// `05` followed by the key, 33 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        SwarmPubkey::from(*self).to_bytes()
    }

    /// Lower-case hex, 66 digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.to_bytes())
    }

    /// The first and last characters, for a person to recognise it by: `05ca03b8…135c1a`.
    #[must_use]
    pub fn short(&self) -> String {
        let text = self.to_hex();
        format!(
            "{}…{}",
            text.get(..8).unwrap_or_default(),
            text.get(60..).unwrap_or_default()
        )
    }
}

impl FromStr for AccountId {
    type Err = ParseError;

    /// 66 hex digits beginning `05`, upper or lower case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let owner: SwarmPubkey = text.parse()?;
        Self::try_from(owner)
    }
}

impl TryFrom<SwarmPubkey> for AccountId {
    type Error = ParseError;

    fn try_from(owner: SwarmPubkey) -> Result<Self, ParseError> {
        if owner.prefix() == network_prefix::ACCOUNT {
            Ok(Self(X25519PublicKey::new(*owner.key())))
        } else {
            Err(ParseError::Prefix {
                expected: "05",
                found: owner.prefix(),
            })
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({})", self.to_hex())
    }
}

/// The public name of a group: `03` and its Ed25519 public key, 66 hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Ed25519PublicKey);

impl GroupId {
    /// The group that owns this key.
    #[must_use]
    pub const fn from_ed25519(key: Ed25519PublicKey) -> Self {
        Self(key)
    }

    /// The key that signs what the group's admins do.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519PublicKey {
        &self.0
    }

    /// Prefix and key, 33 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        SwarmPubkey::from(*self).to_bytes()
    }

    /// Lower-case hex, 66 digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        SwarmPubkey::from(*self).to_hex()
    }
}

impl From<GroupId> for SwarmPubkey {
    fn from(id: GroupId) -> Self {
        Self::new(network_prefix::GROUP, *id.0.as_bytes())
    }
}

impl TryFrom<SwarmPubkey> for GroupId {
    type Error = ParseError;

    /// The owner, if its prefix is `03`.
    fn try_from(owner: SwarmPubkey) -> Result<Self, ParseError> {
        if owner.prefix() == network_prefix::GROUP {
            Ok(Self(Ed25519PublicKey::new(*owner.key())))
        } else {
            Err(ParseError::Prefix {
                expected: "03",
                found: owner.prefix(),
            })
        }
    }
}

impl FromStr for GroupId {
    type Err = ParseError;

    /// 66 hex digits beginning `03`, upper or lower case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(text.parse::<SwarmPubkey>()?)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupId({})", self.to_hex())
    }
}

/// Who owns a mailbox in a swarm: a prefix byte and 32 key bytes. Accounts (`05`) and groups
/// (`03`) are such owners; a node stores for any prefix (docs/protocol/node.md section 3.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwarmPubkey {
    prefix: u8,
    key: [u8; 32],
}

impl SwarmPubkey {
    /// Joins a prefix and a key.
    #[must_use]
    pub const fn new(prefix: u8, key: [u8; 32]) -> Self {
        Self { prefix, key }
    }

    /// The first byte.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The 32 bytes after the prefix.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Prefix and key, 33 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        let mut out = [0u8; 33];
        if let Some((first, rest)) = out.split_first_mut() {
            *first = self.prefix;
            rest.copy_from_slice(&self.key);
        }
        out
    }

    /// Lower-case hex, 66 digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.to_bytes())
    }

    /// Where this owner lies in swarm space: the xor of the key's four big-endian 8-byte words.
    /// The prefix has no influence (docs/protocol/node.md section 3.1).
    #[must_use]
    pub fn position(&self) -> SwarmPosition {
        let (words, _) = self.key.as_chunks::<8>();
        SwarmPosition::new(
            words
                .iter()
                .fold(0, |acc, word| acc ^ u64::from_be_bytes(*word)),
        )
    }
}

impl From<AccountId> for SwarmPubkey {
    fn from(id: AccountId) -> Self {
        Self::new(network_prefix::ACCOUNT, *id.x25519().as_bytes())
    }
}

impl TryFrom<&[u8]> for SwarmPubkey {
    type Error = ParseError;

    /// 33 raw bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
        let wrong = ParseError::Length {
            expected: 33,
            found: bytes.len(),
            unit: "bytes",
        };
        let (prefix, key) = bytes.split_first().ok_or(wrong.clone())?;
        Ok(Self::new(*prefix, key.try_into().map_err(|_| wrong)?))
    }
}

impl FromStr for SwarmPubkey {
    type Err = ParseError;

    /// 66 hex digits, upper or lower case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes: [u8; 33] = hex_array(text)?;
        Self::try_from(bytes.as_slice())
    }
}

impl fmt::Display for SwarmPubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for SwarmPubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwarmPubkey({})", self.to_hex())
    }
}

macro_rules! serde_as_hex {
    ($name:ty) => {
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
serde_as_hex!(AccountId);
serde_as_hex!(GroupId);
serde_as_hex!(SwarmPubkey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_id_text_round_trip() {
        let text = "03e734ea6c2b6257de72355e472aa05a4c487e6b463c029ed306df2f01b5636b58";
        let id: GroupId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(GroupId::try_from(SwarmPubkey::from(id)), Ok(id));
        assert!(text.replacen("03", "05", 1).parse::<GroupId>().is_err());
        assert!(text.trim_end_matches('8').parse::<GroupId>().is_err());
    }

    const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";

    #[test]
    fn account_id_text_round_trip() {
        let id: AccountId = BOB.parse().unwrap();
        assert_eq!(id.to_string(), BOB);
        assert_eq!(BOB.to_uppercase().parse::<AccountId>().unwrap(), id);
        assert_eq!(id.short(), "05ca03b8…135c1a");
    }

    #[test]
    fn account_id_refuses_other_things() {
        assert!(matches!(
            BOB.replacen("05", "03", 1).parse::<AccountId>(),
            Err(ParseError::Prefix { found: 3, .. })
        ));
        assert!(matches!(
            BOB.get(..64).unwrap().parse::<AccountId>(),
            Err(ParseError::Length { .. })
        ));
        assert!("".parse::<AccountId>().is_err());
        assert!("x".repeat(66).parse::<AccountId>().is_err());
    }

    #[test]
    fn positions_of_the_specification() {
        let cases = [
            (
                "ee".repeat(8) + &"77".repeat(8) + &"11".repeat(8) + &"88".repeat(8),
                0,
            ),
            ("00".repeat(24) + &"ff".repeat(8), u64::MAX),
            (
                "4a93d58a5f2ae1ddf3c63b74ec8b6f4f66ff86a332b69b1c9cb2e21131a81ef8".into(),
                4834766261969685366,
            ),
            (
                "50ded37c9d418107c6778c218727f947a9ab21370837a4de33c8566603ab03d7".into(),
                921593106057060169,
            ),
            (
                "88eb78ba045e05dd333a45af4d9a57632f487a809e4933a1830050fd3ed33a83".into(),
                1700416073668385692,
            ),
        ];
        for (key, position) in cases {
            for prefix in ["05", "03"] {
                let owner: SwarmPubkey = format!("{prefix}{key}").parse().unwrap();
                assert_eq!(owner.position().get(), position, "{key}");
            }
        }
    }
}
