//! Randomness that is known beforehand.

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_core::{TryCryptoRng, TryRng};

/// Hands out the bytes it was given, in order; panics when more are drawn.
#[derive(Debug, Clone, Default)]
pub struct ScriptedRng(VecDeque<u8>);

impl ScriptedRng {
    /// A generator that will hand out `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }

    /// Adds bytes behind those that are left.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// Makes sure that every byte was drawn.
    pub fn assert_used_up(&self) {
        assert!(
            self.0.is_empty(),
            "{} random bytes were not drawn",
            self.0.len()
        );
    }
}

impl TryRng for ScriptedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, slots: &mut [u8]) -> Result<(), Infallible> {
        for slot in slots {
            *slot = self
                .0
                .pop_front()
                .expect("more random bytes drawn than scripted");
        }
        Ok(())
    }
}

impl TryCryptoRng for ScriptedRng {}
