//! What kind of network to start, and what happens meanwhile.

use core::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use session_node::NodeConfig;

/// Changes the settings of a node, given by its index, before it starts.
pub type Customise = Arc<dyn Fn(usize, &mut NodeConfig) + Send + Sync>;

/// What kind of network to start.
#[derive(Clone)]
pub struct DevnetOptions {
    /// How many nodes. Session Desktop needs nine, two swarms need ten.
    pub nodes: usize,
    /// The number all keys follow from. Without it a kept network uses its own and a new one a
    /// random one.
    pub seed: Option<u64>,
    /// A folder to keep the network in; without it a temporary one is removed at the end.
    pub data_dir: Option<PathBuf>,
    /// Port of the seed; the nodes follow. Without it a kept network uses the ports it had, as
    /// far as they are free, and others are chosen.
    pub base_port: Option<u16>,
    /// Run a file server too, on the port after those of the nodes.
    pub file_server: bool,
    /// Called for every node before each of its starts.
    pub customise: Option<Customise>,
}

impl Default for DevnetOptions {
    /// Twelve nodes, no file server, everything else chosen.
    fn default() -> Self {
        Self {
            nodes: 12,
            seed: None,
            data_dir: None,
            base_port: None,
            file_server: false,
            customise: None,
        }
    }
}

impl fmt::Debug for DevnetOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevnetOptions")
            .field("nodes", &self.nodes)
            .field("seed", &self.seed)
            .field("data_dir", &self.data_dir)
            .field("base_port", &self.base_port)
            .field("file_server", &self.file_server)
            .field("customise", &self.customise.is_some())
            .finish()
    }
}

/// A step of the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DevnetProgress {
    /// Keys, ports and swarms are settled.
    Prepared {
        /// Nodes to be started.
        nodes: usize,
        /// Swarms they make.
        swarms: usize,
    },
    /// One more node answers.
    NodeStarted {
        /// How many answer now.
        running: usize,
        /// How many there will be.
        nodes: usize,
    },
    /// The seed answers: clients can come.
    Ready,
}

impl fmt::Display for DevnetProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepared { nodes, swarms: 1 } => write!(f, "{nodes} nodes in one swarm"),
            Self::Prepared { nodes, swarms } => write!(f, "{nodes} nodes in {swarms} swarms"),
            Self::NodeStarted { running, nodes } => write!(f, "node {running} of {nodes} runs"),
            Self::Ready => f.write_str("network ready"),
        }
    }
}
