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

/// A command that goes on until it is told to end, and has said in one line of JSON how it is
/// reached; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) started: Value,
}

impl Process {
    /// Starts it and waits for that line.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What it says later must not fill the pipe.
        let mut errors = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text)
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("not started: {line}{:?}", errors.join().unwrap())
        });
        Self { child, started }
    }

    /// Sends it a signal and waits for its end; returns the exit status and how long it took.
    pub(crate) fn end(mut self, signal: &str) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args([signal, &pid]).status();
        assert!(kill.unwrap().success());
        let status = self.child.wait().unwrap();
        (status, asked.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A private network in a process of its own.
pub(crate) struct Network(Process);

impl Network {
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut command = session(home);
        command.args(["--json", "devnet"]).args(arguments);
        Self(Process::start(command))
    }

    /// What it said about itself.
    pub(crate) fn info(&self) -> &Value {
        &self.0.started
    }

    pub(crate) fn seed_url(&self) -> &str {
        self.info()["seed_url"].as_str().unwrap()
    }

    /// What Ctrl-C does; returns the exit status and how long it took.
    pub(crate) fn interrupt(self) -> (ExitStatus, Duration) {
        self.0.end("-INT")
    }
}
