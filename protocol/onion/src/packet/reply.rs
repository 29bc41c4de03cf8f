//! The answer: made by the destination, opened by the client, untouched in between.

use core::fmt;

use data_encoding::{BASE64, BASE64_NOPAD};
use rand_core::CryptoRng;
use serde::Deserialize;
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_crypto::{CryptoError, X25519Secret};
use session_types::X25519PublicKey;

use crate::{OnionError, v4};

/// What a final node puts into its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReplyBody<'a> {
    /// An endpoint's answer as JSON text. Sent as text, or nested when the client asked so.
    Json(&'a str),
    /// A text, usually an error. Always sent as text.
    Text(&'a str),
    /// Bytes, sent as base64 text.
    Binary(&'a [u8]),
}

/// Makes the answer of a final node (docs/protocol/node.md section 7.6).
///
/// JSON `{"body":<text>,"status":<int>}`, encrypted under the layer's key with a fresh nonce,
/// then base64 unless the client asked for raw bytes. The outer HTTP status is 200 whatever
/// `status` is. `json` and `base64` come from [`super::Layer::Final`].
#[must_use]
pub fn encode_reply(
    key: &HopKey,
    status: u16,
    body: ReplyBody<'_>,
    json: bool,
    base64: bool,
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    let body = match body {
        ReplyBody::Json(text) if json => text.to_owned(),
        ReplyBody::Json(text) | ReplyBody::Text(text) => json_string(text),
        ReplyBody::Binary(bytes) => json_string(&BASE64.encode(bytes)),
    };
    let text = format!(r#"{{"body":{body},"status":{status}}}"#);
    let ciphertext = key.encrypt(text.as_bytes(), rng);
    if base64 {
        BASE64.encode(&ciphertext).into_bytes()
    } else {
        ciphertext
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The answer of a node: the status and body its endpoint gave.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeReply {
    /// Status of the endpoint.
    pub status: u16,
    /// Body of the endpoint: JSON text, or a plain text for most errors.
    pub body: String,
}

impl fmt::Debug for ReplyBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, length) = match self {
            Self::Json(text) => ("Json", text.len()),
            Self::Text(text) => ("Text", text.len()),
            Self::Binary(bytes) => ("Binary", bytes.len()),
        };
        write!(f, "{kind}({length} bytes)")
    }
}

impl fmt::Debug for NodeReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeReply")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Opens the answer to one request. Holds that request's keys.
pub struct ReplyKey {
    cipher: OnionCipher,
    ephemeral: X25519Secret,
    destination: X25519PublicKey,
    key: HopKey,
    /// Keys of the path's own layers, guard first: a hop that cannot act answers under its own.
    relays: Vec<HopKey>,
}

impl ReplyKey {
    pub(super) const fn new(
        cipher: OnionCipher,
        ephemeral: X25519Secret,
        destination: X25519PublicKey,
        key: HopKey,
        relays: Vec<HopKey>,
    ) -> Self {
        Self {
            cipher,
            ephemeral,
            destination,
            key,
            relays,
        }
    }

    /// Opens the answer of a node destination, given the outer HTTP body.
    ///
    /// Accepts base64 text and the wrapper `{"result":"<base64>"}` of old servers.
    ///
    /// # Errors
    /// [`OnionError::AnsweredByHop`] when another hop of the path answered,
    /// [`OnionError::Crypto`] when nobody's key opens it, [`OnionError::MalformedReply`] when it
    /// is no answer at all.
    pub fn open_node_reply(&self, http_body: &[u8]) -> Result<NodeReply, OnionError> {
        let ciphertext =
            unwrap_base64(http_body).ok_or(OnionError::MalformedReply("not base64 text"))?;
        match self.open(&ciphertext) {
            Ok(plaintext) => {
                read_node_reply(&plaintext).ok_or(OnionError::MalformedReply("no status and body"))
            }
            Err(error) => Err(self
                .opened_by_hop(&ciphertext)
                .unwrap_or_else(|| error.into())),
        }
    }

    /// Opens the answer of a v4 server, given the outer HTTP body.
    ///
    /// # Errors
    /// As [`Self::open_node_reply`]; `AnsweredByHop` is here also the last hop's refusal to
    /// contact the server.
    pub fn open_server_reply(&self, http_body: &[u8]) -> Result<v4::Response, OnionError> {
        match self.open(http_body) {
            Ok(plaintext) => v4::Response::decode(&plaintext)
                .ok_or(OnionError::MalformedReply("not a v4 answer")),
            Err(error) => {
                let by_hop = unwrap_base64(http_body).and_then(|text| self.opened_by_hop(&text));
                Err(by_hop.unwrap_or_else(|| error.into()))
            }
        }
    }

    /// Decrypts an answer with the destination's key. An aes-gcm answer to a request with
    /// another cipher is accepted too: old servers send it.
    ///
    /// # Errors
    /// [`CryptoError`] when neither opens it.
    pub fn open(&self, ciphertext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.key.decrypt(ciphertext).or_else(|error| {
            if self.cipher == OnionCipher::AesGcm {
                return Err(error);
            }
            HopKey::client(OnionCipher::AesGcm, &self.ephemeral, &self.destination)?
                .decrypt(ciphertext)
        })
    }

    fn opened_by_hop(&self, ciphertext: &[u8]) -> Option<OnionError> {
        let (hop, plaintext) = self
            .relays
            .iter()
            .enumerate()
            .rev()
            .find_map(|(hop, key)| key.decrypt(ciphertext).ok().map(|text| (hop, text)))?;
        let NodeReply { status, body } = read_node_reply(&plaintext)?;
        Some(OnionError::AnsweredByHop { hop, status, body })
    }
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyKey")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

fn read_node_reply(plaintext: &[u8]) -> Option<NodeReply> {
    #[derive(Deserialize)]
    struct Wire {
        status: u16,
        #[serde(default)]
        body: serde_json::Value,
    }
    let Wire { status, body } = serde_json::from_slice(plaintext).ok()?;
    let body = match body {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        nested => nested.to_string(),
    };
    Some(NodeReply { status, body })
}

fn unwrap_base64(http_body: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Wrapper {
        result: String,
    }
    let body = http_body.trim_ascii();
    if body.starts_with(b"{") {
        let Wrapper { result } = serde_json::from_slice(body).ok()?;
        return decode_base64(result.as_bytes());
    }
    decode_base64(body)
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    BASE64
        .decode(text)
        .or_else(|_| BASE64_NOPAD.decode(text))
        .ok()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::PeelError;
    use crate::packet::{
        Destination, Hop, Layer, OnionRequest, ServerProtocol, build, encode_entry, parse_entry,
        peel,
    };

    struct Nodes {
        hops: Vec<Hop>,
        secrets: Vec<X25519Secret>,
        rng: ChaCha20Rng,
    }

    impl Nodes {
        fn new() -> Self {
            let mut rng = ChaCha20Rng::seed_from_u64(7);
            let secrets: Vec<X25519Secret> =
                (0..4).map(|_| X25519Secret::generate(&mut rng)).collect();
            let hops = secrets
                .iter()
                .zip(0u8..)
                .map(|(secret, i)| Hop {
                    ed25519: session_types::Ed25519PublicKey::new([i; 32]),
                    x25519: *secret.public(),
                })
                .collect();
            Self { hops, secrets, rng }
        }

        fn request(&mut self, destination: Destination<'_>, cipher: OnionCipher) -> OnionRequest {
            build(&self.hops[..3], destination, b"{}", cipher, &mut self.rng).unwrap()
        }

        /// Passes a request through the first `count` nodes.
        fn carry(&self, mut body: Vec<u8>, count: usize) -> Vec<u8> {
            for secret in &self.secrets[..count] {
                let entry = parse_entry(&body).unwrap();
                let Layer::ToNode {
                    ciphertext,
                    ephemeral_key,
                    cipher,
                    ..
                } = peel(&entry, secret).unwrap().layer
                else {
                    panic!("not for a node")
                };
                body = encode_entry(&ciphertext, &ephemeral_key, cipher, Some(1));
            }
            body
        }
    }

    const CIPHERS: [OnionCipher; 2] = [OnionCipher::AesGcm, OnionCipher::XChaCha20];

    #[test]
    fn forms_of_an_answer() {
        let mut nodes = Nodes::new();
        for cipher in CIPHERS {
            let request = nodes.request(Destination::Node(nodes.hops[3]), cipher);
            let body = nodes.carry(request.body, 3);
            let key = peel(&parse_entry(&body).unwrap(), &nodes.secrets[3])
                .unwrap()
                .key;
            let rng = &mut nodes.rng;
            let opened = |bytes: &[u8]| request.reply.open_node_reply(bytes).unwrap().body;
            let nested = encode_reply(&key, 200, ReplyBody::Json(r#"{"a":1}"#), true, true, rng);
            assert_eq!(
                request
                    .reply
                    .open(&BASE64.decode(&nested).unwrap())
                    .unwrap(),
                br#"{"body":{"a":1},"status":200}"#
            );
            assert_eq!(opened(&nested), r#"{"a":1}"#);
            let text = encode_reply(&key, 400, ReplyBody::Text("no\n\"x\""), true, true, rng);
            assert_eq!(opened(&text), "no\n\"x\"");
            let binary = encode_reply(&key, 200, ReplyBody::Binary(&[0xff; 3]), false, true, rng);
            assert_eq!(opened(&binary), "////");
            let raw = encode_reply(&key, 200, ReplyBody::Text(""), false, false, rng);
            assert_eq!(
                request.reply.open(&raw).unwrap(),
                br#"{"body":"","status":200}"#
            );
        }
    }

    #[test]
    fn a_hop_that_answers_itself_is_recognised() {
        let mut nodes = Nodes::new();
        for cipher in CIPHERS {
            for hop in 0..3 {
                let request = nodes.request(Destination::Node(nodes.hops[3]), cipher);
                let body = nodes.carry(request.body, hop);
                // The layer decrypts but what it asks for is refused.
                let key = peel(&parse_entry(&body).unwrap(), &nodes.secrets[hop])
                    .unwrap()
                    .key;
                let error = PeelError::Layer { key: Box::new(key) };
                let (status, answer) = error.answer(&mut nodes.rng);
                assert_eq!(status, 200);
                match request.reply.open_node_reply(&answer) {
                    Err(OnionError::AnsweredByHop {
                        hop: found,
                        status: 400,
                        body,
                    }) => {
                        assert_eq!((found, body.as_str()), (hop, "Invalid json"));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_refused_server_is_told_from_the_servers_answer() {
        let mut nodes = Nodes::new();
        let server = |target| Destination::Server {
            host: "files.example",
            port: 443,
            protocol: ServerProtocol::Https,
            target,
            x25519: X25519PublicKey::new([9; 32]),
        };
        let request = nodes.request(server("/oxen/../lsrpc"), OnionCipher::XChaCha20);
        let body = nodes.carry(request.body, 2);
        let error = peel(&parse_entry(&body).unwrap(), &nodes.secrets[2]).unwrap_err();
        let (status, answer) = error.answer(&mut nodes.rng);
        assert_eq!(status, 200);
        assert!(matches!(
            request.reply.open_server_reply(&answer),
            Err(OnionError::AnsweredByHop { hop: 2, status: 400, body }) if body == "Invalid url"
        ));

        let secret = X25519Secret::generate(&mut nodes.rng);
        let destination = Destination::Server {
            host: "files.example",
            port: 80,
            protocol: ServerProtocol::Http,
            target: "/oxen/v4/lsrpc",
            x25519: *secret.public(),
        };
        let request = nodes.request(destination, OnionCipher::AesGcm);
        let body = nodes.carry(request.body, 2);
        let Layer::ToServer { body, .. } = peel(&parse_entry(&body).unwrap(), &nodes.secrets[2])
            .unwrap()
            .layer
        else {
            panic!("not for a server")
        };
        let entry = parse_entry(&body).unwrap();
        let key = HopKey::server(entry.cipher, &secret, &entry.ephemeral_key).unwrap();
        let response = v4::Response {
            code: 200,
            headers: v4::Headers::new(),
            body: vec![0, 1],
        };
        let answer = key.encrypt(&response.encode(), &mut nodes.rng);
        assert_eq!(request.reply.open_server_reply(&answer).unwrap(), response);
    }

    #[test]
    fn garbage_is_refused() {
        let mut nodes = Nodes::new();
        let request = nodes.request(Destination::Node(nodes.hops[3]), OnionCipher::AesGcm);
        for body in [&b""[..], b"%%%", b"{}", br#"{"result":5}"#, b"\xff\xfe"] {
            assert!(matches!(
                request.reply.open_node_reply(body),
                Err(OnionError::MalformedReply(_))
            ));
        }
        assert!(matches!(
            request
                .reply
                .open_node_reply(&BASE64.encode(&[0; 100]).into_bytes()),
            Err(OnionError::Crypto(CryptoError::Decryption))
        ));
        assert_eq!(
            PeelError::Ciphertext.answer(&mut nodes.rng),
            (400, b"Invalid ciphertext".to_vec())
        );
    }

    #[test]
    fn debug_shows_no_key() {
        let mut nodes = Nodes::new();
        let request = nodes.request(Destination::Node(nodes.hops[3]), OnionCipher::AesGcm);
        assert_eq!(
            format!("{:?}", request.reply),
            "ReplyKey { cipher: AesGcm, .. }"
        );
    }
}
