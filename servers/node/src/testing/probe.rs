//! How a node is asked whether it is there.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use http::{HeaderName, header};
use session_quic::{Budget, Endpoint, Protocol, QuicError, Target, TlsKey};
use session_registry::RegisteredNode;
use session_types::NodeContact;

use crate::NodeError;

/// Where a tested node shows its primary key.
pub(crate) const SNODE_PUBKEY: HeaderName = HeaderName::from_static("x-oxen-snode-pubkey");
/// What is asked.
pub(crate) const PING_PATH: &str = "/ping_test/v1";

/// Why a test failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeFailure {
    /// No connection, or one that broke.
    #[error("not reachable")]
    Unreachable,
    /// Something answered, but not the way a node does.
    #[error("answer with status {0}")]
    Status(u16),
    /// Something answered that does not hold the node's key.
    #[error("another key answered")]
    WrongKey,
}

/// One part of a test: one way to reach a node.
pub(crate) trait Probe: Send + Sync + Debug {
    /// Names it in logs.
    fn name(&self) -> &'static str;

    /// Whether a node of this kind can be expected to pass.
    fn applies_to(&self, node: &RegisteredNode) -> bool {
        let _ = node;
        true
    }

    /// Asks the node. The caller limits the time.
    fn test<'a>(&'a self, node: &'a NodeContact) -> BoxFuture<'a, Result<(), ProbeFailure>>;
}

/// `POST /ping_test/v1` over a fresh connection. Certificates prove nothing here; the header with
/// the primary key must be right.
#[derive(Debug)]
pub(crate) struct HttpsProbe {
    http: reqwest::Client,
}

impl HttpsProbe {
    pub(crate) fn new() -> Result<Self, NodeError> {
        let http = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .tls_sni(false)
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(NodeError::HttpClient)?;
        Ok(Self { http })
    }

    async fn ask(&self, node: &NodeContact) -> Result<(), ProbeFailure> {
        let answer = self
            .http
            .post(format!("{}{PING_PATH}", node.https_base()))
            .header(header::HOST, node.legacy.snode_address())
            .send()
            .await
            .map_err(|_| ProbeFailure::Unreachable)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(ProbeFailure::Status(status));
        }
        let shown = answer.headers().get(SNODE_PUBKEY);
        let expected = BASE64.encode(node.legacy.as_bytes());
        if shown.is_some_and(|shown| shown.as_bytes() == expected.as_bytes()) {
            Ok(())
        } else {
            Err(ProbeFailure::WrongKey)
        }
    }
}

impl Probe for HttpsProbe {
    fn name(&self) -> &'static str {
        "https"
    }

    fn test<'a>(&'a self, node: &'a NodeContact) -> BoxFuture<'a, Result<(), ProbeFailure>> {
        Box::pin(self.ask(node))
    }
}

/// `snode_ping` over a fresh QUIC connection. The handshake proves the key.
#[derive(Debug)]
pub(crate) struct QuicProbe {
    endpoint: Endpoint,
    limit: Duration,
}

impl QuicProbe {
    pub(crate) const fn new(endpoint: Endpoint, limit: Duration) -> Self {
        Self { endpoint, limit }
    }

    async fn ask(&self, node: &NodeContact) -> Result<(), ProbeFailure> {
        let target = Target {
            address: SocketAddr::from((node.ip, node.omq_port)),
            key: node.ed25519,
            protocol: Protocol::Client,
        };
        let failed = |error| match error {
            QuicError::BadAnswer => ProbeFailure::WrongKey,
            _ => ProbeFailure::Unreachable,
        };
        let own = TlsKey::random();
        let connecting = self.endpoint.connect(target, &own, Budget::unlimited());
        let (connection, _) = connecting.await.map_err(failed)?;
        let stream = connection.open_stream().await.map_err(failed)?;
        let answer = stream.request("snode_ping", Vec::new(), self.limit);
        let answer = answer.await.map_err(failed)?;
        if answer.good && answer.body == b"pong" {
            Ok(())
        } else {
            Err(ProbeFailure::Status(500))
        }
    }
}

impl Probe for QuicProbe {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn applies_to(&self, node: &RegisteredNode) -> bool {
        node.contact.omq_port != 0
    }

    fn test<'a>(&'a self, node: &'a NodeContact) -> BoxFuture<'a, Result<(), ProbeFailure>> {
        Box::pin(self.ask(node))
    }
}
