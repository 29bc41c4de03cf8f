//! The keyring of the system the program runs on: Secret Service on Linux, Keychain on macOS,
//! Credential Manager on Windows.

use core::fmt;

use session_types::ErrorKind;
use zeroize::Zeroizing;

#[cfg(target_os = "linux")]
mod dbus;
#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(target_os = "linux")]
mod secret_service;

#[cfg(target_os = "linux")]
pub use secret_service::SecretService;

/// Something that keeps short secret texts for this program, by name, across restarts.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// Keeps `secret` under `entry`, replacing what was there. A person going through the
    /// keyring sees `label`. May ask the person to unlock the keyring.
    ///
    /// # Errors
    /// [`KeyringError`] when it is not kept.
    fn store(&self, entry: &str, label: &str, secret: &str) -> Result<(), KeyringError>;

    /// What is kept under `entry`; `None` when nothing is. May ask the person to unlock the
    /// keyring.
    ///
    /// # Errors
    /// [`KeyringError`] when it cannot be told.
    fn load(&self, entry: &str) -> Result<Option<Zeroizing<String>>, KeyringError>;

    /// Forgets what is kept under `entry`, if anything is.
    ///
    /// # Errors
    /// [`KeyringError`] when it may still be there.
    fn remove(&self, entry: &str) -> Result<(), KeyringError>;

    /// Whether the keyring can be used now without asking anybody.
    ///
    /// # Errors
    /// [`KeyringError`] telling why not.
    fn probe(&self) -> Result<(), KeyringError>;
}

/// Why a keyring did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The keyring works, and refused this.
    #[error("the keyring refused: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
    /// The keyring is locked, and the person did not unlock it.
    #[error("the keyring is locked")]
    Locked,
    /// There is no keyring, or it does not answer.
    #[error("no keyring: {reason}")]
    Unavailable {
        /// What was missing.
        reason: String,
    },
}

impl KeyringError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed { .. } => ErrorKind::Internal,
            Self::Locked => ErrorKind::Unauthorised,
            Self::Unavailable { .. } => ErrorKind::Unreachable,
        }
    }
}

/// The keyring of this system.
#[must_use]
pub fn system() -> Box<dyn Keyring> {
    #[cfg(target_os = "linux")]
    return Box::new(SecretService::of_session());
    #[cfg(any(target_os = "macos", windows))]
    return Box::new(native::NativeKeyring);
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Box::new(Unavailable);
}

/// The keyring of a system that has none.
#[derive(Debug, Clone, Copy)]
pub struct Unavailable;

impl Unavailable {
    fn error() -> KeyringError {
        KeyringError::Unavailable {
            reason: "this system has none".to_owned(),
        }
    }
}

impl Keyring for Unavailable {
    fn store(&self, _: &str, _: &str, _: &str) -> Result<(), KeyringError> {
        Err(Self::error())
    }

    fn load(&self, _: &str) -> Result<Option<Zeroizing<String>>, KeyringError> {
        Err(Self::error())
    }

    fn remove(&self, _: &str) -> Result<(), KeyringError> {
        Err(Self::error())
    }

    fn probe(&self) -> Result<(), KeyringError> {
        Err(Self::error())
    }
}
