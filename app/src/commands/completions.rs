//! `session completions`

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArguments};
use crate::output::Output;

pub(crate) fn run(arguments: &CompletionsArguments, output: &Output) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "session", &mut script);
    output.raw(&script);
    ExitCode::SUCCESS
}
