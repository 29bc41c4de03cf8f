use rand_core::CryptoRng;
use session_crypto::{ed25519_to_x25519, multi_recipient};
use session_types::{AccountId, X25519PublicKey};

use super::GroupKeys;
use crate::error::ConfigError;

const DOMAIN: &[u8] = b"SessionGroupKickedMessage";

impl GroupKeys {
    /// The message that tells members they were removed, for the namespace that revoked members
    /// can still read. To each it says `their 32-byte key ‖ generation in decimal`
    /// (docs/protocol/config.md section 14).
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins, [`ConfigError::Crypto`] for ids
    /// that cannot be written to.
    pub fn kicked_message(
        &self,
        removed: &[AccountId],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, ConfigError> {
        let admin = self.admin()?;
        let generation = self.generation().to_string();
        let recipients: Vec<X25519PublicKey> = removed.iter().map(|id| *id.x25519()).collect();
        let texts: Vec<Vec<u8>> = recipients
            .iter()
            .map(|key| [key.as_bytes().as_slice(), generation.as_bytes()].concat())
            .collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let message = multi_recipient::encrypt_container(
            &admin.x25519,
            &recipients,
            None,
            DOMAIN,
            &texts,
            0,
            rng,
        )?;
        Ok(message)
    }

    /// Whether a message of that namespace tells this member of its removal. One of an earlier
    /// generation than the newest key is of a time before it was invited again.
    #[must_use]
    pub fn is_kicked_by(&self, message: &[u8]) -> bool {
        let Ok(group) = ed25519_to_x25519(self.id.ed25519()) else {
            return false;
        };
        let own = self.account.x25519();
        let Ok(text) = multi_recipient::decrypt_container(own, &group, DOMAIN, message) else {
            return false;
        };
        let Some((key, generation)) = text.split_first_chunk::<32>() else {
            return false;
        };
        let generation: Option<i64> = core::str::from_utf8(generation)
            .ok()
            .and_then(|text| text.parse().ok());
        key == own.public().as_bytes()
            && generation.is_some_and(|generation| generation >= self.generation())
    }
}
