//! The key of a database.

use core::fmt;

use data_encoding::HEXLOWER;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::StoreError;

/// The 32 random bytes SQLCipher encrypts pages with.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct DatabaseKey(Box<[u8; 32]>);

impl DatabaseKey {
    /// A new random key.
    pub(crate) fn generate() -> Result<Self, StoreError> {
        let mut bytes = Box::new([0u8; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| StoreError::Randomness)?;
        Ok(Self(bytes))
    }

    /// From raw bytes; `None` unless there are 32.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut boxed = Box::new([0u8; 32]);
        if bytes.len() != boxed.len() {
            return None;
        }
        boxed.copy_from_slice(bytes);
        Some(Self(boxed))
    }

    /// From 64 hex digits; `None` for anything else.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(HEXLOWER.decode(text.as_bytes()).ok()?);
        Self::from_slice(&bytes)
    }

    /// 64 lower-case hex digits.
    pub(crate) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(self.0.as_slice()))
    }

    /// The raw bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseKey").finish_non_exhaustive()
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Randomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let key = DatabaseKey::from_slice(&[0xab; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "DatabaseKey { .. }");
    }

    #[test]
    fn hex_round_trip_and_lengths() {
        let key = DatabaseKey::generate().unwrap();
        let again = DatabaseKey::from_hex(&key.to_hex()).unwrap();
        assert_eq!(key.as_bytes(), again.as_bytes());
        assert_ne!(key.as_bytes(), DatabaseKey::generate().unwrap().as_bytes());
        assert!(DatabaseKey::from_hex("").is_none());
        assert!(DatabaseKey::from_hex(&"a".repeat(62)).is_none());
        assert!(DatabaseKey::from_hex(&"x".repeat(64)).is_none());
        assert!(DatabaseKey::from_slice(&[0; 31]).is_none());
    }
}
