//! Files straight to and from a file server over QUIC.

use std::net::UdpSocket;
use std::sync::Arc;

use bytes::Bytes;
use quinn::crypto::rustls::QuicServerConfig;
use session_chassis::listener;
use session_files::settings::Settings;
use session_files::{FileServer as Server, RunningServer, ServerConfig, ServerKeys};
use session_net::{DirectError, FileServer, Moved, Progress};
use session_quic::{TlsKey, tls};
use tempfile::TempDir;

use crate::support::{Client, within};

const NOWHERE: &str = "http://127.0.0.1:9/";
const SEED: [u8; 32] = [0x42; 32];

struct Files {
    running: RunningServer,
    _folder: TempDir,
}

impl Files {
    async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let keys = ServerKeys::from_seed(SEED);
        let mut settings = Settings::default();
        change(&mut settings);
        let mut config = ServerConfig::new(folder.path(), socket, keys, settings);
        config.quic = Some(UdpSocket::bind("127.0.0.1:0").unwrap());
        let running = within(Box::pin(Server::start(config))).await.unwrap();
        Self {
            running,
            _folder: folder,
        }
    }

    fn port(&self) -> u16 {
        self.running.quic_address().unwrap().port()
    }
}

/// A file server of this key at this machine.
fn server(seed: [u8; 32]) -> FileServer {
    let key = *ServerKeys::from_seed(seed).ed25519();
    format!("http://127.0.0.1:80#{key}").parse().unwrap()
}

fn at(port: u16) -> Client {
    Client::new_tuned(NOWHERE, |options| options.file_port = port)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_up_and_come_down_and_it_is_told_how_far_they_are() {
    let files = Files::start(|_| ()).await;
    let client = at(files.port());
    let network = &client.network;
    let server = server(SEED);
    for size in [1usize, 100_000, 10_223_616] {
        let content: Vec<u8> = (0..size)
            .map(|place| place.to_le_bytes()[size % 3])
            .collect();
        let progress = Progress::new();
        let file = Bytes::from(content.clone());
        let id = within(network.upload_directly(&server, file, &progress))
            .await
            .unwrap();
        let all = u64::try_from(size).unwrap();
        let moved = progress.moved();
        assert_eq!((moved.sent, moved.to_send), (all, all));
        let progress = Progress::new();
        let got = network.download_directly(&server, &id, size, &progress);
        assert!(within(got).await.unwrap() == content);
        let Moved {
            received,
            to_receive,
            ..
        } = progress.moved();
        assert_eq!((received, to_receive), (all, Some(all)));
        // Not more of it than is wanted.
        let progress = Progress::new();
        let got = network.download_directly(&server, &id, size - 1, &progress);
        assert_eq!(within(got).await, Err(DirectError::TooLong));
    }
    assert_eq!(files.running.metrics().uploads, 3);
    let traffic = network.traffic();
    assert_eq!((traffic.requests, traffic.quic_requests), (9, 9));
    assert!(traffic.bytes_out > 10_000_000 && traffic.bytes_in > 10_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_said_with_its_code() {
    let files = Files::start(|settings| settings.max_file_bytes = 100_000).await;
    let client = at(files.port());
    let server = server(SEED);
    let progress = Progress::new();
    for (size, code) in [(0, 451), (100_001, 451), (9_000_000, 451)] {
        let file = Bytes::from(vec![7; size]);
        let refused = client.network.upload_directly(&server, file, &progress);
        assert_eq!(within(refused).await, Err(DirectError::Refused { code }));
    }
    for id in ["7", "", "../7", &"x".repeat(9000)] {
        let refused = client
            .network
            .download_directly(&server, id, 1000, &progress);
        let refused = within(refused).await;
        assert_eq!(refused, Err(DirectError::Refused { code: 404 }), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_somebody_else_and_a_proxy() {
    let files = Files::start(|_| ()).await;
    let progress = Progress::new();
    let get = async |client: &Client, seed| {
        let server = server(seed);
        let got = client
            .network
            .download_directly(&server, "7", 1000, &progress);
        within(got).await.unwrap_err()
    };
    // The key is that of another server.
    assert_eq!(
        get(&at(files.port()), [9; 32]).await,
        DirectError::BadAnswer
    );
    // A socket that nobody reads.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    assert_eq!(get(&at(port), SEED).await, DirectError::Unreachable);
    // Behind a proxy nothing is tried.
    let proxied = Client::new_tuned(NOWHERE, |options| {
        options.file_port = files.port();
        options.proxy = Some("socks5://127.0.0.1:9".parse().unwrap());
    });
    assert_eq!(get(&proxied, SEED).await, DirectError::Proxy);
    assert_eq!(proxied.network.traffic().requests, 0);
}

/// A server with the right key whose every answer is this.
fn liar(answer: &'static [u8]) -> (u16, tokio::task::JoinHandle<()>) {
    let key = TlsKey::from_seed(SEED);
    let tls = tls::accepting(&key, &[b"quic-files"]).unwrap();
    let crypto = QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = quinn::Endpoint::server(config, ([127, 0, 0, 1], 0).into()).unwrap();
    let port = endpoint.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            let Ok(connection) = incoming.await else {
                continue;
            };
            // The first stream is for questions.
            let _questions = connection.accept_bi().await;
            if let Ok((mut send, mut recv)) = connection.accept_bi().await {
                let _ = recv.read_to_end(100_000).await;
                let _ = send.write_all(answer).await;
                let _ = send.finish();
            }
            connection.closed().await;
        }
    });
    (port, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none() {
    for answer in [
        &b""[..],
        b"nonsense",
        b"99999:",
        b"8:d1:si5ee",
        b"8:d1:si5eehell",
        b"8:d1:si5eehello, and more",
        b"2:de",
    ] {
        let (port, task) = liar(answer);
        let client = at(port);
        let progress = Progress::new();
        let server = server(SEED);
        let got = client
            .network
            .download_directly(&server, "7", 1000, &progress);
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(within(got).await, Err(DirectError::BadAnswer), "{shown}");
        let put = client
            .network
            .upload_directly(&server, Bytes::from_static(b"x"), &progress);
        // The task serves one connection after the other; the first one is closed by now.
        assert_eq!(within(put).await, Err(DirectError::BadAnswer), "{shown}");
        task.abort();
    }
}
