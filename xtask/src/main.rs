//! Project automation. `cargo xtask test` is the whole gate: what it accepts may reach main.

mod command;
mod fuzz;
mod gate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use command::say;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Look for inputs that break a decoder (libFuzzer; needs a nightly toolchain and cargo-fuzz).
    Fuzz(fuzz::Arguments),
    /// Format check, clippy, documentation and every test, in this order; stops at the first failure.
    Test {
        /// Run only this stage (may be repeated).
        #[arg(long, value_enum)]
        only: Vec<gate::Stage>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Test { only } => gate::run(&only),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
