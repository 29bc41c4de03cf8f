//! Two people with two homes, talking through the command line.

use std::path::Path;

use tempfile::tempdir;

use crate::node::until;
use crate::person::{Person, texts};
use crate::run::{Network, finish, finish_with, session};

#[test]
fn two_people_talk_and_a_second_device_has_it_all() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());

    let sent = alice
        .run(&["--json", "send", &bob.id, "hello Bob"])
        .ok()
        .json()
        .remove(0);
    assert_eq!(sent["state"], "sent");
    assert!(sent["confirmed_by"].as_u64().unwrap() >= 5, "{sent}");

    let got = bob.listen("1");
    assert_eq!(texts(&got), ["hello Bob"]);
    assert_eq!(got[0]["from"], alice.id.as_str());
    assert_eq!(got[0]["sent_ms"].as_u64(), alice_sent_ms(&alice, &bob));

    // From standard input, with characters that are more than one byte.
    let mut reply = session(bob.home());
    reply.args(["send", &alice.id, "-"]);
    finish_with(reply, "grüß dich 🙂\n").ok();
    assert_eq!(texts(&alice.listen("1")), ["grüß dich 🙂"]);

    let second = tempdir().unwrap();
    let mut restore = session(second.path());
    restore.args([
        "account",
        "restore",
        "--key-store",
        "file",
        "--network",
        network.seed_url(),
    ]);
    finish_with(restore, &alice.words).ok();
    let mut listen = session(second.path());
    listen.args([
        "--json", "listen", "--every", "1", "--for", "40", "--count", "2",
    ]);
    let both = finish(listen).ok().json();
    let mut both = texts(&both);
    both.sort_unstable();
    assert_eq!(both, ["grüß dich 🙂", "hello Bob"]);

    let history = alice.run(&["--json", "history", &bob.id]).ok().json();
    let kinds: Vec<_> = history.iter().map(|row| row["kind"].as_str()).collect();
    let expected = ["text", "request_accepted", "text"];
    assert_eq!(kinds, expected.map(Some), "{history:?}");
    assert_eq!(texts(&history), ["hello Bob", "", "grüß dich 🙂"]);
    let shown = alice.run(&["history", &bob.id]).ok();
    assert!(
        shown.out.contains("accepted the message request"),
        "{shown:?}"
    );
    let shown = alice.run(&["history"]).ok();
    assert!(
        shown.out.contains("Bob"),
        "the name came with the message: {shown:?}"
    );

    let path = alice.run(&["send", &bob.id, "again", "--show-path"]).ok();
    for party in ["guard", "middle", "exit", "swarm member", "your line"] {
        assert!(path.out.contains(party), "{party}: {path:?}");
    }
}

fn alice_sent_ms(alice: &Person, bob: &Person) -> Option<u64> {
    alice.run(&["--json", "history", &bob.id]).ok().json()[0]["sent_ms"].as_u64()
}

#[test]
fn without_a_network_the_message_waits_and_is_delivered_later() {
    let home = tempdir().unwrap();
    let data = home.path().join("net");
    let arguments = ["--seed", "7", "--data-dir", data.to_str().unwrap()];
    let network = Network::start(home.path(), &arguments);
    let seed_url = network.seed_url().to_owned();
    let alice = Person::new("Alice", &seed_url);
    let bob = Person::new("Bob", &seed_url);
    assert!(network.interrupt().0.success());

    let said = alice.run(&["send", &bob.id, "are you there?", "--wait", "2"]);
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    assert!(said.out.contains("Queued"), "{said:?}");
    assert!(said.out.contains("no seed"), "{said:?}");
    let history = alice.run(&["--json", "history", &bob.id]).ok().json();
    assert_eq!(history[0]["delivery"]["state"], "sending");

    // The same folder brings back the same nodes on the same ports.
    let network = Network::start(home.path(), &arguments);
    assert_eq!(network.seed_url(), seed_url);
    let listening = alice.listening();
    assert_eq!(texts(&bob.listen("1")), ["are you there?"]);
    // He may have it a moment before she knows.
    until("she knows that it is sent", || {
        let history = alice.run(&["--json", "history", &bob.id]).ok().json();
        history[0]["delivery"]["state"] == "sent"
    });
    listening.end();
}

#[test]
fn refused_before_anything_is_sent() {
    let alice = Person::new("Alice", "http://127.0.0.1:9/");
    let to = format!("05{}", "ab".repeat(32));
    for (text, why) in [
        ("", "empty"),
        (" \n", "empty"),
        (&*"x".repeat(2001), "2001"),
    ] {
        let said = alice.run(&["send", &to, text]);
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    assert!(
        alice
            .run(&["--json", "history", &to])
            .ok()
            .json()
            .is_empty()
    );
}

#[test]
fn database_is_encrypted() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    alice.run(&["send", &alice.id, "a very secret note"]).ok();
    let database = find(alice.home(), "account.db");
    let bytes = std::fs::read(database).unwrap();
    for plain in [
        &b"SQLite format 3"[..],
        b"a very secret note",
        b"CREATE TABLE",
    ] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
}

fn find(folder: &Path, name: &str) -> std::path::PathBuf {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = find(&path, name);
            if below.exists() {
                return below;
            }
        } else if path.ends_with(name) {
            return path;
        }
    }
    folder.join("nothing")
}
