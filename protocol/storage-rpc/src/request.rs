//! Requests: parsed from what clients and other nodes send, written for sending.

mod delete;
mod expire;
mod meta;
mod network;
mod retrieve;
mod revocation;
mod store;

use serde_json::Value;
use session_types::{Namespace, SwarmPubkey};

use crate::fields::Fields;
use crate::json;
use crate::wire::{DictBuilder, Reader, Tree, parse_bt};
use crate::{Auth, Method, RpcError, SubaccountToken};

pub use delete::{Delete, DeleteAll, DeleteBefore};
pub use expire::{Expire, ExpireAll, ExpireMode, GetExpiries};
pub use meta::{Condition, IfElse};
pub use network::{GetSwarm, OxendEndpoint, OxendRequest};
pub use retrieve::{Retrieve, RetrieveAuth};
pub use revocation::{RevokeSubaccount, RevokedSubaccounts, UnrevokeSubaccount};
pub use store::Store;

/// A request to a storage node (docs/protocol/node-rpc.md).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// The compact binary node list.
    ActiveNodesBin,
    /// Several requests, all run.
    Batch(Vec<Self>),
    /// Deletes messages by hash.
    Delete(Delete),
    /// Deletes every message.
    DeleteAll(DeleteAll),
    /// Deletes messages up to a time.
    DeleteBefore(DeleteBefore),
    /// Changes when messages expire.
    Expire(Expire),
    /// Shortens the life of every message.
    ExpireAll(ExpireAll),
    /// Asks when messages expire.
    GetExpiries(GetExpiries),
    /// Asks which nodes hold a mailbox.
    GetSwarm(GetSwarm),
    /// One of two requests, depending on the network's state.
    IfElse(Box<IfElse>),
    /// Version and time of the node.
    Info,
    /// A question to the node's view of the chain.
    OxendRequest(OxendRequest),
    /// Reads messages.
    Retrieve(Retrieve),
    /// Shuts subaccounts out.
    RevokeSubaccount(RevokeSubaccount),
    /// Asks which subaccounts are shut out.
    RevokedSubaccounts(RevokedSubaccounts),
    /// Several requests, up to the first that fails.
    Sequence(Vec<Self>),
    /// Stores a message.
    Store(Store),
    /// Lets subaccounts in again.
    UnrevokeSubaccount(UnrevokeSubaccount),
}

/// How the sender of a request wrote it, and wants the answer written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// bt, binary fields raw.
    Bt,
    /// JSON, binary fields as hex or base64.
    Json,
}

/// One namespace or all of them, in the requests that allow both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceFilter {
    /// Every namespace of the mailbox.
    All,
    /// This one.
    One(Namespace),
}

impl NamespaceFilter {
    /// The form inside signed strings: `all`, decimal, or nothing for 0.
    #[must_use]
    pub fn signed_form(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::One(namespace) => namespace.signed_form(),
        }
    }

    pub(crate) fn tree(self) -> Tree {
        match self {
            Self::All => Tree::Text("all".to_owned()),
            Self::One(namespace) => namespace_tree(namespace),
        }
    }
}

impl From<Namespace> for NamespaceFilter {
    fn from(namespace: Namespace) -> Self {
        Self::One(namespace)
    }
}

impl Request {
    /// Joins requests into a `batch`.
    ///
    /// # Errors
    /// [`RpcError`] as a node would answer: none or more than 20 requests, or one that itself
    /// holds others.
    pub fn batch(requests: Vec<Self>) -> Result<Self, RpcError> {
        meta::check_subrequests(&requests)?;
        Ok(Self::Batch(requests))
    }

    /// Joins requests into a `sequence`.
    ///
    /// # Errors
    /// As [`Request::batch`].
    pub fn sequence(requests: Vec<Self>) -> Result<Self, RpcError> {
        meta::check_subrequests(&requests)?;
        Ok(Self::Sequence(requests))
    }

    /// Parses a whole JSON request, `{"method": …, "params": {…}}`; other keys are ignored. The
    /// form of HTTPS bodies and of the inner request of an onion.
    ///
    /// # Errors
    /// [`RpcError`] 400 with the texts of docs/protocol/node-rpc.md section 1.1.
    pub fn from_json_body(body: &[u8]) -> Result<Self, RpcError> {
        let value = json::parse(body).ok_or_else(|| RpcError::new(400, "invalid json"))?;
        let method = value
            .get("method")
            .and_then(Value::as_str)
            .ok_or_else(|| RpcError::new(400, "invalid json: no `method` field"))?;
        let params = value
            .get("params")
            .filter(|params| params.is_object())
            .ok_or_else(|| RpcError::new(400, "invalid json: no `params` field"))?;
        Self::from_json(method, params)
    }

    /// Parses JSON parameters of the named method.
    ///
    /// # Errors
    /// [`RpcError`] 400.
    pub fn from_json(method: &str, params: &Value) -> Result<Self, RpcError> {
        Self::read(known_method(method)?, Reader::Json(params))
    }

    /// Parses bt parameters of the named method.
    ///
    /// # Errors
    /// [`RpcError`] 400.
    pub fn from_bt(method: &str, params: &[u8]) -> Result<Self, RpcError> {
        let method = known_method(method)?;
        let params = parse_bt(params).map_err(|_| bad_body())?;
        Self::read(method, Reader::Bt(&params))
    }

    /// Parses parameters in whichever encoding they are: bt when they begin with `d`, otherwise
    /// JSON; nothing at all means no parameters. The form of OMQ and QUIC.
    ///
    /// # Errors
    /// [`RpcError`] 400.
    pub fn from_params(method: &str, params: &[u8]) -> Result<(Self, Encoding), RpcError> {
        match params.first() {
            Some(b'd') => Ok((Self::from_bt(method, params)?, Encoding::Bt)),
            None => Ok((
                Self::from_json(method, &Value::Object(Default::default()))?,
                Encoding::Json,
            )),
            Some(_) => {
                known_method(method)?;
                let value = json::parse(params).ok_or_else(bad_body)?;
                Ok((Self::from_json(method, &value)?, Encoding::Json))
            }
        }
    }

    /// Parses a request another member of the swarm passed on
    /// (docs/protocol/node.md section 10).
    ///
    /// # Errors
    /// [`RpcError`] 400, also for methods that are never passed on.
    pub fn from_forwarded(method: &str, params: &[u8]) -> Result<Self, RpcError> {
        if !known_method(method)?.is_recursive() {
            return Err(RpcError::invalid(
                "received invalid forwarded non-forwardable request",
            ));
        }
        Self::from_bt(method, params)
    }

    pub(crate) fn read(method: Method, params: Reader<'_>) -> Result<Self, RpcError> {
        if !params.is_dict() {
            return Err(bad_body());
        }
        let fields = Fields::new(params);
        Ok(match method {
            Method::ActiveNodesBin => Self::ActiveNodesBin,
            Method::Batch => Self::Batch(meta::read_subrequests(fields)?),
            Method::Delete => Self::Delete(Delete::read(fields)?),
            Method::DeleteAll => Self::DeleteAll(DeleteAll::read(fields)?),
            Method::DeleteBefore => Self::DeleteBefore(DeleteBefore::read(fields)?),
            Method::Expire => Self::Expire(Expire::read(fields)?),
            Method::ExpireAll => Self::ExpireAll(ExpireAll::read(fields)?),
            Method::GetExpiries => Self::GetExpiries(GetExpiries::read(fields)?),
            Method::GetSwarm => Self::GetSwarm(GetSwarm::read(fields)?),
            Method::IfElse => Self::IfElse(Box::new(IfElse::read(fields)?)),
            Method::Info => Self::Info,
            Method::OxendRequest => Self::OxendRequest(OxendRequest::read(fields)?),
            Method::Retrieve => Self::Retrieve(Retrieve::read(fields)?),
            Method::RevokeSubaccount => Self::RevokeSubaccount(RevokeSubaccount::read(fields)?),
            Method::RevokedSubaccounts => {
                Self::RevokedSubaccounts(RevokedSubaccounts::read(fields)?)
            }
            Method::Sequence => Self::Sequence(meta::read_subrequests(fields)?),
            Method::Store => Self::Store(Store::read(fields)?),
            Method::UnrevokeSubaccount => {
                Self::UnrevokeSubaccount(UnrevokeSubaccount::read(fields)?)
            }
        })
    }

    /// Which endpoint the request is for.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::ActiveNodesBin => Method::ActiveNodesBin,
            Self::Batch(_) => Method::Batch,
            Self::Delete(_) => Method::Delete,
            Self::DeleteAll(_) => Method::DeleteAll,
            Self::DeleteBefore(_) => Method::DeleteBefore,
            Self::Expire(_) => Method::Expire,
            Self::ExpireAll(_) => Method::ExpireAll,
            Self::GetExpiries(_) => Method::GetExpiries,
            Self::GetSwarm(_) => Method::GetSwarm,
            Self::IfElse(_) => Method::IfElse,
            Self::Info => Method::Info,
            Self::OxendRequest(_) => Method::OxendRequest,
            Self::Retrieve(_) => Method::Retrieve,
            Self::RevokeSubaccount(_) => Method::RevokeSubaccount,
            Self::RevokedSubaccounts(_) => Method::RevokedSubaccounts,
            Self::Sequence(_) => Method::Sequence,
            Self::Store(_) => Method::Store,
            Self::UnrevokeSubaccount(_) => Method::UnrevokeSubaccount,
        }
    }

    /// Whose mailbox the request is about, `None` where it is about none.
    #[must_use]
    pub const fn owner(&self) -> Option<&SwarmPubkey> {
        match self {
            Self::Delete(r) => Some(&r.owner),
            Self::DeleteAll(r) => Some(&r.owner),
            Self::DeleteBefore(r) => Some(&r.owner),
            Self::Expire(r) => Some(&r.owner),
            Self::ExpireAll(r) => Some(&r.owner),
            Self::GetExpiries(r) => Some(&r.owner),
            Self::GetSwarm(r) => Some(&r.owner),
            Self::Retrieve(r) => Some(&r.owner),
            Self::RevokeSubaccount(r) => Some(&r.owner),
            Self::RevokedSubaccounts(r) => Some(&r.owner),
            Self::Store(r) => Some(&r.owner),
            Self::UnrevokeSubaccount(r) => Some(&r.owner),
            Self::ActiveNodesBin
            | Self::Batch(_)
            | Self::IfElse(_)
            | Self::Info
            | Self::OxendRequest(_)
            | Self::Sequence(_) => None,
        }
    }

    /// The proof of authority that came with the request.
    #[must_use]
    pub const fn auth(&self) -> Option<&Auth> {
        match self {
            Self::Delete(r) => Some(&r.auth),
            Self::DeleteAll(r) => Some(&r.auth),
            Self::DeleteBefore(r) => Some(&r.auth),
            Self::Expire(r) => Some(&r.auth),
            Self::ExpireAll(r) => Some(&r.auth),
            Self::GetExpiries(r) => Some(&r.auth),
            Self::Retrieve(r) => match &r.auth {
                Some(signed) => Some(&signed.auth),
                None => None,
            },
            Self::RevokeSubaccount(r) => Some(&r.auth),
            Self::RevokedSubaccounts(r) => Some(&r.auth),
            Self::Store(r) => r.auth.as_ref(),
            Self::UnrevokeSubaccount(r) => Some(&r.auth),
            _ => None,
        }
    }

    /// The subaccount token the request was signed with, to be looked up among the revoked ones.
    #[must_use]
    pub fn subaccount_token(&self) -> Option<&SubaccountToken> {
        Some(&self.auth()?.subaccount.as_ref()?.token)
    }

    /// The parameters as a client writes them.
    #[must_use]
    pub fn params(&self) -> Tree {
        match self {
            Self::ActiveNodesBin | Self::Info => Tree::Dict(Vec::new()),
            Self::Batch(requests) | Self::Sequence(requests) => {
                let list = Tree::List(requests.iter().map(Self::to_tree).collect());
                DictBuilder::new().put("requests", list).finish()
            }
            Self::Delete(r) => r.write(delete::Audience::Node),
            Self::DeleteAll(r) => r.write(),
            Self::DeleteBefore(r) => r.write(),
            Self::Expire(r) => r.write(),
            Self::ExpireAll(r) => r.write(),
            Self::GetExpiries(r) => r.write(),
            Self::GetSwarm(r) => r.write(),
            Self::IfElse(r) => r.write(),
            Self::OxendRequest(r) => r.write(),
            Self::Retrieve(r) => r.write(),
            Self::RevokeSubaccount(r) => r.write(),
            Self::RevokedSubaccounts(r) => r.write(),
            Self::Store(r) => r.write(),
            Self::UnrevokeSubaccount(r) => r.write(),
        }
    }

    /// `method` and `params`, before the encoding is chosen.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        DictBuilder::new()
            .text("method", self.method().name())
            .put("params", self.params())
            .finish()
    }

    /// `{"method": …, "params": {…}}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.to_tree().to_json()
    }

    /// The text a client sends: `jsonrpc`, `method` and `params` in this order
    /// (docs/protocol/paths.md section 4).
    #[must_use]
    pub fn to_json_text(&self) -> String {
        DictBuilder::new()
            .text("jsonrpc", "2.0")
            .text("method", self.method().name())
            .put("params", self.params())
            .finish()
            .to_json_text()
    }

    /// The bt parameters passed on to the other members of the swarm; `None` for requests that
    /// are not passed on (docs/protocol/node.md section 10).
    #[must_use]
    pub fn to_forward_bt(&self) -> Option<Vec<u8>> {
        match self {
            Self::Store(r) => Some(r.to_forward_bt()),
            Self::Delete(r) => Some(r.write(delete::Audience::Peer).to_bt_bytes()),
            other if other.method().is_recursive() => Some(other.params().to_bt_bytes()),
            _ => None,
        }
    }
}

pub(crate) fn namespace_tree(namespace: Namespace) -> Tree {
    Tree::Int(namespace.get().into())
}

pub(crate) fn owner_tree(owner: &SwarmPubkey) -> Tree {
    Tree::Hex(owner.to_bytes().to_vec())
}

pub(crate) fn time_tree(time: session_types::Timestamp) -> Tree {
    Tree::Int(time.as_ms_i64())
}

fn known_method(name: &str) -> Result<Method, RpcError> {
    Method::from_name(name).ok_or_else(|| RpcError::new(400, format!("no method {name}")))
}

fn bad_body() -> RpcError {
    RpcError::new(400, "invalid body: expected json or bt_dict")
}
