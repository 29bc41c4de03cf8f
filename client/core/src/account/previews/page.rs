//! What a page of the web says of itself.

use core::convert::Infallible;

use encoding_rs::{Encoding, UTF_8};
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

use super::one_line;

/// Where a page may say how its text is encoded (HTML standard, section 13.2.3.2).
const HEAD: usize = 1024;
/// Longer addresses of images are not looked at.
const LONGEST_ADDRESS: usize = 4096;

/// What a page says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Its title, on one line.
    pub(super) title: Option<String>,
    /// The address of its image, perhaps relative to the page's.
    pub(super) image: Option<String>,
}

/// Reads the beginning of a page.
pub(super) fn read(content_type: &str, bytes: &[u8]) -> Page {
    if !content_type.starts_with("text/html") && !content_type.starts_with("application/xhtml") {
        return Page::default();
    }
    let (text, _, _) = encoding(content_type, bytes).decode(bytes);
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut titles = String::new();
    let mut in_title = false;
    let mut social_title = None;
    let mut image = None;
    for token in Tokenizer::new_with_emitter(&*text, emitter) {
        let token: Result<_, Infallible> = token;
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => match tag.name.as_slice() {
                b"title" => in_title = titles.is_empty(),
                b"meta" => {
                    let name = attribute(&tag, b"property").or_else(|| attribute(&tag, b"name"));
                    match name.as_deref() {
                        Some("og:title") if social_title.is_none() => {
                            social_title = content(&tag).as_deref().and_then(one_line);
                        }
                        Some("og:image" | "og:image:url" | "og:image:secure_url")
                            if image.is_none() =>
                        {
                            image = content(&tag).filter(|image| is_address(image));
                        }
                        _ => {}
                    }
                }
                // What follows is not about the page.
                b"body" => break,
                _ => {}
            },
            Token::String(text) if in_title => titles.push_str(&String::from_utf8_lossy(&text)),
            Token::EndTag(tag) if tag.name.as_slice() == b"title" => in_title = false,
            _ => {}
        }
    }
    Page {
        title: social_title.or_else(|| one_line(&titles)),
        image,
    }
}

fn is_address(text: &str) -> bool {
    (1..=LONGEST_ADDRESS).contains(&text.len())
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> Option<String> {
    let value = tag.attributes.get(name)?;
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

fn content(tag: &StartTag<()>) -> Option<String> {
    attribute(tag, b"content")
}

/// How the text is encoded: as the server says, else as the page does.
fn encoding(content_type: &str, bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    [content_type, &head]
        .into_iter()
        .find_map(|text| {
            let (_, label) = text.split_once("charset=")?;
            let label = label.trim_start_matches(['"', '\'']);
            let end = label.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c));
            let label = end.and_then(|end| label.get(..end)).unwrap_or(label);
            Encoding::for_label(label.as_bytes())
        })
        .unwrap_or(UTF_8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> (Option<String>, Option<String>) {
        let Page { title, image } = read("text/html; charset=utf-8", html.as_bytes());
        (title, image)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn titles_and_images() {
        let full = r#"<!doctype html><html><head><meta charset=utf-8>
            <title>Plain
               title</title>
            <META Property='og:title' Content="Fish &amp; chips &#8364;5">
            <meta name=og:image content="/a.png?x=1&amp;y=2"><meta property="og:image" content="b">
            </head><body><title>not me</title><meta property="og:title" content="nor me">"#;
        assert_eq!(
            page(full),
            (some("Fish & chips €5"), some("/a.png?x=1&y=2"))
        );
        assert_eq!(
            page("<title>a<b>c</b>\n</title>"),
            (some("a<b>c</b>"), None)
        );
        assert_eq!(
            page("<title></title><title>second</title>").0,
            some("second")
        );
        assert_eq!(page("<svg><title>x"), (some("x"), None));
        assert_eq!(
            page("<meta property=og:title content=' '><title>t</title>").0,
            some("t")
        );
        assert_eq!(page("<meta property=og:image content=''>"), (None, None));
        assert_eq!(
            page("<script>'<title>no</title>'</script><title>yes").0,
            some("yes")
        );
        assert_eq!(page("<!-- <title>no</title> -->"), (None, None));
        let long = format!("<title>{}</title>", "ä".repeat(1000));
        assert_eq!(page(&long).0.unwrap().chars().count(), 300);
        let far = format!("<meta property=og:image content='{}'>", "x".repeat(5000));
        assert_eq!(page(&far).1, None);
    }

    #[test]
    fn what_is_no_page_says_nothing() {
        assert_eq!(read("text/plain", b"<title>x</title>"), Page::default());
        assert_eq!(read("", b"<title>x</title>"), Page::default());
        assert_eq!(read("text/html", b""), Page::default());
    }

    #[test]
    fn pages_in_other_encodings() {
        // "Привет" in windows-1251.
        let word = [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2];
        let html = [b"<title>".as_slice(), &word, b"</title>"].concat();
        let said = read("text/html; charset=\"windows-1251\"", &html);
        assert_eq!(said.title.as_deref(), Some("Привет"));
        let own = [b"<meta charset='windows-1251'>".as_slice(), &html].concat();
        assert_eq!(read("text/html", &own).title.as_deref(), Some("Привет"));
        // Without a word about it, what is no UTF-8 shows as such, and harms nobody.
        assert!(read("text/html", &html).title.unwrap().contains('\u{fffd}'));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let page = read("text/html", &bytes);
            proptest::prop_assert!(page.title.is_none_or(|title| !title.trim().is_empty()));
        }

        #[test]
        fn any_tags_are_read(html in "(<(title|meta|body|/title|script|!--)( (property|content|charset)=['\"]?[a-z:&#;]{0,9}['\"]?){0,3}>?[a-z<&]{0,5}){0,12}") {
            read("text/html", html.as_bytes());
        }
    }
}
