//! Those who take nothing, say nothing, or come in crowds.

use std::io;
use std::time::Duration;

use futures_util::SinkExt as _;
use http::StatusCode;
use serde_json::json;
use session_web::WebOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::browser::{Asking, Here, PATIENCE, Socket};

/// Short enough for a test to wait for the end.
async fn impatient(ping_every: Duration) -> Here {
    Here::with(WebOptions {
        ping_every,
        ..WebOptions::default()
    })
    .await
}

#[tokio::test]
async fn a_page_that_takes_nothing_is_dropped_and_slows_nobody_down() {
    // The other page answers from this thread too: it must not be taken for dead while it waits.
    let here = impatient(Duration::from_secs(1)).await;
    let mut other = here.socket().await;
    let key = here.key().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(here.address()).await.unwrap();
    let host = here.address().to_string();
    let mut slow = Socket::over(stream, &here, &here.origin(), &host)
        .await
        .unwrap();
    slow.say(&json!({ "key": key })).await;

    // Asks and asks, and reads no answer, until it is cut off.
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "hello", "params": {} });
    let batch = json!(vec![hello; 100]).to_string();
    let (cut, mut is_cut) = tokio::sync::oneshot::channel();
    let asking = async {
        while slow.0.send(Message::text(batch.clone())).await.is_ok() {}
        cut.send(()).unwrap();
    };
    let meanwhile = async {
        while is_cut.try_recv().is_err() {
            let asked = timeout(Duration::from_secs(5), other.call("hello", json!({})));
            assert_eq!(asked.await.unwrap()["result"]["api"], 1);
        }
    };
    let both = async { tokio::join!(asking, meanwhile) };
    timeout(PATIENCE, both).await.unwrap();
    let hello = other.call("hello", json!({})).await;
    assert_eq!(hello["result"]["api"], 1);
}

#[tokio::test]
async fn a_page_that_says_nothing_is_asked_and_then_sent_away() {
    let here = impatient(Duration::from_millis(100)).await;
    let key = here.key().await;
    // By hand: a client of a library would answer pings by itself.
    let mut stream = TcpStream::connect(here.address()).await.unwrap();
    let head = format!(
        "GET /api HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        here.address()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let first = json!({ "key": key }).to_string();
    // A text frame whose mask changes nothing.
    let mut frame = vec![0x81, 0x80 | u8::try_from(first.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(first.as_bytes());
    stream.write_all(&frame).await.unwrap();
    let mut heard = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut heard))
        .await
        .unwrap();
    assert!(read.is_ok() || read.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset));
    let end = heard
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert!(heard.starts_with(b"HTTP/1.1 101 "));
    let mut frames = &heard[end..];
    let mut kinds = Vec::new();
    while let [kind, length, rest @ ..] = frames {
        kinds.push(*kind);
        frames = &rest[usize::from(*length)..];
    }
    assert_eq!(kinds.first(), Some(&0x81), "{kinds:x?}");
    assert!(
        kinds.iter().filter(|kind| **kind == 0x89).count() >= 2,
        "{kinds:x?}"
    );
    assert_eq!(kinds.last(), Some(&0x88), "{kinds:x?}");
}

#[tokio::test]
async fn a_crowd_keeps_nobody_out() {
    let here = Here::new().await;
    let mut open = here.socket().await;
    let upgrade = format!(
        "GET /api HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        here.address()
    );
    let slow = format!(
        "POST /session HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\n\
         Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{{",
        here.address()
    );
    // Who says nothing, begins to ask, asks without end, and opens sockets without a key.
    for says in ["", "GET / HT", &slow, &upgrade] {
        let mut crowd = Vec::new();
        for _ in 0..100 {
            let mut stream = TcpStream::connect(here.address()).await.unwrap();
            stream.write_all(says.as_bytes()).await.unwrap();
            if says == upgrade {
                let mut head = [0; 12];
                stream.read_exact(&mut head).await.unwrap();
                assert_eq!(&head, b"HTTP/1.1 101");
            }
            crowd.push(stream);
        }
        // They are still there, and the user comes in at once.
        let comes = async {
            assert_eq!(Asking::get(&here, "/").send().await.status, StatusCode::OK);
            let mut next = here.socket().await;
            let hello = next.call("hello", json!({})).await;
            assert_eq!(hello["result"]["api"], 1);
        };
        timeout(Duration::from_secs(5), comes).await.unwrap();
        // So is the page that was open before.
        let hello = open.call("hello", json!({})).await;
        assert_eq!(hello["result"]["api"], 1);
        // No more of them have a place than there are, and those who came first lost theirs.
        let mut kept = 0;
        for (at, stream) in crowd.iter_mut().enumerate() {
            let gone = timeout(PATIENCE, is_gone(stream, at < 100 - 64)).await;
            kept += usize::from(!gone.unwrap());
        }
        assert!((1..64).contains(&kept), "{kept} after {says}");
    }
}

/// Whether the other side has closed it; waits for that if it must have.
async fn is_gone(stream: &mut TcpStream, must: bool) -> bool {
    let mut bytes = [0; 1024];
    loop {
        let read = async { matches!(stream.read(&mut bytes).await, Ok(0) | Err(_)) };
        let read = if must {
            Some(read.await)
        } else {
            timeout(Duration::from_millis(5), read).await.ok()
        };
        match read {
            Some(true) => return true,
            Some(false) => {}
            None => return false,
        }
    }
}
