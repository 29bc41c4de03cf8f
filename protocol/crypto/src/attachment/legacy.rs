//! Attachments in their older form (docs/protocol/crypto.md section 13.1, docs/protocol/client.md
//! section 5.7).
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 16 | IV |
//! | 16 | n | AES-256-CBC, padded as in PKCS #7, of the data and zeros behind it |
//! | n + 16 | 32 | HMAC-SHA256 over all before |
//!
//! The attachment pointer carries the 64-byte key (AES key, then HMAC key), the SHA-256 of the whole
//! file and the data's length.
//!
//! Reading takes two passes, because nothing may be decrypted before all of it is checked:
//! [`Verifier`] reads the file, and only a file it accepts has a [`Decryptor`].

use core::fmt;

use aes::Aes256;
use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::CryptoError;

/// The longest data, and the longest padded data.
pub const MAX_SIZE: u64 = 10_000_000;

const SMALLEST: u64 = 541;
const BLOCK: usize = 16;
const MAC: usize = 32;

type AesBlock = Array<u8, U16>;

/// The length that `size` bytes of data are filled up to: steps of 5 %.
#[must_use]
pub fn padded_size(size: u64) -> u64 {
    if size >= MAX_SIZE {
        return MAX_SIZE;
    }
    // Both numbers are below 2^53 and not negative.
    #[allow(
        clippy::cast_precision_loss,
        reason = "sizes are at most ten million here"
    )]
    let exponent = ((size.max(1) as f64).ln() / 1.05f64.ln()).ceil();
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding down is the formula"
    )]
    #[allow(clippy::cast_sign_loss, reason = "a power of a positive number")]
    let step = 1.05f64.powf(exponent).floor() as u64;
    step.clamp(SMALLEST, MAX_SIZE).max(size)
}

/// What the attachment pointer says about an encrypted file.
#[derive(Clone)]
pub struct Pointer {
    /// AES key and HMAC key.
    pub key: Zeroizing<[u8; 64]>,
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
    /// Length of the data.
    pub size: u64,
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pointer").finish_non_exhaustive()
    }
}

/// Encrypts data piece by piece.
pub struct Encryptor {
    key: Zeroizing<[u8; 64]>,
    cipher: cbc::Encryptor<Aes256>,
    mac: Hmac<Sha256>,
    digest: Sha256,
    /// Data that is not yet whole blocks.
    pending: Zeroizing<Vec<u8>>,
    size: u64,
    data_left: u64,
}

impl Encryptor {
    /// Begins a file for `size` bytes of data: the IV is appended to `out`.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when `size` is more than [`MAX_SIZE`].
    pub fn new(size: u64, rng: &mut dyn CryptoRng, out: &mut Vec<u8>) -> Result<Self, CryptoError> {
        if size > MAX_SIZE {
            return Err(CryptoError::Length);
        }
        let mut key = Zeroizing::new([0; 64]);
        rng.fill_bytes(key.as_mut_slice());
        let mut iv = [0; BLOCK];
        rng.fill_bytes(&mut iv);
        let (aes_key, mac_key) = halves(&key)?;
        let mut this = Self {
            cipher: cbc::Encryptor::new(aes_key.into(), &iv.into()),
            mac: hmac(mac_key)?,
            digest: Sha256::new(),
            pending: Zeroizing::new(Vec::new()),
            size,
            data_left: size,
            key,
        };
        this.emit(&iv, out);
        Ok(this)
    }

    /// Encrypts the next piece of data, appending to `out`.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when it is more than was announced.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let length = u64::try_from(data.len()).map_err(|_| CryptoError::Length)?;
        self.data_left = self
            .data_left
            .checked_sub(length)
            .ok_or(CryptoError::Length)?;
        self.feed(data, out);
        Ok(())
    }

    /// Encrypts the padding and appends the MAC.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when less data was given than announced.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Pointer, CryptoError> {
        if self.data_left != 0 {
            return Err(CryptoError::Length);
        }
        let mut zeros = padded_size(self.size).saturating_sub(self.size);
        while zeros > 0 {
            let piece = usize::try_from(zeros).unwrap_or(usize::MAX).min(4096);
            self.feed([0; 4096].get(..piece).unwrap_or_default(), out);
            zeros = zeros.saturating_sub(u64::try_from(piece).unwrap_or(zeros));
        }
        let fill = BLOCK.saturating_sub(self.pending.len());
        let value = u8::try_from(fill).map_err(|_| CryptoError::Length)?;
        self.feed([value; BLOCK].get(..fill).unwrap_or_default(), out);
        let mac: [u8; MAC] = self.mac.finalize().into_bytes().into();
        self.digest.update(mac);
        out.extend_from_slice(&mac);
        Ok(Pointer {
            key: self.key,
            digest: self.digest.finalize().into(),
            size: self.size,
        })
    }

    fn feed(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.pending);
        out.extend_from_slice(data);
        let fresh = out.get_mut(start..).unwrap_or_default();
        let (blocks, rest) = AesBlock::slice_as_chunks_mut(fresh);
        self.cipher.encrypt_blocks(blocks);
        self.pending.clear();
        self.pending.extend_from_slice(rest);
        let end = out.len().saturating_sub(self.pending.len());
        // The rest is data, which must not stay in the spare capacity.
        rest_to_zero(out, end);
        out.truncate(end);
        let written = out.get(start..).unwrap_or_default();
        self.mac.update(written);
        self.digest.update(written);
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.mac.update(bytes);
        self.digest.update(bytes);
        out.extend_from_slice(bytes);
    }
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("legacy::Encryptor").finish_non_exhaustive()
    }
}

fn rest_to_zero(out: &mut [u8], from: usize) {
    if let Some(rest) = out.get_mut(from..) {
        rest.fill(0);
    }
}

/// Checks a file, piece by piece, before it is decrypted.
pub struct Verifier {
    key: Zeroizing<[u8; 64]>,
    expected: [u8; 32],
    mac: Hmac<Sha256>,
    digest: Sha256,
    /// The last bytes seen, which may be the MAC.
    tail: Vec<u8>,
    total: u64,
}

impl Verifier {
    /// For the file of an attachment pointer with this key and digest.
    ///
    /// # Errors
    /// [`CryptoError::Length`] never happens for keys of this length.
    pub fn new(key: &[u8; 64], digest: &[u8; 32]) -> Result<Self, CryptoError> {
        Ok(Self {
            mac: hmac(halves(key)?.1)?,
            key: Zeroizing::new(*key),
            expected: *digest,
            digest: Sha256::new(),
            tail: Vec::with_capacity(MAC),
            total: 0,
        })
    }

    /// Takes the next piece of the file.
    pub fn update(&mut self, input: &[u8]) {
        self.digest.update(input);
        self.total = self
            .total
            .saturating_add(u64::try_from(input.len()).unwrap_or(u64::MAX));
        // All but the last 32 bytes seen so far are surely not the MAC.
        let seen = self.tail.len().saturating_add(input.len());
        let sure = seen.saturating_sub(MAC);
        let from_tail = sure.min(self.tail.len());
        self.mac
            .update(self.tail.get(..from_tail).unwrap_or_default());
        self.tail.drain(..from_tail);
        let (certain, rest) = input
            .split_at_checked(sure.saturating_sub(from_tail))
            .unwrap_or((input, &[]));
        self.mac.update(certain);
        self.tail.extend_from_slice(rest);
    }

    /// Whether the file is what the pointer says.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when it is not.
    pub fn finish(self) -> Result<Verified, CryptoError> {
        let overhead = u64::try_from(BLOCK + MAC).unwrap_or_default();
        let body = self
            .total
            .checked_sub(overhead)
            .ok_or(CryptoError::Decryption)?;
        let whole = body > 0 && body.is_multiple_of(16);
        let mac: [u8; MAC] = self.mac.finalize().into_bytes().into();
        let digest: [u8; 32] = self.digest.finalize().into();
        let good = mac.ct_eq(self.tail.as_slice()) & digest.ct_eq(&self.expected);
        if !whole || !bool::from(good) {
            return Err(CryptoError::Decryption);
        }
        Ok(Verified {
            key: self.key,
            body,
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("legacy::Verifier").finish_non_exhaustive()
    }
}

/// The knowledge that a file is what its pointer says.
pub struct Verified {
    key: Zeroizing<[u8; 64]>,
    /// Length of the ciphertext between IV and MAC.
    body: u64,
}

impl Verified {
    /// Decrypts the file, which must be read again from its beginning. `size` is the data's length
    /// in the pointer; without it the padding's zeros stay.
    #[must_use]
    pub fn decryptor(self, size: Option<u64>) -> Decryptor {
        Decryptor {
            key: self.key,
            cipher: None,
            pending: Vec::new(),
            body_left: self.body,
            size,
            given: 0,
        }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("legacy::Verified").finish_non_exhaustive()
    }
}

/// Decrypts a checked file piece by piece.
pub struct Decryptor {
    key: Zeroizing<[u8; 64]>,
    /// There once the IV is.
    cipher: Option<cbc::Decryptor<Aes256>>,
    /// The IV while it is not whole; then ciphertext that is not yet whole blocks.
    pending: Vec<u8>,
    body_left: u64,
    size: Option<u64>,
    given: u64,
}

impl Decryptor {
    /// Decrypts the next piece of the file, appending data to `out`.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when the padding is wrong, which a checked file's is not.
    pub fn update(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        if self.cipher.is_none() {
            let room = BLOCK.saturating_sub(self.pending.len());
            let (now, later) = input.split_at_checked(room).unwrap_or((input, &[]));
            self.pending.extend_from_slice(now);
            input = later;
            let Some(iv) = self.pending.first_chunk::<BLOCK>() else {
                return Ok(());
            };
            self.cipher = Some(cbc::Decryptor::new(halves(&self.key)?.0.into(), iv.into()));
            self.pending.clear();
        }
        // What follows the ciphertext is the MAC, which was checked.
        let left = usize::try_from(self.body_left).unwrap_or(usize::MAX);
        let body = input.get(..left).unwrap_or(input);
        self.body_left = self
            .body_left
            .saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX));
        let start = out.len();
        out.extend_from_slice(&self.pending);
        out.extend_from_slice(body);
        let fresh = out.get_mut(start..).unwrap_or_default();
        let (blocks, rest) = AesBlock::slice_as_chunks_mut(fresh);
        if let Some(cipher) = &mut self.cipher {
            cipher.decrypt_blocks(blocks);
        }
        self.pending.clear();
        self.pending.extend_from_slice(rest);
        out.truncate(out.len().saturating_sub(self.pending.len()));
        if self.body_left == 0 && !body.is_empty() {
            self.unpad(start, out)?;
        }
        self.trim(start, out);
        Ok(())
    }

    /// Makes sure that all data was there.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when less was read than was checked, or when the pointer names a
    /// greater size than there is data.
    pub fn finish(self) -> Result<(), CryptoError> {
        let enough = self.size.is_none_or(|size| self.given == size);
        if self.body_left == 0 && enough {
            Ok(())
        } else {
            Err(CryptoError::Decryption)
        }
    }

    /// Takes the PKCS #7 padding off the last block.
    fn unpad(&mut self, start: usize, out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let fill = usize::from(*out.last().ok_or(CryptoError::Decryption)?);
        let end = out.len().checked_sub(fill).filter(|end| *end >= start);
        let end = end
            .filter(|_| (1..=BLOCK).contains(&fill))
            .ok_or(CryptoError::Decryption)?;
        let padding = out.get(end..).unwrap_or_default();
        if padding.iter().any(|&byte| usize::from(byte) != fill) {
            return Err(CryptoError::Decryption);
        }
        out.truncate(end);
        Ok(())
    }

    /// Cuts what is beyond the data's length.
    fn trim(&mut self, start: usize, out: &mut Vec<u8>) {
        let fresh = u64::try_from(out.len().saturating_sub(start)).unwrap_or(u64::MAX);
        let wanted = self
            .size
            .map_or(fresh, |size| size.saturating_sub(self.given).min(fresh));
        self.given = self.given.saturating_add(wanted);
        out.truncate(start.saturating_add(usize::try_from(wanted).unwrap_or(usize::MAX)));
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("legacy::Decryptor").finish_non_exhaustive()
    }
}

/// Encrypts data that is in memory.
///
/// # Errors
/// [`CryptoError::Length`] when it is more than [`MAX_SIZE`].
pub fn encrypt(data: &[u8], rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Pointer), CryptoError> {
    let mut out = Vec::new();
    let size = u64::try_from(data.len()).map_err(|_| CryptoError::Length)?;
    let mut encryptor = Encryptor::new(size, rng, &mut out)?;
    encryptor.update(data, &mut out)?;
    let pointer = encryptor.finish(&mut out)?;
    Ok((out, pointer))
}

/// Checks and decrypts a file that is in memory.
///
/// # Errors
/// [`CryptoError::Decryption`] when it is not what the pointer says.
pub fn decrypt(
    key: &[u8; 64],
    digest: &[u8; 32],
    size: Option<u64>,
    file: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let mut verifier = Verifier::new(key, digest)?;
    verifier.update(file);
    let mut decryptor = verifier.finish()?.decryptor(size);
    let mut out = Vec::new();
    decryptor.update(file, &mut out)?;
    decryptor.finish()?;
    Ok(out)
}

/// AES key and HMAC key.
fn halves(key: &[u8; 64]) -> Result<(&[u8; 32], &[u8]), CryptoError> {
    key.split_first_chunk::<32>().ok_or(CryptoError::Length)
}

fn hmac(key: &[u8]) -> Result<Hmac<Sha256>, CryptoError> {
    Hmac::new_from_slice(key).map_err(|_| CryptoError::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol/client.md section 5.7, and values around the steps.
    #[test]
    fn padded_sizes() {
        let table = [
            (0, 541),
            (1, 541),
            (541, 541),
            (1_000, 1_020),
            (5_000, 5_106),
            (100_000, 100_155),
            (9_900_000, 10_000_000),
            (10_000_000, 10_000_000),
        ];
        for (size, padded) in table {
            assert_eq!(padded_size(size), padded, "{size}");
        }
        assert!((0..60_000).all(|size| padded_size(size) >= size));
    }
}
