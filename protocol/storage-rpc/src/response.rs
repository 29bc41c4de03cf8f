//! Answers: written by nodes, read by clients and by other nodes.
//!
//! Reading is tolerant: what a client does not need may be missing, flags may be numbers or
//! booleans, codes numbers or text.

mod batch;
mod messages;
mod network;
mod reply;
mod results;
mod store;
mod swarm;
mod swarm_wide;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use session_types::Timestamp;

use crate::ReadError;
use crate::wire::{DictBuilder, Reader, Tree};

pub use batch::{BatchResponse, IfElseResponse, SubResponse};
pub use messages::{
    ExpiriesResponse, RetrieveResponse, RetrievedMessage, RevokedSubaccountsResponse,
};
pub use network::{InfoResponse, OxendResponse};
pub use reply::Reply;
pub use results::{
    Deleted, DeletedAll, DeletedBefore, Expired, ExpiredAll, HashLists, NewExpiry, Revoked,
    Unrevoked,
};
pub use store::{StoreResponse, Stored};
pub use swarm::SwarmResponse;
pub use swarm_wide::{NodeFailure, NodeOutcome, NodeResult, SwarmAnswer};

/// The network's rules: hard fork and revision, `[19,4]` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct HardFork {
    /// The hard fork.
    pub version: u32,
    /// The revision within it.
    pub revision: u32,
}

impl HardFork {
    /// Joins the two numbers.
    #[must_use]
    pub const fn new(version: u32, revision: u32) -> Self {
        Self { version, revision }
    }

    fn tree(self) -> Tree {
        Tree::List(vec![
            Tree::Int(self.version.into()),
            Tree::Int(self.revision.into()),
        ])
    }

    fn read(reader: Reader<'_>) -> Option<Self> {
        let list = reader.list()?;
        let mut numbers = list.into_iter().map(|n| u32::try_from(n.uint()?).ok());
        Some(Self::new(numbers.next()??, numbers.next()??))
    }
}

impl From<(u32, u32)> for HardFork {
    fn from((version, revision): (u32, u32)) -> Self {
        Self { version, revision }
    }
}

impl From<HardFork> for (u32, u32) {
    fn from(hf: HardFork) -> Self {
        (hf.version, hf.revision)
    }
}

/// Adds the fields every object answer has (docs/protocol/node-rpc.md section 1.2).
fn write_stamp(dict: &mut DictBuilder, t: Option<Timestamp>, hf: Option<HardFork>) {
    dict.put_some("t", t.map(time_tree))
        .put_some("hf", hf.map(HardFork::tree));
}

fn read_stamp(reader: Reader<'_>) -> (Option<Timestamp>, Option<HardFork>) {
    (time(reader, "t"), reader.get("hf").and_then(HardFork::read))
}

fn time_tree(time: Timestamp) -> Tree {
    Tree::Int(time.as_ms_i64())
}

fn time(reader: Reader<'_>, key: &str) -> Option<Timestamp> {
    reader
        .get(key)
        .and_then(Reader::uint)
        .map(Timestamp::from_ms)
}

/// A JSON answer as an object: some nodes and relays hand it on as JSON text inside a string.
fn with_object<T>(
    value: &Value,
    read: impl FnOnce(Reader<'_>) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    match value {
        Value::Object(_) => read(Reader::Json(value)),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => read(Reader::Json(&object)),
            _ => Err(ReadError::Encoding("json")),
        },
        _ => Err(ReadError::Encoding("json")),
    }
}
