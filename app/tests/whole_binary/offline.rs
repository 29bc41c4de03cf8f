//! Without a network, and with proxies that do not work.

use tempfile::tempdir;

use crate::person::{NOWHERE, Person, texts};
use crate::run::{Network, finish, session};

#[test]
fn changes_wait_for_the_network() {
    let home = tempdir().unwrap();
    let data = home.path().join("net");
    let arguments = ["--seed", "8", "--data-dir", data.to_str().unwrap()];
    let network = Network::start(home.path(), &arguments);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    alice.run(&["send", &bob.id, "hello"]).ok();
    bob.listen("1");
    assert!(network.interrupt().0.success());

    let queued = |arguments: &[&str]| {
        let said = bob.run(&[&["--json"], arguments].concat());
        assert_eq!(said.status.code(), Some(3), "{said:?}");
        let object = said.json().remove(0);
        assert_eq!(object["state"], "queued", "{object}");
        assert!(!object["reason"].as_str().unwrap().is_empty());
    };
    queued(&["requests", "accept", "Alice"]);
    queued(&["react", "last", "👍", "--in", "Alice"]);
    queued(&["reply", "last", "--in", "Alice", "hi", "--wait", "1"]);
    // What only reads does not care.
    let history = bob.json(&["history", "Alice"]);
    assert_eq!(history[0]["reactions"][0]["emoji"], "👍");
    assert_eq!(history[1]["delivery"]["state"], "sending");
    assert_eq!(bob.json(&["search", "hello"]).len(), 1);

    let network = Network::start(home.path(), &arguments);
    // The next command takes all of it along.
    bob.run(&["send", "me", "back"]).ok();
    drop(bob);
    let got = alice.listen("1");
    assert_eq!(texts(&got), ["hi"]);
    assert_eq!(got[0]["quote"]["text"], "hello");
    let history = alice.json(&["history", "Bob"]);
    assert_eq!(history[0]["reactions"][0]["emoji"], "👍");
    drop(network);
}

#[test]
fn nothing_goes_past_a_proxy() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    // With a list of nodes, so that only the proxy is in the way.
    alice.run(&["send", &bob.id, "first", "--https-only"]).ok();
    for proxy in ["socks5h://127.0.0.1:9", "http://someone:secret@127.0.0.1:9"] {
        let mut command = session(alice.home());
        command.args(["--json", "send", &bob.id, "second", "--wait", "1"]);
        command.env("SESSION_PROXY", proxy);
        let said = finish(command);
        assert_eq!(said.status.code(), Some(3), "{said:?}");
        let reason = said.json()[0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("proxy"), "{reason}");
    }
    assert_eq!(texts(&bob.listen("1")), ["first"]);
    let more = bob.json(&["listen", "--every", "1", "--for", "2"]);
    assert!(more.is_empty(), "{more:?}");
    // Without the proxy what is queued goes out.
    alice.run(&["send", "me", "note"]).ok();
    assert_eq!(texts(&bob.listen("2")), ["second", "second"]);
}

#[test]
fn a_proxy_url_that_is_none_is_refused_by_every_command() {
    let alice = Person::new("Alice", NOWHERE);
    for (url, why) in [
        ("ftp://someone:secret@127.0.0.1:1", "socks5://"),
        ("secret", "socks5://"),
        ("socks5://someone:@127.0.0.1:1", "1 to 255"),
    ] {
        for command in ["chats", "doctor"] {
            let (status, code, error) = alice.failure(&["--proxy", url, command]);
            assert_eq!((status, &*code), (1, "proxy"));
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
    // The environment's is not shown either.
    let mut help = session(alice.home());
    help.args(["send", "--help"]);
    help.env("SESSION_PROXY", "socks5h://someone:secret@127.0.0.1:1");
    assert!(!finish(help).ok().out.contains("secret"));
}
