//! Taking one layer off, at a node.

use core::fmt;

use serde_json::{Map, Value};
use session_crypto::X25519Secret;
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_types::{Ed25519PublicKey, X25519PublicKey};

use super::entry::{Entry, cipher_of};
use super::{ServerProtocol, frame};
use crate::PeelError;

/// A decrypted layer and the key it came under, which also encrypts the answer.
#[derive(Debug)]
pub struct Peeled {
    /// Key of this layer.
    pub key: HopKey,
    /// What to do.
    pub layer: Layer,
}

/// What a layer asks the node to do.
#[derive(Clone, PartialEq, Eq)]
pub enum Layer {
    /// This node is the destination.
    Final {
        /// JSON `{"method","params"}`, as for `/storage_rpc/v1`.
        request: Vec<u8>,
        /// The answer's body is to be a nested object instead of text.
        json: bool,
        /// The answer is to be base64 text.
        base64: bool,
    },
    /// Pass the inner layer to another node.
    ToNode {
        /// Which node.
        destination: Ed25519PublicKey,
        /// The client's ephemeral key for that node's layer.
        ephemeral_key: X25519PublicKey,
        /// How that node's layer is encrypted.
        cipher: OnionCipher,
        /// That node's layer.
        ciphertext: Vec<u8>,
    },
    /// Pass the whole plaintext to a server outside the network.
    ToServer {
        /// Name or address; letters, digits, `.`, `-`, `_`, or a bracketed IPv6 address.
        host: String,
        /// Path, checked against docs/protocol/node.md section 7.7.
        target: String,
        /// HTTP or HTTPS.
        protocol: ServerProtocol,
        /// TCP port, never 0.
        port: u16,
        /// The bytes to post: the whole decrypted layer, which the server reads itself.
        body: Vec<u8>,
    },
}

impl fmt::Debug for Layer {
    /// Shows neither what is asked nor where it goes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, length) = match self {
            Self::Final { request, .. } => ("Final", request.len()),
            Self::ToNode { ciphertext, .. } => ("ToNode", ciphertext.len()),
            Self::ToServer { body, .. } => ("ToServer", body.len()),
        };
        write!(f, "{name}({length} bytes)")
    }
}

/// Decrypts a node's layer and reads what it asks for (docs/protocol/node.md section 7.2).
///
/// The plaintext has the shape of an entry blob; its control JSON decides, in this order:
///
/// | control JSON has | meaning |
/// |---|---|
/// | `headers`, any value | final destination; `json` and `base64` are options |
/// | `host` | relay to a server: `target`, `port` (443), `protocol` (`https`) |
/// | `destination`, `ephemeral_key`, `enc_type` (optional) | relay to a node |
///
/// # Errors
/// [`PeelError`], which knows the answer the node gives.
pub fn peel(entry: &Entry<'_>, node: &X25519Secret) -> Result<Peeled, PeelError> {
    let key = HopKey::server(entry.cipher, node, &entry.ephemeral_key)
        .map_err(|_| PeelError::Ciphertext)?;
    let plaintext = key
        .decrypt(entry.ciphertext)
        .map_err(|_| PeelError::Ciphertext)?;
    match read_layer(plaintext) {
        Ok(layer) => Ok(Peeled { key, layer }),
        Err(Refusal::Json) => Err(PeelError::Layer { key: Box::new(key) }),
        Err(Refusal::Url) => Err(PeelError::Url { key: Box::new(key) }),
    }
}

enum Refusal {
    Json,
    Url,
}

fn read_layer(plaintext: Vec<u8>) -> Result<Layer, Refusal> {
    let (inner, control) = frame::split(&plaintext).map_err(|_| Refusal::Json)?;
    let inner_len = inner.len();
    let control = frame::control(control).ok_or(Refusal::Json)?;
    if control.contains_key("headers") {
        return Ok(Layer::Final {
            request: inner_of(plaintext, inner_len),
            json: flag(&control, "json", false)?,
            base64: flag(&control, "base64", true)?,
        });
    }
    if control.contains_key("host") {
        let host = text(&control, "host")?.to_owned();
        let target = text(&control, "target")?.to_owned();
        let port = match control.get("port") {
            None => 443,
            Some(port) => port
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port != 0)
                .ok_or(Refusal::Json)?,
        };
        let protocol = match control.get("protocol") {
            None => ServerProtocol::Https,
            Some(Value::String(name)) if name == "https" => ServerProtocol::Https,
            Some(Value::String(name)) if name == "http" => ServerProtocol::Http,
            Some(Value::String(_)) => return Err(Refusal::Url),
            Some(_) => return Err(Refusal::Json),
        };
        if !host_allowed(&host) || !target_allowed(&target) {
            return Err(Refusal::Url);
        }
        return Ok(Layer::ToServer {
            host,
            target,
            protocol,
            port,
            body: plaintext,
        });
    }
    let destination = text(&control, "destination")?
        .parse()
        .map_err(|_| Refusal::Json)?;
    let ephemeral_key = text(&control, "ephemeral_key")?
        .parse()
        .map_err(|_| Refusal::Json)?;
    let cipher = cipher_of(&control).ok_or(Refusal::Json)?;
    let ciphertext = inner_of(plaintext, inner_len);
    Ok(Layer::ToNode {
        destination,
        ephemeral_key,
        cipher,
        ciphertext,
    })
}

/// Cuts the inner bytes out of the plaintext without another allocation.
fn inner_of(mut plaintext: Vec<u8>, inner_len: usize) -> Vec<u8> {
    plaintext.truncate(4 + inner_len);
    plaintext.drain(..4);
    plaintext
}

fn text<'a>(control: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    control
        .get(name)
        .and_then(Value::as_str)
        .ok_or(Refusal::Json)
}

fn flag(control: &Map<String, Value>, name: &str, default: bool) -> Result<bool, Refusal> {
    match control.get(name) {
        None => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(Refusal::Json),
    }
}

/// Whether a node may post to this path: `/loki/…/lsrpc` or `/oxen/…/lsrpc` in unreserved
/// characters, without dot segments. What is checked is sent byte for byte, so nothing that a
/// URL library would rewrite may pass.
fn target_allowed(target: &str) -> bool {
    (target.starts_with("/loki/") || target.starts_with("/oxen/"))
        && target.ends_with("/lsrpc")
        && target.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~')
        })
        && target
            .split('/')
            .all(|segment| segment != "." && segment != "..")
}

/// Whether the text is a host name or address and nothing that changes a URL's meaning.
fn host_allowed(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address.parse::<core::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(inner: &[u8], control: &str) -> Result<Layer, &'static str> {
        read_layer(frame::join(inner, control.as_bytes())).map_err(|refusal| match refusal {
            Refusal::Json => "json",
            Refusal::Url => "url",
        })
    }

    #[test]
    fn headers_win_over_host() {
        let control = r#"{"host":"a.example","target":"/oxen/v4/lsrpc","headers":""}"#;
        assert_eq!(
            layer(b"request", control),
            Ok(Layer::Final {
                request: b"request".to_vec(),
                json: false,
                base64: true
            })
        );
        assert_eq!(
            layer(
                b"",
                r#"{"headers":null,"json":true,"base64":false,"other":[1]}  "#
            ),
            Ok(Layer::Final {
                request: Vec::new(),
                json: true,
                base64: false
            })
        );
    }

    #[test]
    fn server_defaults_and_bounds() {
        let control = r#"{"host":"a.example","target":"/oxen/v4/lsrpc","method":"GET"}"#;
        let Ok(Layer::ToServer {
            host,
            target,
            protocol,
            port,
            body,
        }) = layer(b"in", control)
        else {
            panic!("not a server layer")
        };
        assert_eq!(
            (host.as_str(), target.as_str(), port),
            ("a.example", "/oxen/v4/lsrpc", 443)
        );
        assert_eq!(protocol, ServerProtocol::Https);
        assert_eq!(body, frame::join(b"in", control.as_bytes()));
        for port in ["-1", "0", "65536", "80.5", "\"80\"", "null"] {
            let control =
                format!(r#"{{"host":"a.example","target":"/oxen/v4/lsrpc","port":{port}}}"#);
            assert_eq!(layer(b"", &control), Err("json"), "{port}");
        }
    }

    #[test]
    fn targets() {
        for target in [
            "/loki/v3/lsrpc",
            "/oxen/v4/lsrpc",
            "/oxen/a-b_c~d/v1.2/lsrpc",
        ] {
            assert!(target_allowed(target), "{target}");
        }
        for target in [
            "",
            "/not_loki/v3/lsrpc",
            "/loki/v3",
            "/oxen/v4/lsrpc?x=/lsrpc",
            "/oxen/../file#/lsrpc",
            "/oxen/../lsrpc",
            "/oxen/./lsrpc",
            "/oxen/%2e%2e/lsrpc",
            "/oxen/a\\b/lsrpc",
            "/oxen/a b/lsrpc",
            "/oxen/\n/lsrpc",
            "/oxen/é/lsrpc",
            "//oxen/v4/lsrpc",
        ] {
            assert!(!target_allowed(target), "{target}");
        }
    }

    #[test]
    fn hosts() {
        for host in [
            "a.example",
            "127.0.0.1",
            "[::1]",
            "xn--bcher-kva.example",
            "A_b-c",
        ] {
            assert!(host_allowed(host), "{host}");
        }
        for host in [
            "",
            "a/b",
            "user@host",
            "host:80",
            "h?x",
            "h#x",
            "[::1",
            "::1",
            "[x]",
            "ü.de",
        ] {
            assert!(!host_allowed(host), "{host}");
        }
    }

    #[test]
    fn bad_controls() {
        let key = "ab".repeat(32);
        for control in [
            "".to_owned(),
            "{}".to_owned(),
            "[]".to_owned(),
            r#"{"headers":"","json":1}"#.to_owned(),
            r#"{"headers":"","base64":"true"}"#.to_owned(),
            r#"{"host":"a.example"}"#.to_owned(),
            r#"{"host":5,"target":"/oxen/v4/lsrpc"}"#.to_owned(),
            r#"{"host":"a.example","target":"/oxen/v4/lsrpc","protocol":1}"#.to_owned(),
            format!(r#"{{"destination":"{key}"}}"#),
            format!(r#"{{"ephemeral_key":"{key}"}}"#),
            format!(r#"{{"destination":"{key}","ephemeral_key":"ab"}}"#),
            format!(r#"{{"destination":"{key}","ephemeral_key":"{key}","enc_type":"rot13"}}"#),
        ] {
            assert_eq!(layer(b"", &control), Err("json"), "{control}");
        }
        assert_eq!(
            layer(
                b"",
                r#"{"host":"a","target":"/oxen/v4/lsrpc","protocol":"ftp"}"#
            ),
            Err("url")
        );
        assert_eq!(
            layer(b"", r#"{"host":"a@b","target":"/oxen/v4/lsrpc"}"#),
            Err("url")
        );
        assert!(matches!(
            read_layer(b"\x05\0\0\0{}".to_vec()),
            Err(Refusal::Json)
        ));
    }
}
