//! `session export`.

use std::fs;

use serde_json::Value;

use crate::person::{NOWHERE, Person, texts};

#[test]
fn conversations_are_written_out_and_nothing_is_overwritten() {
    let alice = Person::new("Alice", NOWHERE);
    let other = format!("05{}", "ab".repeat(32));
    for (who, text) in [("me", "one"), (&*other, "two"), ("me", "three\nlines")] {
        alice.run(&["send", who, text, "--wait", "0"]);
    }
    let all = alice.run(&["export"]).ok().json();
    let mut sorted = texts(&all);
    sorted.sort_unstable();
    assert_eq!(sorted, ["one", "three\nlines", "two"]);
    let notes = alice.run(&["export", "me"]).ok().json();
    assert_eq!(texts(&notes), ["one", "three\nlines"]);
    assert_eq!(notes, alice.json(&["history", "me"]));

    let text = alice.run(&["export", "me", "--format", "text"]).ok().out;
    assert!(text.contains("== Note to Self"), "{text}");
    assert!(
        text.contains("you (queued): three\n        lines\n"),
        "{text}"
    );

    let file = alice.home().join("all.jsonl");
    let path = file.to_str().unwrap();
    let said = alice.json(&["export", "--output", path]);
    assert_eq!(said[0]["messages"], 3);
    assert_eq!(said[0]["conversations"], 2);
    let written = fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, all);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    let before = fs::read(&file).unwrap();
    let (status, _, error) = alice.failure(&["export", "me", "--output", path]);
    assert_eq!(status, 1);
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    alice
        .run(&["export", "me", "--output", path, "--force"])
        .ok();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);

    let nowhere = alice.home().join("nowhere/all.jsonl");
    let (_, _, error) = alice.failure(&["export", "--output", nowhere.to_str().unwrap()]);
    assert!(error.contains("nowhere"), "{error}");
    let (_, code, _) = alice.failure(&["export", "Bob"]);
    assert_eq!(code, "who.unknown");
}
