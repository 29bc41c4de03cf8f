//! `cargo xtask test`.

use std::process::Command;
use std::time::Instant;

use anyhow::bail;
use clap::ValueEnum;

use crate::command::{cargo, say};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// `cargo fmt --check`
    Fmt,
    /// `cargo clippy -D warnings`
    Clippy,
    /// `cargo doc -D warnings`
    Doc,
    /// `cargo test`: unit, vectors, scenarios on real networks, whole-binary and doc tests
    Test,
}

/// Builds libsodium from the source its crate carries and compares our cryptography with it.
const ORACLE: &str = "--features=session-sodium-oracle/libsodium";

const STAGES: [Stage; 4] = [Stage::Fmt, Stage::Clippy, Stage::Test, Stage::Doc];

pub(crate) fn run(only: &[Stage]) -> anyhow::Result<()> {
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
                        ORACLE,
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
                    ORACLE,
                    "--no-deps",
                    "--document-private-items",
                ],
                &[("RUSTDOCFLAGS", "-D warnings")],
            )?,
            Self::Test => cargo(&["test", "--workspace", "--no-fail-fast", ORACLE], &[])?,
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
