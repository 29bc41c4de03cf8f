//! Ordinary requests.

use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, HandshakeKind};
use session_chassis::ChassisError;
use session_chassis::listener::{self, ListenerLimits};
use tokio::io::AsyncWriteExt as _;

use crate::client::{self, config};
use crate::{Server, within};

#[tokio::test]
async fn both_tls_versions_keep_the_connection_and_know_the_peer() {
    let server = Server::start(true, ListenerLimits::default());
    for version in [&TLS12, &TLS13] {
        let mut stream = client::tls(server.address, &config(version)).await.unwrap();
        let (tcp, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(session.protocol_version(), Some(version.version));
        let suite = session.negotiated_cipher_suite().unwrap().suite();
        let cheap = suite == CipherSuite::TLS13_AES_128_GCM_SHA256;
        assert_eq!(cheap, version == &TLS13, "{suite:?}");
        let own_address = tcp.local_addr().unwrap().to_string();
        for _ in 0..3 {
            let answer = client::get(&mut stream, "/peer").await.unwrap();
            assert_eq!((answer.status, answer.text()), (200, own_address.as_str()));
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn the_second_handshake_resumes_the_first() {
    let server = Server::start(true, ListenerLimits::default());
    for version in [&TLS12, &TLS13] {
        let config = config(version);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = client::tls(server.address, &config).await.unwrap();
            // Tickets of TLS 1.3 come after the handshake, with the first answer at the latest.
            client::get(&mut stream, "/peer").await.unwrap();
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
        }
        assert_eq!(
            kinds,
            [HandshakeKind::Full, HandshakeKind::Resumed],
            "{version:?}"
        );
    }
    server.finish().await;
}

#[tokio::test]
async fn without_tls_too() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let own_address = stream.local_addr().unwrap().to_string();
    let answer = client::get(&mut stream, "/peer").await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, own_address.as_str()));
    assert_eq!(
        client::get(&mut stream, "/elsewhere").await.unwrap().status,
        404
    );
    server.finish().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let mut requests = String::new();
    for n in 0..20 {
        let body = "x".repeat(n);
        requests += &format!(
            "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: {n}\r\n\r\n{body}"
        );
    }
    within(stream.write_all(requests.as_bytes())).await.unwrap();
    for n in 0..20 {
        assert_eq!(
            client::answer(&mut stream).await.unwrap().text(),
            n.to_string()
        );
    }
    server.finish().await;
}

#[tokio::test]
async fn a_panicking_handler_ends_its_connection_only() {
    let server = Server::start(false, ListenerLimits::default());
    let mut other = client::tcp(server.address).await;
    assert_eq!(client::get(&mut other, "/peer").await.unwrap().status, 200);
    let mut stream = client::tcp(server.address).await;
    assert!(client::get(&mut stream, "/panic").await.is_err());
    assert_eq!(client::get(&mut other, "/peer").await.unwrap().status, 200);
    server.finish().await;
}

#[tokio::test]
async fn a_port_in_use_is_said_so() {
    let first = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.local_addr().unwrap();
    let error = listener::bind(address).unwrap_err();
    assert!(matches!(error, ChassisError::AddressInUse(at) if at == address));
    assert_eq!(
        error.to_string(),
        format!(
            "port {} on 127.0.0.1 is already in use by another program",
            address.port()
        )
    );
    drop(first);
    listener::bind(address).unwrap();

    let error = listener::bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this machine has no address 192.0.2.1 to listen on"
    );
}
