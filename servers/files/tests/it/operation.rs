//! What the operator sees: start, stop, metrics, configuration.

use std::time::Duration;

use session_files::settings::Settings;
use session_files::storage::StorageError;
use session_files::{FileServer, ServerConfig, ServerError};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

use crate::support::{Server, client, config, content, id_of, read_answer, send, until};

fn local() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: Some("127.0.0.1:0".parse().unwrap()),
        ..Settings::default()
    }
}

#[tokio::test]
async fn metrics_and_health() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig::with_settings(dir.path(), local()).unwrap();
    let server = FileServer::start(config).await.unwrap();
    let client = client();
    let base = format!("http://{}", server.admin_address().unwrap());
    let answer = send(client.get(format!("{base}/health"))).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"ready\n"[..])
    );
    let url = format!("http://{}/file", server.address());
    send(client.post(&url).body("hello session"))
        .await
        .expect_json();
    send(client.get(format!("{url}/7"))).await.expect_error(404);
    let answer = send(client.get(format!("{base}/metrics"))).await;
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        "session_files_files 1",
        "session_files_bytes 13",
        "session_files_requests_total 2",
        "session_files_uploaded_bytes_total 13",
        "# TYPE session_files_files gauge",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_uploads_end_and_new_ones_wait_for_the_next_start() {
    let server = Server::start().await;
    let content = content(1, 600_000);
    let mut stream = server
        .begin_upload(content.len(), &content[..300_000])
        .await;
    until(|| server.partial_uploads() == 1).await;
    let Server {
        running,
        dir,
        address,
        ..
    } = server;
    let stopping = tokio::spawn(running.stop());
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refused)
        .await
        .unwrap();
    stream.write_all(&content[300_000..]).await.unwrap();
    assert_eq!(read_answer(stream).await.0, 200);
    stopping.await.unwrap().unwrap();
    let server = Server::on(dir, |_| ()).await;
    let path = format!("/file/{}", id_of(&content));
    assert!(server.get(&path).await.body == content);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_upload_that_does_not_end() {
    let server = Server::with(|settings| settings.stop_seconds = 1).await;
    let content = content(1, 600_000);
    let _stream = server
        .begin_upload(content.len(), &content[..300_000])
        .await;
    until(|| server.partial_uploads() == 1).await;
    let Server { running, dir, .. } = server;
    tokio::time::timeout(Duration::from_secs(10), running.stop())
        .await
        .unwrap()
        .unwrap();
    let server = Server::on(dir, |_| ()).await;
    let path = format!("/file/{}", id_of(&content));
    server.get(&path).await.expect_error(404);
    assert_eq!(server.partial_uploads(), 0);
}

#[tokio::test]
async fn run_ends_when_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), local());
    let address = config.listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(session_files::run(config, cancel.clone()));
    let answer = send(client().get(format!("http://{address}/file/7"))).await;
    answer.expect_error(404);
    cancel.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn leftovers_are_swept_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig {
        expiry_interval: Duration::from_millis(20),
        sweep_interval: Duration::from_millis(20),
        ..config(dir.path(), local())
    };
    let server = FileServer::start(config).await.unwrap();
    let orphan = dir.path().join("files/007/7");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"content").unwrap();
    let partial = dir.path().join("files/uploads/left.part");
    std::fs::write(&partial, b"content").unwrap();
    until(|| !orphan.exists() && !partial.exists()).await;
    until(|| server.metrics().swept_orphans == 1 && server.metrics().swept_partial == 1).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        tls: true,
        ..local()
    };
    let server = FileServer::start(config(dir.path(), settings))
        .await
        .unwrap();
    let url = format!("https://{}/file", server.address());
    let answer = send(client().post(url).body("hello session")).await;
    assert_eq!(answer.status, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_is_made_once_and_served_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let made = session_files::init(dir.path()).unwrap();
    let file = dir.path().join("files.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let own = text
        .replace("0.0.0.0:22030", "127.0.0.1:0")
        .replace("127.0.0.1:22039", "127.0.0.1:0");
    std::fs::write(&file, &own).unwrap();
    let again = session_files::init(dir.path()).unwrap();
    assert_eq!(made.x25519(), again.x25519());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), own);
    let open = || ServerConfig::open(dir.path());
    let server = FileServer::start(open().unwrap()).await.unwrap();
    assert_eq!(server.key(), made.x25519());
    let second = FileServer::start(open().unwrap()).await;
    assert!(matches!(
        second,
        Err(ServerError::Storage(StorageError::InUse))
    ));
    server.stop().await.unwrap();
    std::fs::write(&file, "lisetn = 7").unwrap();
    assert!(matches!(open(), Err(ServerError::Settings(_))));
    assert!(session_files::init(dir.path()).is_err());
}
