//! What a transfer begins with (docs/protocol/file-server.md sections 5.1 and 5.2).
//!
//! From the client:
//!
//! | Offset | Content |
//! |---|---|
//! | 0 | length n of the dict, 1 to 4 decimal digits, not 0 |
//! | | `:` |
//! | | a bt dict of n bytes |
//!
//! | Dict | `!` | `#` | `s` | `t` |
//! |---|---|---|---|---|
//! | upload | `PUT` | | bytes that follow | seconds to live, may be missing |
//! | download | `GET` | id | | |
//!
//! From the server: before a file `<n>:` and a dict of `s` size, `u` uploaded and `x` expiry;
//! after an upload the dict of `#` id, `u` and `x` alone. Times are whole seconds.

use session_encoding::bt::{self, BtError, DictWriter};

use crate::storage::Record;

/// Most digits of the length.
const MAX_DIGITS: usize = 4;

/// What the client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// To send a file.
    Put {
        /// Its length, if it was stated.
        size: Option<u64>,
        /// For how many seconds it is to be kept.
        ttl: Option<u64>,
    },
    /// To have a file.
    Get {
        /// Its name, as it was sent.
        id: Vec<u8>,
    },
}

/// Why there is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockError {
    /// It cannot be read.
    Malformed,
    /// It is none of the two.
    Unknown,
}

/// The dict at the beginning and how many bytes it takes with its length; nothing while it is not
/// complete.
pub(super) fn split(arrived: &[u8]) -> Result<Option<(&[u8], usize)>, BlockError> {
    let digits = arrived
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let end = match arrived.get(digits) {
        _ if digits > MAX_DIGITS => return Err(BlockError::Malformed),
        None => return Ok(None),
        Some(end) => end,
    };
    let length = arrived.iter().take(digits).fold(0usize, |length, digit| {
        length * 10 + usize::from(digit.saturating_sub(b'0'))
    });
    if *end != b':' || length == 0 {
        return Err(BlockError::Malformed);
    }
    let start = digits + 1;
    Ok(arrived
        .get(start..start + length)
        .map(|dict| (dict, start + length)))
}

impl Command {
    /// Reads the dict.
    pub(super) fn read(dict: &[u8]) -> Result<Self, BlockError> {
        let malformed = |_: BtError| BlockError::Malformed;
        let dict = bt::parse_lenient(dict).map_err(malformed)?;
        if dict.as_dict().is_none() {
            return Err(BlockError::Malformed);
        }
        let number = |key: &str| match dict.get(key) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(BlockError::Malformed),
        };
        let name = dict.get("!").and_then(|name| name.as_bytes());
        match name.ok_or(BlockError::Malformed)? {
            b"PUT" => Ok(Self::Put {
                size: number("s")?,
                ttl: number("t")?,
            }),
            b"GET" => {
                let id = dict.get("#").and_then(|id| id.as_bytes());
                let id = id.ok_or(BlockError::Malformed)?.to_vec();
                Ok(Self::Get { id })
            }
            _ => Err(BlockError::Unknown),
        }
    }
}

/// What is said after an upload, and about a file whose life was extended.
pub(super) fn kept(record: &Record) -> Result<Vec<u8>, BtError> {
    let mut dict = DictWriter::new();
    dict.bytes("#", record.id.to_string())?
        .uint("u", record.uploaded.as_secs())?
        .uint("x", record.expires.as_secs())?;
    Ok(dict.finish())
}

/// What is said before a file.
pub(super) fn before(record: &Record) -> Result<Vec<u8>, BtError> {
    let mut dict = DictWriter::new();
    dict.uint("s", record.size)?
        .uint("u", record.uploaded.as_secs())?
        .uint("x", record.expires.as_secs())?;
    let dict = dict.finish();
    let mut block = format!("{}:", dict.len()).into_bytes();
    block.extend_from_slice(&dict);
    Ok(block)
}

/// What is said about a file.
pub(super) fn info(record: &Record) -> Result<Vec<u8>, BtError> {
    let mut dict = DictWriter::new();
    dict.bytes("#", record.id.to_string())?
        .uint("s", record.size)?
        .uint("u", record.uploaded.as_secs())?
        .uint("x", record.expires.as_secs())?;
    Ok(dict.finish())
}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;
    use session_types::Timestamp;

    use super::*;

    fn command(block: &[u8]) -> Result<Option<(Command, usize)>, BlockError> {
        let Some((dict, used)) = split(block)? else {
            return Ok(None);
        };
        Ok(Some((Command::read(dict)?, used)))
    }

    #[test]
    fn commands_are_read_and_whatever_follows_is_left() {
        let put = b"24:d1:!3:PUT1:si13e1:ti60eehello";
        let whole = Command::Put {
            size: Some(13),
            ttl: Some(60),
        };
        assert_eq!(command(put), Ok(Some((whole, 27))));
        for end in 0..27 {
            assert_eq!(command(&put[..end]), Ok(None), "{end}");
        }
        let without = Command::Put {
            size: None,
            ttl: None,
        };
        assert_eq!(command(b"0010:d1:!3:PUTe"), Ok(Some((without, 15))));
        let get = Command::Get { id: b"7".to_vec() };
        assert_eq!(command(b"16:d1:#1:71:!3:GETe"), Ok(Some((get, 19))));
    }

    #[test]
    fn anything_else_is_told_apart() {
        for block in [
            &b":d1:!3:PUTe"[..],
            b"x",
            b"0:",
            b"00000",
            b"99999",
            b"2x",
            b"2:dd",
            b"2:le",
            b"2:de",
            b"10:d1:!3:GETe",
            b"15:d1:#i7e1:!3:GETe",
            b"15:d1:!3:PUT1:s1:1e",
            b"17:d1:!3:PUT1:si-1ee",
        ] {
            assert!(
                matches!(command(block), Err(BlockError::Malformed)),
                "{}",
                String::from_utf8_lossy(block)
            );
        }
        assert_eq!(command(b"13:d1:!6:DELETEe"), Err(BlockError::Unknown));
    }

    #[test]
    fn no_bytes_do_harm() {
        let mut rng = rand::rng();
        let mut bytes = [0; 64];
        for _ in 0..20_000 {
            rng.fill_bytes(&mut bytes);
            for (byte, likely) in bytes.iter_mut().zip(b"20:d1:!3:PUT1:si13e1:tiee") {
                if !rng.next_u32().is_multiple_of(8) {
                    *byte = *likely;
                }
            }
            let _ = command(&bytes);
        }
    }

    #[test]
    fn answers_of_the_specification() {
        let record = Record {
            id: "7".parse().unwrap(),
            size: 13,
            uploaded: Timestamp::from_ms(1_700_000_000_999),
            expires: Timestamp::from_ms(1_700_000_060_000),
        };
        assert_eq!(
            kept(&record).unwrap(),
            b"d1:#1:71:ui1700000000e1:xi1700000060ee"
        );
        assert_eq!(
            before(&record).unwrap(),
            b"39:d1:si13e1:ui1700000000e1:xi1700000060ee"
        );
        assert_eq!(
            info(&record).unwrap(),
            b"d1:#1:71:si13e1:ui1700000000e1:xi1700000060ee"
        );
    }
}
