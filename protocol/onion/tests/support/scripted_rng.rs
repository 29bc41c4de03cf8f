//! A generator that hands out given bytes.

#![allow(clippy::expect_used, reason = "a test's helper")]

use core::convert::Infallible;
use std::collections::VecDeque;

use rand_core::{TryCryptoRng, TryRng};

/// Hands out the bytes it was given, in order, and fails the test when they run out.
#[derive(Debug, Default)]
pub(crate) struct ScriptedRng(VecDeque<u8>);

impl ScriptedRng {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    pub(crate) fn assert_used_up(&self) {
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

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for byte in destination {
            *byte = self
                .0
                .pop_front()
                .expect("the script has enough random bytes");
        }
        Ok(())
    }
}

impl TryCryptoRng for ScriptedRng {}
