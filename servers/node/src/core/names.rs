//! Looking up registered names (docs/protocol/node.md section 8.4).

use std::fmt::Debug;
use std::future::{Future, ready};
use std::pin::Pin;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::{Value, json};

/// Answers `ons_resolve`.
pub trait NameResolver: Send + Sync + Debug {
    /// Looks a name up; `None` when nobody has registered it.
    fn resolve(
        &self,
        query: NameQuery,
    ) -> Pin<Box<dyn Future<Output = Result<Option<NameRecord>, NameError>> + Send + '_>>;
}

/// Which name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameQuery {
    /// Kind of name: 0 for accounts.
    pub kind: u64,
    /// BLAKE2b-256 of the name in lower case.
    pub name_hash: [u8; 32],
}

impl NameQuery {
    /// Reads `{"type": …, "name_hash": …}`, the hash as base64 or hex.
    pub(super) fn from_json(params: &Value) -> Option<Self> {
        let kind = params.get("type")?.as_u64()?;
        let text = params.get("name_hash")?.as_str()?.as_bytes();
        let hash = if text.len() == 64 {
            HEXLOWER_PERMISSIVE.decode(text).ok()?
        } else {
            BASE64
                .decode(text)
                .or_else(|_| BASE64_NOPAD.decode(text))
                .ok()?
        };
        Some(Self {
            kind,
            name_hash: hash.try_into().ok()?,
        })
    }
}

/// What is registered under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRecord {
    /// The account id, encrypted under a key that follows from the name.
    pub encrypted_value: Vec<u8>,
    /// Nonce of the encryption; records of the oldest form have none.
    pub nonce: Option<Vec<u8>>,
}

impl NameRecord {
    pub(super) fn to_json(&self) -> Value {
        let value = HEXLOWER.encode(&self.encrypted_value);
        match &self.nonce {
            None => json!({ "encrypted_value": value }),
            Some(nonce) => json!({ "encrypted_value": value, "nonce": HEXLOWER.encode(nonce) }),
        }
    }
}

/// Why a name could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("name lookup failed: {0}")]
pub struct NameError(pub String);

/// A network without names.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl NameResolver for NoNames {
    fn resolve(
        &self,
        _query: NameQuery,
    ) -> Pin<Box<dyn Future<Output = Result<Option<NameRecord>, NameError>> + Send + '_>> {
        Box::pin(ready(Ok(None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_come_as_base64_or_hex() {
        let hash = [0xab; 32];
        for text in [
            HEXLOWER.encode(&hash),
            BASE64.encode(&hash),
            BASE64_NOPAD.encode(&hash),
        ] {
            let query = NameQuery::from_json(&json!({ "type": 0, "name_hash": text }));
            assert_eq!(
                query,
                Some(NameQuery {
                    kind: 0,
                    name_hash: hash
                })
            );
        }
        for bad in [
            json!({}),
            json!({ "type": 0, "name_hash": "short" }),
            Value::Null,
        ] {
            assert_eq!(NameQuery::from_json(&bad), None);
        }
    }

    #[test]
    fn records_are_hex() {
        let record = NameRecord {
            encrypted_value: vec![1, 2],
            nonce: Some(vec![255]),
        };
        assert_eq!(
            record.to_json(),
            json!({ "encrypted_value": "0102", "nonce": "ff" })
        );
    }
}
