//! What a stream begins with.
//!
//! | Dict | `!` | `#` | `s` | `t` |
//! |---|---|---|---|---|
//! | upload | `PUT` | | bytes that follow | seconds to live, may be missing |
//! | download | `GET` | id | | |

use session_encoding::bt::Bt;

use crate::BlockError;
use crate::block::{dict, joined, number};

/// What the client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
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

impl Command {
    /// The dict with its length before it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        joined(&match self {
            Self::Put { size, ttl } => {
                let mut entries = vec![("!", Bt::from("PUT"))];
                entries.extend(size.map(|size| ("s", size.into())));
                entries.extend(ttl.map(|ttl| ("t", ttl.into())));
                Bt::dict(entries)
            }
            Self::Get { id } => Bt::dict([("!", Bt::from("GET")), ("#", Bt::bytes(id))]),
        })
    }

    /// Reads the dict that [`split`](crate::split) has found.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let dict = dict(bytes)?;
        let name = dict.get("!").and_then(|name| name.as_bytes());
        match name.ok_or(BlockError::Malformed)? {
            b"PUT" => Ok(Self::Put {
                size: number(&dict, "s")?,
                ttl: number(&dict, "t")?,
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

#[cfg(test)]
mod tests {
    use rand::{Rng as _, RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::split;

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
        assert_eq!(command(put), Ok(Some((whole.clone(), 27))));
        assert_eq!(whole.encode(), put[..27]);
        for end in 0..27 {
            assert_eq!(command(&put[..end]), Ok(None), "{end}");
        }
        let without = Command::Put {
            size: None,
            ttl: None,
        };
        assert_eq!(command(b"0010:d1:!3:PUTe"), Ok(Some((without.clone(), 15))));
        assert_eq!(without.encode(), b"10:d1:!3:PUTe");
        let get = Command::Get { id: b"7".to_vec() };
        assert_eq!(
            command(b"16:d1:#1:71:!3:GETe"),
            Ok(Some((get.clone(), 19))),
            "keys in any order"
        );
        assert_eq!(get.encode(), b"16:d1:!3:GET1:#1:7e");
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
        let mut rng = ChaCha20Rng::seed_from_u64(13);
        let mut bytes = [0; 64];
        for _ in 0..20_000 {
            rng.fill_bytes(&mut bytes);
            for (byte, likely) in bytes.iter_mut().zip(b"20:d1:!3:PUT1:si13e1:tiee") {
                if !rng.random_ratio(1, 8) {
                    *byte = *likely;
                }
            }
            let _ = command(&bytes);
        }
    }
}
