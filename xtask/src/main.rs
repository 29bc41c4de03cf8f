//! Project automation. `cargo xtask test` is the whole gate: what it accepts may reach main.

mod chaos;
mod command;
mod fuzz;
mod gate;
mod soak;
mod web;

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
    /// Let nodes die, hang, lose each other and run out of disk while clients store; fails when
    /// anything acknowledged is lost.
    Chaos(chaos::Arguments),
    /// Look for inputs that break a decoder (libFuzzer; needs a nightly toolchain and cargo-fuzz).
    Fuzz(fuzz::Arguments),
    /// Make pictures of every screen of the page, wide and narrow, light and dark (needs npm and
    /// Chromium).
    Screenshots(web::ScreenshotArguments),
    /// Run nodes at 70 % of what they can do for a long time; fails when their memory or descriptors
    /// grow.
    Soak(soak::Arguments),
    /// Format check, clippy, every test, the page in a browser, documentation; tells all that fails.
    Test {
        /// Run only this stage (may be repeated).
        #[arg(long, value_enum)]
        only: Vec<gate::Stage>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Chaos(arguments) => chaos::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Screenshots(arguments) => web::screenshots(&arguments),
        Task::Soak(arguments) => soak::run(&arguments),
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
