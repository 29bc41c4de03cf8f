use std::collections::BTreeMap;

use serde_json::Value;
use session_crypto::Ed25519Secret;
use session_types::{Ed25519PublicKey, MessageHash, Signature, Timestamp};

use super::messages::hash_of;
use super::results::{read_signature, verify_node};
use super::swarm_wide::{ResultFields, ResultReader, read_swarm, swarm_tree};
use super::{
    HardFork, NodeOutcome, NodeResult, SwarmAnswer, read_stamp, time, time_tree, with_object,
    write_stamp,
};
use crate::wire::{DictBuilder, Reader, Tree};
use crate::{AuthError, ReadError};

/// One member's result of `store` (docs/protocol/node-rpc.md section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Name of the message.
    pub hash: MessageHash,
    /// The member's signature over the text of the hash.
    pub signature: Option<Signature>,
    /// When the message expires there.
    pub expiry: Option<Timestamp>,
    /// Whether it was there before.
    pub already: bool,
    /// The member's clock; only in the entry of the node that was asked.
    pub t: Option<Timestamp>,
}

impl Stored {
    /// A result, signed by the node.
    #[must_use]
    pub fn signed(
        node: &Ed25519Secret,
        hash: MessageHash,
        expiry: Timestamp,
        already: bool,
    ) -> Self {
        let signature = Some(node.sign(hash.as_str().as_bytes()));
        Self {
            hash,
            signature,
            expiry: Some(expiry),
            already,
            t: None,
        }
    }

    /// Whether the member really signed this result.
    ///
    /// # Errors
    /// [`AuthError::Signature`] when the signature is missing or wrong.
    pub fn verify(&self, node: &Ed25519PublicKey) -> Result<(), AuthError> {
        verify_node(node, self.hash.as_str().as_bytes(), self.signature.as_ref())
    }
}

impl NodeResult for Stored {
    fn write(&self, dict: &mut ResultFields) {
        dict.0
            .put_some("already", self.already.then_some(Tree::Bool(true)))
            .put_some("expiry", self.expiry.map(time_tree))
            .text("hash", self.hash.as_str())
            .put_some(
                "signature",
                self.signature.map(|s| Tree::Blob(s.as_bytes().to_vec())),
            )
            .put_some("t", self.t.map(time_tree));
    }

    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
        let reader = fields.0;
        Ok(Self {
            hash: hash_of(reader.get("hash").ok_or(ReadError::Missing("hash"))?)?,
            signature: read_signature(reader)?,
            expiry: time(reader, "expiry"),
            already: reader.get("already").is_some_and(Reader::flag),
            t: time(reader, "t"),
        })
    }
}

/// The answer to `store`: the swarm's results, and the hash once more at the top, where clients
/// look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreResponse {
    /// Name of the message; `None` when no member stored it.
    pub hash: Option<MessageHash>,
    /// The outcome at each member.
    pub swarm: BTreeMap<Ed25519PublicKey, NodeOutcome<Stored>>,
    /// The asked node's clock.
    pub t: Option<Timestamp>,
    /// Rules of the network.
    pub hf: Option<HardFork>,
}

impl StoreResponse {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ReadError`] when there is neither a hash nor a `swarm` dictionary.
    pub fn from_json(value: &Value) -> Result<Self, ReadError> {
        with_object(value, |reader| {
            let (t, hf) = read_stamp(reader);
            let hash = reader.get("hash").map(hash_of).transpose()?;
            let swarm = match reader.get("swarm") {
                Some(swarm) => read_swarm(swarm)?,
                None if hash.is_some() => BTreeMap::new(),
                None => return Err(ReadError::Missing("hash")),
            };
            let hash = hash.or_else(|| hash_in(&swarm));
            Ok(Self { hash, swarm, t, hf })
        })
    }

    /// The answer before its encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put_some(
            "hash",
            self.hash.as_ref().map(|hash| Tree::Text(hash.to_string())),
        )
        .put("swarm", swarm_tree(&self.swarm));
        write_stamp(&mut dict, self.t, self.hf);
        dict.finish_sorted()
    }

    /// The outcomes of the members that stored the message.
    pub fn successes(&self) -> impl Iterator<Item = (&Ed25519PublicKey, &Stored)> {
        self.swarm
            .iter()
            .filter_map(|(node, outcome)| Some((node, outcome.done()?)))
    }
}

impl From<SwarmAnswer<Stored>> for StoreResponse {
    fn from(answer: SwarmAnswer<Stored>) -> Self {
        let SwarmAnswer { swarm, t, hf } = answer;
        Self {
            hash: hash_in(&swarm),
            swarm,
            t,
            hf,
        }
    }
}

fn hash_in(swarm: &BTreeMap<Ed25519PublicKey, NodeOutcome<Stored>>) -> Option<MessageHash> {
    swarm
        .values()
        .find_map(NodeOutcome::done)
        .map(|stored| stored.hash.clone())
}
