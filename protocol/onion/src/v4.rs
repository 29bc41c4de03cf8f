//! Requests to servers outside the network, and their answers (docs/protocol/node.md section
//! 7.7).
//!
//! Both are a bencoded list of one or two byte strings:
//!
//! | part | request | answer |
//! |---|---|---|
//! | 1 | JSON `{"endpoint","headers","method"}` | JSON `{"code","headers"}` |
//! | 2, optional | body | body |
//!
//! The list is encrypted as it is, without the length prefix that layers between nodes have.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use session_encoding::bt::{ListReader, ListWriter};

/// Header names and values. Names keep the case they were given in.
pub type Headers = BTreeMap<String, String>;

/// A request to a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub endpoint: String,
    /// HTTP method.
    pub method: String,
    /// Headers.
    pub headers: Headers,
    /// Body; none and empty are different things to some servers.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for Request {
    /// Shows no path, which may name a room or a file, and neither headers nor body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("code", &self.code)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Field order is the order on the wire.
#[derive(Serialize, Deserialize)]
struct RequestInfo {
    endpoint: String,
    #[serde(default)]
    headers: Headers,
    method: String,
}

impl Request {
    /// Bytes to encrypt for the server.
    ///
    /// `User-Agent` is left out: it would tell the server which client this is. With a body and
    /// no content type, `application/json` is added.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut headers = self.headers.clone();
        headers.retain(|name, _| !name.eq_ignore_ascii_case("user-agent"));
        let typed = headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("content-type"));
        if self.body.is_some() && !typed {
            headers.insert("Content-Type".to_owned(), "application/json".to_owned());
        }
        let info = RequestInfo {
            endpoint: self.endpoint.clone(),
            headers,
            method: self.method.clone(),
        };
        join(&info, self.body.as_deref())
    }

    /// Reads what a client encrypted; for servers. `None` when it is not a v4 request.
    #[must_use]
    pub fn decode(plaintext: &[u8]) -> Option<Self> {
        let (info, body) = split(plaintext)?;
        let RequestInfo {
            endpoint,
            headers,
            method,
        } = serde_json::from_slice(info).ok()?;
        Some(Self {
            endpoint,
            method,
            headers,
            body: body.map(<[u8]>::to_vec),
        })
    }
}

/// The answer of a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status the endpoint gave.
    pub code: u16,
    /// Headers.
    pub headers: Headers,
    /// Body, empty when there was none.
    pub body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct ResponseInfo {
    code: u16,
    #[serde(default)]
    headers: Headers,
}

impl Response {
    /// Bytes to encrypt for the client.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let info = ResponseInfo {
            code: self.code,
            headers: self.headers.clone(),
        };
        join(&info, Some(&self.body))
    }

    /// Reads a decrypted answer. `None` when it is not one.
    #[must_use]
    pub fn decode(plaintext: &[u8]) -> Option<Self> {
        let (info, body) = split(plaintext)?;
        let ResponseInfo { code, headers } = serde_json::from_slice(info).ok()?;
        Some(Self {
            code,
            headers,
            body: body.unwrap_or_default().to_vec(),
        })
    }
}

#[allow(
    clippy::expect_used,
    reason = "structs of strings and numbers always serialise"
)]
fn join(info: &impl Serialize, body: Option<&[u8]>) -> Vec<u8> {
    let mut list = ListWriter::new();
    list.bytes(serde_json::to_vec(info).expect("strings and numbers serialise"));
    if let Some(body) = body {
        list.bytes(body);
    }
    list.finish()
}

fn split(list: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut list = ListReader::new(list).ok()?;
    let info = list.bytes().ok()?;
    let body = if list.at_end() {
        None
    } else {
        Some(list.bytes().ok()?)
    };
    let whole = list.at_end() && list.finish().is_ok();
    whole.then_some((info, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_round_trip_and_headers() {
        let mut request = Request {
            endpoint: "/room/x?y=1".to_owned(),
            method: "POST".to_owned(),
            headers: Headers::from([("user-agent".to_owned(), "me".to_owned())]),
            body: Some(b"{}".to_vec()),
        };
        let bytes = request.encode();
        assert_eq!(
            bytes,
            br#"l88:{"endpoint":"/room/x?y=1","headers":{"Content-Type":"application/json"},"method":"POST"}2:{}e"#
        );
        request.headers =
            Headers::from([("Content-Type".to_owned(), "application/json".to_owned())]);
        assert_eq!(Request::decode(&bytes), Some(request.clone()));
        request.headers = Headers::from([("content-type".to_owned(), "text/plain".to_owned())]);
        assert_eq!(Request::decode(&request.encode()), Some(request.clone()));
        request.body = None;
        request.headers.clear();
        assert_eq!(Request::decode(&request.encode()), Some(request));
    }

    #[test]
    fn response_round_trip() {
        let response = Response {
            code: 404,
            headers: Headers::from([("content-type".to_owned(), "text/plain".to_owned())]),
            body: b"gone".to_vec(),
        };
        assert_eq!(Response::decode(&response.encode()), Some(response));
        let bare = Response {
            code: 200,
            headers: Headers::new(),
            body: Vec::new(),
        };
        assert_eq!(Response::decode(br#"l12:{"code":200}e"#), Some(bare));
    }

    #[test]
    fn malformed_lists() {
        for bad in [
            &b""[..],
            b"l",
            b"le",
            b"l2:{}e",
            br#"l12:{"code":200}"#,
            br#"l12:{"code":200}e "#,
            br#"l12:{"code":200}0:0:e"#,
            br#"l99:{"code":200}e"#,
            br#"l99999999999999999999:{"code":200}e"#,
            br#"l-1:{"code":200}e"#,
            br#"l+12:{"code":200}e"#,
            br#"l:{"code":200}e"#,
            br#"l14:{"code":70000}e"#,
        ] {
            assert_eq!(
                Response::decode(bad),
                None,
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
    }
}
