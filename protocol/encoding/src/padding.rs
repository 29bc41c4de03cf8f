//! Padding of message content before encryption (docs/protocol/crypto.md section 5.4): one 0x80,
//! then zeros up to a multiple of 160, so that a ciphertext tells the length in steps only.

/// Padded content is a multiple of this.
pub const BLOCK: usize = 160;

const MARKER: u8 = 0x80;

/// Appends 0x80 and zeros. The result is ⌊(n + 1) / 160⌋ · 160 + 160 bytes long: a full block more
/// when n + 1 is itself a multiple of 160.
#[must_use]
pub fn pad(content: &[u8]) -> Vec<u8> {
    let padded = (content.len().saturating_add(1) / BLOCK)
        .saturating_add(1)
        .saturating_mul(BLOCK);
    let mut out = Vec::with_capacity(padded);
    out.extend_from_slice(content);
    out.push(MARKER);
    out.resize(padded, 0);
    out
}

/// Strips trailing zeros and then one 0x80. Content that was not padded is taken as it is, without
/// the zeros, as every client does; any length is accepted.
#[must_use]
pub fn unpad(padded: &[u8]) -> &[u8] {
    let content = strip_zeros(padded);
    content.strip_suffix(&[MARKER]).unwrap_or(content)
}

/// Strips trailing zeros only.
#[must_use]
pub fn strip_zeros(padded: &[u8]) -> &[u8] {
    let end = padded
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last.saturating_add(1));
    padded.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (n, padded) in [
            (0, 160),
            (158, 160),
            (159, 320),
            (160, 320),
            (318, 320),
            (319, 480),
        ] {
            assert_eq!(pad(&vec![1; n]).len(), padded, "{n}");
        }
    }

    #[test]
    fn zeros_and_markers_inside_content_survive() {
        for content in [&b""[..], b"\x80", b"\x00", b"a\x80\x00\x80", b"a\x00\x00"] {
            assert_eq!(unpad(&pad(content)), content);
        }
    }
}
