//! Onion requests to servers outside the network (section 7.7).

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use session_chassis::listener;
use session_crypto::X25519Secret;
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_onion::packet::{Destination, Hop, ServerProtocol, build, parse_entry};
use session_onion::{OnionError, v4};
use tokio_util::sync::CancellationToken;

use crate::onion::{CIPHERS, hop};
use crate::support::{Answer, Network, SWARM};

/// What the server of a test saw and is to answer.
#[derive(Default)]
struct Seen {
    requests: Vec<(HeaderMap, v4::Request)>,
    status: Option<u16>,
    headers: HeaderMap,
}

struct Server {
    key: X25519Secret,
    port: u16,
    seen: Arc<Mutex<Seen>>,
    shutdown: CancellationToken,
}

impl Server {
    fn start() -> Self {
        let key = [0x77; 32];
        let seen = Arc::new(Mutex::new(Seen::default()));
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new()
            .route("/oxen/v4/lsrpc", post(serve))
            .route("/oxen/slow/lsrpc", post(std::future::pending::<()>))
            .with_state(Arc::clone(&seen));
        let shutdown = CancellationToken::new();
        let serve = listener::serve(socket, None, router, Default::default(), shutdown.clone());
        tokio::spawn(serve);
        Self {
            key: X25519Secret::from_bytes(key),
            port,
            seen,
            shutdown,
        }
    }

    fn destination<'a>(&self, target: &'a str) -> Destination<'a> {
        Destination::Server {
            host: "127.0.0.1",
            port: self.port,
            protocol: ServerProtocol::Http,
            target,
            x25519: *self.key.public(),
        }
    }
}

async fn serve(
    State(seen): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    body: bytes::Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let secret = X25519Secret::from_bytes([0x77; 32]);
    let entry = parse_entry(&body).unwrap();
    let key = HopKey::server(entry.cipher, &secret, &entry.ephemeral_key).unwrap();
    let request = v4::Request::decode(&key.decrypt(entry.ciphertext).unwrap()).unwrap();
    let mut seen = seen.lock().unwrap();
    let response = v4::Response {
        code: 201,
        headers: Default::default(),
        body: request.body.clone().unwrap(),
    };
    seen.requests.push((headers, request));
    let status = StatusCode::from_u16(seen.status.unwrap_or(200)).unwrap();
    let body = key.encrypt(&response.encode(), &mut rand::rng());
    (status, seen.headers.clone(), body)
}

fn v4_request() -> Vec<u8> {
    v4::Request {
        method: "POST".to_owned(),
        endpoint: "/file".to_owned(),
        headers: Default::default(),
        body: Some(b"\x00\x01binary".to_vec()),
    }
    .encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_servers_and_answers_come_back() {
    let network = Network::start(&[(SWARM, 3)]).await;
    let server = Server::start();
    server
        .seen
        .lock()
        .unwrap()
        .headers
        .insert("x-kept", "yes".parse().unwrap());
    for (path, expect_header) in [(&[0][..], true), (&[0, 1, 2], false)] {
        for cipher in CIPHERS {
            let hops: Vec<Hop> = path.iter().map(|index| hop(&network, *index)).collect();
            let destination = server.destination("/oxen/v4/lsrpc");
            let request =
                build(&hops, destination, &v4_request(), cipher, &mut rand::rng()).unwrap();
            let sent = network
                .http
                .post(network.url(0, "/onion_req/v2"))
                .body(request.body.clone());
            let answer = sent.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers().contains_key("x-kept"), expect_header);
            assert_eq!(answer.headers()["server"], "Oxen Storage Server/2.11.3");
            let body = answer.bytes().await.unwrap();
            let response = request.reply.open_server_reply(&body).unwrap();
            assert_eq!(response.code, 201);
            assert_eq!(response.body, b"\x00\x01binary");
        }
    }
    let (headers, request) = server.seen.lock().unwrap().requests[0].clone();
    assert_eq!(headers["user-agent"], "Oxen Storage Server/2.11.3");
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(request.endpoint, "/file");

    // A status outside the set passes one hop and becomes 500 behind more.
    server.seen.lock().unwrap().status = Some(201);
    for (path, expected) in [(&[0][..], 201), (&[0, 1], 500)] {
        let answer = to_server(&network, &server, path, "/oxen/v4/lsrpc").await;
        assert_eq!(answer.status, expected);
    }
    server.seen.lock().unwrap().status = Some(302);
    server
        .seen
        .lock()
        .unwrap()
        .headers
        .insert("location", "/elsewhere".parse().unwrap());
    to_server(&network, &server, &[0, 1], "/oxen/v4/lsrpc")
        .await
        .expect_text(502, "Maximum (0) redirects followed");
    to_server(&network, &server, &[0, 1], "/oxen/slow/lsrpc")
        .await
        .expect_text(504, "Request time out");
    server.shutdown.cancel();
    // Nobody listens on port 1.
    let nobody = Server { port: 1, ..server };
    let answer = to_server(&network, &nobody, &[0, 1], "/oxen/v4/lsrpc").await;
    assert_eq!(answer.status, 502);
    assert!(!answer.text.is_empty());
}

/// The raw answer to a request for the server.
async fn to_server(network: &Network, server: &Server, path: &[usize], target: &str) -> Answer {
    let hops: Vec<Hop> = path.iter().map(|index| hop(network, *index)).collect();
    let destination = server.destination(target);
    let request = build(
        &hops,
        destination,
        &v4_request(),
        OnionCipher::AesGcm,
        &mut rand::rng(),
    )
    .unwrap();
    let sent = network
        .http
        .post(network.url(path[0], "/onion_req/v2"))
        .body(request.body);
    let answer = sent.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    Answer { status, text }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_middle_hops_refusal_is_told_from_the_destinations() {
    let network = Network::start_with(&[(SWARM, 2)], |config| {
        config.allow_private_relay_targets = false;
    })
    .await;
    let server = Server::start();
    let hops = [hop(&network, 0), hop(&network, 1)];
    let destination = server.destination("/oxen/v4/lsrpc");
    let request = build(
        &hops,
        destination,
        &v4_request(),
        OnionCipher::XChaCha20,
        &mut rand::rng(),
    );
    let request = request.unwrap();
    let answer = network.post(0, "/onion_req/v2", request.body).await;
    assert_eq!(answer.status, 200);
    let error = request
        .reply
        .open_server_reply(answer.text.as_bytes())
        .unwrap_err();
    match error {
        OnionError::AnsweredByHop { hop, status, body } => {
            assert_eq!((hop, status, body.as_str()), (1, 400, "Invalid url"));
        }
        other => panic!("{other}"),
    }
    server.shutdown.cancel();
}
