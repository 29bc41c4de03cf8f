//! GIF: blocks, most of them of sub-blocks that say how long they are.

use super::bytes_at;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
/// How long a frame is shown, and what shines through.
const GRAPHICS: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

/// The same pixels without anything else. `None` when it is no whole GIF.
pub(super) fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = 13 + palette(*bytes.get(10)?);
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..head)?);
    if !bytes.starts_with(b"GIF8") {
        return None;
    }
    let mut at = head;
    loop {
        let end = match *bytes.get(at)? {
            TRAILER => {
                out.push(TRAILER);
                return Some(out);
            }
            EXTENSION => {
                let label = *bytes.get(at + 1)?;
                let end = sub_blocks(bytes, at + 2)?;
                // How often it is repeated is the only thing a program may say.
                let repeats = label == APPLICATION
                    && matches!(
                        &bytes_at::<11>(bytes, at + 3)?,
                        b"NETSCAPE2.0" | b"ANIMEXTS1.0"
                    );
                if label != GRAPHICS && !repeats {
                    at = end;
                    continue;
                }
                end
            }
            IMAGE => {
                let palette = palette(*bytes.get(at + 9)?);
                sub_blocks(bytes, at + 10 + palette + 1)?
            }
            _ => return None,
        };
        out.extend_from_slice(bytes.get(at..end)?);
        at = end;
    }
}

/// How long the colours are that these marks announce.
fn palette(marks: u8) -> usize {
    if marks & 0x80 == 0 {
        0
    } else {
        3 << ((marks & 7) + 1)
    }
}

/// Where the sub-blocks from `at` end.
fn sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
