//! Compression, padding and encryption of configs (docs/protocol/config.md section 6).
//!
//! Encryption is deterministic: devices that arrive at the same config push the same bytes, which
//! the swarm stores once.
//!
//! | Step | Value |
//! |---|---|
//! | key | B2b-32(base key ‖ length of the message, 8 bytes big-endian ‖ domain) |
//! | nonce | B2b-24(message; key = `libsessionutil-config-encrypted-` ‖ domain) |
//! | result | XChaCha20-Poly1305(key, nonce, message) ‖ nonce |

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use session_crypto::CryptoError;
use session_crypto::hash::{blake2b, blake2b_keyed};
use zeroize::Zeroizing;

/// How much longer an encrypted message is: tag and nonce.
pub const OVERHEAD: usize = TAG + NONCE;

const TAG: usize = 16;
const NONCE: usize = 24;

/// Longest domain.
const MAX_DOMAIN: usize = 24;

const NONCE_KEY: &[u8] = b"libsessionutil-config-encrypted-";

/// Encrypts a message. Equal messages give equal bytes.
///
/// # Errors
/// [`CryptoError::Length`] when the domain is empty or longer than 24 bytes.
pub fn encrypt(message: &[u8], base_key: &[u8; 32], domain: &str) -> Result<Vec<u8>, CryptoError> {
    let mut buffer = Vec::with_capacity(message.len().saturating_add(OVERHEAD));
    buffer.extend_from_slice(message);
    encrypt_in_place(buffer, base_key, domain)
}

/// [`encrypt`] without a copy.
pub(crate) fn encrypt_in_place(
    mut buffer: Vec<u8>,
    base_key: &[u8; 32],
    domain: &str,
) -> Result<Vec<u8>, CryptoError> {
    let key = key(buffer.len(), base_key, domain)?;
    let nonce_key = [NONCE_KEY, domain.as_bytes()].concat();
    let nonce = blake2b_keyed::<NONCE>(&nonce_key, &[&buffer]);
    let tag = XChaCha20Poly1305::new((&*key).into())
        .encrypt_inout_detached((&nonce).into(), &[], buffer.as_mut_slice().into())
        .map_err(|_| CryptoError::Length)?;
    buffer.extend_from_slice(&tag);
    buffer.extend_from_slice(&nonce);
    Ok(buffer)
}

/// Decrypts a message.
///
/// # Errors
/// [`CryptoError::Decryption`] when it was changed or encrypted with another key or domain,
/// [`CryptoError::Length`] when the domain is empty or longer than 24 bytes.
pub fn decrypt(sealed: &[u8], base_key: &[u8; 32], domain: &str) -> Result<Vec<u8>, CryptoError> {
    let (rest, nonce) = sealed
        .split_last_chunk::<NONCE>()
        .ok_or(CryptoError::Decryption)?;
    let (ciphertext, tag) = rest
        .split_last_chunk::<TAG>()
        .ok_or(CryptoError::Decryption)?;
    let key = key(ciphertext.len(), base_key, domain)?;
    let mut message = ciphertext.to_vec();
    XChaCha20Poly1305::new((&*key).into())
        .decrypt_inout_detached(nonce.into(), &[], message.as_mut_slice().into(), tag.into())
        .map_err(|_| CryptoError::Decryption)?;
    Ok(message)
}

/// What a message of this size is padded to, so that with [`OVERHEAD`] it fills a bucket.
#[must_use]
pub fn padded_size(size: usize) -> usize {
    let with_overhead = size.saturating_add(OVERHEAD);
    let bucket = match with_overhead {
        0..5_120 => 256,
        5_120..20_480 => 1_024,
        20_480..40_960 => 2_048,
        _ => 5_120,
    };
    with_overhead
        .div_ceil(bucket)
        .saturating_mul(bucket)
        .saturating_sub(OVERHEAD)
}

/// Zeros in front of the message, up to [`padded_size`].
pub(crate) fn pad(message: &[u8]) -> Vec<u8> {
    let size = padded_size(message.len());
    let mut out = Vec::with_capacity(size.saturating_add(OVERHEAD));
    out.resize(size.saturating_sub(message.len()), 0);
    out.extend_from_slice(message);
    out
}

/// The message without zeros in front.
pub(crate) fn unpad(padded: &[u8]) -> &[u8] {
    let zeros = padded.iter().take_while(|byte| **byte == 0).count();
    padded.get(zeros..).unwrap_or_default()
}

/// XChaCha20-Poly1305 for the small messages with group keys: ciphertext and tag.
pub(crate) fn seal_with(key: &[u8; 32], nonce: &[u8; NONCE], message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len().saturating_add(TAG));
    out.extend_from_slice(message);
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(
        nonce.into(),
        &[],
        out.as_mut_slice().into(),
    );
    // Fails for messages of more than 256 GiB only.
    if let Ok(tag) = sealed {
        out.extend_from_slice(&tag);
    }
    out
}

/// Opens ciphertext and tag.
pub(crate) fn open_with(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>()?;
    let mut message = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(nonce.into(), &[], message.as_mut_slice().into(), tag.into())
        .ok()?;
    Some(message)
}

fn key(
    length: usize,
    base_key: &[u8; 32],
    domain: &str,
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    if domain.is_empty() || domain.len() > MAX_DOMAIN {
        return Err(CryptoError::Length);
    }
    let length = u64::try_from(length).map_err(|_| CryptoError::Length)?;
    Ok(Zeroizing::new(blake2b(&[
        base_key,
        &length.to_be_bytes(),
        domain.as_bytes(),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_fills_the_size_and_goes_away_again() {
        for size in (0..2_000).chain([5_000, 5_119, 20_500, 76_000, 100_000]) {
            let message = vec![1; size];
            let padded = pad(&message);
            assert_eq!(padded.len(), padded_size(size));
            assert_eq!(unpad(&padded), message);
        }
    }
}
