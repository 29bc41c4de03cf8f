//! Finding out, step by step, why the network does not work as it should.

mod steps;

use core::fmt;
use core::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::Network;
use crate::network::lock;

/// How many seeds are asked at once.
const SEEDS_AT_ONCE: usize = 8;

/// One thing that was tried. Serialises with stable names; `took` in milliseconds.
///
/// Holds no address, key or account, so that it can be shown to whoever is asked for help. What
/// seeds and proxy are called is known to those who set them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was tried.
    pub name: StepName,
    /// Which one, counted from 1, when there are several of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was found, in words.
    pub detail: String,
    /// How long it took.
    #[serde(rename = "took_ms", with = "milliseconds")]
    pub took: Duration,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepName {
    /// This machine's clock against the network's.
    Clock,
    /// The guard over HTTPS.
    GuardHttps,
    /// The guard over QUIC.
    GuardQuic,
    /// The list of nodes: where from, how old, how long.
    NodeList,
    /// The members of the own swarm.
    OwnSwarm,
    /// A request through three hops.
    Path,
    /// The proxy.
    Proxy,
    /// One seed.
    Seed,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// As it should.
    Ok,
    /// Something is not as it should be; messages get through all the same.
    Warn,
    /// It does not work.
    Failed,
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "clock",
            Self::GuardHttps => "entry node over HTTPS",
            Self::GuardQuic => "entry node over QUIC",
            Self::NodeList => "list of nodes",
            Self::OwnSwarm => "nodes that keep your messages",
            Self::Path => "path of three nodes",
            Self::Proxy => "proxy",
            Self::Seed => "seed",
        })
    }
}

/// What a step found.
#[derive(Debug)]
struct Finding {
    outcome: StepOutcome,
    detail: String,
    advice: Option<String>,
}

impl Finding {
    fn ok(detail: impl Into<String>) -> Self {
        Self {
            outcome: StepOutcome::Ok,
            detail: detail.into(),
            advice: None,
        }
    }

    fn warn(detail: impl Into<String>, advice: &str) -> Self {
        Self {
            outcome: StepOutcome::Warn,
            detail: detail.into(),
            advice: Some(advice.to_owned()),
        }
    }

    fn failed(detail: impl Into<String>, advice: &str) -> Self {
        Self {
            outcome: StepOutcome::Failed,
            detail: detail.into(),
            advice: Some(advice.to_owned()),
        }
    }
}

/// What is to be tried.
#[derive(Debug, Clone, Copy)]
enum Task {
    Proxy,
    Seed(usize),
    NodeList,
    GuardQuic,
    GuardHttps,
    Path,
    Clock,
    OwnSwarm,
}

impl Network {
    /// Tries everything that a message needs, in the order in which it is needed, and tells of each
    /// step when it is done. A step that cannot work because an earlier one failed says so; all
    /// others are tried whatever happened before. No step takes longer than a few seconds.
    ///
    /// Contacts the seeds and the guard, and through it a few nodes: nobody who does not know this
    /// machine's address anyway.
    pub fn diagnose(&self) -> impl Stream<Item = Step> + Send + '_ {
        let seeds = 0..self.profile.seeds().len();
        let outside = self
            .options
            .proxy
            .is_some()
            .then_some(Task::Proxy)
            .into_iter()
            .chain(seeds.map(Task::Seed));
        let own = lock(&self.own).is_some().then_some(Task::OwnSwarm);
        let inside = [
            Task::NodeList,
            Task::GuardQuic,
            Task::GuardHttps,
            Task::Path,
            Task::Clock,
        ]
        .into_iter()
        .chain(own);
        stream::iter(outside)
            .map(|task| self.step(task))
            .buffered(SEEDS_AT_ONCE)
            .chain(stream::iter(inside).then(|task| self.step(task)))
    }

    /// All steps of [`Network::diagnose`].
    pub async fn diagnose_all(&self) -> Vec<Step> {
        self.diagnose().collect().await
    }
}

mod milliseconds {
    use core::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_and_read() {
        let step = Step {
            name: StepName::Seed,
            number: Some(2),
            outcome: StepOutcome::Failed,
            detail: "cannot connect".to_owned(),
            took: Duration::from_millis(1500),
            advice: None,
        };
        let text = r#"{"name":"seed","number":2,"outcome":"failed","detail":"cannot connect","took_ms":1500}"#;
        assert_eq!(serde_json::to_string(&step).unwrap(), text);
        assert_eq!(serde_json::from_str::<Step>(text).unwrap(), step);
        assert!(StepOutcome::Ok < StepOutcome::Warn && StepOutcome::Warn < StepOutcome::Failed);
    }
}
