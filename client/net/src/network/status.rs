//! How the client stands to the network, in terms a person can be told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use session_onion::paths::PathStatus;
use session_types::{Ed25519PublicKey, NodeContact, Timestamp};
use tokio::sync::watch;

use super::{Network, lock};
use crate::NetError;
use crate::Route;
use crate::carrier::Wire;
use crate::http::HttpError;

/// How the client stands to the network. Serialises with stable names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkStatus {
    /// Nothing has gone through yet, or not since the last failure.
    Connecting {
        /// What is being done.
        step: ConnectStep,
        /// Guards that were tried in vain since a request last went through.
        #[serde(default, skip_serializing_if = "is_none")]
        guards_tried: usize,
    },
    /// Requests go through.
    Connected {
        /// The guard in use: the only node that sees this machine's address.
        guard: NodeContact,
        /// Since when it has been ours.
        guard_since: Timestamp,
        /// Whether it stands in for a failing one.
        backup: bool,
        /// The second hop of the last request that was answered.
        middle: Option<Box<NodeContact>>,
        /// The third hop of that request.
        exit: Option<Box<NodeContact>>,
        /// What carried that request to the guard.
        wire: Option<Wire>,
        /// The nodes that keep the own messages, when none of them answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silent_swarm: Option<SilentSwarm>,
    },
    /// Nothing goes through.
    Offline {
        /// Why.
        reason: OfflineReason,
        /// Since when.
        since: Timestamp,
        /// Guards that were tried in vain since a request last went through.
        #[serde(default, skip_serializing_if = "is_none")]
        guards_tried: usize,
    },
}

/// The nodes that keep the own messages, none of which answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentSwarm {
    /// How many there are; all were asked.
    pub nodes: usize,
    /// Since when.
    pub since: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What is being done until requests go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectStep {
    /// The seeds are being asked for the list of nodes, or will be with the first request.
    #[default]
    AskingSeeds,
    /// Nodes are being asked whether a seed's list is right.
    ConfirmingList,
    /// There is a list of nodes; a guard is to be reached with the next request.
    TryingGuards,
}

/// Why nothing goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OfflineReason {
    /// The network refuses our time although it was corrected.
    ClockWrong,
    /// No guard answers, and no other node in its place.
    GuardsUnreachable,
    /// This machine has no way to send anything.
    NoNetwork,
    /// The proxy does not answer, or does not accept us.
    ProxyUnreachable,
    /// There is no list of nodes, and no seed gives one.
    SeedsUnreachable,
}

impl OfflineReason {
    /// A stable name for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ClockWrong => "clock_wrong",
            Self::GuardsUnreachable => "guards_unreachable",
            Self::NoNetwork => "no_network",
            Self::ProxyUnreachable => "proxy_unreachable",
            Self::SeedsUnreachable => "seeds_unreachable",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ClockWrong => "Set this computer's clock and time zone.",
            Self::GuardsUnreachable => {
                "Check whether other programs reach the internet; a firewall or the provider may \
                 be blocking the network. Nothing is lost, it is tried again by itself."
            }
            Self::NoNetwork => "Connect this computer to a network.",
            Self::ProxyUnreachable => {
                "Check that the proxy runs and that its address, user name and password are right."
            }
            Self::SeedsUnreachable => {
                "Check the internet connection and the address of the network."
            }
        }
    }
}

/// What the path manager does not know.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    step: ConnectStep,
    /// Nothing gets away from this machine.
    barrier: Option<(OfflineReason, Timestamp)>,
    /// There is no list of nodes and the seeds did not help.
    no_list: Option<Timestamp>,
    /// The network refuses our time.
    clock: Option<Timestamp>,
    /// Hops and transport of the last answer.
    last: Option<(Route, Wire)>,
    /// Guards from which nothing came back since a request was last answered.
    tried: BTreeSet<Ed25519PublicKey>,
    /// None of the nodes that keep the own messages answers.
    silent_swarm: Option<SilentSwarm>,
}

impl Network {
    /// How the client stands to the network, and each change of that. It is learned from requests
    /// only: nothing is sent to find out.
    #[must_use]
    pub fn watch_status(&self) -> watch::Receiver<NetworkStatus> {
        // What depends on the time alone.
        self.publish();
        self.status.subscribe()
    }

    /// Whether paths work, as the path manager sees it.
    #[must_use]
    pub fn status(&self) -> PathStatus {
        let barrier = lock(&self.facts).barrier;
        match barrier {
            Some((_, since)) => PathStatus::Offline { since },
            None => self.path_status(),
        }
    }

    pub(super) fn path_status(&self) -> PathStatus {
        lock(&self.paths).status(self.clock.now())
    }

    /// Says what is being done until paths work.
    pub(crate) fn connecting(&self, step: ConnectStep) {
        lock(&self.facts).step = step;
        self.publish();
    }

    /// The seeds were asked and gave no list.
    pub(crate) fn seeds_failed(&self) {
        let now = self.clock.now();
        lock(&self.facts).no_list.get_or_insert(now);
        self.publish();
    }

    /// There is a list of nodes.
    pub(crate) fn list_learned(&self) {
        {
            let mut facts = lock(&self.facts);
            facts.no_list = None;
            facts.step = ConnectStep::TryingGuards;
        }
        self.publish();
    }

    /// A request was answered by its destination.
    pub(crate) fn answered_over(&self, route: &Route, wire: Wire) {
        {
            let mut facts = lock(&self.facts);
            facts.barrier = None;
            facts.tried.clear();
            facts.last = Some((route.clone(), wire));
        }
        self.publish();
    }

    /// Something came back from the network; what carried it says nothing about other requests.
    pub(crate) fn got_through(&self) {
        lock(&self.facts).barrier = None;
        self.publish();
    }

    /// All nodes that keep the own messages were asked, and none answered.
    pub fn own_swarm_is_silent(&self, nodes: usize) {
        let now = self.clock.now();
        {
            let mut facts = lock(&self.facts);
            let since = facts.silent_swarm.map_or(now, |silent| silent.since);
            facts.silent_swarm = Some(SilentSwarm { nodes, since });
        }
        self.publish();
    }

    /// One of the nodes that keep the own messages answered.
    pub(super) fn own_swarm_answers(&self) {
        let was_silent = lock(&self.facts).silent_swarm.take().is_some();
        if was_silent {
            self.publish();
        }
    }

    /// Nothing came back from this guard.
    pub(super) fn guard_tried(&self, guard: &NodeContact) {
        lock(&self.facts).tried.insert(guard.ed25519);
    }

    /// A request failed: did it get away from this machine?
    pub(crate) fn note_failure(&self, error: &NetError) {
        let now = self.clock.now();
        {
            let mut facts = lock(&self.facts);
            match error {
                NetError::Http(HttpError::NoNetwork) => facts.stop(OfflineReason::NoNetwork, now),
                NetError::Http(HttpError::Proxy(_)) => {
                    facts.stop(OfflineReason::ProxyUnreachable, now);
                }
                // It may have got away or not.
                NetError::Http(HttpError::Timeout) => {}
                _ => facts.barrier = None,
            }
        }
        self.publish();
    }

    /// Whether the network took our time in a request that depends on it.
    pub(crate) fn time_accepted(&self, accepted: bool) {
        let now = self.clock.now();
        {
            let mut facts = lock(&self.facts);
            if accepted {
                facts.clock = None;
            } else {
                facts.clock.get_or_insert(now);
            }
        }
        self.publish();
    }

    /// Tells those who watch when something has changed.
    pub(crate) fn publish(&self) {
        let status = self.compose_status();
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }

    fn compose_status(&self) -> NetworkStatus {
        let paths = self.path_status();
        let has_pool = self.has_pool();
        let now = self.clock.now();
        let facts = lock(&self.facts);
        let guards_tried = facts.tried.len();
        let connecting = |step| NetworkStatus::Connecting { step, guards_tried };
        let offline = |reason, since| NetworkStatus::Offline {
            reason,
            since,
            guards_tried,
        };
        if let Some((reason, since)) = facts.barrier {
            return offline(reason, since);
        }
        if !has_pool {
            return match facts.no_list {
                Some(since) => offline(OfflineReason::SeedsUnreachable, since),
                None => connecting(facts.step),
            };
        }
        if let Some(since) = facts.clock {
            return offline(OfflineReason::ClockWrong, since);
        }
        match paths {
            PathStatus::Connected {
                guard,
                guard_since,
                backup,
            } => {
                let last = facts
                    .last
                    .as_ref()
                    .filter(|(route, _)| route.guard.ed25519 == guard.ed25519);
                NetworkStatus::Connected {
                    middle: last.map(|(route, _)| Box::new(route.middle.clone())),
                    exit: last.map(|(route, _)| Box::new(route.exit.clone())),
                    wire: last.map(|(_, wire)| *wire),
                    guard,
                    guard_since,
                    backup,
                    silent_swarm: facts.silent_swarm,
                }
            }
            PathStatus::Offline { since } => offline(OfflineReason::GuardsUnreachable, since),
            PathStatus::GuardLimit { .. } => offline(OfflineReason::GuardsUnreachable, now),
            _ => connecting(ConnectStep::TryingGuards),
        }
    }
}

impl Facts {
    fn stop(&mut self, reason: OfflineReason, now: Timestamp) {
        if self.barrier.is_none_or(|(known, _)| known != reason) {
            self.barrier = Some((reason, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable() {
        for (reason, code) in [
            (OfflineReason::ClockWrong, "clock_wrong"),
            (OfflineReason::GuardsUnreachable, "guards_unreachable"),
            (OfflineReason::NoNetwork, "no_network"),
            (OfflineReason::ProxyUnreachable, "proxy_unreachable"),
            (OfflineReason::SeedsUnreachable, "seeds_unreachable"),
        ] {
            assert_eq!(reason.code(), code);
            let status = NetworkStatus::Offline {
                reason,
                since: Timestamp::from_ms(5),
                guards_tried: 0,
            };
            let text = format!(r#"{{"state":"offline","reason":"{code}","since":5}}"#);
            assert_eq!(serde_json::to_string(&status).unwrap(), text);
            assert_eq!(
                serde_json::from_str::<NetworkStatus>(&text).unwrap(),
                status
            );
            assert!(reason.advice().ends_with('.'));
        }
        let step = ConnectStep::ConfirmingList;
        let connecting = |guards_tried| NetworkStatus::Connecting { step, guards_tried };
        let text = serde_json::to_string(&connecting(0)).unwrap();
        assert_eq!(text, r#"{"state":"connecting","step":"confirming_list"}"#);
        let text = serde_json::to_string(&connecting(3)).unwrap();
        assert_eq!(
            text,
            r#"{"state":"connecting","step":"confirming_list","guards_tried":3}"#
        );
    }
}
