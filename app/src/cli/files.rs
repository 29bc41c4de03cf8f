//! Commands of those who run file servers.

use std::net::SocketAddr;

use clap::Subcommand;

/// A file server keeps everything in the folder `files` of the data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// Make a file server: its key and its configuration. Says what to do next.
    #[command(after_help = "Examples:\n  \
        session files init\n  \
        session --data-dir /var/lib/session files init --listen 0.0.0.0:80 --only-onion\n  \
        session files init --tls\n\n\
        JSON: {\"folder\", \"ed25519\", \"x25519\", \"listen\", \"tls\"}.")]
    Init {
        /// Listen here for clients and nodes.
        #[arg(
            long,
            default_value = "0.0.0.0:22030",
            env = "SESSION_FILES_LISTEN",
            value_name = "IP:PORT"
        )]
        listen: SocketAddr,
        /// Serve HTTPS, with cert.pem and key.pem of the folder, made when missing.
        #[arg(long)]
        tls: bool,
        /// Answer only what comes through nodes: no client's address is ever seen.
        #[arg(long)]
        only_onion: bool,
    },
    /// Run the file server until Ctrl-C or a polite end (SIGTERM).
    ///
    /// What it has accepted is on the disk before it says so; it may be killed at any moment.
    #[command(after_help = "Examples:\n  \
        session files run\n  \
        session --data-dir /var/lib/session files run\n\n\
        JSON: {\"event\": \"started\", \"ed25519\", \"x25519\", \"listening\", \"url\", \
        \"file_server\", \"quic\", \"admin\", \"files\"}.")]
    Run {
        /// Listen here instead of where the configuration says.
        #[arg(long, env = "SESSION_FILES_LISTEN", value_name = "IP:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Show the server's keys and what clients are told to use it.
    #[command(after_help = "Examples:\n  \
        session files info\n  \
        session files info --json | jq -r .ed25519\n\n\
        JSON: as of `session files init`.")]
    Info,
    /// Show how many files there are and when they expire, in numbers.
    ///
    /// Never names a file: whoever knows the name of one can have it. The server may run
    /// meanwhile.
    #[command(after_help = "Examples:\n  \
        session files stats\n  \
        session files stats --json | jq .bytes\n\n\
        JSON: {\"files\", \"bytes\", \"expired\", \"expired_bytes\", \"numbered\", \
        \"next_expiry_ms\"}.")]
    Stats,
    /// Read every file and check it against its name. Exit status 0: no file is lost; 1: some are.
    ///
    /// Names are hashes of what is in the files, so that every changed byte is found; of files
    /// named by numbers only the length is known. Reads everything: minutes for gigabytes. The
    /// server may run meanwhile. A damaged file cannot be repaired, but uploading it again puts it
    /// right when its length is wrong, and a copy of the folder `files` has it.
    #[command(after_help = "Examples:\n  \
        session files verify\n  \
        session files verify --json | jq .damaged\n\n\
        JSON: {\"in_order\", \"files\", \"bytes\", \"missing\", \"damaged\", \"orphans\"}.")]
    Verify,
    /// About the configuration file.
    #[command(after_help = "Example:\n  session files config --print-default")]
    Config {
        /// Print a configuration with all defaults and what they mean.
        #[arg(long, required = true)]
        print_default: bool,
    },
}
