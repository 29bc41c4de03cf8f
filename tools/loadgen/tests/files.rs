//! The file server's cases, briefly: each answer is checked, and none may be wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::process::Command;

use serde_json::Value;

#[test]
fn every_case_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.md");
    let output = Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
        .args(["files", "--json", "--seconds", "1", "--connections", "4"])
        .args(["--bytes", "300000", "--bytes", "1000", "--markdown"])
        .arg(&table)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (memory, cases) = lines.split_last().unwrap();
    assert_eq!(cases.len(), 6);
    for report in cases {
        assert_eq!(report["errors"], 0, "{report}");
        assert!(report["requests"].as_u64().unwrap() > 0, "{report}");
        assert!(report["server_cpu_seconds"].is_f64(), "{report}");
    }
    // All of it at once would be 640 MB.
    assert_eq!(memory["uploads"], 64);
    assert!(memory["peak_mib"].as_f64().unwrap() < 200.0, "{memory}");
    let table = std::fs::read_to_string(table).unwrap();
    assert!(table.contains("| files-download | 1000 |"), "{table}");
}

#[test]
fn a_server_that_runs_already() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("files.toml"), "").unwrap();
    let (mut server, address) = support::start("file-server", folder.path());
    let measure = |pid: u32| {
        Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
            .args(["files", "--json", "--seconds", "1", "--connections", "4"])
            .args(["--bytes", "300000", "--target", &address])
            .args(["--pid", &pid.to_string()])
            .output()
            .unwrap()
    };
    let output = measure(server.id());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 3, "no memory of others: {text}");
    for line in text.lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        assert_eq!(report["errors"], 0, "{report}");
        assert!(report["server_cpu_seconds"].as_f64().unwrap() > 0.0);
    }
    // It goes on.
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    assert!(!measure(server.id()).status.success());
}
