//! Signatures with an X25519 key (docs/protocol/crypto.md section 3).
//!
//! A signature is an ordinary Ed25519 one under the "positive" form of the key, the Ed25519 point
//! with sign bit 0. It differs from Signal's scheme in the hash of the nonce alone, so each
//! verifies the other's.
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 32 | R = rB, r = B2b-64(a ‖ message ‖ 64 random bytes; personalisation `xed25519signatur`) mod L |
//! | 32 | 32 | S = r + SHA-512(R ‖ A ‖ message)·a mod L, below L |

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::CryptoRng;
use session_types::{Signature, X25519PublicKey};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::hash::blake2b_personal;
use crate::{CryptoError, X25519Secret, verify as verify_ed25519, x25519_to_ed25519};

const PERSONAL: &[u8; 16] = b"xed25519signatur";

/// Signs a message.
#[must_use]
pub fn sign(secret: &X25519Secret, message: &[u8], rng: &mut dyn CryptoRng) -> Signature {
    let mut salt = Zeroizing::new([0; 64]);
    rng.fill_bytes(salt.as_mut_slice());

    let clamped = secret.clamped();
    let mut scalar = Zeroizing::new(Scalar::from_bytes_mod_order(*clamped));
    let mut public = EdwardsPoint::mul_base(&scalar).compress().to_bytes();
    let [.., last] = &mut public;
    let negative = *last & 0x80 != 0;
    *last &= 0x7f;
    // The bytes that are hashed are the clamped secret itself, unless its sign had to change.
    let mut hashed = clamped;
    if negative {
        *scalar = -*scalar;
        *hashed = scalar.to_bytes();
    }

    let nonce = Zeroizing::new(blake2b_personal::<64>(
        PERSONAL,
        &[hashed.as_slice(), message, salt.as_slice()],
    ));
    let r = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&nonce));
    let point = EdwardsPoint::mul_base(&r).compress();
    let challenge: [u8; 64] = Sha512::new()
        .chain_update(point.as_bytes())
        .chain_update(public)
        .chain_update(message)
        .finalize()
        .into();
    let s = *r + Scalar::from_bytes_mod_order_wide(&challenge) * *scalar;

    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(point.as_bytes());
    second.copy_from_slice(s.as_bytes());
    Signature::new(signature)
}

/// Checks a signature made with [`sign`].
///
/// # Errors
/// [`CryptoError::Signature`] or [`CryptoError::PublicKey`] when it was not made by this key over
/// this message.
pub fn verify(
    key: &X25519PublicKey,
    message: &[u8],
    signature: &Signature,
) -> Result<(), CryptoError> {
    verify_ed25519(&x25519_to_ed25519(key)?, message, signature)
}
