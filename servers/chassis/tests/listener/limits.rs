//! Slow and greedy peers.

use core::time::Duration;
use std::net::SocketAddr;

use rustls::version::TLS13;
use session_chassis::listener::ListenerLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{self, config};
use crate::{Server, within};

#[tokio::test]
async fn a_handshake_that_does_not_come_is_cut_off_and_holds_nobody_up() {
    let limits = ListenerLimits {
        handshake_timeout: Duration::from_secs(1),
        ..ListenerLimits::default()
    };
    let server = Server::start(true, limits);
    let mut silent = client::tcp(server.address).await;
    let mut slow = client::tcp(server.address).await;
    // The beginning of a ClientHello record.
    within(slow.write_all(&[22, 3, 1, 0, 200, 1]))
        .await
        .unwrap();
    let mut stream = client::tls(server.address, &config(&TLS13)).await.unwrap();
    assert_eq!(client::get(&mut stream, "/peer").await.unwrap().status, 200);
    assert!(client::until_closed(&mut silent).await.is_empty());
    assert!(client::until_closed(&mut slow).await.is_empty());
    assert_eq!(client::get(&mut stream, "/peer").await.unwrap().status, 200);
    server.finish().await;
}

#[tokio::test]
async fn something_else_than_tls_is_turned_away() {
    let server = Server::start(true, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    within(stream.write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    let answer = client::until_closed(&mut stream).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    server.finish().await;
}

#[tokio::test]
async fn slow_heads_and_idle_connections_end() {
    let limits = ListenerLimits {
        header_read_timeout: Duration::from_millis(300),
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut slow = client::tcp(server.address).await;
    within(slow.write_all(b"GET /peer HTTP/1.1\r\nHost: local"))
        .await
        .unwrap();
    let mut idle = client::tcp(server.address).await;
    assert_eq!(client::get(&mut idle, "/peer").await.unwrap().status, 200);
    let rest = client::until_closed(&mut slow).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
    assert!(client::until_closed(&mut idle).await.is_empty());
    server.finish().await;
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    let server = Server::start(false, ListenerLimits::default());
    let mut stream = client::tcp(server.address).await;
    let request = format!(
        "GET /peer HTTP/1.1\r\nX-Filler: {}\r\n",
        "x".repeat(1 << 20)
    );
    // The server may close before all of it is written.
    let _ = within(stream.write_all(request.as_bytes())).await;
    let rest = client::until_closed(&mut stream).await;
    assert!(
        rest.is_empty() || rest.starts_with(b"HTTP/1.1 431"),
        "{rest:?}"
    );
    server.finish().await;
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let limits = ListenerLimits {
        max_connections: 3,
        max_connections_per_ip: 2,
        idle_grace: Duration::from_secs(3600),
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut first = served_from("127.0.0.1", server.address).await;
    let _second = served_from("127.0.0.1", server.address).await;
    let mut third = client::tcp(server.address).await;
    assert!(
        client::get(&mut third, "/peer").await.is_err(),
        "over the limit of the address"
    );
    let _other = served_from("127.0.0.2", server.address).await;
    let mut fourth = connect_from("127.0.0.3", server.address).await;
    assert!(
        client::get(&mut fourth, "/peer").await.is_err(),
        "over the limit of all"
    );
    // Those inside are not disturbed, and a place given up can be taken again.
    assert_eq!(client::get(&mut first, "/peer").await.unwrap().status, 200);
    drop(first);
    served_from("127.0.0.1", server.address).await;
    server.finish().await;
}

/// Idle connections, slow heads and slow bodies hold no place that somebody else needs; requests
/// being answered do.
#[tokio::test]
async fn idle_connections_make_room_for_newcomers() {
    let limits = ListenerLimits {
        max_connections: 4,
        max_connections_per_ip: 3,
        idle_grace: Duration::ZERO,
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut working = client::tcp(server.address).await;
    within(working.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    server.one_entered().await;
    let mut slow_head = connect_from("127.0.0.2", server.address).await;
    within(slow_head.write_all(b"GET /peer HTTP/1.1\r\nHost: local"))
        .await
        .unwrap();
    let mut slow_body = served_from("127.0.0.2", server.address).await;
    let head = b"POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab";
    within(slow_body.write_all(head)).await.unwrap();
    let mut idle = served_from("127.0.0.2", server.address).await;
    let mut newcomers = Vec::new();
    for newcomer in ["127.0.0.3", "127.0.0.4", "127.0.0.5"] {
        newcomers.push(served_from(newcomer, server.address).await);
    }
    for evicted in [&mut slow_head, &mut slow_body, &mut idle] {
        let rest = client::until_closed(evicted).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    server.release.notify_one();
    let answer = client::answer(&mut working).await.unwrap();
    assert_eq!(answer.text(), "waited");
    server.finish().await;
}

/// A peer that asks for much and reads nothing loses its connection.
#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off() {
    let limits = ListenerLimits {
        max_connections: 1,
        idle_grace: Duration::from_secs(3600),
        write_stall_timeout: Duration::from_millis(300),
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut stalled = client::tcp(server.address).await;
    within(stalled.write_all(b"GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    // The one place becomes free although this client holds its end open.
    served_from("127.0.0.1", server.address).await;
    drop(stalled);
    server.finish().await;
}

/// One that reads a little now and then does too.
#[tokio::test]
async fn a_peer_that_reads_in_drops_is_cut_off() {
    let limits = ListenerLimits {
        max_connections: 1,
        idle_grace: Duration::from_secs(3600),
        write_stall_timeout: Duration::from_millis(500),
        ..ListenerLimits::default()
    };
    let server = Server::start(false, limits);
    let mut slow = client::tcp(server.address).await;
    within(slow.write_all(b"GET /huge HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await
        .unwrap();
    let reading = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        let mut drop = [0; 1024];
        loop {
            pace.tick().await;
            if slow.read_exact(&mut drop).await.is_err() {
                break core::future::pending().await;
            }
        }
    };
    tokio::select! {
        () = reading => unreachable!("it reads for ever"),
        // The one place becomes free while drops are still being read.
        _ = served_from("127.0.0.1", server.address) => {}
    }
    server.finish().await;
}

async fn connect_from(ip: &str, server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::new(ip.parse().unwrap(), 0))
        .unwrap();
    within(socket.connect(server)).await.unwrap()
}

/// Connects until the server answers a request.
async fn served_from(ip: &str, server: SocketAddr) -> TcpStream {
    within(async {
        loop {
            let mut stream = connect_from(ip, server).await;
            if client::get(&mut stream, "/peer").await.is_ok() {
                return stream;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}
