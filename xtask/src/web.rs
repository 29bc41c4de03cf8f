//! The page in `web/`: its own checks, its tests in a browser, and pictures of its screens.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::command::{cargo, root, run, say};
use crate::gate::ORACLE;

/// Browsers of the Chromium family, by the names they have.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

#[derive(Debug, Args)]
pub(crate) struct ScreenshotArguments {
    /// Where the pictures go.
    #[arg(default_value = "target/screenshots")]
    folder: PathBuf,
}

/// What is missing, and how to get it; `None` when the page can be built and tested.
pub(crate) fn missing_tools() -> Option<&'static str> {
    if std::env::var_os("SESSION_WITHOUT_WEB").is_some_and(|value| !value.is_empty()) {
        return Some("SESSION_WITHOUT_WEB is set");
    }
    if npm().arg("--version").output().is_err() {
        return Some("npm is not installed (Debian: apt-get install nodejs npm)");
    }
    let asked = folder().ok()?.join("scripts/node-version.mjs");
    let said = Command::new("node").arg(asked).output();
    let is_new_enough = said.is_ok_and(|said| said.status.success());
    (!is_new_enough).then_some("Node.js is older than package.json of web/ wants it")
}

/// The same for tests in a browser.
pub(crate) fn missing_browser() -> Option<&'static str> {
    missing_tools().or_else(|| {
        browser().is_none().then_some(
            "there is no Chromium (Debian: apt-get install chromium fonts-noto-core \
             fonts-noto-color-emoji; elsewhere: set CHROMIUM to its path)",
        )
    })
}

/// Types, rules and unit tests of the page.
pub(crate) fn check() -> anyhow::Result<()> {
    let web = folder()?;
    if !web.join("node_modules/.package-lock.json").exists() {
        npm_run(&["ci", "--no-audit", "--no-fund"], &[])?;
    }
    npm_run(&["run", "check"], &[])?;
    npm_run(&["test"], &[])
}

/// People who talk in browsers, over a private network.
pub(crate) fn end_to_end() -> anyhow::Result<()> {
    npm_run(&["run", "e2e"], &environment()?)
}

/// Every screen, wide and narrow, light and dark.
pub(crate) fn screenshots(arguments: &ScreenshotArguments) -> anyhow::Result<()> {
    if let Some(missing) = missing_browser() {
        bail!("no screenshots: {missing}");
    }
    let folder = root()?.join(&arguments.folder);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let to = folder.to_str().context("the folder has an odd name")?;
    npm_run(&["run", "screenshots", "--", to], &environment()?)?;
    say(&format!("xtask: the pictures are in {to}"));
    Ok(())
}

/// The program under test, built, and the browser.
fn environment() -> anyhow::Result<[(&'static str, PathBuf); 2]> {
    // Exactly what the tests have built: with fewer features half of it would be compiled anew.
    let program = [
        "test",
        "--workspace",
        ORACLE,
        "--test",
        "whole_binary",
        "--no-run",
    ];
    cargo(&program, &[])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = root()?.join(target.unwrap_or_else(|| "target".into()));
    let program = format!("debug/session{}", std::env::consts::EXE_SUFFIX);
    let browser = browser().context("there is no Chromium")?;
    Ok([("SESSION_BIN", target.join(program)), ("CHROMIUM", browser)])
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(root()?.join("web"))
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn npm_run(arguments: &[&str], environment: &[(&str, PathBuf)]) -> anyhow::Result<()> {
    let web = folder()?;
    let prefix = web.to_str().context("the folder has an odd name")?;
    let mut command = npm();
    command.args(["--prefix", prefix]);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    run(command, "npm", arguments)
}

/// The browser to use.
fn browser() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        return Some(given.into());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).find_map(|folder| {
        let places = BROWSERS.iter().map(|name| folder.join(name));
        places.into_iter().find(|place| place.is_file())
    })
}
