//! Commands of those who run nodes or whole networks.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values::NameArgument;

#[derive(Debug, Args)]
pub(crate) struct SeedArguments {
    /// The node list, the same file that the nodes have. Changes are taken over.
    #[arg(long, env = "SESSION_SEED_NODES", value_name = "FILE")]
    pub(crate) nodes: PathBuf,
    /// Listen here, for plain HTTP.
    #[arg(
        long,
        default_value = "127.0.0.1:22022",
        env = "SESSION_SEED_LISTEN",
        value_name = "IP:PORT"
    )]
    pub(crate) listen: SocketAddr,
}

/// A node keeps everything in the folder `node` of the data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a node: its key and its configuration. Says what to do next.
    Init {
        /// IPv4 address by which others reach the node.
        #[arg(long, env = "SESSION_NODE_IP")]
        ip: Ipv4Addr,
        /// Port for clients and other nodes.
        #[arg(long, default_value_t = 22021, env = "SESSION_NODE_PORT", value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
    },
    /// Run the node until Ctrl-C or a polite end (SIGTERM).
    Run {
        /// Listen here instead of where the configuration says.
        #[arg(long, env = "SESSION_NODE_LISTEN", value_name = "IP:PORT")]
        listen: Option<SocketAddrV4>,
    },
    /// Show the node's keys, address and swarm. With --json: its entry for the node list.
    Info,
    /// Show what is in the node's database, in numbers.
    ///
    /// Messages by kind, how old they are and when they expire, what waits for other members of
    /// the swarm, the size of the file and how much of it is free. Never names an account or a
    /// message. The node may run meanwhile.
    #[command(after_help = "Examples:\n  \
        session node stats\n  \
        session node stats --json | jq .messages")]
    Stats,
    /// Look through the node's whole database. Exit status 0: in order; 1: not.
    ///
    /// Checks the structure of the file and its indexes, computes the hash of every message anew
    /// and looks at every other row. Reads everything: minutes for gigabytes. The node may run
    /// meanwhile. A node repairs damage it meets by itself; this finds what nobody has met yet.
    #[command(after_help = "Examples:\n  \
        session node verify\n  \
        session node verify --json\n  \
        session node verify --repair   with the node stopped: keep every row that is in order")]
    Verify {
        /// When something is found: make a new database of every row that is in order, and set
        /// the damaged one aside as storage.db.damaged-TIME. The node must not run. At its next
        /// start it asks the other members of its swarm for what is missing.
        #[arg(long)]
        repair: bool,
    },
    /// Give the free space in the node's database back to the disk.
    ///
    /// Deleted messages leave free space in the file, which is used again for new ones, so this
    /// is needed only after a time with many more messages than now (see `free` in `session node
    /// stats`), and once for a database that an older version has made: written anew it takes
    /// less space and loses expired messages faster. Until then it works as it always did.
    ///
    /// Writes the database anew beside the old one and puts it in its place when it is complete;
    /// an interruption costs nothing. The node must not run, and the disk needs space for the
    /// copy.
    #[command(after_help = "Example:\n  \
        systemctl stop session-node && session node compact; systemctl start session-node")]
    Compact,
    /// About the configuration file.
    Config {
        /// Print a configuration with all defaults and what they mean.
        #[arg(long, required = true)]
        print_default: bool,
    },
}

/// Options of a private network.
#[derive(Debug, Clone, Args)]
pub(crate) struct DevnetArguments {
    /// Number of nodes; stock clients need at least 9, paths under failures 12.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(4..=500))]
    pub(crate) nodes: u16,
    /// Make the keys of all nodes from this number, the same ones every time.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// The seed listens on this port, node i on port + 1 + i and the file server on the port after
    /// the last node's [default: free ports].
    #[arg(long, value_name = "PORT")]
    pub(crate) base_port: Option<u16>,
    /// A registered name and whose it is, as `anna=05…`; can be given several times.
    #[arg(long = "name", value_name = "NAME=ACCOUNT ID")]
    pub(crate) names: Vec<NameArgument>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) devnet: DevnetArguments,
    /// End after the story instead of keeping the network up.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Open no browser afterwards; the links into the windows of both people are printed anyway.
    #[arg(long)]
    pub(crate) no_browser: bool,
}
