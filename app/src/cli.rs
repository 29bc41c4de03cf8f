//! The command line: what can be asked, and the help that teaches it.

mod account;
mod app;
mod chat;
mod files;
mod messages;
mod network;
mod people;
mod tools;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use account::{
    AccountCommand, KeepingArguments, KeyStore, ProfileCommand, SettingsCommand, Switch,
};
pub(crate) use app::AppArguments;
pub(crate) use chat::ChatArguments;
pub(crate) use files::FilesCommand;
pub(crate) use messages::{
    After, DeleteArguments, DisappearArguments, ExportArguments, ExportFormat, HistoryArguments,
    ListenArguments, MessageArgument, MessageWait, ReactArguments, ReplyArguments, SaveArguments,
    SearchArguments, SendArguments, TimeOrOff, Whom, WithText,
};
pub(crate) use network::{DemoArguments, DevnetArguments, NodeCommand, SeedArguments};
pub(crate) use people::{
    ChangeWait, ChatsArguments, ClearArguments, ContactCommand, ConversationCommand, MuteArguments,
    NicknameArguments, PersonArguments, RequestsCommand, ResolveArguments,
};
pub(crate) use tools::{CompletionsArguments, ManArguments};
pub(crate) use values::{Counted, MessageName, NameArgument, Who};

/// Session: private messages without a phone number, over onion paths, kept by nobody.
#[derive(Debug, Parser)]
#[command(
    name = "session",
    version,
    about,
    after_help = "Examples:\n  \
        session app                          open the window, in your browser\n  \
        session demo                         see the whole system work on this machine\n  \
        session account new --name Alice     create an account\n  \
        session send 05… \"hello\"             write to somebody, by Account ID\n  \
        session send Bob \"hello\"             … or by name, once you know each other\n  \
        session listen                       print what happens as it happens\n  \
        session chats                        who wrote; `session history Bob` shows what\n  \
        session reply 12 \"yes\"               answer message 12 of `session history`\n  \
        session doctor                       find out why messages do not get through\n\n\
        `session <COMMAND> --help` explains a command with examples.\n\n\
        Exit status: 0 done; 1 failed; 2 not understood; 3 done on this device, and queued for \
        the network:\nthe next command that goes online delivers it.",
    after_long_help = "Examples:\n  \
        session app                          open the window, in your browser\n  \
        session demo                         see the whole system work on this machine\n  \
        session account new --name Alice     create an account\n  \
        session send 05… \"hello\"             write to somebody, by Account ID\n  \
        session send Bob \"hello\"             … or by name, once you know each other\n  \
        session listen                       print what happens as it happens\n  \
        session chats                        who wrote; `session history Bob` shows what\n  \
        session reply 12 \"yes\"               answer message 12 of `session history`\n  \
        session doctor                       find out why messages do not get through\n\n\
        `session <COMMAND> --help` explains a command with examples.\n\n\
        Naming people (WHO): an Account ID, the beginning of one (8 characters or more), a \
        nickname or\nname if only one person has it, or `me` for Note to Self.\n\
        Naming messages (MESSAGE): the number that `session history` shows, or `last`.\n\n\
        JSON (--json): results are objects on standard output, one per line; remarks \
        {\"note\": …} and\nfailures {\"error\": …, \"code\": …} go to standard error. Times are \
        milliseconds since 1970 in fields\nthat end in _ms. Fields may be added.\n\n\
        Exit status: 0 done; 1 failed; 2 not understood; 3 done on this device, and queued for \
        the network:\nthe next command that goes online delivers it."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Where account data is kept [default: the platform's data directory].
    ///
    /// For `devnet` and `demo`: keep the private network there [default: a temporary folder,
    /// removed at the end].
    #[arg(long, global = true, env = "SESSION_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Network: mainnet, testnet, or the seed URL of a private network.
    ///
    /// An account remembers the network it was made for [default: that one, else mainnet].
    #[arg(long, global = true, env = "SESSION_NETWORK", value_name = "SEED URL")]
    pub(crate) network: Option<String>,

    /// Account to use, when there are several: its Account ID or the beginning of it.
    #[arg(long, global = true, env = "SESSION_ACCOUNT", value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// File whose first line is the passphrase of the account's database.
    ///
    /// The environment variable SESSION_PASSPHRASE is read too; otherwise you are asked.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Proxy for everything an account sends: socks5h://HOST:PORT or http://HOST:PORT.
    ///
    /// With USER:PASSWORD@ before the host if it wants them; Tor is socks5h://127.0.0.1:9050.
    /// Names are looked up by the proxy. Nothing is ever sent past it: when it does not answer,
    /// the command fails or its message stays queued.
    #[arg(
        long,
        global = true,
        env = "SESSION_PROXY",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) proxy: Option<String>,

    /// File server for files and pictures you send: its URL, `#` and its key.
    ///
    /// A private network has its own; `session devnet` prints it. An account made or restored with
    /// it remembers it. What others sent is fetched from wherever they put it [default: the
    /// account's, else that of the network].
    #[arg(
        long,
        global = true,
        env = "SESSION_FILE_SERVER",
        value_name = "URL#KEY"
    )]
    pub(crate) file_server: Option<String>,

    /// Look at pages of any server for previews, over http as well. For private networks and tests.
    #[arg(
        long,
        global = true,
        hide = true,
        env = "SESSION_PREVIEW_ANYWHERE",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub(crate) preview_anywhere: bool,

    /// Never use QUIC, only HTTPS. Behind a proxy it is always so.
    #[arg(
        long,
        global = true,
        env = "SESSION_HTTPS_ONLY",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub(crate) https_only: bool,

    /// Print JSON for machines: one object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print what happens inside (repeat for more).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the window: your accounts in a browser on this computer.
    ///
    /// `session` without a command does this too, where there is a screen.
    App(AppArguments),
    /// Create, restore, show and delete accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Read and write in the terminal, with keys alone: every account of this device.
    Chat(ChatArguments),
    /// List the conversations: who, unread, pinned, muted, the last message.
    Chats(ChatsArguments),
    /// Messages of people you have not accepted yet: list, accept, decline.
    Requests(RequestsArguments),
    /// Send a text message, or files.
    Send(SendArguments),
    /// Save a file of a message.
    Save(SaveArguments),
    /// Answer a message, quoting it.
    Reply(ReplyArguments),
    /// Put an emoji at a message, or take it back.
    React(ReactArguments),
    /// Print messages and what else happens as it happens, until Ctrl-C.
    Listen(ListenArguments),
    /// Print a conversation from this machine's database.
    History(HistoryArguments),
    /// Find messages by their words, in this machine's database.
    Search(SearchArguments),
    /// Delete a message: on this device, on all of yours, or for everyone.
    Delete(DeleteArguments),
    /// Set when messages of a conversation disappear.
    Disappear(DisappearArguments),
    /// Mark a conversation as read.
    Read(PersonArguments),
    /// Mark a conversation as unread, to come back to it.
    Unread(PersonArguments),
    /// Pin a conversation to the top of the list (5 at most).
    Pin(PersonArguments),
    /// Let a pinned conversation go.
    Unpin(PersonArguments),
    /// Raise no notifications for a conversation.
    Mute(MuteArguments),
    /// Raise notifications again.
    Unmute(PersonArguments),
    /// Name a person for yourself.
    Nickname(NicknameArguments),
    /// Take in nothing more of a person, who is not told.
    Block(PersonArguments),
    /// Take in messages of a person again.
    Unblock(PersonArguments),
    /// About people you know.
    #[command(subcommand)]
    Contact(ContactCommand),
    /// About whole conversations.
    #[command(subcommand)]
    Conversation(ConversationCommand),
    /// Remove all messages of a conversation from this device.
    Clear(ClearArguments),
    /// Write conversations out, as JSON lines or plain text.
    Export(ExportArguments),
    /// Show or change the name others see.
    Profile(ProfileArguments),
    /// What this device tells others: read receipts, typing.
    Settings(SettingsArguments),
    /// Find the Account ID that a registered name stands for.
    ///
    /// Three nodes are asked, and believed when they say the same; they learn a hash of the name
    /// and not who asks. Nothing is kept. Anybody can register a name: compare the Account ID with
    /// what the person told you.
    #[command(after_help = "Examples:\n  \
        session resolve anna\n  \
        session send \"$(session resolve anna)\" \"hello\"\n\n\
        JSON: {\"name\", \"account_id\"}.")]
    Resolve(ResolveArguments),
    /// Find out step by step why messages do not get through.
    ///
    /// Tries everything a message needs: proxy, seeds, list of nodes, entry node, a path of three
    /// nodes, clock, and the nodes that keep your messages. Exit status 1 when something does not
    /// work; ! marks what is not as it should be although messages get through. Shows no
    /// addresses, keys or accounts: it can be shown to whoever is asked for help.
    #[command(after_help = "Examples:\n  \
        session doctor\n  \
        session doctor --network testnet                  before there is an account\n  \
        session --proxy socks5h://127.0.0.1:9050 doctor   through Tor\n\n\
        JSON: one {\"name\", \"number\", \"outcome\": \"ok\"|\"warn\"|\"failed\", \"detail\", \
        \"took_ms\", \"advice\"}\nper step, then {\"outcome\"} of all.")]
    Doctor,
    /// Speak JSON-RPC 2.0 over standard input and output: for bots and other front ends.
    ///
    /// One JSON object per line; serves all accounts of this device until the input ends. What
    /// can be called is described in client/api/openrpc.json.
    #[command(after_help = "Examples:\n  \
        echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}' | session rpc\n  \
        python3 examples/echo_bot.py session rpc          a bot that answers every message\n\n\
        Accounts are opened with accounts.open; --account and --json change nothing here.")]
    Rpc,
    /// Print a script that completes commands in a shell.
    Completions(CompletionsArguments),
    /// Print the manual page, or write all of them into a folder.
    Man(ManArguments),
    /// Start a private network and watch two people talk over it.
    Demo(DemoArguments),
    /// Run a private network on this machine until Ctrl-C.
    Devnet(DevnetArguments),
    /// Run a Session Node: keep messages for a swarm and relay onion requests.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Run a file server: keep encrypted attachments and pictures for some weeks.
    #[command(subcommand)]
    Files(FilesCommand),
    /// Run the seed of a network until Ctrl-C: it tells clients who the nodes are. Clients are
    /// pointed at it with `--network http://<ADDRESS>:<PORT>`.
    Seed(SeedArguments),
}

/// `session requests`: the list when nothing else is asked.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        session requests                     who asks, and their first words\n  \
        session requests accept 05ca03b8\n  \
        session requests decline 05ca03b8 --block\n\n\
        Answering somebody accepts them too. Whom you decline is not told.\n\
        JSON: the list as in `session chats`."
)]
pub(crate) struct RequestsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<RequestsCommand>,
}

/// `session profile`: shown when nothing else is asked.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        session profile\n  \
        session profile name \"Alice B.\"\n  \
        session profile picture me.jpg\n\n\
        JSON: {\"account_id\", \"name\", \"picture\", \"read_receipts\", \"typing\"}."
)]
pub(crate) struct ProfileArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ProfileCommand>,
}

/// `session settings`: shown when nothing else is asked.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Both are off at first, on each device by itself. Examples:\n  \
        session settings\n  \
        session settings receipts on\n  \
        session settings typing off\n\n\
        JSON: {\"read_receipts\", \"typing\"}."
)]
pub(crate) struct SettingsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<SettingsCommand>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_that_people_use_shows_examples() {
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            let name = command.get_name();
            let has_example = |command: &clap::Command| {
                let after = command.get_after_help().map(ToString::to_string);
                after.is_some_and(|text| text.contains("session "))
            };
            let shown = has_example(command)
                || (command.has_subcommands() && command.get_subcommands().all(has_example));
            let is_served = ["account", "node", "seed", "devnet", "demo"].contains(&name);
            assert!(shown || is_served, "{name} has no example");
        }
    }
}
