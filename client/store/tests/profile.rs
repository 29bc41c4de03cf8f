//! Accounts on disk: made, listed, opened, removed, and every way that can be refused.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs;
use std::path::Path;

use fixtures::{ALICE, BOB, CAROL, at, carol, files_below, id, new_account, outgoing, profile};
use session_store::keyring::KeyringError;
use session_store::{KeyKeeping, Profile, Store, StoreError};
use session_types::{ErrorKind, SwarmPubkey};

fn account_folder(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("accounts").join(CAROL)
}

/// Opens and expects a refusal that changed no file and left none behind.
fn refused(data_dir: &Path, passphrase: Option<&str>) -> StoreError {
    let before = files_below(data_dir);
    let error = profile(data_dir).open(id(CAROL), passphrase).unwrap_err();
    let after = files_below(data_dir);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    assert!(
        before == after,
        "a file was changed by a refused opening: {error}"
    );
    error
}

#[test]
fn created_account_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.account_id(), id(CAROL));
    store.set_display_name("Caroline").unwrap();
    drop(store);

    let profile = profile(folder.path());
    let entries = profile.list().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].account_id, id(CAROL));
    assert_eq!(entries[0].key_keeping, KeyKeeping::File);
    assert_eq!(entries[0].created, at(1_700_000_000_000));

    let identity = profile.open(id(CAROL), None).unwrap().identity().unwrap();
    assert_eq!(identity.account_id, id(CAROL));
    assert_eq!(*identity.seed, [0x17; 16]);
    assert_eq!(identity.display_name, "Caroline");
    assert_eq!(identity.network, "https://seed.example");
    assert_eq!(identity.created_at, at(1_700_000_000_000));
}

#[test]
fn closed_account_is_two_private_files() {
    let folder = tempfile::tempdir().unwrap();
    drop(carol(folder.path()));
    let names: Vec<_> = files_below(&account_folder(folder.path()))
        .into_keys()
        .collect();
    assert_eq!(names, ["account.db", "key.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("accounts")), 0o700);
        assert_eq!(mode(&account_folder(folder.path())), 0o700);
        assert_eq!(
            mode(&account_folder(folder.path()).join("account.db")),
            0o600
        );
        assert_eq!(mode(&account_folder(folder.path()).join("key.json")), 0o600);
        // The log and the index of an open database hold pages too.
        let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
        store.set_setting("a", "b").unwrap();
        assert_eq!(
            mode(&account_folder(folder.path()).join("account.db-wal")),
            0o600
        );
        assert_eq!(
            mode(&account_folder(folder.path()).join("account.db-shm")),
            0o600
        );
    }
}

#[test]
fn existing_account_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(carol(folder.path()));
    let before = files_below(folder.path());
    let again = profile(folder.path()).create(&new_account(id(CAROL)), KeyKeeping::File, None);
    assert!(matches!(again, Err(StoreError::AlreadyExists)));
    assert!(before == files_below(folder.path()));
}

#[test]
fn failed_creation_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    let account = new_account(id(CAROL));
    assert!(matches!(
        profile.create(&account, KeyKeeping::Passphrase, None),
        Err(StoreError::PassphraseRequired)
    ));
    assert!(matches!(
        profile.create(&account, KeyKeeping::File, Some("x")),
        Err(StoreError::PassphraseUnused)
    ));
    let error = profile
        .create(&account, KeyKeeping::Keyring, None)
        .unwrap_err();
    assert!(matches!(
        error,
        StoreError::KeyringUnavailable(KeyringError::Unavailable { .. })
    ));
    assert!(error.kind().is_retryable());
    assert_eq!(
        files_below(folder.path()).into_keys().collect::<Vec<_>>(),
        ["accounts/.lock"]
    );
    assert!(profile.list().unwrap().is_empty());
    assert_eq!(profile.preferred_key_keeping(true), KeyKeeping::Passphrase);
    assert_eq!(profile.preferred_key_keeping(false), KeyKeeping::File);
}

#[test]
fn leftovers_of_a_crash_go_with_the_next_creation() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("accounts/.unfinished-0011223344556677");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("account.db"), b"half").unwrap();
    assert!(profile(folder.path()).list().unwrap().is_empty());
    drop(carol(folder.path()));
    assert!(!left.exists());
}

#[test]
fn wrong_passphrase_is_told_apart_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let created = profile(folder.path()).create(
        &new_account(id(CAROL)),
        KeyKeeping::Passphrase,
        Some("correct horse"),
    );
    drop(created.unwrap());
    let error = refused(folder.path(), Some("battery staple"));
    assert!(matches!(error, StoreError::WrongKey));
    assert_eq!(error.kind(), ErrorKind::Unauthorised);
    assert!(matches!(
        refused(folder.path(), None),
        StoreError::PassphraseRequired
    ));
    profile(folder.path())
        .open(id(CAROL), Some("correct horse"))
        .unwrap();
}

/// Replaces the key in a key file of the `file` way, and gives the text before.
fn replace_key(key_file: &Path) -> String {
    let before = fs::read_to_string(key_file).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&before).unwrap();
    *json.pointer_mut("/keeping/file/key").unwrap() = "ab".repeat(32).into();
    fs::write(key_file, json.to_string()).unwrap();
    before
}

#[test]
fn wrong_key_touches_neither_a_closed_nor_a_crashed_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.queue_outgoing(&outgoing(BOB, "hello", 5)).unwrap();
    let key_file = account_folder(folder.path()).join("key.json");
    // A copy taken while the database is open is what a crash leaves: there is a log.
    let crashed = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), crashed.path());
    drop(store);
    let crashed_key_file = account_folder(crashed.path()).join("key.json");
    assert!(files_below(&account_folder(crashed.path())).contains_key("account.db-wal"));

    let right = replace_key(&key_file);
    assert!(matches!(refused(folder.path(), None), StoreError::WrongKey));
    replace_key(&crashed_key_file);
    assert!(matches!(
        refused(crashed.path(), None),
        StoreError::WrongKey
    ));

    for (data_dir, key_file) in [
        (folder.path(), key_file),
        (crashed.path(), crashed_key_file),
    ] {
        fs::write(key_file, &right).unwrap();
        let store = profile(data_dir).open(id(CAROL), None).unwrap();
        assert_eq!(store.history(&id(BOB), 10, None).unwrap().len(), 1);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for (name, content) in files_below(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn broken_databases_are_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(carol(folder.path()));
    let database = account_folder(folder.path()).join("account.db");
    let whole = fs::read(&database).unwrap();
    let mut other_beginning = whole.clone();
    other_beginning[100] ^= 1;
    let cases: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("ten bytes", whole[..10].to_vec()),
        ("one page", whole[..4096].to_vec()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("text", b"hello world\n".repeat(1000)),
        ("one bit of the first page", other_beginning),
    ];
    for (name, content) in cases {
        fs::write(&database, content).unwrap();
        let error = refused(folder.path(), None);
        assert!(
            matches!(error, StoreError::NotADatabase { .. }),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains("account.db"), "{name}: {error}");
    }
    fs::remove_file(&database).unwrap();
    assert!(matches!(
        refused(folder.path(), None),
        StoreError::Io { .. }
    ));
    fs::write(&database, whole).unwrap();
    profile(folder.path()).open(id(CAROL), None).unwrap();
}

#[test]
fn a_log_is_not_brought_into_a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.set_setting("a", "b").unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), crashed.path());
    drop(store);
    let database = account_folder(crashed.path()).join("account.db");
    let log = account_folder(crashed.path()).join("account.db-wal");
    let right = fs::read(&database).unwrap();
    let text = b"hello world\n".repeat(1000);
    fs::write(&database, &text).unwrap();
    // Without any page of its own in the file or the log, nothing can be read.
    let log_before = fs::read(&log).unwrap();
    fs::write(&log, &log_before[..32]).unwrap();
    let error = profile(crashed.path()).open(id(CAROL), None).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
    assert!(fs::read(&database).unwrap() == text);
    // With both as the crash left them, everything is there.
    fs::write(&database, right).unwrap();
    fs::write(&log, log_before).unwrap();
    let store = profile(crashed.path()).open(id(CAROL), None).unwrap();
    assert_eq!(store.setting("a").unwrap().as_deref(), Some("b"));
}

#[test]
fn a_database_of_another_account_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    drop(carol(folder.path()));
    drop(
        profile
            .create(&new_account(id(BOB)), KeyKeeping::File, None)
            .unwrap(),
    );
    let bobs = folder.path().join("accounts").join(BOB).join("account.db");
    fs::copy(bobs, account_folder(folder.path()).join("account.db")).unwrap();
    assert!(matches!(
        refused(folder.path(), None),
        StoreError::NotADatabase { .. }
    ));
}

#[test]
fn unknown_accounts_and_foreign_folders() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    assert!(profile.list().unwrap().is_empty());
    assert!(matches!(
        profile.open(id(BOB), None),
        Err(StoreError::UnknownAccount)
    ));
    assert!(matches!(
        profile.remove(id(BOB)),
        Err(StoreError::UnknownAccount)
    ));
    drop(carol(folder.path()));
    let accounts = folder.path().join("accounts");
    fs::create_dir(accounts.join("notes")).unwrap();
    fs::create_dir(accounts.join(BOB.to_uppercase())).unwrap();
    fs::create_dir(accounts.join(ALICE)).unwrap();
    assert_eq!(profile.list().unwrap().len(), 1);
    assert!(matches!(
        profile.open(id(ALICE), None),
        Err(StoreError::KeyFile {
            reason: "it is missing",
            ..
        })
    ));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = profile(&file).create(&new_account(id(CAROL)), KeyKeeping::File, None);
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");

    #[cfg(target_os = "linux")]
    {
        // Nobody may make folders here, not even the superuser.
        let data_dir = Path::new("/proc/sys/session");
        let refused = profile(data_dir).create(&new_account(id(CAROL)), KeyKeeping::File, None);
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("/proc/sys/session"), "{error}");
    }
}

#[test]
fn removed_account_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    drop(carol(folder.path()));
    drop(
        profile
            .create(&new_account(id(BOB)), KeyKeeping::File, None)
            .unwrap(),
    );
    profile.remove(id(CAROL)).unwrap();
    assert!(matches!(
        profile.open(id(CAROL), None),
        Err(StoreError::UnknownAccount)
    ));
    assert_eq!(profile.list().unwrap().len(), 1);
    let names: Vec<_> = files_below(folder.path()).into_keys().collect();
    assert_eq!(
        names,
        [
            "accounts/.lock".into(),
            format!("accounts/{BOB}/account.db"),
            format!("accounts/{BOB}/key.json")
        ]
    );
    drop(
        profile
            .create(&new_account(id(CAROL)), KeyKeeping::File, None)
            .unwrap(),
    );
}

#[test]
fn the_way_a_key_is_kept_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    let mut store = carol(folder.path());
    store.set_setting("a", "b").unwrap();
    drop(store);
    let carol = id(CAROL);
    profile
        .change_key_keeping(carol, None, KeyKeeping::Passphrase, Some("one"))
        .unwrap();
    assert_eq!(
        profile.list().unwrap()[0].key_keeping,
        KeyKeeping::Passphrase
    );
    assert!(matches!(
        profile.change_key_keeping(carol, Some("two"), KeyKeeping::File, None),
        Err(StoreError::WrongKey)
    ));
    profile
        .change_key_keeping(carol, Some("one"), KeyKeeping::Passphrase, Some("two"))
        .unwrap();
    assert!(matches!(
        profile.open(carol, Some("one")),
        Err(StoreError::WrongKey)
    ));
    let store = profile.open(carol, Some("two")).unwrap();
    assert_eq!(store.setting("a").unwrap().as_deref(), Some("b"));
    drop(store);
    // The keyring cannot be had here: the passphrase still holds.
    let to_keyring = profile.change_key_keeping(carol, Some("two"), KeyKeeping::Keyring, None);
    assert!(matches!(to_keyring, Err(StoreError::KeyringUnavailable(_))));
    profile
        .change_key_keeping(carol, Some("two"), KeyKeeping::File, None)
        .unwrap();
    profile.open(carol, None).unwrap();
}

#[test]
fn settings_and_state_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    assert_eq!(store.setting("theme").unwrap(), None);
    assert_eq!(store.node_pool().unwrap(), None);
    assert_eq!(store.path_state().unwrap(), None);
    let bob = SwarmPubkey::from(id(BOB));
    assert_eq!(store.swarm(&bob).unwrap(), None);

    store.set_setting("theme", "\"dark\"").unwrap();
    store.set_setting("theme", "\"light\"").unwrap();
    store.set_setting("state/node_pool", "mine").unwrap();
    store.save_node_pool("[1]", at(7)).unwrap();
    store.save_node_pool("[2]", at(8)).unwrap();
    store.save_path_state("{}").unwrap();
    store.save_swarm(&bob, "[3]", at(9)).unwrap();
    drop(store);

    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert_eq!(
        store.setting("theme").unwrap().as_deref(),
        Some("\"light\"")
    );
    assert_eq!(
        store.setting("state/node_pool").unwrap().as_deref(),
        Some("mine")
    );
    let pool = store.node_pool().unwrap().unwrap();
    assert_eq!((pool.json.as_str(), pool.saved_at), ("[2]", at(8)));
    assert_eq!(store.path_state().unwrap().as_deref(), Some("{}"));
    let swarm = store.swarm(&bob).unwrap().unwrap();
    assert_eq!((swarm.json.as_str(), swarm.saved_at), ("[3]", at(9)));
    store.remove_swarm(&bob).unwrap();
    store.remove_setting("theme").unwrap();
    assert_eq!(store.swarm(&bob).unwrap(), None);
    assert_eq!(store.setting("theme").unwrap(), None);
}

#[test]
fn a_store_can_move_to_a_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Store>();
    assert_send::<Profile>();
}
