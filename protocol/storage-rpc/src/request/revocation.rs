use session_types::{SwarmPubkey, Timestamp, limits};

use super::{owner_tree, time_tree};
use crate::fields::{Fields, PubkeySpelling, SubaccountUse, require};
use crate::wire::{DictBuilder, Tree};
use crate::{Auth, RequestSigner, RpcError, SubaccountToken, signing};

/// `revoke_subaccount`: shuts subaccounts out (docs/protocol/node-rpc.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeSubaccount {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which subaccounts, at most [`limits::MAX_REVOCATIONS`].
    pub revoke: Vec<SubaccountToken>,
    /// The time inside the signature.
    pub timestamp: Timestamp,
    /// Of the owner; a subaccount cannot revoke.
    pub auth: Auth,
}

impl RevokeSubaccount {
    /// A signed request.
    ///
    /// # Errors
    /// [`RpcError`] 400 when there are too many tokens.
    pub fn signed(
        signer: &impl RequestSigner,
        revoke: Vec<SubaccountToken>,
        timestamp: Timestamp,
    ) -> Result<Self, RpcError> {
        if revoke.len() > limits::MAX_REVOCATIONS {
            return Err(RpcError::invalid(format!(
                "invalid revoke: cannot revoke more than {} subaccounts at once",
                limits::MAX_REVOCATIONS
            )));
        }
        let auth = signer.authorise(&signing::revoke_subaccount(timestamp, &revoke));
        Ok(Self {
            owner: signer.owner(),
            revoke,
            timestamp,
            auth,
        })
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let timestamp = fields.timestamp("timestamp")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Refused)?;
        let revoke = fields.tokens("revoke", Some(limits::MAX_REVOCATIONS))?;
        Ok(Self {
            owner,
            revoke,
            timestamp: require("timestamp", timestamp)?,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        write_tokens(
            &self.owner,
            "revoke",
            &self.revoke,
            self.timestamp,
            &self.auth,
        )
    }
}

/// `unrevoke_subaccount`: lets subaccounts in again (docs/protocol/node-rpc.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrevokeSubaccount {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which subaccounts.
    pub unrevoke: Vec<SubaccountToken>,
    /// The time inside the signature.
    pub timestamp: Timestamp,
    /// Of the owner.
    pub auth: Auth,
}

impl UnrevokeSubaccount {
    /// A signed request.
    #[must_use]
    pub fn signed(
        signer: &impl RequestSigner,
        unrevoke: Vec<SubaccountToken>,
        timestamp: Timestamp,
    ) -> Self {
        let auth = signer.authorise(&signing::unrevoke_subaccount(timestamp, &unrevoke));
        Self {
            owner: signer.owner(),
            unrevoke,
            timestamp,
            auth,
        }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let timestamp = fields.timestamp("timestamp")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Refused)?;
        let timestamp = require("timestamp", timestamp)?;
        Ok(Self {
            owner,
            unrevoke: fields.tokens("unrevoke", None)?,
            timestamp,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        write_tokens(
            &self.owner,
            "unrevoke",
            &self.unrevoke,
            self.timestamp,
            &self.auth,
        )
    }
}

/// `revoked_subaccounts`: asks which subaccounts are shut out
/// (docs/protocol/node-rpc.md section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSubaccounts {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// The time inside the signature.
    pub timestamp: Timestamp,
    /// Of the owner.
    pub auth: Auth,
}

impl RevokedSubaccounts {
    /// A signed request.
    #[must_use]
    pub fn signed(signer: &impl RequestSigner, timestamp: Timestamp) -> Self {
        let auth = signer.authorise(signing::revoked_subaccounts(timestamp).as_bytes());
        Self {
            owner: signer.owner(),
            timestamp,
            auth,
        }
    }

    pub(crate) fn read(fields: Fields<'_>) -> Result<Self, RpcError> {
        let timestamp = fields.timestamp("timestamp")?;
        let owner = fields.owner(PubkeySpelling::LowerCase)?;
        let auth = fields.auth(&owner, SubaccountUse::Refused)?;
        Ok(Self {
            owner,
            timestamp: require("timestamp", timestamp)?,
            auth,
        })
    }

    pub(crate) fn write(&self) -> Tree {
        let mut dict = DictBuilder::new();
        dict.put("pubkey", owner_tree(&self.owner));
        self.auth.write(&mut dict);
        dict.put("timestamp", time_tree(self.timestamp)).finish()
    }
}

fn write_tokens(
    owner: &SwarmPubkey,
    key: &'static str,
    tokens: &[SubaccountToken],
    timestamp: Timestamp,
    auth: &Auth,
) -> Tree {
    let tokens = tokens
        .iter()
        .map(|token| Tree::Hex(token.as_bytes().to_vec()))
        .collect();
    let mut dict = DictBuilder::new();
    dict.put("pubkey", owner_tree(owner));
    auth.write(&mut dict);
    dict.put(key, Tree::List(tokens))
        .put("timestamp", time_tree(timestamp))
        .finish()
}
