//! Plays back the random bytes the reference drew.

use rand_core::{Infallible, TryCryptoRng, TryRng};

/// Gives the recorded bytes and nothing else.
pub(crate) struct Recorded(Vec<u8>);

impl Recorded {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Fails when not every byte was drawn.
    pub(crate) fn finish(self) {
        assert!(self.0.is_empty(), "{} bytes left", self.0.len());
    }
}

impl TryRng for Recorded {
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

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        assert!(
            out.len() <= self.0.len(),
            "more random bytes drawn than recorded"
        );
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
        Ok(())
    }
}

impl TryCryptoRng for Recorded {}
