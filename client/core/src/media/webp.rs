//! WebP: a RIFF of chunks, of name, length and content.

use super::bytes_at;

/// What pixels, colours and movement need.
const KEPT: [&[u8; 4]; 7] = [
    b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP",
];
/// Marks of the extended header for what is taken out: EXIF and XMP.
const TAKEN_OUT: u8 = 0b0000_1100;

/// The same pixels without anything else. `None` when it is no whole WebP.
pub(super) fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(u32::from_le_bytes(bytes_at(bytes, 4)?)).ok()?;
    if &bytes_at::<4>(bytes, 0)? != b"RIFF" || &bytes_at::<4>(bytes, 8)? != b"WEBP" {
        return None;
    }
    let mut rest = bytes.get(12..length.checked_add(8)?)?;
    let mut body = Vec::with_capacity(bytes.len());
    while !rest.is_empty() {
        let name: [u8; 4] = bytes_at(rest, 0)?;
        let length = usize::try_from(u32::from_le_bytes(bytes_at(rest, 4)?)).ok()?;
        let padded = length.checked_add(8 + length % 2)?;
        let (chunk, after) = rest.split_at_checked(padded)?;
        rest = after;
        if !KEPT.contains(&&name) {
            continue;
        }
        let start = body.len();
        body.extend_from_slice(chunk);
        if &name == b"VP8X"
            && let Some(flags) = body.get_mut(start + 8)
        {
            *flags &= !TAKEN_OUT;
        }
    }
    let mut out = Vec::with_capacity(body.len() + 12);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&u32::try_from(body.len() + 4).ok()?.to_le_bytes());
    out.extend_from_slice(b"WEBP");
    out.extend_from_slice(&body);
    Some(out)
}
