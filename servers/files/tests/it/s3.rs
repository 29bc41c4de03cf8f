//! Content in a real object store that speaks S3, which the tests start themselves.

mod server;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use session_files::storage::{Content, Kept, Naming, Record, Storage, StorageError};
use session_files::{
    ContentConfig, FileId, IdMode, PostgresAddress, RecordsConfig, S3Config, SharedConfig,
    SharedStorage,
};
use session_server_test_support::Postgres;
use session_types::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::kill::{Process, upload_until_killed};
use crate::support::{client, content, id_of, send, until};
use server::Store;

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const TTL: Duration = Duration::from_secs(60);

/// Length of a part.
const PART: usize = 8 * 1024 * 1024;

fn config(s3: S3Config, data: &Path, grace: Duration) -> SharedConfig {
    SharedConfig {
        records: RecordsConfig::Sqlite(data.to_owned()),
        content: ContentConfig::S3(Box::new(s3)),
        grace,
    }
}

async fn open(store: &Store, data: &Path) -> SharedStorage {
    let config = config(store.config(data), data, Duration::ZERO);
    SharedStorage::open(config).await.unwrap()
}

async fn keep(
    storage: &SharedStorage,
    content: &[u8],
    naming: Naming,
    now: Timestamp,
) -> Result<Kept, StorageError> {
    let mut staged = storage.stage(IdMode::Content);
    for part in content.chunks(70_000) {
        staged.write(Bytes::copy_from_slice(part)).await?;
    }
    staged.keep(naming, now, now.plus(TTL)).await
}

async fn put(storage: &SharedStorage, content: &[u8], now: Timestamp) -> Record {
    match keep(storage, content, Naming::Content, now).await {
        Ok(Kept::Stored(record)) => record,
        other => panic!("{other:?}"),
    }
}

async fn rest(mut content: Box<dyn Content>) -> Result<Vec<u8>, StorageError> {
    let mut whole = Vec::new();
    while let Some(part) = content.next().await? {
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}

async fn read(storage: &SharedStorage, id: FileId, now: Timestamp) -> Option<Vec<u8>> {
    let (_, content) = storage.open(id, now).await.unwrap()?;
    Some(rest(content).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_keeps_what_is_promised() {
    let Some(store) = Store::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let storage = open(&store, data.path()).await;
    // In memory, in one request, in parts, and where these meet.
    let sizes = [
        1,
        262_144,
        400_000,
        PART - 1,
        PART,
        PART + 1,
        2 * PART + 70_000,
    ];
    for (number, size) in (0..).zip(sizes) {
        let content = content(number, size);
        let record = put(&storage, &content, NOW).await;
        assert_eq!(record.id.to_string(), id_of(&content));
        assert_eq!(record.size, u64::try_from(size).unwrap());
        assert!(
            read(&storage, record.id, NOW).await.unwrap() == content,
            "{size}"
        );
        // Uploaded again, later: the same content, another time.
        let later = NOW.plus(Duration::from_secs(5));
        let again = put(&storage, &content, later).await;
        assert_eq!((again.uploaded, again.expires), (later, later.plus(TTL)));
    }
    store.until_objects(sizes.len()).await;

    // A number is given once.
    let number = Naming::Given(FileId::Number(7));
    let first = keep(&storage, b"first", number, NOW).await.unwrap();
    assert!(matches!(first, Kept::Stored(_)));
    assert_eq!(
        keep(&storage, b"second", number, NOW).await.unwrap(),
        Kept::Taken
    );
    assert_eq!(
        read(&storage, FileId::Number(7), NOW).await.unwrap(),
        b"first"
    );
    store.until_objects(sizes.len() + 1).await;

    // Content that was lost comes back with the next upload.
    let before = store.objects().await;
    let record = put(&storage, b"lost", NOW).await;
    let mut now = store.objects().await;
    now.retain(|name| !before.contains(name));
    store.remove(&now[0]).await;
    let lost = storage.open(record.id, NOW).await;
    assert!(matches!(lost, Err(StorageError::Damaged)));
    assert_eq!(storage.verify(|_, _| ()).await.unwrap().missing, 1);
    put(&storage, b"lost", NOW).await;
    assert_eq!(read(&storage, record.id, NOW).await.unwrap(), b"lost");

    // An upload that is given up after its first part leaves nothing.
    let mut dropped = storage.stage(IdMode::Content);
    for part in content(99, PART + 500_000).chunks(100_000) {
        dropped.write(Bytes::copy_from_slice(part)).await.unwrap();
    }
    assert_eq!(store.unfinished().await, 1);
    drop(dropped);
    store.until_objects(sizes.len() + 2).await;

    // What crashes leave is swept; what is somebody else's stays.
    store.put(&"0".repeat(32), b"content").await;
    store.put("notes.txt", b"somebody's").await;
    // The store rounds the time of writing up to a second, and what is of the future stays.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(storage.verify(|_, _| ()).await.unwrap().orphans, 1);
    assert_eq!(storage.sweep().await.unwrap().orphans, 1);
    store.until_objects(sizes.len() + 3).await;

    // Everything is there for the next process; nobody else comes in meanwhile.
    let second = config(store.config(data.path()), data.path(), Duration::ZERO);
    let second = SharedStorage::open(second).await;
    assert!(matches!(second, Err(StorageError::InUse)), "{second:?}");
    storage.close().await.unwrap();
    let storage = open(&store, data.path()).await;
    let verified = storage.verify(|_, _| ()).await.unwrap();
    assert!(verified.is_sound());
    assert_eq!(verified.files, u64::try_from(sizes.len() + 2).unwrap());

    let end = NOW.plus(Duration::from_secs(1000));
    assert_eq!(read(&storage, record.id, end).await, None);
    assert_eq!(storage.remove_expired(end).await.unwrap(), 9);
    assert_eq!(storage.usage().files, 0);
    store.until_objects(1).await;
    storage.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_object_store_goes_and_comes_back() {
    let Some(mut store) = Store::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let storage = open(&store, data.path()).await;
    let large = content(1, 2 * PART);
    let record = put(&storage, &large, NOW).await;
    // A download goes on where it broke off.
    let (_, mut reading) = storage.open(record.id, NOW).await.unwrap().unwrap();
    let first = reading.next().await.unwrap().unwrap();
    store.stop();
    let refused = keep(&storage, b"meanwhile", Naming::Content, NOW).await;
    assert!(
        matches!(refused, Err(StorageError::ObjectStore(_))),
        "{refused:?}"
    );
    let shown = format!("{:?}", refused.unwrap_err());
    assert!(
        !shown.contains("Signature") && !shown.contains("kept/"),
        "{shown}"
    );
    store.restart();
    let rest = rest(reading).await.unwrap();
    assert!([&first[..], &rest[..]].concat() == large);
    put(&storage, b"after", NOW).await;
    // What cannot be right is said at once.
    let wrong = |change: fn(&mut S3Config)| {
        let other = tempfile::tempdir().unwrap();
        let mut s3 = store.config(other.path());
        change(&mut s3);
        async move {
            let config = config(s3, other.path(), Duration::ZERO);
            SharedStorage::open(config).await.unwrap_err().to_string()
        }
    };
    let bucket = wrong(|s3| s3.bucket = "none".to_owned()).await;
    assert_eq!(bucket, "the object store refused: 404 NoSuchBucket");
    let secret = wrong(|s3| s3.secret_key = "guess".to_owned().into()).await;
    assert_eq!(
        secret,
        "the object store refused: 403 SignatureDoesNotMatch"
    );
}

/// A data folder of a server with a bucket, and a database that may be shared.
fn data(postgres: Option<&Postgres>, store: &Store) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let postgres = postgres.map_or_else(String::new, |postgres| {
        format!("postgres = \"{}\"\n", postgres.address())
    });
    let settings = format!(
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nburst = 100000\n\
         upload_burst_mib = 4000\n{postgres}{}",
        store.settings()
    );
    std::fs::write(dir.path().join("files.toml"), settings).unwrap();
    std::fs::write(dir.path().join("key_ed25519"), [7; 32]).unwrap();
    dir
}

/// Sizes that go in one request from memory, from a file, and in parts.
fn size_of(number: u64) -> usize {
    [900, 300_000, 1_000_000, 9_000_000][usize::try_from(number % 4).unwrap()]
}

/// Kills servers again and again while clients upload, and then looks for everything that was
/// acknowledged.
async fn kill_servers(dirs: &[TempDir], rounds: u64) -> u64 {
    let client = client();
    let (mut acknowledged, mut unanswered) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut processes: Vec<_> = dirs.iter().map(|dir| Process::start(dir.path())).collect();
        let count = Arc::new(AtomicU64::new(0));
        let mut uploads = JoinSet::new();
        for uploader in 0..6 {
            let first = (round * 6 + uploader) * 1_000_000 + uploader;
            let turn = usize::try_from(uploader).unwrap() % processes.len();
            uploads.spawn(upload_until_killed(
                client.clone(),
                processes[turn].base.clone(),
                first,
                size_of,
                Arc::clone(&count),
            ));
        }
        let enough = 8 + 3 * round;
        until(|| count.load(Ordering::SeqCst) >= enough).await;
        for process in processes.drain(..) {
            process.kill();
        }
        while let Some(ended) = uploads.join_next().await {
            let (done, last) = ended.unwrap();
            acknowledged.extend(done);
            unanswered.push(last);
        }
    }
    let process = Process::start(dirs[0].path());
    for (number, was_acknowledged) in acknowledged
        .iter()
        .map(|number| (*number, true))
        .chain(unanswered.iter().map(|number| (*number, false)))
    {
        let body = content(number, size_of(number));
        let url = format!("{}/{}", process.base, id_of(&body));
        let answer = send(client.get(url)).await;
        if answer.status == 404 && !was_acknowledged {
            continue;
        }
        assert_eq!(answer.status, 200, "file {number}");
        assert!(answer.body == body, "file {number} is whole");
    }
    process.stop();
    u64::try_from(acknowledged.len()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_killed_and_nothing_acknowledged_is_lost() {
    let Some(store) = Store::start() else {
        return;
    };
    let dirs = [data(None, &store)];
    let acknowledged = kill_servers(&dirs, 3).await;
    let storage = open(&store, dirs[0].path()).await;
    look_through(&storage, &store, acknowledged).await;
    // What waited to be sent went with the process.
    let waiting = std::fs::read_dir(dirs[0].path().join("uploads")).unwrap();
    assert_eq!(waiting.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_database_and_a_bucket_and_are_killed() {
    let Some(store) = Store::start() else {
        return;
    };
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let dirs = [(); 2].map(|()| data(Some(&postgres), &store));
    let acknowledged = kill_servers(&dirs, 3).await;
    let storage = SharedStorage::open(SharedConfig {
        records: RecordsConfig::Postgres {
            address: PostgresAddress::new(postgres.address()),
            authorities: None,
        },
        content: ContentConfig::S3(Box::new(store.config(dirs[0].path()))),
        grace: Duration::ZERO,
    });
    let storage = Box::pin(storage).await.unwrap();
    look_through(&storage, &store, acknowledged).await;
    // Each has what the other took in.
    let [one, two] = dirs.each_ref().map(|dir| Process::start(dir.path()));
    let body = content(77, 9_500_000);
    let client = client();
    let answer = send(client.post(&one.base).body(body.clone())).await;
    assert_eq!(answer.expect_json()["id"], id_of(&body));
    let answer = send(client.get(format!("{}/{}", two.base, id_of(&body)))).await;
    assert!(answer.status == 200 && answer.body == body);
    one.stop();
    two.stop();
}

/// Everything is whole, and what uploads that were cut off have left is removed.
async fn look_through(storage: &SharedStorage, store: &Store, acknowledged: u64) {
    // As above: verifying and sweeping must see the same.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let verified = storage.verify(|_, _| ()).await.unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    assert!(verified.files >= acknowledged, "{verified:?}");
    let swept = storage.sweep().await.unwrap();
    println!("{acknowledged} acknowledged, {verified:?}, {swept:?}");
    assert_eq!(swept.orphans, verified.orphans);
    let files = usize::try_from(verified.files).unwrap();
    store.until_objects(files).await;
}
