use core::fmt;

use session_types::{Ed25519PublicKey, Signature, network_prefix};

use crate::Ed25519Secret;
use crate::hash::blake2b_keyed;

const SEED_KEY: &[u8] = b"VersionCheckKey_sig";

/// The version-blinded key, which signs requests to the file and token servers
/// (docs/protocol/crypto.md section 10): a stable pseudonym that does not lead to the account.
pub struct VersionKey(Ed25519Secret);

impl VersionKey {
    /// The key of an account: Ed25519 from B2b-32(seed; key `VersionCheckKey_sig`).
    #[must_use]
    pub fn new(account: &Ed25519Secret) -> Self {
        Self(Ed25519Secret::from_seed(blake2b_keyed(
            SEED_KEY,
            &[account.seed()],
        )))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &Ed25519PublicKey {
        self.0.public()
    }

    /// The name under which the servers know the account.
    ///
    /// | Offset | Length | Content |
    /// |---|---|---|
    /// | 0 | 1 | 0x07 |
    /// | 1 | 32 | the public key |
    #[must_use]
    pub fn id(&self) -> [u8; 33] {
        let mut out = [0; 33];
        if let Some((first, rest)) = out.split_first_mut() {
            *first = network_prefix::VERSION_BLINDED;
            rest.copy_from_slice(self.public().as_bytes());
        }
        out
    }

    /// Signs a request. The signed bytes, one after the other without separators:
    ///
    /// | Part | Encoding |
    /// |---|---|
    /// | time | Unix seconds in decimal |
    /// | method | upper case, `GET` |
    /// | path | with its query |
    /// | body | as sent; nothing when there is none |
    #[must_use]
    pub fn sign_request(
        &self,
        unix_seconds: u64,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Signature {
        let mut message = format!("{unix_seconds}{method}{path}").into_bytes();
        message.extend_from_slice(body);
        self.0.sign(&message)
    }
}

impl fmt::Debug for VersionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// docs/protocol/crypto.md section 10.
    #[test]
    fn key_of_the_specification() {
        let seed = HEXLOWER
            .decode(b"fecd9a6034bc9aba273925dee7062b123334587c3c6257341afae2d7fe85e122")
            .unwrap();
        let key = VersionKey::new(&Ed25519Secret::from_seed(seed.try_into().unwrap()));
        assert_eq!(
            HEXLOWER.encode(&key.id()),
            "0788e8adb27e7b8ce776fcc25bc1501fb2888fcac0308e52fb10044f789ae1a8fa"
        );
    }
}
