//! `session doctor`, `completions`, `man`, `profile`, `settings`.

use tempfile::tempdir;

use crate::person::{NOWHERE, Person};
use crate::run::{Network, finish, session};

#[test]
fn doctor_finds_a_healthy_network_healthy() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let steps = alice.json(&["doctor"]);
    let names: Vec<_> = steps.iter().filter_map(|s| s["name"].as_str()).collect();
    let expected = [
        "seed",
        "node_list",
        "guard_quic",
        "guard_https",
        "path",
        "clock",
        "own_swarm",
    ];
    assert_eq!(names, expected);
    for step in &steps {
        assert_ne!(step["outcome"], "failed", "{step}");
    }
    let shown = alice.run(&["doctor"]).ok().out;
    assert!(
        shown.contains("✓ seed 1") && shown.contains(" ms)"),
        "{shown}"
    );
    assert!(!shown.contains(&alice.id), "{shown}");

    // A proxy that is not there: said first, and nothing is tried past it.
    let said = alice.run(&["--proxy", "socks5h://127.0.0.1:9", "doctor"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.out.contains("✗ proxy"), "{said:?}");
    assert!(said.out.contains("Start the proxy"), "{said:?}");
    assert!(!said.out.contains("✓ path"), "{said:?}");
}

#[test]
fn doctor_says_what_fails_with_and_without_an_account() {
    let alice = Person::new("Alice", NOWHERE);
    let empty = tempdir().unwrap();
    let mut without = session(empty.path());
    without.args(["--json", "--network", NOWHERE, "doctor"]);
    for (said, account) in [
        (alice.run(&["--json", "doctor"]), true),
        (finish(without), false),
    ] {
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        let steps = said.json();
        assert_eq!(steps[0]["name"], "seed");
        assert_eq!(steps[0]["outcome"], "failed");
        assert!(steps[0]["advice"].is_string());
        assert_eq!(steps.iter().any(|s| s["name"] == "own_swarm"), account);
        assert_eq!(steps.last().unwrap()["outcome"], "failed");
    }
    let shown = alice.run(&["doctor"]);
    assert!(shown.out.contains("✗ seed 1"), "{shown:?}");
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let home = tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = session(home.path());
        command.args(arguments);
        finish(command)
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ok().out;
        for command in ["requests", "disappear", "doctor"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let page = run(&["man"]).ok().out;
    assert!(page.starts_with(".ie") && page.contains("doctor"), "{page}");
    let dir = home.path().to_str().unwrap();
    run(&["man", "--dir", dir]).ok();
    let page = std::fs::read_to_string(home.path().join("session-react.1")).unwrap();
    assert!(page.contains("emoji"), "{page}");
    let said = run(&["man", "--dir", "/nowhere"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("/nowhere"), "{said:?}");
}

#[test]
fn name_and_settings_are_kept_without_a_network() {
    let alice = Person::new("Alice", NOWHERE);
    let said = alice.run(&["profile", "name", " Alice B. "]);
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    // Only this device has these: nothing to tell the network.
    alice.run(&["settings", "receipts", "on"]).ok();
    alice.run(&["settings", "typing", "on"]).ok();
    let settings = alice.json(&["settings", "typing", "off"]);
    assert_eq!(settings[0]["read_receipts"], true);
    let profile = alice.json(&["profile"]).remove(0);
    assert_eq!(profile["name"], "Alice B.");
    assert_eq!(profile["account_id"], alice.id.as_str());
    assert_eq!(profile["read_receipts"], true);
    assert_eq!(profile["typing"], false);
    assert!(
        alice
            .run(&["account", "show"])
            .ok()
            .out
            .contains("Alice B.")
    );
}

#[test]
fn a_registered_name_leads_to_an_account() {
    let home = tempdir().unwrap();
    let bob = format!("05{}", "ab".repeat(32));
    let network = Network::start(home.path(), &["--name", &format!("bob={bob}")]);
    let alice = Person::new("Alice", network.seed_url());
    assert_eq!(alice.run(&["resolve", "Bob"]).ok().out.trim(), bob);
    let found = alice.json(&["resolve", "bob"]);
    assert_eq!(found[0]["account_id"], bob);
    let said = alice.run(&["--json", "resolve", "nobody"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("core.no_such_name"), "{said:?}");
    assert_eq!(alice.run(&["resolve", "no name"]).status.code(), Some(2));
    // Before there is an account.
    let empty = tempdir().unwrap();
    let mut without = session(empty.path());
    without.args(["--network", network.seed_url(), "resolve", "bob"]);
    assert_eq!(finish(without).ok().out.trim(), bob);
}
