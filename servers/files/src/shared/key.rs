//! What content is called, wherever it is.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;

use crate::storage::StorageError;

/// The key of content: 16 random bytes, written as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectKey([u8; 16]);

impl ObjectKey {
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// Its first two digits: the folder it is in.
    pub(super) fn prefix(self) -> String {
        self.to_string().chars().take(2).collect()
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKey(..)")
    }
}

impl FromStr for ObjectKey {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        let bytes = HEXLOWER.decode(text.as_bytes());
        let bytes = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(StorageError::Damaged)
    }
}
