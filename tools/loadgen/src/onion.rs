//! Onion requests, wrapped before the clock starts, and the check of their answers.

use anyhow::Context as _;
use data_encoding::BASE64;
use session_crypto::{HopKey, OnionCipher, X25519Secret};
use session_onion::Hop;
use session_onion::packet::{Destination, ReplyKey, build, encode_entry};
use session_types::NodeContact;

/// What clients use today.
const CIPHER: OnionCipher = OnionCipher::XChaCha20;

/// Opens the answer to one request.
pub(crate) enum Opener {
    /// The node asked is the destination.
    Direct(Box<HopKey>),
    /// There are relays before it.
    Relayed(Box<ReplyKey>),
}

/// Wraps a request for the last node of `path`, which has one to three.
pub(crate) fn wrap(path: &[&NodeContact], payload: &[u8]) -> anyhow::Result<(Vec<u8>, Opener)> {
    let mut rng = rand::rng();
    let (last, relays) = path.split_last().context("a path has a node")?;
    if relays.is_empty() {
        let ephemeral = X25519Secret::generate(&mut rng);
        let key = HopKey::client(CIPHER, &ephemeral, &last.x25519)?;
        let mut layer = u32::try_from(payload.len())?.to_le_bytes().to_vec();
        layer.extend_from_slice(payload);
        layer.extend_from_slice(br#"{"headers":""}"#);
        let ciphertext = key.encrypt(&layer, &mut rng);
        let body = encode_entry(&ciphertext, ephemeral.public(), CIPHER, None);
        return Ok((body, Opener::Direct(Box::new(key))));
    }
    let relays: Vec<Hop> = relays.iter().map(|node| Hop::from(*node)).collect();
    let destination = Destination::Node(Hop::from(*last));
    let request = build(&relays, destination, payload, CIPHER, &mut rng)?;
    Ok((request.body, Opener::Relayed(Box::new(request.reply))))
}

impl Opener {
    /// Status and text of the answer, if it can be opened.
    pub(crate) fn open(&self, answer: &[u8]) -> Option<(u16, String)> {
        match self {
            Self::Relayed(key) => {
                let reply = key.open_node_reply(answer).ok()?;
                Some((reply.status, reply.body))
            }
            Self::Direct(key) => {
                let text = key.decrypt(&BASE64.decode(answer).ok()?).ok()?;
                let reply: serde_json::Value = serde_json::from_slice(&text).ok()?;
                let status = u16::try_from(reply.get("status")?.as_u64()?).ok()?;
                Some((status, reply.get("body")?.as_str()?.to_owned()))
            }
        }
    }
}
