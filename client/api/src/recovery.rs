//! What is known of the words of a Recovery Password while they are typed, and of a code that was
//! scanned instead.

use data_encoding::HEXLOWER_PERMISSIVE;
use session_encoding::mnemonic::{decode, encode, encode_long, words};
use session_types::AccountId;
use zeroize::Zeroizing;

/// Letters by which a word is known.
const PREFIX: usize = 3;
/// Words that are looked at; no Recovery Password has so many.
const MOST_WORDS: usize = 32;
/// Letters that are looked at; no word has so many.
const MOST_LETTERS: usize = 24;
/// Words that may be meant.
const MOST_MEANT: usize = 3;
/// Wrong letters that a word may have to be meant.
const MOST_WRONG: usize = 2;

/// What is known.
pub(crate) struct Known {
    /// The word of the list each stands for, else those that may be meant.
    pub(crate) words: Vec<(Option<&'static str>, Vec<&'static str>)>,
    /// Whether there are as many as a Recovery Password has.
    pub(crate) complete: bool,
    /// Whether they are one.
    pub(crate) valid: bool,
}

/// What the text of a QR code is.
pub(crate) enum Held {
    /// A Recovery Password: its words.
    Words(Zeroizing<String>),
    AccountId,
    Link,
    Other,
}

/// Clients on phones show the seed in hexadecimal digits and read the words as well.
pub(crate) fn held(text: &str) -> Held {
    let text = text.trim();
    let begins = |scheme: &str| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if let Some(words) = seed_of(text).and_then(|seed| words_for(&seed)) {
        Held::Words(words)
    } else if text.parse::<AccountId>().is_ok() {
        Held::AccountId
    } else if begins("https://") || begins("http://") {
        Held::Link
    } else {
        Held::Other
    }
}

/// The seed in digits or words: of 16 bytes, or of 32 for an account made from so many.
fn seed_of(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if matches!(text.len(), 32 | 64) {
        // Decoded in place, so no copy stays behind.
        let mut seed = Zeroizing::new(vec![0; text.len() / 2]);
        let digits = HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut seed);
        if digits.is_ok() {
            return Some(seed);
        }
    }
    complete(text.split_whitespace().count())
        .then(|| decode(text).ok())
        .flatten()
}

fn words_for(seed: &[u8]) -> Option<Zeroizing<String>> {
    if let Ok(seed) = seed.try_into() {
        return Some(encode(seed));
    }
    let seed: &[u8; 32] = seed.try_into().ok()?;
    // A short seed that was filled up is the same account.
    let (short, rest) = seed.split_first_chunk::<16>()?;
    let filled_up = rest.iter().all(|byte| *byte == 0);
    Some(if filled_up {
        encode(short)
    } else {
        encode_long(seed)
    })
}

/// Whether a Recovery Password has so many words. Without the last one, which checks the others,
/// nothing says that they are right.
fn complete(words: usize) -> bool {
    matches!(words, 13 | 25)
}

pub(crate) fn known(text: &str) -> Known {
    let typed: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
    let looked_up = typed.iter().map(|given| {
        let word = word_of(given);
        (
            word,
            if word.is_none() {
                meant(given)
            } else {
                Vec::new()
            },
        )
    });
    Known {
        words: looked_up.collect(),
        complete: complete(typed.len()),
        valid: complete(typed.len()) && decode(text).is_ok(),
    }
}

/// The word with the same first letters.
fn word_of(given: &str) -> Option<&'static str> {
    let prefix = given.get(..PREFIX)?.to_ascii_lowercase();
    words()
        .iter()
        .find(|word| word.starts_with(&prefix))
        .copied()
}

/// Words that begin so, else those that are nearly the same.
fn meant(given: &str) -> Vec<&'static str> {
    let given: Vec<char> = given.to_lowercase().chars().take(MOST_LETTERS).collect();
    let begins: String = given.iter().collect();
    let mut found: Vec<(usize, &'static str)> = words()
        .iter()
        .filter_map(|word| {
            if word.starts_with(&begins) {
                return Some((0, *word));
            }
            let wrong = distance(&given, word);
            (wrong <= MOST_WRONG).then_some((wrong, *word))
        })
        .collect();
    found.sort_unstable();
    found
        .into_iter()
        .take(MOST_MEANT)
        .map(|(_, word)| word)
        .collect()
}

/// How many letters have to be changed, added or left out (Levenshtein).
fn distance(given: &[char], word: &str) -> usize {
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (line, letter) in word.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (own, at) in given.iter().zip(1..) {
            let Some(cell) = row.get_mut(at) else { break };
            let changed = diagonal + usize::from(*own != letter);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "0123456789abcdef0123456789abcdef";
    const WORDS: &str =
        "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept";

    /// The words of a code that is a Recovery Password.
    fn restored(text: &str) -> Option<Zeroizing<String>> {
        match held(text) {
            Held::Words(words) => Some(words),
            Held::AccountId | Held::Link | Held::Other => None,
        }
    }

    #[test]
    fn a_code_is_a_recovery_password_in_digits_or_words() {
        let short: String = WORDS
            .split(' ')
            .map(|word| format!("{}\n", word.get(..3).unwrap()))
            .collect();
        let filled_up = format!("{SEED}{}", "0".repeat(32));
        for text in [
            SEED,
            &SEED.to_uppercase(),
            &format!(" {SEED}\n"),
            WORDS,
            &WORDS.to_uppercase(),
            &short,
            &filled_up,
        ] {
            assert_eq!(
                restored(text).as_deref().map(String::as_str),
                Some(WORDS),
                "{text}"
            );
        }
        let long = encode_long(&[7; 32]);
        for text in ["07".repeat(32), long.to_string()] {
            assert_eq!(restored(&text), Some(long.clone()), "{text}");
        }
    }

    #[test]
    fn other_codes_are_none() {
        let id = format!("05{}", "ab".repeat(32));
        assert!(matches!(held(&id), Held::AccountId));
        assert!(matches!(
            held(&format!(" {}", id.to_uppercase())),
            Held::AccountId
        ));
        assert!(matches!(held("https://example.org/"), Held::Link));
        assert!(matches!(
            held("HTTP://example.org/room?public_key=00"),
            Held::Link
        ));
        let twelve = WORDS.rsplit_once(' ').unwrap().0;
        let wrong = WORDS.replace("pigment", "films");
        let umlauts = "ü".repeat(16);
        for text in [
            "",
            "Anna",
            "httpsü://",
            SEED.strip_prefix('0').unwrap(),
            &format!("{SEED}00"),
            &SEED.replace('a', "g"),
            &umlauts,
            twelve,
            &wrong,
            &"x ".repeat(100_000),
        ] {
            assert!(matches!(held(text), Held::Other), "{text}");
        }
    }

    #[test]
    fn letters_are_counted() {
        for (given, word, wrong) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("kitten", "sitting", 3),
            ("xabc", "abc", 1),
            ("ac", "abc", 1),
        ] {
            let letters: Vec<char> = given.chars().collect();
            assert_eq!(distance(&letters, word), wrong, "{given} {word}");
        }
    }

    #[test]
    fn words_are_known_as_they_are_typed() {
        let phrase = encode(&[7; 16]);
        let all = known(&phrase);
        assert!(all.complete && all.valid);
        assert!(
            all.words
                .iter()
                .all(|(word, meant)| word.is_some() && meant.is_empty())
        );
        let typed: Vec<&str> = phrase.split(' ').collect();
        let most = known(&typed[..12].join(" "));
        assert!(!most.complete && !most.valid);
        let mut swapped = typed.clone();
        swapped.swap(0, 4);
        let wrong = known(&swapped.join("\n"));
        assert!(wrong.complete && (typed[0] == typed[4] || !wrong.valid));

        let some = known("ABBEY zo xbbey zzzzzz ü");
        let word = |at: usize| some.words[at].0;
        let meant = |at: usize| &some.words[at].1;
        assert_eq!(word(0), Some("abbey"));
        assert!(word(1).is_none() && meant(1).iter().all(|word| word.starts_with("zo")));
        assert!(!meant(1).is_empty() && meant(2).contains(&"abbey"));
        assert!(word(3).is_none() && meant(3).is_empty());
        assert!(word(4).is_none());
        assert_eq!(known("").words.len(), 0);
        assert_eq!(known(&"a ".repeat(1000)).words.len(), MOST_WORDS);
    }
}
