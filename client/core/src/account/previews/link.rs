//! Links in texts.

use url::Url;

/// What may stand before a link without being a part of it.
const OPENING: &[char] = &['(', '[', '{', '<', '"', '\'', '“', '‘', '«', '„'];
/// What ends a sentence, and is no part of a link at its end.
const CLOSING: &[char] = &['.', ',', ';', ':', '!', '?', '"', '\'', '”', '’', '»', '>'];

/// The first link of a text, as it is written there.
pub(super) fn first(text: &str) -> Option<(&str, Url)> {
    text.split_whitespace().find_map(link)
}

fn link(word: &str) -> Option<(&str, Url)> {
    let word = word.trim_start_matches(OPENING);
    let scheme = word.split_once("://").map(|(scheme, _)| scheme)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let word = without_end(word);
    let url = Url::parse(word).ok()?;
    (!mixes_scripts(word)).then_some((word, url))
}

/// Without what belongs to the sentence around it: a bracket that was not opened in it, and marks.
fn without_end(mut word: &str) -> &str {
    loop {
        let shorter = word.trim_end_matches(CLOSING);
        let shorter = [('(', ')'), ('[', ']'), ('{', '}')].into_iter().fold(
            shorter,
            |word, (open, close)| match word.strip_suffix(close) {
                Some(before) if word.matches(open).count() < word.matches(close).count() => before,
                _ => word,
            },
        );
        if shorter.len() == word.len() {
            return word;
        }
        word = shorter;
    }
}

/// Whether the host is written in letters of which some are ASCII and some are not: it may look
/// like another one.
fn mixes_scripts(link: &str) -> bool {
    let after = link.split_once("://").map_or(link, |(_, rest)| rest);
    let host = after
        .split(['/', '?', '#', '\\'])
        .next()
        .unwrap_or_default();
    let letters = || host.chars().filter(|c| c.is_alphabetic());
    // The last label is ASCII in most addresses of other scripts.
    let ascii = |part: &str| part.chars().any(|c| c.is_ascii_alphabetic());
    letters().any(|c| !c.is_ascii()) && host.rsplit_once('.').is_none_or(|(name, _)| ascii(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_of_a_text() {
        for (text, link) in [
            ("", None),
            ("no link, no http", None),
            ("ftp://a.example mailto:a@b.example //x", None),
            ("look: https://a.example.", Some("https://a.example")),
            (
                "(https://a.example/b_(c)), yes",
                Some("https://a.example/b_(c)"),
            ),
            ("(see https://a.example/b)", Some("https://a.example/b")),
            ("«https://a.example/?q=1»!", Some("https://a.example/?q=1")),
            (
                "HTTPS://A.example/X and https://b.example",
                Some("HTTPS://A.example/X"),
            ),
            (
                "http://a.example\nhttps://b.example",
                Some("http://a.example"),
            ),
            ("https:// https://b.example", Some("https://b.example")),
            ("https://пример.рф/x", Some("https://пример.рф/x")),
            ("https://пример.org/x", Some("https://пример.org/x")),
            (
                "https://аpple.com/ but https://b.example",
                Some("https://b.example"),
            ),
            ("https://bücher.example/", None),
        ] {
            assert_eq!(first(text).map(|(link, _)| link), link, "{text}");
        }
    }
}
