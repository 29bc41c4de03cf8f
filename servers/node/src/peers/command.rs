//! What nodes ask of each other, and the forms it has on the way.
//!
//! Over HTTPS each command has a path; over QUIC it has the name of docs/protocol/node.md
//! section 6.4, and the answer is what stands there:
//!
//! | Command | Answer over QUIC |
//! |---|---|
//! | `storage_cc` | the result, a dict; or a list of decimal status and text |
//! | `data`, `data_ready` | `OK`, or why not |
//! | `reconcile` | as `storage_cc`; an addition of this implementation, section 17.1 |
//! | `onion_request` | a list of decimal status and body |

use std::time::Duration;

use session_encoding::bt::{ListReader, ListWriter};
use session_quic::{Answer, Response};
use session_storage_rpc::{Reply, stream};
use session_types::limits;

use super::{PeerError, PeerReply};

/// Asks a node over QUIC whether it is there.
pub(crate) const PING: &str = "snode_ping";

/// An onion request from node to node over QUIC; the answer is a bt list of decimal status and
/// body.
pub(crate) const ONION: &str = "onion_request";

/// Something a node asks of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NodeCommand {
    /// Carry out a request another member of the swarm accepted.
    StorageCc,
    /// Take messages.
    Data,
    /// Say whether you see the same swarm.
    DataReady,
    /// Compare what both hold.
    Reconcile,
}

impl NodeCommand {
    const ALL: [Self; 4] = [
        Self::StorageCc,
        Self::Data,
        Self::DataReady,
        Self::Reconcile,
    ];

    /// Where it is asked over HTTPS.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::StorageCc => "/node/v1/storage_cc",
            Self::Data => "/node/v1/data",
            Self::DataReady => "/node/v1/data_ready",
            Self::Reconcile => "/node/v1/reconcile",
        }
    }

    /// Its name over QUIC.
    pub(crate) const fn endpoint(self) -> &'static str {
        match self {
            Self::StorageCc => "storage_cc",
            Self::Data => "data",
            Self::DataReady => "data_ready",
            Self::Reconcile => "reconcile",
        }
    }

    /// How far a request's time over HTTPS may be off. Comparing is how a node finds out that its
    /// clock is wrong, and does no harm when it is repeated.
    pub(crate) const fn time_tolerance(self) -> Duration {
        match self {
            Self::StorageCc | Self::Data | Self::DataReady => limits::SIGNATURE_TOLERANCE,
            Self::Reconcile => Duration::MAX,
        }
    }

    /// Whether a node that does not answer this counts as failing: other kinds of nodes do not
    /// know every command.
    pub(super) const fn tells_health(self) -> bool {
        !matches!(self, Self::Reconcile)
    }

    pub(crate) fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.path() == path)
    }

    pub(crate) fn from_endpoint(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|command| command.endpoint() == name)
    }

    /// The answer as it goes over QUIC.
    pub(crate) fn answer(self, reply: &Reply) -> Answer {
        let body = reply.to_http_body();
        match self {
            Self::StorageCc | Self::Reconcile if reply.status != 200 => {
                Answer::reply(status_and_body(reply.status, body))
            }
            _ => Answer::reply(body),
        }
    }

    /// What an answer over QUIC means.
    pub(super) fn reply(self, response: Response) -> Result<PeerReply, PeerError> {
        let Response { good, body, .. } = response;
        if !good {
            let (status, text) = stream::body::read_failure(&body).unwrap_or((500, &body));
            let body = text.to_vec().into();
            return Ok(PeerReply { status, body });
        }
        let status = match self {
            Self::StorageCc | Self::Reconcile if body.first() == Some(&b'l') => {
                return read_parts(&body);
            }
            Self::StorageCc | Self::Reconcile => 200,
            Self::Data | Self::DataReady => match body.as_slice() {
                // Upstream answers nothing before it answers OK.
                b"" | b"OK" => 200,
                b"Failed to parse messages" => 400,
                // Whatever it is, it may pass.
                _ => 409,
            },
        };
        let body = body.into();
        Ok(PeerReply { status, body })
    }
}

/// The bt list of decimal status and body.
pub(crate) fn status_and_body(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut parts = ListWriter::new();
    parts.bytes(status.to_string()).bytes(body);
    parts.finish()
}

/// What an answer to an onion request over QUIC means; nothing when the node does not know such
/// requests.
pub(super) fn onion_reply(good: bool, body: &[u8]) -> Option<Result<PeerReply, PeerError>> {
    if good {
        let read = read_parts(body).ok().filter(|_| body.starts_with(b"l"));
        return Some(read.ok_or(PeerError::BadAnswer));
    }
    if body.starts_with(b"Invalid endpoint") {
        return None;
    }
    Some(Err(PeerError::BadAnswer))
}

/// One part is a result, two are status and text.
fn read_parts(body: &[u8]) -> Result<PeerReply, PeerError> {
    let read = || {
        let mut parts = ListReader::new(body).ok()?;
        let first = parts.bytes().ok()?;
        let reply = if parts.at_end() {
            PeerReply {
                status: 200,
                body: first.to_vec().into(),
            }
        } else {
            PeerReply {
                status: core::str::from_utf8(first).ok()?.parse().ok()?,
                body: parts.bytes().ok()?.to_vec().into(),
            }
        };
        if !parts.at_end() {
            return None;
        }
        parts.finish().ok()?;
        Some(reply)
    };
    read().ok_or(PeerError::BadAnswer)
}

#[cfg(test)]
mod tests {
    use session_quic::Share;

    use super::*;

    fn reply(command: NodeCommand, good: bool, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let body = body.to_vec();
        let share = Share::default();
        let reply = command.reply(Response { good, body, share }).ok()?;
        Some((reply.status, reply.body.to_vec()))
    }

    #[test]
    fn answers_are_read_in_every_form() {
        let cc = |body: &[u8]| reply(NodeCommand::StorageCc, true, body);
        assert_eq!(cc(b"d1:ai1ee"), Some((200, b"d1:ai1ee".to_vec())));
        assert_eq!(cc(b"l2:dee"), Some((200, b"de".to_vec())));
        assert_eq!(cc(b"l3:4062:noe"), Some((406, b"no".to_vec())));
        for bad in [&b"l"[..], b"le", b"l2:xx2:noe", b"l3:4062:no1:xe"] {
            assert_eq!(cc(bad), None, "{bad:?}");
        }
        let data = |body: &[u8]| reply(NodeCommand::Data, true, body).map(|(status, _)| status);
        assert_eq!(data(b""), Some(200));
        assert_eq!(data(b"OK"), Some(200));
        assert_eq!(data(b"Failed to parse messages"), Some(400));
        assert_eq!(data(b"swarm mismatch"), Some(409));
        let failed = |body: &[u8]| reply(NodeCommand::Data, false, body);
        assert_eq!(failed(b"404 Not Found\n\nx"), Some((404, b"x".to_vec())));
        assert_eq!(
            failed(b"Invalid endpoint 'data'"),
            Some((500, b"Invalid endpoint 'data'".to_vec()))
        );
    }

    #[test]
    fn names_are_those_of_the_page() {
        for command in NodeCommand::ALL {
            assert_eq!(NodeCommand::from_path(command.path()), Some(command));
            assert_eq!(
                NodeCommand::from_endpoint(command.endpoint()),
                Some(command)
            );
        }
        assert_eq!(NodeCommand::from_endpoint("ping"), None);
    }
}
