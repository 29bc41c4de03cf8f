//! zstd with a bound on the result, for configs and group messages (docs/protocol/config.md section
//! 6.1, docs/protocol/crypto.md section 7).
//!
//! Compressed bytes depend on the version of the library; only what they decompress to is compared.

use std::io::Read;

use session_types::ErrorKind;
use zstd::stream::read::Decoder;

/// The level configs and group messages are compressed with.
pub const LEVEL: i32 = 1;

/// Back-references reach 8 MiB at most. One-shot compressors never need more than the content's
/// own length, and this caps what a header can make the decoder reserve.
const WINDOW_LOG_MAX: u32 = 23;

/// Why a frame gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZstdError {
    /// Not zstd frames, or cut or changed ones.
    #[error("not valid zstd data")]
    Malformed,
    /// More would come out than the caller allows.
    #[error("decompresses to more than {limit} bytes")]
    TooLarge {
        /// The caller's limit.
        limit: usize,
    },
    /// The compressor ran out of memory.
    #[error("compression failed")]
    Compression,
}

impl ZstdError {
    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Malformed | Self::TooLarge { .. } => ErrorKind::BadPeer,
            Self::Compression => ErrorKind::Internal,
        }
    }
}

/// One frame with `prefix` in front of it. The result can be longer than the input.
///
/// # Errors
/// [`ZstdError::Compression`] when memory is short.
pub fn compress(prefix: &[u8], data: &[u8], level: i32) -> Result<Vec<u8>, ZstdError> {
    let frame = zstd::bulk::compress(data, level).map_err(|_| ZstdError::Compression)?;
    if prefix.is_empty() {
        return Ok(frame);
    }
    Ok([prefix, &frame].concat())
}

/// The content of one frame, or of several that follow one another.
///
/// # Errors
/// [`ZstdError`] when the input is anything else, with nothing behind it, or holds more than
/// `limit` bytes.
pub fn decompress(frames: &[u8], limit: usize) -> Result<Vec<u8>, ZstdError> {
    if frames.is_empty() {
        return Err(ZstdError::Malformed);
    }
    let mut decoder = Decoder::with_buffer(frames).map_err(|_| ZstdError::Malformed)?;
    decoder
        .window_log_max(WINDOW_LOG_MAX)
        .map_err(|_| ZstdError::Malformed)?;
    let mut out = Vec::new();
    // One byte more than allowed, to tell a full result from one that is too long.
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(bound)
        .read_to_end(&mut out)
        .map_err(|_| ZstdError::Malformed)?;
    if out.len() > limit {
        return Err(ZstdError::TooLarge { limit });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_frame_cannot_fill_the_memory() {
        let bomb = compress(b"", &vec![0; 50_000_000], 1).unwrap();
        assert!(bomb.len() < 10_000);
        assert_eq!(
            decompress(&bomb, 1_000_000),
            Err(ZstdError::TooLarge { limit: 1_000_000 })
        );
        assert_eq!(decompress(&bomb, 50_000_000).unwrap().len(), 50_000_000);
    }

    /// A header that asks for a window of 128 MiB (descriptor 0x88: 2^(10+17)) without content size.
    #[test]
    fn huge_windows_are_refused() {
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00];
        assert_eq!(decompress(&frame, 1000), Err(ZstdError::Malformed));
        let modest = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x01, 0x00, 0x00];
        assert_eq!(decompress(&modest, 1000), Ok(Vec::new()));
    }
}
