use session_types::{MessageHash, SwarmPubkey, Timestamp};

use super::delete::{TimedFields, check_not_empty, hashes_tree, parse_hashes, write_timed};
use super::{NamespaceFilter, owner_tree, time_tree};
use crate::fields::{Fields, PubkeySpelling, SubaccountUse, require};
use crate::wire::{DictBuilder, Tree};
use crate::{Auth, RequestSigner, RpcError, signing};

/// Which changes an `expire` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireMode {
    /// Only to a later time.
    Extend,
    /// Whatever the time was.
    #[default]
    Set,
    /// Only to an earlier time.
    Shorten,
}

impl ExpireMode {
    /// The form inside the signed string.
    #[must_use]
    pub const fn signed_form(self) -> &'static str {
        match self {
            Self::Extend => "extend",
            Self::Set => "",
            Self::Shorten => "shorten",
        }
    }
}

/// `expire`: changes when messages expire (docs/protocol/node-rpc.md section 5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expire {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which messages, at least one, in the order the signature covers.
    pub messages: Vec<MessageHash>,
    /// One time for all messages, or one for each.
    pub expiry: Vec<Timestamp>,
    /// Which changes are made.
    pub mode: ExpireMode,
    /// Always needed.
    pub auth: Auth,
}

impl Expire {
    /// A signed request that gives every message the same expiry.
    ///
    /// # Errors
    /// [`RpcError`] 400 when there are no hashes.
    pub fn signed(
        signer: &impl RequestSigner,
        messages: Vec<MessageHash>,
        expiry: Timestamp,
        mode: ExpireMode,
    ) -> Result<Self, RpcError> {
        Self::signed_each(signer, messages, vec![expiry], mode)
    }

    /// A signed request with an expiry for each message.
    ///
    /// # Errors
    /// [`RpcError`] 400 when there are no hashes, or not as many expiries as hashes.
    pub fn signed_each(
        signer: &impl RequestSigner,
        messages: Vec<MessageHash>,
        expiry: Vec<Timestamp>,
        mode: ExpireMode,
    ) -> Result<Self, RpcError> {
        check_lengths(&expiry, messages.len())?;
        check_not_empty(&messages)?;
        let auth = signer.authorise(signing::expire(mode, &expiry, &messages).as_bytes());
        Ok(Self {
            owner: signer.owner(),
            messages,
            expiry,
            mode,
            auth,
        })
    }

    /// The messages, each with the expiry asked for it.
    pub fn targets(&self) -> impl Iterator<Item = (&MessageHash, Timestamp)> {
        let first = self.expiry.first().copied().unwrap_or_default();
        self.messages
            .iter()
            .enumerate()
            .map(move |(i, message)| (message, self.expiry.get(i).copied().unwrap_or(first)))
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let expiry = fields.timestamp_list("expiry")?;
        let extend = fields.boolean("extend")?.unwrap_or(false);
        let messages = fields.raw_list("messages")?;
        let shorten = fields.boolean("shorten")?.unwrap_or(false);
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Allowed)?;
        let expiry = require("expiry", expiry)?;
        if expiry.is_empty() {
            return Err(no_expiry());
        }
        let mode = match (shorten, extend) {
            (true, true) => {
                return Err(RpcError::invalid(
                    "cannot specify both 'shorten' and 'extend'",
                ));
            }
            (true, false) => ExpireMode::Shorten,
            (false, true) => ExpireMode::Extend,
            (false, false) => ExpireMode::Set,
        };
        let messages = require("messages", messages)?;
        check_not_empty(&messages)?;
        check_lengths(&expiry, messages.len())?;
        Ok(Self {
            owner,
            messages: parse_hashes(&messages)?,
            expiry,
            mode,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        let expiry = match self.expiry.as_slice() {
            [one] => time_tree(*one),
            many => Tree::List(many.iter().map(|time| time_tree(*time)).collect()),
        };
        let mut dict = DictBuilder::new();
        dict.put("expiry", expiry)
            .put("messages", hashes_tree(&self.messages))
            .put("pubkey", owner_tree(&self.owner));
        match self.mode {
            ExpireMode::Extend => {
                dict.put("extend", Tree::Bool(true));
            }
            ExpireMode::Set => {}
            ExpireMode::Shorten => {
                dict.put("shorten", Tree::Bool(true));
            }
        }
        self.auth.write(&mut dict);
        dict.finish()
    }
}

/// `expire_all`: shortens the life of every message (docs/protocol/node-rpc.md section 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireAll {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which namespaces.
    pub namespace: NamespaceFilter,
    /// No message lives longer than this.
    pub expiry: Timestamp,
    /// Always needed.
    pub auth: Auth,
}

impl ExpireAll {
    /// A signed request.
    #[must_use]
    pub fn signed(
        signer: &impl RequestSigner,
        namespace: NamespaceFilter,
        expiry: Timestamp,
    ) -> Self {
        let auth = signer.authorise(signing::expire_all(namespace, expiry).as_bytes());
        Self {
            owner: signer.owner(),
            namespace,
            expiry,
            auth,
        }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let (timed, expiry) = TimedFields::read(fields, "expiry")?;
        let TimedFields {
            owner,
            namespace,
            auth,
        } = timed;
        Ok(Self {
            owner,
            namespace,
            expiry,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        write_timed(
            &self.owner,
            self.namespace,
            &self.auth,
            "expiry",
            self.expiry,
        )
    }
}

/// `get_expiries`: asks when messages expire (docs/protocol/node-rpc.md section 5.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExpiries {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which messages. Their form is not checked: what is no hash is simply not found.
    pub messages: Vec<String>,
    /// The time inside the signature.
    pub timestamp: Timestamp,
    /// Always needed.
    pub auth: Auth,
}

impl GetExpiries {
    /// A signed request.
    ///
    /// # Errors
    /// [`RpcError`] 400 when there are no hashes.
    pub fn signed(
        signer: &impl RequestSigner,
        messages: &[MessageHash],
        timestamp: Timestamp,
    ) -> Result<Self, RpcError> {
        check_not_empty(messages)?;
        let auth = signer.authorise(signing::get_expiries(timestamp, messages).as_bytes());
        let messages = messages.iter().map(ToString::to_string).collect();
        Ok(Self {
            owner: signer.owner(),
            messages,
            timestamp,
            auth,
        })
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let messages = fields.raw_list("messages")?;
        let timestamp = fields.timestamp("timestamp")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Allowed)?;
        let timestamp = require("timestamp", timestamp)?;
        let messages = require("messages", messages)?;
        check_not_empty(&messages)?;
        let messages = messages
            .into_iter()
            .map(|raw| {
                core::str::from_utf8(raw).map(str::to_owned).map_err(|_| {
                    RpcError::invalid("Invalid value given for 'messages': expected string array")
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            owner,
            messages,
            timestamp,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("messages", hashes_tree(&self.messages))
            .put("pubkey", owner_tree(&self.owner));
        self.auth.write(&mut dict);
        dict.put("timestamp", time_tree(self.timestamp)).finish()
    }
}

fn no_expiry() -> RpcError {
    RpcError::invalid("'expiry' does not contain any expiration timestamps")
}

fn check_lengths(expiry: &[Timestamp], messages: usize) -> Result<(), RpcError> {
    match expiry.len() {
        0 => Err(no_expiry()),
        1 => Ok(()),
        n if n == messages => Ok(()),
        _ => Err(RpcError::invalid(
            "'expiry' must be a single expiry, or the same length as 'messages'",
        )),
    }
}
