//! Asking a server that runs already for one more link.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use session_api::Secret;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::server::WebError;

/// A server of this computer answers at once, or is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const MOST: usize = 1024;

/// What whoever asks must know.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) secret: Secret,
}

/// One more link.
#[derive(Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) url: Secret,
}

/// A link of the server at an address, for whoever knows its secret: see
/// [`WebServer::secret`](crate::WebServer::secret).
///
/// # Errors
/// [`WebError::NotThere`] when nothing, or something else, answers.
pub async fn launch_again(
    address: SocketAddr,
    secret: &str,
) -> Result<Zeroizing<String>, WebError> {
    let url = timeout(PATIENCE, ask(address, secret)).await;
    let url = url.ok().flatten().ok_or(WebError::NotThere)?;
    let page = format!("http://{address}/#");
    if url.starts_with(&page) {
        Ok(url)
    } else {
        Err(WebError::NotThere)
    }
}

async fn ask(address: SocketAddr, secret: &str) -> Option<Zeroizing<String>> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let asked = Asked {
        secret: Zeroizing::new(secret.to_owned()).into(),
    };
    let request = Request::post("/launch")
        .header(HOST, address.to_string())
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(serde_json::to_vec(&asked).ok()?))
        .ok()?;
    let answered = async {
        let response = sender.send_request(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = to_bytes(Body::new(response.into_body()), MOST).await.ok()?;
        serde_json::from_slice::<Given>(&body).ok()
    };
    // The connection does its work while the answer is waited for.
    let mut connection = core::pin::pin!(connection);
    let mut answered = core::pin::pin!(answered);
    let given = tokio::select! {
        given = answered.as_mut() => given,
        _ = connection.as_mut() => answered.await,
    };
    given.map(|given| Zeroizing::new(given.url.expose().to_owned()))
}
