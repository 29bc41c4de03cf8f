//! The HTTPS interface itself: paths, headers, limits, errors (section 6.1; case 42).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use session_chassis::limit::RateLimits;
use tokio::io::AsyncWriteExt as _;

use crate::raw::{read_all, tls_connection};
use crate::support::{Network, SWARM};

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_their_errors() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let table = [
        (Method::GET, "/", "get / Not Found"),
        (
            Method::GET,
            "/storage_rpc/v1",
            "get /storage_rpc/v1 Not Found",
        ),
        (
            Method::POST,
            "/onion_req/v1",
            "post /onion_req/v1 Not Found",
        ),
        (
            Method::POST,
            "/get_stats/v1",
            "post /get_stats/v1 Not Found",
        ),
        (Method::DELETE, "/x", "delete /x Not Found"),
    ];
    for (method, path, expected) in table {
        let answer = network
            .http
            .request(method, network.url(0, path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["server"], "Oxen Storage Server/2.11.3");
        assert_eq!(answer.headers()["content-type"], "text/plain");
        assert_eq!(answer.text().await.unwrap(), expected);
    }
    let body_errors = [
        ("", "invalid json"),
        ("{", "invalid json"),
        ("[]", "invalid json: no `method` field"),
        ("{}", "invalid json: no `method` field"),
        (
            r#"{"method":1,"params":{}}"#,
            "invalid json: no `method` field",
        ),
        (r#"{"method":"info"}"#, "invalid json: no `params` field"),
        (
            r#"{"method":"info","params":[]}"#,
            "invalid json: no `params` field",
        ),
        (r#"{"method":"ping","params":{}}"#, "no method ping"),
    ];
    for (body, expected) in body_errors {
        network
            .post(0, "/storage_rpc/v1", body)
            .await
            .expect_text(400, expected);
    }
    let keys = r#"{"jsonrpc":"2.0","id":7,"method":"info","params":{}}"#;
    network.post(0, "/storage_rpc/v1", keys).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_and_stats_answer_even_when_not_ready() {
    let network = Network::start(&[(u64::MAX, 1)]).await;
    let ping = network
        .http
        .post(network.url(0, "/ping_test/v1"))
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(ping.status(), 200);
    let key = data_encoding::BASE64.encode(network.contact(0).legacy.as_bytes());
    assert_eq!(ping.headers()["x-oxen-snode-pubkey"], key.as_str());
    assert_eq!(ping.headers()["server"], "Oxen Storage Server/2.11.3");
    assert_eq!(ping.text().await.unwrap(), "");
    let stats = network
        .http
        .get(network.url(0, "/get_stats/v1"))
        .send()
        .await
        .unwrap();
    assert_eq!(stats.status(), 200);
    assert_eq!(stats.text().await.unwrap(), r#"{"version":"2.11.3"}"#);
    let not_ready = "Service node is not ready: not in any swarm\n";
    network
        .call(0, "info", json!({}))
        .await
        .expect_text(503, not_ready);
    network
        .post(0, "/onion_req/v2", "anything")
        .await
        .expect_text(503, not_ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn obsolete_long_polls_are_told_so() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let url = network.url(0, "/storage_rpc/v1");
    for (value, status) in [("1", 410), ("", 200)] {
        let request = network.http.post(&url).header("x-loki-long-poll", value);
        let answer = request
            .body(r#"{"method":"info","params":{}}"#)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        if status == 410 {
            let text = answer.text().await.unwrap();
            assert_eq!(
                text,
                "long polling is no longer supported, client upgrade required"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_announced_or_not() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let limit = 10 * 1024 * 1024;
    for path in ["/storage_rpc/v1", "/onion_req/v2"] {
        let fits = network.post(0, path, vec![b' '; limit]).await;
        assert_eq!(fits.status, 400, "{}", fits.text);
        assert_ne!(fits.text, "Request body too large");
    }
    // Only the announcement: the answer comes before the body.
    let mut stream = tls_connection(&network).await;
    let head = format!(
        "POST /onion_req/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        limit + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert!(answer.ends_with("Request body too large"), "{answer}");

    // No announcement, but too much.
    let mut stream = tls_connection(&network).await;
    let head = "POST /storage_rpc/v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b' '; 1024 * 1024];
    for _ in 0..11 {
        let head = format!("{:x}\r\n", chunk.len());
        if stream.write_all(head.as_bytes()).await.is_err()
            || stream.write_all(&chunk).await.is_err()
            || stream.write_all(b"\r\n").await.is_err()
        {
            break;
        }
    }
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_for_bodies_is_bounded() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.max_body_memory = 100_000;
    })
    .await;
    network
        .post(0, "/storage_rpc/v1", vec![b' '; 200_000])
        .await
        .expect_text(503, "Server busy, try again later");
    network.call(0, "info", json!({})).await.ok();
    assert_eq!(network.node(0).metrics().await.refused_busy, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_the_601st_request_is_limited_and_onions_are_not() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        // No refill, so that the count is exact.
        config.limits.rate = RateLimits {
            refill_per_second: 0,
            ..RateLimits::default()
        };
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..601 {
        statuses.push(network.call(0, "info", json!({})).await);
    }
    assert!(statuses[..600].iter().all(|answer| answer.status == 200));
    statuses[600].expect_text(429, "Too Many Requests\n");
    let onion = network.post(0, "/onion_req/v2", "").await;
    onion.expect_text(400, "Error parsing onion request: request too short");
    assert_eq!(network.node(0).metrics().await.rate_limited, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_work_is_refused() {
    let network = Network::start_with(&[(SWARM, 1)], |config| config.limits.max_requests = 0).await;
    let busy = "Server busy, try again later";
    network
        .call(0, "info", json!({}))
        .await
        .expect_text(503, busy);
    network
        .post(0, "/onion_req/v2", "")
        .await
        .expect_text(503, busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_is_quick_and_keeps_everything() {
    let mut network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    let hash = network.send(0, &bob, b"kept").await;
    // An idle connection must not hold it up.
    let _idle = tls_connection(&network).await;
    let start = std::time::Instant::now();
    network.stop(0).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    network.restart(0).await;
    assert_eq!(network.hashes(0, &bob.signer(), 0).await, [hash]);
}
