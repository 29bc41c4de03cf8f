use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp};

use super::{NamespaceFilter, owner_tree, time_tree};
use crate::fields::{Fields, PubkeySpelling, SubaccountUse, require};
use crate::wire::{DictBuilder, Tree};
use crate::{Auth, RequestSigner, RpcError, signing};

/// `delete`: forgets messages by hash (docs/protocol/node-rpc.md section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which messages, at least one, in the order the signature covers.
    pub messages: Vec<MessageHash>,
    /// Whether deleting nothing anywhere is a failure. Not passed on to other nodes.
    pub required: bool,
    /// Always needed.
    pub auth: Auth,
}

/// For whom a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// The node a client asks.
    Node,
    /// Another member of the swarm.
    Peer,
}

impl Delete {
    /// A signed request.
    ///
    /// # Errors
    /// [`RpcError`] 400 when there are no hashes.
    pub fn signed(
        signer: &impl RequestSigner,
        messages: Vec<MessageHash>,
    ) -> Result<Self, RpcError> {
        check_not_empty(&messages)?;
        let auth = signer.authorise(signing::delete(&messages).as_bytes());
        Ok(Self {
            owner: signer.owner(),
            messages,
            required: false,
            auth,
        })
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let messages = fields.raw_list("messages")?;
        let required = fields.boolean("required")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Allowed)?;
        let messages = require("messages", messages)?;
        Ok(Self {
            owner,
            messages: parse_hashes(&messages)?,
            required: required.unwrap_or(false),
            auth,
        })
    }

    pub(super) fn write(&self, audience: Audience) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("messages", hashes_tree(&self.messages))
            .put("pubkey", owner_tree(&self.owner));
        if self.required && audience == Audience::Node {
            dict.put("required", Tree::Bool(true));
        }
        self.auth.write(&mut dict);
        dict.finish()
    }
}

/// `delete_all`: empties a namespace or the whole mailbox
/// (docs/protocol/node-rpc.md section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteAll {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespaces.
    pub namespace: NamespaceFilter,
    /// The time inside the signature.
    pub timestamp: Timestamp,
    /// Always needed.
    pub auth: Auth,
}

impl DeleteAll {
    /// A signed request.
    #[must_use]
    pub fn signed(
        signer: &impl RequestSigner,
        namespace: NamespaceFilter,
        timestamp: Timestamp,
    ) -> Self {
        let auth = signer.authorise(signing::delete_all(namespace, timestamp).as_bytes());
        Self {
            owner: signer.owner(),
            namespace,
            timestamp,
            auth,
        }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let (timed, timestamp) = TimedFields::read(fields, "timestamp")?;
        let TimedFields {
            owner,
            namespace,
            auth,
        } = timed;
        Ok(Self {
            owner,
            namespace,
            timestamp,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        write_timed(
            &self.owner,
            self.namespace,
            &self.auth,
            "timestamp",
            self.timestamp,
        )
    }
}

/// `delete_before`: forgets messages up to a time (docs/protocol/node-rpc.md section 5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteBefore {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespaces.
    pub namespace: NamespaceFilter,
    /// Messages with this time or an earlier one go.
    pub before: Timestamp,
    /// Always needed.
    pub auth: Auth,
}

impl DeleteBefore {
    /// A signed request.
    #[must_use]
    pub fn signed(
        signer: &impl RequestSigner,
        namespace: NamespaceFilter,
        before: Timestamp,
    ) -> Self {
        let auth = signer.authorise(signing::delete_before(namespace, before).as_bytes());
        Self {
            owner: signer.owner(),
            namespace,
            before,
            auth,
        }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let (timed, before) = TimedFields::read(fields, "before")?;
        let TimedFields {
            owner,
            namespace,
            auth,
        } = timed;
        Ok(Self {
            owner,
            namespace,
            before,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        write_timed(
            &self.owner,
            self.namespace,
            &self.auth,
            "before",
            self.before,
        )
    }
}

/// What `delete_all`, `delete_before` and `expire_all` have in common.
pub(super) struct TimedFields {
    pub(super) owner: SwarmPubkey,
    pub(super) namespace: NamespaceFilter,
    pub(super) auth: Auth,
}

impl TimedFields {
    /// Reads the common fields and the time that stands under `key`.
    pub(super) fn read(fields: Fields<'_>, key: &str) -> Result<(Self, Timestamp), RpcError> {
        let time = fields.timestamp(key)?;
        let namespace = fields.namespace_or_all("namespace")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Allowed)?;
        let time = require(key, time)?;
        let namespace = namespace.unwrap_or(NamespaceFilter::One(Namespace::DEFAULT));
        Ok((
            Self {
                owner,
                namespace,
                auth,
            },
            time,
        ))
    }
}

pub(super) fn write_timed(
    owner: &SwarmPubkey,
    namespace: NamespaceFilter,
    auth: &Auth,
    key: &'static str,
    time: Timestamp,
) -> Tree {
    let mut dict = DictBuilder::new();
    dict.put("namespace", namespace.tree())
        .put("pubkey", owner_tree(owner));
    auth.write(&mut dict);
    dict.put(key, time_tree(time)).finish()
}

pub(super) fn hashes_tree<S: AsRef<str>>(hashes: &[S]) -> Tree {
    Tree::List(
        hashes
            .iter()
            .map(|hash| Tree::Text(hash.as_ref().to_owned()))
            .collect(),
    )
}

pub(super) fn check_not_empty<T>(messages: &[T]) -> Result<(), RpcError> {
    if messages.is_empty() {
        return Err(RpcError::invalid(
            "messages does not contain any message hashes",
        ));
    }
    Ok(())
}

pub(super) fn parse_hashes(raw: &[&[u8]]) -> Result<Vec<MessageHash>, RpcError> {
    check_not_empty(raw)?;
    raw.iter()
        .map(|raw| {
            core::str::from_utf8(raw)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| {
                    let text = String::from_utf8_lossy(raw);
                    RpcError::invalid(format!("invalid message hash: {text}"))
                })
        })
        .collect()
}
