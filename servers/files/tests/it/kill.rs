//! The server is killed while uploads arrive.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Client;
use session_files::{FileServer, ServerConfig, verify};
use tokio::task::JoinSet;

use crate::support::{client, content, id_of, until};

const ROUNDS: u64 = 6;
const UPLOADERS: u64 = 8;

/// Tells the child process what to serve.
const FOLDER: &str = "SESSION_FILES_TEST_FOLDER";

/// The child process: serves until its standard input ends.
#[tokio::test]
#[ignore = "the other test starts it in a process of its own"]
async fn serve() {
    let dir = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let config = ServerConfig::open(&dir).unwrap();
    let server = FileServer::start(config).await.unwrap();
    println!("\nlistening {}", server.address());
    let waiting = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(waiting).await.unwrap().unwrap();
    server.stop().await.unwrap();
}

pub(crate) struct Process {
    child: Child,
    pub(crate) base: String,
    /// Kept open: a child that cannot print would end.
    _output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::serve", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = None;
        while address.is_none() {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "it did not start");
            address = line
                .trim_end()
                .strip_prefix("listening ")
                .map(str::to_owned);
        }
        let base = format!("http://{}/file", address.unwrap());
        Self {
            child,
            base,
            _output: output,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends in order.
    pub(crate) fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sizes below, at and above what is kept in memory, and large ones.
fn size_of(number: u64) -> usize {
    [900, 40_000, 262_144, 400_000, 3_000_000][usize::try_from(number % 5).unwrap()]
}

/// Uploads one file after the other until the server is gone. Returns those it acknowledged, and
/// the one it did not.
pub(crate) async fn upload_until_killed(
    client: Client,
    base: String,
    first: u64,
    size_of: fn(u64) -> usize,
    acknowledged: Arc<AtomicU64>,
) -> (Vec<u64>, u64) {
    let mut done = Vec::new();
    for number in first.. {
        let body = content(number, size_of(number));
        let id = id_of(&body);
        let sent = client.post(&base).body(body).send().await;
        let answer = match sent {
            Ok(answer) if answer.status() == 200 => answer.text().await,
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return (done, number),
        };
        match answer {
            Ok(text) => assert!(text.contains(&id)),
            Err(_) => return (done, number),
        }
        done.push(number);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    unreachable!("numbers do not end")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_and_nothing_else_by_halves() {
    let dir = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nburst = 100000\n\
                    upload_burst_mib = 4000\n";
    std::fs::write(dir.path().join("files.toml"), settings).unwrap();
    let client = client();
    let mut acknowledged = Vec::new();
    let mut unanswered = Vec::new();
    let mut half = 0;
    for round in 0..ROUNDS {
        let process = Process::start(dir.path());
        let count = Arc::new(AtomicU64::new(0));
        let mut uploads = JoinSet::new();
        for uploader in 0..UPLOADERS {
            let first = (round * UPLOADERS + uploader) * 1_000_000;
            uploads.spawn(upload_until_killed(
                client.clone(),
                process.base.clone(),
                first,
                size_of,
                Arc::clone(&count),
            ));
        }
        // Somewhere in the middle, each time somewhere else.
        let enough = 10 + 7 * round;
        until(|| count.load(Ordering::SeqCst) >= enough).await;
        process.kill();
        while let Some(ended) = uploads.join_next().await {
            let (done, last) = ended.unwrap();
            acknowledged.extend(done);
            unanswered.push(last);
        }
        half += std::fs::read_dir(dir.path().join("files/uploads"))
            .unwrap()
            .count();
    }
    let process = Process::start(dir.path());
    let get = async |number: u64| {
        let id = id_of(&content(number, size_of(number)));
        let answer = client.get(format!("{}/{id}", process.base)).send();
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    assert!(acknowledged.len() >= 60, "{}", acknowledged.len());
    for &number in &acknowledged {
        let (status, body) = get(number).await;
        assert_eq!(status, 200, "file {number} was acknowledged");
        assert!(body == content(number, size_of(number)), "file {number}");
    }
    let mut found = BTreeMap::<u16, u32>::new();
    for &number in &unanswered {
        let (status, body) = get(number).await;
        *found.entry(status).or_default() += 1;
        // Either all of it or nothing.
        assert!(status == 404 || body == content(number, size_of(number)));
    }
    assert!(half > 0, "no upload was cut off, so this shows nothing");
    assert!(found.keys().all(|status| [200, 404].contains(status)));
    let uploads = dir.path().join("files/uploads");
    assert_eq!(std::fs::read_dir(uploads).unwrap().count(), 0);
    // The sweep at the start has run, or will have soon.
    until(|| {
        let verified = verify::verify(dir.path(), |_, _| ()).unwrap();
        assert!(verified.is_sound(), "{verified:?}");
        verified.orphans == 0
    })
    .await;
    process.stop();
}
