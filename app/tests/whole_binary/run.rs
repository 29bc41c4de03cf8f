//! Starting the binary and reading what it says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long any step may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A `session` command whose data lies in `home`.
pub(crate) fn session(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_session"));
    command
        .env_clear()
        .env("HOME", home)
        .env("SESSION_DATA_DIR", home.join("data"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    command
}

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: ExitStatus,
}

impl Said {
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Every line of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

/// Runs a command to its end, with `input` as standard input.
pub(crate) fn finish_with(mut command: Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    said(child)
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Said {
    said(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

fn said(child: Child) -> Said {
    let (done, wait) = mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = wait.recv_timeout(PATIENCE) else {
        panic!("process {id} did not end in {PATIENCE:?}");
    };
    let Output {
        stdout,
        stderr,
        status,
    } = output.unwrap();
    Said {
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
        status,
    }
}

/// A private network in a process of its own; interrupted when dropped.
pub(crate) struct Network {
    child: Child,
    pub(crate) info: Value,
}

impl Network {
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut child = session(home)
            .args(["--json", "devnet"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            let mut why = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("no network: {why}");
        }
        Self {
            info: serde_json::from_str(&line).unwrap(),
            child,
        }
    }

    pub(crate) fn seed_url(&self) -> &str {
        self.info["seed_url"].as_str().unwrap()
    }

    /// What Ctrl-C does; returns the exit status and how long it took.
    pub(crate) fn interrupt(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        (status, asked.elapsed())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
