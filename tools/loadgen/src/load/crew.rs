//! The connections of a case, at work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use session_crypto::AccountKeys;
use tokio::task::JoinSet;

use super::pace::{Pace, Schedule};
use super::prepare::{Prepared, Supply};
use super::{Run, Setup};
use crate::measure::{Outcome, Report, Tally};
use crate::process::{cpu_time, cpu_time_of_all, resident_mib};
use crate::requests::{self, Accounts, Case, DAY, PRELOADED};
use crate::transport::{Connection, Connector, Endpoint, Target};

/// Connections opened at a time: the queue of those not yet accepted has a limit.
const OPENING: usize = 64;
/// Pause before a connection that was lost is opened again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Open connections for one case.
pub(crate) struct Crew {
    setup: Setup,
    /// Processes whose time counts.
    measured: Vec<u32>,
    drivers: Vec<Driver>,
}

impl Crew {
    pub(super) async fn open(setup: &Setup, case: Case) -> anyhow::Result<Self> {
        // Of the path's three nodes only the middle one is looked at, so all go the same way.
        let one_way = case == Case::RelayedHop;
        let (guards, measured) = if one_way {
            (1, setup.pids.iter().skip(1).take(1).copied().collect())
        } else {
            (setup.targets.len(), setup.pids.clone())
        };
        let connector = Connector::new(setup.transport, case == Case::Resumption)?;
        let mut drivers = Vec::new();
        let mut opening = JoinSet::new();
        for (index, guard) in (0..setup.connections).zip((0..guards).cycle()) {
            let target = setup.targets.get(guard).context("no node to measure")?;
            let mut driver = Driver {
                connection: None,
                connector: connector.clone(),
                target: target.clone(),
                case,
                guard,
                index,
                sent: 0,
            };
            opening.spawn(async move {
                driver.connection().await?;
                anyhow::Ok(driver)
            });
            if opening.len() >= OPENING
                && let Some(opened) = opening.join_next().await
            {
                drivers.push(opened??);
            }
        }
        while let Some(opened) = opening.join_next().await {
            drivers.push(opened??);
        }
        anyhow::ensure!(!drivers.is_empty(), "no node to measure");
        Ok(Self {
            setup: setup.clone(),
            measured,
            drivers,
        })
    }

    /// Stores what reading cases read. The accounts are shared out among the connections, so that
    /// no address meets the node's limit.
    pub(super) async fn preload(
        &mut self,
        accounts: Arc<Accounts>,
        bytes: usize,
    ) -> anyhow::Result<()> {
        let step = self.drivers.len();
        let mut storing = JoinSet::new();
        for (first, mut driver) in self.drivers.drain(..).enumerate() {
            let accounts = Arc::clone(&accounts);
            storing.spawn(async move {
                for account in accounts.readers.iter().skip(first).step_by(step) {
                    for _ in 0..PRELOADED {
                        driver.store(account, bytes).await?;
                    }
                }
                anyhow::Ok(driver)
            });
        }
        while let Some(stored) = storing.join_next().await {
            self.drivers.push(stored??);
        }
        Ok(())
    }

    /// Sends the requests of `run` and reports.
    pub(crate) async fn run(
        &mut self,
        run: Run,
        supplies: &[Arc<Supply>],
    ) -> anyhow::Result<Report> {
        let own = std::process::id();
        let cpu_before = (cpu_time_of_all(&self.measured), cpu_time(own));
        let started = Instant::now();
        let schedule = Arc::new(Schedule::start(run.pace, run.length)?);
        let tally = Arc::new(Tally::new());
        let mut working = JoinSet::new();
        for mut driver in self.drivers.drain(..) {
            let supply = supplies.get(driver.guard).context("no requests")?;
            let supply = Arc::clone(supply);
            let (schedule, tally) = (Arc::clone(&schedule), Arc::clone(&tally));
            working.spawn(async move {
                driver.work(&schedule, &supply, &tally).await;
                driver
            });
        }
        while let Some(driver) = working.join_next().await {
            self.drivers.push(driver?);
        }
        let seconds = started.elapsed().as_secs_f64();
        let spent = |before: Option<Duration>, after: Option<Duration>| {
            Some(after?.checked_sub(before?)?.as_secs_f64())
        };
        let cpu = spent(cpu_before.0, cpu_time_of_all(&self.measured));
        let seen = tally.sum();
        let times = seen.good().summary();
        let repeated: usize = match run.case.writes() {
            true => supplies.iter().map(|supply| supply.repeated()).sum(),
            false => 0,
        };
        Ok(Report {
            case: run.case.name(),
            transport: self.setup.transport,
            nodes: self.setup.targets.len(),
            connections: self.setup.connections,
            message_bytes: self.setup.message_bytes,
            rate: match run.pace {
                Pace::Closed => None,
                Pace::PerSecond(rate) => Some(rate),
            },
            seconds,
            requests: times.count,
            errors: seen.error_count(),
            errors_by_kind: seen.errors().clone(),
            first_loss: seen.first_loss().map(str::to_owned),
            unsent: schedule.waiting(),
            repeated: u64::try_from(repeated)?,
            requests_per_second: times.count as f64 / seconds,
            p50_ms: times.p50_ms,
            p99_ms: times.p99_ms,
            p999_ms: times.p999_ms,
            max_ms: times.max_ms,
            refused: seen.refused().summary(),
            node_cpu_seconds: cpu,
            node_cpu_ms_per_request: cpu
                .filter(|_| times.count > 0)
                .map(|cpu| cpu * 1000.0 / times.count as f64),
            node_rss_mib: self.measured.iter().map(|pid| resident_mib(*pid)).sum(),
            own_cpu_seconds: spent(cpu_before.1, cpu_time(own)),
        })
    }
}

/// One connection at work.
struct Driver {
    connection: Option<Connection>,
    connector: Connector,
    target: Target,
    case: Case,
    /// Place of the target among the nodes.
    guard: usize,
    index: u16,
    /// Requests sent on the present connection.
    sent: usize,
}

impl Driver {
    async fn work(&mut self, schedule: &Schedule, supply: &Supply, tally: &Tally) {
        while let Some(due) = schedule.next().await {
            let Some(request) = supply.next() else { return };
            let sent = Instant::now();
            let outcome = self.ask(request).await.unwrap_or_else(|reason| {
                tally.note_loss(self.index, &reason);
                Outcome::Lost
            });
            tally.note(self.index, outcome, due.elapsed(), sent.elapsed());
            if outcome == Outcome::Lost {
                self.connection = None;
                let pause = Instant::now() + RECONNECT_PAUSE;
                tokio::time::sleep_until(pause.min(schedule.end()).into()).await;
            }
        }
    }

    async fn ask(&mut self, request: &Prepared) -> anyhow::Result<Outcome> {
        match self.case.requests_per_connection() {
            // The connection opened beforehand would be a request without its price.
            Some(1) => self.connection = None,
            Some(most) if self.sent >= most => self.connection = None,
            _ => {}
        }
        let connection = self.connection().await?;
        let answer = connection.ask(request.endpoint(), request.body()).await?;
        self.sent += 1;
        Ok(request.judge(&answer))
    }

    /// The present connection, or a new one.
    async fn connection(&mut self) -> anyhow::Result<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(self.connector.open(&self.target, self.index).await?);
            self.sent = 0;
        }
        self.connection.as_mut().context("no connection")
    }

    async fn store(&mut self, account: &AccountKeys, bytes: usize) -> anyhow::Result<()> {
        let body = requests::store(account, bytes, DAY)?;
        let connection = self.connection().await?;
        let answer = connection.ask(Endpoint::Storage, body).await?;
        anyhow::ensure!(
            answer.status == 200,
            "the node refused a message: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(())
    }
}
