//! Keychain on macOS and Credential Manager on Windows.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::{Keyring, KeyringError};

/// Under which all entries of this program are kept.
const SERVICE: &str = "session";

/// The keyring of the operating system.
#[derive(Debug, Clone, Copy)]
pub(super) struct NativeKeyring;

impl Keyring for NativeKeyring {
    fn store(&self, entry: &str, _label: &str, secret: &str) -> Result<(), KeyringError> {
        Ok(open(entry)?.set_password(secret)?)
    }

    fn load(&self, entry: &str) -> Result<Option<Zeroizing<String>>, KeyringError> {
        match open(entry)?.get_password() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        match open(entry)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn probe(&self) -> Result<(), KeyringError> {
        // Both systems say that there is no such entry when they can be asked at all.
        self.load("probe").map(drop)
    }
}

fn open(entry: &str) -> Result<Entry, KeyringError> {
    #[cfg(target_os = "macos")]
    let store: Arc<CredentialStore> = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store: Arc<CredentialStore> = windows_native_keyring_store::Store::new()?;
    Ok(store.build(SERVICE, entry, None)?)
}

impl From<Error> for KeyringError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoStorageAccess(_) => Self::Locked,
            Error::PlatformFailure(_) => Self::Unavailable {
                reason: "the system refused".to_owned(),
            },
            _ => Self::Failed {
                reason: "an unexpected answer".to_owned(),
            },
        }
    }
}
