//! The command that opens the window.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session app                           opens your browser\n  \
    session app --no-browser              prints a link instead; it works once\n  \
    session --account 05ab… app           nothing else changes: all accounts are there\n\n\
    The page comes from this program, on this computer, and is for nobody else: a link works once,\n\
    and only a short time. The window was closed? `session app` again opens another one; what\n\
    runs already is used.\n\n\
    JSON: {\"event\": \"app\", \"url\", \"address\", \"running\"}; `running` when it was already.")]
pub(crate) struct AppArguments {
    /// Open no browser: print a link to be opened within five minutes.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Listen on this port of 127.0.0.1 [default: a free one].
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub(crate) port: u16,
}
