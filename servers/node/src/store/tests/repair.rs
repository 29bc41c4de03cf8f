//! Damaged files: what can be read is saved, and the store goes on.

use std::fs;
use std::time::Instant;

use rusqlite::Connection;

use super::damage::{Content, Folder, PAGE, all_messages, fill};
use super::*;

/// How long a repair may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a damaged database; whatever it still has must be what was stored, and what it has not
/// must be known. Returns how many messages are missing.
async fn check(folder: &Folder, content: &Content) -> u64 {
    let store = folder.open();
    let found = all_messages(&store).await;
    for (hash, message) in &found {
        assert!(Some(message) == content.messages.get(hash), "changed");
    }
    let missing = (content.messages.len() - found.len()) as u64;
    let health = store.health();
    if missing > 0 {
        assert_eq!(health.repairs, 1);
        assert!(health.rows_lost >= missing, "{health:?}, {missing} missing");
        assert!(store.lacks_data(), "the members are not asked");
    }
    // It works: takes messages and gives them new numbers.
    let new = message(900_000, 77, 0, 10);
    assert!(!insert(&store, new.clone()).await.already);
    assert_eq!(numbers_in(&store, page_of(77, 0)).await, vec![new.hash]);
    store.close().await;
    let connection = Connection::open(folder.database()).unwrap();
    let whole: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    missing
}

#[tokio::test]
async fn any_page_may_be_lost() {
    let (original, content) = Folder::filled(240).await;
    let pages = original.pages();
    assert!(pages > 60, "{pages}");
    let mut most = 0;
    for page in 2..=pages {
        // Nothing SQLite checks tells an overflow page of zeros from one that was always so.
        let overflow = original.page(page)[0] == 0;
        let with = if overflow || page % 2 == 0 { 0xa5 } else { 0 };
        let folder = Folder::snapshot_of(original.path());
        folder.spoil(page, with);
        folder.mark_in_use();
        let missing = check(&folder, &content).await;
        most = most.max(missing);
        let first_byte = original.page(page)[0];
        // A leaf holds rows, an overflow page a part of one. Only of the page above all rows
        // may more be lost.
        if first_byte != 0x05 {
            let rows = 20 * PAGE / 4096;
            assert!(missing <= rows, "page {page} of {pages}: {missing}");
        }
    }
    assert!(most > 0, "no page had a message on it");
}

#[tokio::test]
async fn the_last_page_and_two_pages_apart() {
    let (original, content) = Folder::filled(300).await;
    let pages = original.pages();
    for spoilt in [
        vec![pages],
        vec![pages / 2, pages / 2 + 2],
        vec![pages / 3, pages],
    ] {
        let folder = Folder::snapshot_of(original.path());
        for page in spoilt {
            folder.spoil(page, 0xff);
        }
        folder.mark_in_use();
        assert!(check(&folder, &content).await < 40);
    }
}

#[tokio::test]
async fn an_index_costs_nothing() {
    let (folder, content) = Folder::filled(300).await;
    let connection = Connection::open(folder.database()).unwrap();
    let roots: Vec<u32> = connection
        .prepare("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('messages', 'owners') OR name IN ('by_hash', 'by_owner')")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    drop(connection);
    assert_eq!(roots.len(), 5);
    for root in roots {
        folder.spoil(root.into(), 0x11);
    }
    folder.mark_in_use();
    let store = folder.open();
    assert!(all_messages(&store).await == content.messages);
    let health = store.health();
    assert_eq!((health.repairs, health.rows_lost), (1, 0));
    assert!(health.rows_saved >= 300);
    assert!(!store.lacks_data());
    assert_eq!(store.number("swarm").await.unwrap(), Some(5));
    assert_eq!(store.waiting_count().await.unwrap(), 600 + 20);
    assert_eq!(store.revoked(owner(7)).await.unwrap().len(), 1);
    assert_eq!(folder.set_aside(), 1);
    let pushed = StoredMessage {
        hash: hash(1_000_003),
        timestamp: NOW,
        ..message(1, 3, 0, 10)
    };
    // The deletion of it is still known.
    assert_eq!(store.insert_bulk(vec![pushed]).await.unwrap(), 0);
}

/// Who had which message is lost with the number that said so.
#[tokio::test]
async fn when_the_numbers_are_lost_members_get_everything() {
    let (folder, content) = Folder::filled(50).await;
    let connection = Connection::open(folder.database()).unwrap();
    let root: u32 = connection
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'numbers'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(connection);
    folder.spoil(root.into(), 0x11);
    folder.mark_in_use();
    let store = folder.open();
    assert_eq!(store.health().repairs, 1);
    assert!(all_messages(&store).await == content.messages);
    store.queue_doubtful(vec![peer(5)]).await.unwrap();
    let dumps = store.dumps().await.unwrap();
    let (messages, _) = store.dump_page(dumps[0], usize::MAX).await.unwrap();
    assert_eq!((dumps.len(), messages.len()), (1, content.messages.len()));
}

#[tokio::test]
async fn a_file_of_nothing_and_a_file_of_garbage() {
    for content in [
        Vec::new(),
        vec![0x5a; 50_000],
        b"SQLite format 3\0".to_vec(),
    ] {
        let (folder, _) = Folder::filled(10).await;
        fs::write(folder.database(), &content).unwrap();
        let store = folder.open();
        assert_eq!(store.message_count().await.unwrap(), 0);
        assert!(store.lacks_data());
        let health = store.health();
        assert_eq!(health.repairs, 1);
        assert!(health.rows_lost > 0);
        insert(&store, message(1, 1, 0, 10)).await;
        store.close().await;
        assert_eq!(folder.set_aside(), 1);
        let again = folder.open();
        assert_eq!(again.health(), StoreHealth::default());
        assert_eq!(again.message_count().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn the_first_page_costs_everything_but_the_start() {
    let (folder, content) = Folder::filled(50).await;
    folder.spoil(1, 0);
    assert_eq!(check(&folder, &Content::default()).await, 0);
    assert!(!content.messages.is_empty());
}

#[tokio::test]
async fn a_file_that_has_lost_its_end() {
    let (original, content) = Folder::filled(600).await;
    for part in [1, 2, 3] {
        let folder = Folder::snapshot_of(original.path());
        folder.cut(&folder.database(), original.pages() * part / 4 * PAGE + 100);
        let missing = check(&folder, &content).await;
        assert!(missing > 0 && missing < 600, "{missing}");
    }
}

/// A store whose log holds half of what it has.
async fn with_log() -> (tempfile::TempDir, Store, Content, Content) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let before = fill(&store, 0..100).await;
    store
        .writer
        .write(|conn| {
            conn.pragma_update(None, "wal_autocheckpoint", 0)?;
            Ok(())
        })
        .await
        .unwrap();
    // Not inside a transaction.
    Connection::open(dir.path().join("node.db"))
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap();
    let mut all = fill(&store, 100..200).await;
    all.messages.extend(before.messages.clone());
    (dir, store, before, all)
}

#[tokio::test]
async fn a_log_that_is_missing_or_cut() {
    let (dir, store, before, all) = with_log().await;
    let whole = Folder::snapshot_of(dir.path());
    let length = fs::metadata(whole.log()).unwrap().len();
    assert!(length > 50_000);
    assert_eq!(check(&whole, &all).await, 0);

    let missing = Folder::snapshot_of(dir.path());
    fs::remove_file(missing.log()).unwrap();
    assert_eq!(check(&missing, &before).await, 0);

    // What was committed after the cut is gone as after a power cut; nothing else is.
    for part in 1..8 {
        let cut = Folder::snapshot_of(dir.path());
        cut.cut(&cut.log(), length * part / 8 + 11);
        let store = cut.open();
        assert_eq!(store.health().repairs, 0);
        let found = all_messages(&store).await;
        assert!(found.len() >= 100 && found.len() <= 200);
        for (hash, message) in before.messages.iter().chain(&found) {
            assert!(found.get(hash) == Some(message));
            assert!(all.messages.get(hash) == Some(message));
        }
    }

    // The beginning of the file is gone, the log is there.
    let empty = Folder::snapshot_of(dir.path());
    empty.cut(&empty.database(), 0);
    let store_without_file = empty.open();
    let health = store_without_file.health();
    assert_eq!(health.repairs, 1);
    assert!(health.rows_saved > 0 && health.rows_lost > 0, "{health:?}");
    for (hash, message) in all_messages(&store_without_file).await {
        assert!(all.messages.get(&hash) == Some(&message));
    }
    store.kill();
}

#[tokio::test]
async fn half_of_a_log_in_the_file_and_the_log_gone() {
    let (dir, store, _, all) = with_log().await;
    let older = Folder::snapshot_of(dir.path());
    store.close().await;
    // The file now has everything. Every second page as it was before.
    let torn = Folder::snapshot_of(dir.path());
    let pages = older.pages();
    for page in (1..=pages).step_by(2) {
        let bytes = older.page(page);
        let mut file = fs::File::options()
            .write(true)
            .open(torn.database())
            .unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start((page - 1) * PAGE)).unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
    }
    torn.mark_in_use();
    let store = torn.open();
    assert_eq!(store.health().repairs, 1);
    for (hash, message) in all_messages(&store).await {
        assert!(all.messages.get(&hash) == Some(&message));
    }
}

#[tokio::test]
async fn damage_met_while_serving_is_repaired_while_serving() {
    let (folder, content) = Folder::filled(300).await;
    let middle = (2..folder.pages())
        .filter(|page| folder.page(*page)[0] == 0x0d)
        .nth(12)
        .unwrap();
    folder.spoil(middle, 0x77);
    // Closed in order: nothing looks through it at the start.
    let store = folder.open();
    assert_eq!(store.health(), StoreHealth::default());
    let deadline = Instant::now() + PATIENCE;
    let mut refused = 0;
    while store.health().repairs == 0 {
        assert!(Instant::now() < deadline);
        for byte in 0..40 {
            refused += u32::from(store.page(page_of(byte, 0)).await.is_err());
        }
        let _ = store.message_count().await;
    }
    assert!(refused > 0);
    let found = all_messages(&store).await;
    let lost = store.health().rows_lost;
    assert!(lost > 0);
    assert!(found.len() as u64 + lost >= 300 && found.len() > 250);
    for (hash, message) in &found {
        assert!(content.messages.get(hash) == Some(message));
    }
    insert(&store, message(5_000, 1, 0, 10)).await;
    store.close().await;
    let again = folder.open();
    assert_eq!(again.message_count().await.unwrap(), found.len() as u64 + 1);
    assert_eq!(again.health(), StoreHealth::default());
    assert_eq!(again.number("swarm").await.unwrap(), None);
}

#[tokio::test]
async fn a_large_file_is_checked_while_it_serves() {
    let (folder, content) = Folder::filled(3_000).await;
    assert!(folder.pages() * PAGE > 4 * 1024 * 1024);
    folder.mark_in_use();
    let store = folder.open();
    assert!(all_messages(&store).await == content.messages);
    let deadline = Instant::now() + PATIENCE;
    while !store.health.is_sound() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    store.close().await;

    // The same with damage nobody asks for.
    let last = folder.pages();
    folder.spoil(last, 0x33);
    folder.mark_in_use();
    let store = folder.open();
    while store.health().repairs == 0 {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert!(all_messages(&store).await.len() > 2_900);
    drop(store);

    // Broken off: the next start checks again.
    folder.mark_in_use();
    let store = folder.open();
    store.close().await;
    let store = folder.open();
    drop(store);
}

#[tokio::test]
async fn an_interrupted_repair_is_ended() {
    let (folder, content) = Folder::filled(40).await;
    // All but the last step was done.
    let recovered = folder.path().join("node.db.recovered");
    fs::rename(folder.database(), &recovered).unwrap();
    fs::write(folder.path().join("node.db.salvage"), "a part").unwrap();
    let store = folder.open();
    assert!(all_messages(&store).await == content.messages);
    store.close().await;
    assert!(!recovered.exists());
    assert!(!folder.path().join("node.db.salvage").exists());

    // The damaged file was still there.
    fs::rename(folder.database(), &recovered).unwrap();
    fs::write(folder.database(), vec![9; 8192]).unwrap();
    fs::write(folder.log(), vec![9; 8192]).unwrap();
    let store = folder.open();
    assert!(all_messages(&store).await == content.messages);
    assert_eq!(folder.set_aside(), 1);
}

#[tokio::test]
async fn only_some_damaged_files_are_kept() {
    let (folder, _) = Folder::filled(3).await;
    for seconds in 1..=5 {
        let name = format!("node.db.damaged-{seconds}");
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::write(folder.path().join("node.db.damaged-notes"), "x").unwrap();
    folder.spoil(1, 1);
    drop(folder.open());
    let kept = file::set_aside(&folder.database());
    assert_eq!(kept.len(), 3);
    assert!(kept[0].ends_with("node.db.damaged-4"));
    assert!(folder.path().join("node.db.damaged-notes").exists());
}

#[tokio::test]
async fn nobody_opens_it_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let limits = StoreLimits {
        readers: 1,
        writer_queue: 1,
        max_database_bytes: 1 << 30,
    };
    let path = dir.path().join("node.db");
    let second = Store::open(&path, limits);
    assert!(matches!(second, Err(StoreError::InUse)));
    store.kill();
    let third = Store::open(&path, limits).unwrap();
    drop(third);
    drop(Store::open(&path, limits).unwrap());
}
