//! The id of a group, and ids as they stand in texts of messages.

use core::fmt;
use core::str::FromStr;

use session_types::{Ed25519PublicKey, ParseError, SwarmPubkey, network_prefix};

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

/// Whether this can be the author of a message: an account, or a blinded id in a community.
pub(crate) fn is_author(id: SwarmPubkey) -> bool {
    matches!(
        id.prefix(),
        network_prefix::ACCOUNT | network_prefix::BLINDED_15 | network_prefix::BLINDED_25
    )
}

/// An author as written in quotes and reactions.
pub(crate) fn parse_author(text: &str) -> Option<SwarmPubkey> {
    text.parse().ok().filter(|id| is_author(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_id_text_round_trip() {
        let text = "03e734ea6c2b6257de72355e472aa05a4c487e6b463c029ed306df2f01b5636b58";
        let id: GroupId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert!(text.replacen("03", "05", 1).parse::<GroupId>().is_err());
        assert!(text.trim_end_matches('8').parse::<GroupId>().is_err());
    }

    #[test]
    fn authors_have_three_prefixes() {
        for (prefix, good) in [
            ("00", false),
            ("03", false),
            ("05", true),
            ("15", true),
            ("25", true),
        ] {
            let text = format!("{prefix}{}", "ab".repeat(32));
            assert_eq!(parse_author(&text).is_some(), good, "{prefix}");
        }
        assert_eq!(parse_author("05ab"), None);
    }
}
