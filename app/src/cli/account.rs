//! Commands about accounts themselves.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ChangeWait;

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
    /// Delete an account from this device, with all its messages.
    ///
    /// You are asked to type the beginning of the Account ID. With the Recovery Password the
    /// account can be restored later, with the messages of the last 14 days, unless they are
    /// deleted --from-the-swarm. Other people keep what they have.
    #[command(after_help = "Examples:\n  \
        session account show --recovery-password    write it down first\n  \
        session account delete\n  \
        session account delete --from-the-swarm --yes\n\n\
        JSON: {\"account_id\", \"deleted\": true, \"confirmed_by\": N}, N being the nodes that \
        signed.")]
    Delete {
        /// First delete everything the network keeps for the account: messages not yet fetched,
        /// contacts, settings. When no node does it, nothing is deleted at all. Your other
        /// devices keep what they have, and store their contacts and settings again.
        #[arg(long)]
        from_the_swarm: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Show Account ID, name and settings.
    Show,
    /// Show others a picture, cut to a square. They see it with your next message.
    #[command(after_help = "Examples:\n  \
        session profile picture me.jpg\n  \
        session profile picture --remove\n\n\
        JSON: {\"action\", \"state\": \"done\"|\"queued\", \"reason\"}.")]
    Picture {
        /// A JPEG, PNG, WebP or GIF file.
        #[arg(required_unless_present = "remove", conflicts_with = "remove")]
        file: Option<PathBuf>,
        /// Show no picture any more.
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        wait: ChangeWait,
    },
    /// Change the name others see. They see it with your next message.
    Name {
        /// The name, up to 100 bytes.
        name: String,
        #[command(flatten)]
        wait: ChangeWait,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show them.
    Show,
    /// Whether writers are told that you have read their messages.
    Receipts {
        /// On or off.
        value: Switch,
    },
    /// Whether others see that you are typing.
    Typing {
        /// On or off.
        value: Switch,
    },
    /// Whether files go straight to and from the network's file server, over QUIC: faster.
    ///
    /// The file server then sees the address of this computer. Files at other servers, and all
    /// behind a proxy, go through nodes in any case.
    DirectFiles {
        /// On or off.
        value: Switch,
    },
    /// Where files and pictures you send are uploaded: any file server, also your own.
    ///
    /// What others sent is fetched from wherever they put it. Windows that are open take it up when
    /// they are opened again.
    FileServer {
        /// Its URL, `#` and its key, as the server prints it, or `default`: the network's own.
        #[arg(value_name = "URL#KEY")]
        server: String,
    },
    /// Whether pages behind links may be looked at when a preview of one is asked for.
    ///
    /// The servers of such a page and of its image then see the address of this computer, or of the
    /// proxy, and when. Nodes cannot carry such a request: it does not go through an onion path.
    Previews {
        /// On or off.
        value: Switch,
    },
}

/// A setting that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
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
