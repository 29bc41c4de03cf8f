//! Why the network did not do what was asked.

use session_onion::paths::PathError;
use session_types::ErrorKind;

use crate::http::HttpError;

/// A request could not be completed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// No seed of the network gave a usable node list and none is remembered.
    #[error(
        "no seed of this network answers ({detail}); check the network address and your connection"
    )]
    SeedsUnreachable {
        /// What the last one did.
        detail: String,
    },
    /// No path can be built now.
    #[error("no onion path: {0}")]
    NoPath(#[from] PathError),
    /// The entry node could not be reached.
    #[error("{}", entry_node(.0))]
    Http(#[from] HttpError),
    /// A node on the path reported a failure.
    #[error("the path broke (status {status})")]
    PathBroke {
        /// Status of the answer outside the layers.
        status: u16,
    },
    /// The answer could not be opened or understood.
    #[error("a node sent an unreadable answer")]
    BadReply,
    /// The swarm member refused the request.
    #[error("the network refused the request (status {status}): {text}")]
    Refused {
        /// Status inside the layers.
        status: u16,
        /// Its text.
        text: String,
    },
    /// The network refuses our time although it was corrected.
    #[error("the network refuses this computer's time; set the clock and try again")]
    Clock,
    /// The node asked is not a member of the account's swarm; the right members were learned.
    #[error("the node asked does not hold this account's messages")]
    WrongSwarm,
    /// Nobody knows which swarm the account belongs to.
    #[error("the account's swarm is not known to the network")]
    NoSwarm,
    /// The path's last node cannot reach the server, or waited for it in vain.
    #[error("the server cannot be reached (status {status})")]
    ServerUnreachable {
        /// What the path said.
        status: u16,
    },
    /// The server did not look into the request: it is busy, or the request is not for its key.
    #[error("the server refused the request (status {status})")]
    ServerRefused {
        /// Its status, outside the encryption.
        status: u16,
    },
    /// The request is longer than nodes pass on.
    #[error("the request is too long for the network")]
    TooLong,
    /// Every try failed; the last reason.
    #[error("tried {attempts} times over different paths: {last}")]
    Exhausted {
        /// Number of tries.
        attempts: u32,
        /// What the last one met.
        #[source]
        last: Box<Self>,
    },
}

/// Whether a server that answers with this may take the same request later.
pub(crate) const fn server_is_busy(status: u16) -> bool {
    matches!(status, 408 | 429 | 503)
}

/// Whose fault it is that the entry node was not reached.
fn entry_node(error: &HttpError) -> String {
    if error.is_ours() {
        error.to_string()
    } else {
        "the entry node does not answer".to_owned()
    }
}

impl From<session_storage_rpc::RpcError> for NetError {
    /// What a node would refuse is refused before it is sent.
    fn from(error: session_storage_rpc::RpcError) -> Self {
        Self::Refused {
            status: error.status,
            text: error.text,
        }
    }
}

impl NetError {
    /// Whether nothing got away from this machine, whoever it was for.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_ours())
    }

    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SeedsUnreachable { .. } => "net.seeds_unreachable",
            Self::NoPath(_) => "net.no_path",
            Self::Http(HttpError::NoNetwork) => "net.no_network",
            Self::Http(HttpError::Proxy(_)) => "net.proxy",
            Self::Http(_) => "net.entry_node",
            Self::PathBroke { .. } => "net.path_broke",
            Self::BadReply => "net.bad_reply",
            Self::Refused { .. } => "net.refused",
            Self::Clock => "net.clock",
            Self::WrongSwarm => "net.wrong_swarm",
            Self::NoSwarm => "net.no_swarm",
            Self::ServerUnreachable { .. } => "net.server_unreachable",
            Self::ServerRefused { .. } => "net.server_refused",
            Self::TooLong => "net.too_long",
            Self::Exhausted { last, .. } => last.code(),
        }
    }

    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::SeedsUnreachable { .. }
            | Self::NoPath(_)
            | Self::Http(_)
            | Self::PathBroke { .. }
            | Self::NoSwarm
            | Self::WrongSwarm
            | Self::ServerUnreachable { .. } => ErrorKind::Unreachable,
            Self::ServerRefused { status } if server_is_busy(*status) => ErrorKind::Unreachable,
            Self::ServerRefused { .. } => ErrorKind::BadPeer,
            Self::TooLong => ErrorKind::BadInput,
            Self::BadReply => ErrorKind::BadPeer,
            Self::Refused { status: 401, .. } => ErrorKind::Unauthorised,
            Self::Refused { status, .. } if *status >= 500 => ErrorKind::BadPeer,
            Self::Refused { .. } => ErrorKind::BadInput,
            Self::Clock => ErrorKind::Clock,
            Self::Exhausted { last, .. } => last.kind(),
        }
    }
}
