//! Texts with a limited length.

use core::fmt;

use session_types::limits::{MAX_BODY_CHARS, MAX_BODY_CHARS_PRO, MAX_NAME_BYTES};

use crate::BuildError;

/// The text of a message: not empty, at most 10,000 Unicode code points
/// (docs/protocol/client.md section 5.12).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Body(String);

impl Body {
    /// A text anybody may send: at most 2,000 code points.
    ///
    /// # Errors
    /// [`BuildError`] when the text is empty or longer.
    pub fn new(text: impl Into<String>) -> Result<Self, BuildError> {
        Self::limited(text.into(), MAX_BODY_CHARS)
    }

    /// A text of a Pro account: at most 10,000 code points.
    ///
    /// # Errors
    /// [`BuildError`] when the text is empty or longer.
    pub fn new_long(text: impl Into<String>) -> Result<Self, BuildError> {
        Self::limited(text.into(), MAX_BODY_CHARS_PRO)
    }

    fn limited(text: String, limit: usize) -> Result<Self, BuildError> {
        if text.is_empty() {
            return Err(BuildError::Empty("text"));
        }
        if end_of_char(&text, limit).is_some() {
            return Err(BuildError::TooLong {
                what: "text",
                limit,
                unit: "characters",
            });
        }
        Ok(Self(text))
    }

    /// A received text, cut to the longest any account may send; `None` when it is empty.
    #[must_use]
    pub fn received(text: String) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut body = Self(text);
        body.cut(MAX_BODY_CHARS_PRO);
        Some(body)
    }

    /// Keeps the first `limit` code points, at least one.
    pub fn cut(&mut self, limit: usize) {
        if let Some(end) = end_of_char(&self.0, limit.max(1)) {
            self.0.truncate(end);
        }
    }

    /// Whether only a Pro account may send this.
    #[must_use]
    pub fn is_long(&self) -> bool {
        end_of_char(&self.0, MAX_BODY_CHARS).is_some()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Body {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Body {
    /// The length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// The byte index behind the first `limit` code points, when there are more than that.
fn end_of_char(text: &str, limit: usize) -> Option<usize> {
    if text.len() <= limit {
        return None;
    }
    text.char_indices().nth(limit).map(|(index, _)| index)
}

/// A display name or group name: not empty, at most 100 bytes
/// (docs/protocol/client.md section 5.12).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BuildError`] when it is empty or longer than 100 bytes.
    pub fn new(name: impl Into<String>) -> Result<Self, BuildError> {
        let name = name.into();
        if name.is_empty() {
            return Err(BuildError::Empty("name"));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(BuildError::TooLong {
                what: "name",
                limit: MAX_NAME_BYTES,
                unit: "bytes",
            });
        }
        Ok(Self(name))
    }

    /// A received name, cut to 100 bytes between characters; `None` when nothing is left.
    #[must_use]
    pub fn received(mut name: String) -> Option<Self> {
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
        if name.is_empty() {
            None
        } else {
            Some(Self(name))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    /// The length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_limits_count_code_points() {
        let two_thousand = "ж".repeat(2_000);
        assert!(!Body::new(two_thousand.clone()).unwrap().is_long());
        let more = two_thousand + "x";
        assert_eq!(
            Body::new(more.clone()),
            Err(BuildError::TooLong {
                what: "text",
                limit: 2_000,
                unit: "characters"
            })
        );
        assert!(Body::new_long(more).unwrap().is_long());
        assert!(Body::new_long("é".repeat(10_000)).is_ok());
        assert!(Body::new_long("é".repeat(10_001)).is_err());
        assert_eq!(Body::new(""), Err(BuildError::Empty("text")));
    }

    #[test]
    fn received_body_is_cut() {
        let body = Body::received("ж".repeat(10_007)).unwrap();
        assert_eq!(body.as_str().chars().count(), 10_000);
        let mut body = Body::received("ab".repeat(2_000)).unwrap();
        body.cut(2_000);
        assert_eq!(body.as_str().len(), 2_000);
        assert_eq!(Body::received(String::new()), None);
    }

    #[test]
    fn names_are_limited_in_bytes() {
        assert!(Name::new("n".repeat(100)).is_ok());
        assert!(Name::new("n".repeat(101)).is_err());
        assert!(Name::new("é".repeat(51)).is_err());
        assert!(Name::new("").is_err());
        assert_eq!(
            Name::received("x".to_owned() + &"é".repeat(60))
                .unwrap()
                .as_str()
                .len(),
            99
        );
        assert_eq!(Name::received(String::new()), None);
    }

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(
            format!("{:?}", Body::new("hello").unwrap()),
            "Body(5 bytes)"
        );
        assert_eq!(
            format!("{:?}", Name::new("alice").unwrap()),
            "Name(5 bytes)"
        );
    }
}
