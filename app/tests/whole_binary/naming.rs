//! Which person and which message is meant, and what is said when it is not clear. All without
//! a network.

use crate::person::{NOWHERE, Person};

/// Two people with the same first twelve characters, and one without.
const ONE: &str = "05abababababab11111111111111111111111111111111111111111111111111aa";
const TWO: &str = "05abababababab22222222222222222222222222222222222222222222222222bb";
const THREE: &str = "05cdcdcdcdcdcd33333333333333333333333333333333333333333333333333cc";

#[test]
fn people_are_named_by_id_beginning_or_name() {
    let alice = Person::new("Alice", NOWHERE);
    for (id, nickname) in [(ONE, "Sam"), (TWO, "sam"), (THREE, "Zoë")] {
        let said = alice.run(&["nickname", id, nickname]);
        // Done here, and queued for the other devices.
        assert_eq!(said.status.code(), Some(3), "{said:?}");
        assert!(said.out.contains("Queued") && said.out.contains("no seed"));
    }
    let found = |who: &str| {
        let said = alice.run(&["--json", "pin", who, "--wait", "0"]);
        assert_eq!(said.status.code(), Some(3), "{who}: {said:?}");
        said.json()[0]["conversation"].as_str().unwrap().to_owned()
    };
    assert_eq!(found("zoë"), THREE);
    assert_eq!(found("ZOË "), THREE);
    assert_eq!(found("05cdcdcd"), THREE);
    assert_eq!(found(&THREE.to_uppercase()), THREE);
    assert_eq!(found("05abababababab1"), ONE);

    for several in ["Sam", "05abababab"] {
        let (status, code, error) = alice.failure(&["history", several]);
        assert_eq!((status, &*code), (1, "who.ambiguous"));
        assert!(error.contains(ONE) && error.contains(TWO), "{error}");
        assert!(!error.contains(THREE), "{error}");
    }
    for nobody in ["Bob", "05ababcd"] {
        let (status, code, error) = alice.failure(&["send", nobody, "hi"]);
        assert_eq!((status, &*code), (1, "who.unknown"));
        assert!(error.contains("66"), "{error}");
    }
    let own_beginning = alice.id.get(..12).unwrap();
    let stranger = format!("05{}", "ef".repeat(32));
    for (who, expected) in [("me", &alice.id), (own_beginning, &alice.id)] {
        let said = alice.run(&["--json", "send", who, "note", "--wait", "0"]);
        assert_eq!(said.json()[0]["to"], expected.as_str(), "{said:?}");
    }
    let (_, code, _) = alice.failure(&["clear", &stranger]);
    assert_eq!(code, "who.no_conversation");
}

#[test]
fn messages_are_named_by_number() {
    let alice = Person::new("Alice", NOWHERE);
    let (_, code, _) = alice.failure(&["react", "last", "👍"]);
    assert_eq!(code, "message.unknown");
    for (who, text) in [("me", "first"), (ONE, "second"), ("me", "third")] {
        alice.run(&["send", who, text, "--wait", "0"]);
    }
    let notes = alice.json(&["history", "me"]);
    let number = |index: usize| notes[index]["message_id"].to_string();
    assert_eq!(notes[1]["text"], "third");

    let (_, code, error) = alice.failure(&["reply", "99", "yes"]);
    assert_eq!(code, "message.unknown");
    assert!(error.contains("99"), "{error}");
    let (_, code, error) = alice.failure(&["delete", &number(0), "--here", "--in", ONE]);
    assert_eq!(code, "message.elsewhere");
    assert!(error.contains("Note to Self"), "{error}");
    // The newest of all conversations, and of one.
    let said = alice.run(&["--json", "react", "last", "👍", "--wait", "0"]);
    assert_eq!(said.json()[0]["message_id"].to_string(), number(1));
    let said = alice.run(&["--json", "delete", "last", "--here", "--in", ONE]);
    assert_eq!(said.ok().json()[0]["whom"], "here");
    assert!(alice.json(&["history", ONE]).is_empty());
    assert_eq!(
        alice.json(&["history", "me", "--before", &number(1)]).len(),
        1
    );
}

#[test]
fn what_cannot_be_is_explained() {
    let alice = Person::new("Alice", NOWHERE);
    alice.run(&["send", ONE, "hello", "--wait", "0"]);
    alice.run(&["send", "me", "a note", "--wait", "0"]);
    let cases: [(&[&str], i32, &str); 17] = [
        (&["react", "1", "yes"], 1, "emoji"),
        (&["react", "1", ""], 1, "emoji"),
        (&["reply", "1", " "], 1, "empty"),
        (&["reply", "first", "x"], 2, "last"),
        (&["delete", "1"], 2, "--here"),
        (
            &["delete", "1", "--here", "--everyone"],
            2,
            "cannot be used with",
        ),
        (&["delete", "1", "--everywhere"], 1, "--everyone"),
        (&["delete", "2", "--everyone"], 1, "--everywhere"),
        (&["disappear", ONE, "3h"], 1, "12 hours"),
        (&["disappear", ONE, "soon"], 2, "30s"),
        (
            &["disappear", "me", "1d", "--after", "read"],
            1,
            "sending only",
        ),
        (&["disappear", ONE, "off", "--after", "read"], 1, "--after"),
        (&["mute", ONE, "--for", "8"], 2, "unit"),
        (&["nickname", ONE, &"x".repeat(101)], 1, "100"),
        (&["profile", "name", ""], 1, "empty"),
        (&["block", "me"], 1, "your own account"),
        (&["requests", "decline", ONE], 1, "no message request"),
    ];
    for (arguments, status, words) in cases {
        let (found, code, error) = alice.failure(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
        assert_eq!(found, status, "{arguments:?}: {error}");
        assert_eq!(code == "usage", status == 2, "{arguments:?}: {code}");
    }
}

#[test]
fn five_conversations_can_be_pinned() {
    let alice = Person::new("Alice", NOWHERE);
    let ids: Vec<_> = (1..=6)
        .map(|n| format!("05{}", format!("{n:02}").repeat(32)))
        .collect();
    for id in &ids {
        alice.run(&["nickname", id, "x", "--wait", "0"]);
    }
    for id in &ids[..5] {
        assert_eq!(
            alice.run(&["pin", id, "--wait", "0"]).status.code(),
            Some(3)
        );
    }
    let said = alice.run(&["pin", &ids[5]]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("at most 5"), "{said:?}");
    alice.run(&["unpin", &ids[0], "--wait", "0"]);
    assert_eq!(
        alice.run(&["pin", &ids[5], "--wait", "0"]).status.code(),
        Some(3)
    );
}
