//! Requests inside onion requests, posted as the last node of a path does.

use serde_json::{Value, json};
use session_chassis::onion::V4_PATH;
use session_crypto::X25519Secret;
use session_onion::packet::{HopKey, OnionCipher, encode_entry};
use session_onion::v4;

use crate::support::{SEED, Server, content, id_of};

const CIPHERS: [OnionCipher; 2] = [OnionCipher::AesGcm, OnionCipher::XChaCha20];

async fn ask(
    server: &Server,
    cipher: OnionCipher,
    method: &str,
    endpoint: &str,
    body: Option<Vec<u8>>,
) -> v4::Response {
    let request = v4::Request {
        endpoint: endpoint.to_owned(),
        method: method.to_owned(),
        headers: v4::Headers::new(),
        body,
    };
    let ephemeral = X25519Secret::generate(&mut rand::rng());
    let key = HopKey::client(cipher, &ephemeral, server.running.key()).unwrap();
    let ciphertext = key.encrypt(&request.encode(), &mut rand::rng());
    let posted = encode_entry(&ciphertext, ephemeral.public(), cipher, None);
    let answer = server.post(V4_PATH, posted).await;
    assert_eq!(answer.status, 200);
    v4::Response::decode(&key.decrypt(&answer.body).unwrap()).unwrap()
}

fn value(answer: &v4::Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn files_go_up_and_down() {
    let server = Server::with(|settings| {
        // Nodes speak for many clients: what is granted to an address is not about them.
        settings.burst = 1;
        settings.requests_per_second = 1;
        settings.max_uploads_per_address = 1;
    })
    .await;
    assert_eq!(
        server.running.key(),
        session_files::ServerKeys::from_seed(SEED).x25519()
    );
    for (number, cipher) in (0..).zip(CIPHERS) {
        for size in [1, 300_000, 10_223_616] {
            let content = content(number, size);
            let body = Some(content.clone());
            let answer = ask(&server, cipher, "POST", "/file", body).await;
            assert_eq!(answer.code, 200);
            let id = id_of(&content);
            assert_eq!(value(&answer)["id"], id.as_str());
            let answer = ask(&server, cipher, "GET", &format!("/file/{id}"), None).await;
            assert!(answer.code == 200 && answer.body == content);
            assert_eq!(answer.headers["content-type"], "application/octet-stream");
            assert!(answer.headers["expires"].ends_with("GMT"));
            let info = ask(&server, cipher, "GET", &format!("/file/{id}/info"), None).await;
            assert_eq!(value(&info)["size"], size);
            let extend = format!("/file/{id}/extend");
            for body in [None, Some(Vec::new())] {
                let answer = ask(&server, cipher, "POST", &extend, body).await;
                assert_eq!(answer.code, 200);
            }
            let legacy = ask(&server, cipher, "GET", &format!("/files/{id}"), None).await;
            assert_eq!(value(&legacy)["status_code"], 200);
        }
    }
    let metrics = server.running.metrics();
    assert_eq!((metrics.files, metrics.onion_answered), (6, 36));
    assert_eq!((metrics.rate_limited, metrics.busy), (0, 0));
}

#[tokio::test]
async fn errors_are_answered_inside() {
    let server = Server::with(|settings| settings.max_file_bytes = 1000).await;
    let cipher = OnionCipher::XChaCha20;
    for (method, endpoint, body, status) in [
        ("GET", "/file/7", None, 404),
        ("GET", "/nowhere", None, 404),
        ("POST", "/file", None, 413),
        ("POST", "/file", Some(vec![7; 1001]), 413),
        ("DELETE", "/file/7", None, 405),
        ("POST", "/files", Some(b"{}".to_vec()), 400),
        ("GET", "/token_info", None, 502),
    ] {
        let answer = ask(&server, cipher, method, endpoint, body).await;
        assert_eq!(answer.code, status, "{method} {endpoint}");
        assert_eq!(value(&answer), json!({ "status_code": status }));
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let nested = ask(&server, cipher, "POST", V4_PATH, Some(b"x".to_vec())).await;
    assert_eq!(nested.code, 400);
    assert_eq!(nested.body, b"Invalid v4 onion request");
    // What cannot be opened is refused in the clear.
    assert_eq!(server.post(V4_PATH, "nonsense").await.status, 400);
    assert_eq!(server.running.metrics().onion_unreadable, 1);
}

#[tokio::test]
async fn a_node_has_a_limit_of_its_own() {
    let server = Server::with(|settings| {
        settings.node_burst = 4;
        settings.node_requests_per_second = 1;
    })
    .await;
    let cipher = OnionCipher::XChaCha20;
    for _ in 0..2 {
        assert_eq!(server.post(V4_PATH, "nonsense").await.status, 400);
        let answer = ask(&server, cipher, "GET", "/file/7", None).await;
        assert_eq!(answer.code, 404);
    }
    server.post(V4_PATH, "nonsense").await.expect_error(429);
    // Directly one may still ask.
    server.get("/file/7").await.expect_error(404);
}

#[tokio::test]
async fn a_server_may_answer_nodes_alone() {
    let server = Server::with(|settings| settings.only_onion = true).await;
    let cipher = OnionCipher::XChaCha20;
    let content = content(1, 1000);
    let answer = ask(&server, cipher, "POST", "/file", Some(content.clone())).await;
    assert_eq!(answer.code, 200);
    let path = format!("/file/{}", id_of(&content));
    for (method, path) in [
        ("GET", path.as_str()),
        ("POST", "/file"),
        ("GET", "/session_version?platform=desktop"),
        ("GET", "/nowhere"),
    ] {
        let answer = crate::support::send(server.request(method, path)).await;
        answer.expect_error(403);
    }
    let answer = ask(&server, cipher, "GET", &path, None).await;
    assert!(answer.code == 200 && answer.body == content);
}
