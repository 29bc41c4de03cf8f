//! The road one request took.

use core::time::Duration;

use serde::Serialize;
use session_types::NodeContact;

/// Which nodes carried a request, and what it cost. For showing to the person whose request it
/// was; never logged.
#[derive(Debug, Clone, Serialize)]
pub struct Route {
    /// First hop: the only one that saw our address.
    pub guard: NodeContact,
    /// Second hop.
    pub middle: NodeContact,
    /// Third hop: passed the request to the destination.
    pub exit: NodeContact,
    /// The swarm member, or other node, that was asked.
    pub destination: NodeContact,
    /// Bytes of the onion request sent to the guard.
    pub request_bytes: usize,
    /// Bytes of the answer.
    pub response_bytes: usize,
    /// Tries it took, this one included.
    pub attempts: u32,
    /// Time of the successful try, from sending to the opened answer.
    pub elapsed: Duration,
}
