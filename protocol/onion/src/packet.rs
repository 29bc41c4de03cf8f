//! The bytes of onion requests and their answers (docs/protocol/node.md section 7).
//!
//! A client calls [`build()`] and, with the [`ReplyKey`] it gets, opens the answer. A node calls
//! [`parse_entry`], [`peel`] and, as final destination, [`encode_reply`].

mod build;
mod entry;
mod frame;
mod layer;
mod reply;

pub use build::{Destination, OnionRequest, RequestStyle, ServerProtocol, build, build_as};
pub use entry::{Entry, encode_entry, encode_forward, parse_entry, parse_forward};
pub use layer::{Layer, Peeled, peel};
pub use reply::{NodeReply, ReplyBody, ReplyKey, encode_reply};
pub use session_crypto::onion_cipher::{HopKey, OnionCipher};

use session_types::{Ed25519PublicKey, NodeContact, X25519PublicKey};

/// One node of a path: the name other nodes know it by and the key its layer is encrypted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// Names the node in the layer before it.
    pub ed25519: Ed25519PublicKey,
    /// Its layer is encrypted to this key.
    pub x25519: X25519PublicKey,
}

impl From<&NodeContact> for Hop {
    fn from(contact: &NodeContact) -> Self {
        Self {
            ed25519: contact.ed25519,
            x25519: contact.x25519,
        }
    }
}
