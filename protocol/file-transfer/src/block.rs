//! A dict with its length before it.
//!
//! | Offset | Content |
//! |---|---|
//! | 0 | length n of the dict, 1 to 4 decimal digits, not 0 |
//! | | `:` |
//! | | a bt dict of n bytes |

use session_encoding::bt::{self, Bt, BtError, Value};

/// Most digits of the length.
const MAX_DIGITS: usize = 4;

/// The longest there can be: four digits, a colon, and as much as they can say.
pub const LONGEST_BLOCK: usize = MAX_DIGITS + 1 + 9999;

/// Why what came cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It cannot be read.
    #[error("the beginning of the transfer cannot be read")]
    Malformed,
    /// It is none of the commands there are.
    #[error("unknown command")]
    Unknown,
}

impl From<BtError> for BlockError {
    fn from(_: BtError) -> Self {
        Self::Malformed
    }
}

/// The dict at the beginning and how many bytes it takes with its length; nothing while it is not
/// complete.
///
/// # Errors
/// [`BlockError::Malformed`] as soon as it cannot become one.
pub fn split(arrived: &[u8]) -> Result<Option<(&[u8], usize)>, BlockError> {
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

/// The dict with its length before it.
pub(crate) fn joined(dict: &Bt) -> Vec<u8> {
    let dict = dict.encode();
    let mut block = format!("{}:", dict.len()).into_bytes();
    block.extend_from_slice(&dict);
    block
}

/// Reads a dict and nothing else.
pub(crate) fn dict(bytes: &[u8]) -> Result<Value<'_>, BlockError> {
    let dict = bt::parse_lenient(bytes)?;
    match dict.as_dict() {
        Some(_) => Ok(dict),
        None => Err(BlockError::Malformed),
    }
}

/// A number that may be missing, but not be something else.
pub(crate) fn number(dict: &Value<'_>, key: &str) -> Result<Option<u64>, BlockError> {
    match dict.get(key) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(BlockError::Malformed),
    }
}
