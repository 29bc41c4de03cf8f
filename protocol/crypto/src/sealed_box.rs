//! Anonymous sealed boxes: libsodium's `crypto_box_seal` (docs/protocol/crypto.md section 5.2).
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 32 | E, an X25519 public key used once |
//! | 32 | 16 | Poly1305 tag |
//! | 48 | n | XSalsa20 ciphertext |
//!
//! Key: HSalsa20 of X25519(e, Y). Nonce: B2b-24(E ‖ Y), Y the recipient's key.

use poly1305::Poly1305;
use rand_core::CryptoRng;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use salsa20::{XSalsa20, hsalsa};
use session_types::X25519PublicKey;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::blake2b;
use crate::{CryptoError, X25519Secret};

/// How much longer the box is than what is in it.
pub const OVERHEAD: usize = 48;

const TAG: usize = 16;

/// Seals a message that only the owner of `recipient` can open. Says nothing about the sender.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the recipient's key is of small order.
pub fn seal(
    recipient: &X25519PublicKey,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    seal_with(&X25519Secret::generate(rng), recipient, &[plaintext])
}

/// Seals the parts, one after the other, with an ephemeral key that the caller will not use again.
pub(crate) fn seal_with(
    ephemeral: &X25519Secret,
    recipient: &X25519PublicKey,
    parts: &[&[u8]],
) -> Result<Vec<u8>, CryptoError> {
    let mut stream = keystream(ephemeral, recipient, ephemeral.public(), recipient)?;
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(OVERHEAD));
    out.extend_from_slice(ephemeral.public().as_bytes());
    out.extend_from_slice(&[0; TAG]);
    for part in parts {
        out.extend_from_slice(part);
    }
    let (head, body) = out.split_at_mut(OVERHEAD);
    let authenticator = authenticator(&mut stream);
    stream.apply_keystream(body);
    if let Some(tag) = head.last_chunk_mut::<TAG>() {
        *tag = authenticator.compute_unpadded(body).into();
    }
    Ok(out)
}

/// Opens a box that was sealed to `own`.
///
/// # Errors
/// [`CryptoError::Decryption`] when it was not, or was changed or cut.
pub fn open(own: &X25519Secret, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (ephemeral, rest) = sealed
        .split_first_chunk::<32>()
        .ok_or(CryptoError::Decryption)?;
    let (tag, ciphertext) = rest
        .split_first_chunk::<TAG>()
        .ok_or(CryptoError::Decryption)?;
    let ephemeral = X25519PublicKey::new(*ephemeral);
    let mut stream = keystream(own, &ephemeral, &ephemeral, own.public())
        .map_err(|_| CryptoError::Decryption)?;
    let computed: [u8; TAG] = authenticator(&mut stream)
        .compute_unpadded(ciphertext)
        .into();
    if !bool::from(computed.ct_eq(tag)) {
        return Err(CryptoError::Decryption);
    }
    let mut out = ciphertext.to_vec();
    stream.apply_keystream(&mut out);
    Ok(out)
}

/// The cipher for one box.
fn keystream(
    own: &X25519Secret,
    other: &X25519PublicKey,
    ephemeral: &X25519PublicKey,
    recipient: &X25519PublicKey,
) -> Result<XSalsa20, CryptoError> {
    let shared = own.diffie_hellman(other)?;
    let nonce = blake2b::<24>(&[ephemeral.as_bytes(), recipient.as_bytes()]);
    let mut key = hsalsa::<U10>(shared.as_bytes().into(), &[0; 16].into());
    let cipher = XSalsa20::new(&key, &nonce.into());
    key.as_mut_slice().zeroize();
    Ok(cipher)
}

/// Poly1305 keyed with the first 32 bytes of the stream; the message uses what follows.
fn authenticator(stream: &mut XSalsa20) -> Poly1305 {
    use poly1305::universal_hash::KeyInit;

    let mut key = Zeroizing::new([0u8; 32]);
    stream.apply_keystream(key.as_mut_slice());
    Poly1305::new((&*key).into())
}
