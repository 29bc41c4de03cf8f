//! Commands about the program itself.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session completions bash > ~/.local/share/bash-completion/completions/session\n  \
    session completions zsh > ~/.zfunc/_session      with `fpath+=~/.zfunc` in ~/.zshrc\n  \
    session completions fish > ~/.config/fish/completions/session.fish")]
pub(crate) struct CompletionsArguments {
    /// Which shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    session man | man -l -\n  \
    session man --dir ~/.local/share/man/man1      then `man session-send`")]
pub(crate) struct ManArguments {
    /// Write a page for every command into this folder, which must exist.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
