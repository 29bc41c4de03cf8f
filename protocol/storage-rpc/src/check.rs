//! The checks a node makes before it does what a request asks: times, lifetimes and authority,
//! in the order and with the texts of docs/protocol/node-rpc.md sections 3 to 6.
//!
//! Whether the mailbox belongs to the node's swarm comes first and is the node's own business.

use core::time::Duration;

use session_types::{Namespace, NamespaceClass, SwarmPubkey, Timestamp, limits};

use crate::auth::{Auth, AuthMemory, Permissions, verify_auth};
use crate::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, ExpireMode, GetExpiries, Request, Retrieve,
    RevokeSubaccount, RevokedSubaccounts, Store, UnrevokeSubaccount,
};
use crate::{HardFork, Method, RpcError, signing};

/// Kept free of messages for tests of the network.
const TESTING_NAMESPACE: Namespace = Namespace::new(-3741);

/// From here on `expire` may carry an expiry for each message.
const MULTI_EXPIRY_HARD_FORK: HardFork = HardFork::new(19, 4);

/// Who handed a request to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client, or a relay on its behalf.
    Client,
    /// Another member of the swarm, which has checked it already.
    Peer,
}

/// What the checks need to know of the world.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext<'a> {
    /// The node's clock.
    pub now: Timestamp,
    /// Where the request came from.
    pub origin: Origin,
    /// Rules of the network.
    pub hf: HardFork,
    /// Whether the token of [`Request::subaccount_token`] is revoked for the mailbox.
    pub revoked: bool,
    /// What earlier checks found out; [`NoAuthMemory`](crate::NoAuthMemory) where it does not matter.
    pub memory: &'a dyn AuthMemory,
}

impl CheckContext<'_> {
    fn tolerance(&self) -> Duration {
        match self.origin {
            Origin::Client => limits::SIGNATURE_TOLERANCE,
            Origin::Peer => limits::SIGNATURE_TOLERANCE_FORWARDED,
        }
    }

    fn near_now(
        &self,
        method: Method,
        time: Timestamp,
        tolerance: Duration,
    ) -> Result<(), RpcError> {
        if self.now.distance(time) > tolerance {
            return Err(RpcError::new(
                406,
                format!("{method} timestamp too far from current time"),
            ));
        }
        Ok(())
    }

    fn authorised(
        &self,
        owner: &SwarmPubkey,
        auth: &Auth,
        signed: &[u8],
        required: Permissions,
        what: &str,
    ) -> Result<(), RpcError> {
        verify_auth(owner, auth, signed, required, self.revoked, self.memory)
            .map_err(|_| RpcError::new(401, format!("{what} signature verification failed")))
    }
}

impl Request {
    /// Runs the checks of the endpoint; requests that need none pass, and so do `batch`,
    /// `sequence` and `ifelse`, whose parts are checked one by one.
    ///
    /// # Errors
    /// [`RpcError`] with the status and text of the first check that failed.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        match self {
            Self::Delete(r) => r.check(context),
            Self::DeleteAll(r) => r.check(context),
            Self::DeleteBefore(r) => r.check(context),
            Self::Expire(r) => r.check(context),
            Self::ExpireAll(r) => r.check(context),
            Self::GetExpiries(r) => r.check(context),
            Self::Retrieve(r) => r.check(context),
            Self::RevokeSubaccount(r) => r.check(context),
            Self::RevokedSubaccounts(r) => r.check(context),
            Self::Store(r) => r.check(context),
            Self::UnrevokeSubaccount(r) => r.check(context),
            Self::ActiveNodesBin
            | Self::Batch(_)
            | Self::GetSwarm(_)
            | Self::IfElse(_)
            | Self::Info
            | Self::OxendRequest(_)
            | Self::Sequence(_) => Ok(()),
        }
    }
}

impl Store {
    /// Whether the message may be stored.
    ///
    /// # Errors
    /// [`RpcError`] 401, 403 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        if self.namespace == TESTING_NAMESPACE {
            return Err(RpcError::new(
                403,
                "namespace -3741 is reserved for testing and cannot store messages",
            ));
        }
        let allowed = limits::MIN_TTL..=self.namespace.max_ttl();
        if !self.ttl().is_some_and(|ttl| allowed.contains(&ttl)) {
            return Err(RpcError::new(403, "Provided expiry/TTL is not valid."));
        }
        if self.timestamp > context.now.plus(limits::STORE_TOLERANCE)
            || self.expiry < context.now.minus(limits::STORE_TOLERANCE)
        {
            return Err(RpcError::new(406, "Timestamp error: check your clock"));
        }
        if !self.namespace.store_needs_auth() {
            return Ok(());
        }
        let auth = self.auth.as_ref().ok_or_else(|| {
            let namespace = self.namespace;
            RpcError::new(
                401,
                format!("store: signature required to store to namespace {namespace}"),
            )
        })?;
        if context.now.distance(self.sig_timestamp) > limits::SIGNATURE_TOLERANCE {
            return Err(RpcError::new(
                406,
                "store signature timestamp too far from current time",
            ));
        }
        let required = match self.namespace.class() {
            NamespaceClass::PublicOutbox => Permissions::WRITE | Permissions::DELETE,
            _ => Permissions::WRITE,
        };
        let signed = signing::store(self.namespace, self.sig_timestamp);
        context.authorised(&self.owner, auth, signed.as_bytes(), required, "store")
    }
}

impl Retrieve {
    /// Whether the messages may be read. A signature is verified even where none is needed.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        let Some(signed) = &self.auth else {
            return if self.namespace.retrieve_needs_auth() {
                Err(RpcError::new(401, "retrieve: request signature required"))
            } else {
                Ok(())
            };
        };
        context.near_now(
            Method::Retrieve,
            signed.timestamp,
            limits::SIGNATURE_TOLERANCE,
        )?;
        let context = CheckContext {
            revoked: context.revoked && !self.namespace.readable_when_revoked(),
            ..*context
        };
        let text = signing::retrieve(self.namespace, signed.timestamp);
        context.authorised(
            &self.owner,
            &signed.auth,
            text.as_bytes(),
            Permissions::READ,
            "retrieve",
        )
    }
}

impl Delete {
    /// Whether the messages may be deleted.
    ///
    /// # Errors
    /// [`RpcError`] 401.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        let signed = signing::delete(&self.messages);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::DELETE,
            "delete_msgs",
        )
    }
}

impl DeleteAll {
    /// Whether the namespaces may be emptied.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        context.near_now(Method::DeleteAll, self.timestamp, context.tolerance())?;
        let signed = signing::delete_all(self.namespace, self.timestamp);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::DELETE,
            "delete_all",
        )
    }
}

impl DeleteBefore {
    /// Whether the messages may be deleted.
    ///
    /// # Errors
    /// [`RpcError`] 401.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        if self.before > context.now.plus(limits::SIGNATURE_TOLERANCE) {
            return Err(RpcError::new(
                401,
                "delete_before timestamp too far in the future",
            ));
        }
        let signed = signing::delete_before(self.namespace, self.before);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::DELETE,
            "delete_before",
        )
    }
}

impl ExpireAll {
    /// Whether the lives may be shortened.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        if self.expiry < context.now.minus(context.tolerance()) {
            return Err(RpcError::new(
                406,
                "expire_all timestamp should be >= current time",
            ));
        }
        let signed = signing::expire_all(self.namespace, self.expiry);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::DELETE,
            "expire_all",
        )
    }
}

impl Expire {
    /// Whether the expiries may be changed.
    ///
    /// # Errors
    /// [`RpcError`] 400, 401 or 403.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        let earliest = context.now.minus(limits::SIGNATURE_TOLERANCE);
        if self.expiry.iter().any(|expiry| *expiry < earliest) {
            return Err(RpcError::new(
                401,
                "expire: timestamp should be >= current time",
            ));
        }
        if self.expiry.len() > 1 && context.hf < MULTI_EXPIRY_HARD_FORK {
            return Err(RpcError::new(
                403,
                "expire: multiple expiries not supported yet",
            ));
        }
        let signed = signing::expire(self.mode, &self.expiry, &self.messages);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::WRITE,
            "expire:",
        )?;
        if self.mode == ExpireMode::Shorten && !self.may_shorten() {
            return Err(RpcError::new(
                400,
                "expire: shorten parameter cannot be used with this subaccount token (missing \
                 delete access)",
            ));
        }
        Ok(())
    }

    /// Which changes are made for this sender: a subaccount that may not delete only extends.
    #[must_use]
    pub fn effective_mode(&self) -> ExpireMode {
        match self.mode {
            ExpireMode::Set if !self.may_shorten() => ExpireMode::Extend,
            mode => mode,
        }
    }

    /// What a node makes of an expiry asked for: at most 30 days ahead, in every namespace.
    #[must_use]
    pub fn capped(expiry: Timestamp, now: Timestamp) -> Timestamp {
        expiry.min(now.plus(limits::MAX_TTL_PRIVATE))
    }

    fn may_shorten(&self) -> bool {
        self.auth
            .subaccount
            .as_ref()
            .is_none_or(|subaccount| subaccount.token.permissions().contains(Permissions::DELETE))
    }
}

impl GetExpiries {
    /// Whether the expiries may be read.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        context.near_now(
            Method::GetExpiries,
            self.timestamp,
            limits::SIGNATURE_TOLERANCE,
        )?;
        let signed = signing::get_expiries(self.timestamp, &self.messages);
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            Permissions::READ,
            "get_expiries",
        )
    }
}

impl RevokeSubaccount {
    /// Whether the subaccounts may be shut out.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        context.near_now(
            Method::RevokeSubaccount,
            self.timestamp,
            context.tolerance(),
        )?;
        let signed = signing::revoke_subaccount(self.timestamp, &self.revoke);
        let none = Permissions::NONE;
        context.authorised(&self.owner, &self.auth, &signed, none, "revoke_subaccount")
    }
}

impl UnrevokeSubaccount {
    /// Whether the subaccounts may be let in again.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        context.near_now(
            Method::UnrevokeSubaccount,
            self.timestamp,
            context.tolerance(),
        )?;
        let signed = signing::unrevoke_subaccount(self.timestamp, &self.unrevoke);
        let none = Permissions::NONE;
        context.authorised(
            &self.owner,
            &self.auth,
            &signed,
            none,
            "unrevoke_subaccount",
        )
    }
}

impl RevokedSubaccounts {
    /// Whether the list may be read.
    ///
    /// # Errors
    /// [`RpcError`] 401 or 406.
    pub fn check(&self, context: &CheckContext<'_>) -> Result<(), RpcError> {
        let tolerance = limits::SIGNATURE_TOLERANCE;
        context.near_now(Method::RevokedSubaccounts, self.timestamp, tolerance)?;
        let signed = signing::revoked_subaccounts(self.timestamp);
        let none = Permissions::NONE;
        context.authorised(
            &self.owner,
            &self.auth,
            signed.as_bytes(),
            none,
            "revoked_subaccounts",
        )
    }
}
