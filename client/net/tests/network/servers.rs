//! A file server asked through nodes, and servers that mean no good.

use core::time::Duration;
use std::collections::BTreeSet;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use session_devnet::{Devnet, DevnetOptions};
use session_net::{
    FileServer, FileUrl, NetError, Network, Progress, Purpose, ServerProtocol, ServerReply,
    ServerRequest, ServerTarget,
};
use session_types::{Ed25519PublicKey, ErrorKind};

use crate::support::{Client, within};

async fn network_with_files(seed: u64) -> (Devnet, FileServer) {
    let options = DevnetOptions {
        seed: Some(seed),
        file_server: true,
        ..DevnetOptions::default()
    };
    let devnet = within(Devnet::start(options, |_| ())).await.unwrap();
    let setting = devnet.describe().file_server.unwrap().setting;
    (devnet, setting.parse().unwrap())
}

async fn ask(
    network: &Network,
    target: &ServerTarget,
    request: ServerRequest,
) -> Result<ServerReply, NetError> {
    within(network.ask_server(target, &request, Purpose::Files)).await
}

fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..length).map(|_| next()).collect()
}

/// The name the server gave an upload.
fn id_of(reply: &ServerReply) -> String {
    assert_eq!(reply.status, 200);
    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert!(answer["expires"].as_f64().unwrap() > 1e9);
    answer["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_up_and_come_down_and_it_is_told_how_far_they_are() {
    let (devnet, server) = network_with_files(301).await;
    let client = Client::new(&devnet.seed_url());
    for size in [10_000, 10_223_616] {
        let content = bytes(size);
        let progress = Progress::new();
        let mut steps = progress.subscribe();
        let counting = tokio::spawn(async move {
            let mut count = 0;
            let mut last = 0;
            while steps.changed().await.is_ok() {
                let moved = *steps.borrow_and_update();
                assert!(moved.sent <= moved.to_send && moved.sent >= last);
                last = moved.sent;
                count += 1;
            }
            count
        });
        let request = ServerRequest::post("/file", content.clone()).watched(progress.clone());
        let reply = ask(&client.network, &server.target(), request).await;
        let moved = progress.moved();
        drop(progress);
        let url: FileUrl = server
            .url_of(&id_of(&reply.unwrap()), false)
            .parse()
            .unwrap();
        let steps = counting.await.unwrap();
        if size > 1_000_000 {
            assert!(moved.sent == moved.to_send && moved.sent > 10_223_616);
            assert!(steps > 2, "{steps}");
        }

        let progress = Progress::new();
        let request = ServerRequest::get(format!("/file/{}", url.id()))
            .expecting(10_300_000)
            .watched(progress.clone());
        let target = url.targets(Some(&server)).remove(0);
        let reply = ask(&client.network, &target, request).await.unwrap();
        assert!(reply.body == content, "{size}");
        assert!(reply.headers.contains_key("expires"));
        let moved = progress.moved();
        assert!(moved.received > size as u64 && moved.to_receive == Some(moved.received));
    }
    // What is not there, or not allowed, is an answer.
    for (request, status) in [
        (ServerRequest::get("/file/7"), 404),
        (ServerRequest::post("/file", Vec::new()), 413),
        (ServerRequest::post("/file/7", vec![1]), 405),
    ] {
        let reply = ask(&client.network, &server.target(), request).await;
        assert_eq!(reply.unwrap().status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_an_exit_of_their_own() {
    let (devnet, server) = network_with_files(302).await;
    let client = Client::new(&devnet.seed_url());
    let read = client.read().await.unwrap();
    let asked = ServerRequest::get("/file/7");
    let mut exits = BTreeSet::new();
    for _ in 0..4 {
        let reply = ask(&client.network, &server.target(), asked.clone()).await;
        let [guard, _, exit] = *reply.unwrap().hops;
        assert_eq!(guard.ed25519, read.route.guard.ed25519);
        exits.insert(exit.ed25519);
    }
    assert_eq!(exits.len(), 1, "one path per purpose");
    assert!(!exits.contains(&read.route.exit.ed25519));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_or_has_another_key_is_named() {
    let (mut devnet, server) = network_with_files(303).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let guard = guard_of(&client.network);

    let mut other = server.target();
    other.x25519 = [9; 32].into();
    let request = ServerRequest::get("/file/7");
    let refused = ask(&client.network, &other, request.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, NetError::ServerRefused { status: 400 }),
        "{refused:?}"
    );
    assert_eq!(refused.kind(), ErrorKind::BadPeer);

    devnet.kill_file_server().unwrap();
    let away = ask(&client.network, &server.target(), request.clone()).await;
    let away = away.unwrap_err();
    assert_eq!(away.code(), "net.server_unreachable", "{away:?}");
    assert_eq!(away.kind(), ErrorKind::Unreachable);
    assert_eq!(
        away.to_string(),
        "tried 3 times over different paths: the server cannot be reached (status 502)"
    );
    assert_eq!(guard_of(&client.network), guard);
    devnet.restart_file_server().await.unwrap();
    let reply = ask(&client.network, &server.target(), request).await;
    assert_eq!(reply.unwrap().status, 404);

    // More than nodes pass on is refused before it is sent.
    let long = ServerRequest::post("/file", vec![0; 10 * 1024 * 1024]);
    let refused = ask(&client.network, &server.target(), long).await;
    assert!(matches!(refused, Err(NetError::TooLong)));
}

fn guard_of(network: &Network) -> Ed25519PublicKey {
    match &*network.watch_status().borrow() {
        session_net::NetworkStatus::Connected { guard, .. } => guard.ed25519,
        other => panic!("not connected: {other:?}"),
    }
}

/// What a bad server answers, whatever it is asked.
#[derive(Clone)]
struct Manner {
    status: u16,
    body: Bytes,
    wait: Duration,
}

async fn bad_server(manner: Manner) -> ServerTarget {
    async fn answer(State(manner): State<Manner>) -> (StatusCode, Bytes) {
        tokio::time::sleep(manner.wait).await;
        (StatusCode::from_u16(manner.status).unwrap(), manner.body)
    }
    let router = Router::new().fallback(answer).with_state(manner);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(socket, router).await });
    ServerTarget {
        scheme: ServerProtocol::Http,
        host: "127.0.0.1".into(),
        port,
        x25519: [9; 32].into(),
    }
}

/// However a server answers that somebody's message names, guards and nodes stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_server_cannot_drive_a_client_from_its_guard() {
    let (devnet, server) = network_with_files(304).await;
    let client = Client::new_tuned(&devnet.seed_url(), |options| {
        options.server_timeout = Duration::from_millis(300);
    });
    client.read().await.unwrap();
    let guard = guard_of(&client.network);
    let pool = client.memory.cached().pool;
    let at_once = Duration::ZERO;
    let mut manners = vec![
        (200, Bytes::from_static(b"nonsense"), at_once),
        (200, Bytes::from(vec![7; 400_000]), at_once),
        (
            503,
            Bytes::from_static(b"Service node is not ready: x"),
            at_once,
        ),
        (
            503,
            Bytes::from_static(b"Server busy, try again later"),
            at_once,
        ),
        (200, Bytes::new(), Duration::from_secs(3600)),
    ];
    for node in devnet.nodes() {
        let text = format!("Next node not found: {}", node.contact.ed25519);
        manners.push((502, text.into(), at_once));
    }
    for (status, body, wait) in manners {
        let target = bad_server(Manner { status, body, wait }).await;
        let request = ServerRequest::get("/file/7").expecting(100_000);
        assert!(ask(&client.network, &target, request).await.is_err());
    }
    assert_eq!(guard_of(&client.network), guard);
    assert_eq!(client.memory.cached().pool, pool);
    let request = ServerRequest::get("/file/7");
    let reply = ask(&client.network, &server.target(), request).await;
    assert_eq!(reply.unwrap().status, 404);
    client.read().await.unwrap();
    drop(devnet);
}
