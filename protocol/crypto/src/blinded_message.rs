//! Messages through a community's inbox (docs/protocol/crypto.md section 9).
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 1 | version, 0 |
//! | 1 | n + 32 + 16 | XChaCha20-Poly1305 of M ‖ A: the padded content and the sender's Ed25519 key |
//! | n + 49 | 24 | nonce |
//!
//! Key: B2b-32(d ‖ sender's blinded key ‖ recipient's blinded key), where d is the point that both
//! compute from their own scalar and the other's blinded key. The key is the same for every message
//! between the two in this community. Nothing is signed: only the two could have made it.

use rand_core::CryptoRng;
use session_types::{AccountId, Ed25519PublicKey, X25519PublicKey};
use zeroize::Zeroizing;

use crate::aead::{NONCE, TAG, xchacha_open, xchacha_seal_in_place};
use crate::blinding::{id_15, id_25};
use crate::ed25519::prime_order_point;
use crate::hash::blake2b;
use crate::{
    BlindedId, BlindedKeys, Blinding, CryptoError, Ed25519Secret, Opened, ed25519_to_x25519,
};

/// How much longer the encrypted message is than the plaintext.
pub const OVERHEAD: usize = 1 + Ed25519PublicKey::LEN + TAG + NONCE;

const VERSION: u8 = 0;

/// Encrypts to a blinded id; the sender appears under the blinded id of the same form.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the recipient's id is no usable key.
pub fn encrypt(
    sender: &Ed25519Secret,
    recipient: &BlindedId,
    server: &X25519PublicKey,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    let own = BlindedKeys::new(recipient.blinding(), sender, server)?;
    let key = shared_key(sender, &own, recipient, own.id(), recipient)?;
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let mut out = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD));
    out.push(VERSION);
    out.extend_from_slice(plaintext);
    out.extend_from_slice(sender.public().as_bytes());
    xchacha_seal_in_place(&key, &nonce, &mut out, 1);
    out.extend_from_slice(&nonce);
    Ok(out)
}

/// Opens a message between two blinded ids, one of which is `own`'s: a received message, or one
/// sent earlier. The ids must be given exactly as the community delivers them.
///
/// # Errors
/// [`CryptoError::Decryption`] when it cannot be opened, or when the account that wrote it does not
/// have the blinded id of the sender.
pub fn decrypt(
    own: &Ed25519Secret,
    server: &X25519PublicKey,
    sender: &BlindedId,
    recipient: &BlindedId,
    ciphertext: &[u8],
) -> Result<Opened, CryptoError> {
    if ciphertext.len() < OVERHEAD || sender.blinding() != recipient.blinding() {
        return Err(CryptoError::Decryption);
    }
    let (version, rest) = ciphertext.split_first().ok_or(CryptoError::Decryption)?;
    if *version != VERSION {
        return Err(CryptoError::Decryption);
    }
    let (sealed, nonce) = rest
        .split_last_chunk::<NONCE>()
        .ok_or(CryptoError::Decryption)?;
    let keys = BlindedKeys::new(recipient.blinding(), own, server)?;
    let other = if keys.id() == sender {
        recipient
    } else {
        sender
    };
    let key = shared_key(own, &keys, other, sender, recipient)?;
    let mut plaintext = xchacha_open(&key, nonce, sealed)?;

    let sender_ed25519 = Ed25519PublicKey::new(
        *plaintext
            .last_chunk::<32>()
            .ok_or(CryptoError::Decryption)?,
    );
    plaintext.truncate(plaintext.len().saturating_sub(Ed25519PublicKey::LEN));
    let account = AccountId::from_x25519(ed25519_to_x25519(&sender_ed25519)?);
    let is_sender = match sender.blinding() {
        Blinding::V15 => {
            let id = id_15(&sender_ed25519, server)?;
            id == *sender || id.with_other_sign() == *sender
        }
        Blinding::V25 => id_25(&account, server)? == *sender,
    };
    if !is_sender {
        return Err(CryptoError::Decryption);
    }
    Ok(Opened {
        plaintext,
        sender: account,
        sender_ed25519,
    })
}

/// The key of one pair in one direction.
fn shared_key(
    own: &Ed25519Secret,
    blinded: &BlindedKeys,
    other: &BlindedId,
    sender: &BlindedId,
    recipient: &BlindedId,
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let point = prime_order_point(other.key().as_bytes())?;
    // With 15 the other's key already holds the common factor; with 25 each has its own.
    let scalar = match blinded.id().blinding() {
        Blinding::V15 => own.scalar(),
        Blinding::V25 => blinded.scalar(),
    };
    let shared = Zeroizing::new((point * scalar).compress().to_bytes());
    Ok(Zeroizing::new(blake2b(&[
        shared.as_slice(),
        sender.key().as_bytes(),
        recipient.key().as_bytes(),
    ])))
}
