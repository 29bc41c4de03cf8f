//! The beginning of a text, on one line.

use super::Text;

/// Code points of an excerpt.
const LENGTH: usize = 160;

/// The first words of a text: white space becomes single spaces, the rest `…`.
pub(super) fn excerpt(text: &str) -> Text {
    let mut short = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            short.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= LENGTH {
                short.push('…');
                return short.into();
            }
            short.push(c);
            length += 1;
        }
    }
    short.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(excerpt(" a\n\tb  c ").as_str(), "a b c");
        assert_eq!(excerpt("").as_str(), "");
        let long = excerpt(&"ü".repeat(161));
        assert_eq!(long.as_str().chars().count(), 161);
        assert!(long.as_str().ends_with('…'));
        assert!(!excerpt(&"ü".repeat(160)).as_str().ends_with('…'));
        let words = excerpt(&"ab ".repeat(10_000));
        assert!(words.as_str().chars().count() <= 162);
    }
}
