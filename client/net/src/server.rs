//! What is asked of a server outside the network, and how far a transfer is.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use session_onion::packet::ServerProtocol;
use session_onion::v4;
use session_types::{NodeContact, X25519PublicKey};
use tokio::sync::watch;

/// Answers of at most this size go the way of everything else; for longer ones room has to be
/// asked for.
const SHORT_ANSWER: usize = 64 * 1024;

/// A server that onion requests reach. The path's third hop sees its address, nobody else's.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTarget {
    /// How the third hop talks to it.
    pub scheme: ServerProtocol,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Requests are encrypted to this.
    pub x25519: X25519PublicKey,
}

impl fmt::Debug for ServerTarget {
    /// The host may be somebody's own machine.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTarget")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// A request to a server, as its HTTP interface sees it.
#[derive(Clone)]
pub struct ServerRequest {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Option<Vec<u8>>,
    /// The longest answer that is read.
    pub longest_answer: usize,
    /// Told how far it is.
    pub progress: Option<Progress>,
}

impl ServerRequest {
    /// `GET`, for a short answer.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            headers: BTreeMap::new(),
            body: None,
            longest_answer: SHORT_ANSWER,
            progress: None,
        }
    }

    /// `POST` of bytes, for a short answer.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Vec<u8>) -> Self {
        let kind = ("Content-Type", "application/octet-stream");
        Self {
            method: "POST",
            headers: BTreeMap::from([(kind.0.to_owned(), kind.1.to_owned())]),
            body: Some(body),
            ..Self::get(path)
        }
    }

    /// With room for a longer answer.
    #[must_use]
    pub fn expecting(mut self, longest_answer: usize) -> Self {
        self.longest_answer = longest_answer;
        self
    }

    /// With somebody who wants to know how far it is.
    #[must_use]
    pub fn watched(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Whether it or its answer is long enough to hold up other requests.
    pub(crate) fn is_long(&self) -> bool {
        let body = self.body.as_ref().map_or(0, Vec::len);
        body.max(self.longest_answer) > SHORT_ANSWER
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        v4::Request {
            endpoint: self.path.clone(),
            method: self.method.to_owned(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
        .encode()
    }
}

impl fmt::Debug for ServerRequest {
    /// Shows no path, which may name a file, and neither headers nor body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// What a server answered.
#[derive(Clone)]
pub struct ServerReply {
    /// HTTP status of the endpoint.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body, empty when there was none.
    pub body: Vec<u8>,
    /// Guard, second and third hop. For showing to the person whose request it was.
    pub hops: Box<[NodeContact; 3]>,
}

impl ServerReply {
    pub(crate) fn new(answer: v4::Response, hops: [NodeContact; 3]) -> Self {
        let headers = answer.headers.into_iter();
        Self {
            status: answer.code,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            body: answer.body,
            hops: Box::new(hops),
        }
    }
}

impl fmt::Debug for ServerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerReply")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Bytes passed on between this machine and the guard for one request. They begin anew when the
/// request is tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Handed to the connection.
    pub sent: u64,
    /// All there is to send; 0 before it begins.
    pub to_send: u64,
    /// Come back so far.
    pub received: u64,
    /// All that will come back, if the guard told.
    pub to_receive: Option<u64>,
}

/// Tells how far a request is. Clones tell about the same one.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<watch::Sender<Moved>>);

impl Progress {
    /// Nothing has moved yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes at each step.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Moved> {
        self.0.subscribe()
    }

    /// Where it stands.
    #[must_use]
    pub fn moved(&self) -> Moved {
        *self.0.borrow()
    }

    pub(crate) fn begin(&self, to_send: u64) {
        self.0.send_replace(Moved {
            to_send,
            ..Moved::default()
        });
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.0.send_modify(|moved| moved.sent += bytes);
    }

    pub(crate) fn answer_begins(&self, length: Option<u64>) {
        self.0.send_modify(|moved| moved.to_receive = length);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.0.send_modify(|moved| moved.received += bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_paths_nor_hosts_nor_bodies() {
        let request = ServerRequest::post("/file/secret", b"secret".to_vec());
        assert_eq!(
            format!("{request:?}"),
            r#"ServerRequest { method: "POST", .. }"#
        );
        let target = ServerTarget {
            scheme: ServerProtocol::Http,
            host: "secret".into(),
            port: 80,
            x25519: [1; 32].into(),
        };
        assert_eq!(format!("{target:?}"), "ServerTarget { scheme: Http, .. }");
    }

    #[test]
    fn long_are_those_with_much_to_move_in_either_direction() {
        assert!(!ServerRequest::get("/").is_long());
        assert!(ServerRequest::get("/").expecting(1 << 20).is_long());
        assert!(!ServerRequest::post("/", vec![0; 1000]).is_long());
        assert!(ServerRequest::post("/", vec![0; 100_000]).is_long());
    }
}
