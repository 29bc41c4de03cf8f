//! Stands in front of every node and writes down what passes: the bytes on the wire, and what
//! the node sees of them once TLS is taken off.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use session_chassis::body::{self, BodyLimits};
use session_chassis::listener::{self, PeerAddr};
use session_chassis::tls::ServerIdentity;
use session_crypto::{Ed25519Secret, X25519Secret};
use session_node::{NodeConfig, NodeIdentity, PublicAddress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// One request and its answer, as a node sees them.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) node: usize,
    /// Names the connection, together with the node.
    pub(super) connection: u16,
    pub(super) path: String,
    /// Method, path and headers.
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Headers and body.
    pub(super) answer_head: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

/// Everything that passed.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) exchanges: Mutex<Vec<Exchange>>,
    /// Bytes on the wire, both directions, by node and connection.
    pub(super) wire: Mutex<BTreeMap<(usize, u16), Vec<u8>>>,
    pub(super) stop: CancellationToken,
}

/// Keys the test knows, so that it can look into layers as the node does.
pub(super) fn node_seed(index: usize) -> [u8; 32] {
    [u8::try_from(index).unwrap() + 100; 32]
}

pub(super) fn onion_key(index: usize) -> X25519Secret {
    Ed25519Secret::from_seed(node_seed(index)).to_x25519()
}

/// One node's HTTPS end of the recorder.
#[derive(Clone)]
struct Door {
    recorder: Arc<Recorder>,
    node: usize,
    /// The node's own listener.
    inside: SocketAddr,
    http: reqwest::Client,
}

impl Recorder {
    /// Moves the recorder in front of a node that is about to start: the node keeps its socket,
    /// everybody else is told the recorder's.
    pub(super) fn stand_before(self: &Arc<Self>, node: usize, config: &mut NodeConfig) {
        let inside = config.listener.local_addr().unwrap();
        let https = listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let https_address = https.local_addr().unwrap();
        let door = Door {
            recorder: Arc::clone(self),
            node,
            inside,
            http: crate::client::http(),
        };
        let router = Router::new().fallback(pass).with_state(door);
        let tls = ServerIdentity::ephemeral().unwrap().server_config();
        let mut limits = listener::ListenerLimits::default();
        limits.max_connections_per_ip = limits.max_connections;
        let stop = self.stop.clone();
        tokio::spawn(listener::serve(https, Some(tls), router, limits, stop));

        // Every node in a network of its own, as on the real one.
        let ip = Ipv4Addr::new(127, u8::try_from(node).unwrap() + 1, 0, 1);
        let outside = listener::bind(SocketAddr::from((ip, 0))).unwrap();
        let port = outside.local_addr().unwrap().port();
        let outside = TcpListener::from_std(outside).unwrap();
        let recorder = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((client, _)) = outside.accept().await {
                tokio::spawn(Arc::clone(&recorder).tee(node, client, https_address));
            }
        });
        config.identity = NodeIdentity::from_seed(node_seed(node));
        config.address = PublicAddress {
            ip,
            https_port: port,
            omq_port: port,
        };
    }

    async fn tee(self: Arc<Self>, node: usize, client: TcpStream, to: SocketAddr) {
        let server = TcpStream::connect(to).await.unwrap();
        let name = (node, server.local_addr().unwrap().port());
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let up = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                self.note(name, &buffer[..read]);
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
            let _ = to_server.shutdown().await;
        };
        let down = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                self.note(name, &buffer[..read]);
                if to_client.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
            let _ = to_client.shutdown().await;
        };
        tokio::join!(up, down);
    }

    fn note(&self, connection: (usize, u16), bytes: &[u8]) {
        let mut wire = self.wire.lock().unwrap();
        wire.entry(connection).or_default().extend_from_slice(bytes);
    }
}

/// Hands a request on to the node and the answer back.
async fn pass(State(door): State<Door>, request: Request) -> Response {
    let (parts, sent) = request.into_parts();
    let PeerAddr(peer) = parts.extensions.get::<PeerAddr>().copied().unwrap();
    let path = parts.uri.path().to_owned();
    let body = body::read(sent, BodyLimits::default()).await.unwrap();
    let mut headers = parts.headers.clone();
    for name in ["host", "content-length", "connection"] {
        headers.remove(name);
    }
    let forwarded = door
        .http
        .request(
            parts.method.clone(),
            format!("https://{}{path}", door.inside),
        )
        .headers(headers)
        .body(body.clone())
        .send()
        .await;
    let Ok(answer) = forwarded else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let mut answer_headers = answer.headers().clone();
    let bytes = answer.bytes().await.unwrap();
    let head = format!("{} {} {}", parts.method, parts.uri, as_text(&parts.headers));
    door.recorder.exchanges.lock().unwrap().push(Exchange {
        node: door.node,
        connection: peer.port(),
        path,
        head: head.into_bytes(),
        body: body.to_vec(),
        answer_head: as_text(&answer_headers).into_bytes(),
        answer: bytes.to_vec(),
    });
    for name in ["content-length", "connection", "transfer-encoding"] {
        answer_headers.remove(HeaderName::from_static(name));
    }
    (status, answer_headers, Body::from(bytes)).into_response()
}

fn as_text(headers: &HeaderMap) -> String {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    lines.collect()
}
