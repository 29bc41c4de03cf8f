//! Expiry of many messages, and databases and disks without space.

use std::time::Instant;

use super::checkpoint::MOVE_AT;
use super::damage::{Folder, all_messages, fill, real_message};
use super::*;

/// So many rows unless the environment says otherwise: a large number is for measurements.
fn rows(default: u32) -> u32 {
    std::env::var("SESSION_STORE_ROWS").map_or(default, |text| text.parse().unwrap())
}

/// Fills a database with small messages of many owners, fast.
async fn many(store: &Store, rows: u32) {
    for from in (0..rows).step_by(2_000) {
        let batch = (from..rows.min(from + 2_000)).map(|number| {
            let mut row = real_message(number, 0, 400);
            row.owner = SwarmPubkey::new(network_prefix::ACCOUNT, {
                let mut key = [9; 32];
                key[..4].copy_from_slice(&(number % (rows / 20 + 1)).to_be_bytes());
                key
            });
            row.hash = session_crypto::hash::message_hash(&row.owner, row.namespace, &row.data);
            row
        });
        store.insert_bulk(batch.collect()).await.unwrap();
    }
}

/// `SESSION_STORE_ROWS=1000000 cargo test --release -p session-node --lib the_sweep -- --nocapture`
/// measures it with a million messages.
#[tokio::test]
async fn the_sweep_lets_writes_pass() {
    let rows = rows(6_000);
    let dir = tempfile::tempdir().unwrap();
    let limits = StoreLimits {
        readers: 2,
        writer_queue: 100,
        max_database_bytes: 64 << 30,
    };
    let store = Store::open(&dir.path().join("node.db"), limits).unwrap();
    many(&store, rows).await;
    assert_eq!(store.message_count().await.unwrap(), u64::from(rows));
    let later = NOW.plus(Duration::from_secs(100_000_000));
    let began = Instant::now();
    let sweeping = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut steps = Vec::new();
            loop {
                let deleted = store.sweep(later, 2_000).await.unwrap();
                if deleted == 0 {
                    return steps;
                }
                steps.push(deleted);
            }
        })
    };
    let mut waits = Vec::new();
    let mut number = 0;
    while !sweeping.is_finished() {
        let mut row = real_message(1_000_000_000 + number, 200, 400);
        row.expiry = later.plus(Duration::from_secs(1));
        let asked = Instant::now();
        assert!(!insert(&store, row).await.already);
        waits.push(asked.elapsed());
        number += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    let steps = sweeping.await.unwrap();
    assert_eq!(steps.iter().sum::<usize>(), rows as usize);
    assert!(steps.iter().all(|deleted| *deleted <= 2_000));
    // While it swept, writes were done, not after it: at least one for every few steps.
    assert!(
        waits.len() * 10 >= steps.len(),
        "{} {}",
        waits.len(),
        steps.len()
    );
    assert_eq!(store.message_count().await.unwrap(), u64::from(number));
    waits.sort_unstable();
    println!(
        "{rows} messages swept in {took:?}, {} steps; {} writes meanwhile, waits: median {:?}, 99 % {:?}, longest {:?}",
        steps.len(),
        waits.len(),
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits[waits.len() - 1],
    );
}

#[tokio::test]
async fn a_long_log_is_moved_beside_the_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut number = 0;
    while store.health.log_pages() < MOVE_AT {
        assert!(number < 2_000, "{} pages", store.health.log_pages());
        insert(&store, real_message(number, 0, 70_000)).await;
        number += 1;
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.health.log_pages() > 0 {
        assert!(Instant::now() < deadline, "nothing moves the log");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    insert(&store, real_message(number, 0, 70_000)).await;
    let anew = store.health.log_pages();
    assert!((1..MOVE_AT / 8).contains(&anew), "{anew} pages");
}

#[tokio::test]
async fn the_sweep_waits_while_the_log_is_long() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let sweep = store.sweep(NOW, 500);
    tokio::pin!(sweep);
    store.health.set_log_pages(u32::MAX);
    let moment = Duration::from_millis(100);
    let early = tokio::time::timeout(moment, sweep.as_mut()).await;
    assert!(early.is_err(), "{early:?}");
    store.health.set_log_pages(MOVE_AT);
    sweep.await.unwrap();
}

/// `SESSION_STORE_ROWS=3000000 cargo test --release -p session-node --lib a_start_does -- --nocapture`
/// measures the start with a large database.
#[tokio::test]
async fn a_start_does_not_depend_on_the_rows() {
    let rows = rows(6_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let limits = StoreLimits {
        readers: 2,
        writer_queue: 100,
        max_database_bytes: 64 << 30,
    };
    let store = Store::open(&path, limits).unwrap();
    many(&store, rows).await;
    let asked = Instant::now();
    store.close().await;
    let stopped = asked.elapsed();
    let size = std::fs::metadata(&path).unwrap().len();
    let mut times = Vec::new();
    for unclean in [false, true] {
        if unclean {
            std::fs::write(dir.path().join("node.lock"), "in use\n").unwrap();
        }
        let asked = Instant::now();
        let store = Store::open(&path, limits).unwrap();
        let opened = asked.elapsed();
        assert!(!store.lacks_data());
        store.waiting_peers().await.unwrap();
        assert_eq!(store.sweep(NOW, 500).await.unwrap(), 0);
        let swept = asked.elapsed();
        let mut checked = None;
        let deadline = Instant::now() + Duration::from_secs(600);
        while checked.is_none() && Instant::now() < deadline {
            if store.health.is_sound() {
                checked = Some(asked.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let asked = Instant::now();
        store.forget_old(NOW).await.unwrap();
        times.push((opened, swept, checked.unwrap(), asked.elapsed()));
        assert_eq!(store.health(), StoreHealth::default());
        store.close().await;
    }
    println!(
        "{rows} messages, {} MiB; stop {stopped:?}; in order, then not (opened, first work done, checked, old things forgotten): {times:?}",
        size / 1024 / 1024
    );
}

/// The most pages the file may have, as a disk that fills up and is emptied again.
async fn set_pages(store: &Store, pages: Option<u32>) {
    let room = Arc::clone(&store.room);
    store
        .writer
        .write(move |conn| {
            room.forget();
            let now: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
            conn.pragma_update_and_check(None, "max_page_count", pages.unwrap_or(now), |_| Ok(()))
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_stops_messages_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let content = fill(&store, 0..200).await;
    set_pages(&store, None).await;
    let new = real_message(10_000, 3, 5_000);
    for _ in 0..3 {
        let refused = store.insert(new.clone(), Outbox::default()).await;
        assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    }
    assert!(matches!(
        store.insert_bulk(vec![new.clone()]).await,
        Err(StoreError::Full)
    ));
    assert_eq!(store.health().refused_full, 4);
    // Reading, changing and deleting go on.
    assert!(all_messages(&store).await == content.messages);
    let known = content.messages.values().next().unwrap().clone();
    assert!(insert(&store, known.clone()).await.already);
    let changes = vec![(known.hash.clone(), NOW.plus(Duration::from_secs(50)))];
    let changed = store
        .expire(
            known.owner,
            changes,
            ExpireMode::Set,
            NOW,
            OutgoingCommand::none(),
        )
        .await
        .unwrap();
    assert_eq!(changed.updated.len(), 1);
    for message in content.messages.values() {
        let hashes = vec![message.hash.clone()];
        let deleted = store
            .delete(message.owner, hashes.clone(), NOW, OutgoingCommand::none())
            .await;
        assert_eq!(deleted.unwrap(), hashes);
    }
    // What was deleted makes room.
    assert!(!insert(&store, new).await.already);
    // And so does the disk when it has space again.
    set_pages(&store, Some(1_000_000)).await;
    for number in 20_000..20_100 {
        insert(&store, real_message(number, 3, 5_000)).await;
    }
}

#[tokio::test]
async fn the_reserve_is_for_everything_but_messages() {
    let dir = tempfile::tempdir().unwrap();
    let limits = StoreLimits {
        readers: 1,
        writer_queue: 10,
        max_database_bytes: 4 * 1024 * 1024,
    };
    let store = Store::open(&dir.path().join("node.db"), limits).unwrap();
    let mut number = 0;
    while store
        .insert(real_message(number, 1, 3_000), Outbox::default())
        .await
        .is_ok()
    {
        number += 1;
    }
    // Nothing has been deleted: these rows need new pages.
    let forward = || OutgoingCommand {
        outbox: Outbox {
            peers: vec![peer(1)],
        },
        method: "delete_all",
        params: vec![1; 500],
        accepted: NOW,
    };
    let unknown = (0..500).map(hash).collect();
    store
        .delete(owner(2), unknown, NOW, forward())
        .await
        .unwrap();
    let refused = store
        .insert(real_message(number, 1, 3_000), Outbox::default())
        .await;
    assert!(matches!(refused, Err(StoreError::Full)));
    let deleted = store
        .delete_range(owner(1), None, None, NOW, forward())
        .await;
    assert_eq!(deleted.unwrap().len(), number as usize);
    insert(&store, real_message(number, 1, 3_000)).await;
}

#[tokio::test]
async fn what_fails_for_want_of_space_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    fill(&store, 0..50).await;
    set_pages(&store, None).await;
    let writes = (0..200u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let outbox = Outbox::default();
            let message = real_message(30_000 + number, 5, 2_000);
            (message.hash.clone(), store.insert(message, outbox).await)
        })
    });
    let mut acknowledged = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        let (hash, result) = write.await.unwrap();
        if result.is_ok() {
            acknowledged.push(hash);
        }
    }
    assert!(acknowledged.len() < 200);
    let folder = Folder::snapshot_of(dir.path());
    let found = all_messages(&folder.open()).await;
    for hash in acknowledged {
        assert!(found.contains_key(&hash));
    }
}

#[tokio::test]
async fn old_things_are_forgotten_in_steps() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for batch in 0..4 {
        let hashes = (batch * 400..(batch + 1) * 400).map(hash).collect();
        store
            .delete(owner(1), hashes, NOW, OutgoingCommand::none())
            .await
            .unwrap();
    }
    let count = || {
        store.read(|conn| {
            conn.query_row("SELECT COUNT(*) FROM deleted_messages", [], |row| {
                row.get::<_, i64>(0)
            })
        })
    };
    assert_eq!(count().await.unwrap(), 1_600);
    store
        .forget_old(NOW.plus(limits::MAX_TTL_PRIVATE))
        .await
        .unwrap();
    assert_eq!(count().await.unwrap(), 1_600);
    store
        .forget_old(
            NOW.plus(limits::MAX_TTL_PRIVATE)
                .plus(Duration::from_millis(1)),
        )
        .await
        .unwrap();
    assert_eq!(count().await.unwrap(), 0);
}
