//! Namespaces: the drawers of a mailbox, and the rules each class of them has.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A namespace number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(i16);

/// What a node demands of requests to a namespace (docs/protocol/node.md section 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceClass {
    /// −10: neither storing nor retrieving needs a signature.
    LegacyGroup,
    /// Everything else: both need one.
    Private,
    /// n mod 10 = 0: anyone may store, only the owner may retrieve.
    PublicInbox,
    /// n < 0 and −n mod 20 = 1: only the owner may store, anyone may retrieve; one message.
    PublicOutbox,
}

impl Namespace {
    /// Messages to an account.
    pub const DEFAULT: Self = Self(0);
    /// Own profile config.
    pub const USER_PROFILE: Self = Self(2);
    /// Contacts config.
    pub const CONTACTS: Self = Self(3);
    /// Read-state config.
    pub const CONVO_INFO_VOLATILE: Self = Self(4);
    /// Groups and communities config.
    pub const USER_GROUPS: Self = Self(5);
    /// Group messages.
    pub const GROUP_MESSAGES: Self = Self(11);
    /// Group keys.
    pub const GROUP_KEYS: Self = Self(12);
    /// Group info config.
    pub const GROUP_INFO: Self = Self(13);
    /// Group members config.
    pub const GROUP_MEMBERS: Self = Self(14);
    /// Notices to removed group members.
    pub const REVOKED_RETRIEVABLE: Self = Self(-11);
    /// Closed groups of old clients.
    pub const LEGACY_GROUP: Self = Self(-10);

    /// Wraps a number; every 16-bit number is a namespace.
    #[must_use]
    pub const fn new(value: i16) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }

    /// Which rules apply.
    #[must_use]
    pub const fn class(self) -> NamespaceClass {
        let n = self.0;
        if n == -10 {
            NamespaceClass::LegacyGroup
        } else if n % 10 == 0 {
            NamespaceClass::PublicInbox
        } else if n < 0 && n.unsigned_abs() % 20 == 1 {
            NamespaceClass::PublicOutbox
        } else {
            NamespaceClass::Private
        }
    }

    /// Whether storing needs a signature.
    #[must_use]
    pub const fn store_needs_auth(self) -> bool {
        matches!(
            self.class(),
            NamespaceClass::Private | NamespaceClass::PublicOutbox
        )
    }

    /// Whether retrieving needs a signature.
    #[must_use]
    pub const fn retrieve_needs_auth(self) -> bool {
        matches!(
            self.class(),
            NamespaceClass::Private | NamespaceClass::PublicInbox
        )
    }

    /// Whether a revoked subaccount may still retrieve: n < 0 and −n mod 100 = 11.
    #[must_use]
    pub const fn readable_when_revoked(self) -> bool {
        self.0 < 0 && self.0.unsigned_abs() % 100 == 11
    }

    /// The longest time a message may live here.
    #[must_use]
    pub const fn max_ttl(self) -> Duration {
        match self.class() {
            NamespaceClass::PublicInbox | NamespaceClass::LegacyGroup => limits::MAX_TTL_PUBLIC,
            NamespaceClass::Private | NamespaceClass::PublicOutbox => limits::MAX_TTL_PRIVATE,
        }
    }

    /// The form inside signed strings and hashes: decimal, and nothing at all for 0.
    #[must_use]
    pub fn signed_form(self) -> String {
        if self.0 == 0 {
            String::new()
        } else {
            self.0.to_string()
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        use NamespaceClass::{LegacyGroup, Private, PublicInbox, PublicOutbox};
        let table = [
            (0, PublicInbox),
            (20, PublicInbox),
            (40, PublicInbox),
            (-20, PublicInbox),
            (-10, LegacyGroup),
            (2, Private),
            (11, Private),
            (-11, Private),
            (-42, Private),
            (1, Private),
            (21, Private),
            (-1, PublicOutbox),
            (-21, PublicOutbox),
            (-41, PublicOutbox),
            (i16::MIN, Private),
        ];
        for (n, class) in table {
            assert_eq!(Namespace::new(n).class(), class, "{n}");
        }
        assert!(Namespace::new(-111).readable_when_revoked());
        assert!(!Namespace::new(11).readable_when_revoked());
        assert_eq!(Namespace::new(0).signed_form(), "");
        assert_eq!(Namespace::new(-11).signed_form(), "-11");
    }
}
