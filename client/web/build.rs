//! Builds the page in `web/` and makes a table of its files. Without npm there is a page that says
//! so, and everything else builds all the same.

#![allow(
    clippy::print_stdout,
    reason = "build scripts talk to cargo over standard output"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use serde_json::Value;

/// What else is in `web/` and does not go into the page.
const NOT_SOURCES: [&str; 5] = [
    "node_modules",
    "dist",
    "tests",
    "test-results",
    "screenshots",
];
/// Of what a failing npm says.
const LINES: usize = 6;
const WITHOUT: &str = "SESSION_WITHOUT_WEB";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={problem}; {WITHOUT}=1 builds without the page");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let crate_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let web = crate_dir.join("../../web");
    let page = out.join("page");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=missing.html");
    println!("cargo::rerun-if-env-changed={WITHOUT}");

    let without = env::var_os(WITHOUT).is_some_and(|value| !value.is_empty() && value != "0");
    let why_not = if without {
        Some(format!("{WITHOUT} is set"))
    } else if !web.join("package.json").is_file() {
        Some("web/ is not here".to_owned())
    } else if npm(&web).arg("--version").output().is_err() {
        Some("npm is not installed (Debian: apt-get install nodejs npm)".to_owned())
    } else if let Some(reason) = old_node(&web) {
        Some(reason)
    } else if is_installed(&web) {
        None
    } else {
        // Without a network, say; a page that does not build is another matter.
        npm_run(&web, &["ci", "--no-audit", "--no-fund"]).err()
    };
    match why_not {
        Some(reason) => {
            println!("cargo::warning=session-web is built without its page: {reason}");
            if !without {
                // What is not there always counts as changed: the next build tries again.
                println!("cargo::rerun-if-changed={}", out.join("retry").display());
            }
            let missing = crate_dir.join("missing.html");
            table(
                &out,
                &BTreeMap::from([("/index.html".to_owned(), missing)]),
                false,
            )
        }
        None => {
            watch(&web).map_err(|error| format!("web/ cannot be read: {error}"))?;
            let to = page.to_str().ok_or("the build folder has an odd name")?;
            npm_run(
                &web,
                &["run", "build", "--", "--outDir", to, "--emptyOutDir"],
            )?;
            let mut files = BTreeMap::new();
            gather(&page, "", &mut files)
                .map_err(|error| format!("the built page cannot be read: {error}"))?;
            if !files.contains_key("/index.html") {
                return Err("the build of web/ made no index.html".to_owned());
            }
            table(&out, &files, true)
        }
    }
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set"))
}

/// What is wrong with the Node.js that is here: `package.json` says what the page needs.
fn old_node(web: &Path) -> Option<String> {
    let asked = web.join("scripts/node-version.mjs");
    match Command::new("node").arg(asked).output() {
        Ok(said) if said.status.success() => None,
        Ok(said) => {
            let said = String::from_utf8_lossy(&said.stdout);
            let reason = said.lines().next();
            Some(reason.unwrap_or("Node.js is far too old").to_owned())
        }
        Err(_) => Some("Node.js is not installed (Debian: apt-get install nodejs npm)".to_owned()),
    }
}

/// Runs again when a source of the page changes.
fn watch(web: &Path) -> io::Result<()> {
    for entry in fs::read_dir(web)? {
        let entry = entry?;
        let name = entry.file_name();
        if !NOT_SOURCES.iter().any(|other| name == *other) {
            println!("cargo::rerun-if-changed={}", entry.path().display());
        }
    }
    Ok(())
}

/// Whether what the lock file names is what is installed.
fn is_installed(web: &Path) -> bool {
    let wanted = packages(&web.join("package-lock.json"));
    let installed = packages(&web.join("node_modules/.package-lock.json"));
    let (Some(wanted), Some(installed)) = (wanted, installed) else {
        return false;
    };
    let as_wanted = installed
        .iter()
        .all(|(path, (version, _))| wanted.get(path).is_some_and(|(other, _)| other == version));
    let complete = wanted
        .iter()
        .all(|(path, (_, optional))| *optional || installed.contains_key(path));
    as_wanted && complete
}

/// Place, version and whether it may be missing, of each package in a lock file.
fn packages(file: &Path) -> Option<BTreeMap<String, (String, bool)>> {
    let lock: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let packages = lock.get("packages")?.as_object()?;
    let package = |(path, package): (&String, &Value)| {
        let version = package.get("version").and_then(Value::as_str);
        let is = |name| package.get(name).and_then(Value::as_bool) == Some(true);
        let may_miss = is("optional") || is("devOptional");
        (
            path.clone(),
            (version.unwrap_or_default().to_owned(), may_miss),
        )
    };
    // The package itself is named by an empty path.
    let others = packages.iter().filter(|(path, _)| !path.is_empty());
    Some(others.map(package).collect())
}

fn npm(web: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(web);
    command
}

fn npm_run(web: &Path, arguments: &[&str]) -> Result<(), String> {
    let said = npm(web)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    let mut all = String::from_utf8_lossy(&said.stdout).into_owned();
    all.push_str(&String::from_utf8_lossy(&said.stderr));
    // Where in npm's own parts it happened helps nobody.
    let lines = all.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("at "));
    let lines: Vec<_> = lines.collect();
    let first = lines
        .iter()
        .position(|line| line.to_lowercase().contains("error"));
    let from = first.unwrap_or(lines.len().saturating_sub(LINES));
    let said: Vec<_> = lines.iter().skip(from).take(LINES).copied().collect();
    Err(format!(
        "`npm {}` in web/ failed: {}",
        arguments
            .iter()
            .take(2)
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
        said.join(" | ")
    ))
}

/// All files of a folder with their places in URLs.
fn gather(folder: &Path, at: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let place = format!("{at}/{name}");
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &place, files)?;
        } else {
            files.insert(place, entry.path());
        }
    }
    Ok(())
}

fn table(out: &Path, files: &BTreeMap<String, PathBuf>, built: bool) -> Result<(), String> {
    let mut text = format!("pub(super) const BUILT: bool = {built};\n");
    text.push_str("pub(super) static FILES: &[(&str, &[u8])] = &[\n");
    for (place, file) in files {
        let written = writeln!(text, "    ({place:?}, include_bytes!({file:?})),");
        written.map_err(|error| error.to_string())?;
    }
    text.push_str("];\n");
    fs::write(out.join("page.rs"), text)
        .map_err(|error| format!("the table of files cannot be written: {error}"))
}
