use std::collections::BTreeMap;

use serde_json::Value;
use session_types::{MessageHash, Timestamp};

use super::{HardFork, read_stamp, time, time_tree, with_object, write_stamp};
use crate::wire::{DictBuilder, Reader, Tree};
use crate::{ReadError, SubaccountToken};

/// The answer to `retrieve` (docs/protocol/node-rpc.md section 4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetrieveResponse {
    /// In the order of arrival at this node. Never sort before the last one is taken as
    /// `last_hash` for the next request.
    pub messages: Vec<RetrievedMessage>,
    /// Whether messages were left out.
    pub more: bool,
    /// The node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

/// One stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievedMessage {
    /// Its name in the swarm.
    pub hash: MessageHash,
    /// The time it was stored with.
    pub timestamp: Timestamp,
    /// When the swarm forgets it.
    pub expiration: Timestamp,
    /// The message.
    pub data: Vec<u8>,
}

impl RetrieveResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when there is no list of messages or one of them is incomplete.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, Self::read)
    }

    fn read(reader: Reader<'_>) -> Result<Self, ReadError> {
        let (t, hf) = read_stamp(reader);
        let messages = reader
            .get("messages")
            .and_then(Reader::list)
            .ok_or(ReadError::Missing("messages"))?
            .into_iter()
            .map(RetrievedMessage::read)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            messages,
            more: reader.get("more").is_some_and(Reader::flag),
            t,
            hf,
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn into_tree(self) -> Tree {
        Self::answer(
            RetrievedMessage::list(self.messages),
            self.more,
            self.t,
            self.hf,
        )
    }

    /// The same, with the list of messages as [`RetrievedMessage::list`] or a [`SharedPart`] of
    /// such a list.
    ///
    /// [`SharedPart`]: crate::SharedPart
    #[must_use]
    pub fn answer(messages: Tree, more: bool, t: Option<Timestamp>, hf: Option<HardFork>) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("messages", messages).put("more", Tree::Bool(more));
        write_stamp(&mut dict, t, hf);
        dict.finish_sorted()
    }
}

impl RetrievedMessage {
    /// A list of messages before its encoding is chosen.
    #[must_use]
    pub fn list(messages: impl IntoIterator<Item = Self>) -> Tree {
        Tree::List(messages.into_iter().map(Self::into_tree).collect())
    }

    fn read(reader: Reader<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            hash: hash_of(reader.get("hash").ok_or(ReadError::Missing("hash"))?)?,
            timestamp: time(reader, "timestamp").ok_or(ReadError::Missing("timestamp"))?,
            expiration: time(reader, "expiration").ok_or(ReadError::Missing("expiration"))?,
            data: reader
                .get("data")
                .ok_or(ReadError::Missing("data"))?
                .blob()
                .ok_or(ReadError::Field("data"))?,
        })
    }

    fn into_tree(self) -> Tree {
        DictBuilder::new()
            .put("data", Tree::Blob(self.data))
            .put("expiration", time_tree(self.expiration))
            .text("hash", self.hash.as_str())
            .put("timestamp", time_tree(self.timestamp))
            .finish()
    }
}

/// The answer to `get_expiries` (docs/protocol/node-rpc.md section 5.6): the messages that are
/// there. Alone among answers it carries no time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpiriesResponse {
    /// When each message expires.
    pub expiries: BTreeMap<MessageHash, Timestamp>,
}

impl ExpiriesResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when `expiries` is missing or holds something else than hashes and times.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let expiries = reader
                .get("expiries")
                .ok_or(ReadError::Missing("expiries"))?;
            Ok(Self {
                expiries: read_times(expiries, "expiries")?,
            })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        DictBuilder::new()
            .put("expiries", times_tree(&self.expiries))
            .finish()
    }
}

/// The answer to `revoked_subaccounts` (docs/protocol/node-rpc.md section 6).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevokedSubaccountsResponse {
    /// The tokens that are shut out.
    pub revoked: Vec<SubaccountToken>,
    /// The node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl RevokedSubaccountsResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when the list is missing or holds something else than tokens.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        const KEY: &str = "revoked_subaccounts";
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            let revoked = reader
                .get(KEY)
                .and_then(Reader::list)
                .ok_or(ReadError::Missing(KEY))?
                .into_iter()
                .map(|token| SubaccountToken::try_from(token.blob()?.as_slice()).ok())
                .collect::<Option<_>>()
                .ok_or(ReadError::Field(KEY))?;
            Ok(Self { revoked, t, hf })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let tokens = self
            .revoked
            .iter()
            .map(|token| Tree::Blob(token.as_bytes().to_vec()));
        let mut dict = DictBuilder::new();
        dict.put("revoked_subaccounts", Tree::List(tokens.collect()));
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }
}

pub(super) fn hash_of(reader: Reader<'_>) -> Result<MessageHash, ReadError> {
    reader
        .text()
        .ok_or(ReadError::Field("hash"))?
        .parse()
        .map_err(ReadError::field("hash"))
}

pub(super) fn read_times(
    reader: Reader<'_>,
    name: &'static str,
) -> Result<BTreeMap<MessageHash, Timestamp>, ReadError> {
    reader
        .entries()
        .ok_or(ReadError::Field(name))?
        .into_iter()
        .map(|(hash, time)| {
            let hash = hash.parse().map_err(ReadError::field(name))?;
            Ok((
                hash,
                Timestamp::from_ms(time.uint().ok_or(ReadError::Field(name))?),
            ))
        })
        .collect()
}

pub(super) fn times_tree(times: &BTreeMap<MessageHash, Timestamp>) -> Tree {
    Tree::Dict(
        times
            .iter()
            .map(|(hash, time)| (hash.to_string().into(), time_tree(*time)))
            .collect(),
    )
}
