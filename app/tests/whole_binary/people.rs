//! Requests, and what is set about people, here and on another device.

use tempfile::tempdir;

use crate::node::until;
use crate::person::Person;
use crate::run::Network;

#[test]
fn requests_are_accepted_and_declined() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let people = ["Alice", "Bob", "Carol"].map(|name| Person::new(name, network.seed_url()));
    let [alice, bob, carol] = &people;
    let said = alice.run(&["send", &bob.id, "hello Bob"]).ok();
    assert!(said.out.contains("message request"), "{said:?}");
    carol.run(&["send", &bob.id, "buy this"]).ok();
    let said = bob
        .run(&["listen", "--every", "1", "--for", "40", "--count", "2"])
        .ok();
    let hint = format!("requests accept {}", alice.id.get(..8).unwrap());
    assert!(said.err.contains(&hint), "{said:?}");

    assert!(bob.json(&["chats"]).is_empty());
    assert!(bob.run(&["chats"]).ok().out.contains("2 message requests"));
    let requests = bob.json(&["requests"]);
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request["request"] == true));
    let shown = bob.run(&["requests", "list"]).ok().out;
    assert!(
        shown.contains("Carol") && shown.contains("buy this"),
        "{shown}"
    );

    let mut heard = alice.listening();
    let accepted = bob.json(&["requests", "accept", "Alice"]).remove(0);
    assert_eq!(accepted["state"], "done");
    assert_eq!(accepted["conversation"], alice.id.as_str());
    assert_eq!(heard.next("notice")["kind"], "request_accepted");
    heard.end();
    assert_eq!(alice.chat(&bob.id).unwrap()["accepted_you"], true);

    // `last` never means somebody who was not accepted.
    carol.run(&["send", &bob.id, "buy that"]).ok();
    bob.listen("1");
    let said = bob.run(&["react", "last", "👍"]).ok();
    assert!(said.out.contains("hello Bob"), "{said:?}");

    bob.run(&["requests", "decline", "Carol", "--block"]).ok();
    assert!(bob.json(&["requests"]).is_empty());
    assert!(
        bob.run(&["requests"])
            .ok()
            .out
            .contains("No message requests")
    );
    let chat = bob.chat(&carol.id).unwrap();
    assert_eq!(chat["blocked"], true);
    let said = bob.run(&["send", &carol.id, "no"]);
    assert!(said.err.contains("session unblock"), "{said:?}");
    bob.run(&["unblock", &carol.id]).ok();
    assert_eq!(bob.chat(&carol.id).unwrap()["blocked"], false);
    let said = bob.run(&["requests", "decline", "Alice"]);
    assert!(said.err.contains("no message request"), "{said:?}");
}

#[test]
fn what_is_set_about_people_is_set_on_all_devices() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    bob.run(&["send", &alice.id, "hello"]).ok();
    alice.listen("1");
    alice.run(&["requests", "accept", "Bob"]).ok();
    let second = alice.second_device();
    let listening = second.listening();
    let both = |what: &str, key: &str, value: serde_json::Value| {
        assert_eq!(alice.chat(&bob.id).unwrap()[key], value, "{what} here");
        until(&format!("{what} on the other device"), || {
            second.chat(&bob.id).is_some_and(|chat| chat[key] == value)
        });
    };
    both("a contact", "request", false.into());
    let steps: [(&[&str], &str, serde_json::Value); 10] = [
        (&["nickname", "Bob", "Bobby"], "name", "Bobby".into()),
        (&["pin", "Bobby"], "pinned", true.into()),
        (&["mute", "Bobby", "--for", "8h"], "muted", true.into()),
        (&["unmute", "Bob"], "muted", false.into()),
        (&["read", "Bob"], "unread", 0.into()),
        (&["unread", "Bob"], "marked_unread", true.into()),
        (&["unpin", "Bob"], "pinned", false.into()),
        (&["block", "Bob"], "blocked", true.into()),
        (&["unblock", "Bob"], "blocked", false.into()),
        (&["conversation", "delete", "Bob"], "hidden", true.into()),
    ];
    for (arguments, key, value) in steps {
        let said = alice.json(arguments).remove(0);
        assert_eq!(said["state"], "done", "{said}");
        assert_eq!(said["conversation"], bob.id.as_str(), "{said}");
        both(&arguments.join(" "), key, value);
    }
    assert!(alice.json(&["history", "Bob"]).is_empty());
    alice.run(&["contact", "delete", "Bob"]).ok();
    assert!(alice.chat(&bob.id).is_none());
    until("the contact is gone on the other device", || {
        second.chat(&bob.id).is_none()
    });
    listening.end();

    // And all of it from the network.
    let deleted = alice.json(&["account", "delete", "--from-the-swarm", "--yes"]);
    assert!(
        deleted[0]["confirmed_by"].as_u64().unwrap() >= 5,
        "{deleted:?}"
    );
}
