use core::time::Duration;

use session_types::{Namespace, SwarmPubkey, Timestamp, limits};

use super::{namespace_tree, owner_tree, time_tree};
use crate::fields::{Fields, PubkeySpelling, SubaccountUse, require};
use crate::wire::{DictBuilder, Tree, decode_base64};
use crate::{Auth, RequestSigner, RpcError, signing};

/// `store`: puts a message into a mailbox (docs/protocol/node-rpc.md section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespace of it.
    pub namespace: Namespace,
    /// Time of the message.
    pub timestamp: Timestamp,
    /// When the message is to be forgotten.
    pub expiry: Timestamp,
    /// The message, at most [`limits::MAX_MESSAGE_SIZE`] bytes.
    pub data: Vec<u8>,
    /// Needed for namespaces that are not public inboxes.
    pub auth: Option<Auth>,
    /// The time inside the signature; equal to `timestamp` unless the client gave another.
    pub sig_timestamp: Timestamp,
}

impl Store {
    /// A message into somebody's public inbox, namespace 0, without a signature.
    ///
    /// # Errors
    /// [`RpcError`] 400 when the data is too long.
    pub fn unsigned(
        owner: SwarmPubkey,
        timestamp: Timestamp,
        ttl: Duration,
        data: Vec<u8>,
    ) -> Result<Self, RpcError> {
        check_size(data.len(), limits::MAX_MESSAGE_SIZE)?;
        Ok(Self {
            owner,
            namespace: Namespace::DEFAULT,
            timestamp,
            expiry: timestamp.plus(ttl),
            data,
            auth: None,
            sig_timestamp: timestamp,
        })
    }

    /// A signed message into the signer's own mailbox.
    ///
    /// # Errors
    /// [`RpcError`] 400 when the data is too long.
    pub fn signed(
        signer: &impl RequestSigner,
        namespace: Namespace,
        timestamp: Timestamp,
        ttl: Duration,
        data: Vec<u8>,
    ) -> Result<Self, RpcError> {
        let auth = signer.authorise(signing::store(namespace, timestamp).as_bytes());
        let unsigned = Self::unsigned(signer.owner(), timestamp, ttl, data)?;
        Ok(Self {
            namespace,
            auth: Some(auth),
            ..unsigned
        })
    }

    /// The lifetime asked for; `None` when the message would expire before it was written.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.expiry
            .as_ms()
            .checked_sub(self.timestamp.as_ms())
            .map(Duration::from_millis)
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let data = fields.raw("data")?;
        let expiry = fields.timestamp("expiry")?;
        let namespace = fields.namespace("namespace")?;
        let sig_timestamp = fields.timestamp("sig_timestamp")?;
        let signed = fields.raw("signature")?.is_some();
        let timestamp = fields.store_timestamp()?;
        let ttl = fields.store_ttl_ms()?;

        let timestamp = require("timestamp", timestamp)?;
        let expiry = match (expiry, ttl) {
            (Some(_), Some(_)) => {
                return Err(RpcError::invalid("Cannot specify both 'expiry' and 'ttl'"));
            }
            (None, None) => {
                return Err(RpcError::invalid(
                    "Required field 'expiry' or 'ttl' missing",
                ));
            }
            (Some(expiry), None) => expiry,
            (None, Some(ttl)) => timestamp.plus(Duration::from_millis(ttl)),
        };
        let owner = fields.owner(PubkeySpelling::Both)?;
        let auth = signed
            .then(|| fields.auth(&owner, SubaccountUse::Allowed))
            .transpose()?;
        let data = require("data", data)?;
        let json = fields.reader().is_json();
        check_size(
            data.len(),
            if json {
                MAX_BASE64
            } else {
                limits::MAX_MESSAGE_SIZE
            },
        )?;
        let data = if json {
            decode_base64(data)
        } else {
            Some(data.to_vec())
        };
        let data =
            data.ok_or_else(|| RpcError::invalid("Invalid 'data' value: not base64 encoded"))?;
        Ok(Self {
            owner,
            namespace: namespace.unwrap_or_default(),
            timestamp,
            expiry,
            data,
            auth,
            sig_timestamp: sig_timestamp.unwrap_or(timestamp),
        })
    }

    pub(crate) fn write(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("pubkey", owner_tree(&self.owner))
            .put("timestamp", time_tree(self.timestamp))
            .put("namespace", namespace_tree(self.namespace));
        match self.ttl() {
            Some(_) => {
                let ttl_ms = self
                    .expiry
                    .as_ms_i64()
                    .saturating_sub(self.timestamp.as_ms_i64());
                dict.put("ttl", Tree::Int(ttl_ms));
            }
            None => {
                dict.put("expiry", time_tree(self.expiry));
            }
        }
        dict.put("data", Tree::Blob(self.data.clone()));
        if let Some(auth) = &self.auth {
            if self.sig_timestamp != self.timestamp {
                dict.put("sig_timestamp", time_tree(self.sig_timestamp));
            }
            auth.write(&mut dict);
        }
        dict.finish()
    }

    /// The bt dict passed on to the other members of the swarm
    /// (docs/protocol/node.md section 10, docs/protocol/walkthrough.md step 6).
    ///
    /// | Key | Value |
    /// |---|---|
    /// | `data` | raw bytes |
    /// | `expiry` | absolute, ms |
    /// | `namespace` | unless 0 |
    /// | `pubkey` | 33 bytes |
    /// | `pubkey_ed25519`, `sig_timestamp`, `signature`, `subaccount`, `subaccount_sig` | only of signed requests |
    /// | `timestamp` | ms |
    #[must_use]
    pub fn to_forward_bt(&self) -> Vec<u8> {
        let mut dict = DictBuilder::new();
        dict.put("data", Tree::Blob(self.data.clone()))
            .put("expiry", time_tree(self.expiry))
            .put("pubkey", owner_tree(&self.owner))
            .put("timestamp", time_tree(self.timestamp));
        if self.namespace != Namespace::DEFAULT {
            dict.put("namespace", namespace_tree(self.namespace));
        }
        if let Some(auth) = &self.auth {
            dict.put("sig_timestamp", time_tree(self.sig_timestamp));
            auth.write(&mut dict);
        }
        dict.finish().to_bt_bytes()
    }
}

/// The largest message as base64: its size is a multiple of 3, so there is no padding.
const MAX_BASE64: usize = limits::MAX_MESSAGE_SIZE / 3 * 4;

fn check_size(len: usize, most: usize) -> Result<(), RpcError> {
    if len > most {
        return Err(RpcError::invalid(format!(
            "Message body exceeds maximum allowed length of {} bytes",
            limits::MAX_MESSAGE_SIZE
        )));
    }
    Ok(())
}
