//! Every case against nodes of its own, briefly: each answer is checked, and none may be wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Command;

use serde_json::Value;

fn measure(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
        .args(["--json", "--seconds", "1", "--connections", "6"])
        .args(["--accounts", "12"])
        .args(arguments)
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
    let asked = arguments.iter().filter(|word| **word == "--case").count();
    assert_eq!(text.lines().count(), asked);
}

#[test]
fn one_node() {
    let mut arguments = Vec::new();
    for case in [
        "info",
        "handshake",
        "resumption",
        "store",
        "retrieve",
        "batch",
        "idle-poll",
        "onion-store",
    ] {
        arguments.extend(["--case", case]);
    }
    measure(&arguments);
}

#[test]
fn one_node_over_quic() {
    let mut arguments = vec!["--transport", "quic"];
    for case in [
        "info",
        "store",
        "retrieve",
        "batch",
        "idle-poll",
        "onion-store",
    ] {
        arguments.extend(["--case", case]);
    }
    measure(&arguments);
}

#[test]
fn a_swarm_of_three_at_a_given_rate() {
    measure(&[
        "--nodes",
        "3",
        "--rate",
        "30",
        "--case",
        "store",
        "--case",
        "onion-store3",
        "--case",
        "onion-retrieve3",
        "--case",
        "relayed-hop",
        "--case",
        "mixed",
    ]);
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
