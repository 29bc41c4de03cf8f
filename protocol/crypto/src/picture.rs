//! Profile and group pictures in their older form (docs/protocol/crypto.md section 14). The newer
//! form is that of [`crate::attachment`] with the picture domain; a `d` in the URL's fragment tells
//! them apart.
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 12 | nonce |
//! | 12 | n | AES-256-GCM ciphertext |
//! | n + 12 | 16 | tag |

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::CryptoError;

const NONCE: usize = 12;
const TAG: usize = 16;

/// An encrypted picture and the key that the profile carries beside its URL.
pub struct SealedPicture {
    /// What is uploaded.
    pub blob: Vec<u8>,
    /// The key.
    pub key: Zeroizing<[u8; 32]>,
}

impl core::fmt::Debug for SealedPicture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SealedPicture")
            .field("len", &self.blob.len())
            .finish_non_exhaustive()
    }
}

/// Encrypts a picture with a new key.
///
/// # Errors
/// [`CryptoError::Length`] beyond 64 GiB.
pub fn encrypt(picture: &[u8], rng: &mut dyn CryptoRng) -> Result<SealedPicture, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(key.as_mut_slice());
    let blob = encrypt_with(&key, picture, rng)?;
    Ok(SealedPicture { blob, key })
}

/// Encrypts a picture with a key that is already known to those who will see it.
///
/// # Errors
/// [`CryptoError::Length`] beyond 64 GiB.
pub fn encrypt_with(
    key: &[u8; 32],
    picture: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let mut out = Vec::with_capacity(picture.len().saturating_add(NONCE + TAG));
    out.extend_from_slice(&nonce);
    out.extend_from_slice(picture);
    let body = out.get_mut(NONCE..).unwrap_or_default();
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached((&nonce).into(), &[], body.into())
        .map_err(|_| CryptoError::Length)?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Decrypts a picture.
///
/// # Errors
/// [`CryptoError::Decryption`] when it was not made with this key, or was changed or cut.
pub fn decrypt(key: &[u8; 32], blob: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (nonce, rest) = blob
        .split_first_chunk::<NONCE>()
        .ok_or(CryptoError::Decryption)?;
    let (body, tag) = rest
        .split_last_chunk::<TAG>()
        .ok_or(CryptoError::Decryption)?;
    let mut out = body.to_vec();
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(nonce.into(), &[], out.as_mut_slice().into(), tag.into())
        .map_err(|_| CryptoError::Decryption)?;
    Ok(out)
}
