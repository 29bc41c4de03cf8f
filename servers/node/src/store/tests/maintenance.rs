//! What an operator does with the database.

use std::fs;

use rusqlite::Connection;

use super::damage::{Content, Folder, fill, real_message};
use super::*;
use crate::node::DATABASE_FILE;
use crate::store::maintenance::{
    MaintenanceError, Progress, Verified, compact, repair, stats, verify,
};
use crate::store::schema::Form;

/// A node's folder with a filled database that was closed in order.
async fn folder(messages: u32) -> (tempfile::TempDir, Content) {
    folder_of(Form::Two, messages).await
}

/// The same in an older form or the newest.
async fn folder_of(form: Form, messages: u32) -> (tempfile::TempDir, Content) {
    let dir = tempfile::tempdir().unwrap();
    if form == Form::One {
        schema::prepare_form_one(&dir.path().join(DATABASE_FILE));
    }
    let store = open_in(&dir);
    let content = fill(&store, 0..messages).await;
    store.close().await;
    (dir, content)
}

fn open_in(dir: &tempfile::TempDir) -> Store {
    let limits = StoreLimits {
        readers: 2,
        writer_queue: 100,
        max_database_bytes: 1 << 30,
    };
    Store::open(&dir.path().join(DATABASE_FILE), limits).unwrap()
}

fn look(dir: &tempfile::TempDir) -> Verified {
    verify(dir.path(), NOW, &mut |_| {}).unwrap()
}

#[tokio::test]
async fn stats_count_everything_while_the_node_runs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(&dir);
    fill(&store, 0..70).await;
    for (number, namespace) in [(100, 2), (101, -21), (102, -10)] {
        insert(&store, message(number, 50, namespace, 1000)).await;
    }
    let mut expired = message(103, 51, 11, 10);
    expired.expiry = NOW;
    insert(&store, expired).await;
    let mut late = message(104, 51, 11, 10);
    late.expiry = NOW.plus(Duration::from_secs(25 * 3600));
    late.timestamp = Timestamp::from_ms(77);
    insert(&store, late).await;

    let found = stats(dir.path(), NOW).unwrap();
    assert_eq!(found.messages, 75);
    assert_eq!(found.owners, 42);
    assert_eq!(found.message_bytes, 10 * 9_000 + 60 * 200 + 3 * 1000 + 20);
    assert_eq!(found.public_inbox.messages, 70);
    assert_eq!((found.private.messages, found.private.bytes), (3, 1020));
    assert_eq!(found.public_outbox.messages, 1);
    assert_eq!(found.legacy_group.bytes, 1000);
    assert_eq!(found.oldest_ms, Some(77));
    assert_eq!(found.newest_ms, Some(NOW.as_ms() + 103));
    assert_eq!(found.expired, 1);
    assert_eq!(found.expiring_within_a_day, 73);
    assert_eq!(found.deliveries_waiting, 140 + 20);
    assert_eq!(found.revocations, 20);
    assert_eq!(found.deletions, 40);
    assert_eq!((found.set_aside, found.free_pages), (0, 0));
    assert_eq!(found.page_bytes, 8192);
    store.close().await;
    fs::write(dir.path().join("storage.db.damaged-5"), [0; 100]).unwrap();
    let found = stats(dir.path(), NOW).unwrap();
    assert_eq!((found.set_aside, found.set_aside_bytes), (1, 100));
    assert!(found.file_bytes > 100_000);
}

#[tokio::test]
async fn verify_finds_nothing_in_a_good_database() {
    let (dir, _) = folder(50).await;
    let mut steps = Vec::new();
    let found = verify(dir.path(), NOW, &mut |step| steps.push(step)).unwrap();
    assert!(found.is_in_order(), "{found:?}");
    assert_eq!((found.messages, found.owners), (50, 40));
    assert_eq!(steps.first(), Some(&Progress::Structure));
    assert!(steps.contains(&Progress::Messages { done: 0, total: 50 }));
}

#[tokio::test]
async fn verify_finds_rows_that_break_a_rule_and_repair_drops_them() {
    for form in [Form::One, Form::Two] {
        rows_that_break_a_rule(form).await;
    }
}

async fn rows_that_break_a_rule(form: Form) {
    let (dir, content) = folder_of(form, 50).await;
    let connection = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             DROP TRIGGER IF EXISTS owner_goes_with_last_message;
             UPDATE messages SET data = zeroblob(length(data)) WHERE id = 3;
             UPDATE messages SET data = zeroblob(80000) WHERE id = 4;
             UPDATE messages SET timestamp = -1 WHERE id = 5;
             UPDATE messages SET expiry = expiry + 40 * 86400000 WHERE id = 6;
             UPDATE messages SET namespace = 100000 WHERE id = 7;
             UPDATE messages SET owner = 4711 WHERE id = 8;
             UPDATE owners SET position = position + 1 WHERE id = 9;
             INSERT INTO owners (pubkey, position) VALUES (zeroblob(33), 1), (x'05', 1);
             UPDATE sqlite_sequence SET seq = 49 WHERE name = 'messages';
             INSERT INTO revocations (pubkey, token, timestamp, revoked) VALUES (x'05', x'', 1, 2);
             INSERT INTO pending_deliveries (peer, message) VALUES (x'07', 1);",
        )
        .unwrap();
    drop(connection);
    let found = look(&dir);
    assert!(!found.is_in_order());
    let rows: Vec<(&str, u64)> = found
        .rows
        .iter()
        .map(|(rule, count)| (rule.as_str(), *count))
        .collect();
    let mut wanted = vec![
        ("malformed deliveries", 1),
        ("malformed owners", 1),
        ("malformed revocations", 1),
        ("message numbers that would be used again", 1),
        ("messages in a namespace that does not exist", 1),
        ("messages that are too large", 1),
        ("messages that expire too late", 1),
        ("messages whose content does not have their hash", 1),
        ("messages with a time that does not exist", 1),
        ("messages without an owner", 1),
        ("owners at the wrong place in swarm space", 2),
        ("owners without messages", 2),
    ];
    // Messages of the second form are counted without a number that could be wrong.
    wanted.retain(|(rule, _)| form == Form::One || !rule.starts_with("message numbers"));
    assert_eq!(rows, wanted);
    let repaired = repair(dir.path()).unwrap();
    assert_eq!((repaired.messages_saved, repaired.messages_lost), (45, 5));
    assert_eq!(repaired.others_lost, 2);
    let found = look(&dir);
    let rules: Vec<&String> = found.rows.keys().collect();
    assert_eq!(rules, ["messages that expire too late"], "{found:?}");
    assert_eq!(found.messages, 45);
    let store = open_in(&dir);
    assert_eq!(store.message_count().await.unwrap(), 45);
    assert_eq!(store.number("swarm").await.unwrap(), None);
    assert_eq!(content.messages.len(), 50);
}

#[tokio::test]
async fn verify_finds_damage_of_every_kind() {
    let (original, _) = Folder::filled(200).await;
    let pages = original.pages();
    let damaged = |damage: &dyn Fn(&Folder)| {
        let copy = Folder::snapshot_of(original.path());
        damage(&copy);
        let dir = tempfile::tempdir().unwrap();
        fs::copy(copy.database(), dir.path().join(DATABASE_FILE)).unwrap();
        let found = look(&dir);
        assert!(!found.is_in_order());
        repair(dir.path()).unwrap();
        assert!(look(&dir).is_in_order());
    };
    damaged(&|folder| folder.spoil(1, 0));
    damaged(&|folder| folder.spoil(2, 0xff));
    damaged(&|folder| folder.spoil(pages / 2, 0xff));
    damaged(&|folder| folder.spoil(pages, 0xff));
    damaged(&|folder| folder.cut(&folder.database(), 0));
    damaged(&|folder| folder.cut(&folder.database(), 100_000));
    // What no structure shows: the last page of a long message.
    let overflow = (2..pages)
        .rev()
        .find(|page| original.page(*page)[..4] == [0; 4] && original.page(*page)[4] == 7)
        .unwrap();
    damaged(&|folder| folder.spoil(overflow, 0));
}

#[tokio::test]
async fn compact_gives_space_back_and_keeps_everything() {
    let (dir, content) = folder(300).await;
    let kept = owner(3);
    let store = open_in(&dir);
    for byte in (0..40).filter(|byte| *byte != 3) {
        store
            .delete_range(owner(byte), None, None, NOW, OutgoingCommand::none())
            .await
            .unwrap();
    }
    let before = store.page(page_of(3, 0)).await.unwrap();
    assert!(matches!(
        compact(dir.path(), &mut |_| {}),
        Err(MaintenanceError::InUse)
    ));
    assert!(matches!(repair(dir.path()), Err(MaintenanceError::InUse)));
    store.kill();
    assert!(stats(dir.path(), NOW).unwrap().free_bytes > 100 * 4096);
    fs::write(dir.path().join("storage.db.compacted"), "left behind").unwrap();
    let compacted = compact(dir.path(), &mut |_| {}).unwrap();
    assert!(compacted.bytes_after * 3 < compacted.bytes_before);
    assert_eq!(compacted.messages, before.messages.len() as u64);
    assert!(!dir.path().join("storage.db.compacted").exists());
    assert!(look(&dir).is_in_order());
    assert_eq!(stats(dir.path(), NOW).unwrap().free_pages, 0);

    let store = open_in(&dir);
    assert_eq!(store.page(page_of(3, 0)).await.unwrap(), before);
    assert_eq!(store.number("swarm").await.unwrap(), Some(5));
    // Numbers go on where they were: the last message had the highest and is deleted.
    let newest = real_message(9_999, 3, 10);
    let last = before.messages.last().unwrap().hash.clone();
    insert(&store, newest.clone()).await;
    let after = PageRequest {
        last_hash: Some(last),
        ..page_of(3, 0)
    };
    assert_eq!(numbers_in(&store, after).await, [newest.hash]);
    let id: i64 = store
        .read(|conn| conn.query_row("SELECT MAX(id) FROM messages", [], |row| row.get(0)))
        .await
        .unwrap();
    assert_eq!(id, 301);
    assert!(content.messages.values().any(|m| m.owner == kept));
}

#[tokio::test]
async fn folders_and_files_that_are_not_a_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let missing = |error: MaintenanceError| matches!(error, MaintenanceError::Missing);
    assert!(missing(stats(dir.path(), NOW).unwrap_err()));
    assert!(missing(verify(dir.path(), NOW, &mut |_| {}).unwrap_err()));
    assert!(missing(repair(dir.path()).unwrap_err()));
    assert!(missing(compact(dir.path(), &mut |_| {}).unwrap_err()));
    let path = dir.path().join(DATABASE_FILE);

    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(foreign);
    let content = fs::read(&path).unwrap();
    let refused = |error: MaintenanceError| matches!(error, MaintenanceError::Foreign);
    assert!(refused(stats(dir.path(), NOW).unwrap_err()));
    assert!(refused(verify(dir.path(), NOW, &mut |_| {}).unwrap_err()));
    assert!(refused(compact(dir.path(), &mut |_| {}).unwrap_err()));
    assert!(refused(repair(dir.path()).unwrap_err()));
    let tables: u32 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
    assert!(!content.is_empty());

    fs::write(&path, vec![3; 10_000]).unwrap();
    let damaged = |error: MaintenanceError| matches!(error, MaintenanceError::Damaged);
    assert!(damaged(stats(dir.path(), NOW).unwrap_err()));
    assert!(damaged(compact(dir.path(), &mut |_| {}).unwrap_err()));
    assert_eq!(look(&dir).structure.len(), 1);
}
