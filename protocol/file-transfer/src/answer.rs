//! What a server says about a file.
//!
//! | Answer | Form | `#` | `s` | `u` | `x` |
//! |---|---|---|---|---|---|
//! | [`Head`], before a download | dict with its length before it | | size | uploaded | expires |
//! | [`Kept`], after an upload or an extension | dict | id | | uploaded | expires |
//! | [`Info`] | dict | id | size | uploaded | expires |
//!
//! Times are whole seconds.

use session_encoding::bt::{Bt, Value};

use crate::BlockError;
use crate::block::{dict, joined, number};

/// When a file was uploaded and when it will be gone, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `u`
    pub uploaded: u64,
    /// `x`
    pub expires: u64,
}

impl Times {
    fn entries(self) -> [(&'static str, Bt); 2] {
        [("u", self.uploaded.into()), ("x", self.expires.into())]
    }

    fn read(dict: &Value<'_>) -> Result<Option<Self>, BlockError> {
        let times = (number(dict, "u")?, number(dict, "x")?);
        Ok(match times {
            (Some(uploaded), Some(expires)) => Some(Self { uploaded, expires }),
            _ => None,
        })
    }
}

/// Stands before a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many bytes follow.
    pub size: u64,
    /// A server states them; nobody needs them for the file.
    pub times: Option<Times>,
}

impl Head {
    /// The dict with its length before it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut entries = vec![("s", self.size.into())];
        entries.extend(self.times.into_iter().flat_map(Times::entries));
        joined(&Bt::dict(entries))
    }

    /// Reads the dict that [`split`](crate::split) has found.
    ///
    /// # Errors
    /// [`BlockError::Malformed`], also without a size.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let dict = dict(bytes)?;
        Ok(Self {
            size: number(&dict, "s")?.ok_or(BlockError::Malformed)?,
            times: Times::read(&dict)?,
        })
    }
}

/// Said after an upload, and about a file whose life was extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The name the file has.
    pub id: String,
    /// A server states them; nobody needs them to find the file.
    pub times: Option<Times>,
}

impl Kept {
    /// The dict alone.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut entries = vec![("#", self.id.as_str().into())];
        entries.extend(self.times.into_iter().flat_map(Times::entries));
        Bt::dict(entries).encode()
    }

    /// Reads the dict.
    ///
    /// # Errors
    /// [`BlockError::Malformed`], also without a name that is text.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let dict = dict(bytes)?;
        let id = dict.get("#").and_then(|id| id.as_str());
        Ok(Self {
            id: id.ok_or(BlockError::Malformed)?.to_owned(),
            times: Times::read(&dict)?,
        })
    }
}

/// Said about a file that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub id: String,
    /// Its length.
    pub size: u64,
    /// Its times.
    pub times: Times,
}

impl Info {
    /// The dict alone.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [uploaded, expires] = self.times.entries();
        let id = ("#", Bt::from(self.id.as_str()));
        Bt::dict([id, ("s", self.size.into()), uploaded, expires]).encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split;

    const TIMES: Times = Times {
        uploaded: 1_700_000_000,
        expires: 1_700_000_060,
    };

    fn head(answer: &[u8]) -> Result<Option<(Head, usize)>, BlockError> {
        let Some((dict, used)) = split(answer)? else {
            return Ok(None);
        };
        Ok(Some((Head::read(dict)?, used)))
    }

    #[test]
    fn answers_of_the_specification() {
        let kept = Kept {
            id: "7".to_owned(),
            times: Some(TIMES),
        };
        let bytes = b"d1:#1:71:ui1700000000e1:xi1700000060ee";
        assert_eq!(kept.encode(), bytes);
        assert_eq!(Kept::read(bytes), Ok(kept));
        let head = Head {
            size: 13,
            times: Some(TIMES),
        };
        assert_eq!(head.encode(), b"39:d1:si13e1:ui1700000000e1:xi1700000060ee");
        let info = Info {
            id: "7".to_owned(),
            size: 13,
            times: TIMES,
        };
        assert_eq!(
            info.encode(),
            b"d1:#1:71:si13e1:ui1700000000e1:xi1700000060ee"
        );
    }

    #[test]
    fn beginnings_of_answers() {
        let whole = b"39:d1:si13e1:ui1700000000e1:xi1700000060eehello";
        let known = Head {
            size: 13,
            times: Some(TIMES),
        };
        assert_eq!(head(whole), Ok(Some((known, 42))));
        for end in 0..42 {
            assert_eq!(head(&whole[..end]), Ok(None), "{end}");
        }
        let brief = Head {
            size: 13,
            times: None,
        };
        assert_eq!(head(b"9:d1:si13ee"), Ok(Some((brief, 11))));
        for bad in [
            &b":de"[..],
            b"x",
            b"12345:",
            b"2;de",
            b"2:de",
            b"8:d1:s1:xe",
            b"9:d1:si-1ee",
        ] {
            assert_eq!(head(bad), Err(BlockError::Malformed), "{bad:?}");
        }
        for bad in [&b"de"[..], b"d1:#i7ee", b"7", b"d1:#1:\xffe"] {
            assert_eq!(Kept::read(bad), Err(BlockError::Malformed), "{bad:?}");
        }
    }
}
