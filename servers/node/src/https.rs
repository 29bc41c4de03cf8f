//! The HTTPS interface (docs/protocol/node.md section 6.1): framing only, the work is done behind
//! [`Intake`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use data_encoding::BASE64;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use session_chassis::listener::PeerAddr;
use session_quic::{Budget, Share};
use session_storage_rpc::Request as RpcRequest;
use session_types::NodeVersion;
use tokio::time::timeout;

use crate::config::NodeLimits;
use crate::core::{AnswerMemory, data_size};
use crate::intake::{Intake, Refused};
use crate::peers::{NodeCommand, ONION_PATH, auth};
use crate::relay::OnionForm;
use crate::tasks;
use crate::testing::{PING_PATH, PingedBy, SNODE_PUBKEY};

const STORAGE_PATH: &str = "/storage_rpc/v1";
const STATS_PATH: &str = "/get_stats/v1";

const LONG_POLL: HeaderName = HeaderName::from_static("x-loki-long-poll");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// What the `Server` header and the agent name of server relays say.
pub(crate) fn server_name(version: NodeVersion) -> String {
    format!("Oxen Storage Server/{version}")
}

/// Everything the handlers share.
#[derive(Debug)]
pub(crate) struct Https {
    intake: Arc<Intake>,
    max_body: usize,
    body_timeout: Duration,
    server: HeaderValue,
}

/// A body in memory, with its share of the memory for bodies.
struct HeldBody {
    bytes: Bytes,
    _share: Share,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyRefusal {
    BadLength,
    Broken,
    NoMemory,
    TimedOut,
    TooLarge,
}

/// What a handler answers, before headers are added.
struct Answer {
    status: u16,
    content_type: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    memory: Option<AnswerMemory>,
}

impl Answer {
    fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: TEXT,
            headers: HeaderMap::new(),
            body: body.into(),
            memory: None,
        }
    }

    fn reply(reply: &session_storage_rpc::Reply) -> Self {
        let content_type = match reply.content_type() {
            "application/json" => JSON,
            "application/octet-stream" => BYTES,
            _ => TEXT,
        };
        let body = reply.to_http_body().into();
        Self {
            status: reply.status,
            content_type,
            headers: HeaderMap::new(),
            body,
            memory: None,
        }
    }

    /// Binds the share of memory to the answer that needs it.
    fn with_memory(mut self, mut memory: AnswerMemory) -> Self {
        memory.fit(self.body.len());
        self.memory = Some(memory);
        self
    }

    fn refused(refused: Refused) -> Self {
        match refused {
            Refused::Busy => Self::text(503, "Server busy, try again later"),
            Refused::Failed => Self::bare(StatusCode::INTERNAL_SERVER_ERROR),
            Refused::NotIpv4 => Self::bare(StatusCode::BAD_REQUEST),
            Refused::NotReady(reason) => {
                Self::text(503, format!("Service node is not ready: {reason}\n"))
            }
            Refused::RateLimited => Self::bare(StatusCode::TOO_MANY_REQUESTS),
        }
    }

    /// A status without a text of its own: the reason phrase.
    fn bare(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Unknown");
        Self::text(status.as_u16(), format!("{reason}\n"))
    }
}

impl Https {
    pub(crate) fn new(intake: Arc<Intake>, limits: &NodeLimits, body_timeout: Duration) -> Self {
        let server = HeaderValue::try_from(server_name(intake.core.version))
            .unwrap_or(HeaderValue::from_static("Oxen Storage Server"));
        Self {
            intake,
            max_body: limits.max_body_bytes,
            body_timeout,
            server,
        }
    }

    /// The router that serves it all.
    pub(crate) fn router(self) -> Router {
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    async fn route(&self, request: Request) -> Answer {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, PING_PATH) => self.ping(),
            (&Method::GET, STATS_PATH) => self.stats(),
            (&Method::POST, STORAGE_PATH) => self.storage(request).await,
            (&Method::POST, ONION_PATH) => self.onion(request).await,
            (method, path) => {
                if let Some(command) = NodeCommand::from_path(path)
                    && method == Method::POST
                {
                    return self.node(command, request).await;
                }
                let method = method.as_str().to_ascii_lowercase();
                Answer::text(404, format!("{method} {path} Not Found"))
            }
        }
    }

    fn ping(&self) -> Answer {
        let core = &self.intake.core;
        core.counters.pinged.one();
        core.pings.note(PingedBy::Https);
        let key = BASE64.encode(core.identity.legacy().as_bytes());
        let mut answer = Answer::text(200, "");
        if let Ok(key) = HeaderValue::try_from(key) {
            answer.headers.insert(SNODE_PUBKEY, key);
        }
        answer
    }

    fn stats(&self) -> Answer {
        let body = format!(r#"{{"version":"{}"}}"#, self.intake.core.version);
        Answer {
            content_type: JSON,
            ..Answer::text(200, body)
        }
    }

    /// A direct client request.
    async fn storage(&self, request: Request) -> Answer {
        let peer = peer(&request);
        if let Err(refused) = self.intake.admit(peer) {
            return Answer::refused(refused);
        }
        if request
            .headers()
            .get(LONG_POLL)
            .is_some_and(|value| !value.is_empty())
        {
            return Answer::text(
                410,
                "long polling is no longer supported, client upgrade required",
            );
        }
        let body = match self.read_body(request).await {
            Ok(body) => body,
            Err(refusal) => return self.refuse(refusal),
        };
        // Only now it takes a place: a body that arrives slowly must not take one from anybody.
        let body_length = body.bytes.len();
        let parsing = move || RpcRequest::from_json_body(&body.bytes);
        match self.intake.client(peer, body_length, parsing).await {
            Ok((reply, memory)) => {
                let size = data_size(&reply.body);
                let answer = tasks::compute(size, move || Answer::reply(&reply)).await;
                answer
                    .unwrap_or_else(|| Answer::bare(StatusCode::INTERNAL_SERVER_ERROR))
                    .with_memory(memory)
            }
            Err(refused) => Answer::refused(refused),
        }
    }

    /// An onion request, from a client or another node.
    async fn onion(&self, request: Request) -> Answer {
        let peer = peer(&request);
        let HeldBody { bytes, _share } = match self.read_body(request).await {
            Ok(body) => body,
            Err(refusal) => return self.refuse(refusal),
        };
        let answer = match self.intake.onion(peer, OnionForm::Blob, bytes).await {
            Ok(answer) => answer,
            Err(refused) => return Answer::refused(refused),
        };
        let content_type = answer
            .headers
            .get(header::CONTENT_TYPE)
            .cloned()
            .unwrap_or(TEXT);
        Answer {
            status: answer.status,
            content_type,
            headers: answer.headers,
            body: answer.body,
            memory: answer.memory,
        }
    }

    /// A request of another node.
    async fn node(&self, command: NodeCommand, request: Request) -> Answer {
        let headers = request.headers().clone();
        let body = match self.read_body(request).await {
            Ok(body) => body,
            Err(refusal) => return self.refuse(refusal),
        };
        let core = &self.intake.core;
        let nodes = core.registry.snapshot();
        let own = core.identity.ed25519();
        let time = (core.clock.now(), command.time_tolerance());
        let path = command.path();
        let caller = match auth::verify_request(&headers, own, path, &body.bytes, &nodes, time) {
            Ok(caller) => caller,
            Err(error) => return Answer::text(401, error.to_string()),
        };
        drop(nodes);
        let reply = self.intake.node(command, &caller.key, &body.bytes).await;
        let mut answer = Answer::reply(&reply);
        let signature = auth::sign_reply(&core.identity, &caller, answer.status, &answer.body);
        if let Some((name, value)) = signature {
            answer.headers.insert(name, value);
        }
        answer
    }

    fn refuse(&self, refusal: BodyRefusal) -> Answer {
        let mut answer = match refusal {
            BodyRefusal::BadLength => Answer::text(400, "invalid Content-Length"),
            BodyRefusal::Broken => Answer::bare(StatusCode::BAD_REQUEST),
            BodyRefusal::NoMemory => Answer::refused(self.intake.busy()),
            BodyRefusal::TimedOut => Answer::bare(StatusCode::REQUEST_TIMEOUT),
            BodyRefusal::TooLarge => Answer::text(413, "Request body too large"),
        };
        // The rest of the request has not been read, so the connection cannot go on.
        answer
            .headers
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    /// Reads a body within the size limit and the memory all bodies share. The share grows with
    /// what really arrives.
    async fn read_body(&self, request: Request) -> Result<HeldBody, BodyRefusal> {
        let announced = match request.headers().get(header::CONTENT_LENGTH) {
            None => 0,
            Some(length) => length
                .to_str()
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or(BodyRefusal::BadLength)?,
        };
        if usize::try_from(announced).map_or(true, |announced| announced > self.max_body) {
            return Err(BodyRefusal::TooLarge);
        }
        let budget = self.intake.body_budget(peer(&request));
        let collect = self.collect(request.into_body(), budget);
        timeout(self.body_timeout, collect)
            .await
            .unwrap_or(Err(BodyRefusal::TimedOut))
    }

    async fn collect(&self, body: Body, budget: Budget) -> Result<HeldBody, BodyRefusal> {
        let mut stream = body.into_data_stream();
        let mut whole = BytesMut::new();
        let mut share = Share::default();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| BodyRefusal::Broken)?;
            if chunk.len() > self.max_body.saturating_sub(whole.len()) {
                return Err(BodyRefusal::TooLarge);
            }
            if !budget.cover(&mut share, whole.len() + chunk.len()) {
                return Err(BodyRefusal::NoMemory);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(HeldBody {
            bytes: whole.freeze(),
            _share: share,
        })
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    let address = request.extensions().get::<PeerAddr>();
    address.map(|PeerAddr(address)| address.ip())
}

async fn serve(State(https): State<Arc<Https>>, request: Request) -> Response {
    let answer = https.route(request).await;
    let length = answer.body.len();
    let body = match answer.memory {
        Some(memory) => memory.guard(answer.body),
        None => Body::from(answer.body),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.extend(answer.headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, answer.content_type);
    headers.insert(header::SERVER, https.server.clone());
    response
}
