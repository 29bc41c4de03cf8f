//! Files and pictures from one terminal to another.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use crate::person::Person;
use crate::run::{Network, Said, finish, session};

/// A PNG of one pixel.
const PICTURE: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa, 0, 0, 0, 0xd, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1,
    0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0xa, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44,
    0xae, 0x42, 0x60, 0x82,
];

struct Sender<'a> {
    person: &'a Person,
    file_server: &'a str,
}

impl Sender<'_> {
    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = session(self.person.home());
        command.args(arguments);
        command.env("SESSION_FILE_SERVER", self.file_server);
        finish(command)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[&["--json"], arguments].concat()).ok();
        said.json().remove(0)
    }
}

#[test]
fn files_go_from_one_terminal_to_another() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    let sender = Sender {
        person: &alice,
        file_server: network.info()["file_server"]["setting"].as_str().unwrap(),
    };
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let report = "every word counts\n".repeat(20_000);
    fs::write(at("report.txt"), &report).unwrap();
    fs::write(at("dot.png"), PICTURE).unwrap();

    // Nothing is queued when a file cannot be read.
    let said = sender.run(&["send", &bob.id, "--file", &at("nothing")]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(said.err.contains("cannot be read"), "{said:?}");
    assert!(alice.json(&["history", &bob.id]).is_empty());

    let (first, second) = (at("report.txt"), at("dot.png"));
    let sent = sender.json(&["send", &bob.id, "two things", "-f", &first, "-f", &second]);
    assert_eq!(sent["state"], "sent");
    let got = bob.listen("1").remove(0);
    assert_eq!(
        (&got["text"], &got["attachments"]),
        (&"two things".into(), &2.into())
    );

    let listed = bob.json(&["save", "last", "--in", "Alice", "--list"]);
    assert_eq!(listed[0]["name"], "report.txt");
    assert_eq!(listed[0]["bytes"], report.len());
    assert_eq!(listed[1]["type"], "image/png");
    let saved = bob.run(&["save", "last", "--in", "Alice"]);
    assert!(saved.err.contains("choose one with --file"), "{saved:?}");

    // Bob never named a file server: the message says where the files are.
    let to = at("saved.txt");
    let saved = bob.json(&["save", "last", "--in", "Alice", "--file", "1", "--to", &to]);
    assert_eq!(saved[0]["path"], to.as_str());
    assert_eq!(fs::read_to_string(&to).unwrap(), report);
    let again = bob.run(&["save", "last", "--in", "Alice", "--file", "1", "--to", &to]);
    assert!(again.err.contains("--force"), "{again:?}");
    let into = tempdir().unwrap();
    let to = into.path().display().to_string();
    bob.run(&["save", "last", "--in", "Alice", "--file", "2", "--to", &to])
        .ok();
    assert!(into.path().join("dot.png").exists());
    let shown = bob.run(&["history", "Alice"]).ok().out;
    assert!(
        shown.contains("[report.txt, text/plain, 360.0 kB]"),
        "{shown}"
    );

    // The own picture, and others that are none.
    let said = sender.run(&["profile", "picture", &second]).ok();
    assert!(said.out.contains("see your picture"), "{said:?}");
    assert_eq!(sender.json(&["profile"])["picture"]["state"], "here");
    let said = sender.run(&["profile", "picture", &first]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    sender.run(&["profile", "picture", "--remove"]).ok();
    assert_eq!(sender.json(&["profile"])["picture"], Value::Null);
}

#[test]
fn without_a_file_server_it_is_said_where_to_name_one() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let file = home.path().join("note.txt");
    fs::write(&file, "a note").unwrap();
    let said = alice.run(&["send", "me", "--file", &file.display().to_string()]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(said.err.contains("SESSION_FILE_SERVER"), "{said:?}");
    let said = alice.run(&["--file-server", "http://files", "send", "me", "x"]);
    assert!(said.err.contains("--file-server"), "{said:?}");
}

#[test]
fn an_account_remembers_its_file_server() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let info = network.info();
    let server = info["file_server"]["setting"].as_str().unwrap();
    let alice = Person::new("Alice", network.seed_url());
    let note = home.path().join("note.txt");
    fs::write(&note, "a note").unwrap();
    let note = note.display().to_string();
    let shown = |person: &Person| person.json(&["settings"])[0]["file_server"].clone();
    assert_eq!(shown(&alice), Value::Null);

    alice.run(&["settings", "file-server", server]).ok();
    assert_eq!(shown(&alice), server);
    alice.run(&["send", "me", "--file", &note]).ok();
    // What is no file server changes nothing.
    let said = alice.run(&["settings", "file-server", "http://files.example"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_eq!(shown(&alice), server);
    // It is the server of that network, and of no other.
    let elsewhere = ["--network", "http://127.0.0.1:9/", "--json", "settings"];
    let said = alice.run(&elsewhere).ok();
    assert_eq!(said.json()[0]["file_server"], Value::Null);
    alice.run(&["settings", "file-server", "default"]).ok();
    assert_eq!(shown(&alice), Value::Null);
    let said = alice.run(&["send", "me", "--file", &note]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");

    // Or from the beginning.
    let mut command = session(&home.path().join("carol"));
    let network = ["--network", network.seed_url(), "--file-server", server];
    command.args(network);
    command.args(["account", "new", "--key-store", "file"]);
    finish(command).ok();
    let mut command = session(&home.path().join("carol"));
    command.args(["send", "me", "--file", &note]);
    finish(command).ok();
}

/// A page with a title, on this machine.
fn page() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tea", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0)
            {
                head.extend_from_slice(&byte);
            }
            let body = "<title>All about tea</title>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            // Whoever asked may be gone.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn answers_with_files_and_previews_of_links() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    let sender = |person| Sender {
        person,
        file_server: network.info()["file_server"]["setting"].as_str().unwrap(),
    };
    let picture = home.path().join("dot.png").display().to_string();
    fs::write(&picture, PICTURE).unwrap();
    let sent = sender(&alice).json(&["send", &bob.id, "look", "-f", &picture]);
    assert_eq!(sent["state"], "sent");
    bob.listen("1");
    let sent = sender(&bob).json(&["reply", "last", "--in", "Alice", "--file", &picture]);
    assert_eq!(sent["state"], "sent");
    let got = alice.listen("1").remove(0);
    assert_eq!(
        (&got["attachments"], &got["quote"]["text"]),
        (&1.into(), &"look".into())
    );
    assert_eq!(got["quote"]["file"]["name"], "dot.png");

    let text = format!("read {}", page());
    let preview = |person: &Person, expected: i32| {
        let mut command = session(person.home());
        command.args(["--json", "send", &bob.id, &text, "--preview"]);
        command.env("SESSION_PREVIEW_ANYWHERE", "1");
        let said = finish(command);
        assert_eq!(said.status.code(), Some(expected), "{said:?}");
        said
    };
    let refused = preview(&alice, 1);
    assert!(
        refused.err.contains("session settings previews on"),
        "{refused:?}"
    );
    let on = alice.json(&["settings", "previews", "on"]).remove(0);
    assert_eq!(on["link_previews"], true);
    preview(&alice, 0);
    let got = bob.listen("1").remove(0);
    assert_eq!(got["preview"]["title"], "All about tea");
    // Where the page may not be looked at the text goes without.
    let said = alice.run(&["send", &bob.id, &text, "--preview"]).ok();
    assert!(said.err.contains("Without a preview"), "{said:?}");
    let got = bob.listen("1").remove(0);
    assert_eq!(
        (&got["text"], &got["preview"]),
        (&text.into(), &Value::Null)
    );
}
