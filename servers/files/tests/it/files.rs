//! docs/protocol/file-server.md sections 3 and 4.1.

use data_encoding::BASE64;
use serde_json::json;
use session_files::{IdMode, verify};

use crate::support::{Answer, DAY, START, Server, content, id_of, prefix, send, until};

#[expect(
    clippy::cast_precision_loss,
    reason = "times of this millennium are exact"
)]
fn float(seconds: u64) -> f64 {
    seconds as f64
}

fn expect_info(answer: &Answer, size: usize, uploaded: u64, expires: u64) {
    let expected = json!({ "size": size, "uploaded": float(uploaded), "expires": float(expires) });
    assert_eq!(answer.expect_json(), expected);
}

#[tokio::test]
async fn up_down_info() {
    let server = Server::start().await;
    let answer = server.post("/file", "hello session").await;
    let id = "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s";
    let expires = START + 21 * DAY;
    assert_eq!(
        answer.expect_json(),
        json!({ "id": id, "expires": float(expires) })
    );
    let answer = server.get(&format!("/file/{id}")).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"hello session"[..])
    );
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(answer.headers["content-length"], "13");
    assert_eq!(answer.headers["expires"], "Tue, 05 Dec 2023 22:13:20 GMT");
    let answer = send(server.request("HEAD", &format!("/file/{id}"))).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.headers["content-length"], "13");
    let answer = server.get(&format!("/file/{id}/info")).await;
    expect_info(&answer, 13, START, expires);
}

#[tokio::test]
async fn sizes_up_to_the_largest_announced_or_not() {
    let server = Server::start().await;
    for size in [1, 100_000, 262_144, 1_000_000, 10_223_616] {
        let content = content(1, size);
        let id = id_of(&content);
        let parts: Vec<&[u8]> = content.chunks(77_777).collect();
        let (status, answer) = server.upload_chunked(&parts).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["id"], id.as_str());
        assert_eq!(server.upload(&content).await, id);
        let answer = server.get(&format!("/file/{id}")).await;
        assert!(answer.status == 200 && answer.body == content, "{size}");
    }
    assert_eq!(server.running.metrics().files, 5);
    assert_eq!(server.partial_uploads(), 0);
}

#[tokio::test]
async fn equal_content_is_kept_once_and_its_life_is_never_shortened() {
    let server = Server::with(|settings| settings.max_ttl_hours = Some(30 * 24)).await;
    let long = server.request("POST", "/file").body("content");
    let long = send(long.header("X-FS-TTL", (30 * DAY).to_string())).await;
    let id = long.expect_json()["id"].as_str().unwrap().to_owned();
    server.set_clock(START + DAY);
    let again = server.post("/file", "content").await.expect_json();
    assert_eq!(
        again,
        json!({ "id": id, "expires": float(START + 30 * DAY) })
    );
    let info = server.get(&format!("/file/{id}/info")).await;
    expect_info(&info, 7, START + DAY, START + 30 * DAY);
    server.set_clock(START + 20 * DAY);
    let again = server.post("/file", "content").await.expect_json();
    assert_eq!(again["expires"], float(START + 41 * DAY));
    assert_eq!(server.running.metrics().files, 1);
}

#[tokio::test]
async fn extending() {
    let server = Server::with(|settings| settings.max_ttl_hours = Some(30 * 24)).await;
    let id = server.upload(b"content").await;
    let path = format!("/file/{id}/extend");
    server.set_clock(START + DAY);
    let answer = server.post(&path, "").await;
    expect_info(&answer, 7, START, START + 22 * DAY);
    let shorter = server.request("POST", &path).header("x-fs-ttl", "60");
    expect_info(&send(shorter).await, 7, START, START + 22 * DAY);
    let longer = server.request("POST", &path);
    let longer = longer.header("X-FS-TTL", (30 * DAY).to_string());
    expect_info(&send(longer).await, 7, START, START + 31 * DAY);
}

#[tokio::test]
async fn time_to_live_is_the_operators_unless_a_maximum_is_set() {
    let server = Server::start().await;
    for asked in ["60", "-1", "many"] {
        let upload = server.request("POST", "/file").header("X-FS-TTL", asked);
        let answer = send(upload.body(asked)).await.expect_json();
        assert_eq!(answer["expires"], float(START + 21 * DAY), "{asked}");
    }
    let server = Server::with(|settings| settings.max_ttl_hours = Some(30 * 24)).await;
    for asked in [1, 60, 30 * DAY] {
        let upload = server.request("POST", "/file");
        let upload = upload.header("X-FS-TTL", asked.to_string());
        let answer = send(upload.body(asked.to_string())).await.expect_json();
        assert_eq!(answer["expires"], float(START + asked));
    }
}

#[tokio::test]
async fn numbers() {
    let server = Server::with(|settings| settings.ids = IdMode::Numbers).await;
    let first = server.upload(b"content").await;
    let second = server.upload(b"content").await;
    assert_ne!(first, second, "nothing is kept once only");
    for id in [&first, &second] {
        assert!(id.parse::<u64>().unwrap() < 1 << 53);
        let answer = server.get(&format!("/file/{id}")).await;
        assert_eq!(answer.body, b"content");
        let answer = server.post(&format!("/file/{id}/extend"), "").await;
        answer.expect_error(404);
    }
    let sent = json!({ "file": BASE64.encode(b"legacy") }).to_string();
    let answer = server.post("/files", sent).await.expect_json();
    assert_eq!(answer["status_code"], 200);
    let number = answer["result"].as_u64().unwrap();
    let answer = server.get(&format!("/file/{number}")).await;
    assert_eq!(answer.body, b"legacy");
}

#[tokio::test]
async fn names_by_blake3_and_a_server_that_changes_its_mind() {
    let server = Server::with(|settings| settings.ids = IdMode::Blake3).await;
    let mut kept = Vec::new();
    for size in [1, 100_000, 262_144, 1_000_000, 10_223_616] {
        let content = content(3, size);
        let id = server.upload(&content).await;
        assert!(id.len() == 44 && id != id_of(&content));
        assert_eq!(server.upload(&content).await, id, "kept once");
        kept.push((id, content));
    }
    assert_eq!(server.running.metrics().files, 5);
    server.set_clock(START + DAY);
    let path = format!("/file/{}/extend", kept[0].0);
    let answer = server.post(&path, "").await;
    expect_info(&answer, 1, START, START + 22 * DAY);
    let sent = json!({ "file": BASE64.encode(&kept[1].1) }).to_string();
    let answer = server.post("/files", sent).await.expect_json();
    assert_eq!(answer["result"], kept[1].0.as_str());

    let server = server.restarted().await;
    for (id, content) in &kept {
        let answer = server.get(&format!("/file/{id}")).await;
        assert!(answer.status == 200 && answer.body == *content);
        assert_eq!(server.upload(content).await, id_of(content));
    }
    let verified = verify::verify(server.dir.path(), |_, _| ()).unwrap();
    assert!(verified.is_sound());
    assert_eq!((verified.files, verified.orphans), (10, 0));
    let (id, content) = &kept[3];
    let mut damaged = content.clone();
    damaged[500_000] ^= 1;
    let path = server.dir.path().join("files").join(prefix(id)).join(id);
    std::fs::write(path, damaged).unwrap();
    let verified = verify::verify(server.dir.path(), |_, _| ()).unwrap();
    assert_eq!((verified.files, verified.damaged), (9, 1));
}

#[tokio::test]
async fn the_first_generation() {
    let server = Server::start().await;
    for size in [1, 2, 3, 262_144, 262_145, 1_000_001] {
        let content = content(2, size);
        let text = BASE64.encode(&content);
        let sent = json!({ "file": text }).to_string();
        let answer = server.post("/files", sent).await.expect_json();
        let id = id_of(&content);
        assert_eq!(answer, json!({ "status_code": 200, "result": id }));
        let answer = server.get(&format!("/files/{id}")).await;
        assert!(answer.expect_json() == json!({ "status_code": 200, "result": text }));
        let answer = server.get(&format!("/file/{id}")).await;
        assert!(answer.body == content);
        // Some clients leave out the padding.
        let sent = json!({ "file": text.trim_end_matches('=') }).to_string();
        let answer = server.post("/files", sent).await.expect_json();
        assert_eq!(answer["result"], id.as_str());
    }
}

#[tokio::test]
async fn expired_files_are_gone_at_once_and_deleted_by_and_by() {
    let server = Server::start().await;
    let id = server.upload(b"content").await;
    server.set_clock(START + 21 * DAY - 1);
    assert_eq!(server.get(&format!("/file/{id}")).await.status, 200);
    server.set_clock(START + 21 * DAY);
    server.get(&format!("/file/{id}")).await.expect_error(404);
    server.get(&format!("/files/{id}")).await.expect_error(404);
    server
        .get(&format!("/file/{id}/info"))
        .await
        .expect_error(404);
    let extend = server.post(&format!("/file/{id}/extend"), "").await;
    extend.expect_error(404);
    let path = server.dir.path().join("files").join(prefix(&id)).join(&id);
    until(|| !path.exists()).await;
    until(|| server.running.metrics().expired == 1).await;
    assert_eq!(server.running.metrics().bytes, 0);
    // And may come again.
    assert_eq!(server.upload(b"content").await, id);
    assert_eq!(server.get(&format!("/file/{id}")).await.body, b"content");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let server = Server::start().await;
    let large = content(3, 700_000);
    let ids = [server.upload(b"small").await, server.upload(&large).await];
    let server = server.restarted().await;
    for (id, content) in ids.iter().zip([&b"small"[..], &large]) {
        assert!(server.get(&format!("/file/{id}")).await.body == content);
    }
    let metrics = server.running.metrics();
    assert_eq!((metrics.files, metrics.bytes), (2, 700_005));
}
