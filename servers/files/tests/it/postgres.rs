//! Records in a real PostgreSQL server, which the tests start themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use session_files::storage::{Kept, Naming, Record, Storage, StorageError};
use session_files::{
    ContentConfig, FileId, IdMode, PostgresAddress, RecordsConfig, SharedConfig, SharedStorage,
};
use session_server_test_support::{Postgres, TlsFiles};
use session_types::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::kill::Process;
use crate::support::{client, content, id_of, send};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const TTL: Duration = Duration::from_secs(60);

fn config(postgres: &Postgres, content: &Path, grace: Duration) -> SharedConfig {
    SharedConfig {
        records: RecordsConfig::Postgres {
            address: PostgresAddress::new(postgres.address()),
            authorities: None,
        },
        content: ContentConfig::Folder(content.to_owned()),
        grace,
    }
}

async fn open(postgres: &Postgres, content: &Path, grace: Duration) -> SharedStorage {
    let config = config(postgres, content, grace);
    SharedStorage::open(config).await.unwrap()
}

async fn put(storage: &SharedStorage, content: &[u8], now: Timestamp) -> Record {
    match keep(storage, content, Naming::Content, now).await {
        Kept::Stored(record) => record,
        Kept::Taken => panic!("taken"),
    }
}

async fn keep(storage: &SharedStorage, content: &[u8], naming: Naming, now: Timestamp) -> Kept {
    let mut staged = storage.stage(IdMode::Content);
    for part in content.chunks(50_000) {
        staged.write(Bytes::copy_from_slice(part)).await.unwrap();
    }
    staged.keep(naming, now, now.plus(TTL)).await.unwrap()
}

async fn read(storage: &SharedStorage, id: FileId, now: Timestamp) -> Option<Vec<u8>> {
    let (_, mut content) = storage.open(id, now).await.unwrap()?;
    let mut whole = Vec::new();
    while let Some(part) = content.next().await.unwrap() {
        whole.extend_from_slice(&part);
    }
    Some(whole)
}

/// Paths of all content.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let prefixes = std::fs::read_dir(folder).unwrap();
    prefixes
        .flat_map(|prefix| std::fs::read_dir(prefix.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// Waits until there is so much content: what is given up is deleted a little later.
async fn until_objects(folder: &Path, count: usize) {
    crate::support::until(|| objects(folder).len() == count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_on_one_store_keep_what_is_promised() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // Both make the tables at the same time.
    let (one, two) = tokio::join!(
        open(&postgres, folder.path(), Duration::ZERO),
        open(&postgres, folder.path(), Duration::ZERO)
    );
    // What one keeps, the other has.
    for (number, size) in (0..).zip([1, 262_144, 400_000]) {
        let content = content(number, size);
        let record = put(&one, &content, NOW).await;
        assert_eq!(record.id.to_string(), id_of(&content));
        assert_eq!(two.find(record.id, NOW).await.unwrap(), Some(record));
        assert!(read(&two, record.id, NOW).await.unwrap() == content);
        // Uploaded again, later: the same content, another time.
        let later = NOW.plus(Duration::from_secs(5));
        let again = put(&two, &content, later).await;
        assert_eq!((again.uploaded, again.expires), (later, later.plus(TTL)));
        // The later time stays.
        let extended = one.extend(record.id, NOW, NOW).await.unwrap().unwrap();
        assert_eq!(extended.expires, later.plus(TTL));
    }
    until_objects(folder.path(), 3).await;

    // Many upload the same to both at once: one content, one record.
    let same = Arc::new(content(9, 300_000));
    let mut uploads = JoinSet::new();
    for turn in 0..16 {
        let storage = if turn % 2 == 0 {
            one.clone()
        } else {
            two.clone()
        };
        let same = Arc::clone(&same);
        uploads.spawn(async move { put(&storage, &same, NOW).await.id });
    }
    while let Some(id) = uploads.join_next().await {
        assert_eq!(id.unwrap().to_string(), id_of(&same));
    }
    until_objects(folder.path(), 4).await;
    assert_eq!(one.stats(NOW).await.unwrap().files, 4);

    // A number is given once.
    let number = Naming::Given(FileId::Number(7));
    let first = keep(&one, b"first", number, NOW).await;
    assert!(matches!(first, Kept::Stored(_)));
    assert_eq!(keep(&two, b"second", number, NOW).await, Kept::Taken);
    assert_eq!(read(&two, FileId::Number(7), NOW).await.unwrap(), b"first");
    until_objects(folder.path(), 5).await;

    // Content that was lost comes back with the next upload.
    let record = put(&one, b"lost", NOW).await;
    let before = objects(folder.path());
    let lost = before
        .iter()
        .find(|path| std::fs::read(path).unwrap() == b"lost");
    std::fs::remove_file(lost.unwrap()).unwrap();
    assert!(matches!(
        two.open(record.id, NOW).await,
        Err(StorageError::Damaged)
    ));
    assert_eq!(two.verify(|_, _| ()).await.unwrap().missing, 1);
    put(&two, b"lost", NOW).await;
    assert_eq!(read(&one, record.id, NOW).await.unwrap(), b"lost");
    let verified = one.verify(|_, _| ()).await.unwrap();
    assert!(verified.is_sound());
    assert_eq!((verified.files, verified.orphans), (6, 0));

    // A dropped upload leaves nothing, a crashed one is swept.
    let mut dropped = one.stage(IdMode::Content);
    dropped.write(content(3, 400_000).into()).await.unwrap();
    drop(dropped);
    until_objects(folder.path(), 6).await;
    let orphan = folder.path().join("00").join("0".repeat(32));
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"content").unwrap();
    std::fs::write(folder.path().join("00/notes.txt"), b"somebody's").unwrap();
    assert_eq!(one.verify(|_, _| ()).await.unwrap().orphans, 1);
    assert_eq!(two.sweep().await.unwrap().orphans, 1);
    assert!(!orphan.exists());
    std::fs::remove_file(folder.path().join("00/notes.txt")).unwrap();

    // Both delete what has expired, each file once.
    let end = NOW.plus(Duration::from_secs(1000));
    assert_eq!(read(&one, record.id, end).await, None);
    let (first, second) = tokio::join!(one.remove_expired(end), two.remove_expired(end));
    let mut removed = first.unwrap() + second.unwrap();
    while removed < 6 {
        removed += one.remove_expired(end).await.unwrap();
    }
    assert_eq!(removed, 6);
    assert_eq!(objects(folder.path()).len(), 0);
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_expiry_of_the_same_file_do_not_lose_it() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let one = open(&postgres, folder.path(), Duration::ZERO).await;
    let two = open(&postgres, folder.path(), Duration::ZERO).await;
    let body = content(1, 1000);
    for round in 0..60u64 {
        // The former upload has just expired.
        let now = NOW.plus(TTL * u32::try_from(round).unwrap());
        let (record, removed) = tokio::join!(put(&one, &body, now), two.remove_expired(now));
        removed.unwrap();
        assert!(read(&two, record.id, now).await.unwrap() == body, "{round}");
    }
    until_objects(folder.path(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_goes_and_comes_back() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&postgres, folder.path(), Duration::from_secs(3600)).await;
    let record = put(&storage, b"before", NOW).await;
    postgres.stop();
    assert!(storage.find(record.id, NOW).await.is_err());
    let mut staged = storage.stage(IdMode::Content);
    staged
        .write(Bytes::from_static(b"meanwhile"))
        .await
        .unwrap();
    let refused = staged.keep(Naming::Content, NOW, NOW.plus(TTL)).await;
    assert!(
        matches!(refused, Err(StorageError::Postgres(_))),
        "{refused:?}"
    );
    postgres.restart();
    assert_eq!(storage.find(record.id, NOW).await.unwrap(), Some(record));
    put(&storage, b"after", NOW).await;
    assert_eq!(storage.stats(NOW).await.unwrap().files, 2);
    // A newer version has been here.
    let sql = "UPDATE session_files.version SET version = 99";
    let database = database(&postgres).await;
    database.batch_execute(sql).await.unwrap();
    let config = config(&postgres, folder.path(), Duration::ZERO);
    let newer = SharedStorage::open(config).await;
    assert!(matches!(
        newer,
        Err(StorageError::NewerSchema { found: 99, .. })
    ));
}

/// A connection of the test's own.
async fn database(postgres: &Postgres) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(&postgres.address(), tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_reached_over_tls_and_proves_who_it_is() {
    let made = rcgen::generate_simple_self_signed(vec!["db.test".to_owned()]).unwrap();
    let tls = TlsFiles {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    };
    let Some(postgres) = Postgres::start_with_tls(&tls) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.pem");
    std::fs::write(&authorities, &tls.certificate).unwrap();
    let open = async |host: &str, rest: &str, authorities: Option<&Path>| {
        let address = format!("{} {rest}", postgres.tls_address(host));
        let config = SharedConfig {
            records: RecordsConfig::Postgres {
                address: PostgresAddress::new(address),
                authorities: authorities.map(Path::to_owned),
            },
            content: ContentConfig::Folder(folder.path().join("content")),
            grace: Duration::ZERO,
        };
        Box::pin(SharedStorage::open(config)).await
    };
    let required = "sslmode=require channel_binding=require";
    let storage = open("db.test", required, Some(&authorities)).await.unwrap();
    let record = put(&storage, b"secret", NOW).await;
    assert_eq!(storage.find(record.id, NOW).await.unwrap(), Some(record));
    let sql = "SELECT COUNT(*) FILTER (WHERE ssl), COUNT(*) FROM pg_stat_ssl
               JOIN pg_stat_activity USING (pid) WHERE application_name = 'session-files'";
    let row = database(&postgres).await.query_one(sql, &[]).await.unwrap();
    let (encrypted, all): (i64, i64) = (row.get(0), row.get(1));
    assert!(encrypted > 0 && encrypted == all, "{encrypted} of {all}");
    // Another name, another authority, or no TLS at all.
    let refused = |opened: Result<SharedStorage, StorageError>| {
        assert!(
            matches!(opened, Err(StorageError::Postgres(_))),
            "{opened:?}"
        );
    };
    refused(open("other.test", required, Some(&authorities)).await);
    let other = rcgen::generate_simple_self_signed(vec!["db.test".to_owned()]).unwrap();
    let others = folder.path().join("other.pem");
    std::fs::write(&others, other.cert.pem()).unwrap();
    refused(open("db.test", required, Some(&others)).await);
    refused(open("db.test", "sslmode=require", None).await);
    refused(open("db.test", "sslmode=disable", None).await);
    storage.close().await.unwrap();
}

/// A data folder of a server on the shared store.
fn data(postgres: &Postgres, content: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let settings = format!(
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\npostgres = \"{}\"\ncontent = \"{}\"\n\
         burst = 100000\n",
        postgres.address(),
        content.display()
    );
    std::fs::write(dir.path().join("files.toml"), settings).unwrap();
    std::fs::write(dir.path().join("key_ed25519"), [7; 32]).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_a_store_and_one_may_be_killed() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let dirs = [(); 2].map(|()| data(&postgres, folder.path()));
    let [one, two] = dirs.each_ref().map(|dir| Process::start(dir.path()));
    let client = client();
    let mut uploads = JoinSet::new();
    for number in 0..40u64 {
        let size = [900, 300_000][usize::try_from(number % 2).unwrap()];
        let body = content(number, size);
        let to = [&one, &two][usize::try_from(number / 2 % 2).unwrap()]
            .base
            .clone();
        let client = client.clone();
        uploads.spawn(async move {
            let answer = send(client.post(to).body(body.clone())).await.expect_json();
            assert_eq!(answer["id"], id_of(&body));
            body
        });
    }
    let mut bodies = Vec::new();
    while let Some(body) = uploads.join_next().await {
        bodies.push(body.unwrap());
    }
    // One dies in the middle of an upload; everything acknowledged is at the other.
    let half = client
        .post(&one.base)
        .body(reqwest::Body::from(content(99, 3_000_000)));
    let uploading = tokio::spawn(half.send());
    one.kill();
    let _ = uploading.await;
    for body in &bodies {
        let url = format!("{}/{}", two.base, id_of(body));
        let answer = send(client.get(url)).await;
        assert!(answer.status == 200 && &answer.body == body);
    }
    let third = Process::start(dirs[0].path());
    let url = format!("{}/{}", third.base, id_of(&bodies[0]));
    assert_eq!(send(client.get(url)).await.status, 200);
    third.stop();
    two.stop();
    let storage = open(&postgres, folder.path(), Duration::ZERO).await;
    let verified = storage.verify(|_, _| ()).await.unwrap();
    assert!(verified.is_sound());
    assert!(verified.files >= 40, "{verified:?}");
}
