//! `session`: private messages without a phone number, and the private network to try them on.
//!
//! This crate is thin: it parses the command line, calls `session-core` or `session-devnet`, and
//! prints. What it decides itself is how things are said.

mod accounts;
mod cli;
mod commands;
mod descriptors;
mod end;
mod failure;
mod node_list;
mod output;
mod route_story;
mod show;
mod who;
mod work;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::cli::{Cli, Command, Global};
use crate::commands::person;
use crate::output::Output;

/// How long open databases are waited for at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what is left to do is waited for.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// Exit status when the command line is not understood.
const NOT_UNDERSTOOD: u8 = 2;

fn main() -> ExitCode {
    let Cli { global, command } = match asked() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
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
    let result = runtime.block_on(run(&global, command, &output));
    // Whatever still runs in the background holds nothing that needs saving. But the database
    // engine's cryptography has something of every thread that used it, lets go of that when the
    // thread ends, and tidies up when the process does: the two must not meet, so threads are waited
    // for. One that sits in a system call for longer does not end meanwhile either.
    runtime.shutdown_timeout(AFTERWARDS);
    session_core::until_all_closed(PATIENCE);
    match result {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for. Nothing at all asks for the window where there is a screen, and
/// for help elsewhere.
fn asked() -> Result<Cli, clap::Error> {
    if std::env::args_os().len() == 1 && commands::app::browser_is_likely() {
        return Cli::try_parse_from(["session", "app"]);
    }
    Cli::try_parse()
}

/// Help, or what is wrong with the command line.
fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || !std::env::args_os().any(|argument| argument == "--json") {
        error.exit();
    }
    let usage = anyhow::Error::new(failure::Usage(what_is_wrong(error)));
    Output::new(true).failure(&usage);
    ExitCode::from(NOT_UNDERSTOOD)
}

/// The first paragraph in one line: what is missing stands on lines of its own.
fn what_is_wrong(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text
        .trim_start_matches("error: ")
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty());
    paragraph.collect::<Vec<_>>().join(" ")
}

async fn run(global: &Global, command: Command, output: &Output) -> anyhow::Result<ExitCode> {
    // A mistake in it must not lie hidden until a command goes online.
    accounts::network_options(global)?;
    match command {
        Command::App(arguments) => commands::app::run(global, &arguments, output).await,
        Command::Account(command) => commands::account::run(global, command, output).await,
        Command::Chat(arguments) => commands::chat::run(global, arguments, output).await,
        Command::Chats(arguments) => commands::chats::run(global, &arguments, output),
        Command::Requests(arguments) => commands::requests::run(global, arguments, output).await,
        Command::Send(arguments) => commands::send::run(global, arguments, output).await,
        Command::Save(arguments) => commands::save::run(global, arguments, output).await,
        Command::Reply(arguments) => commands::reply::run(global, arguments, output).await,
        Command::React(arguments) => commands::react::run(global, arguments, output).await,
        Command::Listen(arguments) => commands::listen::run(global, arguments, output).await,
        Command::History(arguments) => commands::history::run(global, &arguments, output),
        Command::Search(arguments) => commands::search::run(global, &arguments, output),
        Command::Delete(arguments) => commands::delete::run(global, arguments, output).await,
        Command::Disappear(arguments) => commands::disappear::run(global, arguments, output).await,
        Command::Read(arguments) => person::read(global, arguments, true, output).await,
        Command::Unread(arguments) => person::read(global, arguments, false, output).await,
        Command::Pin(arguments) => person::pin(global, arguments, true, output).await,
        Command::Unpin(arguments) => person::pin(global, arguments, false, output).await,
        Command::Mute(arguments) => person::mute(global, arguments, output).await,
        Command::Unmute(arguments) => person::unmute(global, arguments, output).await,
        Command::Nickname(arguments) => person::nickname(global, arguments, output).await,
        Command::Block(arguments) => person::block(global, arguments, true, output).await,
        Command::Unblock(arguments) => person::block(global, arguments, false, output).await,
        Command::Contact(command) => person::contact(global, command, output).await,
        Command::Conversation(command) => person::conversation(global, command, output).await,
        Command::Clear(arguments) => commands::clear::run(global, arguments, output).await,
        Command::Export(arguments) => commands::export::run(global, arguments, output).await,
        Command::Profile(arguments) => commands::profile::run(global, arguments, output).await,
        Command::Settings(arguments) => commands::settings::run(global, arguments, output).await,
        Command::Resolve(arguments) => commands::resolve::run(global, &arguments, output).await,
        Command::Doctor => commands::doctor::run(global, output).await,
        Command::Rpc => commands::rpc::run(global).await,
        Command::Completions(arguments) => Ok(commands::completions::run(&arguments, output)),
        Command::Man(arguments) => commands::man::run(&arguments, output),
        Command::Demo(arguments) => commands::demo::run(global, &arguments, output).await,
        Command::Devnet(arguments) => commands::devnet::run(global, &arguments, output).await,
        Command::Node(command) => commands::node::run(global, command, output).await,
        Command::Files(command) => commands::files::run(global, command, output).await,
        Command::Seed(arguments) => commands::seed::run(&arguments, output).await,
    }
}

/// Logs go to standard error; without `-v` only what a person must know.
fn logging(global: &Global, command: &Command) {
    let level = match global.verbose {
        // A node runs for months and nobody watches it.
        0 if matches!(
            command,
            Command::Node(_) | Command::Files(_) | Command::Seed(_)
        ) =>
        {
            "info"
        }
        0 => "error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SESSION_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("off,{}", crates_at(level))));
    // Whoever has no terminal before them can take the log out of the window.
    if let Command::App(_) | Command::Rpc = command {
        let told = fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(filter);
        tracing_subscriber::registry()
            .with(told)
            .with(session_api::log_keeper())
            .init();
        return;
    }
    let logs = fmt().with_env_filter(filter);
    if let Command::Chat(arguments) = command
        && !arguments.plain
    {
        // The terminal is drawn on: what is logged goes to a file, if it is wanted at all.
        let file = commands::chat::log_file(global);
        match file {
            Some(file) => logs
                .with_ansi(false)
                .with_writer(std::sync::Mutex::new(file))
                .init(),
            None => logs.with_writer(std::io::sink).init(),
        }
    } else {
        logs.with_writer(std::io::stderr).init();
    }
}

/// Only this project's crates: libraries below would log addresses.
fn crates_at(level: &str) -> String {
    [
        "session",
        "session_api",
        "session_tui",
        "session_web",
        "session_core",
        "session_net",
        "session_chassis",
        "session_node",
        "session_files",
        "session_registry",
        "session_devnet",
        "session_store",
    ]
    .map(|name| format!("{name}={level}"))
    .join(",")
}
