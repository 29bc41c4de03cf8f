//! Bodies that are too large, too slow or broken.

use rustls::version::TLS13;
use session_chassis::listener::ListenerLimits;
use tokio::io::AsyncWriteExt as _;

use crate::client::{self, config};
use crate::{MAX_BODY, Server, within};

#[tokio::test]
async fn up_to_the_limit_and_not_beyond() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    for size in [0, 1, 1000, MAX_BODY] {
        let answer = client::post(&mut stream, "/count", &vec![7; size])
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.text()),
            (200, size.to_string().as_str())
        );
    }
    let answer = client::post(&mut stream, "/count", &vec![7; MAX_BODY + 1])
        .await
        .unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.text(),
        format!("request body larger than {MAX_BODY} bytes")
    );
    server.finish().await;
}

/// The whole body is sent before the answer is read, as simple clients do. Nothing reads it on
/// the other side, yet the answer must arrive.
#[tokio::test]
async fn the_refusal_reaches_a_client_that_sends_everything_first() {
    let server = Server::start(true, ListenerLimits::default());
    for _ in 0..5 {
        let mut stream = client::tls(server.address, &config(&TLS13)).await.unwrap();
        let answer = client::post(&mut stream, "/count", &vec![7; 20 << 20])
            .await
            .unwrap();
        assert_eq!(answer.status, 413);
    }
    server.finish().await;
}

#[tokio::test]
async fn an_announcement_alone_is_refused_at_once() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let head = "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n\r\n";
    within(stream.write_all(head.as_bytes())).await.unwrap();
    assert_eq!(client::answer(&mut stream).await.unwrap().status, 413);
    assert!(client::until_closed(&mut stream).await.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn without_announced_length_too() {
    let server = Server::start(false, ListenerLimits::default());
    let head = "POST /count HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 1000, "x".repeat(1000));

    let mut stream = client::tcp(server.address).await;
    let fitting = format!("{head}{}0\r\n\r\n", chunk.repeat(65));
    within(stream.write_all(fitting.as_bytes())).await.unwrap();
    let answer = client::answer(&mut stream).await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, "65000"));

    let endless = format!("{head}{}", chunk.repeat(70));
    within(stream.write_all(endless.as_bytes())).await.unwrap();
    assert_eq!(client::answer(&mut stream).await.unwrap().status, 413);
    server.finish().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_times_out() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let head = "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345";
    within(stream.write_all(head.as_bytes())).await.unwrap();
    let answer = client::answer(&mut stream).await.unwrap();
    assert_eq!(answer.status, 408);
    assert_eq!(answer.text(), "the request body did not arrive in time");
    server.finish().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_for_the_handler_only() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let head = "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345";
    within(stream.write_all(head.as_bytes())).await.unwrap();
    stream.shutdown().await.unwrap();
    let rest = client::until_closed(&mut stream).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    let mut other = client::tcp(server.address).await;
    assert_eq!(client::get(&mut other, "/peer").await.unwrap().status, 200);
    server.finish().await;
}

#[tokio::test]
async fn broken_lengths_are_refused() {
    let server = Server::start(false, ListenerLimits::default());
    for length in ["-1", "abc", "1, 2", "18446744073709551616"] {
        let mut stream = client::tcp(server.address).await;
        let head =
            format!("POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        within(stream.write_all(head.as_bytes())).await.unwrap();
        assert_eq!(
            client::answer(&mut stream).await.unwrap().status,
            400,
            "{length}"
        );
    }
    server.finish().await;
}

/// Or the client would take the connection for another request, which would be lost.
#[tokio::test]
async fn an_answer_before_the_end_of_the_request_announces_the_end_of_the_connection() {
    let server = Server::start(false, ListenerLimits::default());
    for (path, body, ends) in [
        ("/elsewhere", &b"unread"[..], true),
        ("/elsewhere", b"", false),
        ("/count", b"read", false),
        ("/count", b"", false),
    ] {
        let mut stream = client::tcp(server.address).await;
        let answer = client::post(&mut stream, path, body).await.unwrap();
        assert_eq!(
            answer.head.contains("connection: close"),
            ends,
            "{path} {body:?}"
        );
        if ends {
            assert!(client::until_closed(&mut stream).await.is_empty());
        } else {
            assert_eq!(client::get(&mut stream, "/peer").await.unwrap().status, 200);
        }
    }
    server.finish().await;
}
