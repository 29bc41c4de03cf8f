//! libsodium's secretstream over XChaCha20-Poly1305, for the two tags that files use. Neither of
//! them changes the key while more follows (docs/protocol/crypto.md section 13.2).
//!
//! One chunk:
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 1 | tag, 0 or for the last chunk 3, encrypted |
//! | 1 | n | ChaCha20 ciphertext |
//! | n + 1 | 16 | Poly1305 over the tag's block, ciphertext, padding and lengths |
//!
//! The key is HChaCha20 of the file's key and the header's first 16 bytes; the nonce is the chunk's
//! number from 1, 4 bytes little-endian, and 8 bytes that begin as the rest of the header and take
//! in each chunk's MAC. Block 0 of the keystream keys Poly1305, block 1 encrypts the tag.

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::{ChaCha20, R20, hchacha};
use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;

pub(super) const TAG_MESSAGE: u8 = 0;
pub(super) const TAG_FINAL: u8 = 3;

const BLOCK: usize = 64;
const MAC: usize = 16;

pub(super) struct SecretStream {
    key: Zeroizing<[u8; 32]>,
    /// Little-endian counter of chunks, from 1.
    counter: u32,
    /// Changes with every chunk's MAC, which ties the chunks to their order.
    chain: [u8; 8],
}

impl SecretStream {
    pub(super) fn new(key: &[u8; 32], header: &[u8; 24]) -> Self {
        let (input, chain) = header.split_at(16);
        let mut derived = hchacha::<R20>(
            key.into(),
            &input
                .first_chunk::<16>()
                .copied()
                .unwrap_or_default()
                .into(),
        );
        let key = Zeroizing::new(derived.into());
        derived.as_mut_slice().zeroize();
        let chain = chain.first_chunk::<8>().copied().unwrap_or_default();
        Self {
            key,
            counter: 1,
            chain,
        }
    }

    /// Appends an encrypted chunk: tag, message, MAC.
    pub(super) fn push(&mut self, tag: u8, message: &[u8], out: &mut Vec<u8>) {
        let (mut cipher, mac) = self.chunk_cipher();
        let mut block = [0; BLOCK];
        let [first, ..] = &mut block;
        *first = tag;
        cipher.apply_keystream(&mut block);
        let [encrypted_tag, ..] = block;
        out.reserve(message.len().saturating_add(1 + MAC));
        out.push(encrypted_tag);
        let start = out.len();
        out.extend_from_slice(message);
        let body = out.get_mut(start..).unwrap_or_default();
        cipher.apply_keystream(body);
        let mac = authenticate(mac, &block, body);
        out.extend_from_slice(&mac);
        self.advance(&mac);
    }

    /// Checks a chunk, appends its message and gives its tag.
    pub(super) fn pull(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<u8, CryptoError> {
        let (encrypted_tag, rest) = chunk.split_first().ok_or(CryptoError::Decryption)?;
        let (body, found) = rest
            .split_last_chunk::<MAC>()
            .ok_or(CryptoError::Decryption)?;
        let (mut cipher, mac) = self.chunk_cipher();
        // The keystream of the tag's block is its ciphertext but for the first byte.
        let mut block = [0; BLOCK];
        cipher.apply_keystream(&mut block);
        let [first, ..] = &mut block;
        let tag = *first ^ encrypted_tag;
        *first = *encrypted_tag;
        let computed = authenticate(mac, &block, body);
        if !bool::from(computed.ct_eq(found)) {
            return Err(CryptoError::Decryption);
        }
        let start = out.len();
        out.extend_from_slice(body);
        cipher.apply_keystream(out.get_mut(start..).unwrap_or_default());
        self.advance(&computed);
        Ok(tag)
    }

    /// The cipher of the next chunk, past the block that keys its authenticator.
    fn chunk_cipher(&self) -> (ChaCha20, Poly1305) {
        let mut nonce = [0; 12];
        let (counter, chain) = nonce.split_at_mut(4);
        counter.copy_from_slice(&self.counter.to_le_bytes());
        chain.copy_from_slice(&self.chain);
        let mut cipher = ChaCha20::new((&*self.key).into(), &nonce.into());
        let mut block = Zeroizing::new([0; BLOCK]);
        cipher.apply_keystream(block.as_mut_slice());
        let mac_key = block.first_chunk::<32>().copied().unwrap_or_default();
        let mac_key = Zeroizing::new(mac_key);
        (cipher, Poly1305::new((&*mac_key).into()))
    }

    fn advance(&mut self, mac: &[u8; MAC]) {
        for (slot, byte) in self.chain.iter_mut().zip(mac) {
            *slot ^= byte;
        }
        // A file would need 2^32 chunks, 128 TiB, to come round.
        self.counter = self.counter.wrapping_add(1);
    }
}

/// Poly1305 over the tag's block, the ciphertext, padding and lengths. The padding is as libsodium
/// has it, the ciphertext's length modulo 16 zeros, which aligns nothing.
fn authenticate(mut mac: Poly1305, block: &[u8; BLOCK], body: &[u8]) -> [u8; MAC] {
    mac.update(Block::slice_as_chunks(block).0);
    let (blocks, rest) = Block::slice_as_chunks(body);
    mac.update(blocks);
    let mut tail = Vec::with_capacity(3 * MAC);
    tail.extend_from_slice(rest);
    tail.resize(rest.len().saturating_mul(2), 0);
    tail.extend_from_slice(&0u64.to_le_bytes());
    let length = u64::try_from(body.len().saturating_add(BLOCK)).unwrap_or(u64::MAX);
    tail.extend_from_slice(&length.to_le_bytes());
    mac.compute_unpadded(&tail).into()
}
