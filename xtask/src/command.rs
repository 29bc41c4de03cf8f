//! Running cargo.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// The folder of the workspace.
pub(crate) fn root() -> anyhow::Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask has a parent")
}

/// Runs the cargo this program was started with.
pub(crate) fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.envs(environment.iter().copied());
    run(command, "cargo", arguments)
}

/// Runs a command in the workspace's folder and fails when it does.
pub(crate) fn run(mut command: Command, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    say(&format!("xtask: {name} {}", arguments.join(" ")));
    let status = command
        .args(arguments)
        .current_dir(root()?)
        .status()
        .with_context(|| format!("{name} cannot be started"))?;
    if !status.success() {
        bail!("{name} {} failed", arguments.join(" "));
    }
    Ok(())
}

#[allow(
    clippy::print_stderr,
    reason = "a command-line tool reports to its terminal"
)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
