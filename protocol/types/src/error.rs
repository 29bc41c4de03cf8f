//! Errors of parsing identifiers, and the coarse kinds every crate's errors map to.

/// Why a text or byte string is not the identifier it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The text or bytes have the wrong length.
    #[error("expected {expected} {unit}, found {found}")]
    Length {
        /// How many units the form has.
        expected: usize,
        /// How many were there.
        found: usize,
        /// What is counted: `hex digits`, `bytes` or `characters`.
        unit: &'static str,
    },
    /// A character outside the alphabet of the form.
    #[error("not valid {0}")]
    Alphabet(&'static str),
    /// The first byte names another kind of identifier.
    #[error("expected an id beginning with {expected}, found {found:02x}")]
    Prefix {
        /// The accepted prefix, as hex text.
        expected: &'static str,
        /// The byte that was there.
        found: u8,
    },
    /// A number outside its range.
    #[error("value out of range")]
    Range,
}

/// What a caller should do about an error, whatever its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller gave something wrong; asking again changes nothing.
    BadInput,
    /// The other side sent something wrong.
    BadPeer,
    /// This machine's clock and the network's disagree.
    Clock,
    /// A bug or a broken local store.
    Internal,
    /// The network or a peer cannot be reached now; trying again may help.
    Unreachable,
    /// A key, signature or passphrase was refused.
    Unauthorised,
}

impl ErrorKind {
    /// Whether the same request may succeed later without anything being changed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unreachable | Self::BadPeer)
    }
}
