//! Onion requests posted to a server on a real socket.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::{Extension, Router};
use http::StatusCode;
use session_chassis::listener::{self, PeerAddr};
use session_chassis::onion::{OnionIngress, OnionLimits, V4_PATH, ViaOnion};
use session_crypto::X25519Secret;
use session_onion::packet::{HopKey, OnionCipher, encode_entry};
use session_onion::v4;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const CIPHERS: [OnionCipher; 2] = [OnionCipher::AesGcm, OnionCipher::XChaCha20];
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    key: X25519Secret,
    ingress: OnionIngress,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    fn start(limits: OnionLimits) -> Self {
        let key = X25519Secret::from_bytes([0x42; 32]);
        let ingress = OnionIngress::new(X25519Secret::from_bytes([0x42; 32]), limits);
        let router = ingress.added_to(Router::new().fallback(echo));
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serve = listener::serve(socket, None, router, Default::default(), stop.clone());
        tokio::spawn(serve);
        Self {
            address,
            key,
            ingress,
            stop,
        }
    }

    /// Posts a body; the status and the body of the outer answer.
    async fn post(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let head = format!(
                "POST {V4_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: outer\r\nx-outer: outer\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // A server that refuses early may close before everything is sent.
            let _ = stream.write_all(body).await;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(DEADLINE, exchange).await.unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let status = std::str::from_utf8(&answer[9..12])
            .unwrap()
            .parse()
            .unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// Encrypts, posts and opens the answer.
    async fn ask(&self, cipher: OnionCipher, plaintext: &[u8]) -> v4::Response {
        let (key, body) = seal(&self.key, cipher, plaintext);
        let (status, answer) = self.post(&body).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        v4::Response::decode(&key.decrypt(&answer).unwrap()).unwrap()
    }
}

fn seal(server: &X25519Secret, cipher: OnionCipher, plaintext: &[u8]) -> (HopKey, Vec<u8>) {
    let ephemeral = X25519Secret::generate(&mut rand::rng());
    let key = HopKey::client(cipher, &ephemeral, server.public()).unwrap();
    let ciphertext = key.encrypt(plaintext, &mut rand::rng());
    let body = encode_entry(&ciphertext, ephemeral.public(), cipher, None);
    (key, body)
}

/// Answers with what it was asked, the body last.
async fn echo(
    onion: Option<Extension<ViaOnion>>,
    peer: Option<Extension<PeerAddr>>,
    request: Request,
) -> (StatusCode, [(&'static str, &'static str); 1], Body) {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let length: usize = head.uri.query().map_or(0, |query| query.parse().unwrap());
    if length > 0 {
        return (StatusCode::OK, [("x-kind", "long")], vec![1; length].into());
    }
    let names: Vec<&str> = head.headers.keys().map(http::HeaderName::as_str).collect();
    let text = format!(
        "{} {} onion={} peer={} {} {}",
        head.method,
        head.uri,
        onion.is_some(),
        peer.is_some(),
        names.join(","),
        String::from_utf8_lossy(&body),
    );
    (StatusCode::IM_A_TEAPOT, [("X-Kind", "Echo")], text.into())
}

fn request(method: &str, endpoint: &str, body: Option<&[u8]>) -> v4::Request {
    v4::Request {
        endpoint: endpoint.to_owned(),
        method: method.to_owned(),
        headers: v4::Headers::from([("X-Mine".to_owned(), "1".to_owned())]),
        body: body.map(<[u8]>::to_vec),
    }
}

#[tokio::test]
async fn the_router_answers_what_is_inside() {
    let server = Server::start(OnionLimits::default());
    for cipher in CIPHERS {
        let asked = request("POST", "/r\u{e4}um/1", Some(b"hello")).encode();
        let answer = server.ask(cipher, &asked).await;
        assert_eq!(answer.code, 418);
        assert_eq!(answer.headers["x-kind"], "Echo");
        assert!(!answer.headers.contains_key("content-length"));
        assert_eq!(
            String::from_utf8(answer.body).unwrap(),
            "POST /r%C3%A4um/1 onion=true peer=false content-type,x-mine,content-length hello",
            "nothing of the outer request is there"
        );
        let answer = server
            .ask(cipher, &request("GET", "/a", None).encode())
            .await;
        assert_eq!(answer.body, b"GET /a onion=true peer=false x-mine ");
    }
    assert_eq!(server.ingress.counts().answered, 4);
    // Directly the same router answers.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let text = "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("GET /a onion=false peer=true host,connection "));
}

#[tokio::test]
async fn a_content_type_is_added_only_where_there_is_none() {
    let server = Server::start(OnionLimits::default());
    let plain = br#"l35:{"method":"POST","endpoint":"/a"  }2:hie"#;
    let answer = server.ask(OnionCipher::XChaCha20, plain).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains("content-type") && text.ends_with(" hi"),
        "{text}"
    );
}

#[tokio::test]
async fn malformed_requests_are_answered_inside() {
    let server = Server::start(OnionLimits::default());
    let nested = request("POST", V4_PATH, Some(b"anything")).encode();
    let nested_v3 = request("POST", "/loki/v3/lsrpc?x=1", Some(b"anything")).encode();
    let relative = request("GET", "a", None).encode();
    let elsewhere = request("GET", "http://a.example/", None).encode();
    let method = request("G T", "/a", None).encode();
    let mut header = request("GET", "/a", None);
    header.headers.insert("a b".to_owned(), "c".to_owned());
    let header = header.encode();
    let whole = request("POST", "/a", Some(b"hello")).encode();
    let truncated = &whole[..whole.len() - 3];
    let cases: [&[u8]; 10] = [
        b"", b"{}", b"le", b"l2:{}e", truncated, &nested, &nested_v3, &relative, &elsewhere,
        &method,
    ];
    for plaintext in cases.into_iter().chain([header.as_slice()]) {
        for cipher in CIPHERS {
            let answer = server.ask(cipher, plaintext).await;
            let shown = String::from_utf8_lossy(plaintext);
            assert_eq!(answer.code, 400, "{shown}");
            assert_eq!(answer.headers["content-type"], "text/plain");
            assert_eq!(answer.body, b"Invalid v4 onion request", "{shown}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_in_the_clear() {
    let server = Server::start(OnionLimits::default());
    let asked = request("GET", "/a", None).encode();
    let stranger = X25519Secret::from_bytes([0x43; 32]);
    for cipher in CIPHERS {
        let (_, wrong_key) = seal(&stranger, cipher, &asked);
        assert_eq!(
            server.post(&wrong_key).await,
            (400, b"Invalid ciphertext".to_vec())
        );
        let (_, mut tampered) = seal(&server.key, cipher, &asked);
        tampered[30] ^= 1;
        assert_eq!(server.post(&tampered).await.0, 400);
        let (_, whole) = seal(&server.key, cipher, &asked);
        for length in [0, 3, 4, 20, whole.len() / 2, whole.len() - 1] {
            let (status, text) = server.post(&whole[..length]).await;
            assert_eq!(status, 400, "{length}");
            assert!(text.starts_with(b"Error parsing onion request"), "{length}");
        }
    }
    // Nodes read it, servers do not.
    let (_, cbc) = seal(&server.key, OnionCipher::AesCbc, &asked);
    assert_eq!(server.post(&cbc).await.0, 400);
    // A key of small order.
    let zero = encode_entry(&[0; 60], &[0; 32].into(), OnionCipher::XChaCha20, None);
    assert_eq!(
        server.post(&zero).await,
        (400, b"Invalid ciphertext".to_vec())
    );
    assert_eq!(server.ingress.counts().answered, 0);
    assert_eq!(server.ingress.counts().unreadable, 2 * 8 + 2);
}

#[tokio::test]
async fn sizes_are_bounded() {
    let server = Server::start(OnionLimits {
        max_request_bytes: 4096,
        max_answer_bytes: 10_000,
        max_memory_bytes: 24 * 1024,
        ..OnionLimits::default()
    });
    let (_, long) = seal(
        &server.key,
        OnionCipher::XChaCha20,
        &request("POST", "/a", Some(&[0; 4096])).encode(),
    );
    assert_eq!(server.post(&long).await.0, 413);
    let cipher = OnionCipher::XChaCha20;
    let ask = |length| request("GET", &format!("/long?{length}"), None).encode();
    let answer = server.ask(cipher, &ask(10_000)).await;
    assert_eq!((answer.code, answer.body.len()), (200, 10_000));
    let answer = server.ask(cipher, &ask(10_001)).await;
    assert_eq!((answer.code, answer.body.len()), (500, 0));

    let server = Server::start(OnionLimits {
        max_memory_bytes: 16 * 1024,
        ..OnionLimits::default()
    });
    let answer = server.ask(cipher, &ask(6_000)).await;
    assert_eq!(answer.body.len(), 6_000);
    let (_, body) = seal(&server.key, cipher, &ask(20_000));
    assert_eq!(server.post(&body).await.0, 503);
    let (_, body) = seal(
        &server.key,
        cipher,
        &request("POST", "/a", Some(&[0; 20_000])).encode(),
    );
    assert_eq!(server.post(&body).await.0, 503);
    assert_eq!(server.ingress.counts().busy, 2);
    // All of it has come back.
    let answer = server.ask(cipher, &ask(6_000)).await;
    assert_eq!(answer.body.len(), 6_000);
}

/// Whoever sends slowly from one address takes the memory of that address only.
#[tokio::test]
async fn one_node_cannot_take_all_memory() {
    let server = Server::start(OnionLimits {
        max_memory_bytes: 1024 * 1024,
        max_memory_bytes_per_node: 64 * 1024,
        ..OnionLimits::default()
    });
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("POST {V4_PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&[0; 30_000]).await.unwrap();
        slow.push(stream);
    }
    // The third does not fit any more: it is answered.
    let refused = async {
        while server.ingress.counts().busy == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
    let cipher = OnionCipher::XChaCha20;
    let asked = request("POST", "/a", Some(&[0; 5000])).encode();
    let (_, body) = seal(&server.key, cipher, &asked);
    assert_eq!(server.post(&body).await.0, 503);
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(server.address).await.unwrap();
    let head = format!(
        "POST {V4_PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    other.write_all(head.as_bytes()).await.unwrap();
    other.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}
