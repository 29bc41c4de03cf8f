//! The Secret Service of this machine, if it has one: a session bus and a GNOME Keyring of the
//! test's own are started, in a home folder of its own, and a child test talks to them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixtures::{BOB, CAROL, id, new_account};
use session_store::keyring::{Keyring as _, KeyringError, SecretService};
use session_store::{KeyKeeping, Profile, StoreError};

/// Names the folder of a child.
const CHILD: &str = "SESSION_STORE_KEYRING_CHILD";

/// Starts a keyring with a new unlocked collection.
const UNLOCK: &str =
    "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null;";

fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Runs the test `name` of this file on a new session bus, after the shell command `before`.
/// `None` when the machine lacks the programs for that.
fn on_session_bus(name: &str, before: &str, home: &Path) -> Option<Output> {
    for program in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !is_installed(program) {
            println!("skipped: {program} is not installed");
            return None;
        }
    }
    let script = format!("{before} exec \"$0\" --exact {name} --nocapture --test-threads=1");
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, home)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL")
        .output()
        .unwrap();
    Some(output)
}

fn check(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(
        text.contains("child is done"),
        "the child did not run:\n{text}\n{errors}"
    );
}

#[test]
fn keys_are_kept_in_the_secret_service() {
    if child_folder().is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    if let Some(output) = on_session_bus("child_keeps_keys", UNLOCK, home.path()) {
        check(&output);
    }
}

#[test]
fn child_keeps_keys() {
    let Some(folder) = child_folder() else { return };
    let keyring = SecretService::of_session();
    keyring.probe().unwrap();
    assert_eq!(keyring.load("first").unwrap(), None);
    keyring.store("first", "A label", "one").unwrap();
    keyring
        .store("second", "A label", "two, with ümlaut")
        .unwrap();
    keyring.store("first", "A label", "three").unwrap();
    assert_eq!(keyring.load("first").unwrap().unwrap().as_str(), "three");
    assert_eq!(
        keyring.load("second").unwrap().unwrap().as_str(),
        "two, with ümlaut"
    );
    keyring.remove("first").unwrap();
    keyring.remove("first").unwrap();
    assert_eq!(keyring.load("first").unwrap(), None);

    let profile = Profile::new(&folder.join("profile"));
    assert_eq!(profile.preferred_key_keeping(true), KeyKeeping::Keyring);
    let carol = id(CAROL);
    drop(
        profile
            .create(&new_account(carol), KeyKeeping::Keyring, None)
            .unwrap(),
    );
    drop(
        profile
            .create(&new_account(id(BOB)), KeyKeeping::Keyring, None)
            .unwrap(),
    );
    assert_eq!(profile.list().unwrap()[0].key_keeping, KeyKeeping::Keyring);
    let store = profile.open(carol, None).unwrap();
    assert_eq!(*store.identity().unwrap().seed, [0x17; 16]);
    drop(store);

    // The same account in another data folder has an entry of its own.
    let other = Profile::new(&folder.join("other"));
    drop(
        other
            .create(&new_account(carol), KeyKeeping::Keyring, None)
            .unwrap(),
    );
    other.remove(carol).unwrap();
    profile.open(carol, None).unwrap();

    // Another way of keeping takes the key out of the keyring, and removal does too.
    let key_file = folder.join("profile/accounts").join(CAROL).join("key.json");
    let entry_of = |path: &Path| -> String {
        let text = std::fs::read_to_string(path).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["keeping"]["keyring"]["entry"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let entry = entry_of(&key_file);
    assert_eq!(keyring.load(&entry).unwrap().unwrap().len(), 64);
    profile
        .change_key_keeping(carol, None, KeyKeeping::File, None)
        .unwrap();
    assert_eq!(keyring.load(&entry).unwrap(), None);
    profile.open(carol, None).unwrap();
    profile
        .change_key_keeping(carol, None, KeyKeeping::Keyring, None)
        .unwrap();
    let entry = entry_of(&key_file);
    profile.open(carol, None).unwrap();
    keyring.store(&entry, "A label", &"ab".repeat(32)).unwrap();
    assert!(matches!(
        profile.open(carol, None),
        Err(StoreError::WrongKey)
    ));
    keyring.remove(&entry).unwrap();
    assert!(matches!(
        profile.open(carol, None),
        Err(StoreError::KeyMissing)
    ));
    profile.remove(carol).unwrap();
    println!("child is done");
}

#[test]
fn a_locked_keyring_is_told_apart() {
    if child_folder().is_some() {
        return;
    }
    if !is_installed("dbus-send") {
        println!("skipped: dbus-send is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    if let Some(output) = on_session_bus("child_locks_its_keyring", UNLOCK, home.path()) {
        check(&output);
    }
}

#[test]
fn child_locks_its_keyring() {
    let Some(folder) = child_folder() else { return };
    let profile = Profile::new(&folder.join("profile"));
    let carol = id(CAROL);
    drop(
        profile
            .create(&new_account(carol), KeyKeeping::Keyring, None)
            .unwrap(),
    );
    let locked = Command::new("dbus-send")
        .args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
        ])
        .args([
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
        ])
        .arg("array:objpath:/org/freedesktop/secrets/collection/login")
        .output()
        .unwrap();
    assert!(locked.status.success());
    assert_eq!(
        SecretService::of_session().probe(),
        Err(KeyringError::Locked)
    );
    assert_eq!(profile.preferred_key_keeping(true), KeyKeeping::Passphrase);
    // Nobody is there to be asked for the password: an error, not a wait without end.
    assert!(matches!(
        profile.open(carol, None),
        Err(StoreError::KeyringUnavailable(_))
    ));
    assert!(matches!(
        profile.create(&new_account(id(BOB)), KeyKeeping::Keyring, None),
        Err(StoreError::KeyringUnavailable(_))
    ));
    assert_eq!(profile.list().unwrap().len(), 1);
    println!("child is done");
}

#[test]
fn a_bus_without_keyring_is_unavailable() {
    if child_folder().is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    // A bus that knows no services to start.
    std::fs::write(
        home.path().join("bus.conf"),
        "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>\
         <policy context=\"default\"><allow send_destination=\"*\"/>\
         <allow receive_sender=\"*\"/><allow own=\"*\"/></policy>\
         </busconfig>",
    )
    .unwrap();
    let inner = "dbus-run-session --config-file=\"$HOME/bus.conf\" -- ";
    let name = "child_finds_no_keyring";
    let before = format!("{inner} \"$0\" --exact {name} --nocapture --test-threads=1; exit $?;");
    if let Some(output) = on_session_bus(name, &before, home.path()) {
        check(&output);
    }
}

#[test]
fn child_finds_no_keyring() {
    let Some(folder) = child_folder() else { return };
    let keyring = SecretService::of_session();
    let reason = "org.freedesktop.DBus.Error.ServiceUnknown".to_owned();
    assert_eq!(keyring.probe(), Err(KeyringError::Unavailable { reason }));
    let profile = Profile::new(&folder.join("profile"));
    assert_eq!(profile.preferred_key_keeping(false), KeyKeeping::File);
    let refused = profile.create(&new_account(id(CAROL)), KeyKeeping::Keyring, None);
    assert!(matches!(
        refused,
        Err(StoreError::KeyringUnavailable(
            KeyringError::Unavailable { .. }
        ))
    ));
    assert!(profile.list().unwrap().is_empty());
    println!("child is done");
}
