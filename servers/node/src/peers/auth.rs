//! How nodes prove to each other who they are.
//!
//! A request carries three headers:
//!
//! | Header | Content |
//! |---|---|
//! | `X-Session-Node-Pubkey` | the sender's Ed25519 key, 64 hex digits |
//! | `X-Session-Node-Timestamp` | decimal Unix milliseconds |
//! | `X-Session-Node-Signature` | base64 of the sender's Ed25519 signature |
//!
//! The signature covers `session-node-v1` ‖ recipient's Ed25519 key (32 bytes) ‖ timestamp (as in
//! the header) ‖ path ‖ BLAKE2b-256 of the body. It is accepted from nodes of the current list
//! whose time is within a minute of ours; only comparisons (`reconcile`) may come from a node whose
//! clock is wrong. What nodes ask of each other may be asked twice, so a repetition within that
//! time does no harm.
//!
//! The answer carries `X-Session-Node-Signature` too: the recipient's signature over
//! `session-node-reply-v1` ‖ sender's Ed25519 key ‖ signature of the request ‖ decimal status ‖
//! `:` ‖ BLAKE2b-256 of the body. Without it anybody between two nodes could acknowledge messages
//! that never arrived.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use session_crypto::{hash::blake2b, verify};
use session_registry::NodeList;
use session_types::{Ed25519PublicKey, Signature, Timestamp};

use super::PeerReply;
use crate::NodeIdentity;

const PUBKEY: HeaderName = HeaderName::from_static("x-session-node-pubkey");
const TIMESTAMP: HeaderName = HeaderName::from_static("x-session-node-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-session-node-signature");

const REQUEST_DOMAIN: &[u8] = b"session-node-v1";
const REPLY_DOMAIN: &[u8] = b"session-node-reply-v1";

/// A node whose request has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) key: Ed25519PublicKey,
    signature: Signature,
}

/// Why a request does not count as another node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthFailure {
    /// The signature is wrong or for another request.
    #[error("node signature verification failed")]
    Signature,
    /// The headers are missing or unreadable.
    #[error("node authentication headers missing")]
    Missing,
    /// The sender's clock and ours disagree, or the request is old.
    #[error("node timestamp too far from current time")]
    Time,
    /// The sender is not in the node list.
    #[error("not a known node")]
    Unknown,
}

/// The headers of a request, and its signature for checking the answer.
pub(super) fn sign_request(
    identity: &NodeIdentity,
    recipient: &Ed25519PublicKey,
    now: Timestamp,
    path: &str,
    body: &[u8],
) -> (HeaderMap, Signature) {
    let timestamp = now.to_string();
    let signature = identity
        .signing_key()
        .sign(&request_text(recipient, &timestamp, path, body));
    let mut headers = HeaderMap::with_capacity(3);
    let fields = [
        (PUBKEY, identity.ed25519().to_hex()),
        (TIMESTAMP, timestamp),
        (SIGNATURE, signature.to_base64()),
    ];
    for (name, value) in fields {
        // Digits and base64 are always valid header values.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    (headers, signature)
}

/// Verifies the headers of a request that arrived at `recipient`, which is this node.
pub(crate) fn verify_request(
    headers: &HeaderMap,
    recipient: &Ed25519PublicKey,
    path: &str,
    body: &[u8],
    nodes: &NodeList,
    (now, tolerance): (Timestamp, Duration),
) -> Result<Caller, AuthFailure> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or(AuthFailure::Missing)
    };
    let key: Ed25519PublicKey = text(PUBKEY)?.parse().map_err(|_| AuthFailure::Missing)?;
    let timestamp = text(TIMESTAMP)?;
    let time = timestamp
        .parse()
        .map(Timestamp::from_ms)
        .map_err(|_| AuthFailure::Missing)?;
    let signature = Signature::from_base64(text(SIGNATURE)?).map_err(|_| AuthFailure::Missing)?;
    if nodes.get(&key).is_none() {
        return Err(AuthFailure::Unknown);
    }
    if now.distance(time) > tolerance {
        return Err(AuthFailure::Time);
    }
    verify(
        &key,
        &request_text(recipient, timestamp, path, body),
        &signature,
    )
    .map_err(|_| AuthFailure::Signature)?;
    Ok(Caller { key, signature })
}

/// The header of the answer to a verified request.
pub(crate) fn sign_reply(
    identity: &NodeIdentity,
    caller: &Caller,
    status: u16,
    body: &[u8],
) -> Option<(HeaderName, HeaderValue)> {
    let text = reply_text(&caller.key, &caller.signature, status, body);
    let signature = identity.signing_key().sign(&text);
    Some((
        SIGNATURE,
        HeaderValue::try_from(signature.to_base64()).ok()?,
    ))
}

/// Whether an answer comes from `recipient` and belongs to the request with that signature.
pub(super) fn verify_reply(
    headers: &HeaderMap,
    recipient: &Ed25519PublicKey,
    sender: &Ed25519PublicKey,
    request_signature: &Signature,
    reply: &PeerReply,
) -> bool {
    let signature = headers
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Signature::from_base64(text).ok());
    signature.is_some_and(|signature| {
        let text = reply_text(sender, request_signature, reply.status, &reply.body);
        verify(recipient, &text, &signature).is_ok()
    })
}

fn request_text(recipient: &Ed25519PublicKey, time: &str, path: &str, body: &[u8]) -> Vec<u8> {
    [
        REQUEST_DOMAIN,
        recipient.as_bytes(),
        time.as_bytes(),
        path.as_bytes(),
        &blake2b::<32>(&[body]),
    ]
    .concat()
}

fn reply_text(
    sender: &Ed25519PublicKey,
    request_signature: &Signature,
    status: u16,
    body: &[u8],
) -> Vec<u8> {
    [
        REPLY_DOMAIN,
        sender.as_bytes(),
        request_signature.as_bytes(),
        status.to_string().as_bytes(),
        b":",
        &blake2b::<32>(&[body]),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bytes::Bytes;
    use session_registry::{ChainTip, RegisteredNode};
    use session_types::{NodeContact, SwarmId};

    use super::*;
    use crate::config::REPORTED_VERSION;

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn list(identity: &NodeIdentity) -> NodeList {
        let contact = NodeContact {
            ed25519: *identity.ed25519(),
            x25519: *identity.x25519(),
            legacy: identity.legacy(),
            ip: Ipv4Addr::LOCALHOST,
            https_port: 1,
            omq_port: 1,
            swarm: SwarmId::new(0),
        };
        let node = RegisteredNode::active(contact, REPORTED_VERSION);
        NodeList::new(ChainTip::at_height(1), vec![node]).unwrap()
    }

    #[test]
    fn a_request_is_accepted_once_for_its_recipient_path_body_and_minute() {
        let sender = NodeIdentity::from_seed([1; 32]);
        let recipient = *NodeIdentity::from_seed([2; 32]).ed25519();
        let nodes = list(&sender);
        let (headers, _) = sign_request(&sender, &recipient, NOW, "/node/v1/data", b"body");
        let check = |recipient, path, body: &[u8], nodes: &NodeList, now| {
            let time = (now, MINUTE);
            verify_request(&headers, recipient, path, body, nodes, time).map(|caller| caller.key)
        };
        let path = "/node/v1/data";
        assert_eq!(
            check(&recipient, path, b"body", &nodes, NOW),
            Ok(*sender.ed25519())
        );
        let edge = NOW.plus(MINUTE);
        assert_eq!(
            check(&recipient, path, b"body", &nodes, edge),
            Ok(*sender.ed25519())
        );
        let late = edge.plus(Duration::from_millis(1));
        assert_eq!(
            check(&recipient, path, b"body", &nodes, late),
            Err(AuthFailure::Time)
        );
        let wrong = Err(AuthFailure::Signature);
        assert_eq!(check(sender.ed25519(), path, b"body", &nodes, NOW), wrong);
        assert_eq!(
            check(&recipient, "/node/v1/date", b"body", &nodes, NOW),
            wrong
        );
        assert_eq!(check(&recipient, path, b"bodi", &nodes, NOW), wrong);
        let empty = NodeList::empty(ChainTip::at_height(1));
        assert_eq!(
            check(&recipient, path, b"body", &empty, NOW),
            Err(AuthFailure::Unknown)
        );
        let nothing = verify_request(
            &HeaderMap::new(),
            &recipient,
            path,
            b"",
            &nodes,
            (NOW, MINUTE),
        );
        assert_eq!(nothing, Err(AuthFailure::Missing));
    }

    #[test]
    fn an_answer_belongs_to_its_request() {
        let sender = NodeIdentity::from_seed([1; 32]);
        let recipient = NodeIdentity::from_seed([2; 32]);
        let (headers, signature) =
            sign_request(&sender, recipient.ed25519(), NOW, "/p", b"request");
        let caller = verify_request(
            &headers,
            recipient.ed25519(),
            "/p",
            b"request",
            &list(&sender),
            (NOW, MINUTE),
        )
        .unwrap();
        let (name, value) = sign_reply(&recipient, &caller, 200, b"answer").unwrap();
        let headers: HeaderMap = [(name, value)].into_iter().collect();
        let check = |status, body: &'static [u8], signature| {
            let reply = PeerReply {
                status,
                body: Bytes::from_static(body),
            };
            verify_reply(
                &headers,
                recipient.ed25519(),
                sender.ed25519(),
                signature,
                &reply,
            )
        };
        assert!(check(200, b"answer", &signature));
        assert!(!check(201, b"answer", &signature));
        assert!(!check(200, b"another", &signature));
        assert!(!check(200, b"answer", &Signature::new([7; 64])));
    }
}
