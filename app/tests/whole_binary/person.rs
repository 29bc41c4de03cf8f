//! Somebody with a home, at the command line.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::run::{PATIENCE, Said, finish, finish_with, session};

/// A network that is not there.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9/";

pub(crate) struct Person {
    home: TempDir,
    pub(crate) id: String,
    pub(crate) words: String,
    network: String,
}

impl Person {
    pub(crate) fn new(name: &str, seed_url: &str) -> Self {
        let home = tempdir().unwrap();
        let mut command = session(home.path());
        command.args(["--json", "account", "new", "--key-store", "file"]);
        command.args(["--name", name, "--network", seed_url]);
        let made = finish(command).ok().json().remove(0);
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Self {
            id: text("account_id"),
            words: text("recovery_password"),
            network: seed_url.to_owned(),
            home,
        }
    }

    /// The same account on another device.
    pub(crate) fn second_device(&self) -> Self {
        let home = tempdir().unwrap();
        let mut command = session(home.path());
        command.args(["account", "restore", "--key-store", "file"]);
        command.args(["--network", &self.network]);
        finish_with(command, &self.words).ok();
        Self {
            home,
            id: self.id.clone(),
            words: self.words.clone(),
            network: self.network.clone(),
        }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = session(self.home());
        command.args(arguments);
        finish(command)
    }

    /// The objects a command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        self.run(&[&["--json"], arguments].concat()).ok().json()
    }

    /// Exit status, and what the failure object says.
    pub(crate) fn failure(&self, arguments: &[&str]) -> (i32, String, String) {
        let said = self.run(&[&["--json"], arguments].concat());
        assert!(said.out.is_empty(), "{said:?}");
        let line = said.err.lines().last().unwrap_or_default();
        let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:?}"));
        let text = |key: &str| match object[key].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("no {key}: {arguments:?} {said:?}"),
        };
        (said.status.code().unwrap(), text("code"), text("error"))
    }

    /// Messages until `count` of them came.
    pub(crate) fn listen(&self, count: &str) -> Vec<Value> {
        self.json(&["listen", "--every", "1", "--for", "40", "--count", count])
    }

    /// Goes on listening in the background.
    pub(crate) fn listening(&self) -> Listening {
        Listening::start(self)
    }

    /// The line of `session chats --all` about somebody.
    pub(crate) fn chat(&self, with: &str) -> Option<Value> {
        let mut chats = self.json(&["chats", "--all"]);
        chats.retain(|chat| chat["conversation"] == with);
        chats.pop()
    }
}

pub(crate) fn texts(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|m| m["text"].as_str().unwrap())
        .collect()
}

/// `session listen` in another terminal.
pub(crate) struct Listening {
    child: Child,
    lines: Receiver<Value>,
    /// What came so far, for a failure.
    heard: Vec<Value>,
}

impl Listening {
    fn start(person: &Person) -> Self {
        let mut command = session(person.home());
        command.args(["--json", "listen", "--every", "1"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // From now on nothing is missed.
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.contains("Listening"), "{line}");
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// The next line of this kind; others are left out.
    pub(crate) fn next(&mut self, event: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no {event}, only {:#?}", self.heard);
            };
            self.heard.push(line.clone());
            if line["event"] == event {
                return line;
            }
        }
    }

    /// What Ctrl-C does; everything heard.
    pub(crate) fn end(mut self) -> Vec<Value> {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &pid]).status();
        assert!(kill.unwrap().success());
        assert!(self.child.wait().unwrap().success());
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.heard.push(line);
        }
        core::mem::take(&mut self.heard)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
