//! Attachments, and profile pictures in their newer form (docs/protocol/crypto.md section 13.2,
//! docs/protocol/client.md section 5.7). The older form is in [`legacy`].
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 1 | `S` |
//! | 1 | 24 | stream header H |
//! | 25 | up to 32 785 each | chunks of a secretstream: encrypted tag, up to 32 768 bytes, 16 bytes of MAC |
//!
//! The stream holds zeros, one 0x01, then the data, so that the total length tells the data's only
//! in steps. H and the key are B2b-56(data; key = account seed; personalisation by use): the same
//! file from the same account gives the same bytes, which a server stores once.
//!
//! Everything works piece by piece with one chunk in memory. Data is authenticated chunk by chunk,
//! but whether it is whole is known only when [`Decryptor::finish`] succeeds: whoever writes it to a
//! file throws the file away otherwise.

pub mod legacy;
mod stream;

use core::fmt;

use blake2b_simd::{Params, State};
use zeroize::Zeroizing;

use crate::CryptoError;
use stream::{SecretStream, TAG_FINAL, TAG_MESSAGE};

/// The longest data: with it the result is 10 223 616 bytes long.
pub const MAX_SIZE: u64 = 10_218_286;

const MAGIC: u8 = b'S';
const HEADER: usize = 24;
const PREFIX: usize = 1 + HEADER;
const CHUNK: usize = 32_768;
const CHUNK_OVERHEAD: usize = 17;
const SEALED_CHUNK: usize = CHUNK + CHUNK_OVERHEAD;

/// The same as 64-bit numbers, for sizes of files.
const CHUNK_SIZE: u64 = 32_768;
const OVERHEAD_SIZE: u64 = 17;
const SEALED_SIZE: u64 = CHUNK_SIZE + OVERHEAD_SIZE;

/// What a file is for: different uses of one file must not be recognisable as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A file sent with a message.
    Attachment,
    /// A display picture.
    ProfilePicture,
}

impl Domain {
    const fn personal(self) -> &'static [u8; 16] {
        match self {
            Self::Attachment => b"SessionAttachmnt",
            Self::ProfilePicture => b"Session_Prof_Pic",
        }
    }
}

/// How many bytes of padding, the 0x01 included, stand before `size` bytes of data.
#[must_use]
pub fn padding(size: u64) -> u64 {
    let chunks = size.div_ceil(CHUNK_SIZE);
    let least = size
        .saturating_add(26)
        .saturating_add(chunks.saturating_mul(OVERHEAD_SIZE));
    let grid = (1u64 << least.max(131_072).ilog2()) / 32;
    let rounded = least.checked_next_multiple_of(grid).unwrap_or(least);
    let room = rounded.saturating_sub(least).saturating_add(1);
    // What the added chunks themselves take.
    let mut overhead = (room / SEALED_SIZE).saturating_mul(OVERHEAD_SIZE);
    let free = chunks.saturating_mul(CHUNK_SIZE).saturating_sub(size);
    if room % SEALED_SIZE > free {
        overhead = overhead.saturating_add(OVERHEAD_SIZE);
    }
    room.saturating_sub(overhead)
}

/// How long the encrypted form of `size` bytes is.
#[must_use]
pub fn encrypted_size(size: u64) -> u64 {
    let stream = size.saturating_add(padding(size));
    let chunks = stream.div_ceil(CHUNK_SIZE);
    stream
        .saturating_add(25)
        .saturating_add(chunks.saturating_mul(OVERHEAD_SIZE))
}

/// Reads the data once to derive its key, before [`Encryptor`] reads it again.
pub struct KeyDerivation {
    state: State,
    size: u64,
}

impl KeyDerivation {
    /// For data that the account with this Ed25519 seed will upload.
    #[must_use]
    pub fn new(account_seed: &[u8; 32], domain: Domain) -> Self {
        let state = Params::new()
            .hash_length(56)
            .key(account_seed)
            .personal(domain.personal())
            .to_state();
        Self { state, size: 0 }
    }

    /// Takes the next piece of data.
    pub fn update(&mut self, data: &[u8]) {
        self.state.update(data);
        self.size = self
            .size
            .saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
    }

    /// The key of the data seen.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when it was more than [`MAX_SIZE`].
    pub fn finish(self) -> Result<DerivedKey, CryptoError> {
        if self.size > MAX_SIZE {
            return Err(CryptoError::Length);
        }
        let hash = self.state.finalize();
        let hash = hash.as_bytes().try_into();
        DerivedKey::drawn(hash.map_err(|_| CryptoError::Length)?, self.size)
    }
}

impl fmt::Debug for KeyDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDerivation").finish_non_exhaustive()
    }
}

/// The key of one file.
pub struct DerivedKey {
    header: [u8; HEADER],
    key: Zeroizing<[u8; 32]>,
    size: u64,
}

impl DerivedKey {
    /// Not derived but drawn: for `size` bytes of data that nobody is to recognise as the same,
    /// not even who has the account. `drawn` is random and used for nothing else.
    ///
    /// # Errors
    /// [`CryptoError::Length`] for more than [`MAX_SIZE`].
    pub fn drawn(drawn: &[u8; 56], size: u64) -> Result<Self, CryptoError> {
        if size > MAX_SIZE {
            return Err(CryptoError::Length);
        }
        let (header, key) = drawn
            .split_first_chunk::<HEADER>()
            .ok_or(CryptoError::Length)?;
        let key = Zeroizing::new(key.try_into().map_err(|_| CryptoError::Length)?);
        Ok(Self {
            header: *header,
            key,
            size,
        })
    }

    /// The 32 bytes for the message's attachment pointer or the profile.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// How long the data is.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedKey").finish_non_exhaustive()
    }
}

/// Encrypts data piece by piece.
pub struct Encryptor {
    stream: SecretStream,
    /// What is not yet a whole chunk.
    buffer: Zeroizing<Vec<u8>>,
    /// Bytes of the stream still to come, padding included.
    stream_left: u64,
    data_left: u64,
}

impl Encryptor {
    /// Begins a file: what can be written already is appended to `out`.
    #[must_use]
    pub fn new(key: &DerivedKey, out: &mut Vec<u8>) -> Self {
        out.push(MAGIC);
        out.extend_from_slice(&key.header);
        let padding = padding(key.size);
        let mut this = Self {
            stream: SecretStream::new(&key.key, &key.header),
            buffer: Zeroizing::new(Vec::with_capacity(CHUNK)),
            stream_left: padding.saturating_add(key.size),
            data_left: key.size,
        };
        let mut zeros = padding.saturating_sub(1);
        while zeros > 0 {
            let piece = usize::try_from(zeros).unwrap_or(CHUNK).min(CHUNK);
            this.feed([0; CHUNK].get(..piece).unwrap_or_default(), out);
            zeros = zeros.saturating_sub(u64::try_from(piece).unwrap_or(zeros));
        }
        this.feed(&[1], out);
        this
    }

    /// Encrypts the next piece of the data the key was derived from, appending to `out`.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when it is more than the key was derived from.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let length = u64::try_from(data.len()).map_err(|_| CryptoError::Length)?;
        self.data_left = self
            .data_left
            .checked_sub(length)
            .ok_or(CryptoError::Length)?;
        self.feed(data, out);
        Ok(())
    }

    /// Makes sure that all data was given; everything is in `out` by then.
    ///
    /// # Errors
    /// [`CryptoError::Length`] when it is less than the key was derived from.
    pub fn finish(self) -> Result<(), CryptoError> {
        if self.stream_left == 0 {
            Ok(())
        } else {
            Err(CryptoError::Length)
        }
    }

    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let room = CHUNK.saturating_sub(self.buffer.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.buffer.extend_from_slice(now);
            bytes = later;
            let taken = u64::try_from(now.len()).unwrap_or(u64::MAX);
            self.stream_left = self.stream_left.saturating_sub(taken);
            let last = self.stream_left == 0;
            if last || self.buffer.len() == CHUNK {
                let tag = if last { TAG_FINAL } else { TAG_MESSAGE };
                self.stream.push(tag, &self.buffer, out);
                self.buffer.clear();
            }
        }
    }
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor").finish_non_exhaustive()
    }
}

/// Decrypts a file piece by piece.
pub struct Decryptor {
    key: Zeroizing<[u8; 32]>,
    /// There once the first 25 bytes are.
    stream: Option<SecretStream>,
    /// What is not yet a whole chunk, or not yet all of the first 25 bytes.
    buffer: Vec<u8>,
    in_padding: bool,
    finished: bool,
}

impl Decryptor {
    /// For a file with the key of its attachment pointer or profile.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(*key),
            stream: None,
            buffer: Vec::with_capacity(SEALED_CHUNK),
            in_padding: true,
            finished: false,
        }
    }

    /// Decrypts the next piece of the file, appending data to `out`.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when the key is wrong or the file was changed.
    pub fn update(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), CryptoError> {
        while !input.is_empty() {
            if self.finished {
                return Err(CryptoError::Decryption);
            }
            let wanted = if self.stream.is_some() {
                SEALED_CHUNK
            } else {
                PREFIX
            };
            let room = wanted.saturating_sub(self.buffer.len());
            let (now, later) = input.split_at_checked(room).unwrap_or((input, &[]));
            self.buffer.extend_from_slice(now);
            input = later;
            if self.buffer.len() == wanted {
                if self.stream.is_some() {
                    self.chunk(out)?;
                } else {
                    self.begin()?;
                }
            }
        }
        Ok(())
    }

    /// Decrypts the last chunk and makes sure that the file is whole.
    ///
    /// # Errors
    /// [`CryptoError::Decryption`] when the file was changed or cut; what was given out before must
    /// then not be used.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), CryptoError> {
        if !self.finished {
            self.chunk(out)?;
        }
        if self.finished && !self.in_padding {
            Ok(())
        } else {
            Err(CryptoError::Decryption)
        }
    }

    fn begin(&mut self) -> Result<(), CryptoError> {
        let header = match self.buffer.split_first() {
            Some((&MAGIC, header)) => header.try_into().map_err(|_| CryptoError::Decryption)?,
            _ => return Err(CryptoError::Decryption),
        };
        self.stream = Some(SecretStream::new(&self.key, header));
        self.buffer.clear();
        Ok(())
    }

    fn chunk(&mut self, out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let stream = self.stream.as_mut().ok_or(CryptoError::Decryption)?;
        if self.buffer.len() <= CHUNK_OVERHEAD {
            return Err(CryptoError::Decryption);
        }
        let start = out.len();
        match stream.pull(&self.buffer, out)? {
            TAG_MESSAGE => {}
            TAG_FINAL => self.finished = true,
            _ => {
                out.truncate(start);
                return Err(CryptoError::Decryption);
            }
        }
        self.buffer.clear();
        if self.in_padding {
            self.strip_padding(start, out)?;
        }
        Ok(())
    }

    /// Takes zeros and the 0x01 out of what was just appended.
    fn strip_padding(&mut self, start: usize, out: &mut Vec<u8>) -> Result<(), CryptoError> {
        let fresh = out.get(start..).unwrap_or_default();
        let zeros = fresh.iter().take_while(|&&byte| byte == 0).count();
        let marker = fresh.get(zeros).copied();
        let gone = start
            .saturating_add(zeros)
            .saturating_add(usize::from(marker.is_some()));
        out.drain(start..gone);
        match marker {
            None => Ok(()),
            Some(1) => {
                self.in_padding = false;
                Ok(())
            }
            Some(_) => {
                out.truncate(start);
                Err(CryptoError::Decryption)
            }
        }
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").finish_non_exhaustive()
    }
}

/// Encrypts data that is in memory.
///
/// # Errors
/// [`CryptoError::Length`] when it is more than [`MAX_SIZE`].
pub fn encrypt(
    account_seed: &[u8; 32],
    domain: Domain,
    data: &[u8],
) -> Result<(Vec<u8>, DerivedKey), CryptoError> {
    let mut derivation = KeyDerivation::new(account_seed, domain);
    derivation.update(data);
    let key = derivation.finish()?;
    Ok((encrypt_with(&key, data)?, key))
}

/// Encrypts data that is in memory, with a key for data of this length.
///
/// # Errors
/// [`CryptoError::Length`] when the key is for another length.
pub fn encrypt_with(key: &DerivedKey, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let size = usize::try_from(encrypted_size(key.size)).map_err(|_| CryptoError::Length)?;
    let mut out = Vec::with_capacity(size);
    let mut encryptor = Encryptor::new(key, &mut out);
    encryptor.update(data, &mut out)?;
    encryptor.finish()?;
    Ok(out)
}

/// Decrypts a file that is in memory.
///
/// # Errors
/// [`CryptoError::Decryption`] when the key is wrong or the file was changed or cut.
pub fn decrypt(key: &[u8; 32], file: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut decryptor = Decryptor::new(key);
    let mut out = Vec::with_capacity(file.len());
    decryptor.update(file, &mut out)?;
    decryptor.finish(&mut out)?;
    Ok(out)
}
