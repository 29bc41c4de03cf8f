//! `session rpc`: the API as a program speaks it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::person::{NOWHERE, Person};
use crate::run::{Network, finish_with, session};

/// Ended when the test ends, whatever becomes of it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn request(id: u32, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

#[test]
fn calls_are_answered_line_by_line_and_the_end_of_the_input_ends_it() {
    let alice = Person::new("Alice", NOWHERE);
    let account = json!({ "account": alice.id });
    let note = json!({ "account": alice.id, "to": alice.id, "text": "a note" });
    let lines = [
        request(1, "hello", &json!({ "version": 1 })),
        "this is no JSON".to_owned(),
        request(2, "accounts.open", &account),
        request(3, "messages.send", &note),
        request(4, "no.such", &json!({})),
    ];
    let mut command = session(alice.home());
    command.arg("rpc");
    let said = finish_with(command, &(lines.join("\n") + "\n")).ok();
    assert_eq!(said.err, "");
    let said = said.json();
    let answer = |id: u32| said.iter().find(|line| line["id"] == id).unwrap();
    assert_eq!(answer(1)["result"]["accounts"][0]["id"], alice.id.as_str());
    assert_eq!(answer(2)["result"]["account"]["open"], true);
    assert!(answer(3)["result"].is_object(), "{said:#?}");
    assert_eq!(answer(4)["error"]["code"], -32601);
    assert!(said.iter().any(|line| line["error"]["code"] == -32700));
    // What was answered is on disk.
    let history = alice.json(&["history", "me"]);
    assert_eq!(history[0]["text"], "a note");
    assert_eq!(history[0]["delivery"]["state"], "sending");
}

#[test]
fn the_python_bot_answers() {
    let python = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !python.is_ok_and(|status| status.success()) {
        println!("skipped: there is no python3 here");
        return;
    }
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let bot = Person::new("Echo", network.seed_url());
    let alice = Person::new("Alice", network.seed_url());
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/echo_bot.py");
    let program = session(bot.home());
    let mut command = Command::new("python3");
    command.arg(example).arg(program.get_program()).arg("rpc");
    let environment = program.get_envs();
    command.envs(environment.filter_map(|(key, value)| Some((key, value?))));
    let running = Running(command.stdout(Stdio::null()).spawn().unwrap());
    let mut listening = alice.listening();
    alice.run(&["send", &bot.id, "is anybody there?"]).ok();
    let echo = loop {
        let message = listening.next("message");
        if message["from"] != alice.id.as_str() {
            break message;
        }
    };
    assert_eq!(echo["text"], "is anybody there?");
    assert_eq!(echo["from"], bot.id.as_str());
    listening.end();
    drop(running);
}
