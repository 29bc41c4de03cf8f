//! Commands about people and conversations.

use clap::{Args, Subcommand};
use session_crypto::name::SessionName;

use super::{Counted, Who};

/// Who is meant.
const WHO: &str = "An Account ID, the beginning of one, a nickname or name, or `me`";

/// How long a change waits for the network.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ChangeWait {
    /// Wait this long until the network has what changed; then it stays queued (exit status 3)
    /// and goes out with the next command. 0: do not wait.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session chats\n  \
    session chats --all            also blocked people and hidden conversations\n  \
    session chats --json | jq -r 'select(.unread > 0) | .name'\n\n\
    JSON: {\"conversation\", \"name\", \"nickname\", \"unread\", \"unread_mentions\", \
    \"marked_unread\", \"pinned\",\n\"hidden\", \"muted\", \"muted_until_ms\", \"blocked\", \
    \"request\", \"accepted_you\", \"timer\", \"draft\", \"last_message\"};\n\"last_message\" as \
    in `session history`.")]
pub(crate) struct ChatsArguments {
    /// Also blocked people and conversations that were deleted or hidden.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequestsCommand {
    /// List them.
    List,
    /// Accept somebody, who is told.
    Accept {
        #[arg(help = WHO)]
        who: Who,
        #[command(flatten)]
        wait: ChangeWait,
    },
    /// Refuse somebody, who is not told. The messages go; a new one is a new request.
    Decline {
        #[arg(help = WHO)]
        who: Who,
        /// Also take in nothing more of this person.
        #[arg(long)]
        block: bool,
        #[command(flatten)]
        wait: ChangeWait,
    },
}

/// A command about one person and nothing else.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples, alike for read, unread, pin, unpin, unmute, block and \
    unblock:\n  \
    session pin Bob\n  \
    session read 05ca03b8\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"conversation\", \"reason\"}."
)]
pub(crate) struct PersonArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
    #[command(flatten)]
    pub(crate) wait: ChangeWait,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Your other devices keep them; `session conversation delete` removes them \
    there too. Example:\n  \
    session clear Bob\n\n\
    JSON: {\"action\", \"state\": \"done\", \"conversation\"}."
)]
pub(crate) struct ClearArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session mute Bob\n  \
    session mute Bob --for 8h\n  \
    session mute Bob --but-mentions\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"conversation\", \"reason\"}.")]
pub(crate) struct MuteArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
    /// Only so long: 30m, 8h, 7d …
    #[arg(long = "for", value_name = "TIME", conflicts_with = "but_mentions")]
    pub(crate) for_time: Option<Counted>,
    /// Messages that mention you still raise a notification.
    #[arg(long)]
    pub(crate) but_mentions: bool,
    #[command(flatten)]
    pub(crate) wait: ChangeWait,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Your devices use it in place of the name the person chose; nobody else \
    sees it. Examples:\n  \
    session nickname 05ca03b8 \"Bob from work\"\n  \
    session nickname \"Bob from work\" \"\"     back to the name Bob chose\n\n\
    JSON: {\"action\", \"state\": \"done\"|\"queued\", \"conversation\", \"nickname\", \"reason\"}."
)]
pub(crate) struct NicknameArguments {
    #[arg(help = WHO)]
    pub(crate) who: Who,
    /// The nickname, up to 100 bytes; empty: none.
    pub(crate) nickname: String,
    #[command(flatten)]
    pub(crate) wait: ChangeWait,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// Forget a person, with the conversation, on all your devices. The person is not told; who
    /// writes again is a message request.
    #[command(after_help = "Example:\n  session contact delete Bob\n\n\
        JSON: {\"action\", \"state\": \"done\"|\"queued\", \"conversation\", \"reason\"}.")]
    Delete(PersonArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConversationCommand {
    /// Remove a conversation from all your devices. The person stays a contact; a new message
    /// brings the conversation back, without what was in it.
    #[command(after_help = "Example:\n  session conversation delete Bob\n\n\
        JSON: {\"action\", \"state\": \"done\"|\"queued\", \"conversation\", \"reason\"}.")]
    Delete(PersonArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArguments {
    /// The name: letters from a to z, digits, _ and, inside, -.
    #[arg(value_name = "NAME", value_parser = registered_name)]
    pub(crate) name: SessionName,
}

fn registered_name(text: &str) -> Result<SessionName, String> {
    text.parse()
        .map_err(|error| format!("not a name ({error})"))
}
