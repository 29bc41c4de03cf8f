//! The single steps.

use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use rand::seq::IndexedRandom as _;
use session_onion::paths::{PathRequest, Purpose};
use session_onion::pool::PoolSource;
use session_quic::QuicError;
use session_storage_rpc::Request;
use session_types::NodeContact;

use super::{Finding, Step, StepName, StepOutcome, Task};
use crate::http::HttpError;
use crate::network::{Network, lock};
use crate::seeds::SeedFailure;
use crate::{NetError, OfflineReason, ProxyFault};

/// What a step may take beyond the time of one request.
const MARGIN: Duration = Duration::from_secs(5);
/// How long the proxy may take.
const PROXY: Duration = Duration::from_secs(5);
/// A list of this age has missed several refreshes.
const OLD_LIST: Duration = Duration::from_secs(24 * 3600);
/// A direct question any node answers.
const QUESTION: &[u8] = br#"{"method":"info","params":{}}"#;

const CONNECTION: &str = "Check the internet connection; a firewall or the provider may be \
                          blocking the network.";
const EARLIER: &str = "See the steps above.";

impl Network {
    /// Runs one step, for no longer than it may take.
    pub(super) async fn step(&self, task: Task) -> Step {
        let begun = Instant::now();
        let patience = self.options.request_timeout + MARGIN;
        let finding = tokio::time::timeout(patience, Box::pin(self.find(task))).await;
        let finding = finding.unwrap_or_else(|_| Finding::failed("it takes too long", CONNECTION));
        let (name, number) = match task {
            Task::Proxy => (StepName::Proxy, None),
            Task::Seed(index) => (StepName::Seed, Some(index + 1)),
            Task::NodeList => (StepName::NodeList, None),
            Task::GuardQuic => (StepName::GuardQuic, None),
            Task::GuardHttps => (StepName::GuardHttps, None),
            Task::Path => (StepName::Path, None),
            Task::Clock => (StepName::Clock, None),
            Task::OwnSwarm => (StepName::OwnSwarm, None),
        };
        let Finding {
            outcome,
            detail,
            advice,
        } = finding;
        Step {
            name,
            number,
            outcome,
            detail,
            took: begun.elapsed(),
            advice,
        }
    }

    async fn find(&self, task: Task) -> Finding {
        match task {
            Task::Proxy => self.find_proxy().await,
            Task::Seed(index) => self.find_seed(index).await,
            Task::NodeList => self.find_list().await,
            Task::GuardQuic => self.find_guard_over_quic().await,
            Task::GuardHttps => self.find_guard_over_https().await,
            Task::Path => self.find_path().await,
            Task::Clock => self.find_clock().await,
            Task::OwnSwarm => self.find_own_swarm().await,
        }
    }

    async fn find_proxy(&self) -> Finding {
        let Some(proxy) = &self.options.proxy else {
            return Finding::ok("none is used");
        };
        match proxy.greet(PROXY).await {
            Ok(()) => Finding::ok("it answers"),
            Err(fault @ ProxyFault::Unreachable) => Finding::failed(
                fault.to_string(),
                "Start the proxy, or correct its address in the settings. Nothing is sent \
                 without it.",
            ),
            Err(fault @ ProxyFault::NotAProxy) => Finding::failed(
                fault.to_string(),
                "Correct the address, the port or the kind of the proxy in the settings.",
            ),
            Err(fault @ ProxyFault::Credentials) => Finding::failed(
                fault.to_string(),
                "Correct the user name and password of the proxy in the settings.",
            ),
        }
    }

    async fn find_seed(&self, index: usize) -> Finding {
        let Some(seed) = self.profile.seeds().get(index) else {
            return Finding::failed("there is none", EARLIER);
        };
        match self.ask_seed(seed).await {
            Ok(nodes) => Finding::ok(format!("it lists {} nodes", nodes.len())),
            Err(failure) => {
                let advice = match &failure {
                    SeedFailure::Http(error) => advice_for(error),
                    SeedFailure::Answer(_) => "Check the address of the network.",
                };
                let finding = Finding::failed(failure.reason(), advice);
                // With a list of nodes no seed is needed.
                let outcome = if self.has_pool() {
                    StepOutcome::Warn
                } else {
                    StepOutcome::Failed
                };
                Finding { outcome, ..finding }
            }
        }
    }

    async fn find_list(&self) -> Finding {
        if let Err(error) = self.ensure_pool().await {
            return Finding::failed(
                format!("there is none: {error}"),
                OfflineReason::SeedsUnreachable.advice(),
            );
        }
        let (count, source, refreshed) = {
            let pool = lock(&self.pool);
            (pool.len(), pool.source(), pool.refreshed_at())
        };
        let age = self.now().since(refreshed);
        let detail = format!("{count} nodes, {} old", in_words(age));
        if age >= OLD_LIST {
            return Finding::warn(
                detail,
                "It is renewed by itself once nodes or a seed can be reached.",
            );
        }
        if source == PoolSource::Seed {
            return Finding::warn(
                format!("{detail}, confirmed by no node yet"),
                "It is put to the nodes every few minutes; nothing needs to be done.",
            );
        }
        Finding::ok(detail)
    }

    /// The guard the next request goes through.
    fn next_guard(&self) -> Result<NodeContact, Finding> {
        if !self.has_pool() {
            return Err(Finding::failed("there is no list of nodes", EARLIER));
        }
        let request = PathRequest {
            purpose: Purpose::Lookup,
            destination: None,
            destination_swarm: &[],
        };
        let path = lock(&self.paths).path(&request, self.clock.now(), &mut rand::rng());
        match path {
            Ok(path) => Ok(path.guard().clone()),
            Err(error) => Err(Finding::failed(error.to_string(), CONNECTION)),
        }
    }

    async fn find_guard_over_quic(&self) -> Finding {
        let Some(links) = self.carrier.quic() else {
            return Finding::ok("not used with these settings");
        };
        let guard = match self.next_guard() {
            Ok(guard) => guard,
            Err(finding) => return finding,
        };
        if guard.omq_port == 0 {
            return Finding::warn(
                "its port for QUIC is not known",
                "HTTPS is used meanwhile; nothing needs to be done.",
            );
        }
        let patience = self.options.quic_connect_timeout.max(PROXY);
        match links.probe(&guard, patience).await {
            Ok(()) => Finding::ok("it answers"),
            Err(QuicError::BadAnswer) => Finding::warn(
                "who answers is not the node",
                "HTTPS is used instead; nothing needs to be done.",
            ),
            Err(_) => Finding::warn(
                "no answer",
                "HTTPS is used instead. If other networks work better, UDP is blocked here.",
            ),
        }
    }

    async fn find_guard_over_https(&self) -> Finding {
        let guard = match self.next_guard() {
            Ok(guard) => guard,
            Err(finding) => return finding,
        };
        let (path, question) = ("storage_rpc/v1", Bytes::from_static(QUESTION));
        let patience = self.options.request_timeout;
        match self.carrier.post(&guard, path, question, patience).await {
            Ok(reply) if reply.status == 200 => Finding::ok("it answers"),
            Ok(reply) => Finding::warn(
                format!("it answers with status {}", reply.status),
                "The node is busy or not ready; another one is used if that goes on.",
            ),
            Err(error) => Finding::failed(error.to_string(), advice_for(&error)),
        }
    }

    async fn find_path(&self) -> Finding {
        if !self.has_pool() {
            return Finding::failed("there is no list of nodes", EARLIER);
        }
        let nodes: Vec<NodeContact> = lock(&self.pool).nodes().cloned().collect();
        let guard = self.next_guard().ok().map(|guard| guard.ed25519);
        let others: Vec<&NodeContact> = nodes
            .iter()
            .filter(|node| Some(node.ed25519) != guard)
            .collect();
        let Ok(question) = Request::batch(vec![Request::Info]) else {
            return Finding::failed("no question can be made", EARLIER);
        };
        let mut last = NetError::NoSwarm;
        for attempt in 1..=self.options.attempts {
            let target = others.choose(&mut rand::rng()).copied();
            let Some(target) = target else { break };
            let asked = self.ask_node(target, &[], Purpose::Lookup, &question);
            match asked.await {
                Ok(reply) if attempt == 1 => {
                    let took = reply.route.elapsed.as_millis();
                    return Finding::ok(format!("answered after {took} ms"));
                }
                Ok(reply) => {
                    let took = reply.route.elapsed.as_millis();
                    return Finding::warn(
                        format!("answered after {took} ms, at try {attempt}"),
                        "Some nodes do not answer; they are avoided from now on.",
                    );
                }
                Err(error) => last = error,
            }
        }
        let advice = match &last {
            NetError::Http(error) => advice_for(error),
            _ => CONNECTION,
        };
        Finding::failed(last.to_string(), advice)
    }

    async fn find_clock(&self) -> Finding {
        if self.ask_time().await == 0 {
            return Finding::failed("no node has told the time", EARLIER);
        }
        let offset = self.clock.offset_ms();
        match self.clock_skew() {
            None => Finding::ok(format!("{} ms off", offset.unsigned_abs())),
            Some(skew) => {
                let direction = if skew.slow { "slow" } else { "fast" };
                Finding::warn(
                    format!("{} {direction}", in_words(skew.by)),
                    OfflineReason::ClockWrong.advice(),
                )
            }
        }
    }

    async fn find_own_swarm(&self) -> Finding {
        let Some(owner) = *lock(&self.own) else {
            return Finding::ok("no account");
        };
        let members = match self.swarm(&owner).await {
            Ok(members) => members.len(),
            Err(error) => return Finding::failed(error.to_string(), EARLIER),
        };
        let build = |_, _: &_| Ok(Request::batch(vec![Request::Info])?);
        let asked = self.ask_swarm(owner, Purpose::OwnSwarm, build);
        match Box::pin(asked).await {
            Ok(_) => Finding::ok(format!("{members} nodes, one asked, it answers")),
            Err(error) => Finding::failed(format!("{members} nodes: {error}"), EARLIER),
        }
    }
}

const fn advice_for(error: &HttpError) -> &'static str {
    match error {
        HttpError::NoNetwork => OfflineReason::NoNetwork.advice(),
        HttpError::Proxy(_) => OfflineReason::ProxyUnreachable.advice(),
        HttpError::Certificate => {
            "Somebody between you and the network answers in its place; try from another network."
        }
        _ => CONNECTION,
    }
}

/// A duration in the largest unit that fits.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds.div_euclid(60), "min"),
        7_200..172_800 => (seconds.div_euclid(3_600), "h"),
        _ => (seconds.div_euclid(86_400), "days"),
    };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_words() {
        for (seconds, words) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3_600, "60 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
