//! One message, or several, for a number of X25519 keys (docs/protocol/crypto.md section 11).
//!
//! Key for recipient B of sender A: B2b-32(X25519(a, B) ‖ A ‖ B; key = domain). All copies share one
//! nonce, which must never be used again with the same pair and domain. Nothing is signed: whoever
//! opens a copy must know from elsewhere who A is.
//!
//! The container is a bt-dict:
//!
//! | Key | Value |
//! |---|---|
//! | `#` | nonce, 24 bytes |
//! | `e` | list of XChaCha20-Poly1305 ciphertexts, in the order of the recipients, then random ones |

use rand_core::CryptoRng;
use session_encoding::bt::{DictReader, DictWriter, ListWriter};
use session_types::X25519PublicKey;
use zeroize::Zeroizing;

use crate::aead::{NONCE, xchacha_open, xchacha_seal};
use crate::hash::blake2b_keyed;
use crate::{CryptoError, SharedSecret, X25519Secret};

/// The copy for one recipient.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the recipient's key is of small order.
pub fn encrypt_for(
    sender: &X25519Secret,
    recipient: &X25519PublicKey,
    nonce: &[u8; NONCE],
    domain: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let shared = sender.diffie_hellman(recipient)?;
    let key = key(&shared, sender.public(), recipient, domain);
    Ok(xchacha_seal(&key, nonce, message))
}

/// Opens one copy.
///
/// # Errors
/// [`CryptoError::Decryption`] when it is not for `own`, not from `sender`, or was changed.
pub fn decrypt_from(
    own: &X25519Secret,
    sender: &X25519PublicKey,
    nonce: &[u8; NONCE],
    domain: &[u8],
    ciphertext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let key = receiving_key(own, sender, domain)?;
    xchacha_open(&key, nonce, ciphertext)
}

/// The copies for all recipients: the same message for each, or one message per recipient.
///
/// # Errors
/// [`CryptoError::Length`] for another number of messages, [`CryptoError::PublicKey`] when a
/// recipient's key is of small order.
pub fn encrypt_all(
    sender: &X25519Secret,
    recipients: &[X25519PublicKey],
    nonce: &[u8; NONCE],
    domain: &[u8],
    messages: &[&[u8]],
) -> Result<Vec<Vec<u8>>, CryptoError> {
    if messages.is_empty() || (messages.len() != 1 && messages.len() != recipients.len()) {
        return Err(CryptoError::Length);
    }
    recipients
        .iter()
        .zip(messages.iter().cycle())
        .map(|(recipient, message)| encrypt_for(sender, recipient, nonce, domain, message))
        .collect()
}

/// The copies for all recipients in one container. With `pad` above 1, random entries are added
/// until their number is a multiple of it; they have the length of the first message, without a
/// tag, as the reference library makes them, so that they can be told from real ones by length.
///
/// # Errors
/// As [`encrypt_all`].
pub fn encrypt_container(
    sender: &X25519Secret,
    recipients: &[X25519PublicKey],
    nonce: Option<&[u8; NONCE]>,
    domain: &[u8],
    messages: &[&[u8]],
    pad: usize,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    let nonce = nonce.copied().unwrap_or_else(|| {
        let mut fresh = [0; NONCE];
        rng.fill_bytes(&mut fresh);
        fresh
    });
    let copies = encrypt_all(sender, recipients, &nonce, domain, messages)?;
    let mut list = ListWriter::new();
    for copy in &copies {
        list.bytes(copy);
    }
    let wanted = if pad > 1 {
        copies.len().next_multiple_of(pad)
    } else {
        copies.len()
    };
    let mut junk = vec![0; messages.first().map_or(0, |message| message.len())];
    for _ in copies.len()..wanted {
        rng.fill_bytes(&mut junk);
        list.bytes(&junk);
    }
    let mut dict = DictWriter::new();
    dict.bytes("#", nonce)
        .and_then(|dict| dict.list("e", &list))
        .map_err(|_| CryptoError::Length)?;
    Ok(dict.finish())
}

/// Opens the first copy in a container that is for `own`. What follows that copy is not looked at.
///
/// # Errors
/// [`CryptoError::Decryption`] when there is none from this sender.
pub fn decrypt_container(
    own: &X25519Secret,
    sender: &X25519PublicKey,
    domain: &[u8],
    container: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let key = receiving_key(own, sender, domain)?;
    let mut reader = DictReader::new(container).map_err(|_| CryptoError::Decryption)?;
    let nonce = reader
        .require_array::<NONCE>("#")
        .map_err(|_| CryptoError::Decryption)?;
    let mut entries = reader
        .require_open_list("e")
        .map_err(|_| CryptoError::Decryption)?;
    while !entries.at_end() {
        let entry = entries.bytes().map_err(|_| CryptoError::Decryption)?;
        if let Ok(message) = xchacha_open(&key, nonce, entry) {
            return Ok(message);
        }
    }
    Err(CryptoError::Decryption)
}

fn receiving_key(
    own: &X25519Secret,
    sender: &X25519PublicKey,
    domain: &[u8],
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let shared = own
        .diffie_hellman(sender)
        .map_err(|_| CryptoError::Decryption)?;
    Ok(key(&shared, sender, own.public(), domain))
}

fn key(
    shared: &SharedSecret,
    sender: &X25519PublicKey,
    recipient: &X25519PublicKey,
    domain: &[u8],
) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(blake2b_keyed(
        domain,
        &[shared.as_bytes(), sender.as_bytes(), recipient.as_bytes()],
    ))
}
