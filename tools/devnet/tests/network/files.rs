//! The file server of a network.

use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use session_devnet::{Devnet, DevnetError, DevnetOptions, FileServerInfo};
use session_quic::{TlsKey, tls};

use crate::{network, within};

async fn with_files(seed: u64) -> Devnet {
    let options = DevnetOptions {
        nodes: 4,
        seed: Some(seed),
        file_server: true,
        ..DevnetOptions::default()
    };
    within(Devnet::start(options, |_| ())).await.unwrap()
}

/// A handshake over QUIC, in which the server proves its identity.
async fn greet(info: &FileServerInfo) -> Result<(), quinn::ConnectionError> {
    let tls = tls::opening(info.ed25519, &TlsKey::random(), b"quic-files").unwrap();
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let greeting = endpoint.connect_with(config, info.quic, "localhost");
    greeting.unwrap().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outlive_a_kill_and_the_keys_follow_from_the_seed() {
    let mut network = with_files(90).await;
    let info = network.describe().file_server.unwrap();
    assert_eq!(info.setting, format!("{}#{}", info.url, info.ed25519));
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::new();
    let url = format!("{}/file", info.url);
    let sent = client.post(&url).body("hello session").send();
    let answer = within(sent).await.unwrap();
    assert_eq!(answer.status(), 200);
    let file = format!("{url}/1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s");
    let fetch = async || -> Option<String> {
        within(client.get(&file).send())
            .await
            .ok()?
            .text()
            .await
            .ok()
    };
    assert_eq!(fetch().await.as_deref(), Some("hello session"));
    within(greet(&info)).await.unwrap();
    let metrics = network.file_server_metrics().unwrap().unwrap();
    assert_eq!((metrics.files, metrics.downloads), (1, 1));

    network.kill_file_server().unwrap();
    assert_eq!(network.file_server_metrics().unwrap(), None);
    within(network.restart_file_server()).await.unwrap();
    assert_eq!(network.describe().file_server.as_ref(), Some(&info));
    let again = crate::until(fetch).await;
    assert_eq!(again, "hello session");
    within(greet(&info)).await.unwrap();
    within(network.stop_file_server()).await.unwrap();
    within(network.restart_file_server()).await.unwrap();
    within(network.shutdown()).await.unwrap();

    let same = with_files(90).await;
    assert_eq!(same.describe().file_server.unwrap().x25519, info.x25519);
    within(same.shutdown()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_none_unless_asked_for() {
    let mut network = network(91).await;
    assert_eq!(network.describe().file_server, None);
    let none = network.restart_file_server().await;
    assert!(matches!(none, Err(DevnetError::NoFileServer)));
    within(network.shutdown()).await.unwrap();
}
