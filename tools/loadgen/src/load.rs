//! Running a case: connections, pace, checking, counting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use session_crypto::AccountKeys;
use tokio::task::JoinSet;

use crate::connection::{Connection, tls_config};
use crate::measure::{Report, cpu_time, percentile_ms, resident_mib};
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
    pub(crate) target: SocketAddr,
    pub(crate) pid: Option<u32>,
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
        let tls = tls_config()?;
        let mut open = Vec::new();
        for index in 0..self.connections {
            open.push(Connection::open(self.target, index, &tls).await?);
        }
        let accounts = requests::accounts(self.accounts);
        if case == Case::Retrieve {
            self.preload(&accounts, &mut open).await?;
        }
        let prepared = Arc::new(self.prepare(case, &accounts)?);

        let cpu_before = self.pid.and_then(cpu_time);
        let started = Instant::now();
        let end = started + Duration::from_secs(self.seconds.into());
        let mut tasks = JoinSet::new();
        for (index, connection) in open.into_iter().enumerate() {
            let prepared = Arc::clone(&prepared);
            let connections = usize::from(self.connections);
            let pace = self.pace;
            tasks.spawn(async move {
                drive(
                    connection,
                    &prepared,
                    case,
                    index,
                    connections,
                    pace,
                    started,
                    end,
                )
                .await
            });
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
            .and_then(|before| self.pid.and_then(cpu_time)?.checked_sub(before))
            .map(|cpu| cpu.as_secs_f64());
        latencies.sort_unstable();
        let requests = latencies.len();
        Ok(Report {
            case: case.name(),
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
            node_rss_mib: self.pid.and_then(resident_mib),
        })
    }

    fn prepare(&self, case: Case, accounts: &[AccountKeys]) -> anyhow::Result<Vec<Bytes>> {
        match case {
            Case::Info => Ok(vec![requests::info()]),
            Case::Store => {
                let per_second = match self.pace {
                    Pace::Closed => 20_000,
                    Pace::PerSecond(rate) => rate as usize,
                };
                let wanted = per_second * self.seconds as usize;
                let by_memory = 1_000_000_000 / (self.message_bytes * 4 / 3 + 300);
                accounts
                    .iter()
                    .cycle()
                    .take(wanted.min(by_memory).min(MAX_PREPARED))
                    .map(|account| requests::store(account, self.message_bytes))
                    .collect()
            }
            Case::Retrieve => Ok(accounts.iter().map(requests::retrieve).collect()),
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

#[allow(
    clippy::too_many_arguments,
    reason = "the parameters of one task, named at its only call"
)]
async fn drive(
    mut connection: Connection,
    prepared: &[Bytes],
    case: Case,
    index: usize,
    connections: usize,
    pace: Pace,
    started: Instant,
    end: Instant,
) -> Seen {
    let mut seen = Seen::default();
    let mut turn = index;
    loop {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::PerSecond(rate) => {
                let due = started + Duration::from_secs_f64(turn as f64 / f64::from(rate.max(1)));
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        if Instant::now() >= end || due >= end {
            return seen;
        }
        let Some(body) = prepared.get(turn % prepared.len().max(1)) else {
            return seen;
        };
        turn += connections;
        match connection.post("/storage_rpc/v1", body.clone()).await {
            Ok((200, answer)) if contains(&answer, case.expected()) => {
                seen.latencies.push(due.elapsed());
            }
            Ok(_) => seen.errors += 1,
            // A closed connection is one error, not thousands.
            Err(_) => {
                seen.errors += 1;
                return seen;
            }
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
