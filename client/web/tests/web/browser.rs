//! A server on a free port, and what a browser does with it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use session_api::{Session, SessionOptions};
use session_web::{WebOptions, WebServer};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// How long any step may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A network nobody is at.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) struct Here {
    pub(crate) server: WebServer,
    pub(crate) session: Session,
    _home: TempDir,
}

impl Here {
    pub(crate) async fn new() -> Self {
        Self::with(WebOptions::default()).await
    }

    pub(crate) async fn with(options: WebOptions) -> Self {
        let home = tempfile::tempdir().unwrap();
        let files = format!("{NOWHERE}#{}", format_args!("58{}", "66".repeat(31)));
        let session = Session::new(SessionOptions {
            file_server: Some(files.parse().unwrap()),
            ..SessionOptions::new(home.path())
        });
        let server = WebServer::start(session.clone(), options).await.unwrap();
        Self {
            server,
            session,
            _home: home,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// A fresh launch code.
    pub(crate) fn code(&self) -> String {
        let launch = self.server.launch(WebServer::AT_ONCE).unwrap();
        let (page, code) = launch.url().split_once('#').unwrap();
        assert_eq!(page, format!("http://{}/", self.address()));
        code.to_owned()
    }

    /// A fresh session key.
    pub(crate) async fn key(&self) -> String {
        let (status, answer) = self.exchange(&self.code()).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["key"].as_str().unwrap().to_owned()
    }

    /// Exchanges a code as the page does it.
    pub(crate) async fn exchange(&self, code: &str) -> (StatusCode, Value) {
        let said = Asking::post(self, "/session", &json!({ "code": code }))
            .header("origin", &self.origin())
            .send()
            .await;
        (said.status, said.json())
    }

    /// An open socket whose key was taken.
    pub(crate) async fn socket(&self) -> Socket {
        let key = self.key().await;
        let mut socket = Socket::connect(self, &self.origin()).await.unwrap();
        socket.say(&json!({ "key": key })).await;
        assert_eq!(socket.next().await, Heard::Text(json!({ "ok": true })));
        socket
    }
}

/// A request as it is written.
pub(crate) struct Asking {
    to: SocketAddr,
    request: Request<Body>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asking {
    pub(crate) fn new(here: &Here, method: Method, path: &str, body: Body) -> Self {
        let to = here.address();
        let request = Request::builder().method(method).uri(path).body(body);
        let asking = Self {
            to,
            request: request.unwrap(),
        };
        asking.header("host", &to.to_string())
    }

    pub(crate) fn get(here: &Here, path: &str) -> Self {
        Self::new(here, Method::GET, path, Body::empty())
    }

    pub(crate) fn post(here: &Here, path: &str, body: &Value) -> Self {
        Self::new(here, Method::POST, path, Body::from(body.to_string()))
            .header("content-type", "application/json")
    }

    /// Sets a header; empty: takes it away.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let headers = self.request.headers_mut();
        if value.is_empty() {
            headers.remove(name);
        } else {
            headers.insert(name, value.parse().unwrap());
        }
        self
    }

    pub(crate) async fn send(self) -> Said {
        let stream = TcpStream::connect(self.to).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response: Response<_> = timeout(PATIENCE, sender.send_request(self.request))
            .await
            .unwrap()
            .unwrap();
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
        connection.abort();
        Said {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        }
    }
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// A WebSocket of a page.
pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

/// What comes out of one.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Text(Value),
    Closed(u16),
    Gone,
}

impl Socket {
    pub(crate) async fn connect(here: &Here, origin: &str) -> Result<Self, StatusCode> {
        Self::connect_as(here, origin, &here.address().to_string()).await
    }

    /// The status when there is no socket.
    pub(crate) async fn connect_as(
        here: &Here,
        origin: &str,
        host: &str,
    ) -> Result<Self, StatusCode> {
        let stream = TcpStream::connect(here.address()).await.unwrap();
        Self::over(stream, here, origin, host).await
    }

    pub(crate) async fn over(
        stream: TcpStream,
        here: &Here,
        origin: &str,
        host: &str,
    ) -> Result<Self, StatusCode> {
        let url = format!("ws://{}/api", here.address());
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("host", host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert("origin", origin.parse().unwrap());
        }
        let shaken = tokio_tungstenite::client_async(request, stream);
        match timeout(PATIENCE, shaken).await.unwrap() {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn say(&mut self, what: &Value) {
        self.put(Message::text(what.to_string())).await;
    }

    pub(crate) async fn put(&mut self, message: Message) {
        timeout(PATIENCE, self.0.send(message))
            .await
            .unwrap()
            .unwrap();
    }

    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Text(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                None | Some(Err(_) | Ok(Message::Close(None))) => return Heard::Gone,
                Some(Ok(other)) => panic!("{other:?}"),
            }
        }
    }

    /// Calls a method and waits for its answer; notifications are passed over.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let call = json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
        self.say(&call).await;
        loop {
            match self.next().await {
                Heard::Text(answer) if answer["id"] == method => return answer,
                Heard::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
