//! The encryption of one layer of an onion request (docs/protocol/crypto.md section 12,
//! docs/protocol/node.md section 7.3).
//!
//! With S = X25519(ephemeral key, node key):
//!
//! | Name | Key | Layout | Longer by |
//! |---|---|---|---|
//! | `xchacha20` | B2b-32(S ‖ ephemeral key ‖ node key) | nonce 24, ciphertext, tag 16 | 40 |
//! | `aes-gcm` | HMAC-SHA256(key `LOKI`, S) | nonce 12, ciphertext, tag 16 | 28 |
//! | `aes-cbc` | S | IV 16, ciphertext padded as in PKCS #7 | 17 to 32 |
//!
//! The same key serves the request and, with a fresh nonce, its answer.

use core::fmt;

use aes::Aes256;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use session_types::X25519PublicKey;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::aead::{NONCE, xchacha_open, xchacha_seal_in_place};
use crate::hash::blake2b;
use crate::{CryptoError, SharedSecret, X25519Secret};

const GCM_NONCE: usize = 12;
const GCM_TAG: usize = 16;
const CBC_IV: usize = 16;

/// How a layer is encrypted: the `enc_type` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnionCipher {
    /// AES-256-CBC without any check of integrity. Nodes still accept it; nobody should send it.
    AesCbc,
    /// AES-256-GCM: what a request without `enc_type` means.
    #[default]
    AesGcm,
    /// XChaCha20-Poly1305.
    XChaCha20,
}

impl OnionCipher {
    /// The name to send.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCbc => "aes-cbc",
            Self::AesGcm => "aes-gcm",
            Self::XChaCha20 => "xchacha20",
        }
    }

    /// The cipher with this name, in exactly this spelling.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "aes-cbc" | "cbc" => Some(Self::AesCbc),
            "aes-gcm" | "gcm" => Some(Self::AesGcm),
            "xchacha20" | "xchacha20-poly1305" => Some(Self::XChaCha20),
            _ => None,
        }
    }
}

impl fmt::Display for OnionCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The key of one layer, the same on both sides.
pub struct HopKey {
    cipher: OnionCipher,
    key: Zeroizing<[u8; 32]>,
}

impl HopKey {
    /// The key on the side of the client, which made the ephemeral key.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] when the node's key is of small order.
    pub fn client(
        cipher: OnionCipher,
        ephemeral: &X25519Secret,
        node: &X25519PublicKey,
    ) -> Result<Self, CryptoError> {
        let shared = ephemeral.diffie_hellman(node)?;
        Ok(Self::derive(cipher, &shared, ephemeral.public(), node))
    }

    /// The key on the side of the node or server.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] when the ephemeral key is of small order.
    pub fn server(
        cipher: OnionCipher,
        node: &X25519Secret,
        ephemeral: &X25519PublicKey,
    ) -> Result<Self, CryptoError> {
        let shared = node.diffie_hellman(ephemeral)?;
        Ok(Self::derive(cipher, &shared, ephemeral, node.public()))
    }

    fn derive(
        cipher: OnionCipher,
        shared: &SharedSecret,
        ephemeral: &X25519PublicKey,
        node: &X25519PublicKey,
    ) -> Self {
        let shared = shared.as_bytes();
        let key = Zeroizing::new(match cipher {
            OnionCipher::AesCbc => *shared,
            OnionCipher::AesGcm => loki_hmac(shared),
            OnionCipher::XChaCha20 => blake2b(&[shared, ephemeral.as_bytes(), node.as_bytes()]),
        });
        Self { cipher, key }
    }

    /// The cipher this key is for.
    #[must_use]
    pub fn cipher(&self) -> OnionCipher {
        self.cipher
    }

    /// Encrypts with a fresh nonce, which stands in front.
    pub fn encrypt(&self, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        match self.cipher {
            OnionCipher::AesCbc => {
                let mut iv = [0; CBC_IV];
                rng.fill_bytes(&mut iv);
                let mut out = iv.to_vec();
                out.extend(
                    cbc::Encryptor::<Aes256>::new((&*self.key).into(), (&iv).into())
                        .encrypt_padded_vec::<Pkcs7>(plaintext),
                );
                out
            }
            OnionCipher::AesGcm => {
                let mut nonce = [0; GCM_NONCE];
                rng.fill_bytes(&mut nonce);
                let mut out = behind_nonce(&nonce, plaintext, GCM_TAG);
                let message = out.get_mut(GCM_NONCE..).unwrap_or_default();
                #[allow(
                    clippy::expect_used,
                    reason = "the limit of 64 GiB is beyond any layer"
                )]
                let tag = Aes256Gcm::new((&*self.key).into())
                    .encrypt_inout_detached((&nonce).into(), &[], message.into())
                    .expect("a message in memory is below the cipher's limit");
                out.extend_from_slice(&tag);
                out
            }
            OnionCipher::XChaCha20 => {
                let mut nonce = [0; NONCE];
                rng.fill_bytes(&mut nonce);
                let mut out = behind_nonce(&nonce, plaintext, GCM_TAG);
                xchacha_seal_in_place(&self.key, &nonce, &mut out, NONCE);
                out
            }
        }
    }

    /// Decrypts what [`Self::encrypt`] made on the other side.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when it was not made with this key, or was changed or cut.
    pub fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self.cipher {
            OnionCipher::AesCbc => {
                let (iv, body) = ciphertext
                    .split_first_chunk::<CBC_IV>()
                    .ok_or(CryptoError::Decryption)?;
                cbc::Decryptor::<Aes256>::new((&*self.key).into(), iv.into())
                    .decrypt_padded_vec::<Pkcs7>(body)
                    .map_err(|_| CryptoError::Decryption)
            }
            OnionCipher::AesGcm => {
                let (nonce, rest) = ciphertext
                    .split_first_chunk::<GCM_NONCE>()
                    .ok_or(CryptoError::Decryption)?;
                let (body, tag) = rest
                    .split_last_chunk::<GCM_TAG>()
                    .ok_or(CryptoError::Decryption)?;
                let mut out = body.to_vec();
                Aes256Gcm::new((&*self.key).into())
                    .decrypt_inout_detached(
                        nonce.into(),
                        &[],
                        out.as_mut_slice().into(),
                        tag.into(),
                    )
                    .map_err(|_| CryptoError::Decryption)?;
                Ok(out)
            }
            OnionCipher::XChaCha20 => {
                let (nonce, rest) = ciphertext
                    .split_first_chunk::<NONCE>()
                    .ok_or(CryptoError::Decryption)?;
                xchacha_open(&self.key, nonce, rest)
            }
        }
    }
}

impl fmt::Debug for HopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopKey")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

fn behind_nonce(nonce: &[u8], plaintext: &[u8], spare: usize) -> Vec<u8> {
    let capacity = nonce
        .len()
        .saturating_add(plaintext.len())
        .saturating_add(spare);
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(nonce);
    out.extend_from_slice(plaintext);
    out
}

fn loki_hmac(shared: &[u8; 32]) -> [u8; 32] {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(b"LOKI").expect("a key of four bytes is allowed");
    mac.update(shared);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn counting(first: u8) -> X25519Secret {
        X25519Secret::from_bytes(core::array::from_fn(|i| first + u8::try_from(i).unwrap()))
    }

    /// docs/protocol/crypto.md section 12 and docs/protocol/node.md section 7.9: the same two key
    /// pairs in opposite roles, which only the xchacha20 key distinguishes.
    #[test]
    fn keys_of_the_specification() {
        let (low, high) = (counting(1), counting(33));
        let gcm = "c4f8325c3f3dad3769fa6dcd44dcd451758750cacbe95a57676cdb374631b4ec";
        let low_first = "b222729cc76b361b0a9f0bf1323d6c2d0602933d6c8ab980146492df70a75d71";
        let high_first = "c6890bb5ecfc5817e3951b3bf376b491520284507ffdc44a51d381758a625511";
        let table = [
            (&low, &high, OnionCipher::AesGcm, gcm),
            (&high, &low, OnionCipher::AesGcm, gcm),
            (&low, &high, OnionCipher::XChaCha20, low_first),
            (&high, &low, OnionCipher::XChaCha20, high_first),
        ];
        for (client, node, cipher, key) in table {
            let sent = HopKey::client(cipher, client, node.public()).unwrap();
            let received = HopKey::server(cipher, node, client.public()).unwrap();
            assert_eq!(HEXLOWER.encode(sent.key.as_slice()), key);
            assert_eq!(HEXLOWER.encode(received.key.as_slice()), key);
        }
    }
}
