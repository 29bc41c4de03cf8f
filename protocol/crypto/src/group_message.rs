//! Messages in groups (docs/protocol/crypto.md section 7).
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 24 | nonce |
//! | 24 | n + 16 | XChaCha20-Poly1305, with the group's key, of a bt-dict and zeros behind it |
//!
//! The dict:
//!
//! | Key | Value |
//! |---|---|
//! | empty | 1, the version |
//! | `a` | author's Ed25519 key, 32 bytes |
//! | `d` | message (an unencrypted envelope), or |
//! | `z` | the same compressed with zstd |
//! | `s` | author's signature over (`d` or `z`) ‖ group's Ed25519 key |

use rand_core::CryptoRng;
use session_encoding::bt::{BtError, DictReader, DictWriter};
use session_encoding::{padding, zstd_frame};
use session_types::{AccountId, Ed25519PublicKey, Signature};
use zeroize::Zeroizing;

use crate::aead::{NONCE, TAG, xchacha_open, xchacha_seal_in_place};
use crate::{CryptoError, Ed25519Secret, Opened, ed25519_to_x25519, verify};

/// The longest message, before compression.
pub const MAX_PLAINTEXT: usize = 1_000_000;

const VERSION: i64 = 1;

/// How a message is framed. Other than the default is only for tests and odd transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Compress when that makes the message shorter.
    pub compress: bool,
    /// The ciphertext's length becomes a multiple of this; 0 and 1 mean no padding.
    pub multiple: usize,
}

impl Default for Framing {
    /// Compressed, and a multiple of 256 bytes.
    fn default() -> Self {
        Self {
            compress: true,
            multiple: 256,
        }
    }
}

/// Signs and encrypts a message with the group's current key.
///
/// # Errors
/// [`CryptoError::Length`] when the message is longer than [`MAX_PLAINTEXT`].
pub fn encrypt(
    sender: &Ed25519Secret,
    group: &Ed25519PublicKey,
    key: &[u8; 32],
    plaintext: &[u8],
    framing: Framing,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CryptoError> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(CryptoError::Length);
    }
    let inner = Zeroizing::new(sign(sender, group, plaintext, framing.compress)?);
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let mut padded = inner.len().saturating_add(NONCE + TAG);
    if framing.multiple > 1 {
        padded = padded
            .checked_next_multiple_of(framing.multiple)
            .ok_or(CryptoError::Length)?;
    }
    let mut out = Vec::with_capacity(padded);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&inner);
    out.resize(padded.saturating_sub(TAG), 0);
    xchacha_seal_in_place(key, &nonce, &mut out, NONCE);
    Ok(out)
}

/// Opens a message with the first key that fits, and checks its signature. Which of the keys it was
/// does not matter for what the message means.
///
/// # Errors
/// [`CryptoError::Decryption`] when no key fits or the content is malformed,
/// [`CryptoError::Signature`] and [`CryptoError::PublicKey`] when it is not rightly signed.
pub fn decrypt<'k>(
    keys: impl IntoIterator<Item = &'k [u8; 32]>,
    group: &Ed25519PublicKey,
    ciphertext: &[u8],
) -> Result<Opened, CryptoError> {
    let (nonce, sealed) = ciphertext
        .split_first_chunk::<NONCE>()
        .ok_or(CryptoError::Decryption)?;
    let padded = keys
        .into_iter()
        .find_map(|key| xchacha_open(key, nonce, sealed).ok())
        .ok_or(CryptoError::Decryption)?;
    let padded = Zeroizing::new(padded);
    let inner = read(padding::strip_zeros(&padded)).map_err(|_| CryptoError::Decryption)?;

    let signed = [inner.message, group.as_bytes()].concat();
    verify(&inner.author, &signed, &inner.signature)?;
    let sender = AccountId::from_x25519(ed25519_to_x25519(&inner.author)?);
    let plaintext = if inner.compressed {
        zstd_frame::decompress(inner.message, MAX_PLAINTEXT).map_err(|_| CryptoError::Decryption)?
    } else {
        inner.message.to_vec()
    };
    Ok(Opened {
        plaintext,
        sender,
        sender_ed25519: inner.author,
    })
}

fn sign(
    sender: &Ed25519Secret,
    group: &Ed25519PublicKey,
    plaintext: &[u8],
    compress: bool,
) -> Result<Vec<u8>, CryptoError> {
    let compressed = compress
        .then(|| zstd_frame::compress(b"", plaintext, zstd_frame::LEVEL).ok())
        .flatten()
        .filter(|compressed| compressed.len() < plaintext.len())
        .map(Zeroizing::new);
    let message = compressed.as_deref().map_or(plaintext, Vec::as_slice);
    let signed = Zeroizing::new([message, group.as_bytes()].concat());
    let signature = sender.sign(&signed);
    write(sender.public(), message, compressed.is_some(), &signature)
        .map_err(|_| CryptoError::Length)
}

fn write(
    author: &Ed25519PublicKey,
    message: &[u8],
    compressed: bool,
    signature: &Signature,
) -> Result<Vec<u8>, BtError> {
    let mut dict = DictWriter::new();
    dict.int("", VERSION)?.bytes("a", author)?;
    if compressed {
        dict.bytes("s", signature.as_bytes())?.bytes("z", message)?;
    } else {
        dict.bytes("d", message)?.bytes("s", signature.as_bytes())?;
    }
    Ok(dict.finish())
}

struct Inner<'a> {
    author: Ed25519PublicKey,
    message: &'a [u8],
    compressed: bool,
    signature: Signature,
}

/// Reads the dict; exactly one of `d` and `z` must be there and not empty.
fn read(inner: &[u8]) -> Result<Inner<'_>, BtError> {
    let mut dict = DictReader::new(inner)?;
    if dict.require_i64("")? != VERSION {
        return Err(BtError::Range);
    }
    let author = Ed25519PublicKey::new(*dict.require_array::<32>("a")?);
    let plain = if dict.find("d")? {
        Some(dict.bytes()?)
    } else {
        None
    };
    let signature = Signature::new(*dict.require_array::<64>("s")?);
    let compressed = if dict.find("z")? {
        Some(dict.bytes()?)
    } else {
        None
    };
    dict.finish()?;
    match (plain, compressed) {
        (Some(message), None) if !message.is_empty() => Ok(Inner {
            author,
            message,
            compressed: false,
            signature,
        }),
        (None, Some(message)) if !message.is_empty() => Ok(Inner {
            author,
            message,
            compressed: true,
            signature,
        }),
        _ => Err(BtError::Missing { key: "d" }),
    }
}
