//! `cargo xtask test`.

use std::process::Command;
use std::time::Instant;

use anyhow::bail;
use clap::ValueEnum;

use crate::command::{cargo, root, say};
use crate::web;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// `cargo fmt --check`
    Fmt,
    /// `cargo clippy -D warnings`
    Clippy,
    /// `cargo doc -D warnings`
    Doc,
    /// `npm run e2e` in web/: the page in a browser, against the program and a private network
    E2e,
    /// `cargo test`: unit, vectors, scenarios on real networks, whole-binary and doc tests
    Test,
    /// `npm run check` and `npm test` in web/
    Web,
}

/// Builds libsodium from the source its crate carries and compares our cryptography with it.
pub(crate) const ORACLE: &str = "--features=session-sodium-oracle/libsodium";

/// An object store that speaks S3, from the Python package index.
const OBJECT_STORE: &str = "swift==2.38.3";

/// Clippy builds the page, so that the stages after it find its packages installed.
const STAGES: [Stage; 6] = [
    Stage::Fmt,
    Stage::Clippy,
    Stage::Web,
    Stage::Test,
    Stage::E2e,
    Stage::Doc,
];

pub(crate) fn run(only: &[Stage]) -> anyhow::Result<()> {
    let started = Instant::now();
    require_tools()?;
    let mut skipped = String::new();
    // One run tells everything that is wrong.
    let mut failed = Vec::new();
    for stage in STAGES {
        if !only.is_empty() && !only.contains(&stage) {
            continue;
        }
        match stage.missing() {
            None => {
                if let Err(error) = stage.run() {
                    say(&format!("xtask: {stage:?} failed: {error:#}"));
                    failed.push(format!("{stage:?}"));
                }
            }
            Some(missing) if only.contains(&stage) => bail!("{stage:?} cannot run: {missing}"),
            Some(missing) => {
                say(&format!("xtask: {stage:?} is skipped: {missing}"));
                skipped += &format!(", but {stage:?} was skipped: {missing}");
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} failed", failed.join(", "));
    }
    say(&format!(
        "xtask: all green in {} s{skipped}",
        started.elapsed().as_secs()
    ));
    Ok(())
}

impl Stage {
    /// Why it cannot run here, and what to do about it.
    fn missing(self) -> Option<&'static str> {
        match self {
            Self::Web => web::missing_tools(),
            Self::E2e => web::missing_browser(),
            Self::Clippy | Self::Doc | Self::Fmt | Self::Test => None,
        }
    }

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
            Self::E2e => web::end_to_end()?,
            Self::Web => web::check()?,
            Self::Test => {
                prepare_object_store()?;
                // A failure's text says what is wrong; traces would hide it in a long log.
                cargo(
                    &["test", "--workspace", "--no-fail-fast", ORACLE],
                    &[
                        ("RUST_BACKTRACE", "0"),
                        ("RUST_TEST_THREADS", &tests_at_once()),
                    ],
                )?;
            }
        }
        say(&format!(
            "xtask: {self:?} passed in {} s",
            started.elapsed().as_secs()
        ));
        Ok(())
    }
}

/// Most tests wait for networks and clocks longer than they compute.
fn tests_at_once() -> String {
    std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        (2 * processors).to_string()
    })
}

/// Installs the object store that tests of the file server start, without root, unless it is there.
/// Where that cannot be done these tests say that they were skipped.
fn prepare_object_store() -> anyhow::Result<()> {
    let folder = root()?.join("target/swift");
    if folder.join("bin/python").exists() {
        return Ok(());
    }
    let succeeds = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    let made = succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let pip = folder.join("bin/pip");
    if !made || !succeeds(Command::new(pip).args(["install", "--quiet", OBJECT_STORE])) {
        let _ = std::fs::remove_dir_all(&folder);
        say("xtask: OpenStack Swift cannot be installed (Debian: apt-get install python3-venv)");
    }
    Ok(())
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
