//! `session chat`: read and written in a terminal.

use std::process::Command;

use tempfile::tempdir;

use crate::person::{NOWHERE, Person};
use crate::run::{Network, finish, finish_with, session};
use crate::terminal::{ENTER, ESC, TAB, Terminal, UP, ctrl};

fn chat(person: &Person, columns: u16, rows: u16) -> Terminal {
    Terminal::start(person.home(), &["chat"], columns, rows)
}

/// Opens a conversation with somebody by their id.
fn write_to(terminal: &mut Terminal, id: &str) {
    terminal.see("No conversations yet");
    terminal.press(&ctrl('n'));
    terminal.see("Account ID or name");
    terminal.press(id);
    terminal.press(ENTER);
    terminal.see("Message to");
}

#[test]
fn two_people_talk_in_their_terminals() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    let mut at_alice = chat(&alice, 80, 24);
    let mut at_bob = chat(&bob, 160, 50);
    write_to(&mut at_alice, &bob.id);
    at_alice.press("hello from the terminal");
    at_alice.press(ENTER);
    at_alice.until("sent message", |text| text.contains('✓'));

    at_bob.see("1 message request");
    at_bob.press(ENTER);
    at_bob.see("Message requests");
    at_bob.see("Alice ·");
    at_bob.press(ENTER);
    at_bob.see("hello from the terminal");
    at_bob.see("a accept");
    at_bob.press("a");
    at_bob.see("Message to Alice");
    at_bob.press("hello Alice");
    at_bob.press(ENTER);

    at_alice.see("hello Alice");
    at_alice.see("Bob accepted your request");
    at_alice.press(UP);
    at_alice.see("r reply");
    at_alice.press("e");
    at_alice.see("an emoji or its name");
    at_alice.press("+1");
    at_alice.press(ENTER);
    at_bob.see("(👍");
    at_alice.press("r");
    at_alice.see("Reply to Bob: hello Alice");
    at_alice.press("first line\nsecond line");
    at_alice.see("second line");
    at_alice.press(ENTER);
    at_bob.see("┃ You: hello Alice");
    at_bob.see("second line");

    // What is sent from elsewhere is seen too, and read marks the conversation.
    alice.run(&["nickname", "Bob", "Bobby"]).ok();
    at_alice.press(&ctrl('f'));
    at_alice.see("Find here");
    at_alice.press("terminal");
    at_alice.press(ENTER);
    at_alice.see("1 message with “terminal”");
    for terminal in [&mut at_alice, &mut at_bob] {
        terminal.press(&ctrl('q'));
    }
    let (code, after) = at_alice.end();
    assert_eq!(code, 0, "{after}");
    assert_eq!(at_bob.end().0, 0);
}

#[test]
fn hostile_words_move_no_cursor() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let name = "Mallory \u{1b}]2;owned\u{7}\u{202e}";
    let mallory = Person::new(name, network.seed_url());
    let payloads = [
        "\u{1b}[2J\u{1b}[H wiped",
        "\u{1b}]52;c;ZXZpbA==\u{7} clipboard",
        "\u{9b}31m c1 \u{90}q sixel\u{9c}",
        "\u{1b}[?1049l left",
        "\u{202e}gpj.exe \u{2066}isolated",
        "heap a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} end",
        "\u{8}\u{8}\u{8}back\rreturn\u{0}",
    ];
    for payload in payloads {
        // A text cannot be given as an argument with zero bytes.
        let mut command = session(mallory.home());
        command.args(["send", &alice.id]);
        finish_with(command, payload).ok();
    }
    let mut at_alice = chat(&alice, 80, 24);
    at_alice.see("1 message request");
    at_alice.press(ENTER);
    at_alice.see("Mallory");
    at_alice.press(ENTER);
    for words in [
        "wiped",
        "clipboard",
        "sixel",
        "left",
        "gpj.exe",
        "heap",
        "back",
    ] {
        at_alice.see(words);
    }
    assert!(at_alice.is_alternate());
    let raw = String::from_utf8(at_alice.raw()).unwrap();
    assert!(raw.contains("\u{fffd}[2J"), "{raw}");
    for forbidden in [
        "\u{1b}]52",
        "owned\u{7}",
        "\u{9b}",
        "\u{90}",
        "\u{202e}",
        "\u{2066}",
    ] {
        assert!(!raw.contains(forbidden), "{forbidden:?}");
    }
    assert_eq!(raw.matches("\u{1b}[?1049l").count(), 0);
    // Copied words are harmless as well, and only copied once it was allowed.
    at_alice.press("y");
    at_alice.see("clipboard?");
    assert!(!String::from_utf8_lossy(&at_alice.raw()).contains("\u{1b}]52"));
    at_alice.press("y");
    at_alice.see("Copied.");
    assert!(String::from_utf8_lossy(&at_alice.raw()).contains("\u{1b}]52;c;"));
}

#[test]
fn an_account_is_made_locked_and_unlocked_inside() {
    let home = tempdir().unwrap();
    let start = || Terminal::start(home.path(), &["--network", NOWHERE, "chat"], 80, 24);
    let mut terminal = start();
    terminal.see("Create account");
    terminal.press(ENTER);
    terminal.see("Your name");
    terminal.press("Alice");
    terminal.press(ENTER);
    terminal.see("Protect this device");
    terminal.press(ENTER);
    terminal.see("Choose a passphrase");
    terminal.press("correct horse");
    assert!(!terminal.text().contains("horse"));
    terminal.press(ENTER);
    terminal.see("Once more");
    terminal.press("another");
    terminal.press(ENTER);
    terminal.see("not the same");
    for _ in 0..2 {
        terminal.press("correct horse");
        terminal.press(ENTER);
    }
    terminal.see("Your account is ready");
    terminal.press(ENTER);
    terminal.see("No conversations yet");
    terminal.press(&ctrl('n'));
    terminal.press("me\r");
    terminal.see("Message to yourself");
    terminal.press("a note that waits");
    terminal.press(ENTER);
    terminal.until("note in list and conversation", |text| {
        text.matches("a note that").count() >= 2
    });
    terminal.press("a draft");
    terminal.see("7/2000");
    terminal.press(&ctrl('l'));
    terminal.see("This account is locked");
    let locked = terminal.text();
    assert!(
        !locked.contains("note") && !locked.contains("Alice"),
        "{locked}"
    );
    terminal.press("wrong\r");
    terminal.see("That was not it");
    terminal.press("correct horse\r");
    // The same place, with what was being written.
    terminal.see("> a draft");
    terminal.see("a note that waits");
    terminal.press(", longer");
    terminal.see("15/2000");
    // Kept within moments, then nothing asks.
    terminal.press(ESC);
    terminal.until("draft in the list", |text| {
        text.contains("Draft: a draft, l")
    });
    terminal.kill();

    let mut terminal = start();
    terminal.see("This account is locked");
    terminal.press("correct horse\r");
    terminal.see("Draft: a draft, l");
    terminal.press(ENTER);
    terminal.see("> a draft, longer");
    // A message waits for the network: quitting asks.
    terminal.press(&ctrl('q'));
    terminal.see("still wait");
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn any_size_and_a_storm_of_them() {
    let alice = Person::new("Alice", NOWHERE);
    alice.run(&["send", "--wait", "0", "me", "remember the milk"]);
    let mut terminal = chat(&alice, 40, 10);
    terminal.see("Note to Self");
    terminal.press(ENTER);
    terminal.see("remember the milk");
    terminal.see("Message to yourself");
    for step in 0..60_u16 {
        terminal.resize(4 + (step * 37) % 200, 2 + (step * 17) % 70);
    }
    terminal.resize(160, 50);
    terminal.see("Details");
    terminal.see("remember the milk");
    terminal.until("lines between the parts", |text| {
        let rows: Vec<&str> = text.lines().collect();
        let has = |row: usize, sign: char| rows.get(row).is_some_and(|row| row.contains(sign));
        rows.len() == 50 && has(1, '┼') && has(48, '┴')
    });
    terminal.resize(10, 3);
    terminal.see("Too small");
    terminal.resize(80, 24);
    terminal.see("Session  Alice");
    terminal.press("milk, bread");
    terminal.see("> milk, bread");
    terminal.press(&ctrl('u'));
    terminal.press("/help\r");
    terminal.see("Among messages");
    terminal.press(ESC);
    terminal.see("Message to yourself");
    terminal.press("/quit\r");
    terminal.see("still wait");
    terminal.press(&ctrl('q'));
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn without_utf_8_only_ascii_is_drawn() {
    let alice = Person::new("Alice", NOWHERE);
    alice.run(&["send", "--wait", "0", "me", "plain words"]);
    let locale = [("LC_ALL", "C"), ("NO_COLOR", "1")];
    let mut terminal = Terminal::start_with(alice.home(), &["chat"], 160, 50, &locale);
    terminal.see("Note to Self");
    terminal.press(ENTER);
    terminal.see("plain words");
    for keys in [ctrl('o'), ctrl('p'), "\u{1b}OP".to_owned()] {
        terminal.press(&keys);
        terminal.see("Esc back");
        terminal.press(ESC);
        terminal.see("Message to yourself");
    }
    let raw = terminal.raw();
    assert!(raw.is_ascii(), "{}", String::from_utf8_lossy(&raw));
    // No colour: neither 16, nor 256, nor all.
    let raw = String::from_utf8(raw).unwrap();
    for color in [
        "\u{1b}[38;5;",
        "\u{1b}[38;2;",
        "\u{1b}[48;5;",
        "\u{1b}[48;2;",
        "\u{1b}[36m",
        "\u{1b}[31m",
        "\u{1b}[33m",
    ] {
        assert!(!raw.contains(color), "{color:?}");
    }
}

#[test]
fn the_terminal_is_given_back() {
    let alice = Person::new("Alice", NOWHERE);
    for signal in ["-TERM", "-HUP"] {
        let terminal = chat(&alice, 80, 24);
        terminal.see("No conversations yet");
        assert!(terminal.is_alternate());
        let pid = terminal.pid().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        terminal.until("normal screen", |text| !text.contains("No conversations"));
        assert!(!terminal.is_alternate());
        assert_eq!(terminal.end().0, 0);
    }
}

#[test]
fn an_account_is_restored_inside_by_its_words() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    alice.run(&["send", &bob.id, "from before"]).ok();
    let words = alice.words;
    let tablet = tempdir().unwrap();
    let arguments = ["--network", network.seed_url(), "chat"];
    let mut terminal = Terminal::start(tablet.path(), &arguments, 80, 24);
    terminal.see("Create account");
    terminal.press("2");
    terminal.see("Recovery Password");
    // Not the words of an account.
    terminal.press("these are no words at all\r");
    terminal.see("has 13 words; these are 6");
    terminal.press(&ctrl('u'));
    terminal.press(&words);
    terminal.press(ENTER);
    terminal.see("Protect this device");
    terminal.press(ENTER);
    terminal.see("Choose a passphrase");
    for _ in 0..2 {
        terminal.press("correct horse\r");
    }
    // The own swarm still has the contact and what was written.
    terminal.see("from before");
    terminal.press(&ctrl('l'));
    terminal.see("This account is locked");
    terminal.press("correct horse\r");
    terminal.see("from before");
    terminal.press(&ctrl('q'));
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn files_are_sent_with_completed_paths_and_saved() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let server = network.info()["file_server"]["setting"]
        .as_str()
        .unwrap()
        .to_owned();
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    std::fs::write(alice.home().join("a letter.txt"), "dear Bob").unwrap();
    let with_server = ["--file-server", &server, "chat"];
    let mut at_alice = Terminal::start(alice.home(), &with_server, 80, 24);
    write_to(&mut at_alice, &bob.id);
    at_alice.press("hello\r");
    at_alice.until("sent message", |text| text.contains('✓'));
    let mut at_bob = Terminal::start(bob.home(), &with_server, 80, 24);
    at_bob.see("1 message request");
    at_bob.press(ENTER);
    at_bob.see("Alice ·");
    at_bob.press("a");
    at_bob.see("Accepted");
    at_bob.press(ESC);
    at_alice.see("accepted your request");
    at_alice.press(&ctrl('t'));
    at_alice.see("File to send");
    at_alice.press("~/a l");
    at_alice.press(TAB);
    at_alice.see("a letter.txt");
    at_alice.press(ENTER);
    at_alice.see("Files: a letter.txt");
    at_alice.see("Draft: [file]");
    // Neither a power cut nor the loss of the file takes it away.
    at_alice.kill();
    std::fs::remove_file(alice.home().join("a letter.txt")).unwrap();
    let mut at_alice = Terminal::start(alice.home(), &with_server, 80, 24);
    at_alice.see("Draft: [file]");
    at_alice.press(ENTER);
    at_alice.see("Files: a letter.txt");
    at_alice.press("as promised\r");
    at_bob.see("as promised");
    at_bob.see("Alice");
    at_bob.press("\u{1b}1");
    at_bob.see("o open, s save");
    at_bob.press(UP);
    at_bob.see("r reply");
    at_bob.press("s");
    at_bob.see("Save as");
    at_bob.press(&ctrl('u'));
    at_bob.press("~/saved.txt\r");
    at_bob.see("Saved as");
    let saved = std::fs::read_to_string(bob.home().join("saved.txt")).unwrap();
    assert_eq!(saved, "dear Bob");
    // Bob has not written anything yet.
    at_alice.see("Bob saved a file");
}

#[test]
fn lines_are_enough() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let alice = Person::new("Alice", network.seed_url());
    let bob = Person::new("Bob", network.seed_url());
    bob.run(&["send", &alice.id, "are you \u{1b}[31mthere?"])
        .ok();
    alice
        .run(&["listen", "--every", "1", "--count", "1", "--for", "40"])
        .ok();
    let mut command = session(alice.home());
    command.args(["chat", "--plain"]);
    let lines = "/list\n/requests\n/open 1\n/accept\nyes, here\n/more\n/nothing\n/id\n/quit\n";
    let said = finish_with(command, lines).ok();
    for words in [
        "Alice, 05",
        "1 message request: /requests",
        "Bob, 1 unread, are you",
        "Conversation with Bob.",
        "This is a message request",
        "there? [",
        "Accepted.",
        "There is no command /nothing",
        &alice.id,
    ] {
        assert!(said.out.contains(words), "{words}: {said:#?}");
    }
    assert!(
        !said.out.contains('\u{1b}') && said.err.is_empty(),
        "{said:#?}"
    );
    let history = alice.json(&["history", "Bob"]);
    assert!(history.iter().any(|message| message["text"] == "yes, here"));
}

#[test]
fn keys_are_those_of_the_file_and_mistakes_have_a_line() {
    let alice = Person::new("Alice", NOWHERE);
    let config = alice.home().join("chat.toml");
    let path = config.to_str().unwrap();
    std::fs::write(&config, "[keys]\nquit = \"ctrl+x\"\nreply = \"hyper+r\"\n").unwrap();
    let (code, name, text) = alice.failure(&["chat", "--config", path]);
    assert_eq!((code, name.as_str()), (1, "other"));
    assert!(
        text.contains("line 3") && text.contains("hyper+r"),
        "{text}"
    );
    std::fs::write(&config, "[keys]\nquit = \"ctrl+x\"\n").unwrap();
    let keys = alice.run(&["chat", "--config", path, "--keys"]).ok().out;
    assert!(
        keys.lines()
            .any(|line| line.starts_with("quit") && line.contains("^X")),
        "{keys}"
    );
    let mut terminal = Terminal::start(alice.home(), &["chat", "--config", path], 80, 24);
    terminal.see("^X quit");
    terminal.press(&ctrl('x'));
    assert_eq!(terminal.end().0, 0);
    // Without a terminal it says what to do instead.
    let mut command = session(alice.home());
    command.arg("chat");
    let said = finish(command);
    assert!(
        said.err.contains("--plain") && !said.status.success(),
        "{said:?}"
    );
}
