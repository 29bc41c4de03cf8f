//! Project automation. `cargo xtask test` is the whole gate: what it accepts may reach main.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Format check, clippy, documentation and every test, in this order; stops at the first failure.
    Test {
        /// Run only this stage (may be repeated).
        #[arg(long, value_enum)]
        only: Vec<Stage>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// `cargo fmt --check`
    Fmt,
    /// `cargo clippy -D warnings`
    Clippy,
    /// `cargo doc -D warnings`
    Doc,
    /// `cargo test`: unit, vectors, scenarios on real networks, whole-binary and doc tests
    Test,
}

const STAGES: [Stage; 4] = [Stage::Fmt, Stage::Clippy, Stage::Test, Stage::Doc];

fn main() -> ExitCode {
    let Arguments {
        task: Task::Test { only },
    } = Arguments::parse();
    match run(&only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(only: &[Stage]) -> anyhow::Result<()> {
    let started = Instant::now();
    require_tools()?;
    for stage in STAGES {
        if only.is_empty() || only.contains(&stage) {
            stage.run()?;
        }
    }
    say(&format!(
        "xtask: all green in {} s",
        started.elapsed().as_secs()
    ));
    Ok(())
}

impl Stage {
    fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        match self {
            Self::Fmt => cargo(&["fmt", "--all", "--check"], &[])?,
            Self::Clippy => {
                cargo(
                    &[
                        "clippy",
                        "--workspace",
                        "--all-targets",
                        "--",
                        "-D",
                        "warnings",
                    ],
                    &[],
                )?;
            }
            Self::Doc => cargo(
                &[
                    "doc",
                    "--workspace",
                    "--no-deps",
                    "--document-private-items",
                ],
                &[("RUSTDOCFLAGS", "-D warnings")],
            )?,
            Self::Test => cargo(&["test", "--workspace", "--no-fail-fast"], &[])?,
        }
        say(&format!(
            "xtask: {self:?} passed in {} s",
            started.elapsed().as_secs()
        ));
        Ok(())
    }
}

/// The encrypted client database compiles C code: SQLCipher and the OpenSSL inside it.
fn require_tools() -> anyhow::Result<()> {
    let missing: Vec<&str> = ["cc", "make", "perl"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !missing.is_empty() {
        bail!(
            "missing {}: install a C compiler, make and perl \
             (Debian: apt-get install build-essential perl)",
            missing.join(", ")
        );
    }
    Ok(())
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask has a parent")?;
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    say(&format!("xtask: cargo {}", arguments.join(" ")));
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root)
        .status()
        .context("cargo cannot be started")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

#[allow(
    clippy::print_stderr,
    reason = "a command-line tool reports to its terminal"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
