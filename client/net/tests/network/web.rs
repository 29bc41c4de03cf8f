//! Pages of the web, and servers that mean no good.

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use session_chassis::tls::ServerIdentity;
use session_net::{Network, NetworkOptions, WebError, WebOptions, WebPage, WebReach};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use crate::proxy_server::{Kind, ProxyServer};
use crate::support::{Client, within};

/// A server that answers every request with what its path stands for.
struct WebServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl WebServer {
    async fn start(answer: fn(&str) -> Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                open.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    if path == "/hangs" {
                        // Until the other side goes.
                        let _ = stream.read_u8().await;
                        return;
                    }
                    if path == "/head" {
                        let answer = page("text/plain", head.as_bytes());
                        let _ = stream.write_all(&answer).await;
                        return;
                    }
                    let _ = stream.write_all(&answer(&path)).await;
                    if path == "/endless" {
                        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                    }
                });
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn page(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn leads_to(place: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .into_bytes()
}

fn answer(path: &str) -> Vec<u8> {
    match path {
        "/" => page("Text/HTML; charset=UTF-8", b"<title>hello</title>"),
        "/moved" => leads_to("a/../?#part"),
        "/away" => leads_to("file:///etc/passwd"),
        "/within" => leads_to("http://user:secret@127.0.0.1/"),
        "/again" => leads_to("/again"),
        "/gone" => b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "/nonsense" => b"nonsense\r\n\r\n".to_vec(),
        "/cut" => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec(),
        "/endless" => b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n".to_vec(),
        _ => page("text/html", b"another page"),
    }
}

fn anywhere(options: &mut NetworkOptions) {
    options.web = WebOptions {
        reach: WebReach::Anywhere,
        timeout: Duration::from_millis(800),
    };
}

const NOWHERE: &str = "http://127.0.0.1:9/";

async fn read(network: &Network, url: &Url) -> Result<WebPage, WebError> {
    let browser = network.browser().unwrap();
    within(browser.read(url, "text/html", 1000)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_as_far_as_wanted_and_followed_where_they_lead() {
    let server = WebServer::start(answer).await;
    let client = Client::new_tuned(NOWHERE, anywhere);
    let before = client.network.traffic();
    let read_path = async |path: &str| read(&client.network, &server.url(path)).await;
    let found = read_path("/").await.unwrap();
    assert_eq!(found.body, b"<title>hello</title>");
    assert_eq!(found.content_type, "text/html; charset=utf-8");
    assert!(found.is_whole);
    let found = read_path("/moved").await.unwrap();
    assert_eq!(found.url, server.url("/?"));
    let found = read_path("/endless").await.unwrap();
    assert_eq!((found.body.len(), found.is_whole), (1000, false));
    // No name of this program, no language, no cookie, and nothing of where it was read about.
    let head = read_path("/head#part").await.unwrap();
    let head = String::from_utf8(head.body).unwrap();
    let mut lines: Vec<_> = head.trim_end().lines().collect();
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    assert_eq!(
        lines,
        [
            "GET /head HTTP/1.1",
            "accept: text/html",
            &host,
            "user-agent: WhatsApp"
        ]
    );
    let after = client.network.traffic();
    assert_eq!(after.requests - before.requests, 5);
    assert!(after.bytes_in > before.bytes_in + 1000);

    for (path, error) in [
        ("/away", WebError::Forbidden),
        ("/within", WebError::Forbidden),
        ("/again", WebError::Redirects),
        ("/gone", WebError::Status { status: 410 }),
        ("/nonsense", WebError::Unreachable),
        ("/cut", WebError::Unreachable),
        ("/hangs", WebError::Timeout),
    ] {
        assert_eq!(read_path(path).await.unwrap_err(), error, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_the_own_network_are_not_asked() {
    let server = WebServer::start(answer).await;
    let client = Client::new(NOWHERE);
    let port = server.address.port();
    for host in ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1"] {
        for scheme in ["http", "https"] {
            let url: Url = format!("{scheme}://{host}:{port}/").parse().unwrap();
            assert!(!client.network.may_visit(&url), "{url}");
            let refused = read(&client.network, &url).await.unwrap_err();
            assert_eq!(refused, WebError::Forbidden, "{url}");
        }
    }
    assert_eq!(server.connections(), 0);
    assert!(
        client
            .network
            .may_visit(&"https://1.1.1.1/".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let identity = ServerIdentity::ephemeral().unwrap();
    let socket = session_chassis::listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let stop = tokio_util::sync::CancellationToken::new();
    let router = axum::Router::new().route("/", axum::routing::get(async || "answer"));
    let serving = tokio::spawn(session_chassis::listener::serve(
        socket,
        Some(identity.server_config()),
        router,
        session_chassis::listener::ListenerLimits::default(),
        stop.clone(),
    ));
    let client = Client::new_tuned(NOWHERE, anywhere);
    let url = format!("https://127.0.0.1:{port}/").parse().unwrap();
    let refused = read(&client.network, &url).await.unwrap_err();
    assert_eq!(refused, WebError::Unreachable);
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_pages_go_through_it_and_it_looks_names_up() {
    let server = WebServer::start(answer).await;
    let names = [("page.of.the.proxy.invalid:80", server.address)];
    let proxy = ProxyServer::start(Kind::Socks5, None, &names).await;
    let address = format!("socks5://{}", proxy.address());
    let client = Client::new_tuned(NOWHERE, |options| {
        anywhere(options);
        options.proxy = Some(address.parse().unwrap());
    });
    let url = "http://page.of.the.proxy.invalid/".parse().unwrap();
    let found = read(&client.network, &url).await.unwrap();
    assert_eq!(found.body, b"<title>hello</title>");
    assert_eq!(proxy.targets(), ["page.of.the.proxy.invalid:80"]);
    // Without it nothing goes.
    drop(proxy);
    let refused = read(&client.network, &url).await.unwrap_err();
    assert_eq!(refused, WebError::Unreachable);
    assert_eq!(server.connections(), 1);
}
