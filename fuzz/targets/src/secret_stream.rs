//! A second writer of encrypted streams, for streams that `session-crypto` never writes.

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::{ChaCha20, R20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;

/// libsodium's secretstream with chunks of any length and tag (docs/protocol/crypto.md section 13).
#[derive(Debug)]
pub struct SecretStream {
    key: [u8; 32],
    /// Counter, little-endian, and the 8 bytes that chain the chunks.
    nonce: [u8; 12],
}

impl SecretStream {
    /// A stream under the key of a file, which begins with `S` and the header.
    #[must_use]
    pub fn new(key: &[u8; 32], header: &[u8; 24]) -> Self {
        let mut nonce = [0; 12];
        nonce[0] = 1;
        nonce[4..].copy_from_slice(&header[16..]);
        let input: [u8; 16] = header[..16].try_into().expect("16 of 24 bytes");
        Self {
            key: hchacha::<R20>(key.into(), &input.into()).into(),
            nonce,
        }
    }

    /// Encrypted tag, ciphertext, MAC.
    pub fn push(&mut self, tag: u8, message: &[u8]) -> Vec<u8> {
        let mut cipher = ChaCha20::new((&self.key).into(), &self.nonce.into());
        let mut mac_key = [0; 64];
        cipher.apply_keystream(&mut mac_key);
        let mut tag_block = [0; 64];
        tag_block[0] = tag;
        cipher.apply_keystream(&mut tag_block);
        let mut body = message.to_vec();
        cipher.apply_keystream(&mut body);

        let mut covered = [&tag_block[..], &body].concat();
        covered.resize(covered.len() + body.len() % 16, 0);
        covered.extend(0u64.to_le_bytes());
        covered.extend((64 + body.len() as u64).to_le_bytes());
        let mac_key: [u8; 32] = mac_key[..32].try_into().expect("32 of 64 bytes");
        let mac: [u8; 16] = Poly1305::new(&mac_key.into())
            .compute_unpadded(&covered)
            .into();

        let counter = u32::from_le_bytes(self.nonce[..4].try_into().expect("4 of 12 bytes"));
        self.nonce[..4].copy_from_slice(&counter.wrapping_add(1).to_le_bytes());
        for (slot, byte) in self.nonce[4..].iter_mut().zip(mac) {
            *slot ^= byte;
        }
        [&tag_block[..1], &body, &mac].concat()
    }
}
