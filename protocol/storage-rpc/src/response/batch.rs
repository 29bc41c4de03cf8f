use serde_json::Value;

use super::{HardFork, SwarmResponse, with_object};
use crate::wire::{DictBuilder, Reader, Tree};
use crate::{ReadError, Reply, RpcError};

/// One answer inside the answer to `batch`, `sequence` or `ifelse`, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct SubResponse {
    /// HTTP-like status.
    pub code: u16,
    /// The answer, or the text of a refusal.
    pub body: Value,
}

impl SubResponse {
    /// The body of a successful answer.
    ///
    /// # Errors
    /// [`RpcError`] with the status and text of the refusal.
    pub fn success(&self) -> Result<&Value, RpcError> {
        if matches!(self.code, 200..=299) {
            return Ok(&self.body);
        }
        let text = match &self.body {
            Value::String(text) => text.clone(),
            _ => String::new(),
        };
        Err(RpcError::new(self.code, text))
    }

    /// The right swarm, when this is a 421 that names it
    /// (docs/protocol/paths.md section 5.3).
    #[must_use]
    pub fn redirect(&self) -> Option<SwarmResponse> {
        if self.code != 421 {
            return None;
        }
        SwarmResponse::from_json(&self.body)
            .ok()
            .filter(|swarm| !swarm.nodes.is_empty())
    }

    fn read(value: &Value) -> Result<Self, ReadError> {
        let code = match value.get("code") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(other) => other.as_u64().and_then(|code| u16::try_from(code).ok()),
            None => return Err(ReadError::Missing("code")),
        };
        Ok(Self {
            code: code.ok_or(ReadError::Field("code"))?,
            body: value.get("body").cloned().unwrap_or_default(),
        })
    }

    fn to_tree(&self) -> Tree {
        Reply::new(self.code, Tree::Json(self.body.clone())).into_tree()
    }
}

/// The answer to `batch` and `sequence` (docs/protocol/node-rpc.md section 9.1). Of a `sequence`
/// the results end with the first that failed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchResponse {
    /// In the order of the requests.
    pub results: Vec<SubResponse>,
}

impl BatchResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when there is no list of results or one has no code.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let Reader::Json(value) = reader else {
                return Err(ReadError::Encoding("json"));
            };
            let results = value
                .get("results")
                .and_then(Value::as_array)
                .ok_or(ReadError::Missing("results"))?;
            let results = results
                .iter()
                .map(SubResponse::read)
                .collect::<Result<_, _>>()?;
            Ok(Self { results })
        })
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let results = Tree::List(self.results.iter().map(SubResponse::to_tree).collect());
        DictBuilder::new()
            .put("results", results)
            .finish()
            .to_json()
    }
}

/// The answer to `ifelse` (docs/protocol/node-rpc.md section 9.2).
#[derive(Debug, Clone, PartialEq)]
pub struct IfElseResponse {
    /// Rules of the network.
    pub hf: Option<HardFork>,
    /// Version of the node.
    pub version: Option<[u16; 3]>,
    /// Height of the chain.
    pub height: Option<u64>,
    /// Whether the condition held.
    pub condition: bool,
    /// The answer of the chosen branch, if there was one.
    pub result: Option<SubResponse>,
}

impl IfElseResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when `condition` is missing or the result has no code.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let Reader::Json(value) = reader else {
                return Err(ReadError::Encoding("json"));
            };
            Ok(Self {
                hf: reader.get("hf").and_then(HardFork::read),
                version: reader.get("v").and_then(super::network::read_version),
                height: reader.get("height").and_then(Reader::uint),
                condition: reader
                    .get("condition")
                    .map(Reader::flag)
                    .ok_or(ReadError::Missing("condition"))?,
                result: value.get("result").map(SubResponse::read).transpose()?,
            })
        })
    }

    /// What a node answers.
    #[must_use]
    pub fn reply(
        hf: HardFork,
        version: [u16; 3],
        height: u64,
        condition: bool,
        result: Option<Reply>,
    ) -> Reply {
        Reply::ok(
            DictBuilder::new()
                .put("condition", Tree::Bool(condition))
                .put("height", Tree::Uint(height))
                .put("hf", hf.tree())
                .put_some("result", result.map(Reply::into_tree))
                .put("v", super::network::version_tree(version))
                .finish(),
        )
    }
}
