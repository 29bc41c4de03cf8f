//! Passing onion requests on to servers outside the network
//! (docs/protocol/node.md section 7.7).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use session_dns::PublicOnly;
use session_onion::packet::ServerProtocol;
use session_types::{NodeVersion, is_public_address};

use crate::NodeError;
use crate::core::AnswerMemory;

/// What came of a request to a server.
#[derive(Debug)]
pub(super) enum ServerAnswer {
    /// The server answered.
    Answered {
        status: u16,
        headers: HeaderMap,
        body: Bytes,
    },
    /// It did not; this is what the client is told.
    Failed { status: u16, text: String },
    /// There is no memory left for what it answers.
    NoMemory,
    /// The address is one this node does not contact.
    Refused,
}

/// The HTTP client for servers.
#[derive(Debug)]
pub(crate) struct ServerRelay {
    http: reqwest::Client,
    user_agent: HeaderValue,
    timeout: Duration,
    max_answer: usize,
    allow_private: bool,
}

impl ServerRelay {
    pub(super) fn new(
        version: NodeVersion,
        timeout: Duration,
        max_answer: usize,
        allow_private: bool,
    ) -> Result<Self, NodeError> {
        let builder = || {
            let mut builder = reqwest::Client::builder()
                .no_proxy()
                .referer(false)
                .redirect(reqwest::redirect::Policy::none())
                .tls_version_min(reqwest::tls::Version::TLS_1_2)
                .tcp_nodelay(true)
                .pool_idle_timeout(Duration::from_secs(60));
            if !allow_private {
                builder = builder.dns_resolver(Arc::new(PublicOnly));
            }
            builder
        };
        let http = builder().build().or_else(|error| {
            // A machine without root certificates can still relay to servers without TLS.
            tracing::warn!(%error, "no usable root certificates: relays to https servers will fail");
            builder().tls_certs_only([]).build()
        });
        let http = http.map_err(NodeError::HttpClient)?;
        let user_agent = HeaderValue::try_from(crate::https::server_name(version))
            .unwrap_or(HeaderValue::from_static("Oxen Storage Server"));
        Ok(Self {
            http,
            user_agent,
            timeout,
            max_answer,
            allow_private,
        })
    }

    /// Posts the whole decrypted layer. Host and target have been checked when the layer was
    /// read; here it is made sure that they arrive as they were checked.
    pub(super) async fn post(
        &self,
        host: &str,
        port: u16,
        protocol: ServerProtocol,
        target: &str,
        body: Vec<u8>,
        memory: &mut AnswerMemory,
    ) -> ServerAnswer {
        let (scheme, usual_port) = match protocol {
            ServerProtocol::Http => ("http", 80),
            ServerProtocol::Https => ("https", 443),
        };
        let port = if port == usual_port {
            String::new()
        } else {
            format!(":{port}")
        };
        let Ok(url) = reqwest::Url::parse(&format!("{scheme}://{host}{port}{target}")) else {
            return ServerAnswer::Refused;
        };
        // Numbers in odd notation become addresses only when the URL is parsed.
        let literal = url
            .host_str()
            .map(|host| host.trim_start_matches('[').trim_end_matches(']'))
            .and_then(|host| host.parse::<IpAddr>().ok());
        if url.path() != target
            || url.query().is_some()
            || url.fragment().is_some()
            || (!self.allow_private && literal.is_some_and(|address| !is_public_address(address)))
        {
            return ServerAnswer::Refused;
        }
        match tokio::time::timeout(self.timeout, self.exchange(url, body, memory)).await {
            Ok(answer) => answer,
            Err(_) => timed_out(),
        }
    }

    async fn exchange(
        &self,
        url: reqwest::Url,
        body: Vec<u8>,
        memory: &mut AnswerMemory,
    ) -> ServerAnswer {
        let sent = self
            .http
            .post(url)
            .header(header::USER_AGENT, self.user_agent.clone())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)
            .send()
            .await;
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return failed(&error),
        };
        let status = response.status();
        if status.is_redirection() && response.headers().contains_key(header::LOCATION) {
            return ServerAnswer::Failed {
                status: 502,
                text: "Maximum (0) redirects followed".to_owned(),
            };
        }
        let mut whole = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if chunk.len() <= self.max_answer.saturating_sub(whole.len()) => {
                    if !memory.fit(whole.len() + chunk.len()) {
                        return ServerAnswer::NoMemory;
                    }
                    whole.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return ServerAnswer::Failed {
                        status: 502,
                        text: "Server response too large".to_owned(),
                    };
                }
                Ok(None) => break,
                Err(error) => return failed(&error),
            }
        }
        let mut headers = std::mem::take(response.headers_mut());
        for name in NOT_HANDED_ON {
            headers.remove(name);
        }
        ServerAnswer::Answered {
            status: status.as_u16(),
            headers,
            body: whole.freeze(),
        }
    }
}

/// Headers that concern one connection, and those this node writes itself.
const NOT_HANDED_ON: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::SERVER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

fn failed(error: &reqwest::Error) -> ServerAnswer {
    if error.is_timeout() {
        return timed_out();
    }
    // The client chose the address, so the text tells it nothing new; the causes tell it why.
    let mut text = "Server request failed".to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    ServerAnswer::Failed { status: 502, text }
}

fn timed_out() -> ServerAnswer {
    ServerAnswer::Failed {
        status: 504,
        text: "Request time out".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_targets_are_refused_in_every_notation() {
        crate::install_crypto_provider();
        let relay =
            ServerRelay::new(NodeVersion([1, 2, 3]), Duration::from_secs(1), 10, false).unwrap();
        let memory = &mut AnswerMemory::of([]);
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::1]",
            "10.0.0.1",
        ] {
            let answer = relay
                .post(
                    host,
                    80,
                    ServerProtocol::Http,
                    "/oxen/v4/lsrpc",
                    vec![],
                    memory,
                )
                .await;
            assert!(
                matches!(answer, ServerAnswer::Refused),
                "{host}: {answer:?}"
            );
        }
        let named = relay.post(
            "localhost",
            1,
            ServerProtocol::Http,
            "/oxen/v4/lsrpc",
            vec![],
            memory,
        );
        assert!(matches!(
            named.await,
            ServerAnswer::Failed { status: 502, .. }
        ));
    }
}
