use std::collections::BTreeMap;

use serde_json::Value;
use session_types::{Ed25519PublicKey, Timestamp};

use super::{HardFork, read_stamp, with_object, write_stamp};
use crate::wire::{DictBuilder, Reader, Tree, parse_bt};
use crate::{ReadError, RpcError};

/// What one member of the swarm did. Each endpoint that runs on the whole swarm has its own type.
pub trait NodeResult: Sized {
    /// Adds the fields of the result.
    #[doc(hidden)]
    fn write(&self, dict: &mut ResultFields);

    /// Reads the fields of the result.
    ///
    /// # Errors
    /// [`ReadError`] when a field is missing or wrong.
    #[doc(hidden)]
    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError>;
}

/// The fields of one member's result while they are written.
#[derive(Debug)]
pub struct ResultFields(pub(crate) DictBuilder);

/// The fields of one member's result while they are read.
#[derive(Debug, Clone, Copy)]
pub struct ResultReader<'a>(pub(crate) Reader<'a>);

/// The outcome at one member of the swarm (docs/protocol/node.md section 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutcome<T> {
    /// It did what was asked.
    Done(T),
    /// It did not.
    Failed(NodeFailure),
}

/// Why a member of the swarm did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFailure {
    /// It did not answer in time.
    pub timeout: bool,
    /// It answered something unreadable.
    pub bad_peer_response: bool,
    /// Its database failed.
    pub query_failure: bool,
    /// It refused, with this status.
    pub code: Option<u16>,
    /// Text of the refusal.
    pub reason: Option<String>,
}

impl NodeFailure {
    /// No answer in time.
    #[must_use]
    pub fn timeout() -> Self {
        Self {
            timeout: true,
            ..Self::default()
        }
    }

    /// An unreadable answer.
    #[must_use]
    pub fn bad_peer_response() -> Self {
        Self {
            bad_peer_response: true,
            ..Self::default()
        }
    }

    /// A failed database.
    #[must_use]
    pub fn query_failure(reason: Option<String>) -> Self {
        Self {
            query_failure: true,
            reason,
            ..Self::default()
        }
    }

    /// A refusal.
    #[must_use]
    pub fn refused(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            reason: Some(reason.into()),
            ..Self::default()
        }
    }

    fn write(&self, dict: &mut DictBuilder) {
        let mut flag = |key, set: bool| {
            dict.put_some(key, set.then_some(Tree::Bool(true)));
        };
        flag("failed", true);
        flag("timeout", self.timeout);
        flag("bad_peer_response", self.bad_peer_response);
        flag("query_failure", self.query_failure);
        // The code is text here: clients compare it with text.
        dict.put_some("code", self.code.map(|code| Tree::Text(code.to_string())))
            .put_some("reason", self.reason.clone().map(Tree::Text));
    }

    fn read(reader: Reader<'_>) -> Self {
        let flag = |key| reader.get(key).is_some_and(Reader::flag);
        let code = reader.get("code").and_then(|code| {
            code.text().map_or_else(
                || u16::try_from(code.uint()?).ok(),
                |text| text.parse().ok(),
            )
        });
        Self {
            timeout: flag("timeout"),
            bad_peer_response: flag("bad_peer_response"),
            query_failure: flag("query_failure"),
            code,
            reason: reader
                .get("reason")
                .and_then(Reader::text)
                .map(str::to_owned),
        }
    }
}

impl<T> NodeOutcome<T> {
    /// The result, if there is one.
    #[must_use]
    pub const fn done(&self) -> Option<&T> {
        match self {
            Self::Done(result) => Some(result),
            Self::Failed(_) => None,
        }
    }
}

impl<T: NodeResult> NodeOutcome<T> {
    /// What another member answered to a passed-on request: a bt dict.
    ///
    /// Never fails: an unreadable answer is an outcome too.
    #[must_use]
    pub fn from_peer_answer(answer: &[u8]) -> Self {
        parse_bt(answer)
            .and_then(|value| Self::read(Reader::Bt(&value)))
            .unwrap_or_else(|_| Self::Failed(NodeFailure::bad_peer_response()))
    }

    /// What this node answers to a passed-on request.
    #[must_use]
    pub fn to_peer_answer(&self) -> Vec<u8> {
        self.to_tree().to_bt_bytes()
    }

    fn to_tree(&self) -> Tree {
        let mut dict = ResultFields(DictBuilder::new());
        match self {
            Self::Done(result) => result.write(&mut dict),
            Self::Failed(failure) => failure.write(&mut dict.0),
        }
        dict.0.finish_sorted()
    }

    fn read(reader: Reader<'_>) -> Result<Self, ReadError> {
        if !reader.is_dict() {
            return Err(ReadError::Field("swarm"));
        }
        if reader.get("failed").is_some_and(Reader::flag) {
            return Ok(Self::Failed(NodeFailure::read(reader)));
        }
        T::read(ResultReader(reader)).map(Self::Done)
    }
}

impl<T> From<RpcError> for NodeOutcome<T> {
    fn from(error: RpcError) -> Self {
        Self::Failed(NodeFailure::refused(error.status, error.text))
    }
}

/// The answer to an endpoint that runs on every member of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmAnswer<T> {
    /// The outcome at each member, the asked one included.
    pub swarm: BTreeMap<Ed25519PublicKey, NodeOutcome<T>>,
    /// The asked node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl<T: NodeResult> SwarmAnswer<T> {
    /// Reads the JSON form. An entry that cannot be read counts as that member's failure.
    ///
    /// # Errors
    /// [`ReadError`] when there is no `swarm` dictionary.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            let swarm = reader.get("swarm").ok_or(ReadError::Missing("swarm"))?;
            Ok(Self {
                swarm: read_swarm(swarm)?,
                t,
                hf,
            })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("swarm", swarm_tree(&self.swarm));
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }
}

impl<T> SwarmAnswer<T> {
    /// The results of the members that did what was asked.
    pub fn successes(&self) -> impl Iterator<Item = (&Ed25519PublicKey, &T)> {
        self.swarm
            .iter()
            .filter_map(|(node, outcome)| Some((node, outcome.done()?)))
    }

    /// Whether no member did what was asked.
    #[must_use]
    pub fn all_failed(&self) -> bool {
        self.successes().next().is_none()
    }
}

pub(super) fn read_swarm<T: NodeResult>(
    swarm: Reader<'_>,
) -> Result<BTreeMap<Ed25519PublicKey, NodeOutcome<T>>, ReadError> {
    let entries = swarm.entries().ok_or(ReadError::Field("swarm"))?;
    Ok(entries
        .into_iter()
        .filter_map(|(node, outcome)| {
            let outcome = NodeOutcome::read(outcome)
                .unwrap_or_else(|_| NodeOutcome::Failed(NodeFailure::bad_peer_response()));
            Some((node.parse().ok()?, outcome))
        })
        .collect())
}

pub(super) fn swarm_tree<T: NodeResult>(
    swarm: &BTreeMap<Ed25519PublicKey, NodeOutcome<T>>,
) -> Tree {
    Tree::Dict(
        swarm
            .iter()
            .map(|(node, outcome)| (node.to_hex().into(), outcome.to_tree()))
            .collect(),
    )
}
