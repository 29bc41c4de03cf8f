//! The names of the endpoints and what kind each one is.

use core::fmt;

/// An endpoint of a storage node (docs/protocol/node-rpc.md, introduction).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `active_nodes_bin`
    ActiveNodesBin,
    /// `batch`
    Batch,
    /// `delete`
    Delete,
    /// `delete_all`
    DeleteAll,
    /// `delete_before`
    DeleteBefore,
    /// `expire`
    Expire,
    /// `expire_all`
    ExpireAll,
    /// `get_expiries`
    GetExpiries,
    /// `get_swarm`, also under its older name `get_snodes_for_pubkey`
    GetSwarm,
    /// `ifelse`
    IfElse,
    /// `info`
    Info,
    /// `oxend_request`
    OxendRequest,
    /// `retrieve`
    Retrieve,
    /// `revoke_subaccount`
    RevokeSubaccount,
    /// `revoked_subaccounts`
    RevokedSubaccounts,
    /// `sequence`
    Sequence,
    /// `store`
    Store,
    /// `unrevoke_subaccount`
    UnrevokeSubaccount,
}

impl Method {
    /// Every endpoint, in the order of the names.
    pub const ALL: [Self; 18] = [
        Self::ActiveNodesBin,
        Self::Batch,
        Self::Delete,
        Self::DeleteAll,
        Self::DeleteBefore,
        Self::Expire,
        Self::ExpireAll,
        Self::GetExpiries,
        Self::GetSwarm,
        Self::IfElse,
        Self::Info,
        Self::OxendRequest,
        Self::Retrieve,
        Self::RevokeSubaccount,
        Self::RevokedSubaccounts,
        Self::Sequence,
        Self::Store,
        Self::UnrevokeSubaccount,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActiveNodesBin => "active_nodes_bin",
            Self::Batch => "batch",
            Self::Delete => "delete",
            Self::DeleteAll => "delete_all",
            Self::DeleteBefore => "delete_before",
            Self::Expire => "expire",
            Self::ExpireAll => "expire_all",
            Self::GetExpiries => "get_expiries",
            Self::GetSwarm => "get_swarm",
            Self::IfElse => "ifelse",
            Self::Info => "info",
            Self::OxendRequest => "oxend_request",
            Self::Retrieve => "retrieve",
            Self::RevokeSubaccount => "revoke_subaccount",
            Self::RevokedSubaccounts => "revoked_subaccounts",
            Self::Sequence => "sequence",
            Self::Store => "store",
            Self::UnrevokeSubaccount => "unrevoke_subaccount",
        }
    }

    /// The endpoint of that name, `None` for an unknown one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "get_snodes_for_pubkey" {
            return Some(Self::GetSwarm);
        }
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether the node passes the request on to every other member of the swarm
    /// (docs/protocol/node.md section 10). Only these arrive from other nodes.
    #[must_use]
    pub const fn is_recursive(self) -> bool {
        matches!(
            self,
            Self::Delete
                | Self::DeleteAll
                | Self::DeleteBefore
                | Self::Expire
                | Self::ExpireAll
                | Self::RevokeSubaccount
                | Self::Store
                | Self::UnrevokeSubaccount
        )
    }

    /// Whether the request holds other requests, and so may not stand inside `batch` or
    /// `sequence`.
    #[must_use]
    pub const fn is_meta(self) -> bool {
        matches!(self, Self::Batch | Self::IfElse | Self::Sequence)
    }

    /// Whether the request names a mailbox that must belong to the answering node's swarm.
    #[must_use]
    pub const fn needs_own_swarm(self) -> bool {
        self.is_recursive()
            || matches!(
                self,
                Self::GetExpiries | Self::Retrieve | Self::RevokedSubaccounts
            )
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for method in Method::ALL {
            assert_eq!(Method::from_name(method.name()), Some(method));
        }
        assert_eq!(
            Method::from_name("get_snodes_for_pubkey"),
            Some(Method::GetSwarm)
        );
        assert_eq!(Method::from_name("ping"), None);
        assert_eq!(Method::ALL.iter().filter(|m| m.is_recursive()).count(), 8);
    }
}
