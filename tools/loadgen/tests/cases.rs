//! Every case against nodes of its own, briefly: each answer is checked, and none may be wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::process::Command;

use serde_json::Value;

/// Measures these cases briefly with these further arguments.
fn measure(arguments: &[&str], cases: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
        .args(["--json", "--seconds", "1", "--connections", "6"])
        .args(["--accounts", "12"])
        .args(arguments)
        .args(cases.iter().flat_map(|case| ["--case", case]))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        assert_eq!(report["errors"], 0, "{report}");
        assert!(report["requests"].as_u64().unwrap() > 0, "{report}");
        assert!(
            report["node_cpu_seconds"].as_f64().unwrap() > 0.0,
            "{report}"
        );
    }
    assert_eq!(text.lines().count(), cases.len());
}

/// What goes over every transport.
const CASES: [&str; 6] = [
    "info",
    "store",
    "retrieve",
    "batch",
    "idle-poll",
    "onion-store",
];

#[test]
fn one_node() {
    let cases = [&CASES[..], &["handshake", "resumption"]].concat();
    measure(&[], &cases);
}

#[test]
fn one_node_over_quic() {
    measure(&["--transport", "quic"], &CASES);
}

#[test]
fn a_swarm_of_three_at_a_given_rate() {
    let cases = [
        "store",
        "onion-store3",
        "onion-retrieve3",
        "relayed-hop",
        "mixed",
    ];
    measure(&["--nodes", "3", "--rate", "30"], &cases);
}

#[test]
fn a_node_that_runs_already() {
    let folder = tempfile::tempdir().unwrap();
    let (mut node, address) = support::start("node", folder.path());
    let pid = node.id().to_string();
    measure(
        &["--target", &address, "--pid", &pid],
        &["info", "store", "retrieve", "batch", "idle-poll"],
    );
    // It goes on.
    drop(node.stdin.take());
    assert!(node.wait().unwrap().success());
}

#[test]
fn too_few_nodes_for_the_relays_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
        .args(["--seconds", "1", "--case", "onion-store3"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--nodes 3"), "{error}");
}
