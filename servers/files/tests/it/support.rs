//! A server to test, and how it is asked.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use session_chassis::clock::Clock;
use session_chassis::listener;
use session_files::settings::Settings;
use session_files::{ContentHasher, FileId, FileServer, RunningServer, ServerConfig, ServerKeys};
use session_types::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// When the tests take place, in seconds. A Tuesday.
pub(crate) const START: u64 = 1_700_000_000;
pub(crate) const DAY: u64 = 24 * 3600;
pub(crate) const SEED: [u8; 32] = [0x42; 32];
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A clock that stands still until it is set.
#[derive(Debug)]
pub(crate) struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst) * 1000)
    }
}

pub(crate) struct Server {
    pub(crate) running: RunningServer,
    pub(crate) dir: TempDir,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    clock: Arc<SetClock>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that it is an error with this status, inside and outside.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16) {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.json(), json!({ "status_code": status }));
    }

    #[track_caller]
    pub(crate) fn expect_json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn on(dir: TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        // Where nothing else is said, limits are not what is tested.
        let mut settings = Settings {
            requests_per_second: 100_000,
            burst: 100_000,
            total_requests_per_second: 100_000,
            total_burst: 100_000,
            node_requests_per_second: 100_000,
            node_burst: 100_000,
            ..Settings::default()
        };
        change(&mut settings);
        let clock = Arc::new(SetClock(AtomicU64::new(START)));
        let config = ServerConfig {
            clock: Arc::clone(&clock) as _,
            expiry_interval: Duration::from_millis(20),
            quic: Some(UdpSocket::bind("127.0.0.1:0").unwrap()),
            ..config(dir.path(), settings)
        };
        let running = FileServer::start(config).await.unwrap();
        Self {
            address: running.address(),
            running,
            dir,
            client: client(),
            clock,
        }
    }

    /// The same folder, after an orderly stop.
    pub(crate) async fn restarted(self) -> Self {
        let Self { running, dir, .. } = self;
        running.stop().await.unwrap();
        Self::on(dir, |_| ()).await
    }

    pub(crate) fn set_clock(&self, seconds: u64) {
        self.clock.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        send(self.request("POST", path).body(body.into())).await
    }

    /// Uploads and returns the id.
    pub(crate) async fn upload(&self, content: &[u8]) -> String {
        let answer = self.post("/file", content).await.expect_json();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Uploads in parts, without announcing how long it will be.
    pub(crate) async fn upload_chunked(&self, parts: &[&[u8]]) -> (u16, Vec<u8>) {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let head = "POST /file HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for part in parts {
                let size = format!("{:x}\r\n", part.len());
                // A server that refuses early may close before everything is sent.
                let _ = stream.write_all(size.as_bytes()).await;
                let _ = stream.write_all(part).await;
                let _ = stream.write_all(b"\r\n").await;
            }
            let _ = stream.write_all(b"0\r\n\r\n").await;
            read_answer(stream).await
        };
        tokio::time::timeout(DEADLINE, exchange).await.unwrap()
    }

    /// Announces a body, sends a part of it and leaves the rest to the caller.
    pub(crate) async fn begin_upload(&self, announced: usize, sent: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /file HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {announced}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream
    }

    /// Uploads there are parts of on the disk.
    pub(crate) fn partial_uploads(&self) -> usize {
        let folder = self.dir.path().join("files/uploads");
        std::fs::read_dir(folder).unwrap().count()
    }
}

pub(crate) fn config(dir: &Path, settings: Settings) -> ServerConfig {
    let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    ServerConfig::new(dir, socket, ServerKeys::from_seed(SEED), settings)
}

/// Status and body of the answer on a connection that ends with it.
pub(crate) async fn read_answer(mut stream: impl AsyncRead + Unpin) -> (u16, Vec<u8>) {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an answer");
    let status = std::str::from_utf8(&answer[9..12])
        .unwrap()
        .parse()
        .unwrap();
    (status, answer[end + 4..].to_vec())
}

pub(crate) fn client() -> Client {
    client_from("127.0.0.1")
}

/// A client with another address.
pub(crate) fn client_from(address: &str) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .local_address(address.parse::<IpAddr>().unwrap())
        .tls_danger_accept_invalid_certs(true)
        .timeout(DEADLINE)
        .build()
        .unwrap()
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.bytes().await.unwrap().to_vec(),
    }
}

/// Waits until something holds, with a deadline.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let holding = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, holding).await.unwrap();
}

/// Content that is different for each number.
pub(crate) fn content(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut content = Vec::with_capacity(length + 8);
    while content.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(length);
    content
}

pub(crate) fn id_of(content: &[u8]) -> String {
    let mut hasher = ContentHasher::blake2b();
    hasher.update(content);
    hasher.id().to_string()
}

/// The folder content of this name is in.
pub(crate) fn prefix(id: &str) -> String {
    id.parse::<FileId>().unwrap().prefix()
}
