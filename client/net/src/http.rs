//! HTTPS to nodes and seeds, directly or through a proxy.
//!
//! A node's certificate proves nothing and is not looked at: confidentiality and identity come
//! from the onion layers, which only the holder of the node's key can open
//! (docs/protocol/node.md section 1.3). Seeds of public networks are pinned.

mod certificate;

use core::fmt;
use core::time::Duration;
use std::error::Error as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use url::Url;

use crate::carrier::Carriage;
use crate::outflow::{Outflow, standstill};
use crate::profile::{Seed, SeedTls};
use crate::proxy::{ProxyFault, ProxyUrl};
use crate::reach;
use crate::server::Progress;
use crate::traffic::{Meter, count};
use certificate::CertificateRule;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The same through a proxy, which may be an anonymity network that takes its time.
const CONNECT_THROUGH_PROXY: Duration = Duration::from_secs(20);
/// How long it may take to find out whether it is the proxy that does not answer.
const PROXY_PATIENCE: Duration = Duration::from_secs(3);

/// Why a request got no answer. `Debug` leaves out the address too: it tells who the guard is.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No connection: refused, unroutable, name unknown, handshake failed, or none of these within
    /// a few seconds.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// The connection broke, or what came was not HTTP.
    #[error("connection broke")]
    Broken(#[source] reqwest::Error),
    /// It proves to be somebody else than expected.
    #[error("it shows another certificate than the pinned one")]
    Certificate,
    /// This machine has no way to send anything there.
    #[error("this computer has no network connection")]
    NoNetwork,
    /// The proxy carries nothing.
    #[error("{0}")]
    Proxy(ProxyFault),
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

impl HttpError {
    /// Whether the request did not even get away from here, whoever it was for.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::NoNetwork | Self::Proxy(_))
    }
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

/// Sends HTTP requests. Connections to nodes are kept and used again.
pub(crate) struct Http {
    nodes: reqwest::Client,
    proxy: Option<ProxyUrl>,
    meter: Arc<Meter>,
}

impl fmt::Debug for Http {
    /// The library's client would show where the proxy is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// Prepares the client; opens nothing yet.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when TLS or the proxy cannot be configured.
    pub(crate) fn new(proxy: Option<ProxyUrl>, meter: Arc<Meter>) -> Result<Self, HttpError> {
        Ok(Self {
            nodes: client(&SeedTls::Unchecked, proxy.as_ref())?,
            proxy,
            meter,
        })
    }

    /// Posts `body` to a node at `url` and reads at most `limit` bytes of answer.
    ///
    /// Cancel-safe: dropping the future closes the connection.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn post(
        &self,
        url: &Url,
        body: Bytes,
        limit: usize,
        timeout: Duration,
    ) -> Result<HttpReply, HttpError> {
        self.post_with(&self.nodes, url, body, limit, timeout).await
    }

    /// Posts to a seed under its certificate rule.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn post_to_seed(
        &self,
        seed: &Seed,
        path: &str,
        body: Vec<u8>,
        limit: usize,
        timeout: Duration,
    ) -> Result<HttpReply, HttpError> {
        let url: Url = seed.url.join(path).map_err(|_| HttpError::Setup)?;
        let client = client(&seed.tls, self.proxy.as_ref())?;
        self.post_with(&client, &url, body.into(), limit, timeout)
            .await
    }

    /// Posts something that may be long, or have a long answer: it takes as long as something
    /// moves.
    ///
    /// Cancel-safe: dropping the future closes the connection.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn post_long(
        &self,
        url: &Url,
        body: Bytes,
        carriage: &Carriage,
    ) -> Result<HttpReply, HttpError> {
        self.meter.request();
        let Carriage {
            longest_answer,
            patience,
            progress,
            ..
        } = carriage;
        progress.begin(count(body.len()));
        let moved = progress.subscribe();
        let head = request_head(url, body.len()) + body.len();
        let body = Outflow::new(body, progress.clone());
        let exchange = self.exchange(
            &self.nodes,
            url,
            (reqwest::Body::wrap(body), head),
            *longest_answer,
            Some(progress),
        );
        let reply = tokio::select! {
            reply = exchange => reply,
            () = standstill(moved, *patience) => Err(HttpError::Timeout),
        };
        match reply {
            Err(error @ HttpError::Connect(_)) => Err(self.why_not(url, error).await),
            reply => reply,
        }
    }

    async fn post_with(
        &self,
        client: &reqwest::Client,
        url: &Url,
        body: Bytes,
        limit: usize,
        timeout: Duration,
    ) -> Result<HttpReply, HttpError> {
        self.meter.request();
        let head = request_head(url, body.len()) + body.len();
        let exchange = self.exchange(client, url, (body.into(), head), limit, None);
        let reply = tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(HttpError::Timeout));
        match reply {
            Err(error @ HttpError::Connect(_)) => Err(self.why_not(url, error).await),
            reply => reply,
        }
    }

    async fn exchange(
        &self,
        client: &reqwest::Client,
        url: &Url,
        (body, request_bytes): (reqwest::Body, usize),
        limit: usize,
        progress: Option<&Progress>,
    ) -> Result<HttpReply, HttpError> {
        let request = client.post(url.clone()).body(body);
        let mut reply = request.send().await.map_err(classify)?;
        self.meter.sent(count(request_bytes));
        if let Some(progress) = progress {
            progress.answer_begins(reply.content_length());
        }
        let status = reply.status().as_u16();
        let headers = reply.headers();
        let lengths = headers.iter().map(|(name, value)| {
            // Colon, space and the end of the line.
            name.as_str().len() + value.len() + 4
        });
        self.meter
            .received(count(STATUS_LINE + lengths.sum::<usize>()));
        let content_type = headers
            .get(reqwest::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = BytesMut::new();
        while let Some(chunk) = reply.chunk().await.map_err(classify)? {
            self.meter.received(count(chunk.len()));
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(HttpError::TooLarge { limit });
            }
            if let Some(progress) = progress {
                progress.received(count(chunk.len()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpReply {
            status,
            content_type,
            body: body.freeze(),
        })
    }

    /// Whether a connection failed because of the other side, of the proxy, or because there is no
    /// network at all.
    async fn why_not(&self, url: &Url, error: HttpError) -> HttpError {
        let host = match &self.proxy {
            Some(proxy) => Some(proxy.host().clone()),
            None => url.host().map(|host| host.to_owned()),
        };
        if host.is_some_and(|host| !reach::has_route(&host)) {
            return HttpError::NoNetwork;
        }
        match &self.proxy {
            Some(proxy) => match proxy.greet(PROXY_PATIENCE).await {
                Ok(()) => error,
                Err(fault) => HttpError::Proxy(fault),
            },
            None => error,
        }
    }
}

/// A status line of the usual length, and the empty line at the end.
const STATUS_LINE: usize = "HTTP/1.1 200 OK\r\n\r\n".len();
const USER_AGENT: &str = "WhatsApp";
const LANGUAGE: &str = "en-us";

/// Bytes before the body of a request.
fn request_head(url: &Url, body: usize) -> usize {
    let authority = url.authority();
    let path = url.path();
    format!(
        "POST {path} HTTP/1.1\r\nuser-agent: {USER_AGENT}\r\naccept-language: {LANGUAGE}\r\n\
         accept: */*\r\nhost: {authority}\r\ncontent-length: {body}\r\n\r\n"
    )
    .len()
}

/// Addresses stay out of error texts: they tell who the guard is.
fn classify(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    if refused_certificate(&error) {
        HttpError::Certificate
    } else if error.is_connect() {
        // However long it took to find out.
        HttpError::Connect(error)
    } else if error.is_timeout() {
        HttpError::Timeout
    } else {
        HttpError::Broken(error)
    }
}

/// Whether the reason beneath is the certificate.
fn refused_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidCertificate(_));
    }
    // An I/O error does not name the error in it as its source.
    let io = error.downcast_ref::<std::io::Error>();
    if let Some(inner) = io.and_then(std::io::Error::get_ref) {
        return refused_certificate(inner);
    }
    error.source().is_some_and(refused_certificate)
}

fn client(tls: &SeedTls, proxy: Option<&ProxyUrl>) -> Result<reqwest::Client, HttpError> {
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
        reqwest::header::HeaderValue::from_static(LANGUAGE),
    );
    // The system's own proxy settings do not count.
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match proxy {
        None => builder.connect_timeout(CONNECT),
        Some(proxy) => builder
            .proxy(proxy.to_reqwest().ok_or(HttpError::Setup)?)
            .connect_timeout(CONNECT_THROUGH_PROXY),
    };
    builder
        .tls_backend_preconfigured(config)
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60))
        .build()
        .map_err(|_| HttpError::Setup)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use session_chassis::listener::{self, ListenerLimits};
    use session_chassis::tls::ServerIdentity;
    use sha2::{Digest as _, Sha256};
    use tokio_util::sync::CancellationToken;

    use super::*;

    async fn ask(port: u16, tls: SeedTls) -> Result<HttpReply, HttpError> {
        let url = format!("https://127.0.0.1:{port}/").parse().unwrap();
        let seed = Seed { url, tls };
        let patience = Duration::from_secs(20);
        let http = Http::new(None, Arc::new(Meter::new())).unwrap();
        http.post_to_seed(&seed, "json_rpc", b"ask".to_vec(), 1000, patience)
            .await
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
        assert!(matches!(error, HttpError::Certificate), "{error:?}");
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
