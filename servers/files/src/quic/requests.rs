//! Requests about files on the first stream (docs/protocol/file-server.md section 5.4).
//!
//! | method | bt in, out | JSON in, out |
//! |---|---|---|
//! | `file_info` | `#`; `#`, `s`, `u`, `x` | `id`; `id`, `size`, `uploaded`, `expires` |
//! | `file_extend` | `#`, `t`?; `#`, `u`, `x` | `id`, `ttl`?; `id`, `uploaded`, `expires` |
//!
//! A request is bt when it begins with `d`; the answer has the form of the request.

use quinn::{RecvStream, SendStream};
use serde::Deserialize;
use serde_json::{Value, json};
use session_encoding::bt;
use session_file_transfer::{Info, Kept};
use session_storage_rpc::stream::{StreamDecoder, StreamMessage};
use tokio::time::timeout;

use super::{Client, times};
use crate::http::Failure;
use crate::storage::Record;
use crate::{FileId, FilesError};

/// Bytes taken from the connection at once.
const PIECE: usize = 16 * 1024;

/// Largest request.
const MAX_REQUEST: usize = 16 * 1024;

/// The client broke the rules of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Answers one request after another until the client has finished.
pub(super) async fn serve(
    client: Client,
    mut send: SendStream,
    mut recv: RecvStream,
) -> Result<(), Broken> {
    let mut decoder = StreamDecoder::new();
    loop {
        while let Some(message) = decoder.next_message().map_err(|_| Broken)? {
            let StreamMessage::Command { id, endpoint, body } = message else {
                // Nothing was asked.
                continue;
            };
            client.active.notify_one();
            let answer = match client.answer(&endpoint, &body).await {
                Ok(body) => StreamMessage::Reply { id, body },
                Err(body) => StreamMessage::Error { id, body },
            };
            let Some(answer) = answer.encode() else {
                return Ok(());
            };
            let patience = client.http.limits.body_pause;
            let written = timeout(patience, send.write_all(&answer)).await;
            if !matches!(written, Ok(Ok(()))) {
                return Ok(());
            }
        }
        if decoder.pending() > MAX_REQUEST {
            return Err(Broken);
        }
        match recv.read_chunk(PIECE, true).await {
            Ok(Some(chunk)) => decoder.push(&chunk.bytes),
            Ok(None) => {
                let _ = send.finish();
                return Ok(());
            }
            Err(_) => return Ok(()),
        }
    }
}

/// Which file, and for how long.
#[derive(Debug, Deserialize)]
struct Asked {
    id: String,
    ttl: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Method {
    Extend,
    Info,
}

/// The form of a request.
#[derive(Debug, Clone, Copy)]
enum Form {
    Bt,
    Json,
}

impl Client {
    /// The body of the answer, or of the error.
    async fn answer(&self, endpoint: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let form = match body.first() {
            Some(b'd') => Form::Bt,
            _ => Form::Json,
        };
        let method = match endpoint {
            "file_extend" => Method::Extend,
            "file_info" => Method::Info,
            _ => return Err(b"Invalid endpoint".to_vec()),
        };
        let error = |error: &str| match form {
            Form::Bt => error.as_bytes().to_vec(),
            Form::Json => json!({ "error": error }).to_string().into_bytes(),
        };
        let asked = match form {
            Form::Bt => asked_bt(body),
            Form::Json => serde_json::from_slice(body).ok(),
        };
        let asked = asked.ok_or_else(|| error("BAD_REQUEST"))?;
        let record = self.record(method, &asked).await;
        let record = record.map_err(|failure| error(failure.name()))?;
        Ok(match form {
            Form::Bt => bt_of(method, &record),
            Form::Json => json_of(method, &record).to_string().into_bytes(),
        })
    }

    async fn record(&self, method: Method, asked: &Asked) -> Result<Record, Failure> {
        let http = &self.http;
        http.admit_request(Some(self.address))?;
        let id: FileId = asked.id.parse().map_err(|_| FilesError::NotFound)?;
        Ok(match method {
            Method::Info => http.files.info(id, http.now()).await?,
            Method::Extend => {
                let ttl = http.files.clamped_ttl(asked.ttl);
                let record = http.files.extend(id, ttl, http.now()).await?;
                http.counters.extensions.one();
                record
            }
        })
    }
}

fn asked_bt(body: &[u8]) -> Option<Asked> {
    let dict = bt::parse_lenient(body).ok()?;
    let ttl = match dict.get("t") {
        None => None,
        Some(ttl) => Some(ttl.as_u64()?),
    };
    let id = dict.get("#")?.as_str()?.to_owned();
    Some(Asked { id, ttl })
}

fn bt_of(method: Method, record: &Record) -> Vec<u8> {
    let (id, times) = (record.id.to_string(), times(record));
    match method {
        Method::Extend => Kept {
            id,
            times: Some(times),
        }
        .encode(),
        Method::Info => Info {
            id,
            size: record.size,
            times,
        }
        .encode(),
    }
}

fn json_of(method: Method, record: &Record) -> Value {
    let id = record.id.to_string();
    let (uploaded, expires) = (record.uploaded.as_secs(), record.expires.as_secs());
    match method {
        Method::Extend => json!({ "id": id, "uploaded": uploaded, "expires": expires }),
        Method::Info => {
            json!({ "id": id, "size": record.size, "uploaded": uploaded, "expires": expires })
        }
    }
}

impl Failure {
    /// What it is called where there are no numbers.
    fn name(self) -> &'static str {
        match self.0.as_u16() {
            400 => "BAD_REQUEST",
            404 => "NOT_FOUND",
            429 => "TOO_MANY_REQUESTS",
            503 => "UNAVAILABLE",
            _ => "INTERNAL_ERROR",
        }
    }
}
