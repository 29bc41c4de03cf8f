use core::fmt;

use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::fields::within;

/// Longest address of a picture, in bytes.
const MAX_URL: usize = 223;

/// A profile or group picture on a file server.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub(crate) url: String,
    pub(crate) key: Zeroizing<[u8; 32]>,
}

impl Picture {
    /// A picture at this address, encrypted with this key.
    ///
    /// # Errors
    /// [`ConfigError`] when the address is empty or longer than 223 bytes.
    pub fn new(url: impl Into<String>, key: [u8; 32]) -> Result<Self, ConfigError> {
        let url = url.into();
        let key = Zeroizing::new(key);
        if url.is_empty() {
            return Err(ConfigError::Invalid {
                field: "picture address",
            });
        }
        within(&url, MAX_URL, "picture address")?;
        Ok(Self { url, key })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What decrypts it.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").finish_non_exhaustive()
    }
}
