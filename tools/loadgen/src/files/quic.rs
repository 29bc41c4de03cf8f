//! Transfers over QUIC: a stream for each, one at a time on each connection.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    Connection, Endpoint, EndpointConfig, ReadToEndError, RecvStream, SendStream, TokioRuntime,
};
use session_file_transfer::{Command, Head, Kept, PROTOCOL, split};
use session_quic::{TlsKey, tls};
use session_types::Ed25519PublicKey;
use tokio::time::timeout;

use super::client::Content;
use crate::measure::Outcome;
use crate::transport::own_address;

/// What takes this long counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than any answer has.
const LONGEST: usize = 20_000_000;

/// An open connection and its socket.
pub(super) struct QuicClient {
    connection: Connection,
    _endpoint: Endpoint,
    /// For requests; it has to be open.
    _first: (SendStream, RecvStream),
}

impl QuicClient {
    pub(super) async fn open(
        server: SocketAddr,
        key: Ed25519PublicKey,
        index: u16,
    ) -> anyhow::Result<Self> {
        let own = own_address(server, index).unwrap_or(([0, 0, 0, 0], 0).into());
        let socket = UdpSocket::bind(own)?;
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, runtime)?;
        let tls = tls::opening(key, &TlsKey::random(), PROTOCOL)?;
        let tls = QuicClientConfig::try_from(tls)?;
        let config = quinn::ClientConfig::new(Arc::new(tls));
        let connecting = endpoint.connect_with(config, server, "localhost")?;
        let connection = timeout(PATIENCE, connecting).await??;
        let first = connection.open_bi().await?;
        Ok(Self {
            connection,
            _endpoint: endpoint,
            _first: first,
        })
    }

    pub(super) async fn upload(
        &self,
        content: &Content,
    ) -> anyhow::Result<Result<String, Outcome>> {
        let command = Command::Put {
            size: u64::try_from(content.len()).ok(),
            ttl: None,
        };
        let command = command.encode();
        let [stamp, rest] = content.parts();
        let answer = match self.exchange(&[command.into(), stamp, rest]).await? {
            Ok(answer) => answer,
            Err(code) => return Ok(Err(outcome(code))),
        };
        Ok(Kept::read(&answer)
            .map(|kept| kept.id)
            .map_err(|_| Outcome::WrongAnswer))
    }

    pub(super) async fn download(&self, id: &str, content: &Content) -> anyhow::Result<Outcome> {
        let id = id.as_bytes().to_vec();
        let command = Command::Get { id }.encode();
        let answer = match self.exchange(&[command.into()]).await? {
            Ok(answer) => answer,
            Err(code) => return Ok(outcome(code)),
        };
        let Ok(Some((dict, used))) = split(&answer) else {
            return Ok(Outcome::WrongAnswer);
        };
        let size = Head::read(dict).ok().map(|head| head.size);
        let file = answer.get(used..).unwrap_or_default();
        Ok(
            if size == u64::try_from(content.len()).ok() && content.is(file) {
                Outcome::Good
            } else {
                Outcome::WrongAnswer
            },
        )
    }

    /// What comes back, or the code of a reset.
    async fn exchange(&self, parts: &[Bytes]) -> anyhow::Result<Result<Vec<u8>, u64>> {
        let exchange = async {
            let (mut send, mut recv) = self.connection.open_bi().await?;
            for part in parts {
                // A server that refuses early stops reading.
                let _ = send.write_all(part).await;
            }
            let _ = send.finish();
            match recv.read_to_end(LONGEST).await {
                Ok(answer) => Ok(Ok(answer)),
                Err(ReadToEndError::Read(quinn::ReadError::Reset(code))) => {
                    Ok(Err(code.into_inner()))
                }
                Err(error) => Err(anyhow::Error::new(error)),
            }
        };
        timeout(PATIENCE, exchange).await.context("no answer")?
    }
}

fn outcome(code: u64) -> Outcome {
    match Outcome::of_status(u16::try_from(code).unwrap_or(500)) {
        Outcome::Good => Outcome::WrongAnswer,
        outcome => outcome,
    }
}
