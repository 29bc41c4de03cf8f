//! The command line: what can be asked, and the help that teaches it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use session_types::AccountId;

/// Session: private messages without a phone number, over onion paths, kept by nobody.
#[derive(Debug, Parser)]
#[command(
    name = "session",
    version,
    about,
    after_help = "Examples:\n  \
        session demo                       see the whole system work on this machine\n  \
        session devnet                     run a private network until Ctrl-C\n  \
        session account new --name Alice   create an account\n  \
        session send 05… \"hello\"           send a message\n  \
        session listen                     print messages as they come\n  \
        session node init --ip <ADDRESS>   make a node that serves the network"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where account data is kept [default: the platform's data directory]. For `devnet` and
    /// `demo`: keep the private network there [default: a temporary folder, removed at the end].
    #[arg(long, global = true, env = "SESSION_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Network: mainnet, testnet, or the seed URL of a private network. An account remembers the
    /// network it was made for [default: that one, else mainnet].
    #[arg(long, global = true, env = "SESSION_NETWORK", value_name = "SEED URL")]
    pub(crate) network: Option<String>,

    /// Account to use: its Account ID or the beginning of it. Needed only when there are several.
    #[arg(long, global = true, env = "SESSION_ACCOUNT", value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// File whose first line is the passphrase of the account's database. The environment
    /// variable SESSION_PASSPHRASE is read too; otherwise you are asked.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Print JSON for machines: one object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print what happens inside (repeat for more).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, restore and show accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Send a text message. Prints when the recipient's swarm has stored it; without network the
    /// message stays queued (exit status 3) and the next `send` or `listen` delivers it.
    Send(SendArguments),
    /// Print messages as they come, until Ctrl-C. Also delivers what is queued.
    Listen(ListenArguments),
    /// Print a conversation from this machine's database.
    History(HistoryArguments),
    /// Run a private network on this machine until Ctrl-C.
    Devnet(DevnetArguments),
    /// Start a private network and watch two people talk over it.
    Demo(DemoArguments),
    /// Run a Session Node: keep messages for a swarm and relay onion requests.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Run the seed of a network until Ctrl-C: it tells clients who the nodes are. Clients are
    /// pointed at it with `--network http://<ADDRESS>:<PORT>`.
    Seed(SeedArguments),
}

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
    /// stats`). Writes the database anew beside the old one and puts it in its place when it is
    /// complete; an interruption costs nothing. The node must not run, and the disk needs space
    /// for the copy.
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

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Create an account. Shows its Account ID and Recovery Password.
    New {
        /// Display name other people see, up to 100 bytes.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        keeping: KeepingArguments,
    },
    /// Restore an account from its Recovery Password (read from the terminal or standard input).
    Restore {
        /// Display name other people see, up to 100 bytes.
        #[arg(long)]
        name: Option<String>,
        /// File with the Recovery Password, instead of asking for it.
        #[arg(long, value_name = "FILE")]
        recovery_password_file: Option<PathBuf>,
        #[command(flatten)]
        keeping: KeepingArguments,
    },
    /// List the accounts on this machine.
    List,
    /// Show an account.
    Show {
        /// Show the Recovery Password too. Whoever sees it owns the account.
        #[arg(long)]
        recovery_password: bool,
    },
}

/// How the key of a new database is kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeepingArguments {
    /// Where the database key is kept.
    #[arg(long, value_enum, default_value_t = KeyStore::Auto)]
    pub(crate) key_store: KeyStore,
}

/// Choices for keeping a database key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyStore {
    /// The operating system's keyring if there is one; else a passphrase if one is given or can
    /// be asked for; else a file.
    Auto,
    /// The operating system's keyring.
    Keyring,
    /// Locked with a passphrase.
    Passphrase,
    /// A file only you can read. Protects against nothing but other users of this machine.
    File,
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// Account ID of the recipient: 66 characters beginning 05.
    #[arg(value_name = "ACCOUNT ID", value_parser = parse_account_id)]
    pub(crate) to: AccountId,
    /// The text; read from standard input when it is `-` or absent.
    pub(crate) text: Option<String>,
    /// Give up waiting after this many seconds; the message stays queued.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Show the path the message took and what each party could see.
    #[arg(long)]
    pub(crate) show_path: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListenArguments {
    /// Poll this often.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
    /// Stop after this many messages.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// Stop after this many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) for_seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// Account ID of the other person; your own for Note to Self. All conversations when absent.
    #[arg(value_name = "ACCOUNT ID", value_parser = parse_account_id)]
    pub(crate) with: Option<AccountId>,
    /// The newest N messages.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
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
    /// The seed listens on this port and node i on port + 1 + i [default: free ports].
    #[arg(long, value_name = "PORT")]
    pub(crate) base_port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) devnet: DevnetArguments,
    /// End after the story instead of keeping the network up.
    #[arg(long)]
    pub(crate) exit: bool,
}

fn parse_account_id(text: &str) -> Result<AccountId, String> {
    text.trim().parse().map_err(|error| {
        format!(
            "not an Account ID ({error}); one has 66 characters, digits and the letters a to f, \
             and begins with 05"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_account_id_is_explained() {
        let error = parse_account_id("0512").unwrap_err();
        assert!(error.contains("66"), "{error}");
        assert!(
            parse_account_id(&"zz".repeat(33))
                .unwrap_err()
                .contains("hex")
        );
        assert!(
            parse_account_id(&format!("03{}", "ab".repeat(32)))
                .unwrap_err()
                .contains("05")
        );
    }
}
