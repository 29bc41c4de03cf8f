//! Making, restoring and unlocking accounts, and every way to get it wrong.

use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use crate::run::{Said, finish, finish_with, session};

const SEED: &str = "http://127.0.0.1:9/";
/// Number 4 of docs/protocol/client.md section 1.2.
const WORDS: &str =
    "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept";
const ID: &str = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";

fn new_account(home: &Path, arguments: &[&str]) -> Value {
    let mut command = session(home);
    command.args([
        "--json",
        "account",
        "new",
        "--key-store",
        "file",
        "--network",
        SEED,
    ]);
    command.args(arguments);
    finish(command).ok().json().remove(0)
}

fn restore(home: &Path, words: &str) -> Said {
    let mut command = session(home);
    command.args([
        "account",
        "restore",
        "--key-store",
        "file",
        "--network",
        SEED,
    ]);
    finish_with(command, words)
}

fn assert_nothing_written(home: &Path) {
    assert!(
        !home.join("data").join("accounts").exists(),
        "something was written"
    );
}

#[test]
fn account_is_made_listed_shown_and_restored() {
    let home = tempdir().unwrap();
    let made = new_account(home.path(), &["--name", "Alice"]);
    let id = made["account_id"].as_str().unwrap();
    let words = made["recovery_password"].as_str().unwrap();
    assert!(id.len() == 66 && id.starts_with("05"));
    assert_eq!(words.split_whitespace().count(), 13);

    let mut list = session(home.path());
    list.args(["--json", "account", "list"]);
    assert_eq!(finish(list).ok().json()[0]["account_id"], id);

    let mut show = session(home.path());
    show.args(["account", "show"]);
    let shown = finish(show).ok();
    assert!(shown.out.contains(id) && shown.out.contains("Alice"));
    assert!(
        !shown.out.contains(words),
        "the Recovery Password is shown only when asked for"
    );
    let mut show = session(home.path());
    show.args(["account", "show", "--recovery-password"]);
    assert!(finish(show).ok().out.contains(words));

    let elsewhere = tempdir().unwrap();
    let restored = restore(elsewhere.path(), &format!("  {}\n", words.to_uppercase())).ok();
    assert!(restored.out.contains(id), "{restored:?}");
}

#[test]
fn known_words_give_the_known_account() {
    let home = tempdir().unwrap();
    assert!(restore(home.path(), WORDS).ok().out.contains(ID));
    let again = restore(home.path(), WORDS);
    assert!(!again.status.success());
    assert!(again.err.contains("already"), "{again:?}");
}

#[test]
fn wrong_recovery_password_names_the_word_and_writes_nothing() {
    let home = tempdir().unwrap();
    let cases = [
        (WORDS.replacen("films", "xilms", 1), "word 4 (“xilms”)"),
        (WORDS.replace("voted adept", "voted vexed"), "word 13"),
        (
            WORDS.replacen("vexed enjoy", "enjoy vexed", 1),
            "not a Recovery Password",
        ),
        (
            WORDS
                .split_whitespace()
                .take(7)
                .collect::<Vec<_>>()
                .join(" "),
            "found 7",
        ),
        (format!("{WORDS} adept"), "found 14"),
        (String::new(), "found 0"),
    ];
    for (words, expected) in cases {
        let said = restore(home.path(), &words);
        assert!(!said.status.success(), "{words}");
        assert!(said.err.contains(expected), "{words}: {said:?}");
        assert!(said.err.contains("Nothing was written"), "{said:?}");
        assert_nothing_written(home.path());
    }
}

#[test]
fn wrong_passphrase_is_refused_and_the_files_stay_as_they_are() {
    let home = tempdir().unwrap();
    let mut new = session(home.path());
    new.args([
        "account",
        "new",
        "--network",
        SEED,
        "--key-store",
        "passphrase",
    ]);
    new.env("SESSION_PASSPHRASE", "correct horse");
    finish(new).ok();
    let before = files(home.path());

    for passphrase in [Some("wrong"), None] {
        let mut show = session(home.path());
        show.args(["account", "show"]);
        if let Some(passphrase) = passphrase {
            show.env("SESSION_PASSPHRASE", passphrase);
        }
        let said = finish(show);
        assert!(!said.status.success());
        assert!(said.err.contains("passphrase"), "{said:?}");
        assert_eq!(files(home.path()), before);
    }

    let file = home.path().join("secret");
    std::fs::write(&file, "correct horse\n").unwrap();
    let mut show = session(home.path());
    show.args(["account", "show", "--passphrase-file"])
        .arg(file);
    finish(show).ok();
}

/// Every file below the data folder with its bytes.
fn files(home: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![home.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn several_accounts_must_be_told_apart() {
    let home = tempdir().unwrap();
    let first = new_account(home.path(), &[]);
    new_account(home.path(), &[]);
    let mut show = session(home.path());
    show.args(["account", "show"]);
    let said = finish(show);
    assert!(said.err.contains("--account"), "{said:?}");
    let id = first["account_id"].as_str().unwrap();
    let mut show = session(home.path());
    show.args(["account", "show", "--account", id.get(..12).unwrap()]);
    assert!(finish(show).ok().out.contains(id));
}

#[test]
fn bad_arguments_are_explained() {
    let home = tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = session(home.path());
        command.args(arguments);
        let said = finish(command);
        assert!(!said.status.success(), "{arguments:?}");
        said.err
    };
    assert!(run(&["send", "0512", "hi"]).contains("at least the first 8"));
    assert!(run(&["send", &"zz".repeat(33), "hi"]).contains("not an Account ID"));
    assert!(run(&["history"]).contains("account new"));
    let network = [
        "account",
        "new",
        "--key-store",
        "file",
        "--network",
        "banana",
    ];
    assert!(run(&network).contains("seed URL"));
    assert_nothing_written(home.path());
    let long = "x".repeat(101);
    let name = [
        "account",
        "new",
        "--key-store",
        "file",
        "--network",
        SEED,
        "--name",
        &long,
    ];
    assert!(run(&name).contains("at most 100"));
    assert_nothing_written(home.path());
}

#[test]
fn data_folder_that_cannot_be_written_is_named() {
    let home = tempdir().unwrap();
    let in_the_way = home.path().join("file");
    std::fs::write(&in_the_way, "").unwrap();
    let mut new = session(home.path());
    new.args([
        "account",
        "new",
        "--key-store",
        "file",
        "--network",
        SEED,
        "--data-dir",
    ]);
    new.arg(&in_the_way);
    let said = finish(new);
    assert!(!said.status.success());
    assert!(said.err.contains("--data-dir"), "{said:?}");
    assert!(said.err.contains(in_the_way.to_str().unwrap()), "{said:?}");
}

#[test]
fn an_account_is_deleted_when_that_is_confirmed() {
    let home = tempdir().unwrap();
    let made = new_account(home.path(), &[]);
    let run = |arguments: &[&str]| {
        let mut command = session(home.path());
        command.arg("--json").args(arguments);
        finish(command)
    };
    let said = run(&["account", "delete"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains("--yes"), "{said:?}");
    // Without a network nothing is deleted from the swarm, and so nothing here.
    let said = run(&["account", "delete", "--from-the-swarm", "--yes"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_eq!(run(&["account", "list"]).ok().json().len(), 1);

    let deleted = run(&["account", "delete", "--yes"]).ok().json().remove(0);
    assert_eq!(deleted["account_id"], made["account_id"]);
    assert!(run(&["account", "list"]).ok().json().is_empty());
    assert!(
        files(home.path())
            .iter()
            .all(|(path, _)| !path.contains("05"))
    );
}
