//! Running a case: connections, pace, checking, counting.

mod crew;
mod pace;
mod prepare;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub(crate) use self::crew::Crew;
pub(crate) use self::pace::Pace;
pub(crate) use self::prepare::Supply;

use self::prepare::Order;
use crate::measure::Report;
use crate::requests::{Accounts, Case};
use crate::transport::{Target, Transport};

/// What does not change from case to case.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) transport: Transport,
    pub(crate) targets: Vec<Target>,
    /// Their processes, in the same order, where they are ours.
    pub(crate) pids: Vec<u32>,
    pub(crate) connections: u16,
    pub(crate) message_bytes: usize,
    pub(crate) accounts: u16,
    /// How long stored messages live.
    pub(crate) ttl: Duration,
}

/// Load for some nodes.
pub(crate) struct Load {
    setup: Setup,
    accounts: Arc<Accounts>,
    preloaded: bool,
}

/// One run of a case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) case: Case,
    pub(crate) pace: Pace,
    pub(crate) length: Duration,
}

impl Load {
    pub(crate) fn new(setup: Setup) -> Self {
        let accounts = Arc::new(Accounts::generate(setup.accounts));
        Self {
            setup,
            accounts,
            preloaded: false,
        }
    }

    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Changes over how many connections the following runs go.
    pub(crate) const fn set_connections(&mut self, connections: u16) {
        self.setup.connections = connections;
    }

    /// Prepares the requests of `run`, sends them and reports.
    pub(crate) async fn run(&mut self, run: Run) -> anyhow::Result<Report> {
        let mut crew = self.crew(run.case).await?;
        let supplies = self.supplies(run).await?;
        crew.run(run, &supplies).await
    }

    /// Opens the connections a case needs, and stores what it will read.
    pub(crate) async fn crew(&mut self, case: Case) -> anyhow::Result<Crew> {
        let mut crew = Crew::open(&self.setup, case).await?;
        if case.reads() && !self.preloaded {
            let bytes = self.setup.message_bytes;
            crew.preload(Arc::clone(&self.accounts), bytes).await?;
            self.preloaded = true;
        }
        Ok(crew)
    }

    /// Makes the requests of a run, one supply for each node they enter by.
    pub(crate) async fn supplies(&self, run: Run) -> anyhow::Result<Vec<Arc<Supply>>> {
        let per_second = match run.pace {
            Pace::Closed if run.case == Case::Store => 20_000.0,
            Pace::Closed => 6_000.0,
            Pace::PerSecond(rate) => rate,
        };
        let order = Order {
            case: run.case,
            count: whole(per_second * run.length.as_secs_f64()),
            message_bytes: self.setup.message_bytes,
            ttl: self.setup.ttl,
        };
        let mut preparing = JoinSet::new();
        for guard in 0..self.setup.targets.len() {
            let (order, accounts) = (order.clone(), Arc::clone(&self.accounts));
            let targets = self.setup.targets.clone();
            preparing.spawn_blocking(move || {
                let supply = Supply::prepare(&order, &accounts, &targets, guard)?;
                anyhow::Ok((guard, Arc::new(supply)))
            });
        }
        let mut supplies = Vec::new();
        while let Some(prepared) = preparing.join_next().await {
            supplies.push(prepared??);
        }
        supplies.sort_by_key(|(guard, _)| *guard);
        Ok(supplies.into_iter().map(|(_, supply)| supply).collect())
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count for a few seconds; the cast keeps it within bounds"
)]
fn whole(count: f64) -> usize {
    count.ceil() as usize
}
