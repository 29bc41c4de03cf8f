use core::fmt;

use rand_core::CryptoRng;
use session_encoding::mnemonic::{self, MnemonicError};
use session_types::AccountId;
use zeroize::Zeroizing;

use crate::{Ed25519Secret, X25519Secret};

/// The keys of an account (docs/protocol/crypto.md section 1).
///
/// | Step | Value |
/// |---|---|
/// | 1 | seed = 16 random bytes and 16 zero bytes |
/// | 2 | Ed25519 key pair from the seed |
/// | 3 | X25519 key pair: the same secret scalar, the public key in Montgomery form |
/// | 4 | account id = 0x05 and the X25519 public key |
pub struct AccountKeys {
    ed25519: Ed25519Secret,
    x25519: X25519Secret,
}

impl AccountKeys {
    /// A new account.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 16]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_seed16(*seed)
    }

    /// The account with these 16 secret bytes: what a recovery password of 13 words holds.
    #[must_use]
    pub fn from_seed16(seed: [u8; 16]) -> Self {
        let seed = Zeroizing::new(seed);
        let mut long = Zeroizing::new([0; 32]);
        if let Some(half) = long.first_chunk_mut::<16>() {
            *half = *seed;
        }
        Self::from_seed32(*long)
    }

    /// The account with a whole Ed25519 seed.
    #[must_use]
    pub fn from_seed32(seed: [u8; 32]) -> Self {
        let ed25519 = Ed25519Secret::from_seed(seed);
        let x25519 = ed25519.to_x25519();
        Self { ed25519, x25519 }
    }

    /// The account with this recovery password.
    ///
    /// # Errors
    /// [`MnemonicError`] when the words are not a recovery password.
    pub fn from_mnemonic(words: &str) -> Result<Self, MnemonicError> {
        let bytes = mnemonic::decode(words)?;
        let mut seed = Zeroizing::new([0; 32]);
        for (slot, byte) in seed.iter_mut().zip(bytes.iter()) {
            *slot = *byte;
        }
        Ok(Self::from_seed32(*seed))
    }

    /// The recovery password: 13 words, or 25 for an account made from a whole 32-byte seed.
    #[must_use]
    pub fn mnemonic(&self) -> Zeroizing<String> {
        match self.seed16() {
            Some(seed) => mnemonic::encode(seed),
            None => mnemonic::encode_long(self.ed25519.seed()),
        }
    }

    /// The 16 secret bytes everything follows from; `None` for an account made from a whole
    /// 32-byte seed.
    #[must_use]
    pub fn seed16(&self) -> Option<&[u8; 16]> {
        let (seed, rest) = self.ed25519.seed().split_first_chunk::<16>()?;
        rest.iter().all(|&byte| byte == 0).then_some(seed)
    }

    /// The public name.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId::from_x25519(*self.x25519.public())
    }

    /// The key that signs.
    #[must_use]
    pub fn ed25519(&self) -> &Ed25519Secret {
        &self.ed25519
    }

    /// The key that messages are sealed to.
    #[must_use]
    pub fn x25519(&self) -> &X25519Secret {
        &self.x25519
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_seeds_have_long_passwords() {
        let keys = AccountKeys::from_seed32([3; 32]);
        assert_eq!(keys.seed16(), None);
        let words = keys.mnemonic();
        assert_eq!(words.split(' ').count(), 25);
        let again = AccountKeys::from_mnemonic(&words).unwrap();
        assert!(again.ed25519() == keys.ed25519());
        assert_eq!(again.account_id(), keys.account_id());
    }
}
