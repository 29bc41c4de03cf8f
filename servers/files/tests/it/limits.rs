//! What is granted to each client and to all together.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::support::{DEADLINE, Server, client_from, content, read_answer, send, until};

#[tokio::test]
async fn requests_of_one_address() {
    let server = Server::with(|settings| {
        settings.burst = 5;
        settings.requests_per_second = 1;
    })
    .await;
    for _ in 0..5 {
        server.get("/file/7").await.expect_error(404);
    }
    let answer = server.get("/file/7").await;
    answer.expect_error(429);
    assert_eq!(answer.headers["retry-after"], "1");
    server.post("/file", "content").await.expect_error(429);
    assert_eq!(server.running.metrics().rate_limited, 2);
}

#[tokio::test]
async fn clients_of_a_proxy_have_limits_of_their_own() {
    let server = Server::with(|settings| {
        settings.burst = 2;
        settings.requests_per_second = 1;
        settings.max_connections_per_address = 1;
        settings.trusted_proxies = vec!["127.0.0.2".to_owned(), "192.0.2.0/24".to_owned()];
    })
    .await;
    let url = format!("http://{}/file/7", server.address);
    let ask = async |proxy: &reqwest::Client, forwarded: &str| {
        let request = proxy.get(&url).header("x-forwarded-for", forwarded);
        send(request).await.status
    };
    // Two connections: a proxy speaks for many.
    let proxies = [client_from("127.0.0.2"), client_from("127.0.0.2")];
    for (client, proxy) in [("198.51.100.1", 0), ("198.51.100.2", 1)] {
        let proxy = &proxies[proxy];
        // What a client writes changes nothing, nor how many proxies there are.
        assert_eq!(ask(proxy, client).await, 404);
        assert_eq!(
            ask(proxy, &format!("203.0.113.9, {client}, 192.0.2.7")).await,
            404
        );
        assert_eq!(ask(proxy, client).await, 429);
    }
    // Somebody else's word counts for nothing.
    let other = client_from("127.0.0.3");
    for expected in [404, 404, 429] {
        assert_eq!(
            ask(&other, &format!("198.51.100.{expected}")).await,
            expected
        );
    }
}

#[tokio::test]
async fn requests_of_everybody() {
    let server = Server::with(|settings| {
        settings.total_burst = 5;
        settings.total_requests_per_second = 1;
    })
    .await;
    for _ in 0..5 {
        server.get("/file/7").await.expect_error(404);
    }
    let answer = server.get("/file/7").await;
    answer.expect_error(503);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(server.running.metrics().busy, 1);
}

#[tokio::test]
async fn volume_of_one_address() {
    let server = Server::with(|settings| {
        settings.max_file_bytes = 700_000;
        settings.upload_burst_mib = 1;
        settings.upload_kib_per_second = 1;
    })
    .await;
    server.upload(&content(1, 600_000)).await;
    let refused = server.post("/file", content(2, 600_000)).await;
    refused.expect_error(429);
    // Without a length it counts as the largest there may be.
    let (status, _) = server.upload_chunked(&[b"small"]).await;
    assert_eq!(status, 429);
    let json = format!(r#"{{"file": "{}"}}"#, "A".repeat(600_000));
    server.post("/files", json).await.expect_error(429);
    server.upload(&content(3, 100_000)).await;
    assert_eq!(server.running.metrics().files, 2);
}

#[tokio::test]
async fn uploads_under_way() {
    for each in [false, true] {
        let server = Server::with(|settings| {
            settings.max_uploads = if each { 100 } else { 2 };
            settings.max_uploads_per_address = if each { 2 } else { 100 };
        })
        .await;
        let first = server.begin_upload(10, b"12345").await;
        let _second = server.begin_upload(10, b"12345").await;
        // Whether both are under way shows in whether a third is refused.
        let refused = async {
            loop {
                let answer = send(server.request("POST", "/file").body("content")).await;
                if answer.status != 200 {
                    break answer.expect_error(503);
                }
            }
        };
        timeout(DEADLINE, refused).await.unwrap();
        drop(first);
        let accepted = async { while server.post("/file", "content").await.status != 200 {} };
        timeout(DEADLINE, accepted).await.unwrap();
        assert!(server.running.metrics().busy > 0);
    }
}

#[tokio::test]
async fn downloads_under_way() {
    let server = Server::with(|settings| settings.max_downloads_per_address = 1).await;
    let large = content(1, 10_000_000);
    let path = format!("/file/{}", server.upload(&large).await);
    // Its body is not read: more than fits into the buffers of both sides.
    let slow = server.request("GET", &path).send().await.unwrap();
    server.get(&path).await.expect_error(503);
    server
        .get(&path.replace("file", "files"))
        .await
        .expect_error(503);
    assert!(slow.bytes().await.unwrap() == large);
    let read = async { while server.get(&path).await.status != 200 {} };
    timeout(DEADLINE, read).await.unwrap();
}

/// A crowd that sends a part of a file and stops takes the places of its own address only.
#[tokio::test]
async fn a_crowd_of_slow_uploaders_is_alone_with_itself() {
    const CROWD: usize = 400;
    let server = Server::with(|settings| settings.upload_burst_mib = 4000).await;
    let part = content(1, 400_000);
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(server.begin_upload(1_000_000, &part).await);
    }
    until(|| server.running.metrics().busy == u64::try_from(CROWD - 32).unwrap()).await;
    until(|| server.partial_uploads() == 32).await;
    server.post("/file", "content").await.expect_error(503);
    // Others do not notice.
    let other = client_from("127.0.0.2");
    let url = format!("http://{}/file", server.address);
    let answer = send(other.post(&url).body("content")).await.expect_json();
    let url = format!("{url}/{}", answer["id"].as_str().unwrap());
    assert_eq!(send(other.get(url)).await.body, b"content");
    drop(crowd);
    until(|| server.partial_uploads() == 0).await;
    server.upload(b"content").await;
}

#[tokio::test]
async fn an_upload_drop_by_drop_is_ended() {
    let server = Server::with(|settings| settings.upload_pause_seconds = 1).await;
    let (reading, mut writing) = server.begin_upload(1_000_000, b"a").await.into_split();
    let drops = async {
        while writing.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::future::pending::<()>().await;
    };
    let (status, _) = tokio::select! {
        answer = timeout(DEADLINE, read_answer(reading)) => answer.unwrap(),
        () = drops => unreachable!("drops go on for ever"),
    };
    assert_eq!(status, 408);
}

#[tokio::test]
async fn memory_for_files_inside_json() {
    let server = Server::with(|settings| settings.max_legacy_memory_mib = 1).await;
    // One address gets a quarter; the body and what is in it must both fit.
    let json = |size: usize| format!(r#"{{"file": "{}"}}"#, "AAAA".repeat(size / 4));
    server.post("/files", json(300_000)).await.expect_error(503);
    server.post("/files", json(200_000)).await.expect_error(503);
    assert_eq!(server.running.metrics().busy, 2);
    server.post("/files", json(100_000)).await.expect_json();
}
