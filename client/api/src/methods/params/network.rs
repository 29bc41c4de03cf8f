//! How an account stands to the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::PollSummary;
use session_core::view::schema::Milliseconds;
use session_net::{ConnectStep, Network, NetworkStatus, Step, StepName, Wire};
use session_types::{NodeContact, Timestamp};

/// How the account stands to the network. Learned from requests only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NetworkState {
    /// Nothing has gone through yet, or not since the last failure.
    Connecting {
        /// What is being done: `asking_seeds`, `confirming_list` or `trying_guards`.
        step: String,
        /// Guards from which nothing came back since a request last went through.
        #[serde(default)]
        guards_tried: usize,
    },
    /// Requests go through.
    Connected {
        /// The only node that sees this computer's address.
        guard: Node,
        /// Since when it has been ours.
        #[schemars(with = "Milliseconds")]
        guard_since: Timestamp,
        /// Whether it stands in for a failing one.
        backup: bool,
        /// The second node of the last request that was answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        middle: Option<Node>,
        /// The third node of that request: it knew to which node it went, and not from where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<Node>,
        /// What carried that request to the guard: `https` or `quic`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wire: Option<String>,
        /// The nodes that keep the account's messages, when none of them answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silent_swarm: Option<SilentSwarm>,
    },
    /// Nothing goes through.
    Offline {
        /// Why: `clock_wrong`, `guards_unreachable`, `no_network`, `proxy_unreachable` or
        /// `seeds_unreachable`.
        reason: String,
        /// What a person can do about it.
        advice: String,
        /// Since when.
        #[schemars(with = "Milliseconds")]
        since: Timestamp,
        /// Guards from which nothing came back since a request last went through.
        #[serde(default)]
        guards_tried: usize,
    },
}

/// The nodes that keep the account's messages, none of which answers. Other nodes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SilentSwarm {
    /// How many there are; all were asked.
    pub nodes: usize,
    /// Since when.
    #[schemars(with = "Milliseconds")]
    pub since: Timestamp,
}

/// A node of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its key, as hexadecimal digits.
    pub key: String,
    /// Its address.
    pub ip: String,
    /// The port of its HTTPS listener.
    pub port: u16,
}

/// How the account stands to the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkReport {
    /// The network: `mainnet`, `testnet` or the URL of a seed.
    pub name: String,
    /// How the account stands to it.
    pub network: NetworkState,
    /// Network time.
    #[schemars(with = "Milliseconds")]
    pub now: Timestamp,
    /// How far this computer's clock is wrong, in milliseconds: below zero when it is slow.
    /// Absent when it is right or nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_off_ms: Option<i64>,
    /// What went over the wire since the account was opened.
    pub traffic: TrafficCount,
}

/// What went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficCount {
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Requests to seeds and guards.
    pub requests: u64,
    /// Of these, requests over QUIC.
    pub quic_requests: u64,
}

/// What a poll brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Polled {
    /// Messages that were not known.
    pub new_messages: usize,
    /// There is more; another poll continues.
    pub more: bool,
}

/// What was found out about the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// In the order in which a message needs them.
    pub steps: Vec<DiagnosisStep>,
}

/// One thing that was tried. Holds no address, key or account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisStep {
    /// What: `proxy`, `seed`, `node_list`, `guard_quic`, `guard_https`, `path`, `clock` or
    /// `own_swarm`.
    pub name: String,
    /// Which one, when there are several of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was found, in words.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// As it should.
    Ok,
    /// Something is not as it should be; messages get through all the same.
    Warn,
    /// It does not work.
    Failed,
}

impl From<&NodeContact> for Node {
    fn from(node: &NodeContact) -> Self {
        Self {
            key: node.ed25519.to_hex(),
            ip: node.ip.to_string(),
            port: node.https_port,
        }
    }
}

impl From<&NetworkStatus> for NetworkState {
    fn from(status: &NetworkStatus) -> Self {
        match status {
            NetworkStatus::Connected {
                guard,
                guard_since,
                backup,
                middle,
                exit,
                wire,
                silent_swarm,
            } => Self::Connected {
                guard: guard.into(),
                guard_since: *guard_since,
                backup: *backup,
                middle: middle.as_deref().map(Node::from),
                exit: exit.as_deref().map(Node::from),
                wire: wire.map(|wire| {
                    match wire {
                        Wire::Https => "https",
                        Wire::Quic => "quic",
                    }
                    .to_owned()
                }),
                silent_swarm: silent_swarm.map(|silent| SilentSwarm {
                    nodes: silent.nodes,
                    since: silent.since,
                }),
            },
            NetworkStatus::Offline {
                reason,
                since,
                guards_tried,
            } => Self::Offline {
                reason: reason.code().to_owned(),
                advice: reason.advice().to_owned(),
                since: *since,
                guards_tried: *guards_tried,
            },
            NetworkStatus::Connecting { step, guards_tried } => Self::Connecting {
                step: match step {
                    ConnectStep::AskingSeeds => "asking_seeds",
                    ConnectStep::ConfirmingList => "confirming_list",
                    _ => "trying_guards",
                }
                .to_owned(),
                guards_tried: *guards_tried,
            },
            _ => Self::Connecting {
                step: "trying_guards".to_owned(),
                guards_tried: 0,
            },
        }
    }
}

impl From<&Network> for NetworkReport {
    fn from(network: &Network) -> Self {
        let traffic = network.traffic();
        let skew = network.clock_skew().map(|skew| {
            let by = i64::try_from(skew.by.as_millis()).unwrap_or(i64::MAX);
            if skew.slow { -by } else { by }
        });
        Self {
            name: network.profile().name().to_owned(),
            network: NetworkState::from(&*network.watch_status().borrow()),
            now: network.now(),
            clock_off_ms: skew,
            traffic: TrafficCount {
                bytes_out: traffic.bytes_out,
                bytes_in: traffic.bytes_in,
                requests: traffic.requests,
                quic_requests: traffic.quic_requests,
            },
        }
    }
}

impl From<PollSummary> for Polled {
    fn from(summary: PollSummary) -> Self {
        Self {
            new_messages: summary.new_messages,
            more: summary.more,
        }
    }
}

impl From<Step> for DiagnosisStep {
    fn from(step: Step) -> Self {
        Self {
            name: match step.name {
                StepName::Clock => "clock",
                StepName::GuardHttps => "guard_https",
                StepName::GuardQuic => "guard_quic",
                StepName::NodeList => "node_list",
                StepName::OwnSwarm => "own_swarm",
                StepName::Path => "path",
                StepName::Proxy => "proxy",
                StepName::Seed => "seed",
                _ => "other",
            }
            .to_owned(),
            number: step.number,
            outcome: match step.outcome {
                session_net::StepOutcome::Ok => StepOutcome::Ok,
                session_net::StepOutcome::Warn => StepOutcome::Warn,
                session_net::StepOutcome::Failed => StepOutcome::Failed,
            },
            detail: step.detail,
            took_ms: u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX),
            advice: step.advice,
        }
    }
}
