//! The name service: from a name to an account (docs/protocol/crypto.md section 16,
//! docs/protocol/names.md sections 1 to 3).
//!
//! | | since hard fork 16 | before |
//! |---|---|---|
//! | lookup key | h = B2b-32(name) | the same |
//! | key | B2b-32(name; key h) | Argon2id of the name, 256 MiB |
//! | value | XChaCha20-Poly1305 of the 33-byte account id, nonce beside it | XSalsa20-Poly1305, tag first, nonce of zeros |
//!
//! What is stored:
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 49 | the value |
//! | 49 | 24 | its nonce, in values since hard fork 16 |
//!
//! A node that is asked learns the hash of the name, which a dictionary turns back.

use core::fmt;
use core::str::FromStr;

use poly1305::Poly1305;
use rand_core::CryptoRng;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use session_types::{AccountId, ParseError, SwarmPubkey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::aead::{NONCE, TAG, xchacha_open, xchacha_seal};
use crate::hash::{blake2b, blake2b_keyed};

/// Length of an encrypted account id without nonce.
pub const VALUE_LEN: usize = 33 + TAG;

const MAX_LEN: usize = 64;
const ARGON2_PASSES: u32 = 3;
const ARGON2_KIB: u32 = 256 * 1024;

/// A name as it is registered: 1 to 64 of `a`–`z`, `0`–`9`, `_` and, inside, `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName(String);

impl SessionName {
    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the name is looked up by.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        blake2b(&[self.0.as_bytes()])
    }

    /// Decrypts the value registered for this name.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when it is another name's or was changed.
    pub fn decrypt(&self, value: &[u8], nonce: &[u8]) -> Result<AccountId, CryptoError> {
        let nonce = nonce.try_into().map_err(|_| CryptoError::Decryption)?;
        account(&xchacha_open(&self.key(), nonce, value)?)
    }

    /// Decrypts a value of before hard fork 16, which has no nonce. Takes 256 MiB of memory and
    /// about a second: only on request and never where other work waits.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when it is another name's or was changed, or when there is not
    /// enough memory.
    pub fn decrypt_old(&self, value: &[u8]) -> Result<AccountId, CryptoError> {
        if value.len() != VALUE_LEN {
            return Err(CryptoError::Decryption);
        }
        let (tag, ciphertext) = value
            .split_first_chunk::<TAG>()
            .ok_or(CryptoError::Decryption)?;
        let key = self.old_key().map_err(|_| CryptoError::Decryption)?;
        let mut stream = XSalsa20::new((&*key).into(), &[0; NONCE].into());
        let mut mac_key = Zeroizing::new([0; 32]);
        stream.apply_keystream(mac_key.as_mut_slice());
        let mac = <Poly1305 as poly1305::universal_hash::KeyInit>::new((&*mac_key).into());
        let computed: [u8; TAG] = mac.compute_unpadded(ciphertext).into();
        if !bool::from(computed.ct_eq(tag)) {
            return Err(CryptoError::Decryption);
        }
        let mut plaintext = ciphertext.to_vec();
        stream.apply_keystream(&mut plaintext);
        account(&plaintext)
    }

    /// Encrypts an account for this name; the nonce is stored beside the value.
    #[must_use]
    pub fn encrypt(&self, account: &AccountId, rng: &mut dyn CryptoRng) -> (Vec<u8>, [u8; NONCE]) {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        (
            xchacha_seal(&self.key(), &nonce, &account.to_bytes()),
            nonce,
        )
    }

    fn key(&self) -> [u8; 32] {
        blake2b_keyed(&self.hash(), &[self.0.as_bytes()])
    }

    fn old_key(&self) -> Result<Zeroizing<[u8; 32]>, argon2::Error> {
        let params = argon2::Params::new(ARGON2_KIB, ARGON2_PASSES, 1, Some(32))?;
        let argon2 =
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut key = Zeroizing::new([0; 32]);
        argon2.hash_password_into(self.0.as_bytes(), &[0; 16], key.as_mut_slice())?;
        Ok(key)
    }
}

impl FromStr for SessionName {
    type Err = ParseError;

    /// Upper case letters become lower case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(ParseError::Length {
                expected: MAX_LEN,
                found: text.chars().count(),
                unit: "characters",
            });
        }
        let name = text.to_ascii_lowercase();
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
        };
        if !name.bytes().all(allowed) || name.starts_with('-') || name.ends_with('-') {
            return Err(ParseError::Alphabet("name"));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn account(plaintext: &[u8]) -> Result<AccountId, CryptoError> {
    let owner = SwarmPubkey::try_from(plaintext).map_err(|_| CryptoError::Decryption)?;
    AccountId::try_from(owner).map_err(|_| CryptoError::Decryption)
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXLOWER};

    use super::*;

    /// docs/protocol/names.md section 3.
    #[test]
    fn names_of_the_specification() {
        let table = [
            (
                "Hloth",
                "PPvTuOgAeDo9pgFrQ/SshUdhDAcVW98B2Qc3S8f4xgU=",
                "71772d0deba03d42d84f5e7fe3e619eab6adf1809a03be32e9a546378647346069180213b360bd19\
                 e4931985770ba51c54bfa1d8c53a92357c0c170af90a743dc2b4960eff150ea407",
                "057aeb66e45660c3bdfb7c62706f6440226af43ec13f3b6f899c1dd4db1b8fce5b",
            ),
            (
                "keejef",
                "mNpp69gJKd4runEa2LZ5MyWUpw1LjMlP8xtMbLDBVuc=",
                "c71773a775682adc79ccdbe863a43685c007bdda195f3a33d3e188d756e9e90d7fd2bc12512bbb47\
                 f2e51018cec2b6a2b7f7fb09af1c7931c0d188f1df6ea77f373a094a139e2a94b9",
                "05d871fc80ca007eed9b2f4df72853e2a2d5465a92fcb1889fb5c84aa2833b3b40",
            ),
            (
                "sissi",
                "fLVBiIabN/ke3g7Yjqo/JZ438TeEZjQU6oMIOA97SXU=",
                "be3445a80763dd0e63a4d8a524c8f3a1bbedf8921947b2987b7e7173e7d920c649d6d7c239196759\
                 8c65d3f2e81b760787",
                "05bf7d78abf034661c691523b009ea2a281ee9c2093009808e098399e49fa1c54f",
            ),
        ];
        for (name, hash, value, id) in table {
            let name: SessionName = name.parse().unwrap();
            assert_eq!(BASE64.encode(&name.hash()), hash);
            let value = HEXLOWER.decode(value.as_bytes()).unwrap();
            let account = match value.split_at_checked(VALUE_LEN) {
                Some((value, nonce)) if !nonce.is_empty() => name.decrypt(value, nonce),
                _ => name.decrypt_old(&value),
            };
            assert_eq!(account.unwrap().to_hex(), id);
        }
    }

    #[test]
    fn which_names_there_can_be() {
        for good in ["a", "_", "0-_z", "A-b", &"x".repeat(64)] {
            assert!(good.parse::<SessionName>().is_ok(), "{good}");
        }
        for bad in ["", "-", "-a", "a-", "a b", "a.b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<SessionName>().is_err(), "{bad}");
        }
    }
}
