//! Replies, reactions, deletions, timers, receipts: two people and a second device, each in a
//! terminal.

use serde_json::Value;
use tempfile::tempdir;

use crate::node::until;
use crate::person::{Person, texts};
use crate::run::Network;

#[test]
fn two_people_and_a_second_device_in_three_terminals() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    for person in [&alice, &bob] {
        person.run(&["settings", "receipts", "on"]).ok();
    }
    alice.run(&["send", &bob.id, "shall we meet?"]).ok();
    bob.listen("1");
    bob.run(&["requests", "accept", "Alice"]).ok();
    alice.listening().next("notice");
    let second = alice.second_device();
    let mut at_second = second.listening();
    let mut at_bob = bob.listening();
    let mut at_alice = alice.listening();
    assert_eq!(at_second.next("message")["text"], "shall we meet?");

    // Bob reads and answers in another terminal; the one that listens tells it too.
    bob.run(&["read", "Alice"]).ok();
    let question = at_alice.next("read");
    assert_eq!(question["conversation"], bob.id.as_str());
    let sent = bob.json(&["reply", "last", "yes, at 8"]).remove(0);
    assert_eq!(sent["state"], "sent");
    let echo = at_bob.next("message");
    assert_eq!(echo["message_id"], sent["message_id"]);
    for listening in [&mut at_alice, &mut at_second] {
        let answer = listening.next("message");
        assert_eq!(answer["text"], "yes, at 8");
        assert_eq!(answer["quote"]["text"], "shall we meet?");
        assert_eq!(answer["quote"]["from"], alice.id.as_str());
    }
    let shown = alice.run(&["history", "Bob"]).ok().out;
    assert!(shown.contains("↪ you: shall we meet?"), "{shown}");
    assert!(shown.contains("you (read): shall we meet?"), "{shown}");
    assert!(shown.contains("── 1 unread ──"), "{shown}");

    let at = alice
        .json(&["react", "last", "❤️", "--in", "Bob"])
        .remove(0);
    assert_eq!(at["state"], "done");
    for listening in [&mut at_bob, &mut at_second] {
        let reaction = listening.next("reaction");
        assert_eq!(reaction["emoji"], "❤️");
        assert_eq!(reaction["from"], alice.id.as_str());
    }
    let number = at["message_id"].to_string();
    alice.run(&["react", &number, "❤️", "--remove"]).ok();
    for listening in [&mut at_bob, &mut at_second] {
        assert_eq!(listening.next("reaction_removed")["emoji"], "❤️");
    }

    let said = alice.run(&["delete", &number, "--everyone"]);
    assert!(said.err.contains("your own messages"), "{said:?}");
    bob.run(&["delete", "last", "--everyone", "--in", "Alice"])
        .ok();
    for listening in [&mut at_alice, &mut at_second] {
        assert_eq!(listening.next("deleted")["for_everyone"], true);
    }
    let history = alice.json(&["history", "Bob"]);
    assert_eq!(history.last().unwrap()["kind"], "deleted");

    bob.run(&["disappear", "Alice", "12h", "--after", "send"])
        .ok();
    for listening in [&mut at_alice, &mut at_second] {
        let notice = listening.next("notice");
        assert_eq!(notice["timer"]["seconds"], 43_200);
        assert_eq!(notice["timer"]["after"], "send");
    }
    let again = bob.json(&["disappear", "Alice", "12h", "--after", "send"]);
    assert_eq!(again[0]["state"], "done");
    assert_eq!(bob.chat(&alice.id).unwrap()["timer"]["after"], "send");
    bob.run(&["send", "Alice", "gone tomorrow"]).ok();
    for listening in [&mut at_alice, &mut at_second] {
        assert!(listening.next("message")["disappears_ms"].is_u64());
    }

    notes(&alice, &second, &mut at_second);

    for listening in [at_alice, at_bob, at_second] {
        let heard = listening.end();
        let is_known = |line: &Value| line["event"].is_string();
        assert!(heard.iter().all(is_known), "{heard:#?}");
    }
    alice.run(&["clear", "Bob"]).ok();
    assert!(alice.json(&["history", "Bob"]).is_empty());
    assert!(!second.json(&["history", "Bob"]).is_empty());
}

/// Notes to oneself are deleted on all devices.
fn notes(alice: &Person, second: &Person, at_second: &mut crate::person::Listening) {
    alice.run(&["send", "me", "milk"]).ok();
    assert_eq!(at_second.next("message")["text"], "milk");
    alice
        .run(&["delete", "last", "--everywhere", "--in", "me"])
        .ok();
    at_second.next("deleted");
    until("the note is gone", || {
        second.json(&["history", "me"]).is_empty()
    });
    alice.run(&["send", "me", "bread"]).ok();
    at_second.next("message");
    alice.run(&["delete", "last", "--here", "--in", "me"]).ok();
    assert!(alice.json(&["history", "me"]).is_empty());
    assert_eq!(texts(&second.json(&["history", "me"])), ["bread"]);
}
