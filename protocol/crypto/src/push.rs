//! The payload of a push notification (docs/protocol/crypto.md section 15, docs/protocol/push.md
//! section 4).
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 24 | nonce |
//! | 24 | n + 16 | XChaCha20-Poly1305 of a bt-list and zeros up to a multiple of 256 |
//!
//! The list holds the metadata, a string of JSON, and the message's data unless that is too long.
//! One server version writes the metadata of a notification without data as a bt-dict: readers take
//! both. Further elements are ignored.

use core::fmt;

use rand_core::CryptoRng;
use session_encoding::bt::{BtError, ListReader, ListWriter};
use session_encoding::padding;
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::aead::{NONCE, TAG, xchacha_open, xchacha_seal_in_place};

const BLOCK: usize = 256;

/// What a notification says about the message, as it was encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Metadata<'a> {
    /// JSON text.
    Json(&'a [u8]),
    /// A whole bt-dict.
    Dict(&'a [u8]),
}

impl fmt::Debug for Metadata<'_> {
    /// The length alone: metadata says who wrote when.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Json(bytes) => ("Json", bytes),
            Self::Dict(bytes) => ("Dict", bytes),
        };
        f.debug_struct(name)
            .field("len", &bytes.len())
            .finish_non_exhaustive()
    }
}

/// The parts of an opened payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Account, hash, namespace, times.
    pub metadata: Metadata<'a>,
    /// The stored data, still encrypted for the account.
    pub data: Option<&'a [u8]>,
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("metadata", &self.metadata)
            .field("data_len", &self.data.map(<[u8]>::len))
            .finish_non_exhaustive()
    }
}

/// Encrypts a notification to the key a device subscribed with.
#[must_use]
pub fn seal(
    key: &[u8; 32],
    metadata_json: &str,
    data: Option<&[u8]>,
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    let mut list = ListWriter::new();
    list.bytes(metadata_json);
    if let Some(data) = data {
        list.bytes(data);
    }
    let list = list.finish();
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let padded = list.len().next_multiple_of(BLOCK);
    let mut out = Vec::with_capacity(padded.saturating_add(NONCE + TAG));
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&list);
    out.resize(padded.saturating_add(NONCE), 0);
    xchacha_seal_in_place(key, &nonce, &mut out, NONCE);
    out
}

/// Decrypts a payload and strips the zeros at its end. Nothing but zeros is left as it is.
///
/// # Errors
/// [`CryptoError::Decryption`] when it was not made with this key, or was changed or cut.
pub fn open(key: &[u8; 32], payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (nonce, sealed) = payload
        .split_first_chunk::<NONCE>()
        .ok_or(CryptoError::Decryption)?;
    let mut plaintext = Zeroizing::new(xchacha_open(key, nonce, sealed)?);
    let length = padding::strip_zeros(&plaintext).len();
    if length > 0 {
        plaintext.truncate(length);
    }
    Ok(plaintext)
}

/// Takes an opened payload apart.
///
/// # Errors
/// [`BtError`] when it is not a list that begins with metadata.
pub fn parse(plaintext: &[u8]) -> Result<Payload<'_>, BtError> {
    let mut list = ListReader::lenient(plaintext)?;
    let metadata = match list.bytes() {
        Ok(json) => Metadata::Json(json),
        Err(_) => {
            list.clone().dict()?;
            Metadata::Dict(list.raw()?)
        }
    };
    let data = if list.at_end() {
        None
    } else {
        Some(list.bytes()?)
    };
    list.finish()?;
    Ok(Payload { metadata, data })
}
