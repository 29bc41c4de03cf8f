//! The keys of a node.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use session_chassis::new_file::{self, Readers};
use session_crypto::{Ed25519Secret, X25519Secret};
use session_types::{Ed25519PublicKey, LegacyPublicKey, X25519PublicKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::NodeError;

/// Name of the key file in the data directory.
const KEY_FILE: &str = "node.key";

/// The keys of a node: an Ed25519 key and the X25519 key converted from it. The older primary
/// key equals the Ed25519 key, as on all nodes from hard fork 21
/// (docs/protocol/node.md section 1.1).
pub struct NodeIdentity {
    ed25519: Ed25519Secret,
    x25519: X25519Secret,
}

impl NodeIdentity {
    /// The identity that follows from an Ed25519 seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let ed25519 = Ed25519Secret::from_seed(seed);
        let x25519 = ed25519.to_x25519();
        Self { ed25519, x25519 }
    }

    /// Reads `node.key` in `dir`, making directory and key when there is none. The file holds
    /// the seed as 64 hex digits and is readable by its owner alone.
    ///
    /// # Errors
    /// [`NodeError::Identity`] when the file cannot be read or written, or holds something else.
    pub fn load_or_create(dir: &Path) -> Result<Self, NodeError> {
        let path = dir.join(KEY_FILE);
        match fs::read(&path) {
            Ok(content) => {
                let content = Zeroizing::new(content);
                let mut seed = [0u8; 32];
                let text = content.trim_ascii();
                let read = (text.len() == 64)
                    .then(|| HEXLOWER_PERMISSIVE.decode_mut(text, &mut seed).ok())
                    .flatten();
                if read.is_none() {
                    return Err(NodeError::Identity(io::ErrorKind::InvalidData.into()));
                }
                let identity = Self::from_seed(seed);
                seed.zeroize();
                Ok(identity)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(dir).map_err(NodeError::Identity)?;
                let identity = Self::from_seed(rand::random());
                let mut text = Zeroizing::new(
                    data_encoding::HEXLOWER.encode(identity.ed25519.seed().as_slice()),
                );
                text.push('\n');
                new_file::write(&path, text.as_bytes(), Readers::Owner)
                    .map_err(NodeError::Identity)?;
                Ok(identity)
            }
            Err(error) => Err(NodeError::Identity(error)),
        }
    }

    /// Names the node, and verifies what it signs.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519PublicKey {
        self.ed25519.public()
    }

    /// Onion layers for the node are encrypted to this key.
    #[must_use]
    pub fn x25519(&self) -> &X25519PublicKey {
        self.x25519.public()
    }

    /// The older primary key.
    #[must_use]
    pub fn legacy(&self) -> LegacyPublicKey {
        LegacyPublicKey::new(*self.ed25519.public().as_bytes())
    }

    pub(crate) const fn signing_key(&self) -> &Ed25519Secret {
        &self.ed25519
    }

    pub(crate) const fn onion_key(&self) -> &X25519Secret {
        &self.x25519
    }
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeIdentity")
            .field("ed25519", self.ed25519())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("node");
        let first = NodeIdentity::load_or_create(&inner).unwrap();
        let second = NodeIdentity::load_or_create(&inner).unwrap();
        assert_eq!(first.ed25519(), second.ed25519());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(inner.join(KEY_FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(inner.join(KEY_FILE), "nonsense").unwrap();
        assert!(matches!(
            NodeIdentity::load_or_create(&inner),
            Err(NodeError::Identity(_))
        ));
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = NodeIdentity::from_seed([0xa0; 32]);
        assert_eq!(
            format!("{identity:?}"),
            "NodeIdentity { ed25519: Ed25519PublicKey(\
             b533d8ad9fcfbdde0b481c1b334ddc3c53412fd614564e7e5afd020368d382c3), .. }"
        );
    }
}
