//! The membership handshake (docs/protocol/node.md section 5.4).

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use session_encoding::bt::{Bt, parse_lenient};
use session_types::Ed25519PublicKey;
use tokio::time::Instant;

use super::{Event, Replication, owned_range};
use crate::peers::NodeCommand;

/// What confirms a hello.
pub(crate) const OK: &str = "OK";

/// The version of the handshake.
const VERSION: i64 = 0;

/// Which members have confirmed that they see the same swarm.
#[derive(Debug)]
pub(super) struct Hello {
    interval: Duration,
    members: HashMap<Ed25519PublicKey, Member>,
}

#[derive(Debug)]
struct Member {
    confirmed: bool,
    wants_dump: bool,
    running: bool,
    due: Instant,
}

impl Hello {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            members: HashMap::new(),
        }
    }

    /// Sets who the members are. New ones are greeted, and all of them when this node lacks data.
    pub(super) fn greet(&mut self, members: Vec<Ed25519PublicKey>, wants_dump: bool) {
        let now = Instant::now();
        self.members.retain(|node, _| members.contains(node));
        for node in members {
            let member = self.members.entry(node).or_insert(Member {
                confirmed: false,
                wants_dump: false,
                running: false,
                due: now,
            });
            if wants_dump {
                member.wants_dump = true;
                member.confirmed = false;
                member.due = now;
            }
        }
    }

    /// A member that is waited for has shown itself.
    pub(super) fn hurry(&mut self, node: &Ed25519PublicKey) {
        if let Some(member) = self.members.get_mut(node) {
            member.due = Instant::now();
        }
    }

    /// How many members have not confirmed.
    pub(super) fn unconfirmed(&self) -> usize {
        self.members
            .values()
            .filter(|member| !member.confirmed)
            .count()
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let waiting = self.members.values().filter(|m| !m.confirmed && !m.running);
        waiting.map(|member| member.due).min()
    }

    /// Members to be greeted now, and whether they are asked for their messages.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(Ed25519PublicKey, bool)> {
        let mut due = Vec::new();
        for (node, member) in &mut self.members {
            if !member.confirmed && !member.running && member.due <= now {
                member.running = true;
                // Asked for again only after the answer, so that a wish that comes up meanwhile
                // is not lost.
                due.push((*node, std::mem::take(&mut member.wants_dump)));
            }
        }
        due
    }

    /// A greeting has ended.
    pub(super) fn ended(&mut self, node: &Ed25519PublicKey, asked_for_dump: bool, confirmed: bool) {
        let Some(member) = self.members.get_mut(node) else {
            return;
        };
        member.running = false;
        if confirmed {
            member.confirmed = !member.wants_dump;
        } else {
            member.wants_dump |= asked_for_dump;
            member.due = Instant::now() + self.interval;
        }
    }
}

/// Says hello to a member. Returns whether it confirmed.
pub(super) async fn say(shared: &Replication, node: &Ed25519PublicKey, wants_dump: bool) -> bool {
    let nodes = shared.registry.snapshot();
    let Some(node) = nodes.get(node) else {
        return false;
    };
    let body = encode(wants_dump);
    let timeout = shared.timing.forward_timeout;
    let reply = shared
        .call(
            &node.contact,
            NodeCommand::DataReady,
            Bytes::from(body),
            timeout,
        )
        .await;
    reply.is_ok_and(|reply| reply.status == 200 && reply.body == OK)
}

/// The body of a hello.
///
/// | Key | Value |
/// |---|---|
/// | `@` | 0, the version |
/// | `t` | 1: please send me what you have |
fn encode(wants_dump: bool) -> Vec<u8> {
    Bt::dict([("@", Bt::Int(VERSION)), ("t", Bt::Int(wants_dump.into()))]).encode()
}

impl Replication {
    /// Answers another node's hello: status and text.
    pub(crate) async fn answer_hello(
        &self,
        sender: &Ed25519PublicKey,
        body: &[u8],
    ) -> (u16, &'static str) {
        let nodes = self.registry.snapshot();
        let Some(node) = nodes.get(sender) else {
            return (400, "not a known node");
        };
        let own = self.own_swarm(&nodes);
        if own.is_none() || own != Some(node.contact.swarm) || !node.serves_swarm() {
            return (400, "swarm mismatch");
        }
        if !node.has_complete_contact() {
            return (400, "contact info missing");
        }
        let Ok(request) = parse_lenient(body) else {
            return (400, "request payload missing or malformed");
        };
        if request.get("@").and_then(|version| version.as_i64()) != Some(VERSION) {
            return (400, "unsupported data_ready version");
        }
        let wants_dump = request.get("t").and_then(|flag| flag.as_i64()) == Some(1);
        let range = own.and_then(|swarm| owned_range(nodes.swarm_ids(), swarm));
        if let (true, Some(range)) = (wants_dump, range) {
            if let Err(error) = self.store.queue_dump(*sender, range).await {
                tracing::warn!(%error, "cannot queue a dump");
                return (500, "request failed");
            }
            self.tell(Event::Requested(*sender));
        } else {
            self.tell(Event::Alive(*sender));
        }
        (200, OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload() {
        assert_eq!(encode(false), b"d1:@i0e1:ti0ee");
        assert_eq!(encode(true), b"d1:@i0e1:ti1ee");
    }

    #[test]
    fn members_are_greeted_until_they_confirm() {
        let node = Ed25519PublicKey::new([1; 32]);
        let mut hello = Hello::new(Duration::from_secs(1000));
        hello.greet(vec![node], true);
        let now = Instant::now();
        assert_eq!(hello.take_due(now), [(node, true)]);
        assert_eq!(hello.take_due(now), [], "not twice at a time");
        hello.ended(&node, true, false);
        assert_eq!(hello.take_due(now), [], "the pause");
        hello.hurry(&node);
        assert_eq!(hello.take_due(Instant::now()), [(node, true)]);
        // The need for data comes up while a greeting without it runs.
        hello.ended(&node, true, true);
        assert_eq!(hello.next_due(), None);
        hello.greet(vec![node], false);
        assert_eq!(hello.next_due(), None);
        hello.greet(vec![node], true);
        assert_eq!(hello.take_due(Instant::now()), [(node, true)]);
        hello.greet(vec![node], true);
        hello.ended(&node, true, true);
        assert_eq!(hello.take_due(Instant::now()), [(node, true)]);
        hello.ended(&node, true, true);
        hello.greet(vec![], false);
        hello.greet(vec![node], false);
        assert_eq!(hello.take_due(Instant::now()), [(node, false)]);
    }
}
