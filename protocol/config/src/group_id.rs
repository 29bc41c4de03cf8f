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

    pub(crate) fn to_bytes(self) -> [u8; 33] {
        SwarmPubkey::from(self).to_bytes()
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

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(text.parse::<SwarmPubkey>()?)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&SwarmPubkey::from(*self).to_hex())
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupId({self})")
    }
}
