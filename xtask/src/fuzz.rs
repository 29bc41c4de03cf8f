//! `cargo xtask fuzz`: libFuzzer over the bodies that `cargo test -p session-fuzz` runs too.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::command::{self, root, say};

/// New inputs are kept here, so that the next search begins where this one ended. The corpus in
/// `fuzz/corpus` stays as it is.
const FOUND: &str = "target/fuzz-corpus";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long to search, per target.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Search in this target only (may be repeated).
    #[arg(long)]
    target: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    require_tools()?;
    let all = targets()?;
    if let Some(unknown) = arguments.target.iter().find(|name| !all.contains(name)) {
        bail!("no target {unknown}; there are {}", all.join(", "));
    }
    let chosen = if arguments.target.is_empty() {
        &all
    } else {
        &arguments.target
    };
    let mut broken = Vec::new();
    for target in chosen {
        if let Err(error) = search(target, arguments.minutes) {
            say(&format!("xtask: {error:#}"));
            broken.push(target.as_str());
        }
    }
    if !broken.is_empty() {
        bail!(
            "{} failed; the inputs are in fuzz/artifacts",
            broken.join(", ")
        );
    }
    say(&format!("xtask: {} targets, nothing found", chosen.len()));
    Ok(())
}

fn search(target: &str, minutes: f64) -> anyhow::Result<()> {
    let found = format!("{FOUND}/{target}");
    fs::create_dir_all(root()?.join(&found))?;
    let seconds = (minutes * 60.0).ceil();
    let mut command = Command::new("cargo");
    // Cargo sets this for the toolchain xtask was built with.
    command.env_remove("RUSTUP_TOOLCHAIN");
    command::run(
        command,
        "cargo",
        &[
            "+nightly",
            "fuzz",
            "run",
            target,
            "--target-dir",
            "target/fuzz",
            &found,
            &format!("fuzz/corpus/{target}"),
            "--",
            &format!("-max_total_time={seconds}"),
            "-timeout=10",
            // A decoder that reserves what a header promises is found by this.
            "-malloc_limit_mb=64",
            "-print_final_stats=1",
        ],
    )
}

fn targets() -> anyhow::Result<Vec<String>> {
    let folder = root()?.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let stem = file.file_stem().context("a file has a name")?;
        names.push(stem.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn require_tools() -> anyhow::Result<()> {
    let there = Command::new("cargo")
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["+nightly", "fuzz", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        bail!(
            "install what fuzzing needs: \
             rustup toolchain install nightly && cargo install cargo-fuzz (and a C++ compiler)"
        );
    }
    Ok(())
}
