//! Asking an object store, again when it does not answer.

use core::time::Duration;

use http::{StatusCode, header};
use reqwest::{Body, Client, Method, Response};
use rustls::ClientConfig;
use tokio::time::sleep;
use url::Url;

use super::answers;
use crate::storage::StorageError;

const CONNECT: Duration = Duration::from_secs(5);

/// How long nothing may come of an answer.
const SILENCE: Duration = Duration::from_secs(30);

/// How often it is asked before it is given up.
const ATTEMPTS: u32 = 4;

/// The pause before it is asked again; it doubles each time.
const PAUSE: Duration = Duration::from_millis(150);

/// The longest text of an answer: a list of 1000 keys has less than half of it.
const MAX_TEXT: usize = 1024 * 1024;

/// What asks.
#[derive(Debug)]
pub(super) struct Requests(Client);

impl Requests {
    pub(super) fn new(tls: ClientConfig) -> Result<Self, StorageError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // An address that is not the bucket's is the operator's mistake, not ours to follow.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        client.map(Self).map_err(unreachable)
    }

    /// Asks without a body.
    pub(super) async fn ask(
        &self,
        method: Method,
        sign: impl Fn() -> Url + Send + Sync,
    ) -> Result<Response, StorageError> {
        self.again(|| self.0.request(method.clone(), sign())).await
    }

    /// Asks for what begins so many bytes after the beginning.
    pub(super) async fn ask_from(
        &self,
        position: u64,
        sign: impl Fn() -> Url + Send + Sync,
    ) -> Result<Response, StorageError> {
        self.again(|| {
            let request = self.0.get(sign());
            match position {
                0 => request,
                _ => request.header(header::RANGE, format!("bytes={position}-")),
            }
        })
        .await
    }

    /// Asks with a body of so many bytes.
    pub(super) async fn send(
        &self,
        method: Method,
        sign: impl Fn() -> Url + Send + Sync,
        length: u64,
        body: impl Fn() -> Body + Send + Sync,
    ) -> Result<Response, StorageError> {
        self.again(|| {
            self.0
                .request(method.clone(), sign())
                .header(header::CONTENT_LENGTH, length)
                .body(body())
        })
        .await
    }

    async fn again(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder + Send + Sync,
    ) -> Result<Response, StorageError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match request().send().await {
                Ok(answer) if !is_passing(answer.status()) => return Ok(answer),
                Ok(answer) => {
                    tracing::debug!(
                        status = answer.status().as_u16(),
                        "the object store is busy"
                    );
                }
                Err(error) => {
                    let error = error.without_url();
                    tracing::debug!(%error, "the object store did not answer");
                }
            }
            sleep(pause.mul_f64(0.5 + rand::random::<f64>())).await;
            pause = pause.saturating_mul(2);
        }
        request().send().await.map_err(unreachable)
    }
}

/// Whether it may be otherwise in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// What is wrong, without the address, which has a signature in it.
pub(super) fn unreachable(error: reqwest::Error) -> StorageError {
    StorageError::ObjectStore(error.without_url())
}

/// The text of an answer that is as it should be.
pub(super) async fn text(answer: Response) -> Result<String, StorageError> {
    if answer.status() != StatusCode::OK {
        return Err(refused(answer).await);
    }
    read(answer).await
}

/// Why something was refused.
pub(super) async fn refused(answer: Response) -> StorageError {
    let status = answer.status();
    let code = match read(answer).await {
        Ok(text) => answers::error_code(&text),
        Err(_) => None,
    };
    if status == StatusCode::INSUFFICIENT_STORAGE {
        return StorageError::Full;
    }
    StorageError::ObjectStoreRefused {
        status: status.as_u16(),
        code: code.unwrap_or_default(),
    }
}

async fn read(mut answer: Response) -> Result<String, StorageError> {
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        if part.len() > MAX_TEXT.saturating_sub(text.len()) {
            return Err(StorageError::ObjectStoreAnswer);
        }
        text.extend_from_slice(&part);
    }
    String::from_utf8(text).map_err(|_| StorageError::ObjectStoreAnswer)
}
