//! Why a network could not start or be changed.

use std::io;
use std::path::PathBuf;

use session_chassis::ChassisError;
use session_node::NodeError;
use session_registry::RegistryError;
use session_types::ErrorKind;

/// Why a network could not start or be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevnetError {
    /// More or fewer nodes than can be run.
    #[error("a network has between 1 and {max} nodes, not {asked}")]
    NodeCount {
        /// What was asked for.
        asked: usize,
        /// How many there may be.
        max: usize,
    },
    /// The nodes do not fit between the first port and the last there is.
    #[error("{nodes} nodes do not fit between port {base} and port 65535")]
    PortRange {
        /// Port of the seed.
        base: u16,
        /// Nodes that come after it.
        nodes: usize,
    },
    /// A port cannot be had.
    #[error(transparent)]
    Listen(#[from] ChassisError),
    /// The list of nodes is impossible.
    #[error("the nodes do not make a network")]
    Registry(#[from] RegistryError),
    /// A node did not start or stop.
    #[error("node {index} failed")]
    Node {
        /// Which one.
        index: usize,
        /// Why.
        #[source]
        source: NodeError,
    },
    /// The file server did not start or stop.
    #[error("the file server failed")]
    FileServer(#[from] session_files::ServerError),
    /// The network was started without a file server.
    #[error("there is no file server")]
    NoFileServer,
    /// There is no such node.
    #[error("there is no node {0}")]
    NoSuchNode(usize),
    /// A folder or file could not be used.
    #[error("cannot {action} {path}", path = .path.display())]
    Folder {
        /// `create`, `read`, `write`, `lock` or `remove`.
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder belongs to a network that runs.
    #[error("a network is already running in {path}", path = .0.display())]
    FolderInUse(PathBuf),
    /// The folder holds something else.
    #[error("{path} is not empty and holds no network", path = .0.display())]
    FolderForeign(PathBuf),
    /// The description of the kept network cannot be understood.
    #[error("{path} does not describe a network", path = .0.display())]
    SavedUnreadable(PathBuf),
    /// The folder holds another network than the one asked for.
    #[error("the folder holds a network with {what} {saved}, not {asked}")]
    SavedDiffers {
        /// `seed` or `number of nodes`.
        what: &'static str,
        /// What the folder holds.
        saved: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A part of the network ended in an unforeseen way.
    #[error("a part of the network broke")]
    Broken,
}

impl DevnetError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NodeCount { .. }
            | Self::PortRange { .. }
            | Self::NoFileServer
            | Self::NoSuchNode(_)
            | Self::FolderInUse(_)
            | Self::FolderForeign(_)
            | Self::SavedDiffers { .. } => ErrorKind::BadInput,
            Self::FileServer(error) => error.kind(),
            Self::Listen(error) => error.kind(),
            Self::Registry(_)
            | Self::Node { .. }
            | Self::Folder { .. }
            | Self::SavedUnreadable(_)
            | Self::Broken => ErrorKind::Internal,
        }
    }
}
