//! QUIC as clients speak it: one stream, one request at a time on each connection.

use std::net::{SocketAddr, UdpSocket};
use std::str;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use session_quic::{Budget, Endpoint as QuicEndpoint, Protocol, Stream, TlsKey};
use session_storage_rpc::stream::body;

use super::{Answer, Endpoint, Target, own_address};

/// Opens connections.
#[derive(Debug, Clone)]
pub(crate) struct Connector;

/// An open connection and its socket.
pub(crate) struct Connection {
    stream: Stream,
    _connection: session_quic::Connection,
    _endpoint: QuicEndpoint,
}

impl Connector {
    pub(super) async fn open(&self, target: &Target, index: u16) -> anyhow::Result<Connection> {
        let contact = target
            .contact
            .as_ref()
            .context("quic needs the node's key: leave --target out")?;
        let address = SocketAddr::from((contact.ip, contact.omq_port));
        let own = own_address(address, index).unwrap_or(([0, 0, 0, 0], 0).into());
        let endpoint = QuicEndpoint::client(UdpSocket::bind(own)?)?;
        let target = session_quic::Target {
            address,
            key: contact.ed25519,
            protocol: Protocol::Client,
        };
        let shown = TlsKey::random();
        let connecting = endpoint.connect(target, &shown, Budget::unlimited());
        let (connection, _) = connecting.await?;
        let stream = connection.open_stream().await?;
        Ok(Connection {
            stream,
            _connection: connection,
            _endpoint: endpoint,
        })
    }
}

impl Connection {
    pub(super) async fn ask(&mut self, endpoint: Endpoint, body: Bytes) -> anyhow::Result<Answer> {
        let asking = match endpoint {
            Endpoint::Onion => self.request("onion_req", body.to_vec()).await?,
            Endpoint::Storage => {
                let (method, params) = split(&body).context("not a storage request")?;
                self.request(method, params.to_vec()).await?
            }
        };
        let (good, answer) = asking;
        if !good {
            let (status, text) = body::read_failure(&answer).unwrap_or((500, &answer));
            let body = Bytes::copy_from_slice(text);
            return Ok(Answer { status, body });
        }
        let body = match endpoint {
            Endpoint::Onion => answer.into(),
            Endpoint::Storage => {
                let inner = answer
                    .strip_prefix(b"[200,")
                    .and_then(|rest| rest.strip_suffix(b"]"));
                Bytes::copy_from_slice(inner.unwrap_or(&answer))
            }
        };
        Ok(Answer { status: 200, body })
    }

    async fn request(&self, name: &str, body: Vec<u8>) -> anyhow::Result<(bool, Vec<u8>)> {
        // The caller limits the time.
        let answer = self.stream.request(name, body, Duration::from_secs(60));
        let answer = answer.await?;
        Ok((answer.good, answer.body))
    }
}

/// Method and parameters of a request in its HTTP form, as this program writes it.
fn split(body: &[u8]) -> Option<(&str, &[u8])> {
    let rest = body.strip_prefix(br#"{"jsonrpc":"2.0","method":""#)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let (method, rest) = rest.split_at_checked(end)?;
    let params = rest.strip_prefix(b"\",\"params\":")?.strip_suffix(b"}")?;
    Some((str::from_utf8(method).ok()?, params))
}

#[cfg(test)]
mod tests {
    use session_storage_rpc::Request;

    use super::*;

    #[test]
    fn requests_are_taken_apart_as_they_were_put_together() {
        let text = Request::Info.to_json_text();
        let (method, params) = split(text.as_bytes()).unwrap();
        assert_eq!((method, params), ("info", b"{}".as_slice()));
        assert!(split(b"{}").is_none());
    }
}
