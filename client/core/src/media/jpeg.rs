//! JPEG: segments that begin with FF and a mark, and pixels between them.

use super::bytes_at;

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
/// JFIF, and its preview.
const APP0: u8 = 0xe0;
/// Colours, among others.
const APP2: u8 = 0xe2;
/// How colours are stored; without it some come out wrong.
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;

/// The same pixels without anything else. `None` when it is no whole JPEG.
pub(super) fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes_at(bytes, 0)? != [0xff, START] {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&[0xff, START]);
    let mut at = 2;
    loop {
        let [0xff, mark] = bytes_at(bytes, at)? else {
            return None;
        };
        match mark {
            // Filling.
            0xff => {
                at += 1;
                continue;
            }
            END => {
                // What follows is not the picture: previews, films, or somebody's secrets.
                out.extend_from_slice(&[0xff, END]);
                return Some(out);
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(bytes_at(bytes, at + 2)?));
        let end = at + 2 + length;
        let segment = bytes.get(at..end).filter(|_| length >= 2)?;
        if is_kept(mark, segment.get(4..).unwrap_or_default()) {
            out.extend_from_slice(segment);
        }
        at = end;
        if mark == SCAN {
            let pixels = pixels(bytes.get(at..)?)?;
            out.extend_from_slice(pixels);
            at += pixels.len();
        }
    }
}

fn is_kept(mark: u8, content: &[u8]) -> bool {
    match mark {
        APP0 => content.starts_with(b"JFIF\0"),
        APP2 => content.starts_with(b"ICC_PROFILE\0"),
        APP14 => content.starts_with(b"Adobe"),
        APP0..=APP15 | COMMENT => false,
        _ => true,
    }
}

/// What lies before the next segment. Within pixels an FF is followed by 0 or a restart mark.
fn pixels(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            0 | 0xd0..=0xd7 => at += 2,
            _ => return bytes.get(..at),
        }
    }
}
