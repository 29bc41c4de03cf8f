//! A network put together by hand: nodes and a seed, each in a process of its own.

use std::fs;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::node::{Running, init, until, write_list};
use crate::person::{Person, texts};
use crate::run::{Process, finish, session};

/// The seed's process.
struct Seed(Process);

impl Seed {
    fn start(home: &TempDir, entries: &[Value]) -> Self {
        let list = home.path().join("nodes.json");
        let text = json!({ "service_node_states": entries }).to_string();
        fs::write(&list, text).unwrap();
        let mut command = session(home.path());
        command
            .args(["--json", "seed", "--listen", "127.0.0.1:0", "--nodes"])
            .arg(&list);
        let seed = Process::start(command);
        let nodes = seed.started["nodes"].as_u64();
        assert_eq!(nodes, u64::try_from(entries.len()).ok());
        Self(seed)
    }

    fn url(&self) -> &str {
        self.0.started["seed_url"].as_str().unwrap()
    }
}

#[test]
fn people_talk_over_nodes_of_separate_processes() {
    let homes = [(); 6].map(|()| tempdir().unwrap());
    let entries: Vec<Value> = homes.iter().map(|home| init(home.path())).collect();
    for home in &homes {
        write_list(home.path(), &entries);
    }
    let nodes = homes.each_ref().map(|home| Running::start(home.path()));
    for node in &nodes {
        until("the members did not confirm each other", || {
            node.metric("members_unconfirmed") == 0
        });
    }
    let home = tempdir().unwrap();
    let seed = Seed::start(&home, &entries);
    let alice = Person::new("Alice", seed.url());
    let bob = Person::new("Bob", seed.url());
    alice.run(&["send", &bob.id, "over six processes"]).ok();
    assert_eq!(texts(&bob.listen("1")), ["over six processes"]);
    // The members of the swarm talk over QUIC.
    let over_quic: u64 = nodes
        .iter()
        .map(|node| node.metric("node_calls_quic_total"))
        .sum();
    assert!(over_quic > 0);
}

#[test]
fn a_seed_without_a_list_says_so() {
    let home = tempdir().unwrap();
    let mut command = session(home.path());
    command.args(["seed", "--listen", "127.0.0.1:0", "--nodes", "nowhere.json"]);
    let said = finish(command);
    assert!(!said.status.success());
    assert!(said.err.contains("nowhere.json"), "{said:?}");
}
