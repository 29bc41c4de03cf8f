use core::time::Duration;

use bytes::Bytes;

use super::*;
use crate::storage::{Kept, Naming};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const TTL: Duration = Duration::from_secs(60);

fn open(dir: &Path) -> LocalStorage {
    LocalStorage::open(dir).unwrap()
}

async fn put(storage: &LocalStorage, content: &[u8], now: Timestamp) -> Record {
    let mut staged = storage.stage(IdMode::Content);
    for part in content.chunks(50_000) {
        staged.write(part.to_vec().into()).await.unwrap();
    }
    match staged.keep(Naming::Content, now, now.plus(TTL)).await {
        Ok(Kept::Stored(record)) => record,
        other => panic!("{other:?}"),
    }
}

async fn read(storage: &LocalStorage, id: FileId, now: Timestamp) -> Option<Vec<u8>> {
    let (record, mut content) = storage.open(id, now).await.unwrap()?;
    let mut whole = Vec::new();
    while let Some(part) = content.next().await.unwrap() {
        whole.extend_from_slice(&part);
    }
    assert_eq!(u64::try_from(whole.len()), Ok(record.size));
    Some(whole)
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| u8::try_from((n * 31 + n / 251) % 251).unwrap() ^ seed)
        .collect()
}

fn uploads(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("files/uploads"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn files_of_all_sizes_come_back_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    {
        let storage = open(dir.path());
        for (seed, size) in [1, 100, 262_143, 262_144, 262_145, 524_288, 700_001]
            .into_iter()
            .enumerate()
        {
            let content = bytes(u8::try_from(seed).unwrap(), size);
            let record = put(&storage, &content, NOW).await;
            assert_eq!(
                record.id,
                {
                    let mut hasher = crate::ContentHasher::blake2b();
                    hasher.update(&content);
                    hasher.id()
                },
                "{size}"
            );
            kept.push((record, content));
        }
        let usage = storage.usage();
        assert_eq!(usage.files, 7);
        assert_eq!(
            usage.bytes,
            kept.iter().map(|(record, _)| record.size).sum::<u64>()
        );
        assert_eq!(uploads(dir.path()), 0);
        storage.close().await.unwrap();
    }
    let storage = open(dir.path());
    assert_eq!(storage.usage().files, 7);
    for (record, content) in kept {
        assert_eq!(
            read(&storage, record.id, NOW).await.as_ref(),
            Some(&content)
        );
        assert_eq!(storage.find(record.id, NOW).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn equal_content_is_kept_once_and_lives_as_long_as_the_longer_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let content = bytes(0, 300_000);
    let first = put(&storage, &content, NOW.plus(TTL)).await;
    let second = put(&storage, &content, NOW).await;
    assert_eq!(second.id, first.id);
    assert_eq!((second.uploaded, second.expires), (NOW, first.expires));
    assert_eq!((storage.usage().files, storage.usage().bytes), (1, 300_000));
    let folder = dir.path().join("files").join(first.id.prefix());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

#[tokio::test]
async fn a_given_name_is_taken_once() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let number = FileId::Number(1234);
    for large in [false, true] {
        let id = if large { FileId::Number(7) } else { number };
        let mut staged = storage.stage(IdMode::Content);
        let content = bytes(1, if large { 400_000 } else { 10 });
        staged.write(content.clone().into()).await.unwrap();
        let keep = Naming::Given(id);
        let kept = staged.keep(keep, NOW, NOW.plus(TTL)).await.unwrap();
        assert!(matches!(kept, Kept::Stored(record) if record.id == id));
        let mut other = storage.stage(IdMode::Content);
        other.write(bytes(2, content.len()).into()).await.unwrap();
        let kept = other.keep(keep, NOW, NOW.plus(TTL)).await.unwrap();
        assert_eq!(kept, Kept::Taken);
        let free = FileId::Number(if large { 8 } else { 1235 });
        let kept = other.keep(Naming::Given(free), NOW, NOW.plus(TTL)).await;
        assert!(matches!(kept, Ok(Kept::Stored(record)) if record.id == free));
        assert_eq!(read(&storage, id, NOW).await, Some(content));
        assert!(other.write(Bytes::from_static(b"x")).await.is_err());
    }
    assert!(dir.path().join("files/234/1234").is_file());
}

#[tokio::test]
async fn what_has_expired_is_gone_at_once_and_deleted_later() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let old = put(&storage, &bytes(1, 1000), NOW).await;
    let young = put(&storage, &bytes(2, 400_000), NOW.plus(TTL)).await;
    let at = old.expires;
    assert_eq!(read(&storage, old.id, at).await, None);
    assert_eq!(storage.find(old.id, at).await.unwrap(), None);
    assert_eq!(
        storage.extend(old.id, at.plus(TTL), at).await.unwrap(),
        None
    );
    assert!(read(&storage, young.id, at).await.is_some());
    // A download that has begun goes on.
    let (_, mut content) = storage.open(old.id, NOW).await.unwrap().unwrap();
    assert_eq!(storage.remove_expired(at).await.unwrap(), 1);
    assert_eq!(storage.remove_expired(at).await.unwrap(), 0);
    assert_eq!(content.next().await.unwrap().unwrap(), bytes(1, 1000));
    assert!(!storage.0.folder.path(old.id).exists());
    assert_eq!(storage.usage().files, 1);
    // The same content may come again.
    let again = put(&storage, &bytes(1, 1000), at).await;
    assert_eq!(read(&storage, again.id, at).await, Some(bytes(1, 1000)));
}

#[tokio::test]
async fn an_expired_file_that_is_uploaded_again_lives() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let record = put(&storage, b"content", NOW).await;
    let later = record.expires.plus(TTL);
    let again = put(&storage, b"content", later).await;
    assert_eq!(again.expires, later.plus(TTL));
    assert_eq!(storage.remove_expired(later).await.unwrap(), 0);
    assert!(read(&storage, again.id, later).await.is_some());
    assert_eq!(storage.usage().files, 1);
}

#[tokio::test]
async fn extending_never_shortens() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let record = put(&storage, b"content", NOW).await;
    let extend = async |expires| storage.extend(record.id, expires, NOW).await.unwrap();
    assert_eq!(extend(NOW).await, Some(record));
    let later = record.expires.plus(TTL);
    let extended = extend(later).await.unwrap();
    assert_eq!((extended.expires, extended.uploaded), (later, NOW));
    assert_eq!(
        storage.extend(FileId::Number(1), later, NOW).await.unwrap(),
        None
    );
}

/// In each round one file is uploaded for a short time, deleted because that is over, swept, and
/// uploaded for a long time, all at once: it must be there in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_and_deletions_of_one_file_do_not_lose_it() {
    const ROUNDS: u8 = 100;
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let over = NOW.plus(TTL);
    let later = over.plus(TTL);
    let mut kept = 0;
    for round in 0..ROUNDS {
        // Small ones are written at the end, large ones while they arrive.
        let content = bytes(
            round,
            if round % 4 == 0 {
                300_000
            } else {
                300 + usize::from(round)
            },
        );
        kept += u64::try_from(content.len()).unwrap();
        put(&storage, &content, NOW).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (short, same) = (storage.clone(), content.clone());
            tasks.spawn(async move {
                put(&short, &same, NOW).await;
            });
            let (long, same) = (storage.clone(), content.clone());
            tasks.spawn(async move {
                let record = put(&long, &same, later).await;
                assert!(read(&long, record.id, later).await == Some(same));
            });
            let removing = storage.clone();
            tasks.spawn(async move {
                removing.remove_expired(over).await.unwrap();
            });
        }
        let sweeping = storage.clone();
        tasks.spawn(async move {
            sweeping.sweep().await.unwrap();
        });
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }
    let usage = storage.usage();
    storage.close().await.unwrap();
    let verified = verify::verify(dir.path(), |_, _| ()).unwrap();
    assert!(verified.is_sound() && verified.orphans == 0, "{verified:?}");
    assert_eq!((verified.files, verified.bytes), (u64::from(ROUNDS), kept));
    assert_eq!((verified.files, verified.bytes), (usage.files, usage.bytes));
    assert_eq!(uploads(dir.path()), 0);
}

#[tokio::test]
async fn leftovers_of_crashes_are_swept() {
    let dir = tempfile::tempdir().unwrap();
    let orphan = dir
        .path()
        .join("files/1s/1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s");
    let foreign = dir.path().join("files/1s/notes.txt");
    {
        let storage = open(dir.path());
        put(&storage, b"content", NOW).await;
        storage.close().await.unwrap();
    }
    std::fs::write(dir.path().join("files/uploads/7.part"), b"half").unwrap();
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"hello session").unwrap();
    std::fs::write(&foreign, b"mine").unwrap();
    let storage = open(dir.path());
    assert_eq!(uploads(dir.path()), 0, "at the start");
    let id: FileId = "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s"
        .parse()
        .unwrap();
    assert_eq!(read(&storage, id, NOW).await, None, "nobody sees it");
    // One upload under way, and one that somebody else has left.
    let mut staged = storage.stage(IdMode::Content);
    staged.write(bytes(0, 400_000).into()).await.unwrap();
    std::fs::write(dir.path().join("files/uploads/left.part"), b"half").unwrap();
    assert_eq!(uploads(dir.path()), 2);
    let swept = storage.sweep().await.unwrap();
    assert_eq!((swept.partial, swept.orphans), (1, 1));
    assert!(!orphan.exists() && foreign.exists());
    let kept = staged.keep(Naming::Content, NOW, NOW.plus(TTL)).await;
    assert!(matches!(kept, Ok(Kept::Stored(_))));
    assert_eq!(storage.sweep().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let mut staged = storage.stage(IdMode::Content);
    staged.write(bytes(0, 400_000).into()).await.unwrap();
    assert_eq!(uploads(dir.path()), 1);
    drop(staged);
    let gone = async {
        while uploads(dir.path()) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap();
    assert_eq!(storage.usage(), Usage::default());
}

#[tokio::test]
async fn damage_is_noticed_and_an_upload_of_the_same_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let content = bytes(3, 400_000);
    let cut = put(&storage, &content, NOW).await;
    let lost = put(&storage, b"lost", NOW).await;
    let changed = put(&storage, b"changed", NOW).await;
    let path = |record: Record| storage.0.folder.path(record.id);
    std::fs::OpenOptions::new()
        .write(true)
        .open(path(cut))
        .unwrap()
        .set_len(399_999)
        .unwrap();
    std::fs::remove_file(path(lost)).unwrap();
    std::fs::write(path(changed), b"CHANGED").unwrap();
    for record in [cut, lost] {
        let opened = storage.open(record.id, NOW).await;
        assert!(matches!(opened, Err(StorageError::Damaged)));
    }
    let verified = verify::verify(dir.path(), |_, _| ()).unwrap();
    assert_eq!((verified.damaged, verified.missing), (2, 1));
    assert!(!verified.is_sound());
    put(&storage, &content, NOW).await;
    put(&storage, b"lost", NOW).await;
    assert_eq!(read(&storage, cut.id, NOW).await, Some(content));
    assert_eq!(read(&storage, lost.id, NOW).await, Some(b"lost".to_vec()));
    assert_eq!(storage.usage().files, 3);
}

#[tokio::test]
async fn a_folder_belongs_to_one_process_and_newer_databases_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let second = LocalStorage::open(dir.path());
    assert!(matches!(second, Err(StorageError::InUse)));
    let stats = verify::stats(dir.path(), NOW).unwrap();
    assert_eq!(stats, verify::Stats::default());
    storage.close().await.unwrap();
    assert!(matches!(
        storage.extend(FileId::Number(1), NOW, NOW).await,
        Err(StorageError::Closed)
    ));
    drop(storage);
    let database = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    assert!(matches!(
        LocalStorage::open(dir.path()),
        Err(StorageError::NewerSchema { found: 1000, .. })
    ));
}

#[tokio::test]
async fn stats_tell_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    put(&storage, b"old", NOW).await;
    let young = put(&storage, b"young", NOW.plus(TTL)).await;
    let mut staged = storage.stage(IdMode::Content);
    staged.write(Bytes::from_static(b"numbered")).await.unwrap();
    let naming = Naming::Given(FileId::Number(9));
    let later = NOW.plus(TTL * 3);
    staged.keep(naming, NOW, later).await.unwrap();
    let stats = verify::stats(dir.path(), NOW.plus(TTL)).unwrap();
    let expected = verify::Stats {
        files: 2,
        bytes: 13,
        expired: 1,
        expired_bytes: 3,
        numbered: 1,
        next_expiry_ms: Some(young.expires.as_ms()),
    };
    assert_eq!(stats, expected);
}
