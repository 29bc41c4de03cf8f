use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp, limits};

use super::{namespace_tree, owner_tree, time_tree};
use crate::fields::{Fields, PubkeySpelling, SubaccountUse, require};
use crate::wire::{DictBuilder, Tree, decode_base64};
use crate::{Auth, RequestSigner, RpcError, signing};

/// `retrieve`: reads messages of one namespace (docs/protocol/node-rpc.md section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespace of it.
    pub namespace: Namespace,
    /// Only messages that arrived after this one.
    pub last_hash: Option<MessageHash>,
    /// At most this many; `None` and 0 mean no such limit.
    pub max_count: Option<u32>,
    /// At most this many bytes; −n means the n-th part of what a node gives at most.
    pub max_size: Option<i64>,
    /// Present when the request is signed.
    pub auth: Option<RetrieveAuth>,
}

/// The signature of a `retrieve` and the time inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveAuth {
    /// Who asks.
    pub auth: Auth,
    /// When.
    pub timestamp: Timestamp,
}

impl Retrieve {
    /// A signed request for the signer's own mailbox.
    #[must_use]
    pub fn signed(signer: &impl RequestSigner, namespace: Namespace, timestamp: Timestamp) -> Self {
        let auth = signer.authorise(signing::retrieve(namespace, timestamp).as_bytes());
        Self {
            owner: signer.owner(),
            namespace,
            last_hash: None,
            max_count: None,
            max_size: None,
            auth: Some(RetrieveAuth { auth, timestamp }),
        }
    }

    /// The same, for messages after `last_hash` only.
    #[must_use]
    pub fn after(self, last_hash: Option<MessageHash>) -> Self {
        Self { last_hash, ..self }
    }

    /// The same, with a size limit: bytes, or −n for the n-th part.
    #[must_use]
    pub fn max_size(self, max_size: i64) -> Self {
        Self {
            max_size: Some(max_size),
            ..self
        }
    }

    /// How many rows the answer may have (docs/protocol/node.md section 9.3).
    #[must_use]
    pub fn row_limit(&self) -> Option<u32> {
        self.max_count.filter(|count| *count > 0)
    }

    /// How many bytes the rows of the answer may account for, each counted by
    /// [`Retrieve::row_cost`] (docs/protocol/node.md section 9.3).
    #[must_use]
    pub fn byte_limit(&self) -> u64 {
        let all = limits::RETRIEVE_MAX_SIZE;
        match self.max_size.unwrap_or(0) {
            0 if self.row_limit().is_some() => all,
            0 => all / 5,
            n if n < 0 => all.checked_div(n.unsigned_abs()).unwrap_or(all),
            n => n.unsigned_abs().min(all),
        }
    }

    /// What one row counts: 100, its hash, and its data as base64.
    #[must_use]
    pub fn row_cost(hash_len: usize, data_len: usize) -> u64 {
        let data = u64::try_from(data_len)
            .unwrap_or(u64::MAX)
            .saturating_mul(4)
            / 3;
        u64::try_from(hash_len)
            .unwrap_or(u64::MAX)
            .saturating_add(data)
            .saturating_add(100)
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let other_last_hash = fields.raw("lastHash")?;
        let last_hash = fields.raw("last_hash")?;
        let max_count = fields.integer("max_count")?;
        let max_size = fields.integer("max_size")?;
        let namespace = fields.namespace("namespace")?;
        let has_key = fields.raw("pubkey_ed25519")?.is_some();
        fields.boolean("reverse_direction")?;
        let has_signature = fields.raw("signature")?.is_some();
        let timestamp = fields.timestamp("timestamp")?;

        let owner = fields.owner(PubkeySpelling::Both)?;
        let auth = if has_key
            || has_signature
            || timestamp.is_some()
            || namespace.is_some_and(Namespace::retrieve_needs_auth)
        {
            let auth = fields.auth(&owner, SubaccountUse::Allowed)?;
            Some(RetrieveAuth {
                auth,
                timestamp: require("timestamp", timestamp)?,
            })
        } else {
            None
        };
        let last_hash = match (last_hash, other_last_hash) {
            (Some(_), Some(_)) => {
                return Err(RpcError::invalid(
                    "Cannot specify both 'last_hash' and 'lastHash'",
                ));
            }
            (one, other) => one.or(other),
        };
        let last_hash = last_hash
            .filter(|raw| !raw.is_empty())
            .map(parse_last_hash)
            .transpose()?;
        let max_count = max_count
            .map(|count| u32::try_from(count.min(u32::MAX.into())))
            .transpose()
            .map_err(|_| {
                RpcError::invalid("Invalid value given for 'max_count': expected positive integer")
            })?;
        Ok(Self {
            owner,
            namespace: namespace.unwrap_or_default(),
            last_hash,
            max_count,
            max_size,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        let mut dict = DictBuilder::new();
        // Naming namespace 0 would ask for a signature.
        if self.auth.is_some() || self.namespace != Namespace::DEFAULT {
            dict.put("namespace", namespace_tree(self.namespace));
        }
        dict.put("pubkey", owner_tree(&self.owner));
        if let Some(RetrieveAuth { auth, timestamp }) = &self.auth {
            auth.write(&mut dict);
            dict.put("timestamp", time_tree(*timestamp));
        }
        let last_hash = self.last_hash.as_ref().map_or("", MessageHash::as_str);
        dict.text("last_hash", last_hash)
            .put_some(
                "max_count",
                self.max_count.map(|count| Tree::Int(count.into())),
            )
            .put_some("max_size", self.max_size.map(Tree::Int));
        dict.finish()
    }
}

fn parse_last_hash(raw: &[u8]) -> Result<MessageHash, RpcError> {
    if raw.len() != MessageHash::LEN {
        return Err(RpcError::invalid(
            "Invalid last_hash: expected base64 (43 chars)",
        ));
    }
    core::str::from_utf8(raw)
        .ok()
        .filter(|_| decode_base64(raw).is_some())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| RpcError::invalid("Invalid last_hash: not base64"))
}
