use serde_json::Value;
use session_types::Timestamp;

use super::{HardFork, read_stamp, time, time_tree, with_object, write_stamp};
use crate::ReadError;
use crate::wire::{DictBuilder, Reader, Tree};

/// The answer to `info` (docs/protocol/node-rpc.md section 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoResponse {
    /// Version of the storage server.
    pub version: Option<[u16; 3]>,
    /// The node's clock.
    pub timestamp: Timestamp,
    /// The node's clock once more, as in every answer.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl InfoResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when there is no time.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            Ok(Self {
                version: reader.get("version").and_then(read_version),
                timestamp: time(reader, "timestamp")
                    .or(t)
                    .ok_or(ReadError::Missing("timestamp"))?,
                t,
                hf,
            })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("timestamp", time_tree(self.timestamp))
            .put_some("version", self.version.map(version_tree));
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }
}

/// The answer to `oxend_request` (docs/protocol/node-rpc.md section 7.3).
#[derive(Debug, Clone, PartialEq)]
pub struct OxendResponse {
    /// What the chain answered; a node list is read by
    /// [`crate::node_list::NodeListAnswer::from_result`].
    pub result: Value,
    /// The node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl OxendResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when there is no result.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            let Some(Reader::Json(result)) = reader.get("result") else {
                return Err(ReadError::Missing("result"));
            };
            Ok(Self {
                result: result.clone(),
                t,
                hf,
            })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("result", Tree::Json(self.result.clone()));
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }
}

pub(super) fn version_tree(version: [u16; 3]) -> Tree {
    Tree::List(version.into_iter().map(|n| Tree::Int(n.into())).collect())
}

pub(super) fn read_version(reader: Reader<'_>) -> Option<[u16; 3]> {
    let numbers: Vec<u16> = reader
        .list()?
        .into_iter()
        .map(|n| u16::try_from(n.uint()?).ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}
