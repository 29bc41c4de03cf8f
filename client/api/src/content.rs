//! Contents of files among the parameters and results.

use core::fmt;
use std::borrow::Cow;

use data_encoding::BASE64;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::serving::MAX_LINE;

/// The content of a file, or a part of it: in JSON as Base64. Not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Content(Vec<u8>);

impl Content {
    /// Bytes that all contents of one call may have together: as Base64 they fit in a line, with
    /// what else is in the call.
    pub const MOST_GIVEN: usize = 700_000;
    /// Bytes of a content that one call gives back.
    pub const MOST_TAKEN: usize = MAX_LINE / 2;

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// As much of a content from a place on as one call gives back.
    pub(crate) fn part(content: &[u8], from: u64) -> Self {
        let rest = usize::try_from(from).ok().and_then(|at| content.get(at..));
        let rest = rest.unwrap_or_default();
        let part = rest.get(..Self::MOST_TAKEN).unwrap_or(rest);
        Self(part.to_vec())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        match BASE64.decode(text.as_bytes()) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(de::Error::custom("a content is not Base64")),
        }
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(&self.0))
    }
}

impl JsonSchema for Content {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Content".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        let content: Content = serde_json::from_str(r#""cHJpdmF0ZQ==""#).unwrap();
        assert_eq!(content.as_bytes(), b"private");
        assert_eq!(
            serde_json::to_string(&content).unwrap(),
            r#""cHJpdmF0ZQ==""#
        );
        assert_eq!(format!("{content:?}"), "Content { .. }");
        for wrong in [r#""cHJpdmF0ZQ""#, r#""cHJp dmF0ZQ==""#, "7"] {
            assert!(serde_json::from_str::<Content>(wrong).is_err());
        }
    }

    #[test]
    fn long_contents_come_in_parts() {
        let long: Vec<u8> = (0..=u8::MAX).cycle().take(1_100_000).collect();
        let mut joined = Vec::new();
        loop {
            let from = u64::try_from(joined.len()).unwrap();
            let part = Content::part(&long, from).into_bytes();
            if part.is_empty() {
                break;
            }
            joined.extend(part);
        }
        assert!(joined == long);
        assert!(Content::part(&long, u64::MAX).as_bytes().is_empty());
        let line = serde_json::to_string(&Content::part(&long, 0)).unwrap();
        assert!(line.len() < MAX_LINE * 3 / 4);
        let given = Content::from(vec![0; Content::MOST_GIVEN]);
        let line = serde_json::to_string(&given).unwrap();
        assert!(line.len() < MAX_LINE - 100_000);
    }
}
