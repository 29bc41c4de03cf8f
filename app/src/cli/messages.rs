//! Commands about messages.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use session_store::MessageId;

use super::{Counted, MessageName, Who};

/// Who is meant.
const WHO: &str = "An Account ID, the beginning of one, a nickname or name, or `me`";

/// How long a message is waited for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct MessageWait {
    /// Give up waiting after this many seconds; the message stays queued.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Show the path the message took and what each party could see.
    #[arg(long)]
    pub(crate) show_path: bool,
}

/// One message.
#[derive(Debug, Clone, Args)]
pub(crate) struct MessageArgument {
    /// The number that `session history` shows, or `last` for the newest message.
    pub(crate) message: MessageName,
    /// The conversation it is in: `last` is then the newest one there.
    #[arg(long = "in", value_name = "WHO")]
    pub(crate) within: Option<Who>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Send a text message, or files.\n\nPrints when the recipient's swarm has stored it. Without \
    network the message stays queued (exit status 3) and the next command that goes online \
    delivers it. Writing to somebody who asked to write to you accepts them.",
    after_help = "Examples:\n  \
    session send 05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a \"hello\"\n  \
    session send Bob \"see you at 8\"\n  \
    session send me \"milk, bread\"         a note to yourself\n  \
    date | session send Bob               from standard input\n  \
    session send Bob --file photo.jpg     a picture, without what the camera wrote into it\n  \
    session send Bob \"from Rome\" --file 1.jpg --file 2.jpg\n  \
    session send Bob \"see https://…\" --preview   with title and image of the page\n  \
    session send Bob hi --show-path       which nodes carried it, and what they saw\n\n\
    JSON: {\"state\": \"sent\"|\"queued\"|\"failed\", \"message_id\", \"from\", \"to\", \"hash\", \
    \"expires_ms\", \"confirmed_by\",\n\"copied_to_own_swarm\", \"took_ms\", \"route\", \
    \"reason\"}."
)]
pub(crate) struct SendArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
    /// The text, up to 2000 characters; read from standard input when it is `-` or absent.
    ///
    /// With files it may be left out.
    pub(crate) text: Option<String>,
    #[command(flatten)]
    pub(crate) with: WithText,
    #[command(flatten)]
    pub(crate) wait: MessageWait,
}

/// What goes with a text.
#[derive(Debug, Args)]
pub(crate) struct WithText {
    /// A file to send along, up to 10 MB; may be given up to 32 times.
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The file is a voice message.
    #[arg(long, requires = "files")]
    pub(crate) voice: bool,
    /// Look at the page behind the first link, and send its title and image along.
    ///
    /// Its server sees the address of this computer, or of the proxy: `session settings previews
    /// on` allows it once and for all. When the page cannot be read the text goes without.
    #[arg(long, conflicts_with = "files")]
    pub(crate) preview: bool,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Save a file of a message.\n\nA file that is not on this device is fetched first. \
    The other side is told that a file was saved, as other clients do it.",
    after_help = "Examples:\n  \
    session save last --in Bob            under its own name in the current folder\n  \
    session save 12 --to photo.jpg\n  \
    session save 12 --list                which files message 12 has\n  \
    session save 12 --file 2 --to pictures/\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"message_id\", \"file\", \"path\", \"reason\"}; with \
    --list\none object per file: {\"message_id\", \"file\", \"name\", \"type\", \"bytes\", \"caption\", \
    \"dimensions\",\n\"voice\", \"here\": {\"state\": \"remote\"|\"queued\"|\"here\"|\"failed\"|\"gone\"}}."
)]
pub(crate) struct SaveArguments {
    #[command(flatten)]
    pub(crate) message: MessageArgument,
    /// Which of its files, from 1.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) file: Option<u32>,
    /// Where to: a file, or a folder [default: the current folder].
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<PathBuf>,
    /// Replace what is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Only show which files there are.
    #[arg(long, conflicts_with_all = ["file", "to", "force"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) wait: super::ChangeWait,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session reply 12 \"yes, at 8\"          12: the number in `session history`\n  \
    session reply last --in Bob \"yes\"     Bob's (or your) newest message there\n  \
    session reply 12 --file photo.jpg     with a picture\n\n\
    JSON as of `session send`.")]
pub(crate) struct ReplyArguments {
    #[command(flatten)]
    pub(crate) message: MessageArgument,
    /// The text; read from standard input when it is `-` or absent.
    ///
    /// With files it may be left out.
    pub(crate) text: Option<String>,
    #[command(flatten)]
    pub(crate) with: WithText,
    #[command(flatten)]
    pub(crate) wait: MessageWait,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session react 12 👍\n  \
    session react 12 👍 --remove\n  \
    session react last ❤️ --in Bob\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"message_id\", \"conversation\", \"emoji\", \
    \"reason\"}.")]
pub(crate) struct ReactArguments {
    #[command(flatten)]
    pub(crate) message: MessageArgument,
    /// One emoji.
    pub(crate) emoji: String,
    /// Take it back.
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) wait: super::ChangeWait,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session delete 12 --here\n  \
    session delete last --everyone --in Bob     your newest message to Bob\n  \
    session delete 15 --everywhere              a note to yourself\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"message_id\", \"conversation\", \"whom\", \
    \"reason\"}.")]
pub(crate) struct DeleteArguments {
    #[command(flatten)]
    pub(crate) message: MessageArgument,
    #[command(flatten)]
    pub(crate) whom: Whom,
    #[command(flatten)]
    pub(crate) wait: super::ChangeWait,
}

/// Where a message is deleted.
#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whom {
    /// On this device only.
    #[arg(long)]
    pub(crate) here: bool,
    /// On all your devices; notes to yourself only.
    #[arg(long)]
    pub(crate) everywhere: bool,
    /// On all devices of both sides; your own messages only.
    #[arg(long)]
    pub(crate) everyone: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Times: 5s 10s 30s 1m 5m 30m 1h 6h 12h 1d 7d 14d. Both sides are told, and \
    each sets it for the\nmessages they write. Examples:\n  \
    session disappear Bob 1d                    a day after they were read\n  \
    session disappear Bob 12h --after send\n  \
    session disappear me 7d                     notes, a week after they were written\n  \
    session disappear Bob off\n\n\
    JSON as of `session send`; {\"action\", \"state\": \"done\"} when that is how it was."
)]
pub(crate) struct DisappearArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
    /// `off`, or how long after.
    #[arg(value_name = "off|TIME")]
    pub(crate) time: TimeOrOff,
    /// What the time counts from [default: read; for notes to yourself: send].
    #[arg(long, value_enum)]
    pub(crate) after: Option<After>,
    #[command(flatten)]
    pub(crate) wait: MessageWait,
}

/// When messages disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeOrOff {
    Off,
    Time(Counted),
}

impl core::str::FromStr for TimeOrOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        text.parse().map(Self::Time)
    }
}

/// What the time of a message that disappears counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum After {
    /// When it was read.
    Read,
    /// When it was sent.
    Send,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Print messages and what else happens as it happens, until Ctrl-C.\n\nAlso \
    delivers what is queued. Shows messages, reactions, deletions, who has read your messages, \
    changed timers, and who is typing. What it shows stays unread until `session read`.",
    after_help = "Examples:\n  \
    session listen\n  \
    session listen --count 1 --for 60     wait a minute for one message\n  \
    session listen --json | jq -r 'select(.event == \"message\") | .text'\n\n\
    JSON: messages as in `session history` with \"event\": \"message\"; else \"event\" is \
    \"notice\", \"reaction\",\n\"reaction_removed\", \"read\", \"deleted\" or \"typing\", with \
    \"conversation\" and, but for typing, \"message_id\"."
)]
pub(crate) struct ListenArguments {
    /// Ask for messages this often; at least every 1.5 seconds while somebody talks.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
    /// Stop after this many messages.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// Stop after this many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) for_seconds: Option<u64>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Print a conversation from this machine's database.\n\nThe number before a \
    message names it in `reply`, `react` and `delete`, on this device. Reading here marks nothing \
    as read: `session read` does.",
    after_help = "Examples:\n  \
    session history Bob\n  \
    session history Bob --limit 20\n  \
    session history Bob --before 340      older than message 340\n  \
    session history me                    Note to Self\n\n\
    JSON: {\"message_id\", \"conversation\", \"from\", \"outgoing\", \"kind\", \"text\", \
    \"sent_ms\", \"hash\", \"expires_ms\",\n\"delivery\": {\"state\": \
    \"sending\"|\"sent\"|\"failed\"|\"received\", \"reason\"}, \"read_ms\", \"unread\", \
    \"mentions_you\",\n\"disappears_ms\", \"timer\": {\"after\": \"read\"|\"send\", \"seconds\"}, \
    \"quote\": {\"from\", \"sent_ms\", \"message_id\", \"text\", \
    \"file\"},\n\"preview\": {\"url\", \"title\"}, \"reactions\": [{\"emoji\", \
    \"from\", \"sent_ms\"}], \"attachments\", \"files\", \"invitation\": {\"url\", \"name\"}}; \"kind\" is \
    \"text\",\n\"invitation\", \"timer_change\", \"request_accepted\", \"screenshot\", \
    \"media_saved\" or \"deleted\"."
)]
pub(crate) struct HistoryArguments {
    #[arg(
        help = "Whose conversation: an Account ID, the beginning of one, a nickname or name, or \
        `me`. When absent: the list of `session chats`"
    )]
    pub(crate) who: Option<Who>,
    /// The newest N messages.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// Those before this message.
    #[arg(long, value_name = "NUMBER", value_parser = message_number, requires = "who")]
    pub(crate) before: Option<MessageId>,
}

fn message_number(text: &str) -> Result<MessageId, String> {
    match text.parse()? {
        MessageName::Number(number) => Ok(number),
        MessageName::Last => Err("write the number of a message".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Finds messages with all the words, of the last one at least the beginning; \
    case and accents do not\nmatter. Those that came here last are first. Examples:\n  \
    session search meet\n  \
    session search train station --in Bob\n\n\
    JSON as of `session history`."
)]
pub(crate) struct SearchArguments {
    /// The words.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// In this conversation only.
    #[arg(long = "in", value_name = "WHO")]
    pub(crate) within: Option<Who>,
    /// At most N messages.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Everything is written out readable by anybody: keep the file safe. \
    Examples:\n  \
    session export Bob --output bob.jsonl\n  \
    session export Bob --format text      to the terminal\n  \
    session export --output all.jsonl     every conversation\n\n\
    JSON lines: messages as in `session history`, oldest first. With --json and --output one \
    object\nmore on standard output: {\"file\", \"conversations\", \"messages\"}."
)]
pub(crate) struct ExportArguments {
    #[arg(help = "Whose conversation; all when absent")]
    pub(crate) who: Option<Who>,
    /// JSON lines or plain text.
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub(crate) format: ExportFormat,
    /// Write into this file, which must not exist, instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// How conversations are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One object per line and message.
    Jsonl,
    /// For reading.
    Text,
}
