//! The recovery password: words of the English list for 16 (or 32) secret bytes
//! (docs/protocol/crypto.md section 2, docs/protocol/client.md section 1.2).
//!
//! | Part | Meaning |
//! |---|---|
//! | word 3i, 3i+1, 3i+2 | bytes 4i to 4i+3 as a little-endian number in a rolling base 1626 |
//! | last word | a copy of one of the others, chosen by CRC-32 over the first three letters of each |
//!
//! Only the first three letters of a word count, in either case. The last word may be left out. It
//! catches eleven of twelve mistakes, no more.

use core::fmt;
use std::sync::LazyLock;

use session_types::ErrorKind;
use zeroize::Zeroizing;

/// Letters of a word that identify it.
pub const PREFIX: usize = 3;

/// How many words the list has.
pub const LIST_LEN: usize = 1626;

const BASE: u32 = 1626;

/// The longest word of the list, and a space.
const LONGEST_AND_SPACE: usize = 13;

/// The list in its order, which is alphabetical.
static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/english.txt").lines().collect());

/// Why words are not a recovery password.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MnemonicError {
    /// A word whose first three letters are not those of any word of the list.
    #[error("word {position} is not in the word list")]
    UnknownWord {
        /// Which word, counted from 1.
        position: usize,
        /// The word as it was given.
        word: Zeroizing<String>,
    },
    /// The last word is not the one that the others call for: some word is wrong.
    #[error("the last word does not fit the others")]
    Checksum {
        /// The place of the last word, counted from 1.
        position: usize,
        /// The word that stands there.
        found: Zeroizing<String>,
    },
    /// Not 12 or 13 words (24 or 25 for a long seed).
    #[error("expected 13 words, found {found}")]
    WordCount {
        /// How many there are.
        found: usize,
    },
    /// Three words that together stand for no number.
    #[error("words {position} to {} do not belong together", position + 2)]
    Combination {
        /// The first of the three, counted from 1.
        position: usize,
    },
}

impl MnemonicError {
    /// Always [`ErrorKind::BadInput`].
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::BadInput
    }
}

impl fmt::Debug for MnemonicError {
    /// Without the words: a mistyped word is still most of a right one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord { position, .. } => f
                .debug_struct("UnknownWord")
                .field("position", position)
                .finish_non_exhaustive(),
            Self::Checksum { position, .. } => f
                .debug_struct("Checksum")
                .field("position", position)
                .finish_non_exhaustive(),
            Self::WordCount { found } => f.debug_struct("WordCount").field("found", found).finish(),
            Self::Combination { position } => f
                .debug_struct("Combination")
                .field("position", position)
                .finish(),
        }
    }
}

/// The 1626 words, alphabetically: for completion while a person types.
#[must_use]
pub fn words() -> &'static [&'static str] {
    &WORDS
}

/// The 13 words for a 16-byte seed.
#[must_use]
pub fn encode(seed: &[u8; 16]) -> Zeroizing<String> {
    encode_groups(seed.as_chunks::<4>().0)
}

/// The 25 words for a 32-byte seed. Apps of today make 16-byte seeds only.
#[must_use]
pub fn encode_long(seed: &[u8; 32]) -> Zeroizing<String> {
    encode_groups(seed.as_chunks::<4>().0)
}

fn encode_groups(groups: &[[u8; 4]]) -> Zeroizing<String> {
    let words = groups.len().saturating_mul(3).saturating_add(1);
    let mut indices = Zeroizing::new(Vec::with_capacity(words));
    for group in groups {
        let value = u32::from_le_bytes(*group);
        let first = value % BASE;
        let second = (value / BASE + first) % BASE;
        let third = (value / (BASE * BASE) + second) % BASE;
        indices.extend([first, second, third]);
    }
    if let Some(&copied) = indices.get(checksum(&indices)) {
        indices.push(copied);
    }
    // Never reallocated, so no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(
        indices.len().saturating_mul(LONGEST_AND_SPACE),
    ));
    for index in indices.iter() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word(*index));
    }
    text
}

/// The secret bytes behind the words: 16, or 32 for a long phrase.
///
/// # Errors
/// [`MnemonicError`], which names the first word that is wrong as far as that can be told.
pub fn decode(phrase: &str) -> Result<Zeroizing<Vec<u8>>, MnemonicError> {
    let found = phrase.split_whitespace().count();
    let (data_words, has_checksum) = match found {
        12 | 24 => (found, false),
        13 => (12, true),
        25 => (24, true),
        _ => return Err(MnemonicError::WordCount { found }),
    };
    let mut indices = Zeroizing::new(Vec::with_capacity(found));
    for (place, given) in phrase.split_whitespace().enumerate() {
        let index = index_of(given).ok_or_else(|| MnemonicError::UnknownWord {
            position: place.saturating_add(1),
            word: Zeroizing::new(given.to_owned()),
        })?;
        indices.push(index);
    }
    let data = indices.get(..data_words).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(data_words / 3 * 4));
    for (place, words) in data.as_chunks::<3>().0.iter().enumerate() {
        let value = number(*words).ok_or(MnemonicError::Combination {
            position: place.saturating_mul(3).saturating_add(1),
        })?;
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    if has_checksum && indices.last() != data.get(checksum(data)) {
        return Err(MnemonicError::Checksum {
            position: found,
            found: Zeroizing::new(
                phrase
                    .split_whitespace()
                    .last()
                    .unwrap_or_default()
                    .to_owned(),
            ),
        });
    }
    Ok(bytes)
}

/// The number that three words stand for, if there is one.
fn number([first, second, third]: [u32; 3]) -> Option<u32> {
    let base = u64::from(BASE);
    let (first, second, third) = (u64::from(first), u64::from(second), u64::from(third));
    let value = first
        + base * ((base - first + second) % base)
        + base * base * ((base - second + third) % base);
    u32::try_from(value).ok()
}

/// Which of the words the last one repeats.
fn checksum(indices: &[u32]) -> usize {
    let mut crc = crc32fast::Hasher::new();
    for index in indices {
        crc.update(word(*index).as_bytes().get(..PREFIX).unwrap_or_default());
    }
    let count = u32::try_from(indices.len()).unwrap_or(u32::MAX).max(1);
    usize::try_from(crc.finalize() % count).unwrap_or_default()
}

fn word(index: u32) -> &'static str {
    usize::try_from(index)
        .ok()
        .and_then(|index| WORDS.get(index))
        .copied()
        .unwrap_or_default()
}

/// The place in the list of the word with the same first letters.
fn index_of(given: &str) -> Option<u32> {
    let prefix = Zeroizing::new(
        given
            .as_bytes()
            .first_chunk::<PREFIX>()?
            .map(|b| b.to_ascii_lowercase()),
    );
    let index = WORDS
        .binary_search_by(|word| {
            word.as_bytes()
                .get(..PREFIX)
                .unwrap_or_default()
                .cmp(prefix.as_slice())
        })
        .ok()?;
    u32::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_is_what_the_format_assumes() {
        assert_eq!(words().len(), LIST_LEN);
        assert_eq!(LIST_LEN, usize::try_from(BASE).unwrap());
        assert!(words().is_sorted());
        assert!(
            words()
                .iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
        );
        assert!(words().iter().all(|word| word.len() < LONGEST_AND_SPACE));
        let prefixes: BTreeSet<_> = words().iter().map(|word| word.get(..PREFIX)).collect();
        assert_eq!(prefixes.len(), LIST_LEN);
        assert_eq!((words()[0], words()[LIST_LEN - 1]), ("abbey", "zoom"));
    }

    #[test]
    fn table_of_the_specification() {
        let table: [(u128, &str); 5] = [
            (
                0,
                "abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey abbey",
            ),
            (
                0x000102030405060708090a0b0c0d0e0f,
                "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed",
            ),
            (
                u128::MAX,
                "foamy solved soggy foamy solved soggy foamy solved soggy foamy solved soggy solved",
            ),
            (
                0x0123456789abcdef0123456789abcdef,
                "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept",
            ),
            (
                0xd9f4e2b13c7a5806a1b2c3d4e5f60718,
                "october ingested bids paddles unsafe vastness unveil always trash depth punch \
                 situated unveil",
            ),
        ];
        for (seed, words) in table {
            let seed = seed.to_be_bytes();
            assert_eq!(encode(&seed).as_str(), words);
            assert_eq!(decode(words).unwrap().as_slice(), seed);
        }
    }

    #[test]
    fn errors_name_the_place() {
        let good =
            "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept";
        let words = |change: &[(usize, &'static str)]| {
            let mut words: Vec<_> = good.split(' ').collect();
            for (place, word) in change {
                words[*place] = word;
            }
            words.join(" ")
        };
        let word = |text: &str| Zeroizing::new(text.to_owned());
        assert_eq!(
            decode(&words(&[(6, "wexed"), (9, "qqq")])),
            Err(MnemonicError::UnknownWord {
                position: 7,
                word: word("wexed")
            })
        );
        for short in ["ve", "é", "vé"] {
            assert_eq!(
                decode(&words(&[(0, short)])),
                Err(MnemonicError::UnknownWord {
                    position: 1,
                    word: word(short)
                })
            );
        }
        assert_eq!(
            decode(&words(&[(12, "voted")])),
            Err(MnemonicError::Checksum {
                position: 13,
                found: word("voted")
            })
        );
        assert_eq!(
            decode("abbey abbey"),
            Err(MnemonicError::WordCount { found: 2 })
        );
        assert_eq!(decode(""), Err(MnemonicError::WordCount { found: 0 }));
        assert_eq!(
            decode(&words(&[(3, "zoom"), (4, "zoom"), (5, "zones")])),
            Err(MnemonicError::Combination { position: 4 })
        );
        assert!(decode(&format!("  {}\n", good.replace(' ', "\t "))).is_ok());
    }

    #[test]
    fn errors_keep_the_words_to_themselves() {
        let unknown = decode(&"zzzsecret ".repeat(13)).unwrap_err();
        assert_eq!(format!("{unknown:?}"), "UnknownWord { position: 1, .. }");
        assert_eq!(unknown.to_string(), "word 1 is not in the word list");
        let checksum = decode(&format!("{}zoom", "abbey ".repeat(12))).unwrap_err();
        assert_eq!(format!("{checksum:?}"), "Checksum { position: 13, .. }");
        assert_eq!(
            checksum.to_string(),
            "the last word does not fit the others"
        );
        let combination = MnemonicError::Combination { position: 4 };
        assert_eq!(
            combination.to_string(),
            "words 4 to 6 do not belong together"
        );
    }
}
