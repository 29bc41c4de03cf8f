//! What is known of the words of a Recovery Password while they are typed.

use session_encoding::mnemonic::{decode, words};

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
        // Without the last word, which checks the others, nothing says that they are right.
        complete: matches!(typed.len(), 13 | 25),
        valid: matches!(typed.len(), 13 | 25) && decode(text).is_ok(),
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
        let phrase = session_encoding::mnemonic::encode(&[7; 16]);
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
