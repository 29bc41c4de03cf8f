//! Wrapping a request in layers, from the destination outwards.

use core::fmt;
use core::str::FromStr;

use rand_core::CryptoRng;
use serde::Serialize;
use session_crypto::X25519Secret;
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_types::{ParseError, X25519PublicKey, limits};

use super::{Hop, ReplyKey, frame};
use crate::OnionError;

/// Where the innermost layer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A node; the payload is the JSON text `{"method","params"}`.
    Node(Hop),
    /// A server outside the network; the payload is a [`crate::v4`] request.
    Server {
        /// Name or address.
        host: &'a str,
        /// TCP port.
        port: u16,
        /// How the last hop talks to it.
        protocol: ServerProtocol,
        /// Path on the server: `/oxen/v4/lsrpc`.
        target: &'a str,
        /// The payload is encrypted to this key.
        x25519: X25519PublicKey,
    },
}

/// How the last hop talks to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerProtocol {
    /// Plain HTTP; the onion layer still hides the content from the last hop.
    Http,
    /// HTTPS.
    Https,
}

impl ServerProtocol {
    /// The name in the control JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port used when a URL names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for ServerProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ServerProtocol {
    type Err = ParseError;

    /// `http` or `https`, with or without `://`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.strip_suffix("://").unwrap_or(text) {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err(ParseError::Alphabet("http or https")),
        }
    }
}

/// Which client a request looks like to the nodes that read its layers
/// (docs/protocol/node.md sections 7.2 and 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStyle {
    /// Session Desktop: no `enc_type` for aes-gcm, and a content type in the final control.
    Desktop,
    /// The newer library: `enc_type` in every layer, `{"headers":""}` in the final control.
    Library,
}

impl RequestStyle {
    const fn final_control(self) -> &'static str {
        match self {
            Self::Desktop => r#"{"body":null,"headers":{"Content-Type":"application/json"}}"#,
            Self::Library => r#"{"headers":""}"#,
        }
    }

    /// What `enc_type` says; `None` leaves the key out. A reader that finds none takes aes-gcm.
    fn enc_type(self, cipher: OnionCipher) -> Option<&'static str> {
        (self == Self::Library || cipher != OnionCipher::AesGcm).then(|| cipher.name())
    }
}

/// A finished request: what to post and how to read the answer.
#[derive(Debug)]
pub struct OnionRequest {
    /// Body of `POST /onion_req/v2` at the first hop.
    pub body: Vec<u8>,
    /// Opens the answer.
    pub reply: ReplyKey,
}

/// Wraps `payload` for `destination` behind `path`, guard first
/// (docs/protocol/node.md section 7.4).
///
/// With aes-gcm the request looks like Session Desktop's, with another cipher like the newer
/// library's; [`build_as`] chooses otherwise. From `rng` come, for each layer from the inside
/// out, the ephemeral secret and the nonce.
///
/// # Errors
/// [`OnionError::EmptyPath`], [`OnionError::TooLarge`] beyond what a node reads, or
/// [`OnionError::Crypto`] for a key that is no usable point.
pub fn build(
    path: &[Hop],
    destination: Destination<'_>,
    payload: &[u8],
    cipher: OnionCipher,
    rng: &mut dyn CryptoRng,
) -> Result<OnionRequest, OnionError> {
    let style = match cipher {
        OnionCipher::AesGcm => RequestStyle::Desktop,
        _ => RequestStyle::Library,
    };
    build_as(style, path, destination, payload, cipher, rng)
}

/// [`build()`] with the style given.
///
/// # Errors
/// As [`build()`].
pub fn build_as(
    style: RequestStyle,
    path: &[Hop],
    destination: Destination<'_>,
    payload: &[u8],
    cipher: OnionCipher,
    rng: &mut dyn CryptoRng,
) -> Result<OnionRequest, OnionError> {
    if path.is_empty() {
        return Err(OnionError::EmptyPath);
    }
    let enc_type = style.enc_type(cipher);
    let (plaintext, target_key) = match destination {
        Destination::Node(hop) => (
            frame::join(payload, style.final_control().as_bytes()),
            hop.x25519,
        ),
        Destination::Server { x25519, .. } => (payload.to_vec(), x25519),
    };
    let final_ephemeral = X25519Secret::generate(rng);
    let final_key = HopKey::client(cipher, &final_ephemeral, &target_key)?;
    let mut ciphertext = final_key.encrypt(&plaintext, rng);
    let mut ephemeral_key = *final_ephemeral.public();

    let mut next = destination;
    let mut relays = Vec::with_capacity(path.len());
    for hop in path.iter().rev() {
        let control = routing(&next, enc_type, ephemeral_key);
        let plaintext = frame::join(&ciphertext, &control);
        let ephemeral = X25519Secret::generate(rng);
        let key = HopKey::client(cipher, &ephemeral, &hop.x25519)?;
        ciphertext = key.encrypt(&plaintext, rng);
        ephemeral_key = *ephemeral.public();
        relays.push(key);
        next = Destination::Node(*hop);
    }
    relays.reverse();

    let body = frame::join(
        &ciphertext,
        &json(&EntryControl {
            enc_type,
            ephemeral_key,
        }),
    );
    if body.len() > limits::MAX_REQUEST_BODY {
        return Err(OnionError::TooLarge {
            size: body.len(),
            limit: limits::MAX_REQUEST_BODY,
        });
    }
    let reply = ReplyKey::new(cipher, final_ephemeral, target_key, final_key, relays);
    Ok(OnionRequest { body, reply })
}

/// Control JSON of the outermost blob. Field order is the order on the wire.
#[derive(Serialize)]
struct EntryControl {
    #[serde(skip_serializing_if = "Option::is_none")]
    enc_type: Option<&'static str>,
    ephemeral_key: X25519PublicKey,
}

#[derive(Serialize)]
struct NodeControl {
    destination: session_types::Ed25519PublicKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    enc_type: Option<&'static str>,
    ephemeral_key: X25519PublicKey,
}

#[derive(Serialize)]
struct ServerControl<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    enc_type: Option<&'static str>,
    ephemeral_key: X25519PublicKey,
    host: &'a str,
    method: &'static str,
    port: u16,
    protocol: &'static str,
    target: &'a str,
}

fn routing(
    next: &Destination<'_>,
    enc_type: Option<&'static str>,
    ephemeral_key: X25519PublicKey,
) -> Vec<u8> {
    match *next {
        Destination::Node(hop) => json(&NodeControl {
            destination: hop.ed25519,
            enc_type,
            ephemeral_key,
        }),
        Destination::Server {
            host,
            port,
            protocol,
            target,
            ..
        } => json(&ServerControl {
            enc_type,
            ephemeral_key,
            host,
            method: "POST",
            port,
            protocol: protocol.name(),
            target,
        }),
    }
}

#[allow(
    clippy::expect_used,
    reason = "structs of strings and numbers always serialise"
)]
fn json(control: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(control).expect("strings and numbers serialise")
}
