//! Every kind of measurement against nodes of its own, briefly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn loadgen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_session-loadgen"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs a measurement that must succeed, and reads the figures it wrote.
fn measure(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let mut all = arguments.to_vec();
    all.extend(["--json", file.to_str().unwrap()]);
    let output = loadgen(&all);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    read(&file)
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_sweep_has_a_run_for_each_rate_and_a_plot() {
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("plot.svg");
    let sweep = measure(&[
        "sweep",
        "--case",
        "onion-store",
        "--rates",
        "20,60",
        "--seconds",
        "1",
        "--connections",
        "6",
        "--accounts",
        "6",
        "--svg",
        plot.to_str().unwrap(),
    ]);
    let runs = sweep["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, rate) in runs.iter().zip([20.0, 60.0]) {
        assert_eq!(run["errors"], 0, "{run}");
        assert_eq!(run["repeated"], 0, "{run}");
        assert!((number(&run["rate"]) - rate).abs() < f64::EPSILON);
        // A second of it: neither more nor less than was due.
        let due = number(&run["requests"]) + number(&run["unsent"]);
        assert!((due - rate).abs() < f64::EPSILON, "{run}");
        assert!(number(&run["p50_ms"]) <= number(&run["p999_ms"]));
    }
    let svg = std::fs::read_to_string(plot).unwrap();
    assert_eq!(svg.matches("<polyline").count(), 3);
    assert_eq!(svg.matches("at 60/s").count(), 3);
}

#[test]
fn a_sweep_without_rates_finds_them() {
    let sweep = measure(&[
        "sweep",
        "--case",
        "info",
        "--seconds",
        "1",
        "--connections",
        "4",
    ]);
    let peak = number(&sweep["peak"]["requests_per_second"]);
    let runs = sweep["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 10);
    assert!((number(&runs[0]["rate"]) / peak - 0.05).abs() < 0.001);
    assert!((number(&runs[9]["rate"]) / peak - 0.9).abs() < 0.001);
}

#[test]
fn an_overloaded_node_refuses() {
    // Of forty at a time it takes two.
    let overload = measure(&[
        "overload",
        "--case",
        "store",
        "--seconds",
        "1",
        "--connections",
        "2",
        "--crowd",
        "40",
        "--max-requests",
        "2",
        "--accounts",
        "6",
    ]);
    let (peak, offered) = (&overload["peak"], &overload["offered"]);
    assert_eq!(peak["errors"], 0, "{peak}");
    let asked = number(&offered["rate"]) / number(&peak["requests_per_second"]);
    assert!((asked - 3.0).abs() < 0.001);
    let kinds: Vec<_> = offered["errors_by_kind"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(kinds, ["status 503"], "{offered}");
    let refused = &offered["refused"];
    assert!(number(&refused["count"]) > 0.0, "{offered}");
    assert_eq!(refused["count"], offered["errors"], "{offered}");
    assert!(number(&refused["p50_ms"]) > 0.0, "{offered}");
    assert!(number(&overload["goodput_percent"]) > 0.0);
    assert!(number(&overload["sent_per_second"]) > number(&offered["requests_per_second"]));
}

#[test]
fn a_database_is_made_once_and_measured_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("node");
    let arguments = [
        "big",
        "--messages",
        "3000",
        "--accounts",
        "20",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let first = measure(&arguments);
    assert_eq!(first["messages"], 3000);
    let disk = number(&first["disk_bytes_per_message"]);
    assert!((1024.0..4096.0).contains(&disk), "{first}");
    assert!(number(&first["first_answer_ms"]) >= number(&first["listening_ms"]));
    assert!(number(&first["rss_mib"]) > 1.0);
    assert!(number(&first["empty_rss_mib"]) > 1.0);
    let again = measure(&arguments);
    assert_eq!(again["messages"], 3000);
    assert!(again["empty_rss_mib"].is_null());
}

#[test]
fn a_database_of_some_size() {
    let big = measure(&["big", "--gigabytes", "0.01", "--accounts", "20"]);
    assert!(
        (10e6..30e6).contains(&number(&big["database_bytes"])),
        "{big}"
    );
    assert!(big["removal"].is_null());
}

#[test]
fn expired_messages_are_removed() {
    let big = measure(&["big", "--messages", "3000", "--expired", "--accounts", "20"]);
    assert_eq!(big["messages"], 3000);
    let removal = &big["removal"];
    // Each account's first message has not expired.
    assert_eq!(removal["messages"], 2980, "{removal}");
    assert_eq!(removal["stores_failed"], 0, "{removal}");
    assert!(number(&removal["seconds"]) > 0.0, "{removal}");
    assert!(number(&removal["stores"]["count"]) > 0.0, "{removal}");
}

#[test]
fn a_table_of_some_rows() {
    let folder = tempfile::tempdir().unwrap();
    let markdown = folder.path().join("table.md");
    let table = measure(&[
        "table",
        "--only",
        "handshake,relayed-hop,memory",
        "--seconds",
        "1",
        "--moderate-seconds",
        "1",
        "--memory-messages",
        "1500",
        "--markdown",
        markdown.to_str().unwrap(),
    ]);
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(row["peak"]["errors"], 0, "{row}");
        assert!(
            number(&row["peak"]["node_cpu_ms_per_request"]) > 0.0,
            "{row}"
        );
    }
    assert_eq!(rows[0]["moderate"]["errors"], 0);
    assert_eq!(rows[0]["moderate"]["rate"], 300.0);
    // Its answers come through three nodes, of which one is looked at.
    assert_eq!(rows[1]["peak"]["nodes"], 3);
    let text = std::fs::read_to_string(markdown).unwrap();
    let titles = [
        "| full TLS handshake + `info` |",
        "| relayed onion hop",
        "| resident, idle |",
    ];
    for title in titles {
        let lines = text.lines().filter(|line| line.starts_with(title));
        assert_eq!(lines.count(), 1, "{title} in {text}");
    }
    assert!(text.contains("hops per second (goal 8 000)"), "{text}");
    let widths: Vec<_> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.matches('|').count())
        .collect();
    assert_eq!(widths, [9, 9, 9, 9], "{text}");
}

#[test]
fn a_soak_looks_at_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("soak.json");
    let output = loadgen(&[
        "soak",
        "--minutes",
        "0.1",
        "--connections",
        "9",
        "--accounts",
        "12",
        "--percent",
        "30",
        "--json",
        file.to_str().unwrap(),
    ]);
    let soak = read(&file);
    // In so short a time memory may still rise; what is said about it must be what was seen.
    assert_eq!(soak["passed"], output.status.success(), "{soak}");
    assert_eq!(soak["errors"], 0, "{soak}");
    assert!(number(&soak["requests"]) > 0.0, "{soak}");
    let nodes = soak["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    let mut level = true;
    for node in nodes {
        for what in ["resident_mib", "descriptors", "threads"] {
            let trend = &node[what];
            assert!(number(&trend["mean"]) > 1.0, "{trend}");
            level &= number(&trend["growth"]) <= number(&trend["allowed"]);
        }
        // Nine connections, new ones now and then: an old one must be closed.
        assert!(number(&node["descriptors"]["highest"]) < 200.0, "{node}");
    }
    assert_eq!(soak["passed"], level);
    let samples = soak["samples"].as_array().unwrap();
    for node in 0..3 {
        let looks = samples.iter().filter(|sample| sample["node"] == node);
        assert!(looks.count() >= 10, "{soak}");
    }
}

#[test]
fn what_cannot_be_measured_is_said() {
    for (arguments, said) in [
        (&["big"][..], "--gigabytes"),
        (&["big", "--gigabytes", "400"], "between 0 and 10 GB"),
        (&["soak", "--minutes", "0"], "out of range"),
        (&["table", "--only", "nothing"], "possible values"),
        (&["overload", "--factor", "0"], "must be positive"),
        (&["sweep", "--case", "store", "--rates", "0"], "--rates"),
    ] {
        let output = loadgen(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}
