//! The shape every layer has: a length, that many bytes, control JSON.

use serde_json::{Map, Value};

/// Longest control JSON that is read. Real ones have some hundred bytes; parsed, a long one would
/// take many times its size in memory.
const MAX_CONTROL: usize = 64 * 1024;

/// Joins `inner` and `control`.
///
/// | offset | size | content |
/// |---|---|---|
/// | 0 | 4 | N, u32 little-endian |
/// | 4 | N | `inner` |
/// | 4 + N | rest | `control`, a JSON object |
///
/// An `inner` of 4 GiB, far beyond what a node reads, gets a prefix that every reader refuses.
pub(super) fn join(inner: &[u8], control: &[u8]) -> Vec<u8> {
    let size = u32::try_from(inner.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(4 + inner.len() + control.len());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(inner);
    out.extend_from_slice(control);
    out
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameError {
    /// Shorter than the length prefix.
    TooShort,
    /// The prefix promises more than there is.
    Size,
}

/// Splits a frame into inner bytes and control JSON.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let (size, rest) = bytes.split_first_chunk::<4>().ok_or(FrameError::TooShort)?;
    let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| FrameError::Size)?;
    rest.split_at_checked(size).ok_or(FrameError::Size)
}

/// Reads control JSON; `None` when it is not an object, or far too long.
pub(super) fn control(bytes: &[u8]) -> Option<Map<String, Value>> {
    if bytes.len() > MAX_CONTROL {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_bounds() {
        let frame = join(b"inner", b"{}");
        assert_eq!(frame, b"\x05\0\0\0inner{}");
        assert_eq!(split(&frame), Ok((&b"inner"[..], &b"{}"[..])));
        assert_eq!(split(b"\x05\0\0"), Err(FrameError::TooShort));
        assert_eq!(split(b"\x05\0\0\0inne"), Err(FrameError::Size));
        assert_eq!(split(b"\xff\xff\xff\xffinner{}"), Err(FrameError::Size));
        assert_eq!(split(b"\0\0\0\0"), Ok((&b""[..], &b""[..])));
    }

    #[test]
    fn control_is_an_object_of_bounded_size() {
        assert_eq!(control(b"{}").unwrap().len(), 0);
        assert!(control(b"[]").is_none());
        let mut long = b"{}".to_vec();
        long.resize(MAX_CONTROL, b' ');
        assert!(control(&long).is_some());
        long.push(b' ');
        assert!(control(&long).is_none());
    }
}
