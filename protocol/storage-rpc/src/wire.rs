//! The two encodings of requests and answers behind one writing and one reading type.
//!
//! The same structure travels as JSON (keys, signatures and data as hex or base64 text) or as
//! bt (the same fields as raw bytes), docs/protocol/node.md section 6.5.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use data_encoding::{BASE64, BASE64_NOPAD, Encoding, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Serialize;
use serde_json::Value;
use session_encoding::bt::{self, Bt};

use crate::ReadError;
use crate::shared::Shared;

/// A structure about to be sent, before its encoding is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `true`/`false`; 1/0 in bt.
    Bool(bool),
    /// Raw bytes in bt, padded base64 in JSON.
    Blob(Vec<u8>),
    /// A dictionary; JSON text keeps the order given here, bt sorts.
    Dict(Vec<(Cow<'static, str>, Self)>),
    /// Raw bytes in bt, lower-case hex in JSON.
    Hex(Vec<u8>),
    /// A signed number.
    Int(i64),
    /// Ready-made JSON, handed on as it is; nulls are left out in bt.
    Json(Value),
    /// Ready-made JSON that stays JSON text in bt.
    JsonText(Value),
    /// A list.
    List(Vec<Self>),
    /// What others hold, too.
    Shared(Shared),
    /// Text, the same in both.
    Text(String),
    /// A number that may exceed the signed range, such as a swarm id.
    Uint(u64),
}

impl Tree {
    /// A dictionary with its keys in alphabetical order: the form of every answer.
    #[must_use]
    pub fn answer(mut fields: Vec<(Cow<'static, str>, Self)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Dict(fields)
    }

    /// The JSON value.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Bool(b) => Value::Bool(*b),
            Self::Blob(bytes) => Value::String(BASE64.encode(bytes)),
            Self::Dict(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(k, v)| (k.to_string(), v.to_json()))
                    .collect(),
            ),
            Self::Hex(bytes) => Value::String(HEXLOWER.encode(bytes)),
            Self::Int(n) => (*n).into(),
            Self::Json(value) | Self::JsonText(value) => value.clone(),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Shared(part) => part.tree().to_json(),
            Self::Text(text) => Value::String(text.clone()),
            Self::Uint(n) => (*n).into(),
        }
    }

    /// The JSON text, keys in the order of the structure.
    #[must_use]
    pub fn to_json_text(&self) -> String {
        String::from_utf8(self.to_json_bytes()).unwrap_or_default()
    }

    /// The bytes of the JSON text.
    #[must_use]
    pub fn to_json_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.json_size());
        self.write_json(&mut out);
        out
    }

    /// About how long the JSON text is. What is read from the database and sent is never shorter.
    #[must_use]
    pub fn json_size(&self) -> usize {
        match self {
            Self::Blob(bytes) => BASE64.encode_len(bytes.len()).saturating_add(2),
            Self::Dict(fields) => fields.iter().fold(2usize, |sum, (key, value)| {
                sum.saturating_add(key.len().saturating_add(4))
                    .saturating_add(value.json_size())
            }),
            Self::Hex(bytes) => bytes.len().saturating_mul(2).saturating_add(2),
            Self::List(items) => items.iter().fold(2usize, |sum, item| {
                sum.saturating_add(item.json_size().saturating_add(1))
            }),
            Self::Shared(part) => part.json_size(),
            Self::Text(text) => text.len().saturating_add(2),
            Self::Bool(_) | Self::Int(_) | Self::Json(_) | Self::JsonText(_) | Self::Uint(_) => 20,
        }
    }

    /// Appends the JSON text. What is base64 or hex needs no escapes: it goes straight to its
    /// place.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Blob(bytes) => write_encoded(&BASE64, bytes, out),
            Self::Hex(bytes) => write_encoded(&HEXLOWER, bytes, out),
            Self::Dict(fields) => {
                out.push(b'{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_plain(key, out);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Bool(b) => write_plain(b, out),
            Self::Int(n) => write_plain(n, out),
            Self::Json(value) | Self::JsonText(value) => write_plain(value, out),
            Self::Shared(part) => part.write_json(out),
            Self::Text(text) => write_plain(text, out),
            Self::Uint(n) => write_plain(n, out),
        }
    }

    /// The bt value.
    #[must_use]
    pub fn to_bt(&self) -> Bt {
        match self {
            Self::Bool(b) => Bt::Int((*b).into()),
            Self::Blob(bytes) | Self::Hex(bytes) => Bt::Bytes(bytes.clone()),
            Self::Dict(fields) => Bt::Dict(
                fields
                    .iter()
                    .map(|(k, v)| (k.as_bytes().to_vec(), v.to_bt()))
                    .collect(),
            ),
            Self::Int(n) => Bt::Int(*n),
            Self::Json(value) => json_to_bt(value),
            Self::JsonText(value) => Bt::Bytes(value.to_string().into_bytes()),
            Self::List(items) => Bt::List(items.iter().map(Self::to_bt).collect()),
            Self::Shared(part) => part.tree().to_bt(),
            Self::Text(text) => Bt::Bytes(text.clone().into_bytes()),
            Self::Uint(n) => uint_to_bt(*n),
        }
    }

    /// The bt bytes.
    #[must_use]
    pub fn to_bt_bytes(&self) -> Vec<u8> {
        self.to_bt().encode()
    }
}

fn write_plain(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Writing into memory fails only for maps whose keys are not text: there are none.
    let _ = serde_json::to_writer(out, value);
}

fn write_encoded(encoding: &Encoding, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start.saturating_add(encoding.encode_len(bytes.len())), 0);
    encoding.encode_mut(bytes, out.get_mut(start..).unwrap_or_default());
    out.push(b'"');
}

/// A dictionary being put together, in order.
#[derive(Debug, Default)]
pub(crate) struct DictBuilder(Vec<(Cow<'static, str>, Tree)>);

impl DictBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put(&mut self, key: impl Into<Cow<'static, str>>, value: Tree) -> &mut Self {
        self.0.push((key.into(), value));
        self
    }

    /// Leaves the key out when there is no value.
    pub(crate) fn put_some(&mut self, key: &'static str, value: Option<Tree>) -> &mut Self {
        if let Some(value) = value {
            self.put(key, value);
        }
        self
    }

    pub(crate) fn text(&mut self, key: &'static str, value: impl Into<String>) -> &mut Self {
        self.put(key, Tree::Text(value.into()))
    }

    /// In the order given.
    pub(crate) fn finish(&mut self) -> Tree {
        Tree::Dict(core::mem::take(&mut self.0))
    }

    /// In alphabetical order.
    pub(crate) fn finish_sorted(&mut self) -> Tree {
        Tree::answer(core::mem::take(&mut self.0))
    }
}

fn uint_to_bt(n: u64) -> Bt {
    i64::try_from(n).map_or(Bt::UInt(n), Bt::Int)
}

fn json_to_bt(value: &Value) -> Bt {
    match value {
        Value::Null => Bt::Bytes(Vec::new()),
        Value::Bool(b) => Bt::Int((*b).into()),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Bt::Int(n),
            (None, Some(n)) => Bt::UInt(n),
            (None, None) => Bt::Bytes(n.to_string().into_bytes()),
        },
        Value::String(text) => Bt::Bytes(text.clone().into_bytes()),
        Value::Array(items) => Bt::List(
            items
                .iter()
                .filter(|v| !v.is_null())
                .map(json_to_bt)
                .collect(),
        ),
        Value::Object(map) => Bt::Dict(
            map.iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone().into_bytes(), json_to_bt(v)))
                .collect::<BTreeMap<_, _>>(),
        ),
    }
}

/// Parses canonical bt.
pub(crate) fn parse_bt(bytes: &[u8]) -> Result<bt::Value<'_>, ReadError> {
    bt::parse(bytes).map_err(|_| ReadError::Encoding("bt"))
}

/// A structure that has arrived, in either encoding.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader<'a> {
    Json(&'a Value),
    Bt(&'a bt::Value<'a>),
}

impl<'a> Reader<'a> {
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Json(_))
    }

    pub(crate) fn is_dict(self) -> bool {
        matches!(
            self,
            Self::Json(Value::Object(_)) | Self::Bt(bt::Value::Dict(_))
        )
    }

    /// The value under `key`; null counts as absent.
    pub(crate) fn get(self, key: &str) -> Option<Self> {
        match self {
            Self::Json(value) => value.get(key).filter(|v| !v.is_null()).map(Self::Json),
            Self::Bt(value) => value.get(key).map(Self::Bt),
        }
    }

    pub(crate) fn int(self) -> Option<i64> {
        match self {
            Self::Json(value) => value.as_i64(),
            Self::Bt(value) => value.as_i64(),
        }
    }

    pub(crate) fn uint(self) -> Option<u64> {
        match self {
            Self::Json(value) => value.as_u64(),
            Self::Bt(value) => value.as_u64(),
        }
    }

    /// Strictly a boolean: `true`/`false` in JSON, 0/1 in bt.
    pub(crate) fn bool(self) -> Option<bool> {
        match self {
            Self::Json(value) => value.as_bool(),
            Self::Bt(bt::Value::Int(0)) => Some(false),
            Self::Bt(bt::Value::Int(1)) => Some(true),
            Self::Bt(_) => None,
        }
    }

    /// A flag of an answer: a boolean or a number, whichever the other side wrote.
    pub(crate) fn flag(self) -> bool {
        match self {
            Self::Json(Value::Bool(b)) => *b,
            other => other.int().is_some_and(|n| n != 0),
        }
    }

    /// The bytes of a string, not decoded.
    pub(crate) fn raw(self) -> Option<&'a [u8]> {
        match self {
            Self::Json(value) => value.as_str().map(str::as_bytes),
            Self::Bt(value) => value.as_bytes(),
        }
    }

    pub(crate) fn text(self) -> Option<&'a str> {
        self.raw()
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// Base64 text in JSON, raw bytes in bt.
    pub(crate) fn blob(self) -> Option<Vec<u8>> {
        let raw = self.raw()?;
        if self.is_json() {
            decode_base64(raw)
        } else {
            Some(raw.to_vec())
        }
    }

    pub(crate) fn list(self) -> Option<Vec<Self>> {
        match self {
            Self::Json(value) => Some(value.as_array()?.iter().map(Self::Json).collect()),
            Self::Bt(value) => Some(value.as_list()?.iter().map(Self::Bt).collect()),
        }
    }

    /// The entries of a dictionary; keys that are not UTF-8 are left out.
    pub(crate) fn entries(self) -> Option<Vec<(&'a str, Self)>> {
        match self {
            Self::Json(value) => Some(
                value
                    .as_object()?
                    .iter()
                    .map(|(k, v)| (k.as_str(), Self::Json(v)))
                    .collect(),
            ),
            Self::Bt(value) => Some(
                value
                    .as_dict()?
                    .iter()
                    .filter_map(|(k, v)| Some((core::str::from_utf8(k).ok()?, Self::Bt(v))))
                    .collect(),
            ),
        }
    }
}

/// Base64 as nodes read it: padded or not, spare bits of the last character not looked at.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let unpadded = match text {
        [rest @ .., b'=', b'='] | [rest @ .., b'='] if text.len().is_multiple_of(4) => rest,
        other => other,
    };
    LENIENT_BASE64.decode(unpadded).ok()
}

/// Hex of either case.
pub(crate) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text).ok()
}

static LENIENT_BASE64: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = BASE64_NOPAD.specification();
    specification.check_trailing_bits = false;
    specification.encoding().unwrap_or(BASE64_NOPAD)
});
