//! A web server on this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Pages by their paths: type and content.
pub(crate) type Pages = BTreeMap<&'static str, (&'static str, Vec<u8>)>;

/// Serves pages and remembers which were asked for.
pub(crate) struct WebServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl WebServer {
    pub(crate) async fn start(pages: Pages) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let pages = Arc::new(pages);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (pages, remembered) = (Arc::clone(&pages), Arc::clone(&remembered));
                open.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let answer = match pages.get(path.as_str()) {
                        Some((kind, body)) => {
                            let length = body.len();
                            let head = format!(
                                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\
                                 content-length: {length}\r\nconnection: close\r\n\r\n"
                            );
                            [head.as_bytes(), body].concat()
                        }
                        None => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\
                                  connection: close\r\n\r\n"
                            .to_vec(),
                    };
                    remembered.lock().unwrap().push(path);
                    // Whoever asked may have seen enough.
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
