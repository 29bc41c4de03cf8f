//! The keys of a file server.

use core::fmt;
use std::fs;
use std::io;
use std::path::Path;

use session_chassis::new_file::{self, Readers};
use session_crypto::{Ed25519Secret, X25519Secret};
use session_quic::TlsKey;
use session_types::{Ed25519PublicKey, X25519PublicKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::ServerError;

/// Name of the key file in the data folder.
pub const KEY_FILE: &str = "key_ed25519";

/// Name of the key file older servers have, which is used when it is there.
pub const ONION_KEY_FILE: &str = "key_x25519";

/// The keys of a file server. Onion requests are encrypted to the X25519 key, which is that
/// converted from the Ed25519 key, or, on a server that was another program before, one of its
/// own.
pub struct ServerKeys {
    ed25519: Ed25519Secret,
    x25519: X25519Secret,
}

impl ServerKeys {
    /// The keys that follow from an Ed25519 seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let ed25519 = Ed25519Secret::from_seed(seed);
        let x25519 = ed25519.to_x25519();
        Self { ed25519, x25519 }
    }

    /// Reads `key_ed25519`, and `key_x25519` if it is there, in a folder; makes folder and the
    /// former when there is none. Each file holds 32 bytes as they are, and is readable by its
    /// owner alone.
    ///
    /// # Errors
    /// [`ServerError::Keys`] when a file cannot be read or written, or holds something else.
    pub fn load_or_create(dir: &Path) -> Result<Self, ServerError> {
        let seed = match read(&dir.join(KEY_FILE))? {
            Some(seed) => seed,
            None => {
                fs::create_dir_all(dir).map_err(ServerError::Keys)?;
                let seed = Zeroizing::new(rand::random::<[u8; 32]>());
                new_file::write(&dir.join(KEY_FILE), seed.as_slice(), Readers::Owner)
                    .map_err(ServerError::Keys)?;
                seed
            }
        };
        let mut keys = Self::from_seed(*seed);
        if let Some(secret) = read(&dir.join(ONION_KEY_FILE))? {
            keys.x25519 = X25519Secret::from_bytes(*secret);
        }
        Ok(keys)
    }

    /// Clients of the QUIC transfer check the server by it.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        self.ed25519.public()
    }

    /// Onion requests are encrypted to it. URLs of files carry it.
    #[must_use]
    pub fn x25519(&self) -> &X25519PublicKey {
        self.x25519.public()
    }

    /// The key to prove in QUIC handshakes.
    pub(crate) fn tls_key(&self) -> TlsKey {
        TlsKey::from_seed(*self.ed25519.seed())
    }

    /// What lost connections are given up by: BLAKE2b of the secret key, under a key of its own
    /// (docs/protocol/file-server.md section 5).
    pub(crate) fn reset_secret(&self) -> Zeroizing<[u8; 32]> {
        let hash = blake2b_simd::Params::new()
            .hash_length(32)
            .key(b"session-file-server-quic-files")
            .to_state()
            .update(self.ed25519.seed())
            .update(self.ed25519.public().as_bytes())
            .finalize();
        let mut secret = Zeroizing::new([0; 32]);
        for (to, from) in secret.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        secret
    }

    pub(crate) fn into_onion_key(self) -> X25519Secret {
        self.x25519
    }
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerKeys")
            .field("x25519", self.x25519())
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, ServerError> {
    match fs::read(path) {
        Ok(mut content) => {
            let key = <[u8; 32]>::try_from(content.as_slice());
            content.zeroize();
            let key = key.map_err(|_| ServerError::Keys(io::ErrorKind::InvalidData.into()))?;
            Ok(Some(Zeroizing::new(key)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServerError::Keys(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a");
        let made = ServerKeys::load_or_create(&inner).unwrap();
        let read = ServerKeys::load_or_create(&inner).unwrap();
        assert_eq!(made.ed25519(), read.ed25519());
        assert_eq!(made.x25519(), read.x25519());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(inner.join(KEY_FILE)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
        // The key of a program that was there before.
        fs::write(inner.join(ONION_KEY_FILE), [7; 32]).unwrap();
        let with = ServerKeys::load_or_create(&inner).unwrap();
        assert_eq!(with.ed25519(), made.ed25519());
        assert_eq!(with.x25519(), X25519Secret::from_bytes([7; 32]).public());
        for (name, content) in [(ONION_KEY_FILE, &[7; 31][..]), (KEY_FILE, &[])] {
            fs::write(inner.join(name), content).unwrap();
            let read = ServerKeys::load_or_create(&inner);
            assert!(matches!(read, Err(ServerError::Keys(_))), "{name}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = ServerKeys::from_seed([0xa0; 32]);
        assert_eq!(
            format!("{keys:?}"),
            format!("ServerKeys {{ x25519: {:?}, .. }}", keys.x25519())
        );
    }
}
