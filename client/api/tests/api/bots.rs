//! The example bots, run as programs of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{Person, home, network, run, says, session, within};

/// A built example of this crate.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let path = built
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        path.exists(),
        "{name} is not built: cargo build -p session-api --examples"
    );
    path
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An account that only exists on disk, for a bot.
async fn account(seed_url: &str) -> (TempDir, String) {
    let home = home();
    let session = session(&home);
    let connection = session.connect();
    let new = json!({ "name": "Echo", "network": seed_url, "key_store": "file" });
    let made = within("an account", connection.call("accounts.create", new)).await;
    let id = made.unwrap()["account"]["id"].as_str().unwrap().to_owned();
    session.close().await;
    (home, id)
}

/// Somebody writes to a bot and gets the same back.
async fn talk(name: &str, bot: &str, mut running: Child) {
    let network = network().await;
    let mut anna = Person::new(&network, name).await;
    let open = json!({ "conversation": bot });
    let sub = anna.open("timeline.open", open).await;
    for text in ["ping", "grüße 👍\nsecond line \"quoted\""] {
        let write = json!({ "to": bot, "text": text });
        anna.call("messages.send", write).await;
        let echoed = anna
            .until_item("an echo", sub, |item| {
                says(text)(item) && item["mine"] == false
            })
            .await;
        assert_eq!(echoed["author"], bot);
    }
    assert!(running.try_wait().unwrap().is_none(), "the bot has ended");
    running.kill().await.unwrap();
    anna.session.close().await;
}

#[test]
fn the_rust_bot_echoes() {
    run(async {
        let network = network().await;
        let (home, bot) = account(&network.seed_url()).await;
        let running = Command::new(example("echo_bot"))
            .arg(home.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        talk("Anna", &bot, running).await;
    });
}

#[test]
fn the_python_bot_echoes() {
    let found = std::process::Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        println!("skipped: there is no python3 here");
        return;
    }
    run(async {
        let network = network().await;
        let (home, bot) = account(&network.seed_url()).await;
        let running = Command::new("python3")
            .arg(repository().join("examples/echo_bot.py"))
            .arg(example("rpc_stdio"))
            .arg(home.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        talk("Dora", &bot, running).await;
    });
}

#[test]
fn the_bots_are_short() {
    for bot in ["examples/echo_bot.py", "examples/echo-bot-rust/main.rs"] {
        let text = std::fs::read_to_string(repository().join(bot)).unwrap();
        assert!(text.lines().count() < 60, "{bot}");
    }
}
