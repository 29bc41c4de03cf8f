//! Servers that are no good seeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What it does with a request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with this status line, content type and body.
    Answers(&'static str, &'static str, String),
    /// Takes the request and hangs up.
    HangsUp,
    /// Takes the request and says nothing.
    Silent,
    /// Begins an answer that never ends.
    Endless,
}

/// Something that listens where a seed should be.
pub(crate) struct FakeSeed {
    url: String,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FakeSeed {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let open = Arc::new(AtomicUsize::new(0));
        let of_task = Arc::clone(&open);
        let task = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                of_task.fetch_add(1, Ordering::SeqCst);
                let (manner, open) = (manner.clone(), Arc::clone(&of_task));
                serving.spawn(async move {
                    serve(connection, manner).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            url,
            connections,
            open,
            task,
        }
    }

    /// A seed that gives this as the list of nodes.
    pub(crate) async fn listing(list: &Value) -> Self {
        let type_ = "application/json";
        Self::start(Manner::Answers("200 OK", type_, list.to_string())).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl FakeSeed {
    /// Connections open at the moment.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl Drop for FakeSeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, manner: Manner) -> Option<()> {
    read_request(&mut connection).await?;
    match manner {
        Manner::Answers(status, type_, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {type_}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).await.ok()?;
            connection.write_all(body.as_bytes()).await.ok()?;
        }
        Manner::HangsUp => {}
        Manner::Silent => {
            // Until the other side gives up.
            while connection.read_u8().await.is_ok() {}
        }
        Manner::Endless => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
            connection.write_all(head.as_bytes()).await.ok()?;
            let spaces = vec![b' '; 1 << 16];
            while connection.write_all(&spaces).await.is_ok() {}
        }
    }
    Some(())
}

/// Head and body.
async fn read_request(connection: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let end = loop {
        request.push(connection.read_u8().await.ok()?);
        if request.ends_with(b"\r\n\r\n") {
            break String::from_utf8(request).ok()?.to_lowercase();
        }
    };
    let length = end
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    connection.read_exact(&mut body).await.ok()?;
    Some(())
}
