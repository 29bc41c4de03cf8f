//! PNG: chunks of length, name, content and checksum.

use super::bytes_at;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What pixels, colours and movement need.
const KEPT: [&[u8; 4]; 16] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"bKGD",
];

/// The same pixels without anything else. `None` when it is no whole PNG.
pub(super) fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(SIGNATURE);
    loop {
        let length = usize::try_from(u32::from_be_bytes(bytes_at(rest, 0)?)).ok()?;
        let name: [u8; 4] = bytes_at(rest, 4)?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        if KEPT.contains(&&name) {
            out.extend_from_slice(chunk);
        }
        if &name == b"IEND" {
            return Some(out);
        }
        rest = after;
    }
}
