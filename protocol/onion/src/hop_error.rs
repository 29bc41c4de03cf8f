//! What hops say in the clear when they cannot pass a request on.

use session_types::Ed25519PublicKey;

/// A failure a hop reports outside the encryption (docs/protocol/node.md section 7.8).
///
/// Nodes write these with [`HopFailure::status`] and [`HopFailure::text`]; clients read them
/// with [`HopFailure::parse`]. The texts are matched by existing clients and fixed byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HopFailure {
    /// The guard limits this client, or is overloaded.
    Busy,
    /// The next hop's queue is full.
    Congested,
    /// The hop could not decrypt its layer.
    InvalidCiphertext,
    /// The next hop's answer made no sense.
    InvalidResponse,
    /// The next node is not in the hop's list.
    NextNodeNotFound(Ed25519PublicKey),
    /// The next node does not answer.
    NextNodeUnreachable(Ed25519PublicKey),
    /// A relay is not ready; it names itself.
    NodeNotReady(Ed25519PublicKey),
    /// The guard is not ready, for this reason.
    NotReady(String),
    /// The request passed more hops than allowed.
    PathTooLong,
    /// The next hop did not answer in time.
    TimedOut,
}

const NOT_FOUND: &str = "Next node not found: ";
const UNREACHABLE: &str = "Next node is currently unreachable: ";
const NODE_NOT_READY: &str = "Snode not ready: ";
const GUARD_NOT_READY: &str = "Service node is not ready: ";
const BUSY: &str = "Server busy, try again later";
const CONGESTED: &str = "Next hop congested";
const INVALID_CIPHERTEXT: &str = "Invalid ciphertext";
const INVALID_RESPONSE: &str = "Invalid response from snode";
const PATH_TOO_LONG: &str = "onion request max path length exceeded";
const TIMED_OUT: &str = "Request time out";

impl HopFailure {
    /// The HTTP status it is sent with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidCiphertext | Self::PathTooLong => 400,
            Self::InvalidResponse => 500,
            Self::NextNodeNotFound(_) | Self::NextNodeUnreachable(_) => 502,
            Self::Busy | Self::Congested | Self::NodeNotReady(_) | Self::NotReady(_) => 503,
            Self::TimedOut => 504,
        }
    }

    /// The body it is sent with.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Busy => BUSY.to_owned(),
            Self::Congested => CONGESTED.to_owned(),
            Self::InvalidCiphertext => INVALID_CIPHERTEXT.to_owned(),
            Self::InvalidResponse => INVALID_RESPONSE.to_owned(),
            Self::NextNodeNotFound(key) => format!("{NOT_FOUND}{key}"),
            Self::NextNodeUnreachable(key) => format!("{UNREACHABLE}{key}"),
            Self::NodeNotReady(key) => format!("{NODE_NOT_READY}{key}"),
            Self::NotReady(reason) => format!("{GUARD_NOT_READY}{reason}\n"),
            Self::PathTooLong => PATH_TOO_LONG.to_owned(),
            Self::TimedOut => TIMED_OUT.to_owned(),
        }
    }

    /// Recognises a failure in an outer answer. `None` for status 200 and unknown texts.
    ///
    /// The same texts may also stand in a destination's decrypted answer, with its status.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> Option<Self> {
        if status == 200 {
            return None;
        }
        let body = body.trim_ascii();
        let key_after = |prefix: &str| {
            let hex = body.strip_prefix(prefix.as_bytes())?.get(..64)?;
            core::str::from_utf8(hex).ok()?.parse().ok()
        };
        if let Some(key) = key_after(NOT_FOUND) {
            return Some(Self::NextNodeNotFound(key));
        }
        if let Some(key) = key_after(UNREACHABLE) {
            return Some(Self::NextNodeUnreachable(key));
        }
        if let Some(key) = key_after(NODE_NOT_READY) {
            return Some(Self::NodeNotReady(key));
        }
        let not_ready = GUARD_NOT_READY.trim_ascii_end().as_bytes();
        if let Some(reason) = body.strip_prefix(not_ready) {
            let reason = String::from_utf8_lossy(reason.trim_ascii()).into_owned();
            return Some(Self::NotReady(reason));
        }
        [
            (BUSY, Self::Busy),
            (CONGESTED, Self::Congested),
            (INVALID_CIPHERTEXT, Self::InvalidCiphertext),
            (INVALID_RESPONSE, Self::InvalidResponse),
            (PATH_TOO_LONG, Self::PathTooLong),
            (TIMED_OUT, Self::TimedOut),
        ]
        .into_iter()
        .find_map(|(text, failure)| (body == text.as_bytes()).then_some(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_recognised() {
        let key = Ed25519PublicKey::new([0xab; 32]);
        for failure in [
            HopFailure::Busy,
            HopFailure::Congested,
            HopFailure::InvalidCiphertext,
            HopFailure::InvalidResponse,
            HopFailure::NextNodeNotFound(key),
            HopFailure::NextNodeUnreachable(key),
            HopFailure::NodeNotReady(key),
            HopFailure::NotReady("shutting down".to_owned()),
            HopFailure::PathTooLong,
            HopFailure::TimedOut,
        ] {
            let parsed = HopFailure::parse(failure.status(), failure.text().as_bytes());
            assert_eq!(parsed, Some(failure));
        }
    }

    #[test]
    fn texts_are_byte_exact() {
        let key = Ed25519PublicKey::new([0xab; 32]);
        assert_eq!(
            HopFailure::NextNodeNotFound(key).text(),
            format!("Next node not found: {}", "ab".repeat(32))
        );
        assert_eq!(HopFailure::parse(200, b"Request time out"), None);
        assert_eq!(HopFailure::parse(502, b"Next node not found: abcd"), None);
        assert_eq!(HopFailure::parse(502, b"Bad Gateway"), None);
        assert_eq!(HopFailure::parse(500, b""), None);
    }
}
