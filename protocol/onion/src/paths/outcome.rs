//! What goes into and comes out of the path manager.

use serde::Serialize;
use session_types::{AccountId, Ed25519PublicKey, ErrorKind, NodeContact, SwarmPubkey, Timestamp};

use crate::hop_error::HopFailure;
use crate::packet::Hop;

/// What a path is used for. Each purpose has its own third hop, so that no single node sees what
/// one person's different activities have in common
/// (docs/protocol/traffic-analysis.md section 3, M-04).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Polling and storing in the user's own swarm.
    OwnSwarm,
    /// Sending to one contact.
    Contact(AccountId),
    /// Everything of one group.
    Group(SwarmPubkey),
    /// The file server.
    Files,
    /// One community host.
    Community(String),
    /// Swarm, name and network look-ups.
    Lookup,
}

impl Purpose {
    /// Whether its paths carry regular polls and live longer.
    pub(super) const fn polls(&self) -> bool {
        matches!(self, Self::OwnSwarm | Self::Group(_) | Self::Community(_))
    }
}

/// Names a path in reports. Never reused within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PathId(pub(super) u64);

/// What a path is wanted for.
#[derive(Debug, Clone)]
pub struct PathRequest<'a> {
    /// Purpose.
    pub purpose: Purpose,
    /// The node the request goes to, when it is a node.
    pub destination: Option<Ed25519PublicKey>,
    /// The swarm that node belongs to, when it is known; with or without the node itself.
    pub destination_swarm: &'a [Ed25519PublicKey],
}

/// A path to send one request through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// For [`super::PathManager::report`].
    pub id: PathId,
    /// Guard, second hop, third hop.
    pub hops: [NodeContact; 3],
}

impl Path {
    /// The node to connect to.
    #[must_use]
    pub const fn guard(&self) -> &NodeContact {
        let [guard, _, _] = &self.hops;
        guard
    }

    /// The keys [`crate::packet::build()`] wants.
    #[must_use]
    pub fn onion_hops(&self) -> [Hop; 3] {
        self.hops.each_ref().map(Hop::from)
    }
}

/// How a request went, as far as the path is concerned
/// (docs/protocol/paths.md sections 3.3 and 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer did not decrypt or was no answer.
    BadReply,
    /// The destination answered, and what it answered is its own or the caller's affair: any
    /// decrypted status other than 200, such as 401, 406 or 421. The path works.
    DestinationFault,
    /// No connection to the guard, or it said that it is busy or not ready.
    GuardUnreachable,
    /// A hop does not know this node (`Next node not found`).
    NodeNotFound(Ed25519PublicKey),
    /// A hop cannot reach this node, or the node said that it is not ready.
    NodeUnreachable(Ed25519PublicKey),
    /// Another outer status than 200.
    PathError(u16),
    /// The destination answered.
    Success,
    /// No answer in time.
    Timeout,
}

impl Outcome {
    /// What an outer HTTP answer means; `None` for status 200, whose body must be opened first.
    #[must_use]
    pub fn from_outer(status: u16, body: &[u8]) -> Option<Self> {
        if status == 200 {
            return None;
        }
        Some(match HopFailure::parse(status, body) {
            Some(HopFailure::NextNodeNotFound(key)) => Self::NodeNotFound(key),
            Some(HopFailure::NextNodeUnreachable(key) | HopFailure::NodeNotReady(key)) => {
                Self::NodeUnreachable(key)
            }
            Some(HopFailure::Busy | HopFailure::NotReady(_)) => Self::GuardUnreachable,
            _ => Self::PathError(status),
        })
    }
}

/// Why there is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// All guards were given up, and no more new ones are allowed before this time: they may
    /// have been made to fail for that purpose.
    #[error("all guards fail and no new one may be chosen yet")]
    GuardLimit {
        /// When the next one may be chosen.
        until: Timestamp,
    },
    /// No node may be guard for this request.
    #[error("no node can be the guard of this path")]
    NoGuard,
    /// Not enough nodes known.
    #[error("{have} nodes known, {need} needed for a path")]
    NoNodes {
        /// Nodes known.
        have: usize,
        /// Nodes needed.
        need: usize,
    },
    /// No second and third hop keep the rules.
    #[error("no nodes can complete this path")]
    NoPath,
}

impl PathError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Unreachable
    }
}

/// How the client stands to the network, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PathStatus {
    /// Requests go through.
    Connected {
        /// The guard in use.
        guard: NodeContact,
        /// Since when it has been ours.
        guard_since: Timestamp,
        /// Whether it stands in for a failing one.
        backup: bool,
    },
    /// Nothing has gone through yet, or the guard in use has just failed.
    Connecting,
    /// All guards fail and no new one may be chosen before `until`.
    GuardLimit {
        /// When the next one may be chosen.
        until: Timestamp,
    },
    /// Not enough nodes known.
    NoNodes {
        /// Nodes known.
        have: usize,
        /// Nodes needed.
        need: usize,
    },
    /// Nobody answers: the network is taken to be down, and no guard is lost over it.
    Offline {
        /// Since when.
        since: Timestamp,
    },
}
