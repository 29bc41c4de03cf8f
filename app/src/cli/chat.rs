//! `session chat`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    long_about = "Read and write in the terminal, with keys alone: every account of this \
    device.\n\nMakes, restores and unlocks accounts too. Works over ssh, from 40 columns on; \
    --plain is for screen readers, braille displays and terminals that cannot move the cursor.",
    after_help = "Examples:\n  \
    session chat\n  \
    session chat --plain                  lines instead of a screen\n  \
    session chat --keys                   what every key does\n\n\
    Keys and colours are read from chat.toml in the configuration folder; F1 shows the keys. \
    Colours are left out\nwith NO_COLOR=1, signs beyond ASCII without a UTF-8 locale."
)]
pub(crate) struct ChatArguments {
    /// Lines instead of a screen: for screen readers, and for terminals that only print.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Draw with ASCII only.
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Show emojis as their names.
    #[arg(long)]
    pub(crate) text_emoji: bool,
    /// Turn right-to-left words here, for a terminal that does not.
    #[arg(long)]
    pub(crate) bidi: bool,
    /// Show no pictures.
    #[arg(long)]
    pub(crate) no_images: bool,
    /// File with keys and colours [default: chat.toml in the configuration folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print what every key does, and end.
    #[arg(long)]
    pub(crate) keys: bool,
}
