use session_types::ErrorKind;

/// Why bytes are not the bt-encoded value they were meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BtError {
    /// The input ends inside a value.
    #[error("value ends too early")]
    End,
    /// A byte that cannot stand at this place.
    #[error("unexpected byte at offset {offset}")]
    Byte {
        /// Where it stands.
        offset: usize,
    },
    /// An integer outside −2^63 to 2^64 − 1, or outside what the caller can take.
    #[error("integer out of range")]
    Range,
    /// Leading zeros or `-0`, in a canonical reader.
    #[error("number not in its shortest form at offset {offset}")]
    NotCanonical {
        /// Where the number begins.
        offset: usize,
    },
    /// A dict key does not come after the one before it.
    #[error("dict keys not in ascending order")]
    KeyOrder,
    /// Something follows the value.
    #[error("bytes after the end of the value")]
    Trailing,
    /// More lists and dicts inside each other than allowed.
    #[error("nested too deeply")]
    Depth,
    /// More values than allowed.
    #[error("too many values")]
    Items,
    /// The value is of another type.
    #[error("expected {expected}")]
    Type {
        /// The type that was asked for.
        expected: &'static str,
    },
    /// A dict has no such key, or the reader is already past it.
    #[error("key {key:?} is missing")]
    Missing {
        /// The key that was asked for.
        key: &'static str,
    },
}

impl BtError {
    /// Always [`ErrorKind::BadPeer`] for reading; a writer's [`Self::KeyOrder`] is a bug of the
    /// caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::BadPeer
    }
}
