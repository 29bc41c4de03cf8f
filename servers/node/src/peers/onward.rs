//! Passing onion requests on (docs/protocol/node.md section 7.5).

use std::pin::pin;
use std::time::Duration;

use http::HeaderMap;
use session_onion::packet::{OnionCipher, encode_entry, encode_forward};
use session_quic::{QuicError, Response, Share};
use session_types::{NodeContact, X25519PublicKey};
use tokio::time;

use super::command::{ONION, onion_reply};
use super::links::Link;
use super::{ONION_PATH, PeerError, PeerReply, Peers, SECOND_TRY};
use crate::core::AnswerMemory;

/// Onion requests waiting for one node at a time; further ones are refused.
pub(super) const RELAYS_PER_NODE: usize = 256;
/// How long before it is looked again whether a node that has an onion request is still there.
const NEXT_LOOK: Duration = Duration::from_secs(3);
/// Longest layer passed on over QUIC: the requests that may be under way at one node fit together
/// into the memory it has for one address, or it would close the connection. Longer ones would
/// gain nothing.
const MAX_LAYER_OVER_QUIC: usize = 128 * 1024;

/// A layer of an onion request on its way to the next node.
pub(crate) struct Onward {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) ephemeral_key: X25519PublicKey,
    pub(crate) cipher: OnionCipher,
    pub(crate) hop_no: u32,
}

impl Onward {
    /// As it goes over QUIC.
    fn to_forward(&self) -> Vec<u8> {
        let Self {
            ciphertext,
            ephemeral_key,
            cipher,
            hop_no,
        } = self;
        encode_forward(ciphertext, ephemeral_key, *cipher, *hop_no)
    }

    /// As it goes over HTTPS.
    fn into_entry(self) -> Vec<u8> {
        let Self {
            ciphertext,
            ephemeral_key,
            cipher,
            hop_no,
        } = self;
        encode_entry(&ciphertext, &ephemeral_key, cipher, Some(hop_no))
    }
}

/// How much of an answer to an onion request is read.
#[derive(Debug)]
pub(crate) struct ReplyBounds<'a> {
    pub(crate) bytes: usize,
    /// Grows with what arrives.
    pub(crate) memory: &'a mut AnswerMemory,
}

impl Peers {
    /// Passes an onion request on: over QUIC where there is a connection, or else over HTTPS.
    pub(crate) async fn relay(
        &self,
        node: &NodeContact,
        layer: Onward,
        timeout: Duration,
        bounds: ReplyBounds<'_>,
    ) -> Result<PeerReply, PeerError> {
        let lanes = self.lanes_to(&node.ed25519);
        let Ok(_place) = lanes.relays.try_acquire() else {
            return Err(PeerError::Congested);
        };
        let link = match &self.links {
            Some(links) if layer.ciphertext.len() <= MAX_LAYER_OVER_QUIC => {
                links.get_for_onion(node)
            }
            _ => None,
        };
        let ReplyBounds { bytes, memory } = bounds;
        let exchange = pin!(async {
            if let Some(link) = link
                && let Some(reply) = self.relay_quic(&link, node, &layer, timeout).await
            {
                let (reply, share) = reply?;
                if reply.body.len() > bytes {
                    return Err(PeerError::BadAnswer);
                }
                drop(share);
                if !memory.fit(reply.body.len()) {
                    return Err(PeerError::NoMemory);
                }
                self.counters.onion_to_nodes_quic.one();
                return Ok(reply);
            }
            let body = layer.into_entry().into();
            let headers = HeaderMap::new();
            let posting = self.post(node, ONION_PATH, headers, body, bytes, Some(memory));
            let (reply, _) = Box::pin(posting).await?;
            self.counters.onion_to_nodes_https.one();
            Ok(reply)
        });
        let passing = pin!(self.pass(node, exchange));
        time::timeout(timeout, passing)
            .await
            .map_err(|_| PeerError::Timeout)?
    }

    /// The same over QUIC; nothing when it is to go over HTTPS after all.
    async fn relay_quic(
        &self,
        link: &Link,
        node: &NodeContact,
        layer: &Onward,
        timeout: Duration,
    ) -> Option<Result<(PeerReply, Share), PeerError>> {
        match ask(link, node, layer, timeout).await {
            Ok(Response { good, body, share }) => {
                let reply = onion_reply(good, &body);
                if reply.is_none() {
                    link.refuses_onions();
                }
                reply.map(|reply| Ok((reply?, share)))
            }
            Err(QuicError::NoMemory) => Some(Err(PeerError::NoMemory)),
            Err(QuicError::Timeout) => Some(Err(PeerError::Timeout)),
            Err(_) => {
                // As with a connection for HTTPS that has died, it is passed on again.
                link.give_up();
                None
            }
        }
    }
}

/// Passes an onion request on over QUIC. It is not asked over HTTPS as well when the answer is
/// late, for most who are late wait for others; but when the node is gone the connection is given
/// up.
async fn ask(
    link: &Link,
    node: &NodeContact,
    layer: &Onward,
    timeout: Duration,
) -> Result<Response, QuicError> {
    let body = layer.to_forward();
    let mut asking = pin!(link.onion_stream().request(ONION, body, timeout));
    let mut patience = SECOND_TRY;
    loop {
        if let Ok(answer) = time::timeout(patience, &mut asking).await {
            return answer;
        }
        patience = NEXT_LOOK;
        if let Some(_second_try) = link.second_try() {
            tokio::select! {
                answer = &mut asking => return answer,
                () = link.look_for_life(node) => {}
            }
        }
    }
}
