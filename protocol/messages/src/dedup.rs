//! What tells a message seen before from a new one (docs/protocol/client.md section 4.6,
//! rules 1 to 3), and how a sender keeps its own messages apart.

use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp};

/// Names stored bytes: equal keys are the same bytes in the same mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenKey {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Which drawer of it.
    pub namespace: Namespace,
    /// The hash the swarm gave.
    pub hash: MessageHash,
}

/// Names a message whichever way it came: a sender never uses the same millisecond twice, while
/// every try to send makes other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentKey {
    /// The author, by account or blinded id.
    pub sender: SwarmPubkey,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl SentKey {
    /// The key of a message of this sender and time.
    pub fn new(sender: impl Into<SwarmPubkey>, sent_at: Timestamp) -> Self {
        Self {
            sender: sender.into(),
            sent_at,
        }
    }
}

/// Hands out sending times, none twice: some readers drop a message whose time they have seen
/// before from anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendTimes {
    last: Timestamp,
}

impl SendTimes {
    /// Goes on after `last`, the newest time used so far.
    #[must_use]
    pub fn after(last: Timestamp) -> Self {
        Self { last }
    }

    /// `now`, or the first later millisecond that was not used yet.
    pub fn next(&mut self, now: Timestamp) -> Timestamp {
        let unused = Timestamp::from_ms(self.last.as_ms().saturating_add(1));
        self.last = now.max(unused);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_twice() {
        let mut times = SendTimes::after(Timestamp::from_ms(10));
        let at = |ms| Timestamp::from_ms(ms);
        let given = [9, 10, 20, 20, 5].map(|now| times.next(at(now)));
        assert_eq!(given, [11, 12, 20, 21, 22].map(at));
    }
}
