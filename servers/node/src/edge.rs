//! Where a node's traffic can be held up or lost, so that tests can make a network fail without
//! changing what its nodes do. Without an [`Edge`] nothing happens here.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use session_types::Ed25519PublicKey;

/// What becomes of a request to another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It goes out, and the answer comes back.
    Through,
    /// It goes out, but the answer never comes back.
    AnswerLost,
    /// It never arrives.
    Lost,
}

/// A decision that may take its time.
pub type Held<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Stands between a node and everybody else.
pub trait Edge: Send + Sync + Debug {
    /// Asked before anything is sent to another node; the time it takes counts as that of the
    /// exchange.
    fn outgoing<'a>(&'a self, to: &'a Ed25519PublicKey) -> Held<'a, Passage>;

    /// Asked before a request is looked at that has arrived whole, of another node or, without
    /// `from`, of a client or a relay.
    fn incoming<'a>(&'a self, from: Option<&'a Ed25519PublicKey>) -> Held<'a, ()>;
}
