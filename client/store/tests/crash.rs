//! What was acknowledged is there after the process was killed at any moment.
//!
//! The test starts itself again as a child, reads what the child says it has written, and kills
//! it. The child's test does nothing unless it was started this way.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/schema_one.rs"]
mod schema_one;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fixtures::{
    ALICE, BOB, CAROL, at, carol, delivered, from, hash, id, ingest, item, new_account, outgoing,
    profile,
};
use session_store::{JobKind, KeyKeeping, LastHash, MessageId, MessageState};
use session_types::{AccountId, Namespace, SwarmPubkey};

/// Names the data folder of a child.
const CHILD: &str = "SESSION_STORE_CRASH_CHILD";
const ROUNDS: u64 = 12;
const SIGKILL: i32 = 9;

fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Says on the standard output that something is on disk.
fn acknowledge(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ack {line}").unwrap();
    out.flush().unwrap();
}

/// Starts the test `name` of this file as a child, reads until it acknowledged `count` things,
/// lets it run on for a moment, kills it, and gives everything it acknowledged.
fn killed_child(name: &str, folder: &Path, count: usize, more: Duration) -> Vec<String> {
    let mut child = start_child(name, folder);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < count {
        // Output ends when the child does, which it must not do by itself.
        let line = lines.next().expect("the child stopped by itself");
        acknowledged.extend(line.strip_prefix("ack ").map(str::to_owned));
    }
    // Not a wait for anything: it decides at which point of its work the child is hit.
    std::thread::sleep(more);
    child.kill().unwrap();
    let rest: Vec<String> = lines.collect();
    acknowledged.extend(
        rest.iter()
            .filter_map(|l| l.strip_prefix("ack "))
            .map(str::to_owned),
    );
    assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
    acknowledged
}

fn start_child(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn random(below: u64) -> u64 {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}

#[test]
fn child_writes_messages() {
    let Some(folder) = child_folder() else { return };
    let mut store = profile(&folder).open(id(CAROL), None).unwrap();
    let owner = SwarmPubkey::from(id(CAROL));
    for _ in 0..1_000_000 {
        let number = random(u64::MAX);
        let to = if number.is_multiple_of(2) { BOB } else { ALICE };
        let queued = store.queue_outgoing(&outgoing(to, "words", 1000)).unwrap();
        acknowledge(&format!("queued {} {}", queued.id, queued.sent_at));

        if let Some(job) = store.due_jobs(at(1_000_000)).unwrap().first() {
            // A hash of its own: one that was seen is not taken in again below.
            store.job_succeeded(job.id, &delivered(!number)).unwrap();
            acknowledge(&format!("{:?} {}", job.kind, job.message.unwrap()));
        }

        let last = LastHash {
            node: fixtures::node(1),
            owner,
            namespace: Namespace::DEFAULT,
            hash: hash(number),
            expires_at: at(u64::MAX),
        };
        let poll = [item(number, from(BOB, number >> 2, "answer"))];
        ingest(&mut store, &poll, &[last]);
        acknowledge(&format!("ingested {number}"));
    }
}

#[test]
fn acknowledged_messages_survive_a_kill() {
    if child_folder().is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    drop(carol(folder.path()));
    let mut times = BTreeSet::new();
    for round in 0..ROUNDS {
        let count = usize::try_from(1 + random(40)).unwrap();
        let more = Duration::from_micros(random(20_000));
        let acknowledged = killed_child("child_writes_messages", folder.path(), count, more);
        println!(
            "round {round}: {} acknowledged, killed {more:?} after {count}",
            acknowledged.len()
        );
        let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
        let mut last_ingested = None;
        for line in &acknowledged {
            let mut words = line.split(' ');
            let (what, number) = (words.next().unwrap(), words.next().unwrap());
            if what == "ingested" {
                let number: u64 = number.parse().unwrap();
                assert!(
                    store.has_seen(Namespace::DEFAULT, &hash(number)).unwrap(),
                    "{line}"
                );
                let row = store.message_by_sender(&id(BOB), at(number >> 2)).unwrap();
                assert_eq!(row.unwrap().body, "answer", "{line}");
                last_ingested = Some(number);
                continue;
            }
            let message = MessageId::new(number.parse().unwrap());
            let row = store
                .message(message)
                .unwrap()
                .expect("an acknowledged message is lost");
            match what {
                "queued" => {
                    let sent_at = words.next().unwrap().parse().unwrap();
                    assert_eq!(row.sent_at, at(sent_at), "{line}");
                    assert!(times.insert(sent_at), "a sent time was given out twice");
                }
                "Deliver" | "SyncCopy" => assert_eq!(row.state, MessageState::Sent, "{line}"),
                other => panic!("unexpected acknowledgement {other}"),
            }
        }
        if let Some(number) = last_ingested {
            check_last_hash(&store, number);
        }
        check_nothing_is_half_done(&store);
        let next = store.allocate_sent_at(at(0)).unwrap().as_ms();
        assert!(times.last().is_none_or(|last| next > *last));
        times.insert(next);
    }
}

/// The message behind the last hash is there: both come in one transaction.
fn check_last_hash(store: &session_store::Store, acknowledged: u64) {
    let owner = SwarmPubkey::from(id(CAROL));
    let last = store
        .last_hash(&fixtures::node(1), &owner, Namespace::DEFAULT, at(0))
        .unwrap()
        .expect("the last hash is lost");
    if last != hash(acknowledged) {
        // A poll that was committed but not acknowledged any more.
        assert!(store.has_seen(Namespace::DEFAULT, &last).unwrap());
    }
}

/// A message is being sent exactly while its delivery is queued.
fn check_nothing_is_half_done(store: &session_store::Store) {
    for conversation in [BOB, ALICE] {
        for row in store.history(&id(conversation), u32::MAX, None).unwrap() {
            assert_eq!(row.hash.is_none(), row.state == MessageState::Sending);
        }
    }
    for job in store.due_jobs(at(1_000_000)).unwrap() {
        let row = store
            .message(job.message.unwrap())
            .unwrap()
            .expect("a job without its message");
        assert_eq!(
            row.state == MessageState::Sending,
            job.kind == JobKind::Deliver
        );
    }
}

#[test]
fn child_opens_an_old_database() {
    let Some(folder) = child_folder() else { return };
    // Ends the line on which the harness says which test begins.
    println!();
    acknowledge("begins");
    let store = profile(&folder).open(id(CAROL), None).unwrap();
    acknowledge("opened");
    // Waits for the kill, with the database open.
    let mut end = String::new();
    std::io::stdin().read_line(&mut end).unwrap();
    drop(store);
}

#[test]
fn a_killed_migration_is_done_or_not_begun() {
    if child_folder().is_some() {
        return;
    }
    const MESSAGES: i64 = 2000;
    let (mut untouched, mut done) = (0, 0);
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let old = schema_one::create(folder.path());
        old.execute_batch("BEGIN").unwrap();
        for number in 0..MESSAGES {
            let message = schema_one::message(&old, BOB, CAROL, number, "some words", 0);
            schema_one::job(&old, message, 0, BOB, true, b"");
            schema_one::job(&old, message, 1, CAROL, false, b"");
        }
        old.execute_batch("COMMIT").unwrap();
        drop(old);
        // A migration of so many takes about half of the longest wait.
        let more = Duration::from_micros(random(100_000));
        let acknowledged = killed_child("child_opens_an_old_database", folder.path(), 1, more);

        let left = schema_one::open(folder.path());
        let schema = schema_one::schema(&left);
        println!("round {round}: schema {schema}, killed {more:?} after the beginning");
        let count = |sql: &str| -> i64 { left.query_row(sql, (), |row| row.get(0)).unwrap() };
        assert_eq!(count("SELECT count(*) FROM messages"), MESSAGES);
        assert_eq!(count("SELECT count(*) FROM outbox"), 2 * MESSAGES);
        let new = count("SELECT count(*) FROM sqlite_schema WHERE name = 'message_words'");
        let old = count("SELECT count(*) FROM sqlite_schema WHERE name = 'received_configs'");
        match schema {
            1 => {
                assert_eq!((new, old), (0, 1));
                assert!(acknowledged.iter().all(|line| line != "opened"));
                untouched += 1;
            }
            2..=6 => {
                assert_eq!((new, old), (1, 0));
                // One step may be done and the next not begun.
                let files = count("SELECT count(*) FROM sqlite_schema WHERE name = 'files'");
                assert_eq!(files, i64::from(schema >= 3));
                let drafts = "SELECT count(*) FROM sqlite_schema WHERE name = 'draft_files'";
                assert_eq!(count(drafts), i64::from(schema >= 4));
                let heard = "SELECT count(*) FROM pragma_table_info('files') WHERE name = 'heard'";
                assert_eq!(count(heard), i64::from(schema >= 5));
                assert!(schema == 6 || acknowledged.iter().all(|line| line != "opened"));
                done += 1;
            }
            other => panic!("schema {other}"),
        }
        drop(left);
        let store = profile(folder.path()).open(id(CAROL), None).unwrap();
        assert_eq!(store.job_count().unwrap(), 2 * MESSAGES.unsigned_abs());
        assert_eq!(store.search("words", None, u32::MAX).unwrap().len(), 2000);
    }
    println!("{untouched} untouched, {done} done");
}

#[test]
fn child_makes_accounts() {
    let Some(folder) = child_folder() else { return };
    let profile = profile(&folder);
    for _ in 0..1_000_000 {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key).unwrap();
        let account_id = AccountId::from_x25519(key.into());
        drop(
            profile
                .create(&new_account(account_id), KeyKeeping::File, None)
                .unwrap(),
        );
        acknowledge(&account_id.to_hex());
        if key[0].is_multiple_of(4) {
            profile.remove(account_id).unwrap();
            acknowledge(&format!("-{account_id}"));
        }
    }
}

#[test]
fn a_killed_creation_leaves_whole_accounts_or_none() {
    if child_folder().is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path());
    for round in 0..ROUNDS {
        let count = usize::try_from(1 + random(4)).unwrap();
        let more = Duration::from_micros(random(60_000));
        let acknowledged = killed_child("child_makes_accounts", folder.path(), count, more);
        println!(
            "round {round}: {} acknowledged, killed {more:?} after {count}",
            acknowledged.len()
        );
        let listed: BTreeSet<_> = profile
            .list()
            .unwrap()
            .into_iter()
            .map(|entry| entry.account_id)
            .collect();
        for (index, line) in acknowledged.iter().enumerate() {
            if let Some(removed) = line.strip_prefix('-') {
                assert!(!listed.contains(&id(removed)));
            } else {
                let account_id = id(line);
                let last = index + 1 == acknowledged.len();
                // The last one may be on its way out again.
                let removed = acknowledged.contains(&format!("-{line}"));
                assert!(listed.contains(&account_id) || removed || last);
            }
        }
        for account_id in listed {
            let store = profile
                .open(account_id, None)
                .expect("a listed account does not open");
            assert_eq!(*store.identity().unwrap().seed, [0x17; 16]);
            drop(store);
            profile.remove(account_id).unwrap();
        }
    }
    // Creating sweeps away what the kills left.
    drop(carol(folder.path()));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("accounts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock" && name != CAROL)
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
