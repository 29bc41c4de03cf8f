//! Running a case: connections, pace, checking, counting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use rustls::ClientConfig;
use session_crypto::AccountKeys;
use session_types::NodeContact;
use tokio::task::JoinSet;

use crate::connection::{Connection, tls_config};
use crate::measure::{Report, cpu_time, percentile_ms, resident_mib};
use crate::onion::{self, Opener};
use crate::requests::{self, Case, PRELOADED};

/// How fast requests are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends the next request when it has its answer.
    Closed,
    /// So many per second over all connections; latency counts from when a request was due.
    PerSecond(u32),
}

/// Most store requests prepared for one case; more repeat from the beginning.
const MAX_PREPARED: usize = 120_000;

#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) targets: Vec<SocketAddr>,
    /// The nodes, where they are ours: onion requests need their keys.
    pub(crate) nodes: Vec<NodeContact>,
    pub(crate) pids: Vec<u32>,
    pub(crate) connections: u16,
    pub(crate) seconds: u32,
    pub(crate) pace: Pace,
    pub(crate) message_bytes: usize,
    pub(crate) accounts: u16,
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Seen {
    latencies: Vec<Duration>,
    errors: usize,
}

impl Load {
    pub(crate) async fn run(&self, case: Case) -> anyhow::Result<Report> {
        let tls = tls_config(case == Case::Resumption)?;
        let accounts = requests::accounts(self.accounts);
        let mut open = Vec::new();
        for index in 0..self.connections {
            let target = self.target(index)?;
            open.push(Connection::open(target, index, &tls).await?);
        }
        if case.reads() {
            self.preload(&accounts, &mut open).await?;
        }
        let mut prepared = Vec::new();
        for guard in 0..self.targets.len() {
            prepared.push(Arc::new(self.prepare(case, &accounts, guard)?));
        }

        let cpu_before = self.cpu();
        let started = Instant::now();
        let end = started + Duration::from_secs(self.seconds.into());
        let mut tasks = JoinSet::new();
        for (index, connection) in (0..self.connections).zip(open) {
            let prepared = prepared
                .get(usize::from(index) % prepared.len().max(1))
                .map(Arc::clone)
                .unwrap_or_default();
            let driver = Driver {
                connection: Some(connection),
                target: self.target(index)?,
                tls: Arc::clone(&tls),
                case,
                index,
                connections: self.connections,
                pace: self.pace,
            };
            tasks.spawn(async move { driver.run(&prepared, started, end).await });
        }
        let mut latencies = Vec::new();
        let mut errors = 0;
        while let Some(done) = tasks.join_next().await {
            let seen = done?;
            latencies.extend(seen.latencies);
            errors += seen.errors;
        }
        let seconds = started.elapsed().as_secs_f64();
        let cpu = cpu_before
            .and_then(|before| self.cpu()?.checked_sub(before))
            .map(|cpu| cpu.as_secs_f64());
        latencies.sort_unstable();
        let requests = latencies.len();
        Ok(Report {
            case: case.name(),
            nodes: self.targets.len(),
            connections: self.connections,
            rate: match self.pace {
                Pace::Closed => None,
                Pace::PerSecond(rate) => Some(rate),
            },
            seconds,
            requests,
            errors,
            requests_per_second: requests as f64 / seconds,
            p50_ms: percentile_ms(&latencies, 500),
            p99_ms: percentile_ms(&latencies, 990),
            p999_ms: percentile_ms(&latencies, 999),
            node_cpu_seconds: cpu,
            node_cpu_ms_per_request: cpu.map(|cpu| cpu * 1000.0 / requests.max(1) as f64),
            node_rss_mib: self.pids.iter().map(|pid| resident_mib(*pid)).sum(),
        })
    }

    fn target(&self, index: u16) -> anyhow::Result<SocketAddr> {
        let place = usize::from(index) % self.targets.len().max(1);
        self.targets
            .get(place)
            .copied()
            .context("no node to measure")
    }

    /// Processor time of all nodes; `None` when they are not ours to look at.
    fn cpu(&self) -> Option<Duration> {
        if self.pids.is_empty() {
            return None;
        }
        self.pids.iter().map(|pid| cpu_time(*pid)).sum()
    }

    /// The requests for one of the nodes.
    fn prepare(
        &self,
        case: Case,
        accounts: &[AccountKeys],
        guard: usize,
    ) -> anyhow::Result<Vec<Prepared>> {
        let plain = self.prepare_plain(case, accounts)?;
        let Some(hops) = case.hops() else {
            let direct = |body| Prepared { body, opener: None };
            return Ok(plain.into_iter().map(direct).collect());
        };
        anyhow::ensure!(
            self.nodes.len() >= hops,
            "{} needs {hops} nodes that are started here: --nodes {hops}",
            case.name()
        );
        let path: Vec<&NodeContact> = self.nodes.iter().cycle().skip(guard).take(hops).collect();
        let wrap = |payload: Bytes| {
            let (body, opener) = onion::wrap(&path, &payload)?;
            Ok(Prepared {
                body: body.into(),
                opener: Some(opener),
            })
        };
        plain.into_iter().map(wrap).collect()
    }

    fn prepare_plain(&self, case: Case, accounts: &[AccountKeys]) -> anyhow::Result<Vec<Bytes>> {
        match case {
            Case::Info | Case::Handshake | Case::Resumption => Ok(vec![requests::info()]),
            Case::Store | Case::OnionStore | Case::OnionStore3 => {
                let per_second = match self.pace {
                    Pace::Closed if case == Case::Store => 20_000,
                    Pace::Closed => 6_000,
                    Pace::PerSecond(rate) => rate as usize,
                };
                let wanted = per_second * self.seconds as usize / self.targets.len().max(1);
                let by_memory = 1_000_000_000 / (self.message_bytes * 4 / 3 + 300);
                accounts
                    .iter()
                    .cycle()
                    .take(wanted.min(by_memory).min(MAX_PREPARED))
                    .map(|account| requests::store(account, self.message_bytes))
                    .collect()
            }
            Case::Retrieve | Case::OnionRetrieve3 => {
                Ok(accounts.iter().map(requests::retrieve).collect())
            }
            Case::Batch => accounts.iter().map(requests::batch).collect(),
            Case::IdlePoll => accounts.iter().map(requests::idle_poll).collect(),
        }
    }

    async fn preload(
        &self,
        accounts: &[AccountKeys],
        connections: &mut [Connection],
    ) -> anyhow::Result<()> {
        let count = connections.len().max(1);
        for (index, account) in accounts.iter().enumerate() {
            // In turn, so that no address meets the node's limit.
            let Some(connection) = connections.get_mut(index % count) else {
                break;
            };
            for _ in 0..PRELOADED {
                let body = requests::store(account, self.message_bytes)?;
                let (status, answer) = connection.post("/storage_rpc/v1", body).await?;
                anyhow::ensure!(
                    status == 200,
                    "the node refused a message: {status} {}",
                    String::from_utf8_lossy(&answer)
                );
            }
        }
        Ok(())
    }
}

/// A request, and what opens its answer if that is encrypted.
struct Prepared {
    body: Bytes,
    opener: Option<Opener>,
}

/// One connection at work.
struct Driver {
    connection: Option<Connection>,
    target: SocketAddr,
    tls: Arc<ClientConfig>,
    case: Case,
    index: u16,
    connections: u16,
    pace: Pace,
}

impl Driver {
    async fn run(mut self, prepared: &[Prepared], started: Instant, end: Instant) -> Seen {
        let mut seen = Seen::default();
        let mut turn = usize::from(self.index);
        loop {
            let due = match self.pace {
                Pace::Closed => Instant::now(),
                Pace::PerSecond(rate) => {
                    let after = turn as f64 / f64::from(rate.max(1));
                    let due = started + Duration::from_secs_f64(after);
                    tokio::time::sleep_until(due.into()).await;
                    due
                }
            };
            if Instant::now() >= end || due >= end {
                return seen;
            }
            let Some(request) = prepared.get(turn % prepared.len().max(1)) else {
                return seen;
            };
            turn += usize::from(self.connections);
            match self.ask(request).await {
                Ok(true) => seen.latencies.push(due.elapsed()),
                Ok(false) => seen.errors += 1,
                // A closed connection is one error, not thousands.
                Err(_) => {
                    seen.errors += 1;
                    return seen;
                }
            }
        }
    }

    /// Whether the answer is a good one.
    async fn ask(&mut self, request: &Prepared) -> anyhow::Result<bool> {
        if self.case.reconnects() {
            self.connection = None;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.target, self.index, &self.tls).await?),
        };
        let path = if request.opener.is_some() {
            "/onion_req/v2"
        } else {
            "/storage_rpc/v1"
        };
        let (status, answer) = connection.post(path, request.body.clone()).await?;
        let expected = self.case.expected();
        Ok(status == 200
            && match &request.opener {
                None => contains(&answer, expected),
                Some(opener) => opener
                    .open(&answer)
                    .is_some_and(|text| contains(text.as_bytes(), expected)),
            })
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
