//! How an onion request gets to the guard: over QUIC where that works, over HTTPS otherwise.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use session_types::{NodeContact, limits};
use url::Url;

use crate::http::{Http, HttpError, HttpReply};
use crate::options::{NetworkOptions, Transport};
use crate::quic::{Asked, Links};
use crate::server::Progress;
use crate::traffic::{Meter, Traffic};

/// An answer is base64 of an encrypted JSON that may hold base64 itself.
const LONGEST_ANSWER: usize = 2 * limits::MAX_REQUEST_BODY;
/// Where nodes take onion requests.
const ONION_PATH: &str = "onion_req/v2";
/// The least time left to HTTPS when QUIC has taken its time.
const LEAST: Duration = Duration::from_secs(3);

/// What carried a request to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// HTTPS.
    Https,
    /// QUIC.
    Quic,
}

/// How a request to a server is to be carried.
#[derive(Debug, Clone)]
pub(crate) struct Carriage {
    /// It or its answer is long.
    pub(crate) is_long: bool,
    /// The longest answer that is read.
    pub(crate) longest_answer: usize,
    /// How long an answer may take; of a long one, how long it may stand still.
    pub(crate) patience: Duration,
    /// Told how far it is.
    pub(crate) progress: Progress,
}

/// What a guard said.
#[derive(Debug)]
pub(crate) struct GuardReply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) over: Wire,
}

/// Passes requests to guards.
///
/// A message of a QUIC stream has at most 10,000,000 bytes. Requests that do not fit go over
/// HTTPS; whether an answer fits is known to nobody beforehand, so a request whose answer was too
/// long is sent again over HTTPS, like one that got no answer over QUIC. Asking twice does no
/// harm: a message stored again is the same message.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub(crate) http: Http,
    links: Option<Links>,
    meter: Arc<Meter>,
}

impl Carrier {
    /// Prepares the transports; opens nothing yet.
    ///
    /// # Errors
    /// [`HttpError::Setup`].
    pub(crate) fn new(options: &NetworkOptions) -> Result<Self, HttpError> {
        let meter = Arc::new(Meter::new());
        // A proxy carries no datagrams.
        let quic = options.transport == Transport::Auto && options.proxy.is_none();
        Ok(Self {
            http: Http::new(options.proxy.clone(), Arc::clone(&meter))?,
            links: quic.then(|| {
                Links::new(
                    options.quic_connect_timeout,
                    options.quic_retry_after,
                    Arc::clone(&meter),
                )
            }),
            meter,
        })
    }

    /// Passes an onion request to the guard and waits for what comes back.
    ///
    /// Cancel-safe: the request may or may not have reached the guard.
    ///
    /// # Errors
    /// Any [`HttpError`], for QUIC's failures end in HTTPS.
    pub(crate) async fn ask(
        &self,
        guard: &NodeContact,
        request: Bytes,
        patience: Duration,
    ) -> Result<GuardReply, HttpError> {
        let begun = Instant::now();
        if let Some(links) = &self.links {
            match links.ask(guard, &request, patience).await {
                Asked::Answered(status, body) => {
                    let over = Wire::Quic;
                    return Ok(GuardReply { status, body, over });
                }
                Asked::TimedOut => return Err(HttpError::Timeout),
                Asked::Elsewhere => {}
            }
        }
        let patience = patience
            .saturating_sub(begun.elapsed())
            .max(LEAST.min(patience));
        let reply = self.post(guard, ONION_PATH, request, patience).await;
        if let Some(links) = &self.links {
            links.asked_elsewhere(guard, reply.is_ok()).await;
        }
        let HttpReply { status, body, .. } = reply?;
        Ok(GuardReply {
            status,
            body,
            over: Wire::Https,
        })
    }

    /// As [`Self::ask`], for something that may be long.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn ask_for(
        &self,
        guard: &NodeContact,
        request: Bytes,
        carriage: &Carriage,
    ) -> Result<GuardReply, HttpError> {
        if !carriage.is_long {
            return self.ask(guard, request, carriage.patience).await;
        }
        let url = node_url(guard, ONION_PATH)?;
        let HttpReply { status, body, .. } = self.http.post_long(&url, request, carriage).await?;
        Ok(GuardReply {
            status,
            body,
            over: Wire::Https,
        })
    }

    /// Posts to a path of a node over HTTPS.
    ///
    /// # Errors
    /// Any [`HttpError`].
    pub(crate) async fn post(
        &self,
        node: &NodeContact,
        path: &str,
        body: Bytes,
        patience: Duration,
    ) -> Result<HttpReply, HttpError> {
        let url = node_url(node, path)?;
        self.http.post(&url, body, LONGEST_ANSWER, patience).await
    }

    /// Connections over QUIC, when it may be used at all.
    pub(crate) const fn quic(&self) -> Option<&Links> {
        self.links.as_ref()
    }

    /// Where everything is counted.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let open = self.links.as_ref().map(Links::open_bytes);
        self.meter.read(open.unwrap_or_default())
    }
}

fn node_url(node: &NodeContact, path: &str) -> Result<Url, HttpError> {
    Url::parse(&format!("{}/{path}", node.https_base())).map_err(|_| HttpError::Setup)
}
