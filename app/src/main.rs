//! `session`: private messages without a phone number, and the private network to try them on.
//!
//! This crate is thin: it parses the command line, calls `session-core` or `session-devnet`, and
//! prints. What it decides itself is how things are said.

mod accounts;
mod cli;
mod commands;
mod end;
mod failure;
mod node_list;
mod output;
mod route_story;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Global};
use crate::output::Output;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    logging(&global, &command);
    let output = Output::new(global.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.failure(&anyhow::Error::new(error).context("cannot start"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match command {
            Command::Account(command) => commands::account::run(&global, command, &output),
            Command::Send(arguments) => commands::send::run(&global, arguments, &output).await,
            Command::Listen(arguments) => commands::listen::run(&global, arguments, &output).await,
            Command::History(arguments) => commands::history::run(&global, &arguments, &output),
            Command::Devnet(arguments) => commands::devnet::run(&global, &arguments, &output).await,
            Command::Node(command) => commands::node::run(&global, command, &output).await,
            Command::Seed(arguments) => commands::seed::run(&arguments, &output).await,
            Command::Demo(arguments) => commands::demo::run(&global, &arguments, &output).await,
        }
    });
    // Whatever still runs in the background holds nothing that needs saving.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error; without `-v` only what a person must know.
fn logging(global: &Global, command: &Command) {
    let level = match global.verbose {
        // A node runs for months and nobody watches it.
        0 if matches!(command, Command::Node(_) | Command::Seed(_)) => "info",
        0 => "error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SESSION_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("off,{}", crates_at(level))));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Only this project's crates: libraries below would log addresses.
fn crates_at(level: &str) -> String {
    [
        "session",
        "session_core",
        "session_net",
        "session_chassis",
        "session_node",
        "session_registry",
        "session_devnet",
        "session_store",
    ]
    .map(|name| format!("{name}={level}"))
    .join(",")
}
