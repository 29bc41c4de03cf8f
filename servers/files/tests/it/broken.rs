//! Transfers that are cut off by the end of a server, and the server that comes after it.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::kill::Process;
use crate::support::{DEADLINE, client, content, id_of, send};

/// More than fits into the buffers of both sides of a connection.
const LARGE: usize = 10_000_000;

/// A port that stays free for servers which come one after the other.
fn port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn settings(dir: &Path, port: u16, rest: &str) {
    let text = format!(
        "listen = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:0\"\nburst = 100000\n\
         upload_burst_mib = 4000\n{rest}"
    );
    std::fs::write(dir.join("files.toml"), text).unwrap();
    std::fs::write(dir.join("key_ed25519"), [7; 32]).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_dies_in_the_middle_of_downloads() {
    let dir = tempfile::tempdir().unwrap();
    let port = port();
    settings(dir.path(), port, "");
    let client = client();
    let first = Process::start(dir.path());
    let bodies: Vec<_> = (0..4).map(|number| content(number, LARGE)).collect();
    for body in &bodies {
        let answer = send(client.post(&first.base).body(body.clone())).await;
        assert_eq!(answer.expect_json()["id"], id_of(body));
    }
    let mut answers = Vec::new();
    for turn in 0..12 {
        let url = format!("{}/{}", first.base, id_of(&bodies[turn % bodies.len()]));
        let mut answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.content_length(), u64::try_from(LARGE).ok());
        let begin = answer.chunk().await.unwrap().unwrap();
        answers.push((turn, begin.to_vec(), answer));
    }
    first.kill();
    for (turn, mut got, mut answer) in answers {
        let end = loop {
            match answer.chunk().await {
                Ok(Some(part)) => got.extend_from_slice(&part),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What came is right, and that it is not all of it is an error, not an end.
        let whole = &bodies[turn % bodies.len()];
        assert!(whole.starts_with(&got), "download {turn}");
        assert!(end.is_err() && got.len() < whole.len(), "download {turn}");
    }
    // Whoever asks again has it.
    let second = Process::start(dir.path());
    assert_eq!(second.base, format!("http://127.0.0.1:{port}/file"));
    for body in &bodies {
        let answer = send(client.get(format!("{}/{}", second.base, id_of(body)))).await;
        assert!(answer.status == 200 && &answer.body == body);
    }
    second.stop();
}

/// Uploads, again and again until a server takes it; how often it was tried.
async fn upload(client: Client, url: String, body: Vec<u8>) -> usize {
    let deadline = Instant::now() + DEADLINE;
    for tries in 1.. {
        let sent = client.post(&url).body(body.clone()).send().await;
        if let Ok(answer) = sent
            && answer.status() == 200
            && let Ok(text) = answer.text().await
        {
            assert!(text.contains(&id_of(&body)));
            return tries;
        }
        assert!(Instant::now() < deadline, "no server takes it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("tries do not end")
}

/// One server after another on the same port takes what the one before did not.
async fn replaced(dirs: &[TempDir]) {
    let client = client();
    let mut server = Process::start(dirs[0].path());
    let mut uploads = JoinSet::new();
    for number in 0..24u64 {
        let body = content(number, if number % 3 == 0 { LARGE } else { 300_000 });
        let (client, url) = (client.clone(), server.base.clone());
        uploads.spawn(async move { (upload(client, url, body.clone()).await, body) });
    }
    let mut bodies = Vec::new();
    let mut again = 0;
    for dir in dirs.iter().cycle().skip(1).take(3) {
        // Some are done, others are on their way.
        for _ in 0..3 {
            let (tries, body) = uploads.join_next().await.unwrap().unwrap();
            again += usize::from(tries > 1);
            bodies.push(body);
        }
        server.kill();
        server = Process::start(dir.path());
    }
    while let Some(done) = uploads.join_next().await {
        let (tries, body) = done.unwrap();
        again += usize::from(tries > 1);
        bodies.push(body);
    }
    assert!(again > 0, "no upload was cut off, so this shows nothing");
    assert_eq!(bodies.len(), 24);
    for body in &bodies {
        let answer = send(client.get(format!("{}/{}", server.base, id_of(body)))).await;
        assert!(answer.status == 200 && &answer.body == body);
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_replaced_by_another_while_clients_try_again() {
    // The same folder, as after a crash.
    let port = port();
    let dir = tempfile::tempdir().unwrap();
    settings(dir.path(), port, "");
    replaced(&[dir]).await;
    // Another folder with the same store, as when a machine takes over.
    #[cfg(target_os = "linux")]
    {
        let Some(postgres) = session_server_test_support::Postgres::start() else {
            return;
        };
        let shared = tempfile::tempdir().unwrap();
        let rest = format!(
            "postgres = \"{}\"\ncontent = \"{}\"\n",
            postgres.address(),
            shared.path().display()
        );
        let dirs = [(); 2].map(|()| {
            let dir = tempfile::tempdir().unwrap();
            settings(dir.path(), port, &rest);
            dir
        });
        replaced(&dirs).await;
    }
}
