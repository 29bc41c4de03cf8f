//! Everything secret and random about a network, from one number.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use session_registry::ChainTip;
use zeroize::Zeroizing;

/// The number a network follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NetworkSeed(pub(crate) u64);

impl NetworkSeed {
    /// The Ed25519 seed of a node. It does not depend on how many nodes there are.
    pub(crate) fn node_key(self, index: usize) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.stream(1 + index as u64).fill_bytes(key.as_mut());
        key
    }

    /// The Ed25519 seed of the file server.
    pub(crate) fn file_server_key(self) -> [u8; 32] {
        let mut key = [0; 32];
        self.stream(u64::MAX).fill_bytes(&mut key);
        key
    }

    /// The one block of the network.
    pub(crate) fn tip(self) -> ChainTip {
        let mut tip = ChainTip::at_height(HEIGHT);
        self.stream(0).fill_bytes(&mut tip.block_hash);
        tip
    }

    fn stream(self, number: u64) -> ChaCha20Rng {
        let mut seed = *b"session devnet, seed as u64 LE: ";
        if let Some(tail) = seed.last_chunk_mut::<8>() {
            *tail = self.0.to_le_bytes();
        }
        let mut generator = ChaCha20Rng::from_seed(seed);
        generator.set_stream(number);
        generator
    }
}

/// Any height does; a small one shows that this is not the public chain.
const HEIGHT: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_stay_the_same() {
        let seed = NetworkSeed(7);
        assert_eq!(seed.node_key(3), seed.node_key(3));
        assert_ne!(seed.node_key(3), seed.node_key(4));
        assert_ne!(seed.node_key(3), NetworkSeed(8).node_key(3));
        assert_ne!(seed.file_server_key(), *seed.node_key(0));
        assert_ne!(seed.file_server_key(), NetworkSeed(8).file_server_key());
        assert_eq!(seed.tip(), seed.tip());
        assert_ne!(seed.tip().block_hash, *seed.node_key(0));
        assert_ne!(seed.tip().block_hash, NetworkSeed(8).tip().block_hash);
    }
}
