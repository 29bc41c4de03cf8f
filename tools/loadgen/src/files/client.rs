//! Clients: one request at a time on each connection, over plain HTTP with keep-alive or QUIC.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::quic::QuicClient;
use super::server::FilesProcess;
use crate::measure::Outcome;
use crate::transport::own_address;

/// What takes this long counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// The content of a file: a stamp of its own, and what all have in common.
#[derive(Debug, Clone)]
pub(super) struct Content {
    stamp: Bytes,
    rest: Bytes,
}

impl Content {
    /// Length of the stamp.
    pub(super) const STAMP: usize = 16;

    pub(super) fn new(run: u64, number: u64, rest: &Bytes) -> Self {
        let stamp = [run.to_le_bytes(), number.to_le_bytes()].concat();
        Self {
            stamp: stamp.into(),
            rest: rest.clone(),
        }
    }

    /// Its length.
    pub(super) fn len(&self) -> usize {
        self.stamp.len() + self.rest.len()
    }

    /// Both of its parts.
    pub(super) fn parts(&self) -> [Bytes; 2] {
        [self.stamp.clone(), self.rest.clone()]
    }

    /// Whether it is this.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        bytes.strip_prefix(self.stamp.as_ref()) == Some(self.rest.as_ref())
    }
}

/// What is sent: nothing, or content.
struct Sent(Vec<Bytes>);

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let all: usize = self.0.iter().map(Bytes::len).sum();
        SizeHint::with_exact(u64::try_from(all).unwrap_or(u64::MAX))
    }
}

/// An open connection.
pub(super) enum Client {
    Http(HttpClient),
    Quic(QuicClient),
}

impl Client {
    pub(super) async fn open(server: &FilesProcess, index: u16) -> anyhow::Result<Self> {
        Ok(match server.quic() {
            Some((address, key)) => Self::Quic(QuicClient::open(address, key, index).await?),
            None => Self::Http(HttpClient::open(server.address(), index).await?),
        })
    }

    /// Uploads; the id, or what was answered instead.
    pub(super) async fn upload(
        &mut self,
        content: &Content,
    ) -> anyhow::Result<Result<String, Outcome>> {
        match self {
            Self::Http(client) => client.upload(content).await,
            Self::Quic(client) => client.upload(content).await,
        }
    }

    /// Downloads and compares.
    pub(super) async fn download(
        &mut self,
        id: &str,
        content: &Content,
    ) -> anyhow::Result<Outcome> {
        match self {
            Self::Http(client) => client.download(id, content).await,
            Self::Quic(client) => client.download(id, content).await,
        }
    }

    /// Asks how large it is.
    pub(super) async fn info(&mut self, id: &str, content: &Content) -> anyhow::Result<Outcome> {
        match self {
            Self::Http(client) => client.info(id, content).await,
            Self::Quic(_) => anyhow::bail!("over quic only uploads and downloads are measured"),
        }
    }
}

/// An open connection over HTTP.
pub(super) struct HttpClient {
    server: SocketAddr,
    index: u16,
    sender: SendRequest<Sent>,
}

impl HttpClient {
    async fn open(server: SocketAddr, index: u16) -> anyhow::Result<Self> {
        Ok(Self {
            server,
            index,
            sender: connect(server, index).await?,
        })
    }

    /// Uploads; the id, or what was answered instead.
    async fn upload(&mut self, content: &Content) -> anyhow::Result<Result<String, Outcome>> {
        let body = Sent(vec![content.rest.clone(), content.stamp.clone()]);
        let (status, answer) = self.ask("POST", "/file", body).await?;
        if status != 200 {
            return Ok(Err(Outcome::of_status(status)));
        }
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        let id = answer.get("id").and_then(|id| id.as_str());
        Ok(id.map(str::to_owned).ok_or(Outcome::WrongAnswer))
    }

    /// Downloads and compares.
    async fn download(&mut self, id: &str, content: &Content) -> anyhow::Result<Outcome> {
        let (status, answer) = self
            .ask("GET", &format!("/file/{id}"), Sent(vec![]))
            .await?;
        Ok(match Outcome::of_status(status) {
            Outcome::Good if !content.is(&answer) => Outcome::WrongAnswer,
            outcome => outcome,
        })
    }

    /// Asks how large it is.
    async fn info(&mut self, id: &str, content: &Content) -> anyhow::Result<Outcome> {
        let path = format!("/file/{id}/info");
        let (status, answer) = self.ask("GET", &path, Sent(vec![])).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        let size = answer.get("size").and_then(serde_json::Value::as_u64);
        let is_right = size == u64::try_from(content.len()).ok();
        Ok(match Outcome::of_status(status) {
            Outcome::Good if !is_right => Outcome::WrongAnswer,
            outcome => outcome,
        })
    }

    async fn ask(&mut self, method: &str, path: &str, body: Sent) -> anyhow::Result<(u16, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .body(body)?;
        let asking = async {
            // Some servers end a connection with each answer.
            if self.sender.ready().await.is_err() {
                self.sender = connect(self.server, self.index).await?;
                self.sender.ready().await?;
            }
            let answer = self.sender.send_request(request).await?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, body))
        };
        timeout(PATIENCE, asking).await.context("no answer")?
    }
}

async fn connect(server: SocketAddr, index: u16) -> anyhow::Result<SendRequest<Sent>> {
    let socket = TcpSocket::new_v4()?;
    if let Some(own) = own_address(server, index) {
        socket.bind(own)?;
    }
    let stream = socket.connect(server).await.context("connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
