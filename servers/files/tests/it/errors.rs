//! Every error of docs/protocol/file-server.md sections 3 and 4.1, and what is not on the page.

use data_encoding::BASE64;
use serde_json::json;

use crate::support::{DAY, START, Server, content, id_of, prefix, read_answer, send, until};

#[tokio::test]
async fn not_found() {
    let server = Server::start().await;
    let unknown = id_of(b"unknown");
    for id in [
        unknown.as_str(),
        "7",
        "9007199254740991",
        "07",
        "-1",
        "12345678901234567",
        "..%2f..%2ffiles.db",
        "%ff",
        "abc",
        &unknown.chars().skip(1).collect::<String>(),
        &unknown.replace(unknown.chars().next().unwrap(), "%2B"),
    ] {
        for path in ["/file/ID", "/files/ID", "/file/ID/info"] {
            server.get(&path.replace("ID", id)).await.expect_error(404);
        }
        let extend = server.post(&format!("/file/{id}/extend"), "").await;
        extend.expect_error(404);
    }
    for path in [
        "/",
        "/file/",
        "/fil",
        "/file/7/",
        "/file/7/data",
        "/oxen/v3/lsrpc",
    ] {
        server.get(path).await.expect_error(404);
    }
    // Numbers cannot be extended, whoever has them.
    server.post("/file/7/extend", "").await.expect_error(404);
}

#[tokio::test]
async fn wrong_methods() {
    let server = Server::start().await;
    for (method, path) in [
        ("GET", "/file"),
        ("PUT", "/file"),
        ("DELETE", "/file/7"),
        ("POST", "/file/7/info"),
        ("GET", "/file/7/extend"),
        ("GET", "/files"),
    ] {
        send(server.request(method, path)).await.expect_error(405);
    }
}

#[tokio::test]
async fn empty_and_too_large() {
    let server = Server::with(|settings| settings.max_file_bytes = 300_000).await;
    let largest = content(1, 300_000);
    let larger = content(1, 300_001);
    server.upload(&largest).await;
    server.post("/file", "").await.expect_error(413);
    server.post("/file", larger.clone()).await.expect_error(413);
    let error = br#"{"status_code":413}"#.to_vec();
    assert_eq!(server.upload_chunked(&[]).await, (413, error.clone()));
    let parts: Vec<&[u8]> = larger.chunks(50_000).collect();
    assert_eq!(server.upload_chunked(&parts).await, (413, error.clone()));
    // Announced only: nothing of it needs to be sent.
    let stream = server.begin_upload(300_001, b"").await;
    assert_eq!(read_answer(stream).await, (413, error));

    let legacy = |content: &[u8]| json!({ "file": BASE64.encode(content) }).to_string();
    let answer = server.post("/files", legacy(&largest)).await;
    assert_eq!(answer.expect_json()["result"], id_of(&largest).as_str());
    server
        .post("/files", legacy(&larger))
        .await
        .expect_error(413);
    server.post("/files", legacy(b"")).await.expect_error(413);
    let beyond = legacy(&content(2, 600_000));
    server.post("/files", beyond).await.expect_error(413);
    assert_eq!(server.running.metrics().files, 1);
    until(|| server.partial_uploads() == 0).await;
}

#[tokio::test]
async fn times_to_live_that_are_not_granted() {
    let server = Server::with(|settings| settings.max_ttl_hours = Some(30 * 24)).await;
    let id = server.upload(b"content").await;
    let extend = format!("/file/{id}/extend");
    let over = (30 * 24 * 3600 + 1).to_string();
    for asked in [
        over.as_str(),
        "-1",
        "1.5",
        "",
        "soon",
        "99999999999999999999",
        "\u{e9}",
    ] {
        for path in ["/file", &extend] {
            let request = server.request("POST", path).header("X-FS-TTL", asked);
            send(request.body("other")).await.expect_error(400);
        }
        let sent = json!({ "file": BASE64.encode(b"other") }).to_string();
        let request = server.request("POST", "/files").header("X-FS-TTL", asked);
        send(request.body(sent)).await.expect_error(400);
    }
    assert_eq!(server.running.metrics().files, 1);
}

#[tokio::test]
async fn legacy_bodies_that_cannot_be_read() {
    let server = Server::start().await;
    for body in [
        "",
        "{",
        "{}",
        r#"{"file": 7}"#,
        r#"{"file": "a"}"#,
        r#"{"file": "!!!!"}"#,
        r#"{"file": "aGk=aGk="}"#,
        r#"["aGk="]"#,
    ] {
        server.post("/files", body).await.expect_error(400);
    }
    assert_eq!(server.running.metrics().files, 0);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start().await;
    let content = content(1, 600_000);
    let stream = server
        .begin_upload(content.len(), &content[..400_000])
        .await;
    until(|| server.partial_uploads() == 1).await;
    drop(stream);
    until(|| server.partial_uploads() == 0).await;
    let path = format!("/file/{}", id_of(&content));
    server.get(&path).await.expect_error(404);
    let path = format!("/file/{}", id_of(&content[..400_000]));
    server.get(&path).await.expect_error(404);
    assert_eq!(server.running.metrics().files, 0);
}

#[tokio::test]
async fn an_upload_that_pauses_is_ended() {
    let server = Server::with(|settings| settings.upload_pause_seconds = 1).await;
    let content = content(1, 600_000);
    let stream = server
        .begin_upload(content.len(), &content[..400_000])
        .await;
    let (status, answer) = read_answer(stream).await;
    assert_eq!((status, answer), (408, br#"{"status_code":408}"#.to_vec()));
    until(|| server.partial_uploads() == 0).await;
}

#[tokio::test]
async fn a_full_server_refuses_files_until_others_have_expired() {
    let server = Server::with(|settings| {
        settings.max_total_mib = 1;
        settings.max_file_bytes = 800_000;
    })
    .await;
    let first = server.upload(&content(1, 700_000)).await;
    let second = content(2, 700_000);
    server.post("/file", second.clone()).await.expect_error(507);
    let parts: Vec<&[u8]> = second.chunks(50_000).collect();
    assert_eq!(server.upload_chunked(&parts).await.0, 507);
    let sent = json!({ "file": BASE64.encode(&second) }).to_string();
    server.post("/files", sent).await.expect_error(507);
    server.upload(&content(3, 100_000)).await;
    assert_eq!(server.get(&format!("/file/{first}")).await.status, 200);
    // When it has expired there is room again.
    server.set_clock(START + 21 * DAY);
    until(|| server.running.metrics().files == 0).await;
    server.upload(&second).await;
}

#[tokio::test]
async fn damaged_content_is_the_servers_fault() {
    let server = Server::start().await;
    let id = server.upload(b"content").await;
    let path = server.dir.path().join("files").join(prefix(&id)).join(&id);
    std::fs::write(&path, b"cut").unwrap();
    server.get(&format!("/file/{id}")).await.expect_error(500);
    server.get(&format!("/files/{id}")).await.expect_error(500);
    // The record is fine, and an upload of the same mends it.
    assert_eq!(server.get(&format!("/file/{id}/info")).await.status, 200);
    server.upload(b"content").await;
    assert_eq!(server.get(&format!("/file/{id}")).await.body, b"content");
    // Nothing can be written any more.
    std::fs::remove_dir_all(server.dir.path().join("files")).unwrap();
    server.post("/file", "other").await.expect_error(500);
}
