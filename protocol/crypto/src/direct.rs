//! Messages from one account to another, protocol version 1 (docs/protocol/crypto.md section 5).
//!
//! What is sealed to the recipient Y by the sender with Ed25519 key A:
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | n | M, the message (padded content) |
//! | n | 32 | A |
//! | n + 32 | 64 | signature by A over M ‖ A ‖ Y |
//!
//! The sender's identity is what A converts to and nothing else: a receiver must compare it with
//! any sender claimed elsewhere. Y in the signed bytes keeps a recipient from passing the message
//! on as if it had been written to a third person.

use rand_core::CryptoRng;
use session_types::{AccountId, Ed25519PublicKey, Signature, X25519PublicKey};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::hash::blake2b_keyed;
use crate::{
    CryptoError, Ed25519Secret, Opened, X25519Secret, ed25519_to_x25519, sealed_box, verify,
};

/// How much longer a sealed message is than its plaintext.
pub const OVERHEAD: usize = sealed_box::OVERHEAD + SIGNED_OVERHEAD;

const SIGNED_OVERHEAD: usize = 32 + 64;

const EPHEMERAL_KEY: &[u8] = b"SessionBoxEphemeralHashKey";

/// Signs and seals a message.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the recipient's key is of small order.
pub fn encrypt(
    sender: &Ed25519Secret,
    recipient: &X25519PublicKey,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    seal_signed(&X25519Secret::generate(rng), sender, recipient, plaintext)
}

/// The same with an ephemeral key that follows from sender, recipient and message: equal messages
/// give equal bytes. For configs only, where that is wanted.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the recipient's key is of small order.
pub fn encrypt_deterministic(
    sender: &Ed25519Secret,
    recipient: &X25519PublicKey,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let seed = Zeroizing::new(blake2b_keyed::<32>(
        EPHEMERAL_KEY,
        &[sender.seed(), recipient.as_bytes(), plaintext],
    ));
    let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed.as_slice())));
    let mut secret = Zeroizing::new([0; 32]);
    if let Some(half) = hash.first_chunk::<32>() {
        *secret = *half;
    }
    seal_signed(
        &X25519Secret::from_bytes(*secret),
        sender,
        recipient,
        plaintext,
    )
}

/// The message with the sender's key and signature behind it, before it is sealed.
#[must_use]
pub fn sign_for_recipient(
    sender: &Ed25519Secret,
    recipient: &X25519PublicKey,
    plaintext: &[u8],
) -> Vec<u8> {
    let capacity = plaintext.len().saturating_add(SIGNED_OVERHEAD);
    let mut signed = Vec::with_capacity(capacity);
    signed.extend_from_slice(plaintext);
    signed.extend_from_slice(sender.public().as_bytes());
    let kept = signed.len();
    signed.extend_from_slice(recipient.as_bytes());
    let signature = sender.sign(&signed);
    signed.truncate(kept);
    signed.extend_from_slice(signature.as_bytes());
    signed
}

/// Opens a sealed message and checks its signature.
///
/// # Errors
/// [`CryptoError::Decryption`] when it is not sealed to `own` or was changed,
/// [`CryptoError::Signature`] and [`CryptoError::PublicKey`] when it is not rightly signed.
pub fn decrypt(own: &X25519Secret, ciphertext: &[u8]) -> Result<Opened, CryptoError> {
    if ciphertext.len() < OVERHEAD {
        return Err(CryptoError::Decryption);
    }
    let mut signed = sealed_box::open(own, ciphertext)?;
    let signature = *signed.last_chunk::<64>().ok_or(CryptoError::Decryption)?;
    signed.truncate(signed.len().saturating_sub(signature.len()));
    let sender_ed25519 =
        Ed25519PublicKey::new(*signed.last_chunk::<32>().ok_or(CryptoError::Decryption)?);
    let plaintext_length = signed.len().saturating_sub(Ed25519PublicKey::LEN);
    signed.extend_from_slice(own.public().as_bytes());
    verify(&sender_ed25519, &signed, &Signature::new(signature))?;
    let sender = AccountId::from_x25519(ed25519_to_x25519(&sender_ed25519)?);
    signed.truncate(plaintext_length);
    Ok(Opened {
        plaintext: signed,
        sender,
        sender_ed25519,
    })
}

fn seal_signed(
    ephemeral: &X25519Secret,
    sender: &Ed25519Secret,
    recipient: &X25519PublicKey,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let signed = Zeroizing::new(sign_for_recipient(sender, recipient, plaintext));
    sealed_box::seal_with(ephemeral, recipient, &[&signed])
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::AccountKeys;

    /// docs/protocol/crypto.md section 5.3.
    #[test]
    fn deterministic_message_of_the_specification() {
        let seed = |text: &str| {
            HEXLOWER
                .decode(text.as_bytes())
                .unwrap()
                .try_into()
                .unwrap()
        };
        let alice = AccountKeys::from_seed16(seed("0123456789abcdef0123456789abcdef"));
        let bob = AccountKeys::from_seed16(seed("00112233445566778899aabbccddeeff"));
        let to = *bob.account_id().x25519();
        let sealed = encrypt_deterministic(alice.ed25519(), &to, b"hello").unwrap();
        assert_eq!(sealed.len(), 149);
        assert_eq!(
            HEXLOWER.encode(&sealed[..32]),
            "208f96785db92319bc7a14afecc01e17bde912d17bbb32834c03ea63b1862c2a"
        );
        let opened = decrypt(bob.x25519(), &sealed).unwrap();
        assert_eq!(opened.plaintext, b"hello");
    }
}
