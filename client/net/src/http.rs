//! HTTPS to nodes and seeds.
//!
//! A node's certificate proves nothing and is not looked at: confidentiality and identity come
//! from the onion layers, which only the holder of the node's key can open
//! (docs/protocol/node.md section 1.3). Seeds of public networks are pinned.

use core::fmt;
use core::time::Duration;
use std::error::Error as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::profile::{Seed, SeedTls};

/// Why a request got no answer. `Debug` leaves out the address too: it tells who the guard is.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection: refused, unroutable, name unknown, handshake failed.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// The connection broke, or what came was not HTTP.
    #[error("connection broke")]
    Broken(#[source] reqwest::Error),
    /// No complete answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than allowed.
    #[error("answer larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The TLS library refused its configuration.
    #[error("tls cannot be set up")]
    Setup,
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpError({self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        f.write_str(")")
    }
}

/// A complete HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct HttpReply {
    /// Status code.
    pub(crate) status: u16,
    /// `Content-Type` header, if it is text.
    pub(crate) content_type: Option<String>,
    /// The body.
    pub(crate) body: Bytes,
}

/// Pooled keep-alive connections to nodes.
#[derive(Debug, Clone)]
pub(crate) struct NodeHttp {
    client: reqwest::Client,
}

impl NodeHttp {
    /// Prepares the client; opens nothing yet.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when TLS cannot be configured.
    pub(crate) fn new() -> Result<Self, HttpError> {
        Ok(Self {
            client: client(&SeedTls::Unchecked)?,
        })
    }

    /// Posts `body` to `url` and reads at most `limit` bytes of answer.
    ///
    /// Cancel-safe: dropping the future closes the connection.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn post(
        &self,
        url: &str,
        body: Vec<u8>,
        limit: usize,
        timeout: Duration,
    ) -> Result<HttpReply, HttpError> {
        post(&self.client, url, body, limit, timeout).await
    }
}

/// Posts to a seed under its certificate rule.
///
/// # Errors
/// Any [`HttpError`].
pub(crate) async fn post_to_seed(
    seed: &Seed,
    path: &str,
    body: Vec<u8>,
    limit: usize,
    timeout: Duration,
) -> Result<HttpReply, HttpError> {
    let url: Url = seed.url.join(path).map_err(|_| HttpError::Setup)?;
    let client = client(&seed.tls)?;
    post(&client, url.as_str(), body, limit, timeout).await
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    body: Vec<u8>,
    limit: usize,
    timeout: Duration,
) -> Result<HttpReply, HttpError> {
    let exchange = async {
        let mut reply = client.post(url).body(body).send().await.map_err(classify)?;
        let status = reply.status().as_u16();
        let content_type = reply
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(classify)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(HttpError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpReply {
            status,
            content_type,
            body: body.freeze(),
        })
    };
    tokio::time::timeout(timeout, exchange)
        .await
        .unwrap_or(Err(HttpError::Timeout))
}

/// Addresses stay out of error texts: they tell who the guard is.
fn classify(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    if error.is_timeout() {
        HttpError::Timeout
    } else if error.is_connect() {
        HttpError::Connect(error)
    } else {
        HttpError::Broken(error)
    }
}

fn client(tls: &SeedTls) -> Result<reqwest::Client, HttpError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(CertificateRule {
        rule: *tls,
        provider: Arc::clone(&provider),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| HttpError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // The headers are those stock clients send (docs/protocol/node.md section 6.1).
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(
        reqwest::header::ACCEPT_LANGUAGE,
        reqwest::header::HeaderValue::from_static("en-us"),
    );
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent("WhatsApp")
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(60))
        .build()
        .map_err(|_| HttpError::Setup)
}

/// Accepts any certificate, or exactly the pinned one; the handshake signature is always checked.
#[derive(Debug)]
struct CertificateRule {
    rule: SeedTls,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertificateRule {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.rule {
            SeedTls::Unchecked => Ok(ServerCertVerified::assertion()),
            SeedTls::Pinned(pin) if Sha256::digest(end_entity)[..] == pin => {
                Ok(ServerCertVerified::assertion())
            }
            SeedTls::Pinned(_) => Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use session_chassis::listener::{self, ListenerLimits};
    use session_chassis::tls::ServerIdentity;
    use tokio_util::sync::CancellationToken;

    use super::*;

    async fn ask(port: u16, tls: SeedTls) -> Result<HttpReply, HttpError> {
        let url = format!("https://127.0.0.1:{port}/").parse().unwrap();
        let seed = Seed { url, tls };
        let patience = Duration::from_secs(20);
        post_to_seed(&seed, "json_rpc", b"ask".to_vec(), 1000, patience).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pinned_seed_must_have_its_certificate() {
        let identity = ServerIdentity::ephemeral().unwrap();
        let other = ServerIdentity::ephemeral().unwrap();
        let pin = |identity: &ServerIdentity| -> [u8; 32] {
            Sha256::digest(identity.certificate_der()).into()
        };
        let socket = listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let router = Router::new().route("/json_rpc", post(async || "answer"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(listener::serve(
            socket,
            Some(identity.server_config()),
            router,
            ListenerLimits::default(),
            stop.clone(),
        ));

        let right = SeedTls::Pinned(pin(&identity));
        for rule in [right, SeedTls::Unchecked] {
            assert_eq!(&ask(port, rule).await.unwrap().body[..], b"answer");
        }
        let error = ask(port, SeedTls::Pinned(pin(&other))).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
        assert_eq!(error.to_string(), "cannot connect");
        stop.cancel();
        serving.await.unwrap().unwrap();

        // Nobody is there any more; the error says so and does not say where.
        let error = ask(port, right).await.unwrap_err();
        let shown = format!("{error:?}") + &format!("{:?}", crate::NetError::from(error));
        assert!(shown.contains("refused"), "{shown}");
        for part in ["127.0.0.1", &port.to_string(), "json_rpc"] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
