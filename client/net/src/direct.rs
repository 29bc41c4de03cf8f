//! Files straight to and from a file server over QUIC (docs/protocol/file-server.md section 5).
//!
//! Faster than through nodes, and the server sees who asks: for those who allowed it, and only with
//! the server they chose. Each transfer has a connection of its own, made with a key of its own.

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    Connection, ConnectionError, Endpoint, ReadError, RecvStream, SendStream, TransportConfig,
    VarInt, WriteError,
};
use session_file_transfer::{
    BlockError, Command, Head, Kept, LONGEST_BLOCK, PROTOCOL, code, split,
};
use session_quic::{TlsKey, tls};
use session_types::ErrorKind;
use tokio::time::timeout;

use crate::outflow::standstill;
use crate::server::Progress;
use crate::traffic::count;
use crate::{FileServer, Network};

pub(crate) use session_file_transfer::PORT;

/// How long opening a connection may take; through nodes it goes in any case.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// A connection on which nothing comes for so long is over.
const IDLE: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Bytes a server may send before they are read.
const WINDOW: u32 = 6 * 1024 * 1024;
/// What is handed over at once.
const PIECE: usize = 32 * 1024;

/// Why a file was not moved directly. Says nothing of where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectError {
    /// Behind a proxy nothing goes directly.
    #[error("behind a proxy nothing goes directly")]
    Proxy,
    /// Nobody answers, or the connection broke.
    #[error("the file server does not answer over quic")]
    Unreachable,
    /// Somebody else answers, or in another language.
    #[error("what answers over quic is not this file server")]
    BadAnswer,
    /// The server says no.
    #[error("the file server refused (code {code})")]
    Refused {
        /// Its code.
        code: u64,
    },
    /// The file is longer than is wanted.
    #[error("the file is longer than it may be")]
    TooLong,
    /// Nothing moves any more.
    #[error("the transfer over quic stands still")]
    Timeout,
}

impl DirectError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Proxy | Self::Unreachable | Self::Timeout => ErrorKind::Unreachable,
            Self::BadAnswer | Self::Refused { .. } | Self::TooLong => ErrorKind::BadPeer,
        }
    }
}

impl From<BlockError> for DirectError {
    fn from(_: BlockError) -> Self {
        Self::BadAnswer
    }
}

impl Network {
    /// Uploads a file straight to a server. Returns the name it has there.
    ///
    /// Cancel-safe: the server may or may not have it.
    ///
    /// # Errors
    /// [`DirectError`].
    pub async fn upload_directly(
        &self,
        server: &FileServer,
        file: Bytes,
        progress: &Progress,
    ) -> Result<String, DirectError> {
        let link = self.link(server).await?;
        self.watched(progress, link.upload(file, progress)).await
    }

    /// Fetches a file of at most `most` bytes straight from a server.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`DirectError`].
    pub async fn download_directly(
        &self,
        server: &FileServer,
        id: &str,
        most: usize,
        progress: &Progress,
    ) -> Result<Vec<u8>, DirectError> {
        let link = self.link(server).await?;
        self.watched(progress, link.download(id, most, progress))
            .await
    }

    async fn watched<T>(
        &self,
        progress: &Progress,
        transfer: impl Future<Output = Result<T, DirectError>>,
    ) -> Result<T, DirectError> {
        let moved = progress.subscribe();
        tokio::select! {
            done = transfer => done,
            () = standstill(moved, self.options.server_timeout) => Err(DirectError::Timeout),
        }
    }

    async fn link(&self, server: &FileServer) -> Result<Link, DirectError> {
        if self.options.proxy.is_some() {
            return Err(DirectError::Proxy);
        }
        let host = server.target().host;
        let place = (host.trim_matches(['[', ']']), self.options.file_port);
        let opening = async {
            let found = tokio::net::lookup_host(place).await.ok();
            for address in found.into_iter().flatten() {
                match Link::open(address, server).await {
                    Err(DirectError::Unreachable) => {}
                    done => return done,
                }
            }
            Err(DirectError::Unreachable)
        };
        let mut link = timeout(HANDSHAKE, opening)
            .await
            .unwrap_or(Err(DirectError::Unreachable))?;
        let meter = self.carrier.meter();
        meter.quic_request();
        link.count = Some(Box::new(move |sent, received| {
            meter.sent(sent);
            meter.received(received);
        }));
        Ok(link)
    }
}

/// A connection for one transfer.
struct Link {
    connection: Connection,
    /// The first stream is for questions; it has to be there before transfers.
    _questions: (SendStream, RecvStream),
    /// Keeps the socket.
    _endpoint: Endpoint,
    /// Told at the end how much was sent and received.
    count: Option<Box<dyn Fn(u64, u64) + Send + Sync>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let stats = self.connection.stats();
        if let Some(count) = &self.count {
            count(stats.udp_tx.bytes, stats.udp_rx.bytes);
        }
        self.connection.close(VarInt::from_u32(code::DONE), b"");
    }
}

impl Link {
    async fn open(address: SocketAddr, server: &FileServer) -> Result<Self, DirectError> {
        let lost = |_| DirectError::Unreachable;
        let tls = tls::opening(*server.ed25519(), &TlsKey::random(), PROTOCOL)
            .map_err(|_| DirectError::Unreachable)?;
        let crypto = QuicClientConfig::try_from(tls).map_err(|_| DirectError::Unreachable)?;
        let mut transport = TransportConfig::default();
        transport
            .max_idle_timeout(IDLE.try_into().ok())
            .keep_alive_interval(Some(KEEP_ALIVE))
            .stream_receive_window(WINDOW.into())
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0));
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport));
        let any: SocketAddr = if address.is_ipv4() {
            ([0; 4], 0).into()
        } else {
            ([0; 16], 0).into()
        };
        let endpoint = Endpoint::client(any).map_err(|_| DirectError::Unreachable)?;
        let connecting = endpoint
            .connect_with(config, address, "localhost")
            .map_err(|_| DirectError::Unreachable)?;
        let connection = connecting.await.map_err(|error| match error {
            ConnectionError::TransportError(_) | ConnectionError::VersionMismatch => {
                DirectError::BadAnswer
            }
            _ => DirectError::Unreachable,
        })?;
        let questions = connection.open_bi().await.map_err(lost)?;
        Ok(Self {
            connection,
            _questions: questions,
            _endpoint: endpoint,
            count: None,
        })
    }

    async fn upload(&self, mut file: Bytes, progress: &Progress) -> Result<String, DirectError> {
        let command = Command::Put {
            size: Some(count(file.len())),
            ttl: None,
        };
        let (mut send, mut recv) = self.begin(&command.encode()).await?;
        progress.begin(count(file.len()));
        while !file.is_empty() {
            let piece = file.split_to(file.len().min(PIECE));
            let length = count(piece.len());
            match send.write_chunk(piece).await {
                Ok(()) => progress.sent(length),
                // What it says about that is in its answer.
                Err(WriteError::Stopped(_)) => break,
                Err(_) => return Err(DirectError::Unreachable),
            }
        }
        // A stream that was stopped is finished already.
        let _ = send.finish();
        let mut answer = Vec::new();
        while let Some(chunk) = chunk(&mut recv).await? {
            answer.extend_from_slice(&chunk);
            if answer.len() > LONGEST_BLOCK {
                return Err(DirectError::BadAnswer);
            }
        }
        Ok(Kept::read(&answer)?.id)
    }

    async fn download(
        &self,
        id: &str,
        most: usize,
        progress: &Progress,
    ) -> Result<Vec<u8>, DirectError> {
        let command = Command::Get {
            id: id.as_bytes().to_vec(),
        };
        let command = command.encode();
        let (mut send, mut recv) = self.begin(&command).await?;
        progress.begin(count(command.len()));
        // A server that refuses at once has stopped it.
        let _ = send.finish();
        let mut content = Vec::new();
        let size = loop {
            let chunk = chunk(&mut recv).await?.ok_or(DirectError::BadAnswer)?;
            content.extend_from_slice(&chunk);
            if let Some((dict, used)) = split(&content)? {
                let size = Head::read(dict)?.size;
                content.drain(..used);
                break size;
            }
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= most);
        let Some(size) = size else {
            let _ = recv.stop(VarInt::from_u32(code::ABANDONED));
            return Err(DirectError::TooLong);
        };
        progress.answer_begins(Some(count(size)));
        progress.received(count(content.len()));
        content.reserve_exact(size.saturating_sub(content.len()));
        while let Some(chunk) = chunk(&mut recv).await? {
            if content.len().saturating_add(chunk.len()) > size {
                return Err(DirectError::BadAnswer);
            }
            content.extend_from_slice(&chunk);
            progress.received(count(chunk.len()));
        }
        if content.len() == size {
            Ok(content)
        } else {
            Err(DirectError::BadAnswer)
        }
    }

    async fn begin(&self, command: &[u8]) -> Result<(SendStream, RecvStream), DirectError> {
        let opened = self.connection.open_bi().await;
        let (mut send, recv) = opened.map_err(|_| DirectError::Unreachable)?;
        match send.write_all(command).await {
            Ok(()) | Err(WriteError::Stopped(_)) => Ok((send, recv)),
            Err(_) => Err(DirectError::Unreachable),
        }
    }
}

async fn chunk(recv: &mut RecvStream) -> Result<Option<Bytes>, DirectError> {
    match recv.read_chunk(usize::MAX, true).await {
        Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
        Err(ReadError::Reset(code)) => Err(DirectError::Refused {
            code: code.into_inner(),
        }),
        Err(_) => Err(DirectError::Unreachable),
    }
}
