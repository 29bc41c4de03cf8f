//! What stands in the answers of a node's endpoints on a QUIC stream.
//!
//! | Case | Message | Body |
//! |---|---|---|
//! | success, JSON request | `R` | `[200,{…}]` |
//! | success, bt request | `R` | list of 200 and the dict |
//! | success, bytes | `R` | the bytes |
//! | failure | `E` | `<code> <reason>`, two line feeds, then the text, or the list of code and answer |
//!
//! The answer has the form of the request: bt when that begins with `d`, else JSON.

use session_encoding::bt::ListWriter;

use crate::{Reply, Tree};

/// The form of a request, and so of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// bt-encoding, raw bytes in it.
    Bt,
    /// JSON, bytes in it as base64 or hex.
    Json,
}

impl BodyForm {
    /// The form of these parameters; none at all count as JSON.
    #[must_use]
    pub fn of(parameters: &[u8]) -> Self {
        if parameters.first() == Some(&b'd') {
            Self::Bt
        } else {
            Self::Json
        }
    }
}

/// The body for an endpoint's reply, and whether it goes into an `R` message; otherwise into `E`.
#[must_use]
pub fn encode(reply: &Reply, form: BodyForm) -> (bool, Vec<u8>) {
    let good = reply.status == 200;
    let body = match (&reply.body, form) {
        (Tree::Blob(bytes), _) => bytes.clone(),
        (Tree::Text(text), _) => text.clone().into_bytes(),
        (tree, BodyForm::Json) => {
            format!("[{},{}]", reply.status, tree.to_json_text()).into_bytes()
        }
        (tree, BodyForm::Bt) => {
            let mut list = ListWriter::new();
            list.int(reply.status.into()).value(&tree.to_bt());
            list.finish()
        }
    };
    if good {
        return (true, body);
    }
    (false, failure(reply.status, &body))
}

/// The body of an `E` message.
#[must_use]
pub fn failure(status: u16, body: &[u8]) -> Vec<u8> {
    let mut out = format!("{status} {}\n\n", reason(status)).into_bytes();
    out.extend_from_slice(body);
    out
}

/// Splits the body of an `E` message into status and the rest; `None` when it has no status, as
/// with errors of the stream itself.
#[must_use]
pub fn read_failure(body: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = body.split_at_checked(3)?;
    let status = core::str::from_utf8(digits).ok()?.parse().ok()?;
    let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
    Some((status, rest.get(end + 2..)?))
}

/// The reason phrase of a status.
const fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        413 => "Payload Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}
