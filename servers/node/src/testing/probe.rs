//! How a node is asked whether it is there.

use std::fmt::Debug;

use data_encoding::BASE64;
use futures_util::future::BoxFuture;
use http::{HeaderName, header};
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
