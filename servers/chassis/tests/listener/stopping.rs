//! Ending with grace, and without.

use core::time::Duration;
use std::time::Instant;

use rustls::version::TLS13;
use session_chassis::listener::{self, ListenerLimits};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{self, config};
use crate::{DEADLINE, Server, within};

#[tokio::test]
async fn running_requests_end_idle_connections_close_and_nobody_new_enters() {
    let server = Server::start(
        true,
        ListenerLimits {
            drain_timeout: DEADLINE,
            ..ListenerLimits::default()
        },
    );
    let config = config(&TLS13);
    let mut idle = client::tls(server.address, &config).await.unwrap();
    assert_eq!(client::get(&mut idle, "/peer").await.unwrap().status, 200);
    let mut shaking = client::tcp(server.address).await;
    let mut running = client::tls(server.address, &config).await.unwrap();
    within(running.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    server.one_entered().await;

    server.stop.cancel();
    assert!(client::until_closed(&mut idle).await.is_empty());
    assert!(client::until_closed(&mut shaking).await.is_empty());
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "the port is closed"
    );
    assert!(!server.task.is_finished(), "one request still runs");
    server.release.notify_one();
    let answer = client::answer(&mut running).await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, "waited"));
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    drop(running);
    server.finish().await;
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let limits = ListenerLimits {
        drain_timeout: Duration::from_millis(300),
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut running = client::tcp(server.address).await;
    within(running.write_all(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    let mut other = client::tcp(server.address).await;
    assert_eq!(client::get(&mut other, "/peer").await.unwrap().status, 200);
    let begin = Instant::now();
    server.finish().await;
    assert!(begin.elapsed() < DEADLINE / 4, "{:?}", begin.elapsed());
    assert!(client::until_closed(&mut running).await.is_empty());
}

#[tokio::test]
async fn dropping_the_future_closes_everything_at_once() {
    let server = Server::start(true, ListenerLimits::default());
    let config = config(&TLS13);
    let mut idle = client::tls(server.address, &config).await.unwrap();
    assert_eq!(client::get(&mut idle, "/peer").await.unwrap().status, 200);
    let mut running = client::tls(server.address, &config).await.unwrap();
    within(running.write_all(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();

    server.task.abort();
    assert!(within(server.task).await.unwrap_err().is_cancelled());
    assert!(client::until_closed(&mut idle).await.is_empty());
    assert!(client::until_closed(&mut running).await.is_empty());
    assert!(TcpStream::connect(server.address).await.is_err());
    // The same port can be had again although the old connections are not forgotten yet.
    listener::bind(server.address).unwrap();
}
