//! What the parts of a text are: words, people, addresses.

use std::str::FromStr as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_types::AccountId;

use super::Text;
use super::schema::AccountIdText;

/// Hexadecimal digits of an account id.
const ID_DIGITS: usize = 66;

/// One part of a text. All parts together are the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Span {
    /// Words.
    Text {
        /// As written.
        text: Text,
    },
    /// Somebody is named: `@` and an account id in the text.
    Mention {
        /// Who.
        #[schemars(with = "AccountIdText")]
        id: AccountId,
        /// What to call them.
        name: Text,
        /// Whether it is the user.
        me: bool,
    },
    /// An address of the web. Shown as it is written, so that nobody is led astray.
    Link {
        /// The address.
        url: Text,
    },
}

/// Takes a text apart. `person` tells what somebody is called, and whether it is the user.
pub fn spans(text: &str, mut person: impl FnMut(&AccountId) -> (Text, bool)) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let mut previous = None;
    while let Some(c) = rest.chars().next() {
        let boundary = previous.is_none_or(|c: char| !c.is_alphanumeric());
        let found = match c {
            '@' => mention(rest).map(|(id, length)| {
                let (name, me) = person(&id);
                (Span::Mention { id, name, me }, length)
            }),
            'h' | 'H' if boundary => link(rest).map(|url| {
                let length = url.len();
                (Span::Link { url: url.into() }, length)
            }),
            _ => None,
        };
        let length = match found {
            Some((span, length)) => {
                flush(&mut spans, &mut plain);
                spans.push(span);
                length
            }
            None => {
                plain.push(c);
                c.len_utf8()
            }
        };
        let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        previous = taken.chars().next_back();
        rest = left;
    }
    flush(&mut spans, &mut plain);
    spans
}

/// Everybody a text names.
pub(super) fn mentioned(text: &str) -> Vec<AccountId> {
    text.match_indices('@')
        .filter_map(|(at, _)| mention(text.get(at..)?))
        .map(|(id, _)| id)
        .collect()
}

fn flush(spans: &mut Vec<Span>, plain: &mut String) {
    if !plain.is_empty() {
        spans.push(Span::Text {
            text: core::mem::take(plain).into(),
        });
    }
}

/// The account id after the `@` at the beginning, and the length of both.
fn mention(text: &str) -> Option<(AccountId, usize)> {
    let length = 1 + ID_DIGITS;
    let digits = text.get(1..length)?;
    let next = text.get(length..)?.chars().next();
    if next.is_some_and(char::is_alphanumeric) {
        return None;
    }
    Some((AccountId::from_str(digits).ok()?, length))
}

/// The address at the beginning.
fn link(text: &str) -> Option<&str> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })?;
    let end = text
        .find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        .unwrap_or(text.len());
    let mut url = text.get(..end)?;
    // What ends a sentence is no part of the address; a bracket is when it was opened there.
    let surplus = |open, close| {
        let close = url.matches(close).count();
        close.saturating_sub(url.matches(open).count())
    };
    let (mut round, mut square, mut curly) =
        (surplus('(', ')'), surplus('[', ']'), surplus('{', '}'));
    while let Some(last) = url.chars().next_back() {
        let bracket = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' | '*' | '_' | '~' | '`' => None,
            ')' => Some(&mut round),
            ']' => Some(&mut square),
            '}' => Some(&mut curly),
            _ => break,
        };
        if let Some(surplus) = bracket {
            if *surplus == 0 {
                break;
            }
            *surplus -= 1;
        }
        url = url.get(..url.len() - last.len_utf8())?;
    }
    let host = url.get(scheme.len()..)?;
    let named = host
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || c == '[');
    named.then_some(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> AccountId {
        AccountId::from_x25519([0xab; 32].into())
    }

    /// Parts in a short form.
    fn parts(text: &str) -> Vec<String> {
        spans(text, |_| ("Bob".into(), false))
            .into_iter()
            .map(|span| match span {
                Span::Text { text } => text.as_str().to_owned(),
                Span::Mention { name, .. } => format!("<{}>", name.as_str()),
                Span::Link { url } => format!("[{}]", url.as_str()),
            })
            .collect()
    }

    #[test]
    fn addresses_end_where_a_reader_would_end_them() {
        assert_eq!(
            parts("See https://example.org/a_(b). And (http://x.example)!"),
            [
                "See ",
                "[https://example.org/a_(b)]",
                ". And (",
                "[http://x.example]",
                ")!"
            ]
        );
        assert_eq!(parts("HTTPS://Example.org"), ["[HTTPS://Example.org]"]);
        for plain in [
            "xhttps://example.org",
            "https://",
            "http:// x",
            "https://.",
            "ftp://example.org",
            "https:/example.org",
        ] {
            assert_eq!(parts(plain), [plain]);
        }
    }

    #[test]
    fn people_are_named() {
        let id = id().to_hex();
        assert_eq!(
            parts(&format!("@{id}, hi @{id}")),
            ["<Bob>", ", hi ", "<Bob>"]
        );
        let longer = format!("@{id}f");
        assert_eq!(parts(&longer).concat(), longer);
        assert_eq!(parts(&longer).len(), 1);
        let not_hex = format!("@{}zz", "05".repeat(32));
        assert_eq!(parts(&not_hex).concat(), not_hex);
        assert_eq!(parts(&not_hex).len(), 1);
        assert_eq!(mentioned(&format!("@ü @{id}@{longer}")).len(), 1);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(text in "(?s:.{0,200})", links in any::<bool>()) {
            let text = if links {
                text.replace('a', "https://x").replace('b', &format!("@{}", id().to_hex()))
            } else {
                text
            };
            let whole: String = spans(&text, |_| (Text::default(), false))
                .into_iter()
                .map(|span| match span {
                    Span::Text { text } => text.as_str().to_owned(),
                    Span::Mention { id, .. } => format!("@{}", id.to_hex()),
                    Span::Link { url } => url.as_str().to_owned(),
                })
                .collect();
            prop_assert_eq!(whole, text);
        }
    }
}
