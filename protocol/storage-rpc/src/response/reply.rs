use serde_json::Value;

use crate::RpcError;
use crate::wire::{DictBuilder, Tree};

/// What a node answers: a status, and a body whose encoding is chosen by whoever asked.
///
/// The body is a dictionary for most endpoints, text for refusals, and bytes
/// ([`Tree::Blob`]) for `active_nodes_bin`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// HTTP-like status.
    pub status: u16,
    /// The body.
    pub body: Tree,
}

impl Reply {
    /// Status 200.
    #[must_use]
    pub const fn ok(body: Tree) -> Self {
        Self { status: 200, body }
    }

    /// Any status.
    #[must_use]
    pub const fn new(status: u16, body: Tree) -> Self {
        Self { status, body }
    }

    /// Whether the status is between 200 and 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The answer of `batch` and `sequence`: the results in the order of the requests
    /// (docs/protocol/node-rpc.md section 9.1).
    #[must_use]
    pub fn batch(results: Vec<Self>) -> Self {
        let results = Tree::List(results.into_iter().map(Self::into_tree).collect());
        Self::ok(DictBuilder::new().put("results", results).finish())
    }

    /// `body` and `code`, the form inside other answers.
    #[must_use]
    pub fn into_tree(self) -> Tree {
        DictBuilder::new()
            .put("body", self.body)
            .put("code", Tree::Int(self.status.into()))
            .finish()
    }

    /// The media type of [`Reply::to_http_body`].
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.body {
            Tree::Text(_) => "text/plain",
            Tree::Blob(_) => "application/octet-stream",
            _ => "application/json",
        }
    }

    /// The bytes of an HTTP body: JSON text, plain text, or the bytes themselves.
    #[must_use]
    pub fn to_http_body(&self) -> Vec<u8> {
        match &self.body {
            Tree::Text(text) => text.clone().into_bytes(),
            Tree::Blob(bytes) => bytes.clone(),
            other => other.to_json_bytes(),
        }
    }

    /// The body as an onion answer carries it: JSON text in a string, or the object itself when
    /// `nested`; plain text as it is, bytes as base64 (docs/protocol/node.md section 7.6).
    #[must_use]
    pub fn to_onion_body(&self, nested: bool) -> Value {
        match &self.body {
            Tree::Text(_) | Tree::Blob(_) => self.body.to_json(),
            other if nested => other.to_json(),
            other => Value::String(other.to_json_text()),
        }
    }
}

impl From<RpcError> for Reply {
    fn from(error: RpcError) -> Self {
        Self {
            status: error.status,
            body: Tree::Text(error.text),
        }
    }
}
