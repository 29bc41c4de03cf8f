//! Those who send or read slowly on purpose, and servers that answer without end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use serde_json::json;
use session_chassis::listener;
use session_crypto::X25519Secret;
use session_crypto::onion_cipher::OnionCipher;
use session_onion::packet::{Destination, ServerProtocol, build};
use session_storage_rpc::{Request, Retrieve};
use session_types::Namespace;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::onion::hop;
use crate::raw::{read_all, tcp_from, tls_from};
use crate::support::{Answer, Network, SWARM, until};

fn address(network: &Network) -> SocketAddr {
    let contact = network.contact(0);
    SocketAddr::from((contact.ip, contact.https_port))
}

/// The beginning of a request whose body never comes to an end.
fn unfinished(path: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{").into_bytes()
}

/// Sends a byte now and then until the node has had enough; tells how long that took.
async fn drip(
    stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
) -> Duration {
    let start = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let mut answer = [0; 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return start.elapsed();
                }
            }
            _ = pace.tick() => {
                if stream.write_all(b" ").await.is_err() {
                    return start.elapsed();
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_handshakes_heads_and_bodies_are_cut_off() {
    let limit = Duration::from_millis(700);
    let network = Network::start_with(&[(SWARM, 1)], move |config| {
        config.limits.listener.handshake_timeout = limit;
        config.limits.listener.header_read_timeout = limit;
        config.timing.body_timeout = limit;
    })
    .await;
    let node = address(&network);
    let here = Ipv4Addr::LOCALHOST;
    let mut handshake = tcp_from(here, node).await.unwrap();
    // The beginning of a record that announces sixteen kibibytes.
    handshake.write_all(&[22, 3, 1, 0x40, 0]).await.unwrap();
    let mut head = tls_from(here, node).await.unwrap();
    head.write_all(b"POST /storage_rpc/v1 HTTP/1.1\r\nX: ")
        .await
        .unwrap();
    let mut bodies = Vec::new();
    for path in ["/storage_rpc/v1", "/onion_req/v2", "/node/v1/data"] {
        let mut body = tls_from(here, node).await.unwrap();
        body.write_all(&unfinished(path)).await.unwrap();
        bodies.push(body);
    }
    let bodies = futures_util::future::join_all(bodies.iter_mut().map(drip));
    let all = futures_util::future::join3(drip(&mut handshake), drip(&mut head), bodies);
    let took = tokio::time::timeout(Duration::from_secs(20), all).await;
    let (handshake, head, bodies) = took.unwrap();
    let took = [vec![handshake, head], bodies].concat();
    println!("cut off after {took:?}");
    network.call(0, "info", json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_told_why() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.timing.body_timeout = Duration::from_millis(200);
    })
    .await;
    let mut stream = tls_from(Ipv4Addr::LOCALHOST, address(&network))
        .await
        .unwrap();
    stream
        .write_all(&unfinished("/storage_rpc/v1"))
        .await
        .unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"));
}

/// Requests that have not arrived take no place from those that have.
#[tokio::test(flavor = "multi_thread")]
async fn many_slow_bodies_keep_nobody_from_working() {
    let network = Network::start_with(&[(SWARM, 1)], |config| config.limits.max_requests = 4).await;
    let mut slow = Vec::new();
    for number in 0..100u8 {
        let from = Ipv4Addr::new(127, 0, 0, 2 + number);
        let mut stream = tls_from(from, address(&network)).await.unwrap();
        let path = ["/storage_rpc/v1", "/onion_req/v2"][usize::from(number % 2)];
        stream.write_all(&unfinished(path)).await.unwrap();
        slow.push(stream);
    }
    for _ in 0..20 {
        network.call(0, "info", json!({})).await.ok();
    }
    assert_eq!(network.node(0).metrics().await.refused_busy, 0);
}

/// A request with an answer of more than six megabytes.
struct Large {
    request: Request,
    bytes: Vec<u8>,
}

impl Large {
    async fn of(network: &Network) -> Self {
        let bob = network.person(SWARM);
        for number in 0..90u8 {
            network.send(0, &bob, &vec![number; 70_000]).await;
        }
        let retrieve = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
        let request = Request::Retrieve(retrieve.max_size(-1));
        let body = request.to_json_text();
        let length = body.len();
        let head =
            format!("POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        Self {
            request,
            bytes: format!("{head}{body}").into_bytes(),
        }
    }

    async fn ask_and_not_read(&self, network: &Network, from: Ipv4Addr) -> TlsStream<TcpStream> {
        let mut stream = tls_from(from, address(network)).await.unwrap();
        stream.write_all(&self.bytes).await.unwrap();
        stream
    }
}

/// Large answers nobody reads are bounded in all; when they take all there is, others are told
/// at once or soon, and served again when the memory is free.
#[tokio::test(flavor = "multi_thread")]
async fn answers_nobody_reads_are_bounded() {
    const MEMORY: usize = 32 * 1024 * 1024;
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.max_answer_memory = MEMORY;
        config.limits.listener.write_stall_timeout = Duration::from_secs(8);
    })
    .await;
    let large = Large::of(&network).await;
    let mut greedy = Vec::new();
    for number in 0..12u8 {
        let from = Ipv4Addr::new(127, 0, 0, 2 + number);
        greedy.push(large.ask_and_not_read(&network, from).await);
    }
    // Small requests need nothing of it.
    network.call(0, "info", json!({})).await.ok();
    let ask = || async {
        let answer = network.ask(0, large.request.clone()).await;
        if answer.status != 200 {
            answer.expect_text(503, "Server busy, try again later");
        }
        answer.status
    };
    until("the memory is short", || async {
        (ask().await == 503).then_some(())
    })
    .await;
    // In the end those who do not read are cut off, and the memory is free.
    until("the answer comes", || async {
        (ask().await == 200).then_some(())
    })
    .await;
    drop(greedy);
}

/// One address gets only its own part of that memory, however many connections it has.
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_one_address_take_nothing_from_others() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.max_answer_memory = 32 * 1024 * 1024;
        config.limits.max_answer_memory_per_ip = 12 * 1024 * 1024;
    })
    .await;
    let large = Large::of(&network).await;
    let from = Ipv4Addr::new(127, 0, 0, 2);
    let mut greedy = Vec::new();
    for _ in 0..12 {
        greedy.push(large.ask_and_not_read(&network, from).await);
    }
    until("the address has had its part", || async {
        let refused = network.node(0).metrics().await.refused_busy;
        (refused >= 8).then_some(())
    })
    .await;
    for _ in 0..5 {
        network.ask(0, large.request.clone()).await.ok();
    }
    drop(greedy);
}

/// One address gets only its own part of the memory for bodies.
#[tokio::test(flavor = "multi_thread")]
async fn unfinished_bodies_of_one_address_take_nothing_from_others() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.max_body_memory = 4 * 1024 * 1024;
        config.limits.max_body_memory_per_ip = 2 * 1024 * 1024;
    })
    .await;
    let from = Ipv4Addr::new(127, 0, 0, 2);
    let head = "POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n";
    let mut greedy = Vec::new();
    for _ in 0..8 {
        let mut stream = tls_from(from, address(&network)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // It may be refused before all of it is written.
        let _ = stream.write_all(&vec![b' '; 1_000_000]).await;
        let _ = stream.flush().await;
        greedy.push(stream);
    }
    until("the address has had its part", || async {
        let refused = network.node(0).metrics().await.refused_busy;
        (refused >= 6).then_some(())
    })
    .await;
    let body = format!(
        "{{\"method\":\"info\",\"params\":{{}},\"x\":\"{}\"}}",
        "x".repeat(1_500_000)
    );
    let answer = network.post(0, "/storage_rpc/v1", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    drop(greedy);
}

/// A server that sends until it is stopped, as slowly as it is read.
struct Endless {
    port: u16,
    sent: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Endless {
    fn start() -> Self {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let answer = move || async move {
            let pieces = futures_util::stream::repeat_with(move || {
                counter.fetch_add(65_536, Ordering::Relaxed);
                Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 65_536]))
            });
            ([("content-encoding", "gzip")], Body::from_stream(pieces))
        };
        let bomb = || async {
            // Ten mebibytes of zeros would come out of these bytes if anybody unpacked them.
            ([("content-encoding", "gzip")], GZIP_OF_NOTHING.to_vec())
        };
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new()
            .route("/oxen/v4/lsrpc", post(answer))
            .route("/oxen/packed/lsrpc", post(bomb));
        let stop = CancellationToken::new();
        tokio::spawn(listener::serve(
            socket,
            None,
            router,
            Default::default(),
            stop.clone(),
        ));
        Self { port, sent, stop }
    }

    async fn ask(&self, network: &Network, path: &[usize], target: &str) -> Answer {
        let key = X25519Secret::from_bytes([7; 32]);
        let destination = Destination::Server {
            host: "127.0.0.1",
            port: self.port,
            protocol: ServerProtocol::Http,
            target,
            x25519: *key.public(),
        };
        let path: Vec<_> = path.iter().map(|index| hop(network, *index)).collect();
        let request = build(
            &path,
            destination,
            b"x",
            OnionCipher::AesGcm,
            &mut rand::rng(),
        );
        network
            .post(0, "/onion_req/v2", request.unwrap().body)
            .await
    }
}

/// The head of a gzip stream; what follows does not matter, since nobody unpacks it.
const GZIP_OF_NOTHING: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03packed";

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_answer_without_end_are_left() {
    const LARGEST: usize = 3 * 1024 * 1024;
    let network = Network::start_with(&[(SWARM, 2)], |config| {
        config.limits.max_relay_answer_bytes = LARGEST;
    })
    .await;
    let server = Endless::start();
    for path in [&[0][..], &[0, 1]] {
        let before = server.sent.load(Ordering::Relaxed);
        let answer = server.ask(&network, path, "/oxen/v4/lsrpc").await;
        answer.expect_text(502, "Server response too large");
        let sent = server.sent.load(Ordering::Relaxed) - before;
        // What the sockets between the two hold comes on top.
        assert!(sent < LARGEST + 16 * 1024 * 1024, "{sent}");
    }
    // Packed answers are handed on as they are.
    let answer = server.ask(&network, &[0], "/oxen/packed/lsrpc").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text.as_bytes(),
        String::from_utf8_lossy(GZIP_OF_NOTHING).as_bytes()
    );
    server.stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_passed_on_share_the_memory_for_answers() {
    let network = Network::start_with(&[(SWARM, 2)], |config| {
        config.limits.max_answer_memory = 2 * 1024 * 1024;
    })
    .await;
    let server = Endless::start();
    for path in [&[0][..], &[0, 1]] {
        let answer = server.ask(&network, path, "/oxen/v4/lsrpc").await;
        answer.expect_text(503, "Server busy, try again later");
    }
    server.stop.cancel();
}
