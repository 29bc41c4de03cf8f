//! Pages of the web, for previews of links (docs/protocol/client.md section 5.9).
//!
//! Nodes pass on only what is encrypted for a server that speaks their protocol, so a page cannot
//! be fetched through them. It is fetched from here, or through the proxy when there is one, and
//! only when somebody asked for exactly that: the server of the page sees who asks.

mod address;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use session_dns::{PublicOnly, is_not_public};
use session_types::ErrorKind;
use url::Url;

use crate::Network;
use crate::traffic::{Meter, count};

/// How often a page may name another one instead.
const REDIRECTS: usize = 10;
/// Stock clients call themselves this.
const USER_AGENT: &str = "WhatsApp";

/// Which addresses are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WebReach {
    /// Servers of the public internet, over `https`.
    #[default]
    Public,
    /// Any server, over `http` as well: for private networks and tests.
    Anywhere,
}

/// How pages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebOptions {
    /// Which.
    pub reach: WebReach,
    /// How long one page or image may take, with all its redirects.
    pub timeout: Duration,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            reach: WebReach::Public,
            timeout: Duration::from_secs(20),
        }
    }
}

/// Why a page was not read. Says nothing of where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// The address is not one that is looked at, or names only such.
    #[error("this address is not looked at: only https addresses of public servers are")]
    Forbidden,
    /// One page names the next and so on.
    #[error("the page leads on and on")]
    Redirects,
    /// Its server says no.
    #[error("the page's server refused (status {status})")]
    Status {
        /// What it said.
        status: u16,
    },
    /// No connection, or a broken one, or a certificate that is not trusted.
    #[error("the page's server cannot be reached")]
    Unreachable,
    /// Not read in time.
    #[error("the page's server takes too long")]
    Timeout,
    /// TLS or the proxy cannot be configured.
    #[error("tls cannot be set up")]
    Setup,
}

impl WebError {
    /// A stable name for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "web.forbidden",
            Self::Redirects => "web.redirects",
            Self::Status { .. } => "web.status",
            Self::Unreachable => "web.unreachable",
            Self::Timeout => "web.timeout",
            Self::Setup => "web.setup",
        }
    }

    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Forbidden => ErrorKind::BadInput,
            Self::Redirects | Self::Status { .. } => ErrorKind::BadPeer,
            Self::Unreachable | Self::Timeout => ErrorKind::Unreachable,
            Self::Setup => ErrorKind::Internal,
        }
    }
}

/// What was read.
#[derive(Clone)]
pub struct WebPage {
    /// Where it was in the end.
    pub url: Url,
    /// What its server calls it, in lower case.
    pub content_type: String,
    /// Its beginning.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

impl fmt::Debug for WebPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPage")
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("is_whole", &self.is_whole)
            .finish_non_exhaustive()
    }
}

/// Reads pages.
pub struct Browser {
    client: reqwest::Client,
    options: WebOptions,
    meter: Arc<Meter>,
}

impl fmt::Debug for Browser {
    /// The library's client would show where the proxy is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Something to read pages with, one or a few that belong together. It keeps no cookies and
    /// asks for nothing by itself. Blocks: reads the certificates that this system trusts.
    ///
    /// # Errors
    /// [`WebError::Setup`].
    pub fn browser(&self) -> Result<Browser, WebError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(rustls::ConfigBuilder::with_platform_verifier)
            .map_err(|_| WebError::Setup)?
            .with_no_client_auth();
        let options = self.options.web;
        // The system's own proxy settings do not count.
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(config)
            .user_agent(USER_AGENT)
            .referer(false)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = &self.options.proxy {
            // It looks names up, and knows what it may reach.
            builder = builder.proxy(proxy.to_reqwest().ok_or(WebError::Setup)?);
        } else if options.reach == WebReach::Public {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        Ok(Browser {
            client: builder.build().map_err(|_| WebError::Setup)?,
            options,
            meter: self.carrier.meter(),
        })
    }

    /// Whether pages at an address are looked at at all. Of a name this does not tell where it
    /// leads: that is found out when the page is read.
    #[must_use]
    pub fn may_visit(&self, url: &Url) -> bool {
        address::may_visit(url, self.options.web.reach)
    }
}

impl Browser {
    /// Reads the first `most` bytes of a page.
    ///
    /// Cancel-safe: dropping the future closes the connection.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn read(
        &self,
        url: &Url,
        accept: &'static str,
        most: usize,
    ) -> Result<WebPage, WebError> {
        tokio::time::timeout(self.options.timeout, self.follow(url.clone(), accept, most))
            .await
            .unwrap_or(Err(WebError::Timeout))
    }

    async fn follow(
        &self,
        mut url: Url,
        accept: &'static str,
        most: usize,
    ) -> Result<WebPage, WebError> {
        for _ in 0..=REDIRECTS {
            if !address::may_visit(&url, self.options.reach) {
                return Err(WebError::Forbidden);
            }
            url.set_fragment(None);
            self.meter.request();
            let request = self.client.get(url.clone());
            let request = request.header(ACCEPT, HeaderValue::from_static(accept));
            let reply = request.send().await.map_err(|error| why(&error))?;
            let status = reply.status();
            let next = reply.headers().get(LOCATION).filter(|_| leads_on(status));
            if let Some(next) = next {
                let next = next.to_str().map_err(|_| WebError::Forbidden)?;
                url = url.join(next).map_err(|_| WebError::Forbidden)?;
                continue;
            }
            if !status.is_success() {
                return Err(WebError::Status {
                    status: status.as_u16(),
                });
            }
            return self.body(url, reply, most).await;
        }
        Err(WebError::Redirects)
    }

    async fn body(
        &self,
        url: Url,
        mut reply: reqwest::Response,
        most: usize,
    ) -> Result<WebPage, WebError> {
        let content_type = reply.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let mut body = Vec::new();
        let mut is_whole = true;
        while let Some(chunk) = reply.chunk().await.map_err(|error| why(&error))? {
            self.meter.received(count(chunk.len()));
            let room = most.saturating_sub(body.len());
            body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                is_whole = false;
                break;
            }
        }
        Ok(WebPage {
            url,
            content_type,
            body,
            is_whole,
        })
    }
}

fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn why(error: &reqwest::Error) -> WebError {
    if is_not_public(error) {
        WebError::Forbidden
    } else if error.is_timeout() {
        WebError::Timeout
    } else {
        WebError::Unreachable
    }
}
