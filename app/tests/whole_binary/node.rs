//! `session node`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::run::{PATIENCE, Process, finish, session};

/// A node's process.
pub(crate) struct Running(Process);

impl Running {
    pub(crate) fn start(home: &Path) -> Self {
        let mut command = session(home);
        command.args(["--json", "node", "run"]);
        Self(Process::start(command))
    }

    /// What it said about itself.
    pub(crate) fn started(&self) -> &Value {
        &self.0.started
    }

    /// Status line and body of what the operator's address answers.
    fn admin(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.started()["admin"].as_str().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap();
        (status.to_owned(), body.to_owned())
    }

    /// What SIGTERM does.
    pub(crate) fn stop(self) {
        assert!(self.0.end("-TERM").0.success());
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.admin("/metrics");
        let prefix = format!("session_node_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .parse()
            .unwrap()
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

pub(crate) fn node_file(home: &Path, name: &str) -> PathBuf {
    home.join("data/node").join(name)
}

/// Makes a node and gives its entry for the list.
pub(crate) fn init(home: &Path) -> Value {
    let mut command = session(home);
    let port = free_port().to_string();
    command.args([
        "--json",
        "node",
        "init",
        "--ip",
        "127.0.0.1",
        "--port",
        &port,
    ]);
    let entry = finish(command).ok().json().remove(0);
    let file = node_file(home, "node.toml");
    let text = fs::read_to_string(&file).unwrap();
    let with_free_port = text.replace("127.0.0.1:22029", "127.0.0.1:0");
    assert_ne!(text, with_free_port);
    fs::write(file, with_free_port).unwrap();
    entry
}

pub(crate) fn write_list(home: &Path, entries: &[Value]) {
    let list = json!({ "service_node_states": entries });
    fs::write(node_file(home, "nodes.json"), list.to_string()).unwrap();
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn nodes_of_one_list_find_each_other_and_stop_politely() {
    let homes = [(); 3].map(|()| tempdir().unwrap());
    let entries: Vec<Value> = homes.iter().map(|home| init(home.path())).collect();
    for home in &homes {
        write_list(home.path(), &entries);
    }
    let mut nodes: Vec<Running> = homes
        .iter()
        .map(|home| Running::start(home.path()))
        .collect();
    for (node, entry) in nodes.iter().zip(&entries) {
        assert_eq!(node.started()["ed25519"], entry["pubkey_ed25519"]);
        let (status, body) = node.admin("/health");
        assert!(status.contains("200"), "{status}");
        assert_eq!(body, "ready\n");
        assert_eq!(node.metric("ready"), 1);
        assert_eq!(node.metric("messages"), 0);
        until("the members did not confirm each other", || {
            node.metric("members_unconfirmed") == 0
        });
    }

    // Taken off the list while it runs, a node serves nobody.
    let last = nodes.pop().unwrap();
    write_list(homes[2].path(), &entries[..2]);
    until("the change of the list went unnoticed", || {
        last.metric("ready") == 0
    });
    let (status, body) = last.admin("/health");
    assert!(status.contains("503"), "{status}");
    assert_eq!(body, "not in any swarm\n");

    for node in nodes {
        let asked = Instant::now();
        node.stop();
        assert!(asked.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn what_an_operator_may_get_wrong_is_said() {
    let home = tempdir().unwrap();
    let fails = |arguments: &[&str]| {
        let mut command = session(home.path());
        command.args(arguments);
        let said = finish(command);
        assert!(!said.status.success(), "{arguments:?}");
        said.err
    };
    assert!(fails(&["node", "run"]).contains("session node init"));
    assert!(fails(&["node", "init", "--ip", "0.0.0.0"]).contains("public_ip"));
    assert!(!node_file(home.path(), "node.toml").exists());

    let entry = init(home.path());
    let key = fs::read(node_file(home.path(), "node.key")).unwrap();
    assert!(fails(&["node", "init", "--ip", "127.0.0.1"]).contains("already"));
    assert!(fails(&["node", "run"]).contains("node list"));
    write_list(home.path(), &[]);
    assert!(fails(&["node", "run"]).contains("no entry with this node's key"));
    let mut stranger = entry.clone();
    stranger["storage_port"] = json!(0);
    write_list(home.path(), &[stranger]);
    assert!(fails(&["node", "run"]).contains("node 1"));
    write_list(home.path(), std::slice::from_ref(&entry));

    let settings = node_file(home.path(), "node.toml");
    let good = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{good}\nmax_databse_mib = 7\n")).unwrap();
    let unknown = fails(&["node", "run"]);
    assert!(
        unknown.contains("max_databse_mib") && unknown.contains("line"),
        "{unknown}"
    );
    fs::write(&settings, &good).unwrap();

    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = fails(&["node", "run", "--listen", &address]);
    assert!(busy.contains(&address) && busy.contains("in use"), "{busy}");

    fs::remove_file(node_file(home.path(), "node.key")).unwrap();
    assert!(fails(&["node", "run"]).contains("node.key"));
    assert!(
        !node_file(home.path(), "node.key").exists(),
        "no new key is made"
    );
    fs::write(node_file(home.path(), "node.key"), key).unwrap();

    let mut info = session(home.path());
    info.args(["node", "info"]);
    let said = finish(info).ok();
    let id = entry["pubkey_ed25519"].as_str().unwrap();
    assert!(
        said.out.contains(id) && said.out.contains("1 in 1 swarms"),
        "{}",
        said.out
    );
}

#[test]
fn the_default_configuration_explains_itself() {
    let home = tempdir().unwrap();
    let mut command = session(home.path());
    command.args(["node", "config", "--print-default"]);
    let said = finish(command).ok();
    for key in ["listen", "nodes", "admin", "max_database_mib", "public_ip"] {
        assert!(said.out.contains(&format!("{key} = ")), "{key}");
    }
}
