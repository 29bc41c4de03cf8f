//! Random inputs that can be had again.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use session_sodium_oracle::sodium;

/// The inputs of one test, in the order in which it asks for them.
pub(crate) struct Inputs {
    pub(crate) rng: ChaCha20Rng,
    pub(crate) rounds: usize,
}

impl Inputs {
    /// `test` names the test, so that no two have the same inputs.
    pub(crate) fn new(test: &str) -> Self {
        Self::with_rounds(test, variable("SODIUM_ORACLE_ROUNDS").unwrap_or(256))
    }

    /// For comparisons that take so long that they have a number of their own.
    pub(crate) fn with_rounds(test: &str, rounds: u64) -> Self {
        let number = variable("SODIUM_ORACLE_SEED").unwrap_or(1);
        println!(
            "{test}: libsodium {}, SODIUM_ORACLE_SEED={number}, {rounds} rounds",
            sodium::version()
        );
        let seed = sodium::blake2b(32, &number.to_le_bytes(), test.as_bytes()).unwrap();
        Self {
            rng: ChaCha20Rng::from_seed(seed.try_into().unwrap()),
            rounds: usize::try_from(rounds).unwrap(),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.rng.fill_bytes(&mut out);
        out
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.rng.next_u64() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// Fewer than `limit` bytes, at times none.
    pub(crate) fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let length = match self.below(16) {
            0 => 0,
            1 => limit - 1,
            _ => self.below(limit),
        };
        let mut out = vec![0; length];
        self.rng.fill_bytes(&mut out);
        out
    }

    /// The same bytes with one bit turned.
    pub(crate) fn flip(&mut self, bytes: &[u8]) -> Vec<u8> {
        let bit = self.below(bytes.len() * 8);
        let mut out = bytes.to_vec();
        out[bit / 8] ^= 1 << (bit % 8);
        out
    }
}

/// A variable of the environment that holds a number.
pub(crate) fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("the variable is a number"))
}

/// 2^255 − 19 plus `n`, little-endian.
pub(crate) fn p_plus(n: u8) -> [u8; 32] {
    let mut out = [0xff; 32];
    out[31] = 0x7f;
    out[0] = 0xed + n;
    out
}
