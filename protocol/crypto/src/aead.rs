//! XChaCha20-Poly1305 with nothing but a nonce beside the message.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

use crate::CryptoError;

pub(crate) const NONCE: usize = 24;
pub(crate) const TAG: usize = 16;

/// Encrypts `buffer[start..]` in place and appends the tag.
pub(crate) fn xchacha_seal_in_place(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    buffer: &mut Vec<u8>,
    start: usize,
) {
    let cipher = XChaCha20Poly1305::new(key.into());
    let message = buffer.get_mut(start..).unwrap_or_default();
    #[allow(
        clippy::expect_used,
        reason = "the limit of 256 GiB is beyond what memory holds"
    )]
    let tag = cipher
        .encrypt_inout_detached(nonce.into(), &[], message.into())
        .expect("a message in memory is below the cipher's limit");
    buffer.extend_from_slice(&tag);
}

/// Ciphertext and tag.
pub(crate) fn xchacha_seal(key: &[u8; 32], nonce: &[u8; NONCE], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(TAG));
    out.extend_from_slice(plaintext);
    xchacha_seal_in_place(key, nonce, &mut out, 0);
    out
}

/// Opens ciphertext and tag.
pub(crate) fn xchacha_open(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    sealed: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (ciphertext, tag) = sealed
        .split_last_chunk::<TAG>()
        .ok_or(CryptoError::Decryption)?;
    let mut out = ciphertext.to_vec();
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(nonce.into(), &[], out.as_mut_slice().into(), tag.into())
        .map_err(|_| CryptoError::Decryption)?;
    Ok(out)
}
