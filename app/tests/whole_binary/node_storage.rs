//! `session node stats`, `verify` and `compact`, and nodes that meet damage.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::node::{Running, init, node_file, until, write_list};
use crate::run::{Said, finish, session};

fn node(home: &Path, arguments: &[&str]) -> Said {
    let mut command = session(home);
    command.arg("node").args(arguments);
    finish(command)
}

fn json(home: &Path, command: &str) -> (Value, bool) {
    let said = node(home, &[command, "--json"]);
    let lines = said.json();
    assert_eq!(lines.len(), 1, "{said:?}");
    (lines[0].clone(), said.status.success())
}

/// A node's folder with the database of a node that has run.
fn folder() -> TempDir {
    let home = tempdir().unwrap();
    let entry = init(home.path());
    write_list(home.path(), &[entry]);
    let running = Running::start(home.path());
    assert_eq!(running.metric("messages"), 0);
    assert_eq!(running.metric("database_repairs_total"), 0);
    running.stop();
    home
}

#[test]
fn stats_and_verify_tell_people_and_machines() {
    let home = folder();
    let running = Running::start(home.path());
    let (stats, _) = json(home.path(), "stats");
    for field in [
        "messages",
        "message_bytes",
        "owners",
        "expiring_within_a_day",
        "free_pages",
        "deliveries_waiting",
    ] {
        assert!(stats[field].is_u64(), "{field} in {stats}");
    }
    assert_eq!(stats["private"]["messages"], 0);
    assert!(stats["file_bytes"].as_u64().unwrap() > 0);
    let said = node(home.path(), &["stats"]).ok();
    assert!(
        said.out.contains("Messages           0 of 0"),
        "{}",
        said.out
    );

    let (verified, success) = json(home.path(), "verify");
    assert!(success);
    assert_eq!(verified["in_order"], true);
    let said = node(home.path(), &["verify"]).ok();
    assert!(
        said.out.contains("The database is in order."),
        "{}",
        said.out
    );

    // What writes is refused while the node runs.
    let refused = node(home.path(), &["compact"]);
    assert!(!refused.status.success());
    assert!(refused.err.contains("running node"), "{}", refused.err);
    assert!(refused.err.contains("stop the node"), "{}", refused.err);
    running.stop();

    let (compacted, success) = json(home.path(), "compact");
    assert!(success);
    assert_eq!(compacted["messages"], 0);
    let said = node(home.path(), &["compact"]).ok();
    assert!(said.out.contains(" before, "), "{}", said.out);
    let running = Running::start(home.path());
    assert_eq!(running.metric("database_repairs_total"), 0);
}

#[test]
fn a_second_node_on_the_same_folder_is_refused() {
    let home = folder();
    let _running = Running::start(home.path());
    let second = node(home.path(), &["run", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    assert!(
        second.err.contains("in use by another process"),
        "{}",
        second.err
    );
}

#[test]
fn damage_is_found_and_repaired() {
    let home = folder();
    let database = node_file(home.path(), "storage.db");
    let mut bytes = fs::read(&database).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xee;
    }
    fs::write(&database, &bytes).unwrap();
    let (verified, success) = json(home.path(), "verify");
    assert!(!success);
    assert_eq!(verified["in_order"], false);
    assert!(!verified["structure"].as_array().unwrap().is_empty());
    let said = node(home.path(), &["verify"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(
        said.out.contains("session node verify --repair"),
        "{}",
        said.out
    );
    let refused = node(home.path(), &["compact"]);
    assert!(refused.err.contains("is damaged"), "{}", refused.err);
    let said = node(home.path(), &["verify", "--repair"]).ok();
    assert!(
        said.out.contains("Repaired: 0 messages saved"),
        "{}",
        said.out
    );
    assert_eq!(json(home.path(), "verify").0["in_order"], true);
    assert_eq!(json(home.path(), "stats").0["set_aside"], 1);

    // A node does the same by itself: at its start …
    fs::write(&database, vec![0xee; 50_000]).unwrap();
    let running = Running::start(home.path());
    assert_eq!(running.metric("database_repairs_total"), 1);
    assert!(running.metric("database_rows_lost_total") > 0);
    running.stop();
    assert_eq!(json(home.path(), "stats").0["set_aside"], 2);

    // … and when it meets damage while it runs.
    let mut bytes = fs::read(&database).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xee;
    }
    fs::write(&database, &bytes).unwrap();
    let running = Running::start(home.path());
    until("the damage was not repaired", || {
        running.metric("database_repairs_total") == 1
    });
    running.stop();
    assert_eq!(json(home.path(), "verify").0["in_order"], true);
}

#[test]
fn mistakes_and_help() {
    let home = tempdir().unwrap();
    for command in ["stats", "verify", "compact"] {
        let said = node(home.path(), &[command]);
        assert!(!said.status.success());
        assert!(said.err.contains("has no database"), "{}", said.err);
        assert!(said.err.contains("--data-dir"), "{}", said.err);
    }
    fs::create_dir_all(home.path().join("data/node")).unwrap();
    fs::write(node_file(home.path(), "storage.db"), "").unwrap();
    let said = node(home.path(), &["stats"]);
    assert!(said.err.contains("is damaged"), "{}", said.err);
    for (command, text) in [
        ("stats", "Never names an account"),
        ("verify", "Exit status 0: in order; 1: not"),
        ("compact", "must not run"),
    ] {
        let help = node(home.path(), &[command, "--help"]).ok();
        assert!(help.out.contains(text), "{}", help.out);
        assert!(help.out.contains("Example"), "{}", help.out);
    }
}
